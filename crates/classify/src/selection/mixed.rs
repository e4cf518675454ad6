use ndarray::{Array2, ArrayView2, Axis};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{ClassifyError, Model};

/// MixVal: whether predictions hold between target rows.
///
/// Each target row is mixed with another one, `λ·x + (1 − λ)·x'` with λ above ½, and the model is asked
/// again: it should keep the label that it gave `x`. Partners of the same predicted class probe the
/// inside of clusters, partners of another class the boundaries between them.
///
/// Hu, Liang, Liew, Xue, Bai & Wang (2023), "Mixed samples as probes for unsupervised model selection in
/// domain adaptation", NeurIPS; there candidates are ranked by both values and the mean rank decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixVal {
    /// λ, above ½ and below 1.
    pub lambda: f64,
    /// Draws the partners.
    pub seed: u64,
}

impl Default for MixVal {
    fn default() -> Self {
        Self { lambda: 0.55, seed: 0 }
    }
}

/// What MixVal finds of one candidate. Higher is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixValScores {
    /// The share of mixtures within a predicted class that keep the label; 0 where there are none.
    pub within: f64,
    /// The share of mixtures across classes that keep the label of their larger part; 0 where there are
    /// none.
    pub across: f64,
}

impl MixVal {
    /// Scores a model on adapted target rows, m × d, of which it `predicted` labels.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Setting`] for a λ out of range, [`ClassifyError::Labels`] for another number of
    /// predictions than rows, and as [`Model::predict`].
    pub fn score(
        &self,
        model: &dyn Model,
        target: ArrayView2<'_, f32>,
        predicted: &[usize],
    ) -> Result<MixValScores, ClassifyError> {
        if !(self.lambda > 0.5 && self.lambda < 1.0) {
            let expected = "above 0.5 and below 1";
            return Err(ClassifyError::Setting { setting: "lambda", value: self.lambda, expected });
        }
        let rows = target.nrows();
        if predicted.len() != rows {
            return Err(ClassifyError::Labels { rows, labels: predicted.len() });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let (within, across) =
            (self.partners(predicted, true, &mut rng), self.partners(predicted, false, &mut rng));
        let kept = |partners: &[(usize, usize)]| -> Result<f64, ClassifyError> {
            if partners.is_empty() {
                return Ok(0.0);
            }
            let large: Vec<usize> = partners.iter().map(|&(row, _)| row).collect();
            let small: Vec<usize> = partners.iter().map(|&(_, row)| row).collect();
            let lambda = self.lambda as f32;
            let mixed: Array2<f32> = target.select(Axis(0), &large) * lambda
                + target.select(Axis(0), &small) * (1.0 - lambda);
            let said = model.predict(mixed.view())?;
            let kept =
                said.iter().zip(&large).filter(|&(&label, &row)| label == predicted[row]).count();
            Ok(kept as f64 / partners.len() as f64)
        };
        Ok(MixValScores { within: kept(&within)?, across: kept(&across)? })
    }

    /// A partner for each row that has one: of its own predicted class, or of another.
    fn partners(
        &self,
        predicted: &[usize],
        same: bool,
        rng: &mut ChaCha8Rng,
    ) -> Vec<(usize, usize)> {
        let mut order: Vec<usize> = (0..predicted.len()).collect();
        order.shuffle(rng);
        let fits =
            |row: usize, other: usize| row != other && (predicted[row] == predicted[other]) == same;
        // The next fitting row in a shuffled circle: within a class, or past the end of a run of its own.
        let mut pairs = Vec::with_capacity(order.len());
        if same {
            order.sort_by_key(|&row| predicted[row]);
            for run in order.chunk_by(|&a, &b| predicted[a] == predicted[b]) {
                for (at, &row) in run.iter().enumerate() {
                    let other = run[(at + 1) % run.len()];
                    if fits(row, other) {
                        pairs.push((row, other));
                    }
                }
            }
        } else {
            let count = order.len();
            for (at, &row) in order.iter().enumerate() {
                let other = (1..count)
                    .map(|step| order[(at + step) % count])
                    .find(|&other| fits(row, other));
                pairs.extend(other.map(|other| (row, other)));
            }
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::{Classifier, NearestNeighbors};

    #[test]
    fn clusters_that_are_apart_keep_their_labels() {
        let rows =
            array![[0.0_f32, 0.0], [0.1, 0.0], [0.0, 0.1], [9.0, 9.0], [9.1, 9.0], [9.0, 9.1]];
        let labels = [0, 0, 0, 1, 1, 1];
        let model = NearestNeighbors { k: 1 }.fit(rows.view(), &labels, 2).unwrap();
        let found = MixVal::default().score(model.as_ref(), rows.view(), &labels).unwrap();
        assert_eq!(found, MixValScores { within: 1.0, across: 1.0 });
        // Labels that go against the clusters do not hold.
        let wrong =
            MixVal::default().score(model.as_ref(), rows.view(), &[0, 1, 0, 1, 0, 1]).unwrap();
        assert!(wrong.within < 1.0);
    }

    #[test]
    fn one_class_has_nothing_across() {
        let rows = array![[0.0_f32], [1.0], [2.0]];
        let model = NearestNeighbors { k: 1 }.fit(rows.view(), &[0, 0, 1], 2).unwrap();
        let found = MixVal::default()
            .score(model.as_ref(), rows.slice(ndarray::s![..2, ..]), &[0, 0])
            .unwrap();
        assert_eq!(found, MixValScores { within: 1.0, across: 0.0 });
        let lambda = MixVal { lambda: 0.5, seed: 0 };
        assert!(lambda.score(model.as_ref(), rows.view(), &[0, 0, 1]).is_err());
    }
}
