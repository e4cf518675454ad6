//! Runs plans of kind `zero-shot`.

use std::{collections::BTreeSet, time::Instant};

use ndarray::{Array2, ArrayView2, Axis};
use procrust_align::prepare_rows;
use procrust_datasets::{TableOptions, read_matrix, read_table};
use procrust_transfer::{
    Aware, CoupledDictionaries, Descriptions, Eszsl, HeldOutClasses, Nearness, Prediction,
    Propagation, RidgeFromDescriptions, RidgeToDescriptions, SeenUnseenCurve, SparseCoding,
    TransferError, ZeroShot, per_class_accuracy,
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use procrust_runner::{Finding, Outcome};

use crate::{
    adaptation::domains::Domains,
    shared::{
        class_words,
        data_error::{TransferDataError, failed, finding, mean_of},
        space::Space,
    },
    zero_shot::plan::{
        BenchmarkPlan, ClassDescriptions, ClassesPlan, Unseen, ZeroShotMethod, ZeroShotPlan,
        ZeroShotSource,
    },
};

/// What each run measures.
const METRICS: [&str; 4] = ["accuracy", "seen", "unseen", "harmonic"];
/// Every so many rows of a trained class are kept for its test.
const TESTED: usize = 5;
/// λ that ridge regressions choose from.
const LAMBDAS: [f64; 8] = [1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4];
/// Penalties that coupled dictionaries choose from.
const PENALTIES: [f64; 3] = [0.01, 0.05, 0.2];

/// Rows, classes and their descriptions.
#[derive(Debug, Clone)]
pub struct Classes {
    /// One row an item.
    pub rows: Array2<f32>,
    /// Each row's class.
    pub labels: Vec<usize>,
    /// What the classes are called.
    pub names: Vec<String>,
    /// One row a class.
    pub descriptions: Array2<f32>,
    /// What a reader of the results should know.
    pub notes: Vec<String>,
    /// The split, where the data have one.
    split: Option<Split>,
}

/// What is trained on, and what is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Split {
    /// The classes that are not trained on, ascending.
    unseen: Vec<usize>,
    train: Vec<usize>,
    /// Rows of trained classes that were not trained on.
    seen_test: Vec<usize>,
    unseen_test: Vec<usize>,
}

impl Classes {
    /// Reads and prepares rows and descriptions; `most` keeps the first rows.
    ///
    /// # Errors
    ///
    /// A [`TransferDataError`] that names the file, the class or the place in the plan.
    pub fn load(plan: &ZeroShotPlan, most: Option<usize>) -> Result<Self, TransferDataError> {
        match &plan.source {
            ZeroShotSource::Classes(plan) => Self::of_classes(plan, most),
            ZeroShotSource::Benchmark(plan) => Self::of_benchmark(plan),
        }
    }

    fn of_classes(plan: &ClassesPlan, most: Option<usize>) -> Result<Self, TransferDataError> {
        let Domains { mut domains, classes, mut notes, .. } = Domains::load(&plan.data, most)?;
        let mut domain = domains.remove(0);
        if let Some(most) = plan.most_rows {
            let mut met = vec![0; classes.len()];
            let few: Vec<usize> = (0..domain.labels.len())
                .filter(|&row| {
                    let met = &mut met[domain.labels[row]];
                    *met += 1;
                    *met <= most
                })
                .collect();
            domain.labels = few.iter().map(|&row| domain.labels[row]).collect();
            domain.rows = domain.rows.select(Axis(0), &few);
        }
        let names = match &plan.names {
            None => classes,
            Some(names) if names.len() == classes.len() => names.clone(),
            Some(names) => {
                let message = format!(
                    "[classes] names: {} names for the {} classes {}",
                    names.len(),
                    classes.len(),
                    classes.join(", ")
                );
                return Err(plan.place.error(message).into());
            }
        };
        let descriptions = match &plan.descriptions {
            ClassDescriptions::Words(words) => {
                class_words::describe(&names, &Space::load(words, None)?)?
            }
            ClassDescriptions::Attributes(file) => {
                let table = read_table(file, &TableOptions::default())?;
                let labels = table.labels.ok_or_else(|| TransferDataError::Benchmark {
                    file: file.clone(),
                    problem: "expected a column of class names beside the attributes".into(),
                })?;
                Descriptions::new(labels, table.features)?
            }
        };
        let mut descriptions = descriptions.of_exactly(&names)?;
        prepare_rows(&mut descriptions, &plan.rows);
        let (classes, dim) = descriptions.dim();
        let (seen, splits, drawn) = match &plan.unseen {
            Unseen::Named(named) => {
                if let Some(unknown) = named.iter().find(|name| !names.contains(name)) {
                    let message = format!(
                        "[classes] unseen: `{unknown}` is none of the classes {}",
                        names.join(", ")
                    );
                    return Err(plan.place.error(message).into());
                }
                (classes - named.len(), 1, named.len())
            }
            Unseen::Drawn { classes: drawn, splits } => {
                (classes.saturating_sub(*drawn), *splits, *drawn)
            }
        };
        if seen < 4 {
            let message = format!(
                "[classes]: {drawn} of {classes} classes are not trained on, which leaves {seen}; \
                 expected at least 4"
            );
            return Err(plan.place.error(message).into());
        }
        notes.push(format!(
            "{}: {} rows × {}, {classes} classes ({}), described by {dim} numbers each",
            domain.name,
            domain.rows.nrows(),
            domain.rows.ncols(),
            names.join(", ")
        ));
        notes.push(format!(
            "{splits} splits, each without {drawn} classes; accuracy is among these (chance {:.1} \
             %), seen, unseen and harmonic among all (chance {:.1} %)",
            100.0 / drawn as f64,
            100.0 / classes as f64
        ));
        Ok(Self {
            rows: domain.rows,
            labels: domain.labels,
            names,
            descriptions,
            notes,
            split: None,
        })
    }

    /// The files of Xian et al. (2019): `features` (d × n) and `labels` in the one, `att` (a × classes)
    /// and row numbers from 1 in the other.
    fn of_benchmark(plan: &BenchmarkPlan) -> Result<Self, TransferDataError> {
        let rows = read_matrix(&plan.features, "features")?.reversed_axes();
        let rows = rows.as_standard_layout().into_owned();
        let broken = |file: &std::path::PathBuf, problem: String| TransferDataError::Benchmark {
            file: file.clone(),
            problem,
        };
        let whole = |file, name: &str, most: usize| -> Result<Vec<usize>, TransferDataError> {
            let values = read_matrix(file, name)?;
            let number = |&value: &f32| {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "checked"
                )]
                let whole = value as usize;
                if value.fract() == 0.0 && value >= 1.0 && whole <= most {
                    return Ok(whole - 1);
                }
                let problem =
                    format!("`{name}` holds {value}: expected whole numbers, 1 to {most}");
                Err(broken(file, problem))
            };
            values.iter().map(number).collect()
        };
        let descriptions = read_matrix(&plan.splits, "att")?.reversed_axes();
        let descriptions = descriptions.as_standard_layout().into_owned();
        let labels = whole(&plan.features, "labels", descriptions.nrows())?;
        if labels.len() != rows.nrows() {
            let problem = format!("{} rows of features but {} labels", rows.nrows(), labels.len());
            return Err(broken(&plan.features, problem));
        }
        let of = |name| whole(&plan.splits, name, rows.nrows());
        let (train, seen_test) = (of("trainval_loc")?, of("test_seen_loc")?);
        let unseen_test = of("test_unseen_loc")?;
        let classes_of =
            |rows: &[usize]| rows.iter().map(|&row| labels[row]).collect::<BTreeSet<usize>>();
        let (trained, unseen) = (classes_of(&train), classes_of(&unseen_test));
        if let Some(both) = trained.intersection(&unseen).next() {
            let problem = format!("class {} is both trained on and unseen", both + 1);
            return Err(broken(&plan.splits, problem));
        }
        let notes = vec![format!(
            "{} rows × {}, {} classes, {} of them not trained on; {} attributes",
            rows.nrows(),
            rows.ncols(),
            descriptions.nrows(),
            unseen.len(),
            descriptions.ncols()
        )];
        let unseen = unseen.into_iter().collect();
        Ok(Self {
            names: (1..=descriptions.nrows()).map(|class| class.to_string()).collect(),
            rows,
            labels,
            descriptions,
            notes,
            split: Some(Split { unseen, train, seen_test, unseen_test }),
        })
    }

    /// The splits of a run.
    fn splits(&self, plan: &ZeroShotPlan, seed: u64) -> Vec<Split> {
        let ZeroShotSource::Classes(plan) = &plan.source else {
            return self.split.clone().into_iter().collect();
        };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        match &plan.unseen {
            Unseen::Named(named) => {
                let place = |name: &String| self.names.iter().position(|known| known == name);
                let mut unseen: Vec<usize> = named.iter().filter_map(place).collect();
                unseen.sort_unstable();
                vec![self.split(unseen, &mut rng)]
            }
            Unseen::Drawn { classes, splits } => {
                let mut drawn: BTreeSet<Vec<usize>> = BTreeSet::new();
                let mut all = Vec::new();
                // Ten classes have 45 pairs: draws that came already are drawn again, for a while.
                for _ in 0..20 * splits {
                    let mut order: Vec<usize> = (0..self.names.len()).collect();
                    order.shuffle(&mut rng);
                    order.truncate(*classes);
                    order.sort_unstable();
                    if drawn.insert(order.clone()) {
                        all.push(self.split(order, &mut rng));
                    }
                    if all.len() == *splits {
                        break;
                    }
                }
                all
            }
        }
    }

    fn split(&self, unseen: Vec<usize>, rng: &mut ChaCha8Rng) -> Split {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        order.shuffle(rng);
        let mut met = vec![0_usize; self.names.len()];
        let (mut train, mut seen_test, mut unseen_test) = (Vec::new(), Vec::new(), Vec::new());
        for row in order {
            let label = self.labels[row];
            met[label] += 1;
            if unseen.binary_search(&label).is_ok() {
                unseen_test.push(row);
            } else if met[label].is_multiple_of(TESTED) {
                seen_test.push(row);
            } else {
                train.push(row);
            }
        }
        for rows in [&mut train, &mut seen_test, &mut unseen_test] {
            rows.sort_unstable();
        }
        Split { unseen, train, seen_test, unseen_test }
    }
}

/// What one split shows.
struct Shown {
    /// The share of right answers of each unseen class.
    accuracy: Vec<f64>,
    seen: f64,
    unseen: f64,
    harmonic: f64,
    seconds: f64,
    warnings: Vec<String>,
    chosen: String,
}

/// One run: a method on all splits that the seed draws.
#[must_use]
pub fn run(plan: &ZeroShotPlan, data: &Classes, method: usize, seed: u64) -> Vec<Finding> {
    let method = &plan.methods[method];
    let splits = data.splits(plan, seed);
    let held_out = HeldOutClasses { folds: plan.folds, seed };
    let mut all = Vec::with_capacity(splits.len());
    for split in &splits {
        match show(method, data, split, &held_out) {
            Ok(shown) => all.push(shown),
            Err(error) => return failed(&METRICS, &error),
        }
    }
    let per_class: Vec<f64> = all.iter().flat_map(|shown| shown.accuracy.clone()).collect();
    let of = |value: fn(&Shown) -> f64| all.iter().map(value).collect::<Vec<f64>>();
    let mut findings = vec![
        mean_of("accuracy", &per_class),
        over_splits("seen", &of(|shown| shown.seen)),
        over_splits("unseen", &of(|shown| shown.unseen)),
        over_splits("harmonic", &of(|shown| shown.harmonic)),
    ];
    let first = &mut findings[0];
    if !matches!(method, ZeroShotMethod::Chance) {
        first.fit_seconds = Some(all.iter().map(|shown| shown.seconds).sum());
    }
    let mut chosen: Vec<(String, usize)> = Vec::new();
    for shown in all {
        for warning in shown.warnings {
            if !first.warnings.contains(&warning) {
                first.warnings.push(warning);
            }
        }
        if !shown.chosen.is_empty() {
            match chosen.iter_mut().find(|(known, _)| *known == shown.chosen) {
                Some((_, times)) => *times += 1,
                None => chosen.push((shown.chosen, 1)),
            }
        }
    }
    if !chosen.is_empty() {
        let told: Vec<String> =
            chosen.into_iter().map(|(what, times)| format!("{what} ({times}×)")).collect();
        first.remarks.push(format!("chose {}", told.join("; ")));
    }
    findings
}

/// Of one split the value alone: there is nothing to tell how far another one would be off.
fn over_splits(metric: &str, values: &[f64]) -> Finding {
    match values {
        [value] => {
            let interval =
                procrust_classify::statistics::Interval { value: *value, low: 0.0, high: 1.0 };
            finding(metric, Outcome::measured(interval, 1))
        }
        values => mean_of(metric, values),
    }
}

fn show(
    method: &ZeroShotMethod,
    data: &Classes,
    split: &Split,
    held_out: &HeldOutClasses,
) -> Result<Shown, TransferError> {
    let classes = data.names.len();
    if matches!(method, ZeroShotMethod::Chance) {
        let (few, all) = (1.0 / split.unseen.len() as f64, 1.0 / classes as f64);
        return Ok(Shown {
            accuracy: vec![few; split.unseen.len()],
            seen: all,
            unseen: all,
            harmonic: all,
            seconds: 0.0,
            warnings: Vec::new(),
            chosen: String::new(),
        });
    }
    let rows = |rows: &[usize]| data.rows.select(Axis(0), rows);
    let labels = |rows: &[usize]| rows.iter().map(|&row| data.labels[row]).collect::<Vec<_>>();
    let (x, y) = (rows(&split.train), labels(&split.train));
    let s = data.descriptions.view();
    let started = Instant::now();
    let (method, chosen) = settle(method, x.view(), &y, s, held_out)?;
    let model = method.fit(x.view(), &y, s)?;
    let gamma = held_out.choose_calibration(method.as_ref(), x.view(), &y, s)?;
    let seconds = started.elapsed().as_secs_f64();

    let new = s.select(Axis(0), &split.unseen);
    let test = rows(&split.unseen_test);
    let truth = labels(&split.unseen_test);
    let found: Vec<usize> = model
        .predict(test.view(), new.view())?
        .into_iter()
        .map(|place| split.unseen[place])
        .collect();
    let accuracy = split.unseen.iter().map(|&class| {
        let of_class = truth.iter().zip(&found).filter(|(truth, _)| **truth == class);
        let (truth, found): (Vec<usize>, Vec<usize>) = of_class.unzip();
        per_class_accuracy(&found, &truth)
    });
    let accuracy = accuracy.filter(|rate| !rate.is_nan()).collect();

    let both: Vec<usize> = split.unseen_test.iter().chain(&split.seen_test).copied().collect();
    let scores = model.scores(rows(&both).view(), s)?;
    // Classes that have neither rows nor a part in the split are candidates like any other.
    let seen: Vec<bool> =
        (0..classes).map(|class| split.unseen.binary_search(&class).is_err()).collect();
    let point = SeenUnseenCurve::new(scores.view(), &labels(&both), &seen)?.at(gamma);
    Ok(Shown {
        accuracy,
        seen: point.seen,
        unseen: point.unseen,
        harmonic: point.harmonic(),
        seconds,
        warnings: model.warnings().iter().map(ToString::to_string).collect(),
        chosen,
    })
}

/// The method with all its settings; what the plan leaves open is chosen on held-out classes.
fn settle(
    method: &ZeroShotMethod,
    x: ArrayView2<'_, f32>,
    labels: &[usize],
    descriptions: ArrayView2<'_, f32>,
    held_out: &HeldOutClasses,
) -> Result<(Box<dyn ZeroShot>, String), TransferError> {
    let choose = |all: Vec<(Box<dyn ZeroShot>, String)>| {
        let (mut methods, mut names): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        let best = match methods.len() {
            1 => return Ok((methods.remove(0), String::new())),
            _ => {
                let refs: Vec<&dyn ZeroShot> = methods.iter().map(AsRef::as_ref).collect();
                held_out.choose(&refs, x, labels, descriptions)?.0
            }
        };
        Ok((methods.swap_remove(best), names.swap_remove(best)))
    };
    let grid = |value: Option<f64>, grid: &[f64]| value.map_or(grid.to_vec(), |value| vec![value]);
    match *method {
        ZeroShotMethod::Eszsl { gamma, lambda } => {
            if let (Some(gamma), Some(lambda)) = (gamma, lambda) {
                return Ok((Box::new(Eszsl { gamma, lambda }), String::new()));
            }
            let (gammas, lambdas) = (grid(gamma, &Eszsl::GRID), grid(lambda, &Eszsl::GRID));
            let (chosen, _) = Eszsl::choose(x, labels, descriptions, &gammas, &lambdas, held_out)?;
            let said = format!("γ = {} and λ = {}", chosen.gamma, chosen.lambda);
            Ok((Box::new(chosen), said))
        }
        ZeroShotMethod::RidgeToDescriptions { lambda } => {
            let of = |lambda| -> (Box<dyn ZeroShot>, String) {
                let method = RidgeToDescriptions { lambda, nearness: Nearness::Cosine };
                (Box::new(method), format!("λ = {lambda}"))
            };
            choose(grid(lambda, &LAMBDAS).into_iter().map(of).collect())
        }
        ZeroShotMethod::RidgeFromDescriptions { lambda } => {
            let of = |lambda| -> (Box<dyn ZeroShot>, String) {
                let method = RidgeFromDescriptions { lambda, nearness: Nearness::Euclidean };
                (Box::new(method), format!("λ = {lambda}"))
            };
            choose(grid(lambda, &LAMBDAS).into_iter().map(of).collect())
        }
        ZeroShotMethod::CoupledDictionaries { atoms, penalty, prediction } => {
            let prediction = match prediction {
                "aware" => Prediction::Aware(Aware::default()),
                "transductive" => Prediction::Transductive(Propagation::default()),
                "aware-transductive" => {
                    Prediction::AwareTransductive(Aware::default(), Propagation::default())
                }
                _ => Prediction::Agnostic,
            };
            let of = |penalty| -> (Box<dyn ZeroShot>, String) {
                let defaults = CoupledDictionaries::default();
                let method = CoupledDictionaries {
                    atoms,
                    coding: SparseCoding { penalty, ..defaults.coding },
                    seed: held_out.seed,
                    prediction,
                    ..defaults
                };
                (Box::new(method), format!("a penalty of {penalty}"))
            };
            choose(grid(penalty, &PENALTIES).into_iter().map(of).collect())
        }
        ZeroShotMethod::Chance => unreachable!("guessing has no settings"),
    }
}
