//! Methods that learn from pairs of rows.

mod align;
mod auto;
mod cca;
mod fixed_ridge;
mod generalized;
mod least_squares;
mod normal_equations;
mod procrustes;
mod ridge;
mod ridge_cv;
mod vecmap;
mod whitening;

pub use align::AlignPaired;
pub use auto::{Auto, AutoCandidate, CandidateScore, Choice, MeanScore, Score, Similarity};
pub use cca::Cca;
pub use fixed_ridge::Ridge;
pub use generalized::{GeneralizedAlignment, GeneralizedProcrustes, SpaceMoments};
pub use least_squares::LeastSquares;
pub use procrustes::Procrustes;
pub use ridge::RidgeMethod;
pub use ridge_cv::{CrossValidatedRidge, Lambdas, RidgeGcv, RidgePath};
pub use vecmap::VecMap;
