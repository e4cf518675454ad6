//! Methods that find their own dictionary.

mod diagnosis;
mod matching;
mod mini_vec2vec;
mod rcsls;
mod refinement;
mod result;
mod rows;
mod self_learning;

pub use diagnosis::{Diagnosis, Verdict};
pub use mini_vec2vec::MiniVec2Vec;
pub use rcsls::Rcsls;
pub use refinement::Refinement;
pub use result::{Induced, Observer, Progress, Stop};
pub use self_learning::SelfLearning;
