//! Sentences of a file to rows in another, in blocks: neither is in memory as a whole.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use procrust_text::{Encode, TextError};
use serde::Serialize;

use procrust_runner::Progress;

/// Lines that are read and encoded together.
const BLOCK: usize = 2048;

/// The longest line that is read, in bytes.
const LONGEST_LINE: u64 = 1 << 24;

/// What to encode, and by what.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Embedding {
    /// A text file, a sentence a line, UTF-8.
    pub from: PathBuf,
    /// The `.npy` file to write.
    pub to: PathBuf,
    /// A model's folder or ONNX file; the encoder that ships when `None`.
    pub model: Option<PathBuf>,
}

/// What was encoded.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Embedded {
    /// Rows, one a line.
    pub sentences: usize,
    /// Columns.
    pub dimensions: usize,
    /// Tokens, before any sentence was cut.
    pub tokens: usize,
    /// Tokens that the encoder does not know.
    pub unknown: usize,
    /// Sentences that were too long and were cut.
    pub cut: usize,
    /// Seconds that encoding took, without loading the model.
    pub seconds: f64,
}

/// Why sentences could not be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// The text could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A line is not UTF-8 or too long.
    #[error("{}: line {line}: expected UTF-8 text of at most 16 MiB", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// There are no sentences.
    #[error("{} has no lines", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The rows could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The model could not be opened.
    #[error("cannot use the model")]
    Model(#[source] TextError),
    /// A sentence could not be encoded; its line is that of the file.
    #[error("{}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: TextError,
    },
}

impl Embedding {
    /// Encodes, with progress on stderr. The output appears whole or not at all.
    ///
    /// # Errors
    ///
    /// [`EmbedError`] with the file and, for a sentence, its line.
    pub fn run(&self) -> Result<Embedded, EmbedError> {
        match &self.model {
            Some(model) => self.encode(&*procrust_text::open(model).map_err(EmbedError::Model)?),
            None => self.encode(&procrust_minilm::encoder()),
        }
    }

    fn encode(&self, model: &dyn Encode) -> Result<Embedded, EmbedError> {
        let mut lines = Lines::open(&self.from)?;
        let mut rows = Rows::create(&self.to, model.dimensions()).map_err(|e| self.unwritten(e))?;
        let progress = Progress::of_rows("embed", None);
        let started = std::time::Instant::now();
        let mut done = Embedded {
            sentences: 0,
            dimensions: model.dimensions(),
            tokens: 0,
            unknown: 0,
            cut: 0,
            seconds: 0.0,
        };
        loop {
            let block = lines.next(BLOCK)?;
            if block.is_empty() {
                break;
            }
            let sentences: Vec<&str> = block.iter().map(String::as_str).collect();
            let encoded = model.encode(&sentences).map_err(|cause| {
                let cause = match cause {
                    TextError::Empty { line } => TextError::Empty { line: line + done.sentences },
                    TextError::NonFinite { line } => {
                        TextError::NonFinite { line: line + done.sentences }
                    }
                    other => other,
                };
                EmbedError::Encode { path: self.from.clone(), cause }
            })?;
            rows.add(encoded.rows.iter().copied()).map_err(|e| self.unwritten(e))?;
            done.sentences += block.len();
            done.tokens += encoded.tokens;
            done.unknown += encoded.tokens - encoded.known;
            done.cut += encoded.cut;
            progress.advance(block.len());
        }
        if done.sentences == 0 {
            return Err(EmbedError::Empty { path: self.from.clone() });
        }
        rows.finish(done.sentences).map_err(|e| self.unwritten(e))?;
        done.seconds = started.elapsed().as_secs_f64();
        progress.finish();
        Ok(done)
    }

    fn unwritten(&self, cause: io::Error) -> EmbedError {
        EmbedError::Write { path: self.to.clone(), cause }
    }
}

/// The lines of a file, some at a time.
struct Lines {
    path: PathBuf,
    from: BufReader<File>,
    read: usize,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, EmbedError> {
        let file =
            File::open(path).map_err(|cause| EmbedError::Read { path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), from: BufReader::new(file), read: 0 })
    }

    /// The next lines, at most `most`; none at the end.
    fn next(&mut self, most: usize) -> Result<Vec<String>, EmbedError> {
        let mut lines = Vec::new();
        while lines.len() < most {
            let mut bytes = Vec::new();
            let mut limited = (&mut self.from).take(LONGEST_LINE);
            let length = limited
                .read_until(b'\n', &mut bytes)
                .map_err(|cause| EmbedError::Read { path: self.path.clone(), cause })?;
            if length == 0 {
                break;
            }
            self.read += 1;
            let broken = || EmbedError::Line { path: self.path.clone(), line: self.read };
            if length as u64 == LONGEST_LINE {
                return Err(broken());
            }
            let mut line = String::from_utf8(bytes).map_err(|_| broken())?;
            line.truncate(line.trim_end_matches(['\n', '\r']).len());
            lines.push(line);
        }
        Ok(lines)
    }
}

/// A `.npy` file of `f32` that grows by rows, under a temporary name. Its header has room for any number
/// of rows, and gets it at the end.
struct Rows {
    path: PathBuf,
    part: PathBuf,
    columns: usize,
    file: Option<BufWriter<File>>,
}

/// Bytes of the header, with the magic number: a multiple of 64.
const HEADER: usize = 128;

impl Rows {
    fn create(path: &Path, columns: usize) -> io::Result<Self> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut file = BufWriter::new(File::create(&part)?);
        file.write_all(&[0; HEADER])?;
        Ok(Self { path: path.to_owned(), part, columns, file: Some(file) })
    }

    fn add(&mut self, values: impl Iterator<Item = f32>) -> io::Result<()> {
        let file = self.file.as_mut().expect("rows are added before the end");
        for value in values {
            file.write_all(&value.to_le_bytes())?;
        }
        Ok(())
    }

    fn finish(mut self, rows: usize) -> io::Result<()> {
        let text = format!(
            "{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {}), }}",
            self.columns
        );
        let mut header = b"\x93NUMPY\x01\x00".to_vec();
        header.extend_from_slice(&[(HEADER - 10) as u8, 0]);
        header.extend_from_slice(text.as_bytes());
        header.resize(HEADER - 1, b' ');
        header.push(b'\n');
        let file = self.file.take().expect("rows end once");
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
        drop(file);
        std::fs::rename(&self.part, &self.path)
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // What was not finished.
        if self.file.take().is_some() {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}
