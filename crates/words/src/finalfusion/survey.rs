//! Checks of a finalfusion file before the library reads it.
//!
//! The format: <https://finalfusion.github.io/spec>. Every number is little-endian. A file is a
//! header that lists the chunks; then perhaps metadata; a vocabulary; a matrix; perhaps norms.

use std::collections::HashSet;
use std::fmt::Display;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::MAGIC;
use crate::error::{WordsError, shown};
use crate::subwords::{Cut, WIDEST};

pub(super) const SIMPLE_VOCAB: u32 = 1;
pub(super) const ND_ARRAY: u32 = 2;
pub(super) const BUCKET_VOCAB: u32 = 3;
pub(super) const QUANTIZED_ARRAY: u32 = 4;
pub(super) const METADATA: u32 = 5;
pub(super) const ND_NORMS: u32 = 6;
pub(super) const FASTTEXT_VOCAB: u32 = 7;
pub(super) const EXPLICIT_VOCAB: u32 = 8;
pub(super) const FLORET_VOCAB: u32 = 9;

const TYPE_U8: u32 = 1;
pub(super) const TYPE_F32: u32 = 10;

/// Checks that all lengths lie within the file and agree with each other, that there are words
/// and none twice, and that the codes of the first `limit` quantised rows exist. Where subwords are
/// wanted: that their rows are there and all codes exist. There must be words or wanted subwords.
/// Returns the metadata.
pub(super) fn survey(
    path: &Path,
    file: File,
    limit: usize,
    subwords: bool,
) -> Result<Option<String>, WordsError> {
    let len = file.metadata().map_err(WordsError::read(path))?.len();
    let mut walk = Walk { path, bytes: BufReader::with_capacity(1 << 18, file), at: 0, len };

    let magic = walk.bytes(4, "magic bytes")?;
    if magic != MAGIC {
        return Err(walk.damaged(0, "`FiFu`", format!("`{}`", shown(&magic))));
    }
    walk.expect("format version", 0)?;
    let at = walk.at;
    let count = walk.u32("number of chunks")?;
    if !(2..=4).contains(&count) {
        return Err(walk.damaged(at, "2 to 4 chunks", count));
    }
    let mut chunks = Vec::new();
    for _ in 0..count {
        chunks.push(walk.u32("chunk identifier")?);
    }
    let mut chunks = chunks.into_iter().peekable();

    let mut metadata = None;
    if chunks.next_if_eq(&METADATA).is_some() {
        let length = walk.chunk(METADATA)?;
        let at = walk.at;
        let text = String::from_utf8(walk.bytes(length, "metadata")?);
        let text = text.map_err(|error| {
            let found = format!("`{}`", shown(error.as_bytes()));
            walk.damaged(at, "metadata in UTF-8", found)
        })?;
        metadata = Some(text);
    }
    let Vocab { words, ngrams } = match chunks.next() {
        Some(
            kind @ (SIMPLE_VOCAB | BUCKET_VOCAB | FASTTEXT_VOCAB | EXPLICIT_VOCAB | FLORET_VOCAB),
        ) => walk.vocab(kind, subwords)?,
        kind => return Err(walk.wrong_chunk("a vocabulary (1, 3, 7, 8 or 9)", kind)),
    };
    let (needed, limit) = if subwords {
        (Vocab { words, ngrams }, u64::MAX)
    } else {
        (Vocab { words, ngrams: 0 }, words.min(limit as u64))
    };
    match chunks.next() {
        Some(ND_ARRAY) => walk.matrix(needed)?,
        Some(QUANTIZED_ARRAY) => walk.quantized(needed, limit)?,
        kind => return Err(walk.wrong_chunk("a matrix (2 or 4)", kind)),
    }
    if let Some(kind) = chunks.next() {
        if kind != ND_NORMS || chunks.next().is_some() {
            return Err(walk.wrong_chunk("at most norms (6) after the matrix", Some(kind)));
        }
        walk.norms(words)?;
    }
    if walk.at < len {
        return Err(walk.damaged(walk.at, "the end", format!("{} more bytes", len - walk.at)));
    }
    Ok(metadata)
}

/// What a vocabulary says about the rows of the matrix.
#[derive(Clone, Copy)]
struct Vocab {
    words: u64,
    /// Rows of n-grams.
    ngrams: u64,
}

/// A position in the file, which never leaves it.
struct Walk<'a> {
    path: &'a Path,
    bytes: BufReader<File>,
    at: u64,
    len: u64,
}

impl Walk<'_> {
    fn damaged(&self, offset: u64, expected: impl Into<String>, found: impl Display) -> WordsError {
        WordsError::Damaged {
            path: self.path.to_owned(),
            expected: expected.into(),
            offset,
            found: format!("{found}"),
        }
    }

    fn wrong_chunk(&self, expected: &str, found: Option<u32>) -> WordsError {
        let found = found.map_or("none".to_owned(), |kind| format!("chunk {kind}"));
        self.damaged(12, format!("{expected} in the list of chunks"), found)
    }

    /// An error unless so many bytes are left.
    fn check(&self, needed: Option<u64>, what: &'static str) -> Result<u64, WordsError> {
        let left = self.len - self.at;
        match needed {
            Some(needed) if needed <= left => Ok(needed),
            _ => Err(WordsError::Truncated {
                path: self.path.to_owned(),
                what,
                offset: self.at,
                needed: needed.unwrap_or(u64::MAX),
                left,
            }),
        }
    }

    fn bytes(&mut self, needed: u64, what: &'static str) -> Result<Vec<u8>, WordsError> {
        self.check(Some(needed), what)?;
        let mut bytes = Vec::new();
        let read = (&mut self.bytes).take(needed).read_to_end(&mut bytes);
        let read = read.map_err(WordsError::read(self.path))? as u64;
        self.at += read;
        if read < needed {
            self.len = self.at; // others have cut the file meanwhile
            self.check(Some(needed - read), what)?;
        }
        Ok(bytes)
    }

    fn skip(&mut self, len: u64, what: &'static str) -> Result<(), WordsError> {
        self.check(Some(len), what)?;
        let distance = i64::try_from(len).expect("files are shorter than 2^63 bytes");
        self.bytes.seek_relative(distance).map_err(WordsError::read(self.path))?;
        self.at += len;
        Ok(())
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, WordsError> {
        let bytes = self.bytes(4, what)?;
        Ok(u32::from_le_bytes(bytes.try_into().expect("four bytes were read")))
    }

    fn u64(&mut self, what: &'static str) -> Result<u64, WordsError> {
        let bytes = self.bytes(8, what)?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes were read")))
    }

    /// A number that must have one value.
    fn expect(&mut self, what: &'static str, expected: u32) -> Result<(), WordsError> {
        let at = self.at;
        match self.u32(what)? {
            found if found == expected => Ok(()),
            found => Err(self.damaged(at, format!("{what} {expected}"), found)),
        }
    }

    /// The start of a chunk; its length. The library passes over the length and goes by the
    /// contents, and so does the survey.
    fn chunk(&mut self, kind: u32) -> Result<u64, WordsError> {
        self.expect("chunk identifier", kind)?;
        let length = self.u64("chunk length")?;
        self.check(Some(length), "a chunk")
    }

    /// Matrices start at a multiple of four bytes, after one byte of padding at least.
    fn padding(&mut self) -> Result<(), WordsError> {
        self.skip(4 - self.at % 4, "padding")
    }

    /// A vocabulary.
    fn vocab(&mut self, kind: u32, subwords: bool) -> Result<Vocab, WordsError> {
        self.chunk(kind)?;
        let at = self.at;
        if kind == FLORET_VOCAB {
            if !subwords {
                return Err(WordsError::OnlySubwords { path: self.path.to_owned() });
            }
            return self.floret_vocab();
        }
        let words = self.u64("number of words")?;
        if words == 0 {
            return Err(self.damaged(at, "at least one word", 0));
        }
        let ngrams = if kind == EXPLICIT_VOCAB { self.u64("number of n-grams")? } else { 0 };
        if kind != SIMPLE_VOCAB {
            self.lengths(subwords)?;
        }
        let at = self.at;
        let mut buckets = 0;
        match kind {
            BUCKET_VOCAB => match self.u32("exponent of buckets")? {
                exponent @ 0..=32 => buckets = 1 << exponent,
                found => return Err(self.damaged(at, "an exponent of buckets up to 32", found)),
            },
            FASTTEXT_VOCAB => match self.u32("number of buckets")? {
                0 if subwords => return Err(self.damaged(at, "at least one bucket", 0)),
                found @ 0..=0x7fff_ffff => buckets = found.into(),
                found => return Err(self.damaged(at, "less than 2^31 buckets", found)),
            },
            _ => {}
        }
        self.strings(words, 0, "words")?;
        let listed = self.strings(ngrams, 8, "n-grams")?;
        Ok(Vocab { words, ngrams: buckets + listed })
    }

    /// A vocabulary without words.
    fn floret_vocab(&mut self) -> Result<Vocab, WordsError> {
        self.lengths(true)?;
        let at = self.at;
        let ngrams = self.u64("number of buckets")?;
        if ngrams == 0 {
            return Err(self.damaged(at, "at least one bucket", 0));
        }
        let at = self.at;
        let hashes = self.u32("number of hashes")?;
        if !(1..=4).contains(&hashes) {
            return Err(self.damaged(at, "one to four hashes", hashes));
        }
        self.u32("seed of the hashes")?;
        self.strings(1, 0, "mark of a word's begin")?;
        self.strings(1, 0, "mark of a word's end")?;
        Ok(Vocab { words: 0, ngrams })
    }

    /// The lengths of n-grams, which matter where subwords are wanted.
    fn lengths(&mut self, subwords: bool) -> Result<(), WordsError> {
        let at = self.at;
        let lengths =
            [self.u32("least length of n-grams")?, self.u32("greatest length of n-grams")?];
        if subwords {
            Cut::check_lengths(self.path, at, lengths)?;
        }
        Ok(())
    }

    /// Strings, each with its length in front, and perhaps an index of 8 bytes behind it; none
    /// twice. How many different indices there are.
    fn strings(&mut self, count: u64, behind: u64, what: &'static str) -> Result<u64, WordsError> {
        self.check(count.checked_mul(4 + behind), what)?;
        let (mut seen, mut indices) = (HashSet::new(), HashSet::new());
        for _ in 0..count {
            let at = self.at;
            let length = self.u32(what)?;
            let string = self.bytes(length.into(), what)?;
            if behind > 0 {
                indices.insert(self.u64(what)?);
            }
            if std::str::from_utf8(&string).is_err() {
                let found = format!("`{}`", shown(&string));
                return Err(self.damaged(at, format!("{what} in UTF-8"), found));
            }
            if let Some(twice) = seen.replace(string) {
                let found = format!("`{}` again", shown(&twice));
                return Err(self.damaged(at, format!("different {what}"), found));
            }
        }
        Ok(indices.len() as u64)
    }

    /// An error unless a matrix has so many rows; those behind the words' are those of subwords.
    fn rows(&mut self, needed: Vocab) -> Result<u64, WordsError> {
        let at = self.at;
        let rows = self.u64("number of rows")?;
        if rows < needed.words.saturating_add(needed.ngrams) {
            let ngrams = match needed.ngrams {
                0 => String::new(),
                ngrams => format!(" and {ngrams} n-grams"),
            };
            let expected = format!("rows for {} words{ngrams}", needed.words);
            return Err(self.damaged(at, expected, rows));
        }
        Ok(rows)
    }

    fn matrix(&mut self, needed: Vocab) -> Result<(), WordsError> {
        self.chunk(ND_ARRAY)?;
        let rows = self.rows(needed)?;
        let at = self.at;
        let columns = self.u32("number of columns")?;
        if columns == 0 {
            return Err(self.damaged(at, "at least one column", 0));
        }
        self.expect("type", TYPE_F32)?;
        self.padding()?;
        let size = rows.checked_mul(u64::from(columns) * 4);
        let size = self.check(size, "a matrix")?;
        self.skip(size, "a matrix")
    }

    fn quantized(&mut self, needed: Vocab, limit: u64) -> Result<(), WordsError> {
        self.chunk(QUANTIZED_ARRAY)?;
        let projection = self.u32("projection")? != 0;
        let norms = self.u32("norms")? != 0;
        let at = self.at;
        let codes = u64::from(self.u32("codes a row")?);
        let columns = u64::from(self.u32("number of columns")?);
        if codes == 0 || columns == 0 || !columns.is_multiple_of(codes) {
            let found = format!("{columns} for {codes} codes");
            return Err(self.damaged(at, "columns that are a multiple of the codes", found));
        }
        if columns / codes > WIDEST as u64 {
            let expected = format!("a code for at most {WIDEST} columns");
            return Err(self.damaged(at, expected, columns / codes));
        }
        let at = self.at;
        let centroids = u64::from(self.u32("number of centroids")?);
        if centroids == 0 {
            return Err(self.damaged(at, "at least one centroid", 0));
        }
        let rows = self.rows(needed)?;
        self.expect("type of codes", TYPE_U8)?;
        self.expect("type of vectors", TYPE_F32)?;
        self.padding()?;

        if projection {
            let size = self.check(columns.pow(2).checked_mul(4), "a projection")?;
            self.skip(size, "a projection")?;
        }
        let size = self.check((centroids * columns).checked_mul(4), "centroids")?;
        self.skip(size, "centroids")?;
        if norms {
            let size = self.check(rows.checked_mul(4), "norms")?;
            self.skip(size, "norms")?;
        }
        let size = self.check(rows.checked_mul(codes), "codes")?;
        let mut used = if centroids < 256 { rows.min(limit) * codes } else { 0 };
        let end = self.at + size;
        while used > 0 {
            let at = self.at;
            let block = self.bytes(used.min(1 << 16), "codes")?;
            used -= block.len() as u64;
            if let Some(i) = block.iter().position(|&code| u64::from(code) >= centroids) {
                let expected = format!("a code below {centroids}");
                return Err(self.damaged(at + i as u64, expected, block[i]));
            }
        }
        self.skip(end - self.at, "codes")
    }

    fn norms(&mut self, words: u64) -> Result<(), WordsError> {
        self.chunk(ND_NORMS)?;
        let at = self.at;
        let norms = self.u64("number of norms")?;
        if norms != words {
            return Err(self.damaged(at, format!("norms of {words} words"), norms));
        }
        self.expect("type", TYPE_F32)?;
        self.padding()?;
        let size = self.check(norms.checked_mul(4), "norms")?;
        self.skip(size, "norms")
    }
}
