//! Runs plans of kind `few-shot`.

use std::{collections::BTreeSet, time::Instant};

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate};
use procrust_align::{RowStep, prepare_rows};
use procrust_datasets::{TableOptions, read_table};
use procrust_transfer::{
    BiasedLogistic, BiasedRidge, CovarianceShrinkage, Descriptions, Discriminant, Eszsl,
    FisherSubspace, LinearScores, NearestClassMean, RidgeFromDescriptions, TransferError,
    WarmStart, WithinCovariance,
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use procrust_runner::{Finding, Place};

use crate::{
    adaptation::domains::Domains,
    few_shot::plan::{
        CovarianceSource, Embedding, FewShotMethod, FewShotPlan, Learner, NamedClasses,
    },
    shared::{
        class_words,
        data_error::{TransferDataError, accuracy_of, failed, parting_order},
        space::Space,
    },
    zero_shot::plan::ClassDescriptions,
};

/// The penalty of a source model.
const SOURCE_L2: f64 = 1.0;

/// Base rows, rows of the task, and what was learned from the former.
#[derive(Debug, Clone)]
pub struct FewShotTasks {
    /// What a reader of the results should know.
    pub notes: Vec<String>,
    base: Rows,
    /// Rows of the task that labels are drawn from, by class.
    pool: Rows,
    test: Rows,
    /// Classes of the task.
    classes: usize,
    /// Classes of the base rows.
    base_classes: usize,
    /// Where the task's classes stand among those of the base rows, if they all do.
    shared: Option<Vec<usize>>,
    learned: Learned,
}

/// Rows and their classes.
#[derive(Debug, Clone)]
struct Rows {
    x: Array2<f32>,
    labels: Vec<usize>,
}

impl Rows {
    fn of(x: ArrayView2<'_, f32>, labels: &[usize], rows: &[usize]) -> Self {
        let labels = rows.iter().map(|&row| labels[row]).collect();
        Self { x: x.select(Axis(0), rows), labels }
    }
}

/// What the base rows taught, so far as methods ask for it.
#[derive(Debug, Clone, Default)]
struct Learned {
    /// Weights for the task's classes, by least squares and by losses.
    ridge: Option<LinearScores>,
    logistic: Option<LinearScores>,
    covariance: Option<WithinCovariance>,
    /// Embeddings of nearest means, each with pool and test rows.
    embedded: Vec<(Embedding, Array2<f32>, Array2<f32>)>,
    prototypes: Option<Array2<f64>>,
}

impl FewShotTasks {
    /// Reads and prepares the rows, and learns from the base rows what the methods ask for; `most`
    /// keeps the first rows of each domain.
    ///
    /// # Errors
    ///
    /// A [`TransferDataError`] that names the file, the class or the place in the plan.
    pub fn load(plan: &FewShotPlan, most: Option<usize>) -> Result<Self, TransferDataError> {
        let Domains { domains, classes, notes, .. } = Domains::load(&plan.data, most)?;
        let mut notes = notes;
        let place = |names: &[String], key: &str| -> Result<Vec<usize>, TransferDataError> {
            let find = |name: &String| {
                classes.iter().position(|class| class == name).ok_or_else(|| {
                    let known = classes.join(", ");
                    plan.place.error(format!("{key}: no class `{name}`; the classes are {known}"))
                })
            };
            Ok(names.iter().map(find).collect::<Result<_, _>>()?)
        };
        let (source, target) = (&domains[0], &domains[domains.len() - 1]);
        let two = domains.len() == 2;
        let present = |labels: &[usize]| labels.iter().copied().collect::<BTreeSet<usize>>();
        let mut new = place(&plan.new, "new")?;
        if new.is_empty() {
            new = present(&target.labels).into_iter().collect();
        }
        let mut base = place(&plan.base, "base")?;
        if base.is_empty() {
            let all = present(&source.labels).into_iter();
            base = all.filter(|class| two || !new.contains(class)).collect();
        }
        let number = |classes: &[usize], label: usize| classes.iter().position(|&c| c == label);
        let part = |labels: &[usize], classes: &[usize]| -> (Vec<usize>, Vec<usize>) {
            let rows = labels.iter().enumerate();
            rows.filter_map(|(row, &label)| Some((row, number(classes, label)?))).unzip()
        };
        let (rows, labels) = part(&source.labels, &base);
        let base_rows = Rows { x: source.rows.select(Axis(0), &rows), labels };
        let (rows, labels) = part(&target.labels, &new);
        let task = Rows { x: target.rows.select(Axis(0), &rows), labels };
        let (pool, test) = split(&task, new.len(), plan.test_rows);
        let shared: Option<Vec<usize>> = new.iter().map(|&class| number(&base, class)).collect();

        let largest = plan.shots.iter().copied().max().unwrap_or(0);
        let fewest = (0..new.len()).map(|c| pool.labels.iter().filter(|&&l| l == c).count()).min();
        if fewest.is_none_or(|fewest| fewest < largest) {
            let message = format!(
                "shots: {largest} a class, but some class has {} rows to draw from",
                fewest.unwrap_or(0)
            );
            return Err(plan.place.error(message).into());
        }
        let name = |classes_of: &[usize]| {
            classes_of.iter().map(|&c| classes[c].clone()).collect::<Vec<_>>().join(", ")
        };
        notes.push(format!(
            "learned before: {} rows of {} ({}); the task: {} ({}), {} rows to draw from, {} tested",
            base_rows.labels.len(),
            source.name,
            name(&base),
            target.name,
            name(&new),
            pool.labels.len(),
            test.labels.len()
        ));
        let descriptions =
            plan.descriptions.as_ref().map(|named| describe(named, &classes, &plan.place));
        let descriptions = descriptions.transpose()?;
        let mut tasks = Self {
            notes,
            base: base_rows,
            pool,
            test,
            classes: new.len(),
            base_classes: base.len(),
            shared,
            learned: Learned::default(),
        };
        let described =
            descriptions.map(|all| (all.select(Axis(0), &base), all.select(Axis(0), &new)));
        tasks.learned = tasks.learn(&plan.methods, described.as_ref())?;
        Ok(tasks)
    }

    fn learn(
        &self,
        methods: &[FewShotMethod],
        described: Option<&(Array2<f32>, Array2<f32>)>,
    ) -> Result<Learned, TransferError> {
        let mut learned = Learned::default();
        let (x, y, classes) = (self.base.x.view(), &self.base.labels, self.base_classes);
        let asks = |wanted: fn(&FewShotMethod) -> bool| methods.iter().any(wanted);
        if asks(FewShotMethod::takes_weights) {
            match (&self.shared, described) {
                (Some(places), _) => {
                    let of_task = |model: &LinearScores| {
                        let weights = model.weights().select(Axis(1), places);
                        LinearScores::new(weights, model.intercepts().select(Axis(0), places))
                    };
                    let ridge = BiasedRidge { l2: SOURCE_L2 }.fit(x, y, classes, None)?;
                    let logistic = BiasedLogistic { l2: SOURCE_L2, ..Default::default() };
                    learned.ridge = Some(of_task(&ridge)?);
                    learned.logistic = Some(of_task(&logistic.fit(x, y, classes, None)?)?);
                }
                // Weights for classes that the source does not have, by their descriptions.
                (None, Some((base, new))) => {
                    let form = Eszsl::default().train(x, y, base.view())?;
                    let weights = form.form().dot(&new.mapv(f64::from).t());
                    let model = LinearScores::new(weights, Array1::zeros(self.classes))?;
                    learned.ridge = Some(model.clone());
                    learned.logistic = Some(model);
                }
                (None, None) => {
                    return Err(TransferError::Classes {
                        what: "a source model for the classes of the task",
                        expected: self.classes,
                        found: 0,
                    });
                }
            }
        }
        if asks(|method| matches!(method, FewShotMethod::Discriminant { .. })) {
            let shrinkage = CovarianceShrinkage::LedoitWolf;
            learned.covariance = Some(WithinCovariance::of(x, y, classes, shrinkage)?);
        }
        for method in methods {
            let &FewShotMethod::NearestMean { embedding } = method else { continue };
            let (pool, test) = (self.pool.x.view(), self.test.x.view());
            let (pool, test) = match embedding {
                Embedding::Rows => continue,
                Embedding::Fisher => {
                    let map = FisherSubspace::default().fit(x, y, classes)?;
                    (map.apply(pool)?, map.apply(test)?)
                }
                Embedding::Whitened { shrinkage } => {
                    let shrinkage = CovarianceShrinkage::Fixed(shrinkage);
                    let within = WithinCovariance::of(x, y, classes, shrinkage)?;
                    let mean = x.mapv(f64::from).mean_axis(Axis(0)).expect("there are base rows");
                    #[allow(clippy::cast_possible_truncation, reason = "rows are f32")]
                    let mean = mean.mapv(|value| value as f32);
                    let map = |rows: ArrayView2<'_, f32>| {
                        let mut mapped = within.whiten((&rows - &mean).view())?;
                        prepare_rows(&mut mapped, &[RowStep::Unit]);
                        Ok::<_, TransferError>(mapped)
                    };
                    (map(pool)?, map(test)?)
                }
            };
            learned.embedded.push((embedding, pool, test));
        }
        if asks(|method| matches!(method, FewShotMethod::NamePrototypes { .. }))
            && let Some((base, new)) = described
        {
            let model = RidgeFromDescriptions::default().train(x, y, base.view())?;
            learned.prototypes = model.prototypes(new.view())?;
        }
        Ok(learned)
    }

    /// `shots` rows of each class from the pool, as the seed draws them.
    fn draw(&self, shots: usize, seed: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.pool.labels.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut left = vec![shots; self.classes];
        order.retain(|&row| {
            let left = &mut left[self.pool.labels[row]];
            let taken = *left > 0;
            *left -= usize::from(taken);
            taken
        });
        order
    }

    fn model(
        &self,
        method: FewShotMethod,
        drawn: &[usize],
    ) -> Result<(LinearScores, Embedding), TransferError> {
        let Rows { x, labels } = Rows::of(self.pool.x.view(), &self.pool.labels, drawn);
        let (x, y, classes) = (x.view(), labels.as_slice(), self.classes);
        let fit = |x: ArrayView2<'_, f32>, y: &[usize], classes, learner, l2, source| match learner
        {
            Learner::Ridge => BiasedRidge { l2 }.fit(x, y, classes, source),
            Learner::Logistic => {
                BiasedLogistic { l2, ..Default::default() }.fit(x, y, classes, source)
            }
        };
        let source = |learner: Learner| {
            let model = match learner {
                Learner::Ridge => &self.learned.ridge,
                Learner::Logistic => &self.learned.logistic,
            };
            model.as_ref().expect("it was learned because the method asks for it")
        };
        let model = match method {
            FewShotMethod::TargetOnly { learner, l2 } => fit(x, y, classes, learner, l2, None)?,
            FewShotMethod::Pooled { learner, l2 } => {
                let all = concatenate![Axis(0), self.base.x.view(), x];
                // The task's classes are those of the base rows, or come after them.
                let places: Vec<usize> = match &self.shared {
                    Some(places) => places.clone(),
                    None => (0..classes).map(|class| self.base_classes + class).collect(),
                };
                let count = places.iter().max().map_or(0, |last| last + 1).max(self.base_classes);
                let mut labels = self.base.labels.clone();
                labels.extend(y.iter().map(|&class| places[class]));
                let model = fit(all.view(), &labels, count, learner, l2, None)?;
                let weights = model.weights().select(Axis(1), &places);
                LinearScores::new(weights, model.intercepts().select(Axis(0), &places))?
            }
            FewShotMethod::SourceOnly => source(Learner::Logistic).clone(),
            FewShotMethod::Biased { learner, l2 } => {
                fit(x, y, classes, learner, l2, Some(source(learner)))?
            }
            FewShotMethod::WarmStart { steps } => {
                WarmStart { steps, rate: 1.0 }.fit(x, y, classes, source(Learner::Logistic))?
            }
            FewShotMethod::NearestMean { embedding: Embedding::Rows } => {
                NearestClassMean::default().fit(x, y, classes, None)?
            }
            FewShotMethod::NearestMean { embedding } => {
                let (pool, _) = self.embedded(embedding);
                let x = pool.select(Axis(0), drawn);
                let model = NearestClassMean::default().fit(x.view(), y, classes, None)?;
                return Ok((model, embedding));
            }
            FewShotMethod::Discriminant { covariance } => {
                let base = self.learned.covariance.as_ref().expect("it was asked for");
                let own = || WithinCovariance::of(x, y, classes, CovarianceShrinkage::LedoitWolf);
                match covariance {
                    CovarianceSource::Base => Discriminant::fit_with(x, y, classes, base)?,
                    // Of one row a class nothing is known of the spread.
                    _ if y.len() == classes && covariance == CovarianceSource::Own => {
                        NearestClassMean::default().fit(x, y, classes, None)?
                    }
                    _ if y.len() == classes => Discriminant::fit_with(x, y, classes, base)?,
                    CovarianceSource::Own => Discriminant::fit_with(x, y, classes, &own()?)?,
                    CovarianceSource::Pooled => {
                        Discriminant::fit_with(x, y, classes, &base.pooled(&own()?)?)?
                    }
                }
            }
            FewShotMethod::NamePrototypes { weight } => {
                let prototypes = self.learned.prototypes.as_ref().expect("it was asked for");
                NearestClassMean { prototype_weight: weight }.fit(
                    x,
                    y,
                    classes,
                    Some(prototypes.view()),
                )?
            }
        };
        Ok((model, Embedding::Rows))
    }

    /// Pool and test rows in an embedding.
    fn embedded(&self, embedding: Embedding) -> (&Array2<f32>, &Array2<f32>) {
        let found = self.learned.embedded.iter().find(|(known, ..)| *known == embedding);
        found.map_or((&self.pool.x, &self.test.x), |(_, pool, test)| (pool, test))
    }
}

/// Half of each class to draw from, the rest to test, at most `most` of it, every class by its share.
fn split(task: &Rows, classes: usize, most: usize) -> (Rows, Rows) {
    let mut met = vec![0_usize; classes];
    let (mut pool, mut test) = (Vec::new(), Vec::new());
    for row in parting_order(task.labels.len()) {
        let met = &mut met[task.labels[row]];
        if met.is_multiple_of(2) {
            pool.push(row);
        } else {
            test.push((*met, row));
        }
        *met += 1;
    }
    // By depth into the class: a cut keeps the shares, nearly.
    test.sort_unstable();
    test.truncate(most);
    let mut test: Vec<usize> = test.into_iter().map(|(_, row)| row).collect();
    pool.sort_unstable();
    test.sort_unstable();
    let of = |rows: &[usize]| Rows::of(task.x.view(), &task.labels, rows);
    (of(&pool), of(&test))
}

/// One row for each of the data's classes.
pub(crate) fn describe(
    named: &NamedClasses,
    classes: &[String],
    place: &Place,
) -> Result<Array2<f32>, TransferDataError> {
    let names = named.names.as_deref().unwrap_or(classes);
    if names.len() != classes.len() {
        let message = format!(
            "names: {} for the {} classes {}",
            names.len(),
            classes.len(),
            classes.join(", ")
        );
        return Err(place.error(message).into());
    }
    let descriptions = match &named.descriptions {
        ClassDescriptions::Words(words) => {
            class_words::describe(names, &Space::load(words, None)?)?
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
    let mut rows = descriptions.of(names)?;
    prepare_rows(&mut rows, &named.rows);
    Ok(rows)
}

/// One run: a method with so many labels a class, as the seed draws them.
#[must_use]
pub fn run(
    plan: &FewShotPlan,
    data: &FewShotTasks,
    task: usize,
    method: usize,
    seed: u64,
) -> Vec<Finding> {
    let drawn = data.draw(plan.shots[task], seed);
    let started = Instant::now();
    let found = data.model(plan.methods[method], &drawn);
    let seconds = started.elapsed().as_secs_f64();
    let predicted = found.and_then(|(model, embedding)| {
        let (_, test) = data.embedded(embedding);
        Ok((model.predict(test.view())?, model))
    });
    match predicted {
        Err(error) => failed(&["accuracy"], &error),
        Ok((predicted, model)) => {
            let mut finding = accuracy_of("accuracy", &predicted, &data.test.labels);
            finding.fit_seconds = Some(seconds);
            finding.warnings = model.warnings().iter().map(ToString::to_string).collect();
            vec![finding]
        }
    }
}
