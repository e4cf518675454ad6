//! Word vectors.

use ndarray::Array2;

use super::file::{Packed, Pieces, half, packed};
use super::names::WordSet;
use crate::DatasetError;

/// Words and their vectors.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WordVectors {
    /// The words, the most frequent first; all different, none with white space.
    pub words: Vec<String>,
    /// Words × dimensions, in the order of `words`; not normalised.
    pub vectors: Array2<f32>,
}

impl WordSet {
    /// The vectors: [`glove_english`] or [`fasttext_french`].
    ///
    /// # Errors
    ///
    /// [`DatasetError::Shipped`] only if the crate's files were damaged.
    pub fn load(self) -> Result<WordVectors, DatasetError> {
        match self {
            Self::GloveEnglish => glove_english(),
            Self::FasttextFrench => fasttext_french(),
        }
    }
}

/// GloVe: the 20,000 most frequent English words, lower case, with 50 dimensions.
///
/// Stored in half precision: values are up to 5.5 and at most 0.002 from the original, the cosine
/// between a row and its original is above 1 − 10⁻⁷. Pennington, Socher & Manning (2014), "GloVe:
/// global vectors for word representation", EMNLP; Wikipedia 2014 and Gigaword 5.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn glove_english() -> Result<WordVectors, DatasetError> {
    half_precision(packed!("glove.en.gz"))
}

/// fastText (CBOW): the 19,987 most frequent French words, tokens and marks, with 300 dimensions.
///
/// Product-quantised to 2.67 bits a value: lengths are those of the original, directions are not quite
/// (the cosine between a row and its original is 0.989 on average); retrieval after an orthogonal
/// alignment with [`glove_english`] loses less than one point of precision. `DATA.md` has the figures.
/// Joulin, Grave, Bojanowski & Mikolov (2017), "Bag of tricks for efficient text classification",
/// EACL; Wikipedia and OSCAR.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn fasttext_french() -> Result<WordVectors, DatasetError> {
    product_quantised(packed!("fasttext.fr.gz"))
}

/// `words dimensions`, the words, all high bytes, all low bytes of the values.
fn half_precision(file: Packed) -> Result<WordVectors, DatasetError> {
    let content = file.unpack()?;
    let mut pieces = Pieces::new(file, &content);
    let [count, dim] = pieces.numbers()?;
    let words = words(&mut pieces, count)?;
    let high = pieces.bytes(count * dim)?;
    let low = pieces.bytes(count * dim)?;
    pieces.end()?;
    let values = high.iter().zip(low).map(|(&high, &low)| half(u16::from_le_bytes([low, high])));
    let vectors = Array2::from_shape_vec((count, dim), values.collect())
        .expect("the length is the shape's product");
    Ok(WordVectors { words, vectors })
}

/// `words dimensions parts centroids`, the words, scales, rotation, codebooks, codes.
///
/// A row is `scale · (centroids of its codes, side by side) · rotationᵀ`.
fn product_quantised(file: Packed) -> Result<WordVectors, DatasetError> {
    let content = file.unpack()?;
    let mut pieces = Pieces::new(file, &content);
    let [count, dim, parts, centroids] = pieces.numbers()?;
    if parts == 0 || dim % parts != 0 {
        return Err(file.damaged(format!("expected parts of equal size, found {dim} / {parts}")));
    }
    let width = dim / parts;
    let words = words(&mut pieces, count)?;
    let scales = pieces.halves(count)?;
    let rotation = Array2::from_shape_vec((dim, dim), pieces.halves(dim * dim)?)
        .expect("the length is the shape's product");
    let codebooks = pieces.halves(parts * centroids * width)?;
    let codes = pieces.bytes(count * parts)?;
    pieces.end()?;
    if let Some(code) = codes.iter().find(|&&code| usize::from(code) >= centroids) {
        return Err(file.damaged(format!("expected codes below {centroids}, found {code}")));
    }

    let mut turned = Vec::with_capacity(count * dim);
    for (index, &code) in codes.iter().enumerate() {
        let at = (index % parts * centroids + usize::from(code)) * width;
        let scale = scales[index / parts];
        turned.extend(codebooks[at..at + width].iter().map(|value| scale * value));
    }
    let turned =
        Array2::from_shape_vec((count, dim), turned).expect("the length is the shape's product");
    Ok(WordVectors { words, vectors: turned.dot(&rotation.t()) })
}

fn words(pieces: &mut Pieces<'_>, count: usize) -> Result<Vec<String>, DatasetError> {
    (0..count).map(|_| pieces.line().map(str::to_owned)).collect()
}
