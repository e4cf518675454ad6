//! Runs plans of kind `ranking`.

use ndarray::{Array2, Axis};
use procrust_classify::statistics::{self, Interval};
use procrust_transfer::{
    BiasedLogistic, BiasedRidge, CovarianceShrinkage, FisherSubspace, TransferError, h_score, leep,
    log_me, nce, trans_rate,
};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use procrust_runner::{Finding, Outcome};

use crate::{
    adaptation::domains::{Domain, Domains},
    ranking::plan::{RankingMethod, RankingPlan},
    shared::data_error::{TransferDataError, failed, finding, mean_of},
};

/// What each run measures.
const METRICS: [&str; 3] = ["spearman", "kendall", "accuracy"];
/// Rows of a target that are tested at most.
const TESTED: usize = 1000;

/// Target tasks, and what each of their sources gives.
#[derive(Debug, Clone)]
pub struct RankingTasks {
    /// What a reader of the results should know.
    pub notes: Vec<String>,
    domains: Domains,
}

/// One source for one target.
struct Source {
    /// Labelled rows of the target in the source's subspace.
    features: Array2<f32>,
    /// The source model's probabilities of its own classes for the same rows.
    probabilities: Array2<f64>,
    /// Which tested rows were right, with a model in this subspace.
    right: Vec<bool>,
}

impl Source {
    fn accuracy(&self) -> f64 {
        self.right.iter().filter(|&&right| right).count() as f64 / self.right.len() as f64
    }
}

impl RankingTasks {
    /// Reads and prepares the rows; `most` keeps the first of each domain.
    ///
    /// # Errors
    ///
    /// A [`TransferDataError`] that names the file, the class or the place in the plan.
    pub fn load(plan: &RankingPlan, most: Option<usize>) -> Result<Self, TransferDataError> {
        let mut domains = Domains::load(&plan.data, most)?;
        let notes = std::mem::take(&mut domains.notes);
        let largest = plan.source_classes.max(2) + plan.target_classes;
        if domains.classes.len() < largest {
            let message = format!(
                "[task]: {} classes a target and up to {} a source, but there are {} classes",
                plan.target_classes,
                plan.source_classes,
                domains.classes.len()
            );
            return Err(plan.place.error(message).into());
        }
        Ok(Self { notes, domains })
    }

    /// The sources of a target task, as the seed draws them, and the target's labels.
    fn sources(
        &self,
        plan: &RankingPlan,
        task: usize,
        seed: u64,
    ) -> Result<(Vec<Source>, Vec<usize>), TransferError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(task as u64);
        let target = &self.domains.domains[task % self.domains.domains.len()];
        let mut classes: Vec<usize> = (0..self.domains.classes.len()).collect();
        classes.shuffle(&mut rng);
        let (new, others) = classes.split_at(plan.target_classes);
        let (train, test) = draw(target, new, plan.shots, &mut rng);
        let label = |row: &usize| {
            new.iter().position(|&class| class == target.labels[*row]).expect("rows are of these")
        };
        let (labels, truth): (Vec<usize>, Vec<usize>) =
            (train.iter().map(label).collect(), test.iter().map(label).collect());
        let (x, tested) = (target.rows.select(Axis(0), &train), target.rows.select(Axis(0), &test));
        // What each source is made of, drawn in order.
        let drawn: Vec<(usize, Vec<usize>, Vec<usize>)> = (0..plan.sources)
            .map(|_| {
                let domain = rng.random_range(0..self.domains.domains.len());
                let most = plan.source_classes.min(others.len());
                let count = rng.random_range(2..=most);
                let mut some = others.to_vec();
                some.shuffle(&mut rng);
                some.truncate(count);
                let (rows, _) =
                    draw(&self.domains.domains[domain], &some, plan.source_rows, &mut rng);
                (domain, some, rows)
            })
            .collect();
        let source = |(domain, some, rows): &(usize, Vec<usize>, Vec<usize>)| {
            let domain = &self.domains.domains[*domain];
            let base = domain.rows.select(Axis(0), rows);
            let number = |row: &usize| some.iter().position(|&c| c == domain.labels[*row]);
            let of_base: Vec<usize> = rows.iter().filter_map(number).collect();
            let map = FisherSubspace::default().fit(base.view(), &of_base, some.len())?;
            let features = map.apply(x.view())?;
            let model = BiasedLogistic::default();
            let model = model.fit(map.apply(base.view())?.view(), &of_base, some.len(), None)?;
            let probabilities = model.probabilities(features.view())?;
            let reached =
                BiasedRidge::default().fit(features.view(), &labels, plan.target_classes, None)?;
            let found = reached.predict(map.apply(tested.view())?.view())?;
            let right = found.iter().zip(&truth).map(|(a, b)| a == b).collect();
            Ok(Source { features, probabilities, right })
        };
        let all: Vec<Result<Source, TransferError>> = drawn.par_iter().map(source).collect();
        Ok((all.into_iter().collect::<Result<_, _>>()?, labels))
    }
}

/// So many rows of each of these classes, and at most [`TESTED`] of the others of these classes.
fn draw(
    domain: &Domain,
    classes: &[usize],
    each: usize,
    rng: &mut ChaCha8Rng,
) -> (Vec<usize>, Vec<usize>) {
    let mut rows: Vec<usize> =
        (0..domain.labels.len()).filter(|&row| classes.contains(&domain.labels[row])).collect();
    rows.shuffle(rng);
    let mut left: Vec<(usize, usize)> = classes.iter().map(|&class| (class, each)).collect();
    let (mut train, mut rest) = (Vec::new(), Vec::new());
    for row in rows {
        let left = left.iter_mut().find(|(class, _)| *class == domain.labels[row]);
        match left {
            Some((_, left)) if *left > 0 => {
                *left -= 1;
                train.push(row);
            }
            _ => rest.push(row),
        }
    }
    rest.truncate(TESTED);
    (train, rest)
}

/// One run: a way to choose on one target.
#[must_use]
pub fn run(
    plan: &RankingPlan,
    data: &RankingTasks,
    task: usize,
    method: usize,
    seed: u64,
) -> Vec<Finding> {
    match measure(plan, data, task, plan.methods[method], seed) {
        Ok(findings) => findings,
        Err(error) => failed(&METRICS, &error),
    }
}

fn measure(
    plan: &RankingPlan,
    data: &RankingTasks,
    task: usize,
    method: RankingMethod,
    seed: u64,
) -> Result<Vec<Finding>, TransferError> {
    let (sources, labels) = data.sources(plan, task, seed)?;
    let classes = plan.target_classes;
    let reached: Vec<f64> = sources.iter().map(Source::accuracy).collect();
    let score = |source: &Source| match method {
        RankingMethod::Leep => leep(source.probabilities.view(), &labels, classes),
        RankingMethod::Nce => {
            let rows = source.probabilities.rows();
            let best = |row: ndarray::ArrayView1<'_, f64>| {
                (0..row.len()).fold(0, |best, z| if row[z] > row[best] { z } else { best })
            };
            let predicted: Vec<usize> = rows.into_iter().map(best).collect();
            nce(&predicted, source.probabilities.ncols(), &labels, classes)
        }
        RankingMethod::LogMe => log_me(source.features.view(), &labels, classes),
        RankingMethod::HScore => {
            let shrinkage = CovarianceShrinkage::LedoitWolf;
            Ok(h_score(source.features.view(), &labels, classes, shrinkage)?.0)
        }
        RankingMethod::TransRate { epsilon } => {
            trans_rate(source.features.view(), &labels, classes, epsilon)
        }
        RankingMethod::TargetTrained => Ok(source.accuracy()),
        RankingMethod::Random => Ok(0.0),
    };
    let scores = sources.iter().map(score).collect::<Result<Vec<f64>, TransferError>>()?;
    let correlation = |metric: &str, found: Interval| {
        // Equal scores order nothing.
        let value = if found.value.is_nan() { 0.0 } else { found.value };
        finding(metric, Outcome::measured(Interval { value, ..found }, sources.len()))
    };
    let tested = sources[0].right.len();
    let hits: Vec<f64> = match method {
        RankingMethod::Random => (0..tested)
            .map(|row| {
                let right = sources.iter().filter(|source| source.right[row]).count();
                right as f64 / sources.len() as f64
            })
            .collect(),
        _ => {
            let best = (0..scores.len())
                .fold(0, |best, s| if scores[s] > scores[best] { s } else { best });
            sources[best].right.iter().map(|&right| f64::from(u8::from(right))).collect()
        }
    };
    Ok(vec![
        correlation("spearman", statistics::spearman(&scores, &reached)),
        correlation("kendall", kendall(&scores, &reached)),
        mean_of("accuracy", &hits),
    ])
}

/// Kendall's τ_b with an approximate interval for other items: Fisher's z ± 1.96 · √(0.437 / (n − 4)),
/// Bonett & Wright (2000), doi:10.1007/BF02294183. NaN where one side is constant; below five items the
/// interval is −1 to 1.
fn kendall(a: &[f64], b: &[f64]) -> Interval {
    let (mut agree, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for i in 0..a.len() {
        for j in 0..i {
            let sign = |x: f64, y: f64| if x == y { 0.0 } else { (x - y).signum() };
            let (in_a, in_b) = (sign(a[i], a[j]), sign(b[i], b[j]));
            agree += in_a * in_b;
            of_a += in_a * in_a;
            of_b += in_b * in_b;
        }
    }
    let value: f64 = agree / f64::sqrt(of_a * of_b);
    if value.is_nan() || a.len() < 5 {
        return Interval { value, low: -1.0, high: 1.0 };
    }
    let reach = 1.96 * (0.437 / (a.len() as f64 - 4.0)).sqrt();
    let z = value.atanh();
    Interval { value, low: (z - reach).tanh(), high: (z + reach).tanh() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.kendalltau gives 0.5239581 for these (SciPy 1.17.1), ties among them.
    #[test]
    fn kendall_is_scipys() {
        let a = [1.0, 2.0, 2.0, 4.0, 5.5, 6.0, 7.0, 7.0, 7.0, 10.0];
        let b = [2.0, 1.0, 4.0, 3.0, 7.0, 5.0, 6.0, 6.0, 2.0, 9.0];
        let found = kendall(&a, &b);
        assert!((found.value - 0.5239581).abs() < 1e-7, "{found:?}");
        assert!(found.low < found.value && found.value < found.high && found.high < 1.0);
        assert!(kendall(&a, &[1.0; 10]).value.is_nan());
        assert_eq!(kendall(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, 2.0, 3.0, 4.0, 9.0]).value, 1.0);
    }
}
