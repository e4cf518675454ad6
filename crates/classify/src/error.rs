//! What can be wrong with a classification.

use ndarray_linalg::error::LinalgError;
use procrust_neighbors::NeighborsError;

/// Why a classifier could not be trained or could not predict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifyError {
    /// There are no rows or no columns.
    #[error("no data: found {rows} rows of {columns} columns, expected at least one of each")]
    Empty {
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
    /// Rows and labels are not equally many.
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
    /// All training rows have the same label.
    #[error("all {rows} training rows are of class {class}: expected at least two classes")]
    OneClass {
        /// The class.
        class: usize,
        /// Rows found.
        rows: usize,
    },
    /// Rows and weights are not equally many.
    #[error("{rows} rows have {weights} weights: expected one weight a row")]
    Weights {
        /// Rows found.
        rows: usize,
        /// Weights found.
        weights: usize,
    },
    /// A weight is negative or not finite.
    #[error("the weight of row {row} is {value}: expected a finite number, 0 or more")]
    Weight {
        /// The row, counted from 0.
        row: usize,
        /// Its weight.
        value: f64,
    },
    /// The weights vanish, or are out of all proportion.
    #[error("the weights of {rows} rows sum to {sum:e}: expected a sum between 1e-100 and 1e100")]
    WeightSum {
        /// What they sum to.
        sum: f64,
        /// Rows found.
        rows: usize,
    },
    /// The classifier cannot weigh rows.
    #[error("{classifier} takes no weights: expected none, or a classifier that weighs rows")]
    Unweighted {
        /// The classifier, in words.
        classifier: &'static str,
    },
    /// A feature is a NaN or an infinity.
    #[error("features hold {value} at row {row}, column {column}: expected finite values")]
    NonFinite {
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// What stands there.
        value: f32,
    },
    /// Rows to predict have another number of columns than those of the training.
    #[error("rows have {found} columns, the training rows had {expected}")]
    Columns {
        /// Columns in training.
        expected: usize,
        /// Columns found.
        found: usize,
    },
    /// A setting is out of its range.
    #[error("{setting} is {value}: expected {expected}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// Its range, in words.
        expected: &'static str,
    },
    /// More neighbours are to vote than there are training rows.
    #[error("{k} neighbours are to vote: expected 1 to {rows}, the number of training rows")]
    Neighbors {
        /// The number of neighbours.
        k: usize,
        /// The training rows.
        rows: usize,
    },
    /// The search for neighbours failed.
    #[error("the nearest training rows could not be found")]
    Search(#[from] NeighborsError),
    /// linfa's solver refused the problem or failed.
    #[error("the logistic regression could not be solved")]
    Solver {
        /// What linfa said.
        #[source]
        cause: linfa_logistic::error::Error,
    },
    /// linfa's solver of support vector machines refused the problem or failed.
    #[error("the support vector machine could not be solved")]
    Svm {
        /// What linfa said.
        #[source]
        cause: Box<linfa_svm::SvmError>,
    },
    /// A method would need more memory than it may have.
    #[error("{what} would take {bytes} bytes, the limit is {limit}: {instead}")]
    Memory {
        /// What would be too large.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The most that is allowed.
        limit: u64,
        /// What would fit.
        instead: &'static str,
    },
    /// The regularised covariance could not be factored.
    #[error("the ridge system of {size} unknowns could not be solved; a larger l2 may help")]
    Ridge {
        /// Unknowns a class.
        size: usize,
        /// What LAPACK said.
        #[source]
        cause: LinalgError,
    },
}

/// What a fitted model's user should know.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// The solver stopped before the gradient was as small as asked for.
    NotConverged {
        /// The length that the gradient ended at, in the units of the tolerance.
        gradient: f64,
        /// What was asked for.
        tolerance: f64,
        /// The iterations that it was allowed.
        max_iterations: u64,
    },
    /// A support vector machine stopped before its optimality conditions were met.
    SvmNotConverged {
        /// How far they were missed in the last round, in units of the margin.
        violation: f64,
        /// What was asked for.
        tolerance: f64,
        /// The rounds that it was allowed.
        max_iterations: u64,
    },
    /// The penalty that was chosen is the least or the most of those there were to choose from.
    PenaltyAtEnd {
        /// The penalty.
        l2: f64,
        /// The least.
        least: f64,
        /// The most.
        most: f64,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Warning::NotConverged { gradient, tolerance, max_iterations } => write!(
                f,
                "logistic regression stopped at a gradient of {gradient:.1e}, above the tolerance \
                 of {tolerance:.1e} (at most {max_iterations} iterations): allow more iterations, \
                 raise l2, or scale the columns"
            ),
            Warning::SvmNotConverged { violation, tolerance, max_iterations } => write!(
                f,
                "the linear support vector machine stopped {violation:.1e} from its optimum, above the \
                 tolerance of {tolerance:.1e}, after {max_iterations} rounds: allow more, lower c, or \
                 scale the columns"
            ),
            Warning::PenaltyAtEnd { l2, least, most } => write!(
                f,
                "ridge chose l2 = {l2}, an end of the list from {least} to {most}: a longer list may \
                 hold a better one"
            ),
        }
    }
}
