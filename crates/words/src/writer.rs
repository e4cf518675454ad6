//! Writing word vectors, row by row.

use std::fmt;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::embeddings::{Index, quotient};
use crate::error::{WordsError, shown};
use crate::format::Format;
use crate::output::{Compression, Packed, Temporary, appear, append, check_name, temporary};
use crate::stream::Row;
use crate::words::Words;
use crate::{finalfusion, npy, parquet, safetensors, word2vec, wordlist};

/// How [`Writer`] and [`Embeddings::write`](crate::Embeddings::write) write a file.
///
/// ```
/// use procrust_words::{Format, WriteOptions};
///
/// let mut options = WriteOptions::default();
/// options.format = Some(Format::Text);
/// options.header = false; // as GloVe does
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// The format of the file. Default: by the ending of its name, see [`Format::of_name`].
    pub format: Option<Format>,
    /// Whether text starts with a line of the numbers of vectors and dimensions, as word2vec and
    /// fastText write it and GloVe does not. Default: true.
    pub header: bool,
    /// The number of rows that will come, if it is known: another number is an error then, and a
    /// header that stands before all rows can be written at once, where it otherwise takes a
    /// second copy of the file while it is finished. Default: not known.
    pub rows: Option<usize>,
    /// Metadata in TOML, for finalfusion files; other formats have no place for it. Default: what
    /// the embeddings have, or none.
    pub metadata: Option<String>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { format: None, header: true, rows: None, metadata: None }
    }
}

/// Values of text that are formatted in one go, and the rows that one thread takes of them.
const BLOCK: usize = 1 << 18;
const PART: usize = 64;

/// Writes a file of word vectors, row by row.
///
/// The rows need not be in memory together: they go to a temporary file in the same folder, which
/// gets its name when the writer is [finished](Self::finish), in place of a file that had the
/// name before, and is removed when the writer is dropped before that. (The words of `finalfusion`
/// and `safetensors` files are kept until then.) An `npy` file
/// `x.npy` appears together with its list of words, `x.words.txt`. Text and word2vec's binary
/// format are compressed when the name ends in `.gz` or `.zst`.
///
/// Every number comes back bit for bit: text has the shortest decimals that do.
///
/// ```
/// use procrust_words::{Embeddings, OpenOptions, WriteOptions, Writer};
///
/// # let directory = tempfile::tempdir()?;
/// let path = directory.path().join("few.vec.zst");
/// let mut writer = Writer::create(&path, 2, &WriteOptions::default())?;
/// writer.push("the", &[0.5, 1.0])?;
/// assert!(writer.push("two words", &[0.0, 0.0]).is_err()); // text has no place for them
/// writer.push("of", &[-1.0, 2.0])?;
/// assert!(!path.exists());
/// writer.finish()?;
///
/// let few = Embeddings::open(&path, &OpenOptions::default())?;
/// assert_eq!(few.words(), ["the", "of"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Writer {
    path: PathBuf,
    format: Format,
    columns: usize,
    /// The number that was announced.
    announced: Option<usize>,
    rows: usize,
    body: Body,
    /// Room for a row at unit length.
    unit: Vec<f32>,
}

/// What was written, by the format.
enum Body {
    Text {
        stream: Stream,
        /// Rows that are not formatted yet.
        words: Words,
        values: Vec<f32>,
    },
    Word2VecBinary(Stream),
    Finalfusion {
        values: Temporary,
        words: Words,
        index: Index,
        norms: Vec<f32>,
        metadata: Option<String>,
    },
    Npy {
        file: Temporary,
        list: Temporary,
    },
    Safetensors {
        values: Temporary,
        words: Words,
    },
    #[cfg(feature = "parquet")]
    Parquet(Box<parquet::Table>),
}

/// Text or word2vec's binary format, compressed or not.
struct Stream {
    file: Packed,
    compression: Compression,
    /// Whether a header is to be put before all that was written.
    header: bool,
}

impl Stream {
    /// Starts a file; its header is written at once where the number of rows is known.
    fn create(
        path: &Path,
        header: bool,
        rows: Option<usize>,
        columns: usize,
    ) -> Result<Self, WordsError> {
        let compression = Compression::of(path);
        let write = WordsError::write(path);
        let mut file = Packed::new(temporary(path)?, compression).map_err(&write)?;
        if let (true, Some(rows)) = (header, rows) {
            writeln!(file, "{rows} {columns}").map_err(&write)?;
        }
        Ok(Self { file, compression, header: header && rows.is_none() })
    }

    fn finish(self, path: &Path, rows: usize, columns: usize) -> Result<(), WordsError> {
        let write = WordsError::write(path);
        let mut file = self.file.finish().map_err(&write)?;
        if self.header {
            let mut start = Packed::new(temporary(path)?, self.compression).map_err(&write)?;
            writeln!(start, "{rows} {columns}").map_err(&write)?;
            let mut whole = start.finish().map_err(&write)?;
            append(file, &mut whole).map_err(&write)?;
            file = whole;
        }
        appear(file, path)
    }
}

impl Writer {
    /// Starts a file of vectors of `dim` dimensions.
    ///
    /// # Errors
    ///
    /// [`WordsError::NameWithoutFormat`] when neither options nor name tell the format;
    /// [`WordsError::OnlyRead`] for the formats `fasttext` and `floret`;
    /// [`WordsError::Compressed`] when the name asks for a compression that the format does not
    /// go with; [`WordsError::Feature`] for Parquet without the feature `parquet`;
    /// [`WordsError::NoVectors`] without dimensions; [`WordsError::TooLong`] for more dimensions
    /// than the format can say; [`WordsError::Metadata`] for what is not TOML;
    /// [`WordsError::Write`].
    pub fn create(
        path: impl AsRef<Path>,
        dim: usize,
        options: &WriteOptions,
    ) -> Result<Self, WordsError> {
        let path = path.as_ref();
        let format = options
            .format
            .or_else(|| Format::of_name(path))
            .ok_or_else(|| WordsError::NameWithoutFormat { path: path.to_owned() })?;
        let only_read = || WordsError::OnlyRead { path: path.to_owned(), format };
        if !format.is_written() {
            return Err(only_read());
        }
        let packable = matches!(format, Format::Text | Format::Word2VecBinary);
        if !packable && Compression::of(path) != Compression::None {
            return Err(WordsError::Compressed { path: path.to_owned(), format });
        }
        if dim == 0 {
            let rows = options.rows.unwrap_or(0);
            return Err(WordsError::NoVectors { rows, columns: 0 }.in_file(path));
        }
        check_name(path)?;
        let rows = options.rows;
        let body = match format {
            Format::Text => Body::Text {
                stream: Stream::create(path, options.header, rows, dim)?,
                words: Words::default(),
                values: Vec::new(),
            },
            Format::Word2VecBinary => Body::Word2VecBinary(Stream::create(path, true, rows, dim)?),
            Format::Finalfusion => {
                if u32::try_from(dim).is_err() {
                    return Err(WordsError::TooLong {
                        path: path.to_owned(),
                        what: "vectors",
                        limit: u64::from(u32::MAX) * 4,
                        found: (dim as u64).saturating_mul(4),
                    });
                }
                if let Some(metadata) = &options.metadata {
                    finalfusion::check_metadata(path, metadata)?;
                }
                Body::Finalfusion {
                    values: temporary(path)?,
                    words: Words::default(),
                    index: Index::default(),
                    norms: Vec::new(),
                    metadata: options.metadata.clone(),
                }
            }
            Format::Npy => {
                let list = wordlist::of(path);
                check_name(&list)?;
                let (mut file, list) = (temporary(path)?, temporary(&list)?);
                // The number of rows is filled in later.
                file.write_all(&npy::header(0, dim)).map_err(WordsError::write(path))?;
                Body::Npy { file, list }
            }
            Format::Safetensors => {
                Body::Safetensors { values: temporary(path)?, words: Words::default() }
            }
            #[cfg(feature = "parquet")]
            Format::Parquet => Body::Parquet(Box::new(parquet::Table::create(path, dim)?)),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => return Err(parquet::left_out(path)),
            Format::FastText | Format::Floret => return Err(only_read()),
        };
        Ok(Self {
            path: path.to_owned(),
            format,
            columns: dim,
            announced: rows,
            rows: 0,
            body,
            unit: Vec::new(),
        })
    }

    /// The dimensions of its vectors.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.columns
    }

    /// The number of rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The format of the file.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Writes a row. One that is refused is not in the file; others may follow.
    ///
    /// # Errors
    ///
    /// [`WordsError::RowLength`] for a row of other than the file's dimensions;
    /// [`WordsError::NonFiniteVector`] for NaN and infinities; [`WordsError::Word`] for a word
    /// that the format cannot hold: text none that is empty or has white space in it, word2vec's
    /// binary format none that is empty, has a space or a line feed in it, or is longer than
    /// 65,534 bytes, `npy` and `safetensors` none with a line's end in it; [`WordsError::Twice`]
    /// for a second row of a word in a finalfusion file; [`WordsError::Write`], after which the
    /// writer is of no more use.
    pub fn push(&mut self, word: &str, row: &[f32]) -> Result<(), WordsError> {
        self.write_row(word, row, None)
    }

    /// Writes a row that [`stream_rows`](crate::stream_rows) handed on. A finalfusion file keeps its
    /// norm, and the vector at unit length, so that it comes back bit for bit; either all rows of a
    /// file have norms or none.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    ///
    /// # Panics
    ///
    /// If some rows of a finalfusion file have norms and others none.
    pub fn push_row(&mut self, row: &Row<'_>) -> Result<(), WordsError> {
        let Body::Finalfusion { norms, .. } = &self.body else {
            return self.push(row.word, row.vector);
        };
        let all = if row.norm.is_some() { self.rows } else { 0 };
        assert!(norms.len() == all, "expected norms for all rows of a file or none");
        let Some(norm) = row.norm else { return self.push(row.word, row.vector) };
        let mut unit = std::mem::take(&mut self.unit);
        unit.clear();
        unit.extend(row.vector.iter().map(|&value| quotient(value, norm)));
        let written = self.push_with_norm(row.word, &unit, norm);
        self.unit = unit;
        written
    }

    /// Whether the file has a norm for each row.
    pub(crate) fn has_norms(&self) -> bool {
        matches!(self.body, Body::Finalfusion { .. })
    }

    /// Writes a unit vector with the norm that it had: for all rows of a file or none.
    pub(crate) fn push_with_norm(
        &mut self,
        word: &str,
        unit: &[f32],
        norm: f32,
    ) -> Result<(), WordsError> {
        self.write_row(word, unit, Some(norm))
    }

    fn write_row(&mut self, word: &str, row: &[f32], norm: Option<f32>) -> Result<(), WordsError> {
        if row.len() != self.columns {
            return Err(WordsError::RowLength {
                path: self.path.clone(),
                row: self.rows,
                expected: self.columns,
                found: row.len(),
            });
        }
        let scale = norm.unwrap_or(1.0);
        if let Some(column) = row.iter().position(|&value| !(value * scale).is_finite()) {
            let (word, value) = (word.to_owned(), row[column] * scale);
            let error = WordsError::NonFiniteVector { word, row: self.rows, column, value };
            return Err(error.in_file(&self.path));
        }
        if let Some(expected) = unfit(self.format, word) {
            return Err(WordsError::Word {
                path: self.path.clone(),
                word: shown(word.as_bytes()),
                row: self.rows,
                format: self.format,
                expected,
            });
        }
        match &mut self.body {
            Body::Text { words, values, .. } => {
                words.push(word);
                values.extend_from_slice(row);
                if values.len() >= BLOCK {
                    self.format_block()?;
                }
            }
            Body::Word2VecBinary(Stream { file, .. }) => {
                let written = file
                    .write_all(word.as_bytes())
                    .and_then(|()| file.write_all(b" "))
                    .and_then(|()| write_values(file, row))
                    .and_then(|()| file.write_all(b"\n"));
                written.map_err(WordsError::write(&self.path))?;
            }
            Body::Finalfusion { values, words, index, norms, .. } => {
                if !index.insert(words, word) {
                    let first = words.iter().position(|other| other == word).unwrap_or(0);
                    let twice = WordsError::Twice { word: word.to_owned(), first, row: self.rows };
                    return Err(twice.in_file(&self.path));
                }
                norms.extend(norm);
                write_values(values, row).map_err(WordsError::write(&self.path))?;
            }
            Body::Npy { file, list } => {
                let written = write_values(file, row)
                    .and_then(|()| list.write_all(word.as_bytes()))
                    .and_then(|()| list.write_all(b"\n"));
                written.map_err(WordsError::write(&self.path))?;
            }
            Body::Safetensors { values, words } => {
                words.push(word);
                write_values(values, row).map_err(WordsError::write(&self.path))?;
            }
            #[cfg(feature = "parquet")]
            Body::Parquet(table) => table.push(&self.path, word, row)?,
        }
        self.rows += 1;
        Ok(())
    }

    /// Formats the rows of text that wait, on all of rayon's threads.
    fn format_block(&mut self) -> Result<(), WordsError> {
        let Body::Text { stream, words, values } = &mut self.body else { return Ok(()) };
        let (columns, all) = (self.columns, &*words);
        let parts: Vec<Vec<u8>> = values
            .par_chunks(PART * columns)
            .enumerate()
            .map(|(part, values)| {
                let mut text = Vec::with_capacity(values.len() * 12);
                let mut number = zmij::Buffer::new();
                for (row, values) in values.chunks_exact(columns).enumerate() {
                    text.extend(all[part * PART + row].as_bytes());
                    for &value in values {
                        text.push(b' ');
                        text.extend(number.format_finite(value).as_bytes());
                    }
                    text.push(b'\n');
                }
                text
            })
            .collect();
        words.clear();
        values.clear();
        for part in parts {
            stream.file.write_all(&part).map_err(WordsError::write(&self.path))?;
        }
        Ok(())
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    ///
    /// [`WordsError::NoVectors`] without a row; [`WordsError::RowsWritten`] when another number
    /// of rows was announced; [`WordsError::Write`]. There is no file then, and one that was there is as it was.
    pub fn finish(mut self) -> Result<(), WordsError> {
        let (rows, columns) = (self.rows, self.columns);
        if rows == 0 {
            return Err(WordsError::NoVectors { rows, columns }.in_file(&self.path));
        }
        if let Some(expected) = self.announced.filter(|&announced| announced != rows) {
            let path = self.path.clone();
            return Err(WordsError::RowsWritten { path, expected, found: rows });
        }
        self.format_block()?;
        let path = &*self.path;
        let write = WordsError::write(path);
        match self.body {
            Body::Text { stream, .. } | Body::Word2VecBinary(stream) => {
                stream.finish(path, rows, columns)
            }
            Body::Finalfusion { values, words, norms, metadata, .. } => {
                let mut file = temporary(path)?;
                let header = finalfusion::Header {
                    metadata: metadata.as_deref(),
                    words: &words,
                    columns: u32::try_from(columns).expect("`create` checked the dimensions"),
                    norms: !norms.is_empty(),
                };
                let written = header.write(&mut file).and_then(|end| {
                    append(values, &mut file)?;
                    if norms.is_empty() {
                        return Ok(());
                    }
                    finalfusion::write_norms(&norms, end, &mut file)
                });
                written.map_err(&write)?;
                appear(file, path)
            }
            Body::Npy { mut file, list } => {
                let patched = file
                    .flush()
                    .and_then(|()| file.seek(SeekFrom::Start(0)))
                    .and_then(|_| file.write_all(&npy::header(rows, columns)));
                patched.map_err(&write)?;
                appear(list, &wordlist::of(path))?;
                appear(file, path)
            }
            Body::Safetensors { values, words } => {
                let text = words.text().as_bytes();
                let mut file = temporary(path)?;
                let written = file
                    .write_all(&safetensors::header((rows, columns), text.len()))
                    .and_then(|()| append(values, &mut file))
                    .and_then(|()| file.write_all(text));
                written.map_err(&write)?;
                appear(file, path)
            }
            #[cfg(feature = "parquet")]
            Body::Parquet(table) => table.finish(path),
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("path", &self.path)
            .field("format", &self.format)
            .field("columns", &self.columns)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// Which words a format can hold, when this is none of them.
fn unfit(format: Format, word: &str) -> Option<&'static str> {
    let has = |bytes: &[u8]| word.bytes().any(|byte| bytes.contains(&byte));
    match format {
        Format::Text if word.is_empty() || has(b" \t\n\r") => {
            Some("that is not empty and without space, tab and line's end")
        }
        Format::Word2VecBinary if word.is_empty() || has(b" \n") || word.len() > word2vec::WORD => {
            Some("that is not empty, without space and line feed, and of at most 65534 bytes")
        }
        Format::Npy if has(b"\n\r") => Some("without a line's end"),
        Format::Safetensors if has(b"\n") => Some("without a line feed"),
        _ => None,
    }
}

fn write_values(file: &mut impl Write, row: &[f32]) -> io::Result<()> {
    if cfg!(target_endian = "little") {
        return file.write_all(bytemuck::cast_slice(row));
    }
    row.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))
}
