//! The rounds of JDA and BDA: pseudo-labels, then components that bring classes together.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::adaptation::components::{Problem, check_mu};
use crate::adaptation::features::{Features, finish};
use crate::adaptation::labels::{ask, check_labels, most_probable};
use crate::checks::check_components;
use crate::logistic::a_distance;
use crate::{Adaptation, AlignError, Hints, Kernel, Warning};

/// How [`Bda`](crate::Bda) weighs classes against domains.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Balance {
    /// β from 0 to 1.
    Fixed(f64),
    /// `β = 1 − d / (d + Σ d_c)`, every round anew. `d` is the proxy A-distance between the adapted
    /// domains (`2·(1 − 2ε)`, ε the two-fold error of a ridge-logistic classifier that tells them
    /// apart), `d_c` that between a class's source rows and the target rows with its pseudo-label.
    /// All of them 0: ½.
    ///
    /// Wang, Feng, Chen, Yu, Huang & Yu (2018), "Visual domain adaptation with manifold embedded
    /// distribution alignment", ACM Multimedia, doi:10.1145/3240508.3240512, where the distances
    /// are those of the original rows.
    #[default]
    Estimated,
}

/// The settings of both methods.
pub(super) struct Rounds {
    /// The method, in errors.
    pub(super) method: &'static str,
    pub(super) components: usize,
    pub(super) mu: f64,
    pub(super) kernel: Option<Kernel>,
    pub(super) landmarks: Option<usize>,
    pub(super) iterations: usize,
    /// The weight of classes against domains; both count 1 if there is none.
    pub(super) balance: Option<Balance>,
}

impl Rounds {
    pub(super) fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        hints: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        check_components(Some(self.components))?;
        check_mu(self.mu)?;
        if self.iterations == 0 {
            let expected = "at least 1";
            return Err(AlignError::Setting { name: "iterations", value: 0.0, expected });
        }
        let (labels, classes) = check_labels(self.method, hints.labels, source.nrows())?;
        let features =
            Features::of(self.method, self.kernel, self.landmarks, source, target, hints.seed)?;

        let mut pseudo = vec![None; target.nrows()];
        let mut solution = self.solve(&features, labels, &pseudo, classes, (1.0, 1.0))?;
        let (mut round, mut changed) = (0, 1.0);
        let mut beta = 0.5;
        while round < self.iterations {
            let adapted = finish(&features, &solution, source, target)?;
            let (from, to) = (adapted.source(), adapted.target());
            let found = most_probable(&ask(hints.labeller, from, labels, classes, to)?);
            let different = found.iter().zip(&pseudo).filter(|(a, b)| a != b).count();
            changed = different as f64 / found.len() as f64;
            if different == 0 {
                break;
            }
            pseudo = found;
            round += 1;
            let weights = match self.balance {
                None => (1.0, 1.0),
                Some(Balance::Fixed(value)) => (1.0 - value, value),
                Some(Balance::Estimated) => {
                    beta = estimate(from, labels, to, &pseudo, classes);
                    (1.0 - beta, beta)
                }
            };
            solution = self.solve(&features, labels, &pseudo, classes, weights)?;
        }
        let stopped = (changed > 0.0 && round == self.iterations && self.iterations > 1)
            .then_some(Warning::NotConverged { iterations: round });
        let mut adaptation = finish(&features, &solution, source, target)?
            .with_diagnostic("iterations", round as f64)
            .with_diagnostic("changed", changed)
            .with_warnings(stopped);
        if let Some(balance) = self.balance {
            let value = if let Balance::Fixed(value) = balance { value } else { beta };
            adaptation = adaptation.with_diagnostic("balance", value);
        }
        Ok(adaptation)
    }

    /// One round: the problem with these pseudo-labels, the terms weighed.
    fn solve(
        &self,
        features: &Features,
        labels: &[usize],
        pseudo: &[Option<usize>],
        classes: usize,
        (of_domains, of_classes): (f64, f64),
    ) -> Result<Array2<f64>, AlignError> {
        let gaps = class_gaps(features, labels, pseudo, classes, of_domains, of_classes);
        let problem = Problem { scatter: features.scatter.clone(), gaps };
        problem.solve(self.components, self.mu)
    }
}

/// `FᵀE`, m × r, for `E·Eᵀ` the weighed sum of the domains' and the classes' terms at unit norm.
fn class_gaps(
    features: &Features,
    labels: &[usize],
    pseudo: &[Option<usize>],
    classes: usize,
    of_domains: f64,
    of_classes: f64,
) -> Array2<f64> {
    // Groups: the source's classes, the target's, and the target rows that have none.
    let of_source = labels.iter().map(|&label| Some(label));
    let of_target = pseudo.iter().map(|label| Some(classes + label.unwrap_or(classes)));
    let (sums, sizes) = features.sums(of_source.chain(of_target), 2 * classes + 1);
    let source_rows = features.source_rows() as f64;
    let target_rows = pseudo.len() as f64;

    let sum = |from: usize, to: usize| -> Array1<f64> {
        sums.slice(ndarray::s![from..to, ..]).sum_axis(Axis(0))
    };
    let gap = sum(0, classes) / source_rows - sum(classes, 2 * classes + 1) / target_rows;
    let mut columns = vec![gap * of_domains.sqrt()];
    // EᵀE: what the columns of E have in common.
    let both = source_rows.recip() + target_rows.recip();
    let mut inner = vec![of_domains * both];
    let mut across = Vec::new();
    for class in 0..classes {
        let (n, m) = (sizes[class], sizes[classes + class]);
        if n > 0.0 && m > 0.0 && of_classes > 0.0 {
            let gap = &sums.row(class) / n - &sums.row(classes + class) / m;
            columns.push(gap * of_classes.sqrt());
            inner.push(of_classes * (n.recip() + m.recip()));
            across.push((of_domains * of_classes).sqrt() * both);
        }
    }
    let square =
        inner.iter().map(|v| v * v).sum::<f64>() + 2.0 * across.iter().map(|v| v * v).sum::<f64>();
    // ‖E·Eᵀ‖ = ‖EᵀE‖. It is zero if β = 1 and no class is on both sides: then there is no term.
    let norm = if square > 0.0 { square.sqrt() } else { 1.0 };
    let columns: Vec<_> = columns.iter().map(|column| column / norm.sqrt()).collect();
    let views: Vec<_> = columns.iter().map(Array1::view).collect();
    ndarray::stack(Axis(1), &views).expect("the columns have one length")
}

/// β from the A-distances.
fn estimate(
    source: ArrayView2<'_, f32>,
    labels: &[usize],
    target: ArrayView2<'_, f32>,
    pseudo: &[Option<usize>],
    classes: usize,
) -> f64 {
    let (source, target) = (source.mapv(f64::from), target.mapv(f64::from));
    let of_domains = a_distance(&source, &target);
    let mut of_classes = 0.0;
    for class in 0..classes {
        let numbers: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == class).collect();
        let others: Vec<usize> = (0..pseudo.len()).filter(|&i| pseudo[i] == Some(class)).collect();
        of_classes +=
            a_distance(&source.select(Axis(0), &numbers), &target.select(Axis(0), &others));
    }
    let sum = of_domains + of_classes;
    if sum > 0.0 { 1.0 - of_domains / sum } else { 0.5 }
}

#[cfg(feature = "settings")]
crate::declared::number_or_word!(
    Balance,
    Fixed,
    Estimated = "estimated",
    { "type": "number", "minimum": 0.0, "maximum": 1.0 }
);
