//! How evenly neighbours are spread over the candidates.

use crate::Neighbors;

/// How uneven the k-occurrences `N_k` are: how often each candidate is among a query's k nearest.
///
/// Radovanović, Nanopoulos, Ivanović (2010), "Hubs in space: popular nearest neighbors in
/// high-dimensional data", JMLR 11. The Robin Hood index as a measure of hubness: Feldbauer, Leodolter,
/// Plant, Flexer (2018), "Fast approximate hubness reduction for large high-dimensional data", ICBK.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Hubness {
    /// Skewness of `N_k`, its third standardised moment (divisor n): about 0 without hubs, above 1
    /// with strong ones; 0 when all candidates occur equally often.
    pub skewness: f64,
    /// Share of candidates that are nobody's neighbour, 0 to 1.
    pub anti_hubs: f64,
    /// Robin Hood index (Hoover index) of `N_k`, half its relative mean deviation: the share of all
    /// occurrences that would have to move for the candidates to occur equally often, 0 to 1.
    pub robin_hood: f64,
    /// The largest `N_k`: in how many queries' lists the greatest hub stands.
    pub largest: usize,
}

/// Measures hubness over all `candidates` rows, those that were never found included.
///
/// # Panics
///
/// When `neighbors` names a row that `candidates` does not have.
#[must_use]
pub fn hubness(neighbors: &Neighbors, candidates: usize) -> Hubness {
    let mut occurrences = vec![0_usize; candidates];
    for &index in &neighbors.indices {
        assert!((index as usize) < candidates, "neighbour {index} of {candidates} candidates");
        occurrences[index as usize] += 1;
    }
    let n = candidates.max(1) as f64;
    let mean = neighbors.indices.len() as f64 / n;
    let moment =
        |power| occurrences.iter().map(|&count| (count as f64 - mean).powi(power)).sum::<f64>() / n;
    let variance = moment(2);
    let deviations: f64 = occurrences.iter().map(|&count| (count as f64 - mean).abs()).sum();
    let found = neighbors.indices.len() as f64;
    Hubness {
        skewness: if variance > 0.0 { moment(3) / variance.powf(1.5) } else { 0.0 },
        anti_hubs: occurrences.iter().filter(|&&count| count == 0).count() as f64 / n,
        robin_hood: if found > 0.0 { deviations / (2.0 * found) } else { 0.0 },
        largest: occurrences.iter().copied().max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    fn found(indices: Array2<u32>) -> Neighbors {
        Neighbors { scores: Array2::zeros(indices.dim()), indices }
    }

    #[test]
    fn one_hub_by_hand() {
        // N_1 = 4, 0, 0, 0: mean 1, variance 3, third moment (27 − 3)/4 = 6.
        let measured = hubness(&found(array![[0], [0], [0], [0]]), 4);
        assert!((measured.skewness - 6.0 / 3.0_f64.powf(1.5)).abs() < 1e-15);
        // Three of the four occurrences belong elsewhere.
        assert_eq!((measured.anti_hubs, measured.robin_hood, measured.largest), (0.75, 0.75, 4));
    }

    #[test]
    fn even_occurrences_have_no_skew() {
        let measured = hubness(&found(array![[0, 1], [1, 0]]), 2);
        assert_eq!(
            measured,
            Hubness { skewness: 0.0, anti_hubs: 0.0, robin_hood: 0.0, largest: 2 }
        );
    }

    #[test]
    #[should_panic(expected = "neighbour 2 of 2 candidates")]
    fn a_row_that_is_not_there_panics() {
        let _ = hubness(&found(array![[2]]), 2);
    }
}
