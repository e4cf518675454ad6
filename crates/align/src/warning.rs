use std::fmt;

/// Something about a fit that does not stop it but limits what it means.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// The data do not span all dimensions, and the method had to choose in the rest.
    Rank {
        /// Which matrix.
        what: &'static str,
        /// Its numerical rank.
        rank: usize,
        /// The rank at which the answer is unique.
        full: usize,
    },
    /// Eigenvalues were too small to be inverted and were raised.
    Raised {
        /// Which matrix.
        what: &'static str,
        /// How many eigenvalues.
        count: usize,
        /// Of how many.
        dim: usize,
    },
    /// The best of the values that were tried for a setting is the first or the last of them.
    GridEdge {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// `"smallest"` or `"largest"`.
        end: &'static str,
    },
    /// The iteration stopped at its limit.
    NotConverged {
        /// How many iterations there were.
        iterations: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Rank { what, rank, full } => write!(
                f,
                "{what} has rank {rank} of {full}: the map is not unique; more rows or fewer \
                 dimensions would settle it"
            ),
            Self::Raised { what, count, dim } => write!(
                f,
                "{count} of {dim} eigenvalues of the {what} are too small to invert and were \
                 raised; regularise more strongly"
            ),
            Self::NotConverged { iterations } => write!(
                f,
                "not converged after {iterations} iterations: allow more, or a larger tolerance"
            ),
            Self::GridEdge { name, value, end } => write!(
                f,
                "the best {name}, {value}, is the {end} of those tried: a better one may lie beyond"
            ),
        }
    }
}
