//! Parquet, by the library of that name.

use std::path::Path;

use crate::dirt::{Policy, Report};
use crate::embeddings::Rows;
use crate::error::WordsError;
use crate::open::Source;

#[cfg(feature = "parquet")]
mod file;

/// How a file starts.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// Reads the words and vectors of a table.
#[cfg(feature = "parquet")]
pub(crate) fn read(
    path: &Path,
    source: Source,
    policy: Policy,
    limit: usize,
) -> Result<(Rows, Report), WordsError> {
    file::read(path, source, policy, limit)
}

/// Refuses the file: the library is left out.
#[cfg(not(feature = "parquet"))]
pub(crate) fn read(
    path: &Path,
    _: Source,
    _: Policy,
    _: usize,
) -> Result<(Rows, Report), WordsError> {
    Err(left_out(path))
}

/// That the library is left out.
#[cfg(not(feature = "parquet"))]
pub(crate) fn left_out(path: &Path) -> WordsError {
    let format = crate::format::Format::Parquet;
    WordsError::Feature { path: path.to_owned(), format, feature: "parquet" }
}

#[cfg(feature = "parquet")]
pub(crate) use file::Table;
