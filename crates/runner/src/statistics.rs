//! Means over seeds and differences between methods.

use procrust_classify::statistics::{self, Estimate};

use crate::{Finding, Outcome};

/// The mean of a finding's items over seeds, with its interval; of findings without items, or that
/// tested other items with other seeds, the mean of their own intervals.
#[must_use]
pub fn estimate(findings: &[&Finding]) -> Option<Estimate> {
    if findings.iter().any(|finding| finding.items.is_empty()) {
        let own = |finding: &&Finding| match finding.outcome {
            Outcome::Measured { value, low, high, .. } => {
                Some(statistics::Estimate { value, half_width: (high - low) / 2.0 })
            }
            Outcome::Failed { .. } => None,
        };
        let own: Option<Vec<_>> = findings.iter().map(own).collect();
        return own.map(|own| statistics::combine_seeds(&own));
    }
    let items: Vec<Vec<f64>> = findings.iter().map(|finding| widened(finding)).collect();
    if items.is_empty() {
        return None;
    }
    if items.iter().flatten().any(|item| item.is_nan()) {
        let tested = |seed: &Vec<f64>| seed.iter().copied().filter(|item| !item.is_nan()).collect();
        let of_seed = |seed: &Vec<f64>| statistics::mean_over_seeds(&[tested(seed)]);
        return Some(statistics::combine_seeds(&items.iter().map(of_seed).collect::<Vec<_>>()));
    }
    Some(statistics::mean_over_seeds(&items))
}

/// The mean difference of two methods' items over seeds, with its interval. With one seed both tested
/// the same items.
#[must_use]
pub fn difference(a: &[&Finding], b: &[&Finding]) -> Option<Estimate> {
    let of = |findings: &[&Finding]| findings.iter().map(|f| widened(f)).collect::<Vec<_>>();
    let (a, b) = (of(a), of(b));
    let measured = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.len() == b.len());
    if !measured || a.first().is_none_or(Vec::is_empty) {
        return None;
    }
    if a.iter().flatten().any(|item| item.is_nan()) {
        let of_seed = |(a, b): (&Vec<f64>, &Vec<f64>)| {
            let both = a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan());
            let (a, b): (Vec<f64>, Vec<f64>) = both.map(|(a, b)| (*a, *b)).unzip();
            statistics::paired_difference(&[a], &[b])
        };
        let seeds: Vec<_> = a.iter().zip(&b).map(of_seed).collect();
        return Some(statistics::combine_seeds(&seeds));
    }
    Some(statistics::paired_difference(&a, &b))
}

fn widened(finding: &Finding) -> Vec<f64> {
    finding.items.iter().copied().map(f64::from).collect()
}
