//! What can be wrong with a transfer, and what its user should know.

use ndarray_linalg::error::LinalgError;
use procrust_align::AlignError;
use procrust_neighbors::NeighborsError;

/// Why nothing could be carried from one task to another.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// There are no rows or no columns.
    #[error("{what}: found {rows} rows of {columns} columns, expected at least one of each")]
    Empty {
        /// Which input.
        what: &'static str,
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
    /// An input holds a NaN or an infinity.
    #[error("{what}: the value at row {row}, column {column} is {value}, expected a finite number")]
    NonFinite {
        /// Which input.
        what: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// An input has another number of columns than it should.
    #[error("{what}: {found} columns, expected {expected}")]
    Columns {
        /// Which input.
        what: &'static str,
        /// Columns expected.
        expected: usize,
        /// Columns found.
        found: usize,
    },
    /// Rows and what goes with them are not equally many.
    #[error("{rows} rows have {labels} labels: expected one label a row")]
    Labels {
        /// Rows found.
        rows: usize,
        /// Labels found.
        labels: usize,
    },
    /// A label is not below the number of classes.
    #[error("label {label} at row {row}: expected labels below {classes}, the number of classes")]
    Label {
        /// The label.
        label: usize,
        /// Its row.
        row: usize,
        /// The number of classes.
        classes: usize,
    },
    /// Fewer classes than the method needs.
    #[error("{what}: rows of {found} classes, expected at least {expected}")]
    Classes {
        /// Which input.
        what: &'static str,
        /// The least number of classes.
        expected: usize,
        /// The classes found.
        found: usize,
    },
    /// A class has rows but no description.
    #[error("class `{class}` has no description{}", did_you_mean(.nearest))]
    NoDescription {
        /// The class.
        class: String,
        /// The described class whose name is nearest, if one is near.
        nearest: Option<String>,
    },
    /// A description belongs to no class.
    #[error("the description `{name}` belongs to no class{}", did_you_mean(.nearest))]
    NoClass {
        /// The name of the description.
        name: String,
        /// The class whose name is nearest, if one is near.
        nearest: Option<String>,
    },
    /// Two descriptions have one name.
    #[error("two descriptions are called `{name}`")]
    Twice {
        /// The name.
        name: String,
    },
    /// There is not one name for each description.
    #[error("{rows} descriptions have {names} names: expected one name each")]
    Names {
        /// Descriptions found.
        rows: usize,
        /// Names found.
        names: usize,
    },
    /// A source model does not fit the task.
    #[error("the source model has {found} {what}, the task has {expected}")]
    Source {
        /// What differs: dimensions or classes.
        what: &'static str,
        /// Those of the task.
        expected: usize,
        /// Those of the source model.
        found: usize,
    },
    /// A setting is out of its range.
    #[error("{setting} is {value}, expected {expected}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// Its range, in words.
        expected: &'static str,
    },
    /// More was asked for than the data can give.
    #[error("{what} is {asked}, the largest possible here is {largest}")]
    TooMany {
        /// What was asked for.
        what: &'static str,
        /// How many.
        asked: usize,
        /// The largest number possible.
        largest: usize,
    },
    /// The corners of a box are not finite or not in order.
    #[error(
        "a box from ({left}, {top}) to ({right}, {bottom}): expected finite corners, the second right of and \
         below the first"
    )]
    Bounds {
        /// Its left edge.
        left: f64,
        /// Its upper edge.
        top: f64,
        /// Its right edge.
        right: f64,
        /// Its lower edge.
        bottom: f64,
    },
    /// A detector cannot be trained, read or used so.
    #[error("the detector: {problem}")]
    Detector {
        /// What was expected and what was found.
        problem: String,
    },
    /// A picture could not be had.
    #[error("picture {at}, counted from 0, cannot be read")]
    Picture {
        /// Its place.
        at: usize,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A picture could not be described.
    #[error(transparent)]
    Images(#[from] procrust_images::ImagesError),
    /// LAPACK failed.
    #[error("{what}, {rows} × {columns}, could not be factored")]
    Factorization {
        /// What was to be factored.
        what: &'static str,
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
        /// What LAPACK said.
        #[source]
        cause: LinalgError,
    },
    /// Sums or distances of an alignment failed.
    #[error(transparent)]
    Align(#[from] AlignError),
    /// A search for neighbours failed.
    #[error("the nearest rows could not be found")]
    Search(#[from] NeighborsError),
}

/// The end of a sentence that offers the nearest name.
fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// What a fitted model's user should know.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// A problem has fewer independent directions than unknowns: of all solutions, the one of least
    /// norm is taken.
    Rank {
        /// Which matrix.
        what: &'static str,
        /// Its rank.
        rank: usize,
        /// Its full rank.
        full: usize,
    },
    /// An iteration stopped before it stood still.
    NotConverged {
        /// Which iteration.
        what: &'static str,
        /// The steps that it was allowed.
        steps: usize,
        /// How much still moved, in the units of the tolerance.
        moved: f64,
        /// What was asked for.
        tolerance: f64,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rank { what, rank, full } => {
                write!(f, "{what} has rank {rank} of {full}: the solution of least norm was taken")
            }
            Self::NotConverged { what, steps, moved, tolerance } => write!(
                f,
                "{what} stopped after {steps} steps at {moved:.1e}, above the tolerance of \
                 {tolerance:.1e}"
            ),
        }
    }
}
