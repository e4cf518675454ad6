use std::collections::HashMap;

use crate::Words;

/// Pairs of rows whose words are the same in both vocabularies: a first dictionary for free.
///
/// Rows are in the order of `source`. Of a word that stands several times in a vocabulary the first
/// row counts. Case and accents must be equal.
///
/// ```
/// use procrust_words::{Embeddings, identical};
/// use ndarray::Array2;
///
/// let words = |list: &[&str]| -> Result<Embeddings, procrust_words::WordsError> {
///     let list: Vec<String> = list.iter().map(|&word| word.to_owned()).collect();
///     let rows = Array2::ones((list.len(), 2));
///     Embeddings::new(list, rows)
/// };
/// let (es, en) = (words(&["la", "radio", "1999"])?, words(&["1999", "the", "radio"])?);
/// assert_eq!(identical(es.words(), en.words()), [(1, 2), (2, 0)]);
/// # Ok::<(), procrust_words::WordsError>(())
/// ```
#[must_use]
pub fn identical(source: &Words, target: &Words) -> Vec<(usize, usize)> {
    pairs(source, target, |_| true)
}

/// As [`identical`], with words made of digits alone: numbers mean the same in most languages,
/// where equal spellings may not, and exist where the alphabets differ.
#[must_use]
pub fn identical_digits(source: &Words, target: &Words) -> Vec<(usize, usize)> {
    pairs(source, target, |word| word.chars().all(|c| c.is_ascii_digit()))
}

fn pairs(source: &Words, target: &Words, accepts: impl Fn(&str) -> bool) -> Vec<(usize, usize)> {
    let mut rows: HashMap<&str, usize> = HashMap::new();
    for (row, word) in target.iter().enumerate() {
        rows.entry(word).or_insert(row);
    }
    let found = source.iter().enumerate().filter(|(_, word)| accepts(word));
    // Taken out, so that a repeated source word gives no second pair.
    found.filter_map(|(row, word)| Some((row, rows.remove(word)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Words {
        let mut words = Words::default();
        list.iter().for_each(|word| words.push(word));
        words
    }

    #[test]
    fn digits_alone_count_as_numbers() {
        let (a, b) = (words(&["x", "12", "3a", "12"]), words(&["3a", "12", "x", "12"]));
        assert_eq!(identical(&a, &b), [(0, 2), (1, 1), (2, 0)]);
        assert_eq!(identical_digits(&a, &b), [(1, 1)]);
        assert_eq!(identical(&a, &words(&[])), []);
    }
}
