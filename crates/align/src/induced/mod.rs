//! Methods that find their own dictionary.

mod diagnosis;
mod matching;
mod result;
mod rows;

pub use diagnosis::{Diagnosis, Verdict};
pub use result::{Induced, Observer, Progress, Stop};

procrust_settings::methods! {
    /// Methods that find their own dictionary, from few pairs or none.
    #[must_use]
    pub fn induced_methods: dyn crate::LearnMaps = "method" {
        self_learning::SelfLearning,
        refinement::Refinement,
        rcsls::Rcsls,
        mini_vec2vec::MiniVec2Vec,
    }
}
