//! Methods that learn from pairs of rows.

mod align;
mod fixed_ridge;
mod generalized;
mod normal_equations;
mod ridge_cv;
mod whitening;

pub use align::AlignPaired;
pub use auto::{AutoCandidate, CandidateScore, Choice, MeanScore, Score, Similarity};
pub use fixed_ridge::Ridge;
pub use generalized::{GeneralizedAlignment, GeneralizedProcrustes, SpaceMoments};
pub use ridge_cv::{CrossValidatedRidge, Lambdas, RidgeGcv, RidgePath};

procrust_settings::methods! {
    /// Methods that learn maps from pairs of rows.
    #[must_use]
    pub fn paired_methods: dyn crate::LearnMaps = "method" {
        procrustes::Procrustes,
        least_squares::LeastSquares,
        ridge::RidgeMethod,
        cca::Cca,
        vecmap::VecMap,
        low_rank::LowRank,
        residual_mlp::ResidualMlp,
        auto::Auto,
    }
}
