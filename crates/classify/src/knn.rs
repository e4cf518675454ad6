//! The vote of the nearest training rows.

use ndarray::{Array2, ArrayView2};
use procrust_neighbors::{Metric, top_k};

use crate::{
    Classifier, ClassifyError, Model,
    classifier::{check_rows, check_training},
};

/// k nearest neighbours by Euclidean distance, each with one vote.
///
/// Classes with equally many votes: the one whose nearest member is nearest wins. Rows at equal
/// distance: the earlier training row is nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NearestNeighbors {
    /// The number of neighbours that vote, 1 to the number of training rows.
    pub k: usize,
}

impl Default for NearestNeighbors {
    fn default() -> Self {
        Self { k: 1 }
    }
}

impl Classifier for NearestNeighbors {
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        check_training(x, y, classes)?;
        if !(1..=x.nrows()).contains(&self.k) {
            return Err(ClassifyError::Neighbors { k: self.k, rows: x.nrows() });
        }
        Ok(Box::new(Memory { rows: x.to_owned(), labels: y.to_vec(), classes, k: self.k }))
    }
}

#[derive(Debug)]
struct Memory {
    rows: Array2<f32>,
    labels: Vec<usize>,
    classes: usize,
    k: usize,
}

impl Model for Memory {
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Vec<usize>, ClassifyError> {
        check_rows(x, self.rows.ncols())?;
        if x.nrows() == 0 {
            return Ok(Vec::new());
        }
        let found = top_k(x, self.rows.view(), self.k, Metric::SquaredEuclidean)?;
        let mut votes = vec![0_usize; self.classes];
        let vote = |nearest: ndarray::ArrayView1<'_, u32>| {
            votes.fill(0);
            let labels = || nearest.iter().map(|&index| self.labels[index as usize]);
            labels().for_each(|label| votes[label] += 1);
            let most = votes.iter().copied().max().unwrap_or(0);
            labels().find(|&label| votes[label] == most).expect("k is at least 1")
        };
        Ok(found.indices.rows().into_iter().map(vote).collect())
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
