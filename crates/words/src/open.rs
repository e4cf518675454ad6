//! From a path to embeddings.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::embeddings::Embeddings;
use crate::error::WordsError;
use crate::format::Format;
use crate::mapping::Mapping;
use crate::{finalfusion, npy, parquet, safetensors, text, word2vec};

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
    /// The list of words, one a line, that belongs to a file of vectors only (`npy`, and
    /// `safetensors` without words of its own; others pass it over). Default: for `x.npy` the
    /// first of `x.words.txt`, `x.txt` and `x.vocab` that is beside it.
    pub words: Option<PathBuf>,
    /// Leaves the vectors in the file, mapped into memory: opening reads the words and no vector,
    /// and [`Embeddings::vectors`] is a view of the file. For plain `finalfusion` files, `npy` in
    /// little-endian 32-bit floating point by rows (C order), and `safetensors` in 32-bit; all
    /// others, and compressed ones, are refused.
    ///
    /// Neither vectors nor duplicates are looked at ([`Embeddings::check`] does that), vectors of
    /// finalfusion have unit length ([`Embeddings::norms`] has the length they had), and nobody
    /// may change the file or cut it short as long as the embeddings live. To write a new one
    /// and rename it, as [`Embeddings::write`] does, is no such change. Default: false.
    pub map: bool,
}

/// Bytes at the start of a file that decide about its format.
const SAMPLE: u64 = 1 << 16;

/// How compressed files start.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

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
        let length = file.metadata().map_err(opened)?.len();
        let source = Self::new(file, Some(length)).map_err(WordsError::read(path))?;
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
        reader.by_ref().take(SAMPLE).read_to_end(&mut sample)?;
        let contents = Box::new(Cursor::new(sample.clone()).chain(reader));
        Ok(Self { sample, contents, length })
    }
}

/// Reads embeddings from the file at `path`.
pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Embeddings, WordsError> {
    let limit = options.limit.unwrap_or(usize::MAX);
    if limit == 0 {
        return Err(WordsError::Limit);
    }
    if options.map {
        return open_mapped(path, options, limit).map_err(|error| match error {
            WordsError::NoVectors { .. } => error.in_file(path),
            error => error,
        });
    }
    let source = Source::open(path)?;
    let rows = match options.format.unwrap_or_else(|| Format::of(&source.sample)) {
        Format::Text => {
            text::read(path, source, limit, options.spaces_in_words, text::Blocks::default())?
        }
        Format::Word2VecBinary => word2vec::read(path, source.contents, limit)?,
        Format::Finalfusion => finalfusion::read(path, &source, limit)?,
        Format::Npy => npy::read(path, source, options, limit)?,
        Format::Safetensors => safetensors::read(path, source, options, limit)?,
        Format::Parquet => parquet::read(path, source, limit)?,
    };
    rows.finish().map_err(|error| error.in_file(path))
}

/// Opens a file and leaves the vectors in it.
fn open_mapped(path: &Path, options: &OpenOptions, limit: usize) -> Result<Embeddings, WordsError> {
    let mapping = Mapping::open(path)?;
    let unmappable = |reason| Err(WordsError::Unmappable { path: path.to_owned(), reason });
    if mapping.starts_with(GZIP) || mapping.starts_with(ZSTD) {
        return unmappable("it is compressed".to_owned());
    }
    let sample = &mapping[..mapping.len().min(SAMPLE as usize)];
    match options.format.unwrap_or_else(|| Format::of(sample)) {
        Format::Finalfusion => finalfusion::map(path, &mapping, limit),
        Format::Npy => npy::map(path, mapping, options, limit),
        Format::Safetensors => safetensors::map(path, mapping, options, limit),
        format => unmappable(format!("files of the format {format} are read as a whole")),
    }
}
