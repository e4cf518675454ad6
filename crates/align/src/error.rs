use std::path::PathBuf;

use ndarray_linalg::error::LinalgError;
use procrust_neighbors::NeighborsError;

/// Why an alignment could not be fitted, combined or applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlignError {
    /// An input holds a NaN or an infinity.
    #[error("{what}: the value at row {row}, column {col} is {value}, expected a finite number")]
    NonFinite {
        /// Which input.
        what: &'static str,
        /// Row of the first such value, counted from 0.
        row: usize,
        /// Its column, counted from 0.
        col: usize,
        /// The value itself.
        value: f32,
    },
    /// A vector or matrix of a map holds a NaN or an infinity.
    #[error("{what} of the map holds a value that is not finite")]
    NonFiniteMap {
        /// Which part of the map.
        what: &'static str,
    },
    /// A mapped value is beyond the range of `f32`.
    #[error("row {row}, column {col} of the mapped rows is beyond the range of f32")]
    Overflow {
        /// Row, counted from 0.
        row: usize,
        /// Column, counted from 0.
        col: usize,
    },
    /// There are too few items.
    #[error("{what}: {found} rows, expected at least {expected}")]
    TooFewRows {
        /// Which input.
        what: &'static str,
        /// The least number of rows.
        expected: usize,
        /// The number of rows given.
        found: usize,
    },
    /// Rows have no columns.
    #[error("{what}: rows have no columns")]
    NoColumns {
        /// Which input.
        what: &'static str,
    },
    /// Paired inputs differ in their numbers of rows.
    #[error("paired rows expected, found {source_rows} source rows and {target_rows} target rows")]
    RowCounts {
        /// Rows of the source.
        source_rows: usize,
        /// Rows of the target.
        target_rows: usize,
    },
    /// There is not one weight for each pair.
    #[error("{found} weights, expected {expected}, one a pair")]
    WeightCount {
        /// Number of pairs.
        expected: usize,
        /// Number of weights.
        found: usize,
    },
    /// There is not one key or fold for each pair.
    #[error("{found} keys or folds, expected {expected}, one a pair")]
    LabelCount {
        /// Number of pairs.
        expected: usize,
        /// Number of keys or folds.
        found: usize,
    },
    /// The two sides must have one dimension, and have not.
    #[error("{method} expects one dimension on both sides, found {source_dim} and {target_dim}")]
    Dimensions {
        /// Which method.
        method: &'static str,
        /// Columns of the source.
        source_dim: usize,
        /// Columns of the target.
        target_dim: usize,
    },
    /// A number of columns is not the one expected.
    #[error("{what}: {found} columns, expected {expected}")]
    Columns {
        /// Which input.
        what: &'static str,
        /// The number of columns expected.
        expected: usize,
        /// The number of columns given.
        found: usize,
    },
    /// A setting is out of its range.
    #[error("{name} is {value}, expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// More principal components were asked for than the data have.
    #[error("components is {asked}, the largest possible here is {largest} (rank of the {side})")]
    Components {
        /// The number asked for.
        asked: usize,
        /// The largest number that both sides have.
        largest: usize,
        /// The side that sets the limit.
        side: &'static str,
    },
    /// All rows of a domain are equal.
    #[error("{what}: all rows are equal, there is no variance to align")]
    NoVariance {
        /// Which input.
        what: &'static str,
    },
    /// The sides of the pairs have nothing in common.
    #[error("source and target do not vary together: their cross-covariance is zero")]
    Unrelated,
    /// Ledoit-Wolf shrinkage needs the rows, and the spectrum was made from moments.
    #[error("Ledoit-Wolf shrinkage of the {what} needs its rows, found moments only")]
    NeedsRows {
        /// Which input.
        what: &'static str,
    },
    /// More rows are to be left out of moments than they hold.
    #[error("{take} rows cannot be left out of {have}")]
    Subtract {
        /// Rows that the moments hold.
        have: usize,
        /// Rows to leave out.
        take: usize,
    },
    /// A map between different dimensions has no inverse.
    #[error("a map from {input} to {output} dimensions has no inverse")]
    NotSquare {
        /// Dimensions before the map.
        input: usize,
        /// Dimensions after it.
        output: usize,
    },
    /// A map loses dimensions and has no inverse.
    #[error("the map has rank {rank} of {dim} and no inverse")]
    Singular {
        /// Numerical rank of the matrix.
        rank: usize,
        /// Its dimension.
        dim: usize,
    },
    /// LAPACK reported a failure.
    #[error("the factorisation of {what} ({rows} × {cols}) failed")]
    Factorization {
        /// The matrix.
        what: &'static str,
        /// Its rows.
        rows: usize,
        /// Its columns.
        cols: usize,
        /// What LAPACK said.
        #[source]
        cause: LinalgError,
    },
    /// One of several spaces is not as expected.
    #[error("space {space}: {cause}")]
    Space {
        /// Which one, counted from 0.
        space: usize,
        /// What is wrong with it. Part of the message.
        cause: Box<AlignError>,
    },
    /// None of the methods that were to choose from could be fitted.
    #[error("none of {count} candidates could be fitted; the first: {first}")]
    NoCandidate {
        /// How many there were.
        count: usize,
        /// What was wrong with the first of them.
        first: String,
    },
    /// The search for the nearest rows failed.
    #[error("the search among mapped rows failed")]
    Search {
        /// What was wrong.
        #[source]
        cause: NeighborsError,
    },
    /// A step of the preparation of rows has an unknown name.
    #[error("unknown row step `{found}`, expected l1, l2, unit or center")]
    RowStep {
        /// The name given.
        found: String,
    },
    /// A file of a map could not be read or written.
    #[error("cannot {doing} the map {}", path.display())]
    MapFile {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Bytes are not those of a map.
    #[error("expected {expected}, found {found}")]
    MapFormat {
        /// What a map has at this place.
        expected: String,
        /// What was found there.
        found: String,
    },
    /// A map was saved by a later version.
    #[error(
        "the map was written by a later version of procrust (map version {version}, known up to \
         {known})"
    )]
    MapVersion {
        /// The version of the map.
        version: u64,
        /// The last version that can be read.
        known: u64,
    },
    /// A dictionary names a row that is not there.
    #[error("pair {entry} of the dictionary names {side} row {row}, expected a row below {rows}")]
    Pair {
        /// The pair, counted from 0.
        entry: usize,
        /// The side on which the row is missing.
        side: &'static str,
        /// The row named, counted from 0.
        row: usize,
        /// The number of rows.
        rows: usize,
    },
    /// A dictionary holds no usable pair.
    #[error(
        "the dictionary holds {found} pairs of rows that are not zero, expected at least {expected}"
    )]
    FewPairs {
        /// The number of usable pairs.
        found: usize,
        /// The least number.
        expected: usize,
    },
    /// More neighbours are asked for than a side has rows.
    #[error("{k} neighbours asked for, the {side} has {rows} rows that are not zero")]
    Neighborhood {
        /// The number asked for.
        k: usize,
        /// The side that is too short.
        side: &'static str,
        /// Its rows that are not zero.
        rows: usize,
    },
    /// No two rows are each other's nearest.
    #[error(
        "round {round}: no source row and target row are each other's nearest; the map is too far \
         off to refine: start from more pairs or from self-learning, or look among more rows"
    )]
    NoMutual {
        /// The round, counted from 1.
        round: usize,
    },
    /// A method needs the labels of the source rows, and there are none.
    #[error("{method} needs the labels of the source rows, found none")]
    NeedsLabels {
        /// Which method.
        method: &'static str,
    },
    /// There is not one label for each source row.
    #[error("{found} labels, expected {expected}, one a source row")]
    SourceLabels {
        /// Number of source rows.
        expected: usize,
        /// Number of labels.
        found: usize,
    },
    /// A class number is so large that counting the classes would need too much memory.
    #[error("source row {row} has class number {class}, expected numbers below {limit}")]
    ClassNumber {
        /// The row, counted from 0.
        row: usize,
        /// Its class number.
        class: usize,
        /// One more than the largest number allowed.
        limit: usize,
    },
    /// The classifier that gives target rows their pseudo-labels failed.
    #[error("no pseudo-labels for the target rows")]
    Labeller {
        /// Why not.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The classifier that gives target rows their pseudo-labels gave something else.
    #[error("pseudo-labels: expected {expected}, found {found}")]
    PseudoLabels {
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A method would need more memory than its setting allows.
    #[error(
        "{what} would take {bytes} bytes, the limit is {limit}: raise the limit if it can be set, \
         or {instead}"
    )]
    Memory {
        /// What would be allocated.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
        /// What would fit.
        instead: &'static str,
    },
    /// No source row gets any weight.
    #[error("{method}: no source row is like any target row, all weights vanish")]
    WeightsVanish {
        /// Which method.
        method: &'static str,
    },
}
