//! Vectors of n-grams, and of words by them.

use std::collections::HashMap;
use std::path::Path;

use finalfusion::subword::{ExplicitIndexer, Indexer as _};
use ndarray::Array1;
use rayon::prelude::*;

use crate::embeddings::all_finite;
use crate::error::WordsError;
use crate::mapping::Mapping;

/// fastText's mark of a line's end, which is a word without n-grams.
const LINE_END: &str = "</s>";

/// The greatest length of n-grams in characters that is taken for one. Models use 3 to 6; what a
/// damaged file says would cost time without end.
pub(crate) const LONGEST: u32 = 255;

/// Vectors of n-grams of characters: they give a vector to words that are not in the vocabulary.
///
/// A word's vector is the mean of the vectors of its n-grams, cut from the word between two marks
/// (`<word>`). N-grams are found in a table by their hash, so that some share a vector:
///
/// - fastText: 32-bit FNV-1a over bytes taken as signed, modulo the number of buckets. Bojanowski
///   et al. (2017), "Enriching word vectors with subword information", TACL 5,
///   doi:10.1162/tacl_a_00051; `Dictionary::computeSubwords` of the reference implementation. A
///   lone mark is no n-gram.
/// - floret: one to four parts of a 128-bit MurmurHash3, of each n-gram and of the whole word
///   between its marks. A lone mark is no n-gram. <https://github.com/explosion/floret>.
/// - finalfusion: those two, 64-bit FNV-1a over characters, and n-grams listed one by one.
///   <https://finalfusion.github.io/spec>. There a lone mark is an n-gram. That library scales a vector made of n-grams to unit
///   length; here it keeps the length of the mean, as the words keep theirs.
///
/// Kept on request: [`OpenOptions::subwords`](crate::OpenOptions::subwords).
#[derive(Debug, Clone)]
pub struct Subwords {
    table: Table,
    cut: Cut,
}

impl Subwords {
    /// A table of vectors with at least as many rows as the cut gives.
    pub(crate) fn new(table: Table, cut: Cut) -> Self {
        Self { table, cut }
    }

    /// The vector of a word by its n-grams, whether or not the word is in the vocabulary.
    ///
    /// `None` when it has none: it is too short, its n-grams are none of those listed, or their
    /// sum is beyond single precision.
    #[must_use]
    pub fn vector(&self, word: &str) -> Option<Array1<f32>> {
        let mut vector = Array1::zeros(self.dim());
        let slice = vector.as_slice_mut().expect("a new vector is contiguous");
        self.vector_into(word, slice).then_some(vector)
    }

    /// Writes the vector of a word over zeros; whether there is one.
    pub(crate) fn vector_into(&self, word: &str, zeros: &mut [f32]) -> bool {
        let count = self.cut.add(word.as_bytes(), &self.table, 0, zeros);
        scale(zeros, count);
        let finite = zeros.iter().all(|value| value.is_finite());
        if !finite {
            zeros.fill(0.0);
        }
        finite && count > 0
    }

    /// The least and the greatest length of n-grams, in characters. Greatest 0: none.
    #[must_use]
    pub fn lengths(&self) -> (usize, usize) {
        (self.cut.shortest, self.cut.longest)
    }

    /// The number of vectors in the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.rows()
    }

    /// Whether the table has no vectors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dimensions of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.table.columns()
    }

    pub(crate) fn check(&self) -> Result<(), WordsError> {
        let columns = self.dim();
        let values = match &self.table {
            Table::Dense { values, .. } => values,
            Table::Quantized(_) | Table::Mapped(_) => return Ok(()), // checked by its reader
        };
        if values.par_chunks(1 << 16).all(all_finite) {
            return Ok(());
        }
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => Err(WordsError::NonFiniteSubword {
                row: at / columns,
                column: at % columns,
                value: values[at],
            }),
        }
    }
}

/// The most columns that one code of a quantised matrix may stand for: what is unpacked stays within
/// a multiple of the file's size. Programs that quantise take 2 to 10.
pub(crate) const WIDEST: usize = 64;

/// Divides a sum of so many vectors by their number, as fastText does it: by a product with the
/// reciprocal.
pub(crate) fn scale(sum: &mut [f32], count: usize) {
    if count > 0 {
        let factor = (1.0 / count as f64) as f32;
        sum.iter_mut().for_each(|value| *value *= factor);
    }
}

/// Rows of vectors.
#[derive(Debug, Clone)]
pub(crate) enum Table {
    Dense { values: Vec<f32>, columns: usize },
    Quantized(Quantized),
    Mapped(MappedTable),
}

/// Rows of little-endian `f32` in a mapped file, at any byte.
#[derive(Debug, Clone)]
pub(crate) struct MappedTable {
    mapping: Mapping,
    offset: usize,
    rows: usize,
    columns: usize,
}

impl MappedTable {
    /// The matrix at `offset`; `None` unless the file holds it whole.
    pub(crate) fn new(
        mapping: Mapping,
        offset: usize,
        rows: usize,
        columns: usize,
    ) -> Option<Self> {
        let length = rows.checked_mul(columns)?.checked_mul(4)?;
        mapping.get(offset..offset.checked_add(length)?)?;
        Some(Self { mapping, offset, rows, columns })
    }

    /// The values of a row.
    pub(crate) fn row(&self, row: usize) -> impl Iterator<Item = f32> + '_ {
        let start = self.offset + row * self.columns * 4;
        let (numbers, _) = self.mapping[start..start + self.columns * 4].as_chunks::<4>();
        numbers.iter().map(|&number| f32::from_le_bytes(number))
    }
}

impl Table {
    fn rows(&self) -> usize {
        match self {
            Self::Dense { values, columns } => values.len() / columns,
            Self::Quantized(quantized) => quantized.codes.len() / quantized.parts(),
            Self::Mapped(mapped) => mapped.rows,
        }
    }

    fn columns(&self) -> usize {
        match self {
            Self::Dense { columns, .. } => *columns,
            Self::Quantized(quantized) => quantized.columns,
            Self::Mapped(mapped) => mapped.columns,
        }
    }

    /// Adds a row to a vector.
    pub(crate) fn add(&self, row: usize, vector: &mut [f32]) {
        match self {
            Self::Dense { values, columns } => {
                let row = &values[row * columns..(row + 1) * columns];
                vector.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            Self::Quantized(quantized) => quantized.add(row, vector),
            Self::Mapped(mapped) => {
                vector.iter_mut().zip(mapped.row(row)).for_each(|(sum, value)| *sum += value);
            }
        }
    }
}

/// Rows in product quantisation: for each part of the columns the number of one of 256 vectors.
///
/// Jégou, Douze and Schmid (2011), "Product quantization for nearest neighbor search", IEEE TPAMI
/// 33(1), doi:10.1109/TPAMI.2010.57; as fastText stores it.
#[derive(Debug, Clone)]
pub(crate) struct Quantized {
    pub(crate) columns: usize,
    /// Columns of a part; the last may have less.
    pub(crate) width: usize,
    /// 256 vectors for each part, part after part.
    pub(crate) centroids: Vec<f32>,
    /// A code for each part, row after row.
    pub(crate) codes: Vec<u8>,
    /// What each row is multiplied with.
    pub(crate) norms: Option<Vec<f32>>,
}

impl Quantized {
    fn parts(&self) -> usize {
        self.columns.div_ceil(self.width)
    }

    fn add(&self, row: usize, vector: &mut [f32]) {
        let norm = self.norms.as_ref().map_or(1.0, |norms| norms[row]);
        let codes = &self.codes[row * self.parts()..(row + 1) * self.parts()];
        let parts = vector.chunks_mut(self.width).zip(self.centroids.chunks(256 * self.width));
        for ((part, centroids), &code) in parts.zip(codes) {
            let start = usize::from(code) * part.len();
            let centroid = &centroids[start..start + part.len()];
            part.iter_mut().zip(centroid).for_each(|(sum, value)| *sum += norm * value);
        }
    }
}

/// How n-grams are cut from words and found in a table.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    /// The least number of characters.
    pub(crate) shortest: usize,
    /// The greatest number of characters.
    pub(crate) longest: usize,
    /// What is put in front of a word.
    pub(crate) begin: String,
    /// What is put behind it.
    pub(crate) end: String,
    /// Whether fastText's own rules hold: a lone mark is no n-gram, a line's end has none.
    pub(crate) original: bool,
    pub(crate) find: Find,
}

/// How an n-gram is found.
#[derive(Debug, Clone)]
pub(crate) enum Find {
    /// fastText's hash. What is pruned has a row only where the map says so.
    FastText { buckets: u32, pruned: Option<HashMap<u32, u32>> },
    /// floret's hashes.
    Floret { buckets: u64, hashes: usize, seed: u32 },
    /// finalfusion's hash.
    Characters { mask: u64 },
    /// By the n-gram itself.
    Listed(ExplicitIndexer),
}

impl Cut {
    /// Checks lengths of n-grams that stand at `offset`.
    pub(crate) fn check_lengths(
        path: &Path,
        offset: u64,
        lengths: [impl Into<i64>; 2],
    ) -> Result<(usize, usize), WordsError> {
        let [shortest, longest] = lengths.map(Into::into);
        match (usize::try_from(shortest), usize::try_from(longest)) {
            (Ok(shortest), Ok(longest)) if longest <= LONGEST as usize => Ok((shortest, longest)),
            _ => Err(WordsError::Damaged {
                path: path.to_owned(),
                expected: format!("lengths of n-grams from 0 to {LONGEST}"),
                offset,
                found: format!("{shortest} to {longest}"),
            }),
        }
    }

    /// Adds the rows of a word's n-grams, `first` and behind it in the table, to a vector; how
    /// many they are.
    pub(crate) fn add(
        &self,
        word: &[u8],
        table: &Table,
        first: usize,
        vector: &mut [f32],
    ) -> usize {
        let mut count = 0;
        self.each_row(word, |row| {
            table.add(first + row, vector);
            count += 1;
        });
        count
    }

    /// Calls with the row of each n-gram, in the order of the reference implementations: by where
    /// it starts, then by length. Characters are what they are there: a byte and those behind it that
    /// continue one in UTF-8, whatever it is itself.
    pub(crate) fn each_row(&self, word: &[u8], mut row: impl FnMut(usize)) {
        if self.original
            && word == LINE_END.as_bytes()
            && matches!(self.find, Find::FastText { .. })
        {
            return;
        }
        let marked = [self.begin.as_bytes(), word, self.end.as_bytes()].concat();
        let starts = |at: &usize| marked[*at] & 0xc0 != 0x80;
        if matches!(self.find, Find::Floret { .. }) {
            self.find.rows(&marked, 0, &mut row);
        }
        for start in (0..marked.len()).filter(starts) {
            let ends = (start + 1..marked.len()).filter(starts).chain([marked.len()]);
            for (length, end) in (1..=self.longest).zip(ends) {
                let alone = length == 1 && (start == 0 || end == marked.len());
                if length >= self.shortest && !(alone && self.original) {
                    self.find.rows(&marked[start..end], length, &mut row);
                }
            }
        }
    }
}

impl Find {
    /// The rows of an n-gram of so many characters.
    fn rows(&self, ngram: &[u8], length: usize, row: &mut impl FnMut(usize)) {
        match self {
            Self::FastText { buckets, pruned } => {
                let bucket = fnv32_signed(ngram) % buckets;
                match pruned {
                    None => row(bucket as usize),
                    Some(kept) => {
                        if let Some(&kept) = kept.get(&bucket) {
                            row(kept as usize);
                        }
                    }
                }
            }
            Self::Floret { buckets, hashes, seed } => {
                let hash = murmur3(ngram, *seed);
                for part in 0..*hashes {
                    row((u64::from((hash >> (32 * part)) as u32) % buckets) as usize);
                }
            }
            Self::Characters { mask } => {
                row((fnv64(&String::from_utf8_lossy(ngram), length) & mask) as usize);
            }
            Self::Listed(ngrams) => {
                let ngram = String::from_utf8_lossy(ngram);
                ngrams.index_ngram(&(&*ngram).into()).into_iter().for_each(|at| row(at as usize));
            }
        }
    }
}

/// 32-bit FNV-1a with bytes extended as signed ones: fastText's, on whose account the released
/// models are as they are.
fn fnv32_signed(bytes: &[u8]) -> u32 {
    bytes.iter().fold(2_166_136_261, |hash: u32, &byte| {
        (hash ^ i32::from(byte.cast_signed()).cast_unsigned()).wrapping_mul(16_777_619)
    })
}

/// 64-bit FNV-1a over the number of characters and the characters, in little-endian words.
fn fnv64(ngram: &str, length: usize) -> u64 {
    let update = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = (length as u64).to_le_bytes().into_iter().fold(0xcbf2_9ce4_8422_2325, update);
    ngram.chars().flat_map(|char| u32::from(char).to_le_bytes()).fold(hash, update)
}

/// MurmurHash3 of 128 bits for 64-bit machines, by Austin Appleby; the first 64 bits lowest.
fn murmur3(bytes: &[u8], seed: u32) -> u128 {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let mix1 = |k: u64| k.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let mix2 = |k: u64| k.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    let finish = |mut h: u64| {
        h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        h ^ (h >> 33)
    };
    let word =
        |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |word, &byte| (word << 8) | u64::from(byte));

    let (mut h1, mut h2) = (u64::from(seed), u64::from(seed));
    let blocks = bytes.chunks_exact(16);
    let tail = blocks.remainder();
    for block in blocks {
        h1 = (h1 ^ mix1(word(&block[..8]))).rotate_left(27).wrapping_add(h2);
        h1 = h1.wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 = (h2 ^ mix2(word(&block[8..]))).rotate_left(31).wrapping_add(h1);
        h2 = h2.wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    h1 ^= mix1(word(&tail[..tail.len().min(8)]));
    h2 ^= mix2(word(&tail[tail.len().min(8)..]));

    h1 ^= bytes.len() as u64;
    h2 ^= bytes.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (h1, h2) = (finish(h1), finish(h2));
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (u128::from(h2) << 64) | u128::from(h1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use finalfusion::compat::fasttext::FastTextIndexer;
    use finalfusion::compat::floret::FloretIndexer;
    use finalfusion::subword::{BucketIndexer, FinalfusionHashIndexer, SubwordIndices};

    const WORDS: [&str; 8] = [
        "",
        "a",
        "Daniël",
        "überspringen",
        "客人睡在床上",
        "🛏",
        "sixteen bytes!!!",
        "longer than those",
    ];

    fn cut(shortest: usize, longest: usize, original: bool, find: Find) -> Cut {
        Cut { original, shortest, longest, begin: "<".to_owned(), end: ">".to_owned(), find }
    }

    fn rows(cut: &Cut, word: &str) -> Vec<usize> {
        let mut rows = Vec::new();
        cut.each_row(word.as_bytes(), |row| rows.push(row));
        rows.sort_unstable();
        rows
    }

    fn sorted(rows: impl Iterator<Item = u64>) -> Vec<usize> {
        let mut rows: Vec<usize> = rows.map(|row| row as usize).collect();
        rows.sort_unstable();
        rows
    }

    /// The finalfusion library finds the same rows by all of its hashes.
    #[test]
    fn the_rows_of_finalfusion() {
        for word in WORDS {
            let marked = format!("<{word}>");
            let hash = FinalfusionHashIndexer::new(11);
            let expected = sorted(marked.as_str().subword_indices(1, 5, &hash));
            assert_eq!(rows(&cut(1, 5, false, Find::Characters { mask: 2047 }), word), expected);

            let expected =
                sorted(marked.as_str().subword_indices(2, 6, &FastTextIndexer::new(997)));
            for original in [false, true] {
                let find = Find::FastText { buckets: 997, pruned: None };
                assert_eq!(rows(&cut(2, 6, original, find), word), expected);
            }
            for hashes in 1..=4 {
                let floret = FloretIndexer::new(997, hashes, 2_166_136_261);
                let expected = sorted(marked.as_str().subword_indices(3, 40, &floret));
                let (hashes, seed) = (hashes as usize, 2_166_136_261);
                let find = Find::Floret { buckets: 997, hashes, seed };
                assert_eq!(rows(&cut(3, 40, true, find), word), expected);
            }
        }
    }

    /// A mark alone is no n-gram of fastText's, and a line's end has none.
    #[test]
    fn what_is_left_out() {
        let found = |shortest, longest, original, word| {
            let find = Find::FastText { buckets: 1 << 30, pruned: None };
            rows(&cut(shortest, longest, original, find), word).len()
        };
        assert_eq!((found(1, 1, true, "ab"), found(1, 1, false, "ab")), (2, 4));
        assert_eq!(found(1, 6, true, LINE_END), 0);
        assert_ne!(found(1, 6, false, LINE_END), 0);
        assert_eq!(found(0, 0, true, "ab"), 0);
        assert_eq!(found(5, 3, true, "abcdef"), 0);
    }

    #[test]
    fn quantised_rows() {
        let mut centroids = vec![0.0; 3 * 256];
        centroids[2..4].copy_from_slice(&[1.0, 2.0]); // code 1 of the first part
        centroids[512 + 255] = 3.0; // code 255 of the second, which has one column
        let (codes, norms) = (vec![0, 0, 1, 255], Some(vec![1.0, 10.0]));
        let table = Table::Quantized(Quantized { columns: 3, width: 2, centroids, codes, norms });
        let mut vector = [0.5; 3];
        table.add(0, &mut vector);
        assert_eq!(vector, [0.5; 3]);
        table.add(1, &mut vector);
        assert_eq!(vector, [10.5, 20.5, 30.5]);
        assert_eq!((table.rows(), table.columns()), (2, 3));
    }
}
