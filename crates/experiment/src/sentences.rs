//! Sentences to rows: the weighted mean of their words' vectors.

use std::collections::HashMap;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use rayon::prelude::*;

/// The words of a sentence: lower case, letters, digits and inner apostrophes.
///
/// Follows the tokens of GloVe's vocabulary where that is simple: `n't`, `'s`, `'re`, `'ve`,
/// `'ll`, `'m` and `'d` stand by themselves, and so does each of `! ? . ,`.
pub(crate) fn tokens(sentence: &str) -> Vec<String> {
    let text = sentence.to_lowercase().replace('’', "'");
    let mut tokens = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() || (c == '\'' && !word.is_empty()) {
            word.push(c);
            continue;
        }
        split_clitics(&word, &mut tokens);
        word.clear();
        if matches!(c, '!' | '?' | '.' | ',') {
            tokens.push(c.to_string());
        }
    }
    split_clitics(&word, &mut tokens);
    tokens
}

fn split_clitics(word: &str, tokens: &mut Vec<String>) {
    let word = word.trim_end_matches('\'');
    if word.is_empty() {
        return;
    }
    for clitic in ["n't", "'s", "'re", "'ve", "'ll", "'m", "'d"] {
        if let Some(stem) = word.strip_suffix(clitic)
            && !stem.is_empty()
        {
            tokens.push(stem.to_owned());
            tokens.push(clitic.to_owned());
            return;
        }
    }
    tokens.push(word.to_owned());
}

/// Sentences as rows.
pub(crate) struct Encoded {
    /// One row a sentence; all zeros where no word is known.
    pub(crate) rows: Array2<f32>,
    /// The share of tokens that have a vector.
    pub(crate) coverage: f64,
    /// Sentences in which no word is known.
    pub(crate) empty: usize,
}

/// One row a sentence: the mean of its words' vectors, each weighted by `a / (a + p)` where `p` is
/// the word's share of all tokens of these sentences (Arora et al. 2017, "A simple but
/// tough-to-beat baseline for sentence embeddings", without the removal of the first component);
/// weighted alike without an `a`.
///
/// Words without a vector are left out.
pub(crate) fn encode(
    sentences: &[Vec<String>],
    position: &(dyn Fn(&str) -> Option<usize> + Sync),
    vectors: ArrayView2<'_, f32>,
    smoothing: Option<f64>,
) -> Encoded {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for token in sentences.iter().flatten() {
        *counts.entry(token).or_default() += 1;
    }
    let total: usize = counts.values().sum();
    #[allow(clippy::cast_precision_loss, reason = "token counts are far below 2^53")]
    let weight = |token: &str| {
        smoothing.map_or(1.0, |a| a / (a + counts[token] as f64 / total.max(1) as f64))
    };
    let row = |sentence: &Vec<String>| {
        let mut sum = Array1::<f64>::zeros(vectors.ncols());
        let (mut weights, mut known) = (0.0, 0);
        for token in sentence {
            if let Some(at) = position(token) {
                let weight = weight(token);
                sum.zip_mut_with(&vectors.row(at), |sum, &value| *sum += weight * f64::from(value));
                weights += weight;
                known += 1;
            }
        }
        if weights > 0.0 {
            sum /= weights;
        }
        (sum, known)
    };
    let encoded: Vec<(Array1<f64>, usize)> = sentences.par_iter().map(row).collect();
    let mut rows = Array2::zeros((sentences.len(), vectors.ncols()));
    for (mut row, (sum, _)) in rows.axis_iter_mut(Axis(0)).zip(&encoded) {
        #[allow(clippy::cast_possible_truncation, reason = "embeddings are f32")]
        row.zip_mut_with(sum, |row, &sum| *row = sum as f32);
    }
    let known: usize = encoded.iter().map(|(_, known)| known).sum();
    #[allow(clippy::cast_precision_loss, reason = "token counts are far below 2^53")]
    let coverage = known as f64 / total.max(1) as f64;
    let empty = encoded.iter().filter(|(_, known)| *known == 0).count();
    Encoded { rows, coverage, empty }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn clitics_and_marks_stand_alone() {
        assert_eq!(
            tokens("It’s GREAT, isn't it?! 'Twas"),
            ["it", "'s", "great", ",", "is", "n't", "it", "?", "!", "twas"]
        );
    }

    #[test]
    fn mean_leaves_unknown_words_out() {
        let vectors = array![[1.0_f32, 0.0], [0.0, 2.0]];
        let position = |word: &str| ["good", "film"].iter().position(|known| *known == word);
        let sentences = vec![tokens("good good film zzz"), tokens("zzz"), tokens("")];
        let plain = encode(&sentences, &position, vectors.view(), None);
        assert_eq!(plain.rows.row(0), array![2.0 / 3.0, 2.0 / 3.0]);
        assert_eq!(plain.rows.row(1), array![0.0, 0.0]);
        assert_eq!(plain.empty, 2);
        assert!((plain.coverage - 0.6).abs() < 1e-12);
    }

    #[test]
    fn frequent_words_weigh_less() {
        let vectors = array![[1.0_f32, 0.0], [0.0, 1.0]];
        let position = |word: &str| ["the", "film"].iter().position(|known| *known == word);
        let sentences = vec![tokens("the film"), tokens("the the the")];
        let encoded = encode(&sentences, &position, vectors.view(), Some(0.1));
        // p(the) = 4/5, p(film) = 1/5: weights 0.1/0.9 and 0.1/0.3, that is 1 to 3.
        assert!((encoded.rows[[0, 0]] - 0.25).abs() < 1e-6);
        assert!((encoded.rows[[0, 1]] - 0.75).abs() < 1e-6);
    }
}
