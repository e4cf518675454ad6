//! Sentiment lexicons.

use super::file::{Packed, packed};
use crate::DatasetError;

/// VADER: 7,518 English words, emoticons and abbreviations with the mean of ten ratings, −4 to 4.
///
/// In the order of the source, in which 14 tokens occur twice. Hutto & Gilbert (2014), "VADER: a
/// parsimonious rule-based model for sentiment analysis of social media text", ICWSM.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn vader_english() -> Result<Vec<(String, f64)>, DatasetError> {
    lexicon(packed!("vader.en.tsv.gz"))
}

/// AFINN-165 in French: 2,900 words and phrases with whole ratings, −5 to 5.
///
/// A machine translation, not checked by people. Nielsen (2011), "A new ANEW: evaluation of a
/// word list for sentiment analysis in microblogs", ESWC workshop on making sense of microposts.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn afinn_french() -> Result<Vec<(String, f64)>, DatasetError> {
    lexicon(packed!("afinn.fr.tsv.gz"))
}

fn lexicon(file: Packed) -> Result<Vec<(String, f64)>, DatasetError> {
    let text = file.text()?;
    rated_lines(file, &text, |line| line.rsplit_once('\t').map(|(word, rating)| (rating, word)))
        .map(|line| line.map(|(rating, word)| (word.to_owned(), rating)))
        .collect()
}

/// The lines of `text` as (rating, rest); `split` says which part is which.
pub(super) fn rated_lines<'a>(
    file: Packed,
    text: &'a str,
    split: impl Fn(&'a str) -> Option<(&'a str, &'a str)>,
) -> impl Iterator<Item = Result<(f64, &'a str), DatasetError>> {
    text.lines().enumerate().map(move |(index, line)| {
        let found = split(line).and_then(|(rating, rest)| Some((rating.parse().ok()?, rest)));
        found.ok_or_else(|| {
            file.damaged(format!(
                "expected a rating and a text, found `{line}` in line {}",
                index + 1
            ))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named() {
        let file = Packed { name: "x.gz", bytes: b"" };
        let lines: Vec<_> =
            rated_lines(file, "0.5\tgood\nmuch\tbetter", |line| line.split_once('\t')).collect();
        assert_eq!(lines[0].as_ref().unwrap(), &(0.5, "good"));
        let error = lines[1].as_ref().unwrap_err().to_string();
        assert!(error.ends_with("found `much\tbetter` in line 2"), "{error}");
    }
}
