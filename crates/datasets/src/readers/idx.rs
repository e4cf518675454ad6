//! The idx format of the MNIST files.
//!
//! Two zero bytes, a byte for the type, a byte for the number of axes, the axes as big-endian
//! 32-bit numbers, the values in C order.

use std::path::Path;

use super::numbers::{Cell, Endian, Number, read_numbers};
use super::source::{self, Source, truncated};
use super::variables::{self, Array, Rows};
use super::{Table, TableOptions, labels, names, refuse_features};
use crate::DatasetError;

pub(super) fn read(path: &Path, options: &TableOptions) -> Result<Table, DatasetError> {
    refuse_features(path, options)?;
    let (shape, values) = read_array(path)?;
    let Rows { features, picture } =
        variables::rows(path, "the array", Array { shape, fortran: false, values })?;
    let labels = match &options.labels {
        Some(name) => Some(labels::read_beside(path, name, features.nrows())?),
        None => None,
    };
    let mut table = Table::new(path, features, labels);
    table.picture = picture;
    Ok(table)
}

/// Reads a file of labels.
pub(super) fn read_labels(path: &Path) -> Result<Vec<String>, DatasetError> {
    let (shape, values) = read_array::<String>(path)?;
    if !labels::is_list(&shape) {
        return Err(labels::not_a_list(path, "the array", &shape));
    }
    labels::check(path, &values, true)?;
    Ok(values)
}

fn read_array<T: Cell>(path: &Path) -> Result<(Vec<usize>, Vec<T>), DatasetError> {
    let Source { mut reader, length } = Source::open(path)?;
    let malformed =
        |problem: String| DatasetError::Malformed { path: path.into(), format: "idx", problem };

    let magic: [u8; 4] = source::take(&mut reader, path, "the header")?;
    let [0, 0, kind, axes] = magic else {
        return Err(malformed(format!(
            "it begins with {magic:02x?} instead of [00, 00, type, axes]"
        )));
    };
    let number = match kind {
        0x08 => Number::U8,
        0x09 => Number::I8,
        0x0b => Number::I16,
        0x0c => Number::I32,
        0x0d => Number::F32,
        0x0e => Number::F64,
        _ => return Err(malformed(format!("type {kind:#04x} is not known"))),
    };
    let mut shape = Vec::new();
    for _ in 0..axes {
        let axis: [u8; 4] = source::take(&mut reader, path, "the list of axes")?;
        shape.push(u32::from_be_bytes(axis) as usize);
    }
    variables::check_shape(path, "the array", &shape)?;
    let what = names::shape(&shape);
    let count = variables::count(&shape)
        .ok_or_else(|| malformed(format!("{what} is more than any memory holds")))?;
    if let Some(length) = length {
        let expected = (count * number.size()) as u64;
        let found = length.saturating_sub(4 + 4 * u64::from(axes));
        if found < expected {
            return Err(truncated(path, &what, expected, found));
        }
    }
    let kind = (number, Endian::Big);
    let values = read_numbers(&mut reader, kind, count, length.is_some(), path, &what)?;
    if length.is_none() {
        source::check_end(&mut reader, path)?;
    }
    Ok((shape, values))
}
