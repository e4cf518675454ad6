//! Importance weights as a method of plans.

use std::borrow::Cow;
use std::sync::Arc;

use ndarray::ArrayView2;
use procrust_settings::{Declared, Entry, Family};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::weights::weight_estimators;
use crate::{AlignError, ImportanceWeights, WeighSource};

/// Weights source rows by the ratio of the target's density to the source's.
///
/// Rows stay as they are; classifiers train with the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportanceWeighting {
    /// The estimator of the weights, with its default settings.
    #[schemars(with = "EstimatorName")]
    pub estimator: String,
}

/// The schema of the name of an estimator.
struct EstimatorName;

impl JsonSchema for EstimatorName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "EstimatorName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": weight_estimators().names() })
    }
}

impl Declared for ImportanceWeighting {
    const NAME: &'static str = "importance-weights";

    fn forms() -> Vec<Self> {
        let form = |name: &str| Self { estimator: name.to_owned() };
        weight_estimators().names().into_iter().map(form).collect()
    }

    fn check(&self) -> Result<(), String> {
        weight_estimators().named(&self.estimator).map(|_| ()).map_err(|mistake| mistake.message)
    }
}

impl WeighSource for ImportanceWeighting {
    fn weigh(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<ImportanceWeights, AlignError> {
        let estimator = weight_estimators().named(&self.estimator);
        estimator.expect("the estimator's name was checked").weigh(source, target)
    }
}

/// Methods that weight source rows and leave them where they are.
#[must_use]
pub fn weighting_methods() -> Family<dyn WeighSource> {
    let entry = Entry::new(|method: ImportanceWeighting| Arc::new(method) as Arc<dyn WeighSource>);
    Family::new("method", [entry])
}
