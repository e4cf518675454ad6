//! Files of several named arrays: which to take, and how they become rows.

use std::path::Path;

use ndarray::{Array2, ArrayD, Axis, IxDyn, ShapeBuilder, concatenate};

use super::{TableOptions, labels, names, table};
use crate::DatasetError;

/// What the header of an array says.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) content: Content,
}

/// What an array is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Numbers,
    Text,
    /// Something that cannot be read, in words.
    Other(String),
}

impl Variable {
    fn describe(&self) -> String {
        let Self { name, shape, content } = self;
        let shape = names::shape(shape);
        match content {
            Content::Numbers => format!("{name} {shape}"),
            Content::Text => format!("{name} {shape} (text)"),
            Content::Other(what) => format!("{name} {shape} ({what})"),
        }
    }
}

fn describe_all(variables: &[Variable]) -> String {
    names::list(&variables.iter().map(Variable::describe).collect::<Vec<_>>())
}

/// The positions of the features' variables and of the labels'.
pub(super) fn choose(
    path: &Path,
    kind: &'static str,
    variables: &[Variable],
    options: &TableOptions,
) -> Result<(Vec<usize>, Option<usize>), DatasetError> {
    let find = |name: &String| {
        variables.iter().position(|variable| variable.name == *name).ok_or_else(|| {
            let known = describe_all(variables);
            let all = variables.iter().map(|variable| variable.name.as_str());
            names::not_found(path, kind, name, known, all)
        })
    };
    let unsupported = |index: usize, wanted: &str| {
        let found = variables[index].describe();
        let problem = format!("{wanted} were expected in {kind} {found}");
        DatasetError::Unsupported { path: path.into(), problem }
    };

    let label = match &options.labels {
        Some(name) => {
            let index = find(name)?;
            if matches!(variables[index].content, Content::Other(_)) {
                return Err(unsupported(index, "labels"));
            }
            Some(index)
        }
        None => {
            let may_be = |variable: &Variable| {
                !matches!(variable.content, Content::Other(_))
                    && labels::is_list(&variable.shape)
                    && !options.features.contains(&variable.name)
            };
            let named = variables.iter().enumerate().filter(|(_, variable)| may_be(variable));
            labels::marked(named.map(|(index, variable)| (index, variable.name.as_str())))
        }
    };
    let numbers = |index: &usize| variables[*index].content == Content::Numbers;
    if options.features.is_empty() {
        let all = (0..variables.len()).filter(|&index| Some(index) != label).filter(numbers);
        let candidates: Vec<usize> = all.collect();
        return match candidates.len() {
            1 => Ok((candidates, label)),
            0 => Err(DatasetError::Empty {
                path: path.into(),
                what: format!("no numeric {kind} but {}", describe_all(variables)),
            }),
            _ => {
                let known = describe_all(variables);
                Err(DatasetError::Ambiguous { path: path.into(), kind, known })
            }
        };
    }
    let features = options.features.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    match features.iter().find(|index| !numbers(index)) {
        Some(&index) => Err(unsupported(index, "numbers")),
        None => Ok((features, label)),
    }
}

/// An array as it stands in a file.
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    /// Whether the first axis runs fastest.
    pub(super) fortran: bool,
    pub(super) values: Vec<f32>,
}

/// The number of values of a shape, unless no memory could hold them.
pub(super) fn count(shape: &[usize]) -> Option<usize> {
    let count = shape.iter().try_fold(1usize, |count, &axis| count.checked_mul(axis))?;
    let bytes = count.checked_mul(size_of::<f64>())?;
    isize::try_from(bytes).ok().map(|_| count)
}

/// Reports an array that has no rows or no columns.
pub(super) fn check_shape(path: &Path, name: &str, shape: &[usize]) -> Result<(), DatasetError> {
    if shape.is_empty() {
        let problem = format!("`{name}` is a single number, a matrix was expected");
        return Err(DatasetError::Unsupported { path: path.into(), problem });
    }
    if shape.contains(&0) {
        let what = format!("`{name}` is {}", names::shape(shape));
        return Err(DatasetError::Empty { path: path.into(), what });
    }
    Ok(())
}

/// An array as rows along its first axis; all values are finite.
pub(super) struct Rows {
    pub(super) features: Array2<f32>,
    /// Height and width of a row, if the array has three axes.
    pub(super) picture: Option<(usize, usize)>,
}

/// Flattens all axes but the first.
pub(super) fn rows(path: &Path, name: &str, array: Array) -> Result<Rows, DatasetError> {
    let Array { shape, fortran, values } = array;
    check_shape(path, name, &shape)?;
    let (items, width) = (shape[0], values.len() / shape[0]);
    let picture = if let [_, height, width] = shape[..] { Some((height, width)) } else { None };
    let values = if fortran && shape.len() > 1 {
        let array = ArrayD::from_shape_vec(IxDyn(&shape).f(), values)
            .expect("the values were counted by the shape");
        array.as_standard_layout().into_owned().into_raw_vec_and_offset().0
    } else {
        values
    };
    let features = Array2::from_shape_vec((items, width), values)
        .expect("the values were counted by the shape");
    table::check_finite(path, features.view(), |column| column)?;
    Ok(Rows { features, picture })
}

/// The variables' columns side by side.
pub(super) fn beside(
    path: &Path,
    names: &[String],
    mut parts: Vec<Array2<f32>>,
) -> Result<Array2<f32>, DatasetError> {
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    let rows = parts.first().map_or(0, Array2::nrows);
    if let Some(other) = parts.iter().position(|part| part.nrows() != rows) {
        let found = parts[other].nrows();
        let problem = format!(
            "features should have as many rows each; `{}` has {rows}, `{}` has {found}",
            names[0], names[other]
        );
        return Err(DatasetError::Unsupported { path: path.into(), problem });
    }
    let views: Vec<_> = parts.iter().map(Array2::view).collect();
    Ok(concatenate(Axis(1), &views).expect("the parts have as many rows each"))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn both_orders_give_the_same_rows() {
        let path = Path::new("x");
        let c = Array {
            shape: vec![2, 2, 3],
            fortran: false,
            values: (0..12u8).map(f32::from).collect(),
        };
        let Rows { features: by_rows, picture } = rows(path, "x", c).unwrap();
        assert_eq!(by_rows.row(1), array![6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
        assert_eq!(picture, Some((2, 3)));
        let values = [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11].map(|i: u8| f32::from(i)).to_vec();
        let f = Array { shape: vec![2, 2, 3], fortran: true, values };
        assert_eq!(rows(path, "x", f).unwrap().features, by_rows);
    }

    #[test]
    fn shapes_that_no_memory_holds_have_no_count() {
        assert_eq!(count(&[3, 4]), Some(12));
        assert_eq!(count(&[]), Some(1));
        assert_eq!(count(&[usize::MAX, 2]), None);
        assert_eq!(count(&[1 << 31, 1 << 31]), None);
    }
}
