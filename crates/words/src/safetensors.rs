//! Safetensors, by the library of that name.

use std::path::Path;

use ::safetensors::SafeTensors;
use ::safetensors::tensor::{Dtype, Metadata, SafeTensorError, TensorInfo};

use crate::dirt::Report;
use crate::embeddings::{Embeddings, Extras, Rows};
use crate::error::WordsError;
use crate::format::Format;
use crate::mapping::Mapping;
use crate::matrix::MappedMatrix;
use crate::open::{OpenOptions, Source};
use crate::sink::Sink;
use crate::values::{Layout, Scalar};
use crate::wordlist;
use crate::words::Words;

/// The names that a tensor of vectors may have among others, in the order of preference.
const NAMES: [&str; 3] = ["embeddings", "vectors", "weight"];

/// The key of the words in the metadata.
const WORDS: &str = "words";

/// The longest header that the library reads, in bytes.
const HEADER: usize = 100_000_000;

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
    let words = found.words(path, options, limit)?;
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
    let words = found.words(path, options, limit)?;
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
    let words = found.words(path, options, limit)?;
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
        Ok(Self { layout, offset, metadata })
    }

    fn words(&self, path: &Path, options: &OpenOptions, limit: usize) -> Result<Words, WordsError> {
        let rows = self.layout.rows;
        let own = self.metadata.metadata().as_ref().and_then(|metadata| metadata.get(WORDS));
        let (None, Some(own)) = (&options.words, own) else {
            return wordlist::read(path, options, rows, limit);
        };
        // Line feeds stand between words. One behind the last word is no word more, unless it has
        // to be: an empty last word.
        let mut words = Words::of_text(own.clone());
        if words.len() + 1 == rows && (own.is_empty() || own.ends_with('\n')) {
            words.push("");
        }
        if words.len() != rows {
            return Err(WordsError::WordList { path: path.to_owned(), words: words.len(), rows });
        }
        words.truncate(limit);
        Ok(words)
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

/// The start of a file with one tensor of `f32`, `rows` × `columns`, and its words.
pub(crate) fn header(
    path: &Path,
    words: &Words,
    (rows, columns): (usize, usize),
) -> Result<Vec<u8>, WordsError> {
    let mut json = String::from("{\"__metadata__\":{\"words\":\"");
    let text = words.text();
    for c in text.strip_suffix('\n').unwrap_or(text).chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    let length = rows as u64 * columns as u64 * 4; // bytes that were written
    json.push_str(&format!(
        "\"}},\"embeddings\":{{\"dtype\":\"F32\",\"shape\":[{rows},{columns}],\
         \"data_offsets\":[0,{length}]}}}}"
    ));
    // The matrix starts at a multiple of eight bytes.
    json.extend(std::iter::repeat_n(' ', (8 - json.len() % 8) % 8));
    if json.len() > HEADER {
        return Err(WordsError::TooLong {
            path: path.to_owned(),
            what: "a header with all words",
            limit: HEADER as u64,
            found: json.len() as u64,
        });
    }
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json.as_bytes());
    Ok(bytes)
}
