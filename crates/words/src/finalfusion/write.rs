//! Plain finalfusion files, by the letter of the specification.

use std::io::{self, Cursor, Write};
use std::path::Path;

use finalfusion::io::ReadMetadata;
use finalfusion::metadata::Metadata;

use super::MAGIC;
use super::survey::{METADATA, ND_ARRAY, ND_NORMS, SIMPLE_VOCAB, TYPE_F32};
use crate::error::WordsError;
use crate::words::Words;

/// What stands before the values of the matrix.
pub(crate) struct Header<'a> {
    pub(crate) metadata: Option<&'a str>,
    /// One for each row.
    pub(crate) words: &'a Words,
    pub(crate) columns: u32,
    /// Whether [`norms`] follow on the values.
    pub(crate) norms: bool,
}

impl Header<'_> {
    /// Writes the start of a file; returns its length.
    pub(crate) fn write(&self, file: &mut impl Write) -> io::Result<u64> {
        let mut start = MAGIC.to_vec();
        let mut chunks = vec![SIMPLE_VOCAB, ND_ARRAY];
        if self.metadata.is_some() {
            chunks.insert(0, METADATA);
        }
        if self.norms {
            chunks.push(ND_NORMS);
        }
        start.extend(0_u32.to_le_bytes()); // version
        start.extend((chunks.len() as u32).to_le_bytes());
        start.extend(chunks.iter().flat_map(|chunk| chunk.to_le_bytes()));
        if let Some(metadata) = self.metadata {
            chunk(&mut start, METADATA, metadata.len() as u64);
            start.extend(metadata.as_bytes());
        }

        // In place of a word's separator stand the four bytes of its length.
        let rows = self.words.len() as u64;
        let vocab = self.words.text().len() as u64 + 3 * rows;
        chunk(&mut start, SIMPLE_VOCAB, 8 + vocab);
        start.extend(rows.to_le_bytes());
        file.write_all(&start)?;
        for word in self.words {
            let length = u32::try_from(word.len()).map_err(io::Error::other)?;
            file.write_all(&length.to_le_bytes())?;
            file.write_all(word.as_bytes())?;
        }

        let at = start.len() as u64 + vocab;
        let mut matrix = Vec::new();
        let padding = padding(at + 12 + 16);
        let values = rows * u64::from(self.columns) * 4;
        chunk(&mut matrix, ND_ARRAY, 16 + padding.len() as u64 + values);
        matrix.extend(rows.to_le_bytes());
        matrix.extend(self.columns.to_le_bytes());
        matrix.extend(TYPE_F32.to_le_bytes());
        matrix.extend(padding);
        file.write_all(&matrix)?;
        Ok(at + matrix.len() as u64 + values)
    }
}

/// Writes the norms, which start at byte `at` of the file.
pub(crate) fn norms(norms: &[f32], at: u64, file: &mut impl Write) -> io::Result<()> {
    let mut bytes = Vec::new();
    let padding = padding(at + 12 + 12);
    chunk(&mut bytes, ND_NORMS, 12 + padding.len() as u64 + norms.len() as u64 * 4);
    bytes.extend((norms.len() as u64).to_le_bytes());
    bytes.extend(TYPE_F32.to_le_bytes());
    bytes.extend(padding);
    bytes.extend(norms.iter().flat_map(|norm| norm.to_le_bytes()));
    file.write_all(&bytes)
}

/// The start of a chunk: what it is and how many bytes follow.
fn chunk(bytes: &mut Vec<u8>, kind: u32, length: u64) {
    bytes.extend(kind.to_le_bytes());
    bytes.extend(length.to_le_bytes());
}

/// One to four bytes, up to a multiple of four.
fn padding(at: u64) -> &'static [u8] {
    &[0; 4][..4 - (at % 4) as usize]
}

/// Refuses metadata that the library would not read.
pub(crate) fn check_metadata(path: &Path, metadata: &str) -> Result<(), WordsError> {
    let mut bytes = MAGIC.to_vec();
    for number in [0, 1, METADATA] {
        bytes.extend(number.to_le_bytes());
    }
    chunk(&mut bytes, METADATA, metadata.len() as u64);
    bytes.extend(metadata.as_bytes());
    match Option::<Metadata>::read_metadata(&mut Cursor::new(bytes)) {
        Ok(_) => Ok(()),
        Err(cause) => Err(WordsError::Metadata { path: path.to_owned(), cause: Box::new(cause) }),
    }
}
