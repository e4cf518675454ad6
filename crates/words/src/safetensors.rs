//! Safetensors, by the library of that name.

use std::ops::Range;
use std::path::Path;

use ::safetensors::SafeTensors;
use ::safetensors::tensor::{Dtype, Metadata, SafeTensorError, TensorInfo};

use crate::dirt::Report;
use crate::embeddings::{Embeddings, Extras, Rows};
use crate::error::WordsError;
use crate::format::Format;
use crate::late::Late;
use crate::mapping::Mapping;
use crate::matrix::MappedMatrix;
use crate::open::{OpenOptions, Source};
use crate::sink::Sink;
use crate::values::{Layout, Scalar};
use crate::wordlist;
use crate::words::{self, Words};

/// The names that a tensor of vectors may have among others, in the order of preference.
const NAMES: [&str; 3] = ["embeddings", "vectors", "weight"];

/// The name of the tensor of the words, and their key in the metadata.
const WORDS: &str = "words";

/// Whether a file that starts like this is one: a length, then an object in JSON. The length has
/// a zero among its bytes, which text has not.
pub(crate) fn starts(sample: &[u8]) -> bool {
    sample.get(8..10) == Some(b"{\"") && sample[..8].contains(&0)
}

/// Reads the vectors of a file, and the words from it or from beside it.
pub(crate) fn read(
    path: &Path,
    source: Source,
    options: &OpenOptions,
    limit: usize,
) -> Result<(Rows, Report), WordsError> {
    let contents = source.into_mapping(path)?;
    let found = Found::read(path, &contents)?;
    let words = found.words(path, &contents, options, limit)?;
    let values = found.layout.decode(&contents[found.offset..], limit)?;
    let (columns, extras) = (found.layout.columns, Extras::default());
    Ok(Rows::of(&words, values, columns, extras, options.policy))
}

/// Hands on the words and vectors of a file, some rows at a time.
pub(crate) fn stream(
    path: &Path,
    source: Source,
    options: &OpenOptions,
    limit: usize,
    sink: &mut impl Sink,
) -> Result<Report, WordsError> {
    let contents = source.into_mapping(path)?;
    let found = Found::read(path, &contents)?;
    let words = found.words(path, &contents, options, limit)?;
    found.layout.stream(&contents[found.offset..], &words, options.policy, sink)
}

/// Opens a file whose matrix is as it is in memory.
pub(crate) fn map(
    path: &Path,
    mapping: Mapping,
    options: &OpenOptions,
    limit: usize,
) -> Result<Embeddings, WordsError> {
    let found = Found::read(path, &mapping)?;
    if found.layout.scalar != Scalar::F32 {
        let reason = "its numbers are not in 32-bit floating point".to_owned();
        return Err(WordsError::Unmappable { path: path.to_owned(), reason });
    }
    let words = found.mapped_words(path, &mapping, options, limit)?;
    let shape = (found.layout.rows.min(limit), found.layout.columns);
    let matrix = MappedMatrix::new(path, mapping, found.offset, shape)?;
    Embeddings::mapped(words, matrix, Extras::default())
}

/// The tensor of a file.
struct Found {
    metadata: Metadata,
    layout: Layout,
    /// Where it starts, in bytes from the start of the file, which holds it whole.
    offset: usize,
    /// Where the words are, if they are a tensor.
    words: Option<Range<usize>>,
}

impl Found {
    fn read(path: &Path, bytes: &[u8]) -> Result<Self, WordsError> {
        let refused = |cause: SafeTensorError| WordsError::Library {
            path: path.to_owned(),
            format: Format::Safetensors,
            cause: Box::new(cause),
        };
        let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(refused)?;
        let (name, tensor) =
            choose(&metadata).map_err(|found| WordsError::damaged(path, 8, expected(), found))?;
        let scalar = match tensor.dtype {
            Dtype::F16 => Scalar::F16,
            Dtype::BF16 => Scalar::Bf16,
            Dtype::F32 => Scalar::F32,
            other => {
                let expected = format!("`{name}` in F32, F16 or BF16");
                return Err(WordsError::damaged(path, 8, expected, format!("{other:?}")));
            }
        };
        let &[rows, columns] = &tensor.shape[..] else {
            let expected = format!("`{name}` with two axes");
            let found = format!("{} axes", tensor.shape.len());
            return Err(WordsError::damaged(path, 8, expected, found));
        };
        let offset = 8 + header + tensor.data_offsets.0;
        let layout = Layout { scalar, big_endian: false, by_columns: false, rows, columns };
        debug_assert!(layout.length().is_some_and(|length| length <= bytes.len() - offset));
        // Text in bytes, on one axis. The library has checked that the file holds it.
        let words = metadata
            .info(WORDS)
            .filter(|tensor| tensor.dtype == Dtype::U8 && tensor.shape.len() == 1)
            .map(|tensor| 8 + header + tensor.data_offsets.0..8 + header + tensor.data_offsets.1);
        Ok(Self { layout, offset, words, metadata })
    }

    /// The words: of the list that the options name, of the tensor, of the metadata, of the list beside
    /// the file; the first that there is.
    fn words(
        &self,
        path: &Path,
        bytes: &[u8],
        options: &OpenOptions,
        limit: usize,
    ) -> Result<Words, WordsError> {
        let rows = self.layout.rows;
        if options.words.is_some() {
            return wordlist::read(path, options, rows, limit);
        }
        let mut words = if let Some(range) = &self.words {
            Words::of_text(words::utf8(path, bytes[range.clone()].to_vec())?)
        } else if let Some(own) = self.metadata_words() {
            // Line feeds stand between words. One behind the last word is no word more, unless it
            // has to be: an empty last word.
            let mut words = Words::of_text(own.clone());
            if words.len() + 1 == rows && (own.is_empty() || own.ends_with('\n')) {
                words.push("");
            }
            words
        } else {
            return wordlist::read(path, options, rows, limit);
        };
        if words.len() != rows {
            return Err(WordsError::WordList { path: path.to_owned(), words: words.len(), rows });
        }
        words.truncate(limit);
        Ok(words)
    }

    /// The same, read when they are looked at where that is possible.
    fn mapped_words(
        &self,
        path: &Path,
        mapping: &Mapping,
        options: &OpenOptions,
        limit: usize,
    ) -> Result<Words, WordsError> {
        let rows = self.layout.rows;
        match &self.words {
            Some(range) if options.words.is_none() => {
                match Late::text(mapping.clone(), range.clone(), limit) {
                    Some((late, words)) if words == rows => Ok(Words::late(late)),
                    _ => self.words(path, mapping, options, limit),
                }
            }
            None if options.words.is_none() && self.metadata_words().is_some() => {
                self.words(path, mapping, options, limit)
            }
            _ => wordlist::map(path, options, rows, limit),
        }
    }

    fn metadata_words(&self) -> Option<&String> {
        self.metadata.metadata().as_ref().and_then(|metadata| metadata.get(WORDS))
    }
}

fn expected() -> String {
    let names = NAMES.map(|name| format!("`{name}`")).join(", ");
    format!("one tensor of two axes in F32, F16 or BF16, or one of the names {names}")
}

/// The tensor of the vectors; an error is what there is instead.
fn choose(metadata: &Metadata) -> Result<(String, &TensorInfo), String> {
    if let Some(found) =
        NAMES.into_iter().find_map(|name| Some((name.to_owned(), metadata.info(name)?)))
    {
        return Ok(found);
    }
    let mut tensors = metadata.tensors();
    let all = tensors.len();
    tensors.retain(|_, tensor| {
        tensor.shape.len() == 2 && matches!(tensor.dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32)
    });
    let count = tensors.len();
    match tensors.into_iter().next() {
        Some(found) if count == 1 => Ok(found),
        _ => Err(format!("{count} such tensors among {all}")),
    }
}

/// The start of a file with a tensor of `f32`, `rows` × `columns`, and behind it the [`Words::text`] of
/// its words, in so many bytes.
pub(crate) fn header((rows, columns): (usize, usize), words: usize) -> Vec<u8> {
    let length = rows as u64 * columns as u64 * 4; // bytes that were written
    let end = length + words as u64;
    let mut json = format!(
        "{{\"embeddings\":{{\"dtype\":\"F32\",\"shape\":[{rows},{columns}],\
         \"data_offsets\":[0,{length}]}},\"{WORDS}\":{{\"dtype\":\"U8\",\"shape\":[{words}],\
         \"data_offsets\":[{length},{end}]}}}}"
    );
    // The matrix starts at a multiple of eight bytes.
    json.extend(std::iter::repeat_n(' ', (8 - json.len() % 8) % 8));
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json.as_bytes());
    bytes
}
