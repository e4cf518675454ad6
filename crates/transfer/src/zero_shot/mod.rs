//! Classes that no training row has, by their descriptions.

pub(crate) mod choice;
mod method;
pub(crate) mod model;
pub(crate) mod prediction;
pub(crate) mod ridge_model;

pub use coupled_dictionaries::{CoupledDictionaries, CoupledModel, Prediction, PredictionRule};
pub use eszsl::{Eszsl, EszslModel};
pub use method::{ZeroShotFit, ZeroShotMethod, ZeroShotRates, ZeroShotTest, ZeroShotTraining};
pub use ridge_from_descriptions::RidgeFromDescriptions;
pub use ridge_to_descriptions::RidgeToDescriptions;

procrust_settings::methods! {
    /// The zero-shot methods that plans can name.
    pub fn zero_shot_methods: dyn ZeroShotMethod = "method" {
        chance::Chance,
        eszsl::EszslCv,
        ridge_to_descriptions::RidgeToDescriptionsCv,
        ridge_from_descriptions::RidgeFromDescriptionsCv,
        coupled_dictionaries::CoupledDictionariesCv,
    }
}
