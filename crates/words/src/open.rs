//! From a path to embeddings.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::dirt::{Policy, Report};
use crate::embeddings::{Embeddings, Rows};
use crate::error::WordsError;
use crate::format::Format;
use crate::mapping::Mapping;
use crate::sink::{Each, Sink};
use crate::{fasttext, finalfusion, floret, npy, parquet, safetensors, text, word2vec};

/// How [`Embeddings::open`] reads a file.
///
/// ```
/// use procrust_words::OpenOptions;
///
/// let mut options = OpenOptions::default();
/// options.limit = Some(200_000);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenOptions {
    /// The format of the file. Default: found out from its contents.
    pub format: Option<Format>,
    /// The number of words after which reading stops, at least 1. Files list frequent words
    /// first. What stands behind is not looked at. Default: all words.
    pub limit: Option<usize>,
    /// In text, takes the last values of a line as its vector and all before them as the word,
    /// spaces included (GloVe's 840B file has such words). Default: false, such a line is an
    /// error.
    pub spaces_in_words: bool,
    /// Keeps the vectors of n-grams where the format has them, to make vectors for words that are
    /// not in the vocabulary: [`Embeddings::subwords`], [`Lookup`](crate::Lookup). They may need
    /// more memory than the words. Default: false, they are not kept, and a file that has nothing
    /// else is an error.
    pub subwords: bool,
    /// What is done with lines and rows that are not as they should be. Default: the first is an
    /// error.
    pub policy: Policy,
    /// The list of words, one a line, that belongs to a file of vectors only (`npy`, and
    /// `safetensors` without words of its own; others pass it over). Default: for `x.npy` the
    /// first of `x.words.txt`, `x.txt` and `x.vocab` that is beside it.
    pub words: Option<PathBuf>,
    /// Leaves the vectors in the file, mapped into memory: opening checks the words and reads no
    /// vector, and [`Embeddings::vectors`] is a view of the file. For plain `finalfusion` files,
    /// `npy` in little-endian 32-bit floating point by rows (C order), and `safetensors` in 32-bit;
    /// all others, compressed ones, and those whose [`subwords`](Self::subwords) are wanted, are
    /// refused.
    ///
    /// What is checked is that there are as many words as vectors and that they are UTF-8; they are
    /// read when one of them is looked at for the first time. Neither vectors nor duplicates are
    /// looked at ([`Embeddings::check`] does that; of a word that is listed twice
    /// [`Embeddings::position`] is the first row). Vectors of finalfusion have unit length
    /// ([`Embeddings::norms`] has the length they had). Nobody may change the file or its list of
    /// words, or cut them short, as long as the embeddings live. To write a new one and rename it,
    /// as [`Embeddings::write`] does, is no such change. Default: false.
    pub map: bool,
}

/// Bytes at the start of a file that decide about its format.
pub(crate) const SAMPLE: u64 = 1 << 16;

/// How compressed files start.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Whether a file that starts like this is compressed.
pub(crate) fn is_compressed(start: &[u8]) -> bool {
    start.starts_with(GZIP) || start.starts_with(ZSTD)
}

/// The contents of a file, unpacked where it is compressed.
pub(crate) struct Source {
    /// How they start.
    pub(crate) sample: Vec<u8>,
    /// All of them, the sample included.
    pub(crate) contents: Box<dyn Read + Send>,
    /// Their length in bytes, where it is known.
    pub(crate) length: Option<u64>,
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self, WordsError> {
        let opened = |cause| WordsError::Open { path: path.to_owned(), cause };
        let file = File::open(path).map_err(opened)?;
        let metadata = file.metadata().map_err(opened)?;
        let length = metadata.is_file().then_some(metadata.len());
        let source = Self::new(file, length).map_err(WordsError::read(path))?;
        let source = if source.sample.starts_with(GZIP) {
            Self::new(MultiGzDecoder::new(source.contents), None)
        } else if source.sample.starts_with(ZSTD) {
            zstd::Decoder::new(source.contents).and_then(|unpacked| Self::new(unpacked, None))
        } else {
            Ok(source)
        };
        let source = source.map_err(WordsError::read(path))?;
        if source.sample.is_empty() {
            return Err(WordsError::Empty { path: path.to_owned() });
        }
        Ok(source)
    }

    fn new(mut reader: impl Read + Send + 'static, length: Option<u64>) -> io::Result<Self> {
        let mut sample = Vec::new();
        let read = reader.by_ref().take(SAMPLE).read_to_end(&mut sample);
        let start = Cursor::new(sample.clone());
        let contents: Box<dyn Read + Send> = match read {
            Ok(_) => Box::new(start.chain(reader)),
            Err(error) if sample.is_empty() => return Err(error),
            // What could be read may be enough; whoever reads on meets the error.
            Err(error) => Box::new(start.chain(Failed(error.kind(), Some(error)))),
        };
        Ok(Self { sample, contents, length })
    }
}

/// The end of a file that could not be read any further.
struct Failed(io::ErrorKind, Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.1.take().unwrap_or_else(|| self.0.into()))
    }
}

/// Reads embeddings from the file at `path`.
pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Embeddings, WordsError> {
    let limit = limit(options)?;
    let in_file = |error: WordsError| match error {
        WordsError::NoVectors { .. } | WordsError::NonFiniteVector { .. } => error.in_file(path),
        error => error,
    };
    if options.map {
        return open_mapped(path, options, limit).map_err(in_file);
    }
    let (source, format) = start(path, options)?;
    let mut rows = Rows::new(limit);
    let (rows, report) = match read(path, source, format, options, &mut rows)? {
        Outcome::Read(report) => (rows, *report),
        Outcome::NoStream(source) => match format {
            Format::Npy => npy::read(path, source, options, limit)?,
            Format::Safetensors => safetensors::read(path, source, options, limit)?,
            Format::Parquet => parquet::read(path, source, options.policy, limit)?,
            Format::FastText => fasttext::read(path, source, options, limit)?,
            Format::Floret => floret::read(path, source, options.subwords)?,
            _ => finalfusion::read(path, &source, options, limit)?,
        },
    };
    rows.finish(report).map_err(|error| error.in_file(path))
}

/// Reads the file at `path` row by row: calls `each` with every word and its vector.
///
/// The rows are those of [`Embeddings::open`] with the same options, in the same order, with the
/// same [`Report`] and the same errors; but those before an error have been handed on when it is
/// found. `each` ends the reading with [`ControlFlow::Break`], which is no error.
///
/// For text and word2vec's binary format memory does not grow with the vectors: a few blocks of the
/// file, and the words that were seen, to leave out those that come again. Other formats are read as
/// a whole first; one that has subwords and no words is an error.
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
/// Those of [`Embeddings::open`].
pub fn stream(
    path: impl AsRef<Path>,
    options: &OpenOptions,
    mut each: impl FnMut(&str, &[f32]) -> ControlFlow<()>,
) -> Result<Report, WordsError> {
    let path = path.as_ref();
    let limit = limit(options)?;
    let (source, format) = start(path, options)?;
    let mut sink = Each::new(&mut each, limit);
    match read(path, source, format, options, &mut sink)? {
        Outcome::Read(report) if sink.len() > 0 => Ok(*report),
        Outcome::Read(_) => {
            Err(WordsError::NoVectors { rows: 0, columns: sink.columns() }.in_file(path))
        }
        Outcome::NoStream(_) => {
            let all = open(path, options)?;
            if all.is_empty() {
                return Err(WordsError::NoVectors { rows: 0, columns: all.dim() }.in_file(path));
            }
            for (word, row) in all.words().iter().zip(all.vectors().rows()) {
                let row = row.to_slice().expect("vectors are stored by rows");
                if each(word, row).is_break() {
                    break;
                }
            }
            Ok(all.report().clone())
        }
    }
}

/// The most words that are wanted.
fn limit(options: &OpenOptions) -> Result<usize, WordsError> {
    match options.limit {
        Some(0) => Err(WordsError::Limit),
        limit => Ok(limit.unwrap_or(usize::MAX)),
    }
}

/// The file and its format.
fn start(path: &Path, options: &OpenOptions) -> Result<(Source, Format), WordsError> {
    let source = Source::open(path)?;
    let format = options.format.unwrap_or_else(|| Format::of(&source.sample));
    Ok((source, format))
}

/// How far [`read`] came.
enum Outcome {
    /// All rows that were wanted are in the sink.
    Read(Box<Report>),
    /// The format is not one that is read row by row.
    NoStream(Source),
}

/// Reads those formats that are read row by row.
fn read(
    path: &Path,
    source: Source,
    format: Format,
    options: &OpenOptions,
    sink: &mut impl Sink,
) -> Result<Outcome, WordsError> {
    Ok(match format {
        Format::Text => {
            let blocks = text::Blocks::default();
            Outcome::Read(text::read(path, source, options, blocks, sink)?.into())
        }
        Format::Word2VecBinary => {
            let block = word2vec::BLOCK;
            Outcome::Read(word2vec::read(path, source, options.policy, block, sink)?.into())
        }
        _ => Outcome::NoStream(source),
    })
}

/// Opens a file and leaves the vectors in it.
fn open_mapped(path: &Path, options: &OpenOptions, limit: usize) -> Result<Embeddings, WordsError> {
    let mapping = Mapping::open(path)?;
    let unmappable = |reason| Err(WordsError::Unmappable { path: path.to_owned(), reason });
    if is_compressed(&mapping) {
        return unmappable("it is compressed".to_owned());
    }
    let sample = &mapping[..mapping.len().min(SAMPLE as usize)];
    match options.format.unwrap_or_else(|| Format::of(sample)) {
        Format::Finalfusion => finalfusion::map(path, &mapping, options.subwords, limit),
        Format::Npy => npy::map(path, mapping, options, limit),
        Format::Safetensors => safetensors::map(path, mapping, options, limit),
        format => unmappable(format!("files of the format {format} are read as a whole")),
    }
}
