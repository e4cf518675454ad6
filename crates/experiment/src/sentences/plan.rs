//! Plans of kind `sentences`: several encoders on the tasks of an adaptation plan.

use std::path::Path;

use procrust_runner::{PlanError, Table};

use crate::{
    adaptation::plan::AdaptationPlan,
    shared::{encoder::EncoderPlan, encoders::encoders},
};

/// Every method of an adaptation plan with every encoder.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EncodersPlan {
    /// The encoders, the one to compare with first.
    pub encoders: Vec<EncoderPlan>,
    /// The plan, once for each encoder.
    pub plans: Vec<AdaptationPlan>,
}

impl EncodersPlan {
    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let encoders = encoders(folder, table)?;
        let plan = AdaptationPlan::parse_encoded(folder, table, encoders.first().cloned())?;
        let with = |encoder: &EncoderPlan| {
            let mut plan = plan.clone();
            plan.data.sentences = Some(encoder.clone());
            plan
        };
        let plans = encoders.iter().map(with).collect();
        Ok(Self { encoders, plans })
    }
}
