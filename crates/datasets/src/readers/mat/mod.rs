//! MATLAB's `.mat` files: of version 5 (with 6 and 7, which only pack them), and of version 7.3, which
//! are HDF5.

mod v5;
mod v73;

use std::path::Path;

use ndarray::Array2;

use super::hdf5::{self, Hdf5};
use super::numbers::{Cell, Endian};
use super::source::{self, open_plain, read_error, truncated};
use super::variables::{self, Array, Rows, Variable};
use super::{Table, TableOptions, labels, table};
use crate::DatasetError;

/// What a part of such a file is called.
const KIND: &str = "variable";
/// Bytes of text, version and byte order before the first variable.
const HEADER: u64 = 128;

/// A variable, and where it stands in the file.
struct Found<P> {
    place: P,
    shape: Vec<usize>,
    sparse: bool,
}

/// A sparse matrix by columns.
struct Columns {
    /// The row of each value.
    rows: Vec<i64>,
    /// Where among the values each column starts, and where the last one ends.
    starts: Vec<i64>,
    values: Vec<f32>,
}

/// The variables that hold numbers, and what all are called and hold.
type Listed<P> = (Vec<Found<P>>, Vec<Variable>);

/// A file of some version, behind its header.
trait Variables {
    type Place;

    /// Reads the headers of all variables.
    fn list(&mut self) -> Result<Listed<Self::Place>, DatasetError>;

    /// The values of a full variable, the first axis fastest.
    fn values<T: Cell>(
        &mut self,
        found: &Found<Self::Place>,
        name: &str,
    ) -> Result<Vec<T>, DatasetError>;

    /// A sparse variable.
    fn columns(&mut self, found: &Found<Self::Place>, name: &str) -> Result<Columns, DatasetError>;
}

pub(super) fn read(path: &Path, options: &TableOptions) -> Result<Table, DatasetError> {
    match Mat::open(path)? {
        Mat::V5(mut file) => read_table(&mut file, path, options),
        Mat::V73(mut file) => read_table(&mut file, path, options),
    }
}

/// One numeric variable as a matrix.
pub(super) fn read_variable(path: &Path, name: &str) -> Result<Array2<f32>, DatasetError> {
    match Mat::open(path)? {
        Mat::V5(mut file) => read_matrix(&mut file, path, name),
        Mat::V73(mut file) => read_matrix(&mut file, path, name),
    }
}

fn read_table(
    file: &mut impl Variables,
    path: &Path,
    options: &TableOptions,
) -> Result<Table, DatasetError> {
    let (found, variables) = file.list()?;
    let (features, label) = variables::choose(path, KIND, &variables, options)?;
    let mut parts = Vec::new();
    let mut picture = None;
    for &index in &features {
        let rows = read_features(file, path, &found[index], &variables[index].name)?;
        picture = rows.picture.filter(|_| features.len() == 1);
        parts.push(rows.features);
    }
    let features = variables::beside(path, &options.features, parts)?;
    let labels = match label {
        Some(index) => {
            let labels = read_labels(file, path, &found[index], &variables[index].name)?;
            labels::check_count(path, features.nrows(), labels.len())?;
            Some(labels)
        }
        None => None,
    };
    let mut table = Table::new(path, features, labels);
    table.picture = picture;
    Ok(table)
}

fn read_matrix(
    file: &mut impl Variables,
    path: &Path,
    name: &str,
) -> Result<Array2<f32>, DatasetError> {
    let (found, variables) = file.list()?;
    let options = TableOptions { features: vec![name.to_owned()], labels: None };
    let (chosen, _) = variables::choose(path, KIND, &variables, &options)?;
    Ok(read_features(file, path, &found[chosen[0]], name)?.features)
}

fn read_features<V: Variables>(
    file: &mut V,
    path: &Path,
    found: &Found<V::Place>,
    name: &str,
) -> Result<Rows, DatasetError> {
    variables::check_shape(path, name, &found.shape)?;
    if found.sparse {
        let features = dense(path, &found.shape, name, &file.columns(found, name)?)?;
        return Ok(Rows { features, picture: None });
    }
    let values = file.values(found, name)?;
    variables::rows(path, name, Array { shape: found.shape.clone(), fortran: true, values })
}

fn read_labels<V: Variables>(
    file: &mut V,
    path: &Path,
    found: &Found<V::Place>,
    name: &str,
) -> Result<Vec<String>, DatasetError> {
    if !labels::is_list(&found.shape) {
        return Err(labels::not_a_list(path, name, &found.shape));
    }
    variables::check_shape(path, name, &found.shape)?;
    let values: Vec<String> = if found.sparse {
        let dense = dense(path, &found.shape, name, &file.columns(found, name)?)?;
        dense.iter().map(|&value| String::single(value)).collect()
    } else {
        file.values(found, name)?
    };
    labels::check(path, &values, true)?;
    Ok(values)
}

/// A sparse matrix as a dense one.
fn dense(
    path: &Path,
    shape: &[usize],
    name: &str,
    columns: &Columns,
) -> Result<Array2<f32>, DatasetError> {
    let broken = |what: &str| malformed(path, format!("sparse `{name}`: {what}"));
    let &[rows, width] = shape else { return Err(broken("it should have two axes")) };
    if columns.starts.len() != width + 1 {
        return Err(broken("it should have a start for each column and one more"));
    }
    let mut dense = table::zeros(path, rows, width)?;
    for (column, ends) in columns.starts.windows(2).enumerate() {
        let start = usize::try_from(ends[0]).ok();
        let range = start.zip(usize::try_from(ends[1]).ok()).map(|(start, end)| start..end);
        let column_rows = range.clone().and_then(|range| columns.rows.get(range));
        let column_values = range.and_then(|range| columns.values.get(range));
        let Some((column_rows, column_values)) = column_rows.zip(column_values) else {
            return Err(broken("a column lies outside the values"));
        };
        for (&row, &value) in column_rows.iter().zip(column_values) {
            let Some(row) = usize::try_from(row).ok().filter(|&row| row < rows) else {
                return Err(broken("a value lies outside the rows"));
            };
            if !value.is_finite() {
                let (row, column) = (row + 1, column + 1);
                return Err(DatasetError::NonFinite { path: path.into(), row, column, value });
            }
            dense[(row, column)] = value;
        }
    }
    Ok(dense)
}

/// A file by its version.
enum Mat<'a> {
    V5(v5::Mat<'a>),
    V73(v73::Mat<'a>),
}

impl<'a> Mat<'a> {
    /// Tells versions and byte orders apart.
    fn open(path: &'a Path) -> Result<Self, DatasetError> {
        let (mut file, length) = open_plain(path)?;
        let mut header = [0; HEADER as usize];
        let found =
            source::read_up_to(&mut file, &mut header).map_err(|cause| read_error(path, cause))?;
        let marks = (&header[124..126], &header[126..128]);
        let is_hdf5 = header.starts_with(&hdf5::SIGNATURE) || header.starts_with(b"MATLAB 7.3");
        if is_hdf5 || matches!(marks, ([0, 2], b"IM") | ([2, 0], b"MI")) {
            return Ok(Self::V73(v73::Mat::new(Hdf5::open(file, length, path)?, path)));
        }
        match (found as u64, marks) {
            (HEADER, ([0, 1], b"IM")) => {
                return Ok(Self::V5(v5::Mat { file, length, endian: Endian::Little, path }));
            }
            (HEADER, ([1, 0], b"MI")) => {
                return Ok(Self::V5(v5::Mat { file, length, endian: Endian::Big, path }));
            }
            _ => {}
        }
        // Version 4 has no header: a number below 5,000 that says byte order and types comes first.
        let first = [header[0], header[1], header[2], header[3]];
        let types = u32::from_le_bytes(first).min(u32::from_be_bytes(first));
        if found >= 20 && types < 5000 {
            let problem = "a MATLAB file of version 4, which cannot be read; save it with -v7";
            return Err(DatasetError::Unsupported { path: path.into(), problem: problem.into() });
        }
        if (found as u64) < HEADER && header.starts_with(b"MATLAB") {
            return Err(truncated(path, "the header", HEADER, length));
        }
        Err(malformed(path, "its header has neither version 5 nor a byte order".into()))
    }
}

fn malformed(path: &Path, problem: String) -> DatasetError {
    DatasetError::Malformed { path: path.into(), format: ".mat", problem }
}
