//! From a path to embeddings.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::embeddings::Embeddings;
use crate::error::WordsError;
use crate::format::Format;
use crate::{fasttext, finalfusion, floret, text, word2vec};

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
}

/// Bytes at the start of a file that decide about its format.
const SAMPLE: u64 = 1 << 16;

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
        let source = if source.sample.starts_with(&[0x1f, 0x8b]) {
            Self::new(MultiGzDecoder::new(source.contents), None).map_err(WordsError::read(path))?
        } else {
            source
        };
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
    let source = Source::open(path)?;
    let rows = match options.format.unwrap_or_else(|| Format::of(&source.sample)) {
        Format::Text => {
            text::read(path, source, limit, options.spaces_in_words, text::Blocks::default())?
        }
        Format::Word2VecBinary => word2vec::read(path, source.contents, limit)?,
        Format::Finalfusion => finalfusion::read(path, &source, limit, options.subwords)?,
        Format::FastText => fasttext::read(path, source, limit, options.subwords)?,
        Format::Floret => floret::read(path, source, options.subwords)?,
    };
    rows.finish().map_err(|error| error.in_file(path))
}
