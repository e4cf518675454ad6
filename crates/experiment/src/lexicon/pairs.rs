//! Word pairs, and where their words stand in two vocabularies.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use procrust_datasets::DatasetError;

use crate::{
    lexicon::plan::{LexiconSource, Training},
    shared::space::Space,
};

/// A word and one of its translations.
pub type WordPair = (String, String);

/// Why a lexicon could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairsError {
    /// The file could not be read.
    #[error("cannot read the lexicon {}", file.display())]
    Unreadable {
        /// The lexicon.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A line that is not two words.
    #[error(
        "{}:{line}: expected two words with white space between, found {found} ({text:?})",
        file.display()
    )]
    Columns {
        /// The lexicon.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Words on the line.
        found: usize,
        /// The line.
        text: String,
    },
    /// No pair at all.
    #[error("the lexicon {name} is empty")]
    Empty {
        /// The lexicon.
        name: String,
    },
    /// No pair with both words in the vocabularies.
    #[error(
        "no pair of the lexicon {name} has both words in the vocabularies; it begins with {first}: \
         are source and target, or the columns, the wrong way round?"
    )]
    NotInVocabulary {
        /// The lexicon.
        name: String,
        /// Its first pair.
        first: String,
    },
    /// No word is spelt alike in both vocabularies.
    #[error(
        "no {kind} is in both vocabularies: expected a lexicon to start from, or a method without one"
    )]
    NothingAlike {
        /// What was looked for.
        kind: &'static str,
    },
    /// The shipped lexicon could not be decoded.
    #[error("cannot decode the shipped lexicon")]
    Shipped(#[from] DatasetError),
}

/// Reads the pairs of a lexicon, for training or for the test.
///
/// # Errors
///
/// [`PairsError`] with file and line.
pub fn read_pairs(source: &LexiconSource, train: bool) -> Result<Vec<WordPair>, PairsError> {
    let pairs = match source {
        LexiconSource::File { path, swapped } => read_file(path, *swapped)?,
        LexiconSource::EnglishFrench | LexiconSource::FrenchEnglish => {
            let lexicon = match source {
                LexiconSource::EnglishFrench => procrust_datasets::english_french()?,
                _ => procrust_datasets::french_english()?,
            };
            if train { lexicon.train } else { lexicon.test }
        }
    };
    if pairs.is_empty() {
        return Err(PairsError::Empty { name: name(source) });
    }
    Ok(pairs)
}

fn name(source: &LexiconSource) -> String {
    match source {
        LexiconSource::File { path, .. } => path.display().to_string(),
        LexiconSource::EnglishFrench => "english-french".to_owned(),
        LexiconSource::FrenchEnglish => "french-english".to_owned(),
    }
}

fn read_file(path: &Path, swapped: bool) -> Result<Vec<WordPair>, PairsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| PairsError::Unreadable { file: path.to_path_buf(), cause })?;
    let mut pairs = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            [] => {}
            [first, second] if swapped => pairs.push((second.to_owned(), first.to_owned())),
            [first, second] => pairs.push((first.to_owned(), second.to_owned())),
            _ => {
                return Err(PairsError::Columns {
                    file: path.to_path_buf(),
                    line: line + 1,
                    found: words.len(),
                    text: text.to_owned(),
                });
            }
        }
    }
    Ok(pairs)
}

/// The pairs that a map is learned from, as rows.
pub(crate) fn training(
    training: &Training,
    source: &Space,
    target: &Space,
) -> Result<Vec<(usize, usize)>, PairsError> {
    match training {
        Training::Lexicon(lexicon) => {
            in_vocabulary(&read_pairs(lexicon, true)?, lexicon, source, target)
        }
        Training::Identical { numerals } => identical(source, target, *numerals),
        Training::None => Ok(Vec::new()),
    }
}

/// The words that are spelt alike in both vocabularies, or the numerals among them, in the
/// source's order.
///
/// # Errors
///
/// [`PairsError::NothingAlike`].
pub fn identical(
    source: &Space,
    target: &Space,
    numerals: bool,
) -> Result<Vec<(usize, usize)>, PairsError> {
    let find = if numerals { procrust_words::identical_digits } else { procrust_words::identical };
    let pairs = find(source.words(), target.words());
    if pairs.is_empty() {
        let kind = if numerals { "numeral" } else { "word" };
        return Err(PairsError::NothingAlike { kind });
    }
    Ok(pairs)
}

/// The pairs whose words are both in the vocabularies, as rows. A pair that stands twice counts
/// twice.
///
/// # Errors
///
/// [`PairsError::NotInVocabulary`] when there are none.
pub fn in_vocabulary(
    pairs: &[WordPair],
    lexicon: &LexiconSource,
    source: &Space,
    target: &Space,
) -> Result<Vec<(usize, usize)>, PairsError> {
    let rows: Vec<(usize, usize)> = pairs
        .iter()
        .filter_map(|(s, t)| Some((source.position(s)?, target.position(t)?)))
        .collect();
    if rows.is_empty() {
        return Err(not_in_vocabulary(pairs, lexicon));
    }
    Ok(rows)
}

fn not_in_vocabulary(pairs: &[WordPair], lexicon: &LexiconSource) -> PairsError {
    let first = pairs.first().map_or_else(String::new, |(s, t)| format!("{s} {t}"));
    PairsError::NotInVocabulary { name: name(lexicon), first }
}

/// The test words that count, with their translations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queries {
    /// A source row and the target rows of its translations, in the lexicon's order.
    pub rows: Vec<(usize, Vec<usize>)>,
    /// How many different source words the lexicon lists.
    pub listed: usize,
}

impl Queries {
    /// A query counts when it is in the source vocabulary and at least one of its translations is
    /// in the target's.
    ///
    /// # Errors
    ///
    /// [`PairsError::NotInVocabulary`] when none counts.
    pub fn find(
        pairs: &[WordPair],
        lexicon: &LexiconSource,
        source: &Space,
        target: &Space,
    ) -> Result<Self, PairsError> {
        let mut listed: HashMap<&str, usize> = HashMap::new();
        let mut all: Vec<(Option<usize>, Vec<usize>)> = Vec::new();
        for (word, translation) in pairs {
            let at = *listed.entry(word).or_insert_with(|| {
                all.push((source.position(word), Vec::new()));
                all.len() - 1
            });
            if let Some(row) = target.position(translation)
                && !all[at].1.contains(&row)
            {
                all[at].1.push(row);
            }
        }
        let rows: Vec<(usize, Vec<usize>)> = all
            .into_iter()
            .filter_map(|(row, right)| Some((row?, right)).filter(|(_, right)| !right.is_empty()))
            .collect();
        if rows.is_empty() {
            return Err(not_in_vocabulary(pairs, lexicon));
        }
        Ok(Self { rows, listed: listed.len() })
    }
}

/// Keeps the pairs of the first `most` different source words.
pub(crate) fn keep_first_words(pairs: &mut Vec<WordPair>, most: usize) {
    let mut words: HashSet<String> = HashSet::new();
    pairs.retain(|(word, _)| {
        words.contains(word) || (words.len() < most && words.insert(word.clone()))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, LexiconSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l.txt");
        std::fs::write(&path, text).unwrap();
        (folder, LexiconSource::File { path, swapped: false })
    }

    #[test]
    fn tabs_spaces_and_blank_lines() {
        let (_folder, source) = file("a\tb\n\nc  d\r\n");
        let pairs = read_pairs(&source, true).unwrap();
        assert_eq!(pairs, [("a".into(), "b".into()), ("c".into(), "d".into())]);
    }

    #[test]
    fn three_words_on_a_line_are_named() {
        let (_folder, source) = file("a b\nc d e\n");
        let text = read_pairs(&source, true).unwrap_err().to_string();
        assert!(text.ends_with(
            "l.txt:2: expected two words with white space between, found 3 (\"c d e\")"
        ));
    }

    #[test]
    fn an_empty_lexicon_is_an_error() {
        let (_folder, source) = file("\n");
        assert!(matches!(read_pairs(&source, true), Err(PairsError::Empty { .. })));
    }

    #[test]
    fn first_words_keep_all_their_translations() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let mut pairs = vec![pair("a", "1"), pair("b", "2"), pair("a", "3"), pair("c", "4")];
        keep_first_words(&mut pairs, 2);
        assert_eq!(pairs, [pair("a", "1"), pair("b", "2"), pair("a", "3")]);
    }
}
