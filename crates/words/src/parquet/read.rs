//! Reading tables.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::Type as Physical;
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType};
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescriptor;

use super::pages::Pages;
use super::promises::{check_footer, check_headers, unpacked_limit};
use crate::dirt::{Dirt, Policy, Position, Report};
use crate::error::WordsError;
use crate::format::Format;
use crate::mapping::Mapping;
use crate::open::Source;
use crate::sink::{Offered, Sink};

/// The names of columns among others of their kind, in the order of preference.
const WORDS: [&str; 5] = ["word", "words", "token", "text", "key"];
const VECTORS: [&str; 4] = ["vector", "vectors", "embedding", "embeddings"];

/// Rows that are read in one go.
const BATCH: usize = 1024;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Hands on the words and vectors of a table, a batch at a time.
pub(crate) fn read(
    path: &Path,
    source: Source,
    policy: Policy,
    sink: &mut impl Sink,
) -> Result<Report, WordsError> {
    let library = |cause: Cause| WordsError::Library {
        path: path.to_owned(),
        format: Format::Parquet,
        cause,
    };
    let file = source.into_file(path)?;
    let mapping = Mapping::of(path, &file)?;
    let mut report = Report::default();
    let mut table = guarded(|| Table::open(file, mapping)).map_err(library)?;
    let (mut row, mut columns) = (0_usize, None);
    while !sink.full() {
        let Some(batch) = guarded(|| table.next(row)).map_err(library)? else { break };
        let expected = match columns {
            Some(columns) => columns,
            None => {
                let Some(found) = batch.columns(policy) else {
                    // Nothing but nulls so far.
                    row += batch.report_nulls(row, &mut report);
                    continue;
                };
                sink.start(found)?;
                *columns.insert(found)
            }
        };
        let mut rest = &batch.values[..];
        for (word, list) in batch.words.iter().zip(&batch.lists) {
            if sink.full() {
                break;
            }
            let values;
            (values, rest) = rest.split_at(list.values);
            let position = Position::Row { row: row as u64 + 1, offset: None };
            let wrong = match (word, list.null, list.values == expected) {
                (None, ..) => Some((Dirt::Null, "a word", "null".to_owned())),
                (_, true, _) => Some((Dirt::Null, "a list of numbers", "null".to_owned())),
                (_, _, false) => Some((Dirt::Values, "values", list.values.to_string())),
                _ => None,
            };
            let bytes = word.as_ref().map_or(&b""[..], ByteArray::data);
            match wrong {
                Some((_, what, found)) if policy == Policy::Error => {
                    let what = if what == "values" {
                        format!("{expected} values")
                    } else {
                        what.to_owned()
                    };
                    let message = format!("row {row}: expected {what}, found {found}");
                    return Err(library(message.into()));
                }
                Some((dirt, ..)) => {
                    report.add(dirt, position, bytes);
                    report.leave_out(1);
                }
                None => {
                    let word = std::str::from_utf8(bytes).map_err(|_| bytes);
                    if word.is_err() && policy == Policy::Error {
                        let message = format!("row {row}: expected a word in UTF-8");
                        return Err(library(message.into()));
                    }
                    let offered = Offered { word, values, norm: None, position, policy };
                    sink.offer(offered, &mut report)?;
                }
            }
            row += 1;
        }
    }
    Ok(report)
}

/// What the library makes of a file. It does not promise to be without panics whatever a file holds,
/// and one of a damaged file must not end the program; nothing of the library that has panicked is
/// used again.
fn guarded<T>(read: impl FnOnce() -> Result<T, Cause>) -> Result<T, Cause> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err("the library stopped at what it found".into()))
}

/// Some rows.
struct Batch {
    /// `None` is null.
    words: Vec<Option<ByteArray>>,
    lists: Vec<List>,
    values: Vec<f32>,
}

/// A row's vector.
#[derive(Clone, Copy, Default)]
struct List {
    /// How many values of a batch it has.
    values: usize,
    /// Whether it is null, or one of its values is.
    null: bool,
}

impl Batch {
    /// How many values vectors should have: as many as the first, or, where it may be wrong, as most.
    fn columns(&self, policy: Policy) -> Option<usize> {
        if policy == Policy::Error {
            return self.lists.first().map(|list| list.values);
        }
        let mut counts = std::collections::BTreeMap::new();
        for list in self.lists.iter().filter(|list| !list.null && list.values > 0) {
            *counts.entry(list.values).or_insert(0_usize) += 1;
        }
        counts
            .into_iter()
            .max_by_key(|&(values, count)| (count, usize::MAX - values))
            .map(|(n, _)| n)
    }

    /// Reports rows of which none has a vector; their number.
    fn report_nulls(&self, row: usize, report: &mut Report) -> usize {
        for (i, word) in self.words.iter().enumerate() {
            let position = Position::Row { row: (row + i) as u64 + 1, offset: None };
            report.add(Dirt::Null, position, word.as_ref().map_or(&b""[..], ByteArray::data));
            report.leave_out(1);
        }
        self.words.len()
    }
}

/// A file that is read.
struct Table {
    mapping: Mapping,
    reader: SerializedFileReader<File>,
    words: usize,
    vectors: usize,
    /// The group of rows that is next.
    group: usize,
    open: Option<Group>,
}

/// The columns of a group of rows.
struct Group {
    words: ColumnReaderImpl<ByteArrayType>,
    vectors: ColumnReader,
}

impl Table {
    fn open(file: File, mapping: Mapping) -> Result<Self, Cause> {
        check_footer(&mapping)?;
        let reader = SerializedFileReader::new(file)?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let columns = schema.columns();
        let words = choose(columns, &WORDS, "words", |column| {
            column.max_rep_level() == 0 && column.physical_type() == Physical::BYTE_ARRAY
        })?;
        let vectors =
            choose(columns, &VECTORS, "lists of 32- or 64-bit floating point", |column| {
                column.max_rep_level() == 1
                    && matches!(column.physical_type(), Physical::FLOAT | Physical::DOUBLE)
            })?;
        Ok(Self { mapping, reader, words, vectors, group: 0, open: None })
    }

    /// The next rows, the first of which is number `row`.
    fn next(&mut self, row: usize) -> Result<Option<Batch>, Cause> {
        loop {
            if self.open.is_none() {
                if self.group == self.reader.num_row_groups() {
                    return Ok(None);
                }
                let group = self.reader.get_row_group(self.group)?;
                let ColumnReader::ByteArrayColumnReader(words) =
                    self.column(&*group, self.words)?
                else {
                    return Err("expected a column of strings".into());
                };
                let vectors = self.column(&*group, self.vectors)?;
                self.open = Some(Group { words, vectors });
                self.group += 1;
            }
            let Some(group) = &mut self.open else { continue };
            let schema = self.reader.metadata().file_metadata().schema_descr();
            let words = read_words(&mut group.words, schema.column(self.words).max_def_level())?;
            let vectors = schema.column(self.vectors);
            let (values, lists) = match &mut group.vectors {
                ColumnReader::FloatColumnReader(reader) => {
                    read_lists(reader, &vectors, row, |value| value)?
                }
                ColumnReader::DoubleColumnReader(reader) => {
                    read_lists(reader, &vectors, row, |value| value as f32)?
                }
                _ => return Err("expected a column of numbers".into()),
            };
            if words.len() != lists.len() {
                let (words, vectors) = (row + words.len(), row + lists.len());
                return Err(format!("{words} words and {vectors} vectors: expected as many").into());
            }
            if !words.is_empty() {
                return Ok(Some(Batch { words, lists, values }));
            }
            self.open = None;
        }
    }

    /// A column of a group, whose pages are checked.
    fn column(&self, group: &dyn RowGroupReader, column: usize) -> Result<ColumnReader, Cause> {
        let descriptor = group.metadata().schema_descr().column(column);
        let limit = unpacked_limit(self.mapping.len() as u64);
        let (start, length) = group.metadata().column(column).byte_range();
        check_headers(&self.mapping, start, length, limit)?;
        let pages = Pages {
            pages: group.get_column_page_reader(column)?,
            kind: descriptor.physical_type(),
            nulls: descriptor.max_def_level() > 0,
            limit,
        };
        Ok(get_column_reader(descriptor, Box::new(pages)))
    }
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
) -> Result<Vec<Option<ByteArray>>, Cause> {
    let (mut levels, mut values) = (Vec::new(), Vec::<ByteArray>::new());
    let (rows, ..) = reader.read_records(BATCH, Some(&mut levels), None, &mut values)?;
    if level == 0 {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    let words = levels.iter().map(|&found| if found < level { None } else { values.next() });
    let words: Vec<_> = words.collect();
    if words.len() != rows || values.next().is_some() {
        return Err("expected a word for each row".into());
    }
    Ok(words)
}

/// The values of the next rows, and how many each row has.
fn read_lists<T: DataType<T: Copy>>(
    reader: &mut ColumnReaderImpl<T>,
    column: &ColumnDescriptor,
    row: usize,
    number: impl Fn(T::T) -> f32,
) -> Result<(Vec<f32>, Vec<List>), Cause> {
    let (mut levels, mut repeats, mut values) = (Vec::new(), Vec::new(), Vec::new());
    reader.read_records(BATCH, Some(&mut levels), Some(&mut repeats), &mut values)?;
    // The level of a value, and of a list that is empty; between them that of a null in a list.
    let level = column.max_def_level();
    let empty = level - i16::from(column.self_type().is_optional()) - 1;
    let mut lists: Vec<List> = Vec::new();
    for (&found, &repeat) in levels.iter().zip(&repeats) {
        if repeat == 0 {
            lists.push(List::default());
        }
        let Some(list) = lists.last_mut() else {
            return Err(format!("row {row}: expected the start of a list").into());
        };
        list.values += usize::from(found == level);
        list.null |= found != level && found != empty;
    }
    if values.len() != lists.iter().map(|list| list.values).sum::<usize>() {
        return Err(format!("row {row}: expected a value for each place in the lists").into());
    }
    Ok((values.into_iter().map(number).collect(), lists))
}
