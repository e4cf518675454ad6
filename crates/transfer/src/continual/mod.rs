//! Tasks one after another.

pub(crate) mod class_mixture;
pub(crate) mod embedded_replay;
mod method;
pub(crate) mod progress;
mod replay;

pub use method::{ContinualLearner, ContinualMethod, ContinualSetup};
pub use mixture::MixtureSpread;

procrust_settings::methods! {
    /// What plans can name against forgetting.
    pub fn continual_methods: dyn ContinualMethod = "method" {
        none::NoMemory,
        mixture::MixtureReplay,
        embedding::EmbeddingReplay,
        stored::StoredReplay,
        joint::Joint,
    }
}
