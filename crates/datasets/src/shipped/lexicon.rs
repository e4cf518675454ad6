//! Bilingual dictionaries.

use crate::DatasetError;

/// Pairs of a word and one of its translations, in two parts that share no source word.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lexicon {
    /// (source word, translation) to learn from; a word has a pair for every translation.
    pub train: Vec<(String, String)>,
    /// (source word, translation) to test on.
    pub test: Vec<(String, String)>,
}

/// A text file compiled into the crate: its name and content.
macro_rules! text {
    ($name:literal) => {
        ($name, include_str!(concat!("../../data/", $name)))
    };
}

/// An English–French lexicon, written for this project: 3,096 words to learn from, 800 to test on,
/// from every band of frequency of [`glove_english`](crate::glove_english)'s words.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn english_french() -> Result<Lexicon, DatasetError> {
    Ok(Lexicon {
        train: pairs(text!("lexicon/train.en-fr.txt"))?,
        test: pairs(text!("lexicon/test.en-fr.txt"))?,
    })
}

/// The lexicon from French to English: [`english_french`]'s training pairs turned round, and 700 words
/// to test on from every band of frequency of [`fasttext_french`](crate::fasttext_french)'s words.
///
/// Neither direction learns from a word that the other one tests.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn french_english() -> Result<Lexicon, DatasetError> {
    Ok(Lexicon {
        train: pairs(text!("lexicon/train.fr-en.txt"))?,
        test: pairs(text!("lexicon/test.fr-en.txt"))?,
    })
}

/// Two columns, separated by a tab.
fn pairs((name, text): (&'static str, &str)) -> Result<Vec<(String, String)>, DatasetError> {
    let pair = |(index, line): (usize, &str)| match line.split_once('\t') {
        Some((word, translation)) if !word.is_empty() && !translation.is_empty() => {
            Ok((word.to_owned(), translation.to_owned()))
        }
        _ => {
            let reason = format!("expected two columns, found `{line}` in line {}", index + 1);
            Err(DatasetError::Shipped { name, reason })
        }
    };
    text.lines().enumerate().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(pairs(("x", "a\tb c\n")).unwrap(), [("a".to_owned(), "b c".to_owned())]);
        let error = pairs(("x", "a\tb\nc\t\n")).unwrap_err().to_string();
        assert_eq!(error, "shipped data x: expected two columns, found `c\t` in line 2");
    }
}
