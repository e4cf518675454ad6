//! Files row by row.

use std::ops::ControlFlow;
use std::path::Path;

use crate::dirt::Report;
use crate::error::WordsError;
use crate::format::Format;
use crate::open::{OpenOptions, Outcome, Source, limit, read};
use crate::sink::Each;
use crate::{fasttext, finalfusion, floret, npy, parquet, safetensors};

/// A row of a file, as [`stream_rows`] hands it on.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Row<'a> {
    /// The word.
    pub word: &'a str,
    /// Its vector.
    pub vector: &'a [f32],
    /// The length that the vector had before finalfusion scaled it to unit length, where a
    /// finalfusion file has it; `vector` has this length again.
    pub norm: Option<f32>,
    /// The metadata of a finalfusion file, the same for every row.
    pub metadata: Option<&'a str>,
}

/// Reads the file at `path` row by row: calls `each` with every word and its vector.
///
/// The rows are those of [`Embeddings::open`](crate::Embeddings::open) with the same options, in the
/// same order, with the same [`Report`]; what is an error there is one here. But the rows before an
/// error have been handed on when it is found, and of two errors in a file the other one may be
/// found. `each` ends the reading with [`ControlFlow::Break`], which is no error.
///
/// Memory does not grow with the vectors: a few blocks of the file, and the words that were seen, to
/// leave out those that come again. Text and word2vec's binary format are read from the start to the
/// end, Parquet in batches of rows, other formats from the mapped file, which must not be changed by
/// others meanwhile; compressed ones of these are unpacked into a temporary file first. In memory
/// as a whole are the codes of quantised fastText models, a few bytes a row. A file that has
/// subwords and no words is an error.
///
/// ```
/// use std::ops::ControlFlow;
/// use procrust_words::{OpenOptions, stream};
///
/// # let directory = tempfile::tempdir()?;
/// let path = directory.path().join("few.vec");
/// std::fs::write(&path, "2 2\nthe 0.5 1\nof -1 2\n")?;
///
/// let mut longest = 0.0_f32;
/// let report = stream(&path, &OpenOptions::default(), |_word, vector| {
///     longest = longest.max(vector.iter().map(|value| value * value).sum());
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(longest, 5.0);
/// assert!(report.is_clean());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of [`Embeddings::open`](crate::Embeddings::open).
pub fn stream(
    path: impl AsRef<Path>,
    options: &OpenOptions,
    mut each: impl FnMut(&str, &[f32]) -> ControlFlow<()>,
) -> Result<Report, WordsError> {
    stream_rows(path, options, |row| each(row.word, row.vector))
}

/// [`stream`], with the norms and metadata of finalfusion files.
///
/// [`Writer::push_row`](crate::Writer::push_row) takes the rows.
///
/// # Errors
///
/// Those of [`Embeddings::open`](crate::Embeddings::open).
pub fn stream_rows(
    path: impl AsRef<Path>,
    options: &OpenOptions,
    each: impl FnMut(Row<'_>) -> ControlFlow<()>,
) -> Result<Report, WordsError> {
    let path = path.as_ref();
    let limit = limit(options)?;
    let source = Source::open(path)?;
    let format = source.format(options);
    let mut sink = Each::new(each, limit);
    let report = match read(path, source, format, options, &mut sink)? {
        Outcome::Read(report) => *report,
        Outcome::NotByRows(source) => {
            let report = match format {
                Format::Npy => npy::stream(path, source, options, limit, &mut sink),
                Format::Safetensors => safetensors::stream(path, source, options, limit, &mut sink),
                Format::Parquet => parquet::read(path, source, options.policy, &mut sink),
                Format::FastText => fasttext::stream(path, source, options, limit, &mut sink),
                Format::Floret => return Err(floret::no_words(path, source, options.subwords)),
                _ => finalfusion::stream(path, source, options, limit, &mut sink),
            };
            report.map_err(|error| match error {
                WordsError::NonFiniteVector { .. } => error.in_file(path),
                error => error,
            })?
        }
    };
    match (sink.len(), sink.columns()) {
        (rows, columns) if rows == 0 || columns == 0 => {
            Err(WordsError::NoVectors { rows, columns }.in_file(path))
        }
        _ => Ok(report),
    }
}
