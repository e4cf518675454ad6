//! From a path to embeddings.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::dirt::{Policy, Report};
use crate::embeddings::{Embeddings, Rows};
use crate::error::WordsError;
use crate::format::Format;
use crate::mapping::Mapping;
use crate::sink::Sink;
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
    /// The file that they are, where it is one that is not compressed.
    pub(crate) file: Option<File>,
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self, WordsError> {
        let opened = |cause| WordsError::Open { path: path.to_owned(), cause };
        let file = File::open(path).map_err(opened)?;
        let metadata = file.metadata().map_err(opened)?;
        let length = metadata.is_file().then_some(metadata.len());
        // Files of the system that are made as they are read have no length of their own.
        let again = length.filter(|&length| length > 0).and_then(|_| file.try_clone().ok());
        let mut source = Self::unpack(file, length).map_err(WordsError::read(path))?;
        if source.length.is_some() {
            source.file = again;
        }
        source.not_empty(path)
    }

    /// What a reader has, which `path` stands for in messages.
    pub(crate) fn of(path: &Path, reader: impl Read + Send + 'static) -> Result<Self, WordsError> {
        Self::unpack(reader, None).map_err(WordsError::read(path))?.not_empty(path)
    }

    fn not_empty(self, path: &Path) -> Result<Self, WordsError> {
        if self.sample.is_empty() {
            return Err(WordsError::Empty { path: path.to_owned() });
        }
        Ok(self)
    }

    /// The contents of a reader, unpacked where they are compressed: then their length is not known.
    fn unpack(reader: impl Read + Send + 'static, length: Option<u64>) -> io::Result<Self> {
        let source = Self::new(reader, length)?;
        if source.sample.starts_with(GZIP) {
            Self::new(MultiGzDecoder::new(source.contents), None)
        } else if source.sample.starts_with(ZSTD) {
            Self::new(zstd::Decoder::new(source.contents)?, None)
        } else {
            Ok(source)
        }
    }

    /// The format that the options name, or that the contents tell.
    pub(crate) fn format(&self, options: &OpenOptions) -> Format {
        options.format.unwrap_or_else(|| Format::of(&self.sample))
    }

    /// The contents as a file, from its start on. What is no file by itself, compressed ones among
    /// them, is unpacked into one without a name, in the system's folder for temporary files.
    pub(crate) fn into_file(self, path: &Path) -> Result<File, WordsError> {
        let Self { file, mut contents, .. } = self;
        let start = |mut file: File| file.seek(SeekFrom::Start(0)).map(|_| file);
        let file = file.map_or_else(
            || {
                let mut unpacked = tempfile::tempfile()?;
                io::copy(&mut contents, &mut unpacked).map(|_| unpacked)
            },
            Ok,
        );
        file.and_then(start).map_err(WordsError::read(path))
    }

    /// The contents, mapped into memory.
    pub(crate) fn into_mapping(self, path: &Path) -> Result<Mapping, WordsError> {
        Mapping::of(path, &self.into_file(path)?)
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
        Ok(Self { sample, contents, length, file: None })
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
    if options.map {
        let in_file = |error: WordsError| match error {
            WordsError::NoVectors { .. } | WordsError::NonFiniteVector { .. } => {
                error.in_file(path)
            }
            error => error,
        };
        return open_mapped(path, options, limit(options)?).map_err(in_file);
    }
    limit(options)?;
    read_whole(path, Source::open(path)?, options)
}

/// Reads embeddings from a reader.
pub(crate) fn open_reader(
    path: &Path,
    reader: impl Read + Send + 'static,
    options: &OpenOptions,
) -> Result<Embeddings, WordsError> {
    if options.map {
        let reason = "it is no file".to_owned();
        return Err(WordsError::Unmappable { path: path.to_owned(), reason });
    }
    limit(options)?;
    read_whole(path, Source::of(path, reader)?, options)
}

fn read_whole(
    path: &Path,
    source: Source,
    options: &OpenOptions,
) -> Result<Embeddings, WordsError> {
    let limit = limit(options)?;
    let format = source.format(options);
    let mut rows = Rows::new(limit);
    let (rows, report) = match read(path, source, format, options, &mut rows)? {
        Outcome::Read(report) => (rows, *report),
        Outcome::NotByRows(source) => match format {
            Format::Npy => npy::read(path, source, options, limit)?,
            Format::Safetensors => safetensors::read(path, source, options, limit)?,
            Format::Parquet => {
                let report = parquet::read(path, source, options.policy, &mut rows)?;
                (rows, report)
            }
            Format::FastText => fasttext::read(path, source, options, limit)?,
            Format::Floret => floret::read(path, source, options.subwords)?,
            _ => finalfusion::read(path, source, options, limit)?,
        },
    };
    rows.finish(report).map_err(|error| error.in_file(path))
}

/// The most words that are wanted.
pub(crate) fn limit(options: &OpenOptions) -> Result<usize, WordsError> {
    match options.limit {
        Some(0) => Err(WordsError::Limit),
        limit => Ok(limit.unwrap_or(usize::MAX)),
    }
}

/// How far [`read`] came.
pub(crate) enum Outcome {
    /// All rows that were wanted are in the sink.
    Read(Box<Report>),
    /// The format is not one that is read from the start to the end.
    NotByRows(Source),
}

/// Reads those formats that are read row by row, from the start to the end.
pub(crate) fn read(
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
        _ => Outcome::NotByRows(source),
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
