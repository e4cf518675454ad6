//! Reading and writing tables.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::Type as Physical;
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::ColumnDescriptor;

use super::MAGIC;
use crate::dirt::{Policy, Position, Report};
use crate::embeddings::Rows;
use crate::error::WordsError;
use crate::format::Format;
use crate::open::Source;
use crate::output::{Temporary, appear, temporary};
use crate::sink::Sink;

/// The names of columns among others of their kind, in the order of preference.
const WORDS: [&str; 5] = ["word", "words", "token", "text", "key"];
const VECTORS: [&str; 4] = ["vector", "vectors", "embedding", "embeddings"];

/// Rows that are read in one go.
const BATCH: usize = 1024;

/// Values of a group of rows that is written.
const GROUP: usize = 1 << 22;

type Cause = Box<dyn std::error::Error + Send + Sync>;

pub(crate) fn read(
    path: &Path,
    source: Source,
    policy: Policy,
    limit: usize,
) -> Result<(Rows, Report), WordsError> {
    if source.length.is_none() && source.sample.starts_with(MAGIC) {
        let found = "a compressed one: unpack it first";
        return Err(WordsError::damaged(path, 0, "a Parquet file", found));
    }
    drop(source);
    let file =
        File::open(path).map_err(|cause| WordsError::Open { path: path.to_owned(), cause })?;
    // The library does not promise to be without panics whatever a file holds.
    let rows = catch_unwind(AssertUnwindSafe(|| read_rows(file, policy, limit)))
        .unwrap_or_else(|_| Err("the library stopped at what it found".into()));
    rows.map_err(|cause| WordsError::Library {
        path: path.to_owned(),
        format: Format::Parquet,
        cause,
    })
}

fn read_rows(file: File, policy: Policy, limit: usize) -> Result<(Rows, Report), Cause> {
    let reader = SerializedFileReader::new(file)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let columns = schema.columns();
    let words = choose(columns, &WORDS, "words", |column| {
        column.max_rep_level() == 0 && column.physical_type() == Physical::BYTE_ARRAY
    })?;
    let vectors = choose(columns, &VECTORS, "lists of 32- or 64-bit floating point", |column| {
        column.max_rep_level() == 1
            && matches!(column.physical_type(), Physical::FLOAT | Physical::DOUBLE)
    })?;
    let (word_level, value_level) =
        (columns[words].max_def_level(), columns[vectors].max_def_level());

    let mut rows = Rows::new(limit);
    let mut report = Report::default();
    let mut row = 0_usize;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let ColumnReader::ByteArrayColumnReader(mut words) = group.get_column_reader(words)? else {
            return Err("expected a column of strings".into());
        };
        let mut vectors = group.get_column_reader(vectors)?;
        loop {
            let batch = read_words(&mut words, word_level, row)?;
            let (values, lengths) = match &mut vectors {
                ColumnReader::FloatColumnReader(reader) => {
                    read_lists(reader, value_level, row, |value| value)?
                }
                ColumnReader::DoubleColumnReader(reader) => {
                    read_lists(reader, value_level, row, |value| value as f32)?
                }
                _ => return Err("expected a column of numbers".into()),
            };
            if batch.len() != lengths.len() {
                let (words, vectors) = (row + batch.len(), row + lengths.len());
                return Err(format!("{words} words and {vectors} vectors: expected as many").into());
            }
            if batch.is_empty() {
                break;
            }
            let columns = *lengths.first().expect("there is a vector for each word");
            if row == 0 {
                rows.start(columns)?;
            }
            let columns = rows.columns();
            let mut rest = &values[..];
            for (word, length) in batch.into_iter().zip(lengths) {
                if rows.full() {
                    break;
                }
                if length != columns {
                    let message = format!("row {row}: expected {columns} values, found {length}");
                    return Err(message.into());
                }
                let values;
                (values, rest) = rest.split_at(columns);
                let position = Position::Row { row: row as u64 + 1, offset: None };
                rows.offer((word.as_ref(), values), position, policy, &mut report)?;
                row += 1;
            }
            if rows.full() {
                break;
            }
        }
        if rows.full() {
            break;
        }
    }
    Ok((rows, report))
}

/// The column of one of these names, or the only one, of those that are fit.
fn choose(
    columns: &[Arc<ColumnDescriptor>],
    names: &[&str],
    what: &str,
    fit: impl Fn(&ColumnDescriptor) -> bool,
) -> Result<usize, Cause> {
    let fit: Vec<usize> = (0..columns.len()).filter(|&column| fit(&columns[column])).collect();
    let name = |column: usize| columns[column].path().parts().first().map_or("", String::as_str);
    let named = names.iter().find_map(|wanted| fit.iter().find(|&&at| name(at) == *wanted));
    match (named, &fit[..]) {
        (Some(&column), _) | (None, &[column]) => Ok(column),
        (None, fit) => {
            let all = fit.iter().map(|&at| format!("`{}`", name(at))).collect::<Vec<_>>();
            let found = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
            let wanted = format!("`{}`", names.join("`, `"));
            let message = format!("expected one column of {what}, or one of the names {wanted}");
            Err(format!("{message}, found {found}").into())
        }
    }
}

/// The words of the next rows.
fn read_words(
    reader: &mut ColumnReaderImpl<ByteArrayType>,
    level: i16,
    row: usize,
) -> Result<Vec<String>, Cause> {
    let (mut levels, mut values) = (Vec::new(), Vec::<ByteArray>::new());
    reader.read_records(BATCH, Some(&mut levels), None, &mut values)?;
    if let Some(at) = levels.iter().position(|&found| found < level) {
        return Err(format!("row {}: expected a word, found null", row + at).into());
    }
    let word = |(at, value): (usize, ByteArray)| {
        let word = value.as_utf8().map(str::to_owned);
        word.map_err(|_| format!("row {}: expected a word in UTF-8", row + at).into())
    };
    values.into_iter().enumerate().map(word).collect()
}

/// The values of the next rows, and how many each row has.
fn read_lists<T: DataType<T: Copy>>(
    reader: &mut ColumnReaderImpl<T>,
    level: i16,
    row: usize,
    number: impl Fn(T::T) -> f32,
) -> Result<(Vec<f32>, Vec<usize>), Cause> {
    let (mut levels, mut repeats, mut values) = (Vec::new(), Vec::new(), Vec::new());
    reader.read_records(BATCH, Some(&mut levels), Some(&mut repeats), &mut values)?;
    let mut lengths = Vec::new();
    for (&found, &repeat) in levels.iter().zip(&repeats) {
        if repeat == 0 {
            lengths.push(0);
        }
        let Some(length) = lengths.last_mut() else {
            return Err(format!("row {row}: expected the start of a list").into());
        };
        if found < level {
            let row = row + lengths.len() - 1;
            return Err(format!("row {row}: expected a list of numbers, found null").into());
        }
        *length += 1;
    }
    if values.len() != lengths.iter().sum::<usize>() {
        return Err(format!("row {row}: expected a value for each place in the lists").into());
    }
    Ok((values.into_iter().map(number).collect(), lengths))
}

/// A file that is written: a column `word` and a column `vector` of lists.
pub(crate) struct Table {
    writer: SerializedFileWriter<Temporary>,
    columns: usize,
    /// Rows of the group that is not written yet.
    words: Vec<ByteArray>,
    values: Vec<f32>,
}

impl Table {
    pub(crate) fn create(path: &Path, columns: usize) -> Result<Self, WordsError> {
        let schema = "message schema {
            REQUIRED BYTE_ARRAY word (STRING);
            REQUIRED GROUP vector (LIST) { REPEATED GROUP list { REQUIRED FLOAT element; } }
        }";
        let schema = parse_message_type(schema).map_err(refused(path))?;
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .build();
        let file = temporary(path)?;
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))
            .map_err(refused(path))?;
        Ok(Self { writer, columns, words: Vec::new(), values: Vec::new() })
    }

    pub(crate) fn push(&mut self, path: &Path, word: &str, row: &[f32]) -> Result<(), WordsError> {
        self.words.push(word.into());
        self.values.extend_from_slice(row);
        if self.values.len() >= GROUP {
            self.write_group().map_err(refused(path))?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if self.words.is_empty() {
            return Ok(());
        }
        let missing = || ParquetError::General("expected two columns".to_owned());
        let mut group = self.writer.next_row_group()?;
        let mut column = group.next_column()?.ok_or_else(missing)?;
        column.typed::<ByteArrayType>().write_batch(&self.words, None, None)?;
        column.close()?;
        let mut column = group.next_column()?.ok_or_else(missing)?;
        let levels = vec![1; self.values.len()];
        let repeats: Vec<i16> =
            (0..self.values.len()).map(|at| i16::from(at % self.columns > 0)).collect();
        column.typed::<FloatType>().write_batch(&self.values, Some(&levels), Some(&repeats))?;
        column.close()?;
        group.close()?;
        self.words.clear();
        self.values.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self, path: &Path) -> Result<(), WordsError> {
        let file = self.write_group().and_then(|()| self.writer.into_inner());
        appear(file.map_err(refused(path))?, path)
    }
}

fn refused(path: &Path) -> impl Fn(ParquetError) -> WordsError + '_ {
    move |cause| WordsError::WriteLibrary {
        path: path.to_owned(),
        format: Format::Parquet,
        cause: Box::new(cause),
    }
}
