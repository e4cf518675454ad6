//! Word vectors from one format to another, row by row.

use std::{
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use ndarray::Array2;
use procrust_align::{AlignError, ChunkedPreparation, RowStep, SavedAlignment, Side};
use procrust_words::{
    Format, OpenOptions, Policy, Report, Row, WordsError, WriteOptions, Writer, stream_rows,
};
use serde::Serialize;

use procrust_runner::Progress;

/// Rows that are prepared in one go: whole blocks of the preparation, so that a file has the bits
/// that it would have in one piece.
const CHUNK: usize = 4096;

/// What to convert, and how.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Conversion {
    /// The file that is read.
    pub from: PathBuf,
    /// The file that is written.
    pub to: PathBuf,
    /// The new file's format; by the ending of its name when `None`.
    pub format: Option<Format>,
    /// How many of the first words are kept.
    pub limit: Option<usize>,
    /// What is done to the rows, in order.
    pub rows: Vec<RowStep>,
    /// A map that the rows of one of its sides go through, prepared as they were for its fit.
    /// `rows` is not looked at then.
    pub through: Option<(SavedAlignment, Side)>,
    /// What becomes of lines and rows that are not as they should be.
    pub policy: Policy,
    /// Takes spaces in text for parts of words.
    pub spaces_in_words: bool,
    /// Leaves the header of text out, as GloVe does.
    pub no_header: bool,
}

/// What a conversion did.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Converted {
    /// Words written.
    pub words: usize,
    /// Their dimensions.
    pub dim: usize,
    /// The format that was read.
    pub from: String,
    /// The format that was written.
    pub to: String,
    /// Rows that were left out, words that came again among them.
    pub left_out: u64,
    /// What was found in the file that should not be there.
    #[serde(skip)]
    pub report: Report,
}

/// Why a conversion failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The vectors could not be read or written.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The vectors do not fit the map, or a mapped value does not fit into `f32`.
    #[error("{} does not fit the {} of the map", path.display(), side.name())]
    Map {
        /// The file that is read.
        path: PathBuf,
        /// The side of the map.
        side: Side,
        /// Why not.
        #[source]
        cause: AlignError,
    },
    /// The file would be written over itself.
    #[error("{} is the file that is read: expected another name to write to", path.display())]
    Itself {
        /// The file.
        path: PathBuf,
    },
}

impl Conversion {
    /// Reads one file and writes the other, which appears whole or not at all.
    ///
    /// Vectors are never in memory as a whole: besides the words there are a few blocks (and what
    /// [`stream_rows`] names). Every `center` among the steps takes one more pass over the file.
    /// Without steps, norms and metadata of finalfusion files are kept from one to another.
    ///
    /// # Errors
    ///
    /// [`ConvertError::Words`] with file and line; [`ConvertError::Map`]; [`ConvertError::Itself`].
    pub fn run(&self) -> Result<Converted, ConvertError> {
        if same_file(&self.from, &self.to) {
            return Err(ConvertError::Itself { path: self.to.clone() });
        }
        let named = self.format.or_else(|| Format::of_name(&self.to));
        let to = named.ok_or_else(|| WordsError::NameWithoutFormat { path: self.to.clone() })?;
        let from = Format::detect(&self.from)?;
        let mut read = OpenOptions::default();
        read.limit = self.limit;
        read.policy = self.policy;
        read.spaces_in_words = self.spaces_in_words;
        let mut write = WriteOptions::default();
        write.format = Some(to);
        write.header = !self.no_header;
        if self.rows.is_empty() && self.through.is_none() {
            return self.copy(&read, write, from, to);
        }

        let mut preparation = match &self.through {
            Some((map, side)) => map.preparation(*side).clone(),
            None => ChunkedPreparation::new(&self.rows),
        };
        let mut rows = None;
        let mut pass = 1;
        while !preparation.is_ready() {
            let progress = Progress::of_rows(&format!("pass {pass}"), rows);
            let (_, count) = self.pass(&read, &progress, |_, chunk| {
                preparation.measure(chunk);
                Ok(())
            })?;
            progress.finish();
            preparation.end_pass();
            (rows, pass) = (Some(count), pass + 1);
        }
        write.rows = rows;
        let progress = Progress::of_rows("writing", rows);
        let mut writer: Option<Writer> = None;
        let (report, words) = self.pass(&read, &progress, |words, mut chunk| {
            if let Some((map, side)) = &self.through {
                let path = || self.from.clone();
                chunk = map.map(*side, chunk).map_err(|cause| ConvertError::Map {
                    path: path(),
                    side: *side,
                    cause,
                })?;
            } else {
                preparation.apply(&mut chunk);
            }
            let writer = match &mut writer {
                Some(writer) => writer,
                none => none.insert(Writer::create(&self.to, chunk.ncols(), &write)?),
            };
            for (word, row) in words.iter().zip(chunk.rows()) {
                writer.push(word, row.to_slice().expect("chunks are stored by rows"))?;
            }
            Ok(())
        })?;
        let writer = writer.expect("a file without rows is an error of the reader");
        let dim = writer.dim();
        writer.finish()?;
        progress.finish();
        Ok(converted(words, dim, from, to, report))
    }

    /// Writes the rows as they come.
    fn copy(
        &self,
        read: &OpenOptions,
        mut write: WriteOptions,
        from: Format,
        to: Format,
    ) -> Result<Converted, ConvertError> {
        let progress = Progress::of_rows("writing", None);
        let (mut writer, mut since) = (None, 0);
        let mut put = |row: Row<'_>| -> Result<(), WordsError> {
            let writer = match &mut writer {
                Some(writer) => writer,
                none => {
                    if to == Format::Finalfusion {
                        write.metadata = row.metadata.map(str::to_owned);
                    }
                    none.insert(Writer::create(&self.to, row.vector.len(), &write)?)
                }
            };
            writer.push_row(&row)?;
            since += 1;
            if since == CHUNK {
                progress.advance(since);
                since = 0;
            }
            Ok(())
        };
        let mut failed = None;
        let report = stream_rows(&self.from, read, |row| match put(row) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        progress.advance(since);
        let writer = writer.expect("a file without rows is an error of the reader");
        let (words, dim) = (writer.rows(), writer.dim());
        writer.finish()?;
        progress.finish();
        Ok(converted(words, dim, from, to, report))
    }

    /// Goes over the rows in chunks; what was found in the file, and how many rows it has.
    fn pass(
        &self,
        options: &OpenOptions,
        progress: &Progress,
        mut each: impl FnMut(&[String], Array2<f32>) -> Result<(), ConvertError>,
    ) -> Result<(Report, usize), ConvertError> {
        let (mut words, mut values, mut dim) = (Vec::new(), Vec::new(), 0);
        let mut count = 0;
        let mut hand_on = |words: &mut Vec<String>, values: &mut Vec<f32>, dim: usize| {
            let rows = Array2::from_shape_vec((words.len(), dim), std::mem::take(values))
                .expect("every word came with its row");
            progress.advance(words.len());
            count += words.len();
            let done = each(words, rows);
            words.clear();
            done
        };
        let mut failed = None;
        let report = stream_rows(&self.from, options, |row| {
            dim = row.vector.len();
            words.push(row.word.to_owned());
            values.extend_from_slice(row.vector);
            if words.len() == CHUNK
                && let Err(error) = hand_on(&mut words, &mut values, dim)
            {
                failed = Some(error);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if !words.is_empty() {
            hand_on(&mut words, &mut values, dim)?;
        }
        Ok((report, count))
    }
}

fn converted(words: usize, dim: usize, from: Format, to: Format, report: Report) -> Converted {
    let (from, to) = (from.to_string(), to.to_string());
    Converted { words, dim, from, to, left_out: report.left_out(), report }
}

/// Whether both names lead to one file.
fn same_file(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| -> io::Result<PathBuf> { path.canonicalize() };
    matches!((real(a), real(b)), (Ok(a), Ok(b)) if a == b)
}
