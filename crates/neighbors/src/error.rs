//! What can be wrong with a search.

/// Why neighbours could not be searched for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NeighborsError {
    /// A matrix has no rows or no columns.
    #[error(
        "{matrix} are empty: found {rows} rows of {columns} columns, expected at least one of each"
    )]
    Empty {
        /// Which matrix: `queries`, `candidates`, `source`, `target`, …
        matrix: &'static str,
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// Two matrices whose rows are compared differ in their number of columns.
    #[error("{left} have {left_columns} columns, {right} have {right_columns}: expected as many")]
    Columns {
        /// The first matrix.
        left: &'static str,
        /// Its columns.
        left_columns: usize,
        /// The second matrix.
        right: &'static str,
        /// Its columns.
        right_columns: usize,
    },
    /// A matrix holds a NaN or an infinity.
    #[error("{matrix} hold {value} at row {row}, column {column}: expected finite values")]
    NonFinite {
        /// Which matrix.
        matrix: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// What stands there.
        value: f32,
    },
    /// The number of neighbours asked for is 0 or more than there are rows to choose from.
    #[error("asked for {k} neighbours: expected 1 to {rows}, the number of {matrix} rows")]
    Count {
        /// The number asked for.
        k: usize,
        /// The matrix that is searched.
        matrix: &'static str,
        /// Its rows.
        rows: usize,
    },
    /// A row is named that is not there.
    #[error("row {row} of {matrix}: expected one of {rows} rows")]
    Row {
        /// Which matrix.
        matrix: &'static str,
        /// The row named, counted from 0.
        row: usize,
        /// Its rows.
        rows: usize,
    },
    /// The inverse temperature of a softmax is not positive and finite.
    #[error("inverse temperature {beta}: expected a positive finite number")]
    Beta {
        /// What was given.
        beta: f64,
    },
    /// More rows than a 32-bit index can name.
    #[error("{matrix} have {rows} rows: expected at most {max}, what a 32-bit index can name", max = u32::MAX)]
    TooMany {
        /// Which matrix.
        matrix: &'static str,
        /// Its rows.
        rows: usize,
    },
}
