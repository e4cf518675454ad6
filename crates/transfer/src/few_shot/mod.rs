//! A few rows of each class, and what base rows have taught.

mod method;

pub use discriminant::CovarianceSource;
pub use method::{BaseTask, FewShot, FewShotLearner};

procrust_settings::methods! {
    /// The few-shot methods that plans can name.
    pub fn few_shot_methods: dyn FewShot = "method" {
        target_only::TargetOnly,
        pooled::Pooled,
        source_only::SourceOnly,
        biased::Biased,
        warm_start::WarmStart,
        nearest_mean::NearestMean,
        discriminant::SharedDiscriminant,
        name_prototypes::NamePrototypes,
    }
}
