//! The vote of the nearest training rows.

use ndarray::{Array2, ArrayView1, ArrayView2};
use procrust_neighbors::{Metric, top_k};

use crate::{
    Classifier, ClassifyError, Model,
    classifier::{check_rows, check_training},
};

/// k nearest neighbours by Euclidean distance, each with one vote or as many as its weight.
///
/// Classes with equally many votes: the one whose nearest member is nearest wins. Rows at equal
/// distance: the earlier training row is nearer. A row of weight 0 is no neighbour. The
/// probabilities are the classes' shares of the votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct NearestNeighbors {
    /// The number of neighbours that vote, 1 to the number of training rows.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub k: usize,
}

impl Default for NearestNeighbors {
    fn default() -> Self {
        Self { k: 1 }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(NearestNeighbors, "knn");

impl Classifier for NearestNeighbors {
    fn fit_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        let training = check_training(x, y, classes, weights)?;
        if !(1..=training.rows()).contains(&self.k) {
            return Err(ClassifyError::Neighbors { k: self.k, rows: training.rows() });
        }
        let weight = (0..training.rows()).map(|row| training.weight(row)).collect();
        let labels = training.places.iter().map(|&place| training.present[place]).collect();
        let rows = training.x.into_owned();
        Ok(Box::new(Memory { rows, labels, weight, classes, k: self.k }))
    }
}

#[derive(Debug)]
struct Memory {
    rows: Array2<f32>,
    labels: Vec<usize>,
    weight: Vec<f64>,
    classes: usize,
    k: usize,
}

impl Memory {
    /// Hands each row's votes, a class each, and its neighbours to `count`.
    fn votes<T>(
        &self,
        x: ArrayView2<'_, f32>,
        mut count: impl FnMut(&[f64], ArrayView1<'_, u32>) -> T,
    ) -> Result<Vec<T>, ClassifyError> {
        check_rows(x, self.rows.ncols())?;
        if x.nrows() == 0 {
            return Ok(Vec::new());
        }
        let found = top_k(x, self.rows.view(), self.k, Metric::SquaredEuclidean)?;
        let mut votes = vec![0.0; self.classes];
        let count = |nearest: ArrayView1<'_, u32>| {
            votes.fill(0.0);
            for &index in nearest {
                votes[self.labels[index as usize]] += self.weight[index as usize];
            }
            count(&votes, nearest)
        };
        Ok(found.indices.rows().into_iter().map(count).collect())
    }
}

impl Model for Memory {
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Vec<usize>, ClassifyError> {
        self.votes(x, |votes, nearest| {
            let most = votes.iter().copied().fold(0.0, f64::max);
            let mut labels = nearest.iter().map(|&index| self.labels[index as usize]);
            labels.find(|&label| votes[label] == most).expect("k is at least 1")
        })
    }

    fn predict_proba(&self, x: ArrayView2<'_, f32>) -> Result<Option<Array2<f64>>, ClassifyError> {
        let mut shares = Vec::with_capacity(x.nrows() * self.classes);
        self.votes(x, |votes, _| {
            let all: f64 = votes.iter().sum();
            shares.extend(votes.iter().map(|votes| votes / all));
        })?;
        let shape = (x.nrows(), self.classes);
        Ok(Some(Array2::from_shape_vec(shape, shares).expect("one share a row and class")))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_majority_wins_and_ties_go_to_the_nearest() {
        let x = array![[1.0_f32], [2.0], [2.5], [4.0]];
        let predict = |y: &[usize], k| {
            let model = NearestNeighbors { k }.fit(x.view(), y, 9).unwrap();
            model.predict(array![[0.0_f32]].view()).unwrap()[0]
        };
        assert_eq!(predict(&[7, 3, 3, 7], 1), 7);
        assert_eq!(predict(&[7, 3, 3, 7], 3), 3);
        assert_eq!(predict(&[7, 3, 3, 7], 4), 7);
        assert_eq!(predict(&[3, 7, 7, 3], 4), 3);
        // Each has one vote: not the lowest label, but the nearest row.
        assert_eq!(predict(&[8, 0, 1, 2], 4), 8);
    }

    #[test]
    fn k_is_at_most_the_training_rows() {
        let x = array![[1.0_f32], [2.0]];
        let message = |k| {
            let fitted = NearestNeighbors { k }.fit(x.view(), &[0, 1], 2);
            fitted.err().unwrap().to_string()
        };
        let expected = "neighbours are to vote: expected 1 to 2, the number of training rows";
        assert_eq!(message(3), format!("3 {expected}"));
        assert_eq!(message(0), format!("0 {expected}"));
    }
}
