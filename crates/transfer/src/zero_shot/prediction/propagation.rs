//! Labels that spread among rows that are asked about together.

use ndarray::{Array2, Axis, concatenate};
use procrust_neighbors::{Metric, top_k};

use crate::TransferError;
use crate::checks::check_count;

/// Rounds at most; the change shrinks by α a round.
const ROUNDS: usize = 500;
/// A round that changes no share by more is the last.
const STILL: f64 = 1e-9;
/// What a row's own scores are divided by before they become shares: cosines and squared distances of
/// unit rows lie some tenths apart.
const TEMPERATURE: f64 = 0.1;

/// Label propagation over nearest neighbours.
///
/// Nodes are the rows' descriptions and the candidates, joined where one is among the `neighbors`
/// nearest of the other by cosine, the more the nearer. Each candidate starts with its own label, each
/// row with shares by its own scores; then `F ← α·S·F + (1 − α)·Y`, S the normalised weights, until it
/// stands still.
///
/// Zhou, Bousquet, Lal, Weston & Schölkopf (2004), "Learning with local and global consistency", NIPS.
/// They start rows at zero; shares by their own scores keep rows that no candidate reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Propagation {
    /// Neighbours of a node, at least 1.
    pub neighbors: usize,
    /// α, at least 0 and below 1: what neighbours weigh against a row's own scores.
    pub alpha: f64,
}

impl Default for Propagation {
    /// Ten neighbours, α = 0.9.
    fn default() -> Self {
        Self { neighbors: 10, alpha: 0.9 }
    }
}

impl Propagation {
    pub(crate) fn check(&self) -> Result<(), TransferError> {
        check_count("neighbors", self.neighbors)?;
        if (0.0..1.0).contains(&self.alpha) {
            return Ok(());
        }
        let expected = "a number of at least 0 and below 1";
        Err(TransferError::Setting { setting: "alpha", value: self.alpha, expected })
    }

    /// Shares of the candidates for each of the rows.
    pub(crate) fn spread(
        &self,
        rows: &Array2<f64>,
        candidates: &Array2<f64>,
        near: &Array2<f64>,
    ) -> Result<Array2<f64>, TransferError> {
        let (n, classes) = near.dim();
        let mut start = near.clone();
        for mut row in start.rows_mut() {
            let most = row.fold(f64::NEG_INFINITY, |most, &v| most.max(v));
            row.mapv_inplace(|v| ((v - most) / TEMPERATURE).exp());
            let sum = row.sum();
            row /= sum;
        }
        if n == 0 {
            return Ok(start);
        }
        let start = concatenate![Axis(0), start, Array2::eye(classes)];
        let nodes = concatenate![Axis(0), rows.view(), candidates.view()];
        let edges = self.edges(&nodes.mapv(|value| value as f32))?;
        let mut shares = start.clone();
        for _ in 0..ROUNDS {
            let mut next = &start * (1.0 - self.alpha);
            for (from, edges) in edges.iter().enumerate() {
                let mut row = next.row_mut(from);
                for &(to, weight) in edges {
                    row.scaled_add(self.alpha * weight, &shares.row(to));
                }
            }
            let moved = ndarray::Zip::from(&next)
                .and(&shares)
                .fold(0.0_f64, |most, next, now| most.max((next - now).abs()));
            shares = next;
            if moved <= STILL {
                break;
            }
        }
        Ok(shares.slice_move(ndarray::s![..n, ..]))
    }

    /// Of each node the nodes that it is joined with and the normalised weights, by node number.
    fn edges(&self, nodes: &Array2<f32>) -> Result<Vec<Vec<(usize, f64)>>, TransferError> {
        let count = nodes.nrows();
        let k = (self.neighbors + 1).min(count);
        let found = top_k(nodes.view(), nodes.view(), k, Metric::Cosine)?;
        let mut joined: Vec<Vec<(usize, f64)>> = vec![Vec::new(); count];
        for (from, (indices, scores)) in
            found.indices.rows().into_iter().zip(found.scores.rows()).enumerate()
        {
            for (&to, &cosine) in indices.iter().zip(scores) {
                let to = to as usize;
                // From 0 for opposite to 1 for equal directions.
                let weight = f64::midpoint(1.0, cosine).max(0.0);
                if to != from {
                    joined[from].push((to, weight));
                    joined[to].push((from, weight));
                }
            }
        }
        for edges in &mut joined {
            edges.sort_by_key(|&(to, _)| to);
            edges.dedup_by_key(|(to, _)| *to);
        }
        let degrees: Vec<f64> =
            joined.iter().map(|edges| edges.iter().map(|(_, w)| w).sum::<f64>()).collect();
        for (from, edges) in joined.iter_mut().enumerate() {
            for (to, weight) in edges.iter_mut() {
                let scale = (degrees[from] * degrees[*to]).sqrt();
                *weight = if scale > 0.0 { *weight / scale } else { 0.0 };
            }
        }
        Ok(joined)
    }
}
