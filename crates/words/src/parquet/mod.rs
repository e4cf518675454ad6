//! Parquet, by the library of that name.

use std::path::Path;

use crate::dirt::{Policy, Report};
use crate::error::WordsError;
use crate::open::Source;
use crate::sink::Sink;

#[cfg(feature = "parquet")]
mod delta;
#[cfg(feature = "parquet")]
mod pages;
#[cfg(feature = "parquet")]
mod promises;
#[cfg(feature = "parquet")]
mod read;
#[cfg(feature = "parquet")]
mod schema;
#[cfg(feature = "parquet")]
mod thrift;
#[cfg(feature = "parquet")]
mod write;

/// How a file starts.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// Hands on the words and vectors of a table.
#[cfg(feature = "parquet")]
pub(crate) fn read(
    path: &Path,
    source: Source,
    policy: Policy,
    sink: &mut impl Sink,
) -> Result<Report, WordsError> {
    read::read(path, source, policy, sink)
}

/// Refuses the file: the library is left out.
#[cfg(not(feature = "parquet"))]
pub(crate) fn read(
    path: &Path,
    _: Source,
    _: Policy,
    _: &mut impl Sink,
) -> Result<Report, WordsError> {
    Err(left_out(path))
}

/// That the library is left out.
#[cfg(not(feature = "parquet"))]
pub(crate) fn left_out(path: &Path) -> WordsError {
    let format = crate::format::Format::Parquet;
    WordsError::Feature { path: path.to_owned(), format, feature: "parquet" }
}

#[cfg(feature = "parquet")]
pub(crate) use write::Table;

#[cfg(feature = "parquet")]
fn general(message: String) -> ::parquet::errors::ParquetError {
    ::parquet::errors::ParquetError::General(message)
}
