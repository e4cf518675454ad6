//! Plain finalfusion files that stay where they are: only the words and norms are read.

use std::path::Path;

use super::survey::{
    BUCKET_VOCAB, EXPLICIT_VOCAB, FASTTEXT_VOCAB, FLORET_VOCAB, METADATA, ND_ARRAY, ND_NORMS,
    QUANTIZED_ARRAY, SIMPLE_VOCAB, TYPE_F32,
};
use super::{MAGIC, norms_of};
use crate::embeddings::{Embeddings, Extras};
use crate::error::{WordsError, shown};
use crate::late::Late;
use crate::mapping::Mapping;
use crate::matrix::MappedMatrix;
use crate::words::Words;

/// Opens a file with a plain matrix. Rows of subwords are left out; a file that has some is refused
/// where they are wanted.
pub(crate) fn map(
    path: &Path,
    mapping: &Mapping,
    subwords: bool,
    limit: usize,
) -> Result<Embeddings, WordsError> {
    let mut walk = Walk { path, bytes: mapping, at: 0 };
    let magic = walk.bytes(4, "magic bytes")?;
    if magic != MAGIC {
        return Err(WordsError::damaged(path, 0, "`FiFu`", format!("`{}`", shown(magic))));
    }
    walk.expect("format version", 0)?;
    let at = walk.at;
    let count = walk.u32("number of chunks")?;
    if !(2..=4).contains(&count) {
        return Err(WordsError::damaged(path, at, "2 to 4 chunks", count.to_string()));
    }
    let kinds = (0..count).map(|_| walk.u32("chunk identifier"));
    let mut kinds = kinds.collect::<Result<Vec<_>, _>>()?.into_iter().peekable();
    let wrong_chunk = |expected: &str, kind: Option<u32>| {
        let found = kind.map_or("none".to_owned(), |kind| format!("chunk {kind}"));
        WordsError::damaged(path, 12, format!("{expected} in the list of chunks"), found)
    };

    let mut extras = Extras::default();
    if kinds.next_if_eq(&METADATA).is_some() {
        let length = walk.chunk(METADATA)?;
        let at = walk.at;
        let text = std::str::from_utf8(walk.bytes(length, "metadata")?);
        let text =
            text.map_err(|_| WordsError::damaged(path, at, "metadata in UTF-8", "others"))?;
        extras.metadata = Some(text.to_owned());
    }
    let (words, all) = match kinds.next() {
        Some(BUCKET_VOCAB | FASTTEXT_VOCAB | EXPLICIT_VOCAB | FLORET_VOCAB) if subwords => {
            let reason = "its subwords are read as a whole".to_owned();
            return Err(WordsError::Unmappable { path: path.to_owned(), reason });
        }
        Some(FLORET_VOCAB) => return Err(WordsError::OnlySubwords { path: path.to_owned() }),
        Some(kind @ (SIMPLE_VOCAB | BUCKET_VOCAB | FASTTEXT_VOCAB | EXPLICIT_VOCAB)) => {
            walk.vocab(kind, limit, mapping)?
        }
        kind => return Err(wrong_chunk("a vocabulary of words (1, 3, 7 or 8)", kind)),
    };
    match kinds.next() {
        Some(ND_ARRAY) => {}
        Some(QUANTIZED_ARRAY) => {
            let reason = "its matrix is quantised".to_owned();
            return Err(WordsError::Unmappable { path: path.to_owned(), reason });
        }
        kind => return Err(wrong_chunk("a matrix (2 or 4)", kind)),
    }
    walk.chunk(ND_ARRAY)?;
    let at = walk.at;
    let rows = walk.length("number of rows")?;
    if rows < all {
        let expected = format!("rows for {all} words");
        return Err(WordsError::damaged(path, at, expected, rows.to_string()));
    }
    let at = walk.at;
    let columns = walk.u32("number of columns")? as usize;
    if columns == 0 {
        return Err(WordsError::damaged(path, at, "at least one column", "0"));
    }
    walk.expect("type", TYPE_F32)?;
    walk.padding()?;
    let offset = walk.at;
    let size = rows.checked_mul(columns).and_then(|values| values.checked_mul(4));
    walk.bytes(size.unwrap_or(usize::MAX), "a matrix")?;

    if let Some(kind) = kinds.next() {
        if kind != ND_NORMS || kinds.next().is_some() {
            return Err(wrong_chunk("at most norms (6) after the matrix", Some(kind)));
        }
        walk.chunk(ND_NORMS)?;
        let at = walk.at;
        let norms = walk.length("number of norms")?;
        if norms != all {
            let expected = format!("norms of {all} words");
            return Err(WordsError::damaged(path, at, expected, norms.to_string()));
        }
        walk.expect("type", TYPE_F32)?;
        walk.padding()?;
        let norms = walk.bytes(norms.saturating_mul(4), "norms")?;
        extras.norms = Some(norms_of(norms, words.len()));
    }
    if walk.at < mapping.len() {
        let found = format!("{} more bytes", mapping.len() - walk.at);
        return Err(WordsError::damaged(path, walk.at, "the end", found));
    }
    let shape = (words.len(), columns);
    let matrix = MappedMatrix::new(path, mapping.clone(), offset, shape)?;
    Embeddings::mapped(words, matrix, extras)
}

/// A position in the bytes of a file, which never leaves them.
struct Walk<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn bytes(&mut self, needed: usize, what: &'static str) -> Result<&'a [u8], WordsError> {
        let rest = &self.bytes[self.at..];
        let Some(found) = rest.get(..needed) else {
            return Err(WordsError::Truncated {
                path: self.path.to_owned(),
                what,
                offset: self.at as u64,
                needed: needed as u64,
                left: rest.len() as u64,
            });
        };
        self.at += needed;
        Ok(found)
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, WordsError> {
        let bytes = self.bytes(4, what)?;
        Ok(u32::from_le_bytes(bytes.try_into().expect("four bytes were read")))
    }

    /// A number of 64 bits; one beyond the machine's is beyond all that can be there.
    fn length(&mut self, what: &'static str) -> Result<usize, WordsError> {
        let bytes = self.bytes(8, what)?;
        let number = u64::from_le_bytes(bytes.try_into().expect("eight bytes were read"));
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    }

    fn expect(&mut self, what: &'static str, expected: u32) -> Result<(), WordsError> {
        let at = self.at;
        match self.u32(what)? {
            found if found == expected => Ok(()),
            found => {
                let expected = format!("{what} {expected}");
                Err(WordsError::damaged(self.path, at, expected, found.to_string()))
            }
        }
    }

    /// The start of a chunk; its length, which is within the file.
    fn chunk(&mut self, kind: u32) -> Result<usize, WordsError> {
        self.expect("chunk identifier", kind)?;
        let length = self.length("chunk length")?;
        let at = self.at;
        self.bytes(length, "a chunk")?;
        self.at = at;
        Ok(length)
    }

    fn padding(&mut self) -> Result<(), WordsError> {
        self.bytes(4 - self.at % 4, "padding").map(|_| ())
    }

    /// The first `limit` words of a vocabulary, and the number of all.
    fn vocab(
        &mut self,
        kind: u32,
        limit: usize,
        mapping: &Mapping,
    ) -> Result<(Words, usize), WordsError> {
        let length = self.chunk(kind)?;
        let end = self.at + length;
        let at = self.at;
        let all = self.length("number of words")?;
        if all == 0 {
            return Err(WordsError::damaged(self.path, at, "at least one word", "0"));
        }
        let ngrams = if kind == EXPLICIT_VOCAB { self.length("number of n-grams")? } else { 0 };
        if kind != SIMPLE_VOCAB {
            self.bytes(8, "lengths of n-grams")?;
        }
        if kind == BUCKET_VOCAB || kind == FASTTEXT_VOCAB {
            self.bytes(4, "buckets")?;
        }
        // Every word takes four bytes and more; each is checked against the file below.
        let at = self.at;
        let least = self.bytes(all.saturating_mul(4), "words")?.len();
        self.at = at;
        let wanted = all.min(limit);
        let words = match Late::prefixed(mapping, at, all, wanted) {
            Some((late, end)) => {
                self.at = end;
                Words::late(late)
            }
            None => self.words(all, wanted, end.saturating_sub(at + least))?,
        };
        for _ in 0..ngrams {
            let length = self.u32("n-grams")? as usize;
            self.bytes(length, "n-grams")?;
            self.bytes(8, "n-grams")?;
        }
        Ok((words, all))
    }

    /// Reads words one by one: says what is wrong with one, or reads those whose lengths say nothing
    /// of UTF-8. They have about so many bytes.
    fn words(&mut self, all: usize, wanted: usize, bytes: usize) -> Result<Words, WordsError> {
        let mut words = Words::default();
        // The lengths take four bytes a word, of which one is a separator's here.
        words.expect(wanted, bytes.saturating_add(wanted).min(self.bytes.len()));
        for row in 0..all {
            let at = self.at;
            let length = self.u32("words")? as usize;
            let word = self.bytes(length, "words")?;
            if row < wanted {
                let word = std::str::from_utf8(word).map_err(|_| {
                    let found = format!("`{}`", shown(word));
                    WordsError::damaged(self.path, at, "words in UTF-8", found)
                })?;
                words.push(word);
            }
        }
        Ok(words)
    }
}
