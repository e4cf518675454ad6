use std::collections::HashMap;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use crate::{Encode, Encoded, TextError};

/// The words of a sentence: lower case, letters, digits and inner apostrophes.
///
/// Follows the tokens of GloVe's vocabulary where that is simple: `n't`, `'s`, `'re`, `'ve`,
/// `'ll`, `'m` and `'d` stand by themselves, and so does each of `! ? . ,`.
#[must_use]
pub fn words(sentence: &str) -> Vec<String> {
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

/// Vectors of words, from wherever they are.
pub trait WordVectors: Sync {
    /// The columns of a vector.
    fn dimensions(&self) -> usize;
    /// The vector of a word, if it has one.
    fn vector(&self, word: &str) -> Option<ArrayView1<'_, f32>>;
}

impl<T: WordVectors + ?Sized> WordVectors for &T {
    fn dimensions(&self) -> usize {
        (**self).dimensions()
    }

    fn vector(&self, word: &str) -> Option<ArrayView1<'_, f32>> {
        (**self).vector(word)
    }
}

/// A mean of word vectors: how words weigh, and what is taken out of the sentences.
///
/// With a `smoothing` a, a word of frequency p(w) weighs `a / (a + p(w))`. With `components` k, the
/// projections on the first k right singular vectors of the fitted sentences' matrix (not centred) are
/// taken out of every row. [`WordMean::sif`] is Arora, Liang and Ma (2017), "A simple but tough-to-beat
/// baseline for sentence embeddings", ICLR.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct WordMean {
    /// a in the weights; words weigh alike when `None`.
    pub smoothing: Option<f64>,
    /// First components that are taken out.
    pub components: usize,
    /// What the weighted sum of a sentence's vectors is divided by.
    pub divisor: Divisor,
}

/// What the weighted sum of a sentence's vectors is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Divisor {
    /// The number of its words that have a vector, as Arora et al. do.
    #[default]
    Words,
    /// The sum of the weights of these words: a mean in the strict sense.
    Weights,
}

impl WordMean {
    /// The plain mean.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }

    /// Smooth inverse frequency; Arora et al. use `smoothing` 1e-3 and take out one component.
    #[must_use]
    pub fn sif(smoothing: f64) -> Self {
        Self { smoothing: Some(smoothing), components: 1, divisor: Divisor::Words }
    }

    /// Sets [`WordMean::components`].
    #[must_use]
    pub fn components(self, components: usize) -> Self {
        Self { components, ..self }
    }

    /// Sets [`WordMean::divisor`].
    #[must_use]
    pub fn divisor(self, divisor: Divisor) -> Self {
        Self { divisor, ..self }
    }

    /// Counts the words of `sentences`, and finds the components of their means.
    ///
    /// Only the share of each word in all words, known or not, is kept, and k vectors. A plain mean
    /// needs no sentences.
    ///
    /// # Errors
    ///
    /// [`TextError::Setting`] when the smoothing is not above 0 or there are more components than
    /// columns.
    pub fn fit<V: WordVectors>(
        self,
        vectors: V,
        sentences: &[&str],
    ) -> Result<WordMeans<V>, TextError> {
        let dim = vectors.dimensions();
        if let Some(a) = self.smoothing
            && !(a > 0.0 && a.is_finite())
        {
            return Err(TextError::Setting {
                what: "smoothing".into(),
                expected: "a number above 0".into(),
                found: a.to_string(),
            });
        }
        if self.components > dim {
            return Err(TextError::Setting {
                what: "components".into(),
                expected: format!("at most {dim}, the columns of the vectors"),
                found: self.components.to_string(),
            });
        }
        let mut means = WordMeans {
            settings: self,
            vectors,
            shares: HashMap::new(),
            common: Array2::zeros((0, dim)),
        };
        if self.smoothing.is_none() && self.components == 0 {
            return Ok(means);
        }
        let split: Vec<Vec<String>> = sentences.par_iter().map(|text| words(text)).collect();
        if self.smoothing.is_some() {
            let mut counts: HashMap<&str, usize> = HashMap::new();
            for word in split.iter().flatten() {
                *counts.entry(word).or_default() += 1;
            }
            let total = counts.values().sum::<usize>().max(1);
            #[allow(clippy::cast_precision_loss, reason = "token counts are far below 2^53")]
            let share =
                |(word, count): (&str, usize)| (word.to_owned(), count as f64 / total as f64);
            means.shares = counts.into_iter().map(share).collect();
        }
        if self.components > 0 {
            let rows: Vec<Mean> = split.par_iter().map(|words| means.mean(words)).collect();
            means.common = first_components(&rows, dim, self.components);
        }
        Ok(means)
    }
}

/// Means of word vectors, fitted: an encoder.
#[derive(Debug, Clone)]
pub struct WordMeans<V> {
    settings: WordMean,
    vectors: V,
    /// Each word's share of all words.
    shares: HashMap<String, f64>,
    /// k × d: what is taken out of every row, orthonormal.
    common: Array2<f64>,
}

struct Mean {
    row: Array1<f64>,
    words: usize,
    known: usize,
}

impl<V: WordVectors> WordMeans<V> {
    /// What it was fitted with.
    #[must_use]
    pub fn settings(&self) -> WordMean {
        self.settings
    }

    /// The components that are taken out of every row, k × d; the largest coordinate of each is positive.
    #[must_use]
    pub fn common(&self) -> ArrayView2<'_, f64> {
        self.common.view()
    }

    fn weight(&self, word: &str) -> f64 {
        // A word that no fitted sentence has: of frequency 0.
        let share = || self.shares.get(word).copied().unwrap_or(0.0);
        self.settings.smoothing.map_or(1.0, |a| a / (a + share()))
    }

    fn mean(&self, words: &[String]) -> Mean {
        let mut row = Array1::<f64>::zeros(self.vectors.dimensions());
        let (mut weights, mut known) = (0.0, 0);
        for word in words {
            if let Some(vector) = self.vectors.vector(word) {
                let weight = self.weight(word);
                row.zip_mut_with(&vector, |sum, &value| *sum += weight * f64::from(value));
                weights += weight;
                known += 1;
            }
        }
        #[allow(clippy::cast_precision_loss, reason = "a sentence has few words")]
        let divisor = match self.settings.divisor {
            Divisor::Words => known as f64,
            Divisor::Weights => weights,
        };
        if divisor > 0.0 {
            row /= divisor;
        }
        Mean { row, words: words.len(), known }
    }

    fn encode_one(&self, sentence: &str) -> Mean {
        let mut mean = self.mean(&words(sentence));
        for component in self.common.rows() {
            let along = component.dot(&mean.row);
            mean.row.scaled_add(-along, &component);
        }
        mean
    }
}

impl<V: WordVectors> Encode for WordMeans<V> {
    fn dimensions(&self) -> usize {
        self.vectors.dimensions()
    }

    /// A sentence in which no word has a vector becomes a row of zeros, counted as blank.
    fn encode(&self, sentences: &[&str]) -> Result<Encoded, TextError> {
        let means: Vec<Mean> = sentences.par_iter().map(|text| self.encode_one(text)).collect();
        let mut rows = Array2::zeros((means.len(), self.dimensions()));
        for (mut row, mean) in rows.axis_iter_mut(Axis(0)).zip(&means) {
            #[allow(clippy::cast_possible_truncation, reason = "embeddings are f32")]
            row.zip_mut_with(&mean.row, |row, &value| *row = value as f32);
        }
        Ok(Encoded {
            rows,
            cut: 0,
            tokens: means.iter().map(|mean| mean.words).sum(),
            known: means.iter().map(|mean| mean.known).sum(),
            blank: means.iter().filter(|mean| mean.known == 0).count(),
        })
    }
}

/// Doublings of the power of the Gram matrix: 2³⁰ tells eigenvalues apart that differ by a part in 10⁸.
const SQUARINGS: usize = 30;

/// The first `count` right singular vectors of rows that are not centred.
///
/// The Gram matrix G (d × d, `f64`), squared again and again and kept at trace 1, tends to the
/// projection on its first eigenvector, of which the longest column is taken; then G loses it. That
/// needs no LAPACK, and d is some hundreds. A component without variance is left out.
fn first_components(rows: &[Mean], dim: usize, count: usize) -> Array2<f64> {
    let mut gram = Array2::<f64>::zeros((dim, dim));
    for block in rows.chunks(256) {
        let block = Array2::from_shape_fn((block.len(), dim), |(i, j)| block[i].row[j]);
        gram += &block.t().dot(&block);
    }
    let whole = gram.diag().sum();
    let mut found = Vec::new();
    for _ in 0..count {
        let trace = gram.diag().sum();
        // What rounding leaves of a matrix of lower rank.
        if trace <= 1e-14 * whole || trace <= 0.0 {
            break;
        }
        let mut power = &gram / trace;
        for _ in 0..SQUARINGS {
            power = power.dot(&power);
            let trace = power.diag().sum();
            power /= trace;
        }
        let longest = (0..dim)
            .max_by(|&a, &b| power[[a, a]].total_cmp(&power[[b, b]]).then(b.cmp(&a)))
            .expect("vectors have columns where they have variance");
        let mut vector = power.column(longest).to_owned();
        let length = vector.dot(&vector).sqrt();
        vector /= length;
        let value = vector.dot(&gram.dot(&vector));
        for i in 0..dim {
            for j in 0..dim {
                gram[[i, j]] -= value * vector[i] * vector[j];
            }
        }
        found.push(vector);
    }
    let mut common = Array2::zeros((found.len(), dim));
    for (mut row, vector) in common.axis_iter_mut(Axis(0)).zip(found) {
        row.assign(&vector);
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[derive(Debug)]
    struct Few(Vec<&'static str>, Array2<f32>);

    impl WordVectors for Few {
        fn dimensions(&self) -> usize {
            self.1.ncols()
        }

        fn vector(&self, word: &str) -> Option<ArrayView1<'_, f32>> {
            self.0.iter().position(|known| *known == word).map(|at| self.1.row(at))
        }
    }

    #[test]
    fn clitics_and_marks_stand_alone() {
        assert_eq!(
            words("It’s GREAT, isn't it?! 'Twas"),
            ["it", "'s", "great", ",", "is", "n't", "it", "?", "!", "twas"]
        );
    }

    #[test]
    fn mean_leaves_unknown_words_out() {
        let vectors = Few(vec!["good", "film"], array![[1.0_f32, 0.0], [0.0, 2.0]]);
        let means = WordMean::plain().fit(&vectors, &[]).unwrap();
        let plain = means.encode(&["good good film zzz", "zzz", ""]).unwrap();
        assert_eq!(plain.rows.row(0), array![2.0 / 3.0, 2.0 / 3.0]);
        assert_eq!(plain.rows.row(1), array![0.0, 0.0]);
        assert_eq!(plain.blank, 2);
        assert!((plain.coverage() - 0.6).abs() < 1e-12);
    }

    #[test]
    fn frequent_words_weigh_less() {
        let vectors = Few(vec!["the", "film"], array![[1.0_f32, 0.0], [0.0, 1.0]]);
        let sentences = ["the film", "the the the"];
        // p(the) = 4/5, p(film) = 1/5: weights 0.1/0.9 and 0.1/0.3, that is 1 to 3.
        let mean = WordMean::sif(0.1).components(0).divisor(Divisor::Weights);
        let encoded = mean.fit(&vectors, &sentences).unwrap().encode(&sentences).unwrap();
        assert!((encoded.rows[[0, 0]] - 0.25).abs() < 1e-6);
        assert!((encoded.rows[[0, 1]] - 0.75).abs() < 1e-6);
        let mean = WordMean::sif(0.1).components(0);
        let encoded = mean.fit(&vectors, &sentences).unwrap().encode(&sentences).unwrap();
        assert!((encoded.rows[[0, 0]] - 0.1 / 0.9 / 2.0).abs() < 1e-6);
        assert!((encoded.rows[[0, 1]] - 0.1 / 0.3 / 2.0).abs() < 1e-6);
    }

    #[test]
    fn settings_are_checked() {
        let vectors = Few(vec!["the"], array![[1.0_f32, 0.0]]);
        for a in [0.0, -1.0, f64::NAN] {
            let error = WordMean::sif(a).fit(&vectors, &[]).unwrap_err().to_string();
            assert!(error.contains("smoothing: expected a number above 0"), "{error}");
        }
        let error = WordMean::sif(0.1).components(3).fit(&vectors, &[]).unwrap_err().to_string();
        assert_eq!(error, "components: expected at most 2, the columns of the vectors, found 3");
    }

    #[test]
    fn nothing_to_take_out_is_no_nan() {
        let vectors = Few(vec!["the"], array![[1.0_f32, 0.0]]);
        for sentences in [&[][..], &["zzz"], &["the", "the"]] {
            let means = WordMean::sif(0.1).components(2).fit(&vectors, sentences).unwrap();
            let rows = means.encode(&["the", "zzz"]).unwrap().rows;
            assert!(rows.iter().all(|value| value.is_finite()));
        }
    }
}
