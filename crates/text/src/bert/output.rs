//! Linear scores of an encoder's rows: what a classifier and marks of start and end have in common.

use std::path::Path;

use ndarray::{Array1, Array2};
use rand_chacha::ChaCha8Rng;

use super::{training::normal, weights::Tensors};
use crate::TextError;

/// Weights and intercepts, learned with the encoder.
#[derive(Debug, Clone)]
pub(super) struct Output {
    /// columns × outputs.
    pub(super) weight: Array2<f32>,
    pub(super) bias: Array1<f32>,
}

impl Output {
    /// Small random weights, no intercepts.
    pub(super) fn random(columns: usize, outputs: usize, rng: &mut ChaCha8Rng) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "weights are f32")]
        let weight = || (0.02 * normal(rng)) as f32;
        let weight = Array2::from_shape_simple_fn((columns, outputs), weight);
        Self { weight, bias: Array1::zeros(outputs) }
    }

    /// The weights, which decay, and the intercepts, which do not.
    pub(super) fn tensors(&mut self) -> Vec<(&mut [f32], bool)> {
        let weight = self.weight.as_slice_mut().expect("it was made in standard order");
        let bias = self.bias.as_slice_mut().expect("it was made in one piece");
        vec![(weight, true), (bias, false)]
    }

    pub(super) fn lengths(&self) -> Vec<usize> {
        vec![self.weight.len(), self.bias.len()]
    }

    /// Writes `weight`, outputs × columns, and `bias`.
    pub(super) fn save(&self, file: &Path) -> Result<(), TextError> {
        Tensors::of_head(&self.weight, &self.bias).write(file)
    }

    /// What was saved for so many columns, and so many outputs if that is known.
    pub(super) fn open(
        file: &Path,
        columns: usize,
        outputs: Option<usize>,
    ) -> Result<Self, TextError> {
        let (weight, bias) = Tensors::open(file)?.head(columns, outputs)?;
        Ok(Self { weight, bias })
    }
}
