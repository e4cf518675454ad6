//! The methods of lexicon plans: those of `procrust-align` that learn from pairs or find their own.

use std::sync::Arc;

use ndarray::{Array1, Array2};
use procrust_align::{
    AffineMap, AlignError, Alignment, LearnMaps, LearnedMaps, Observer, PairedSpaces,
    induced_methods, paired_methods,
};
use procrust_runner::{MethodRow, Role};
use procrust_settings::{Choice, Declared, Entry, Family, declare};

/// Leaves the coordinates as they are; the shorter rows are padded with zeros.
#[derive(
    Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct NoAlignment;

declare!(NoAlignment, "none");

impl LearnMaps for NoAlignment {
    fn learn(
        &self,
        spaces: &PairedSpaces<'_>,
        _: &mut Observer<'_>,
    ) -> Result<LearnedMaps, AlignError> {
        let shared = spaces.source.ncols().max(spaces.target.ncols());
        let side = |dim: usize| {
            let eye = Array2::from_shape_fn((dim, shared), |(i, j)| f64::from(u8::from(i == j)));
            AffineMap::new(Array1::zeros(dim), eye, Array1::zeros(shared))
        };
        let (source, target) = (side(spaces.source.ncols())?, side(spaces.target.ncols())?);
        Ok(Alignment::new(source, target)?.into())
    }

    fn needs_pairs(&self) -> bool {
        false
    }
}

/// All methods that lexicon plans may name.
#[must_use]
pub fn lexicon_methods() -> Family<dyn LearnMaps> {
    let none = Entry::new(|method: NoAlignment| Arc::new(method) as Arc<dyn LearnMaps>);
    Family::new("method", [none]).and(paired_methods()).and(induced_methods())
}

/// Whether this is the baseline, which fits nothing.
#[must_use]
pub fn is_baseline(method: &Choice<dyn LearnMaps>) -> bool {
    method.name() == NoAlignment::NAME
}

/// The methods as tables and results name them.
pub(crate) fn method_rows(methods: &[Choice<dyn LearnMaps>]) -> Vec<MethodRow> {
    MethodRow::of_choices(methods, |method| match is_baseline(method) {
        true => Role::Baseline,
        false => Role::Competitor,
    })
}
