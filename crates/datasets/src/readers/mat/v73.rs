//! Files of version 7.3: HDF5 in which a variable is a dataset, or a group where it is sparse or a
//! struct.
//!
//! Axes stand in HDF5's order, the last fastest, so that they are MATLAB's reversed. Attributes say what
//! the variable is: `MATLAB_class`; `MATLAB_sparse`, the number of rows; `MATLAB_empty` where in place
//! of values the axes are stored.

use std::path::Path;

use super::{Columns, Found, Listed, Variables, malformed};
use crate::DatasetError;
use crate::readers::hdf5::{Dataset, Hdf5, Object, ObjectContent, ValueKind};
use crate::readers::numbers::Cell;
use crate::readers::variables::{Content, Variable};

/// The parts of a sparse variable.
const PARTS: [&str; 3] = ["ir", "jc", "data"];

/// Classes that are numbers.
const NUMERIC: [&str; 11] = [
    "double", "single", "logical", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
    "uint64",
];

/// A file of version 7.3.
pub(super) struct Mat<'a> {
    file: Hdf5<'a>,
    path: &'a Path,
}

/// Where the values of a variable are.
pub(super) enum Place {
    Full(Dataset),
    /// Rows, starts of columns and values; the first and the last are left out where all are zero.
    Sparse(Box<[Option<Dataset>; 3]>),
    /// Nowhere that could be read.
    Nowhere,
}

impl<'a> Mat<'a> {
    pub(super) fn new(file: Hdf5<'a>, path: &'a Path) -> Self {
        Self { file, path }
    }

    /// Place, shape and content of a variable.
    fn variable(&mut self, object: Object) -> Result<(Place, Vec<usize>, Content), DatasetError> {
        let class = object.text("MATLAB_class").map(str::to_owned);
        let (rows, empty) = (object.number("MATLAB_sparse"), object.number("MATLAB_empty"));
        match object.content {
            ObjectContent::Dataset(dataset) => {
                let content = match (class.as_deref(), dataset.kind) {
                    (Some(class), _) if !NUMERIC.contains(&class) => Content::Other(class.into()),
                    (_, ValueKind::Number(..)) => Content::Numbers,
                    (_, ValueKind::Compound) => Content::Other("complex".into()),
                    (_, ValueKind::Text) => Content::Other("char".into()),
                    (_, ValueKind::Reference) => Content::Other("cell".into()),
                    (_, ValueKind::Other(what)) => Content::Other(what.into()),
                };
                let shape = if empty.is_some_and(|empty| empty != 0) {
                    let axes: Vec<i64> =
                        self.file.values(&dataset, "the axes of an empty variable")?;
                    axes.into_iter().map(|axis| usize::try_from(axis).unwrap_or(0)).collect()
                } else {
                    dataset.shape.iter().rev().copied().collect()
                };
                Ok((Place::Full(dataset), shape, content))
            }
            ObjectContent::Group(names) => match rows {
                None => Ok((Place::Nowhere, vec![1, 1], Content::Other("struct".into()))),
                Some(rows) => {
                    let mut parts = [None, None, None];
                    for (part, name) in parts.iter_mut().zip(PARTS) {
                        let address = names.iter().find(|(known, _)| known == name);
                        let Some((_, address)) = address else { continue };
                        if let ObjectContent::Dataset(dataset) = self.file.object(*address)?.content
                        {
                            *part = Some(dataset);
                        }
                    }
                    let starts =
                        parts[1].as_ref().map_or(0, |starts| starts.shape.iter().product());
                    let shape = vec![usize::try_from(rows).unwrap_or(0), starts.saturating_sub(1)];
                    let complex = parts[2].as_ref().is_some_and(|p| p.kind == ValueKind::Compound);
                    let content = match complex {
                        true => Content::Other("complex".into()),
                        false => Content::Numbers,
                    };
                    Ok((Place::Sparse(Box::new(parts)), shape, content))
                }
            },
        }
    }
}

impl Variables for Mat<'_> {
    type Place = Place;

    fn list(&mut self) -> Result<Listed<Place>, DatasetError> {
        let (mut found, mut variables) = (Vec::new(), Vec::new());
        for (name, address) in self.file.root()? {
            // What variables refer to.
            if name.starts_with('#') {
                continue;
            }
            let object = self.file.object(address)?;
            let (place, shape, content) = self.variable(object)?;
            let sparse = matches!(place, Place::Sparse(_));
            variables.push(Variable { name, shape: shape.clone(), content });
            found.push(Found { place, shape, sparse });
        }
        Ok((found, variables))
    }

    fn values<T: Cell>(
        &mut self,
        found: &Found<Place>,
        name: &str,
    ) -> Result<Vec<T>, DatasetError> {
        match &found.place {
            Place::Full(dataset) => self.file.values(dataset, &format!("`{name}`")),
            _ => Err(malformed(self.path, format!("`{name}` holds no values of its own"))),
        }
    }

    fn columns(&mut self, found: &Found<Place>, name: &str) -> Result<Columns, DatasetError> {
        let Place::Sparse(parts) = &found.place else {
            return Err(malformed(self.path, format!("`{name}` is not sparse")));
        };
        let [rows, starts, values] = parts.as_ref();
        let what = format!("sparse `{name}`");
        let mut whole = |part: &Option<Dataset>| match part {
            Some(dataset) => self.file.values::<i64>(dataset, &what),
            None => Ok(Vec::new()),
        };
        let (rows, starts) = (whole(rows)?, whole(starts)?);
        let values = match values {
            Some(dataset) => self.file.values(dataset, &what)?,
            None => Vec::new(),
        };
        Ok(Columns { rows, starts, values })
    }
}
