//! Writing tables.

use std::path::Path;
use std::sync::Arc;

use ::parquet::data_type::{ByteArray, ByteArrayType, FloatType};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;

use super::schema;
use crate::error::WordsError;
use crate::format::Format;
use crate::output::{Temporary, appear, temporary};

/// Values of a group of rows that is written.
const GROUP: usize = 1 << 22;

/// A file that is written: a column `word` and a column `vector` of lists, which Arrow
/// programs know to have one size.
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
        let known = schema::message(columns)
            .map(|message| vec![KeyValue::new(schema::KEY.to_owned(), message)]);
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_key_value_metadata(known)
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
