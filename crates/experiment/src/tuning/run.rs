//! Learning curves of encoders that are trained on.

use std::{ops::ControlFlow, path::Path, time::Instant};

use ndarray::{Array2, Axis};
use procrust_text::{Epoch, FineTune, TextError, Tuning};
use procrust_transfer::BiasedLogistic;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use procrust_runner::{Finding, Progress, in_full, interrupt};

use crate::{
    adaptation::domains::{Texts, classes, texts},
    shared::{
        sentences::Encoder,
        text::{TextDataError, failed, mean_of},
    },
    tuning::plan::{TuneMethod, TuningPlan},
};

/// The seed that parts tested sentences from those that labels are drawn from: one for all draws.
const PART: u64 = 0;

/// Sentences to learn from and to test on.
#[derive(Debug)]
pub struct Curves {
    /// What a reader of the results should know about the data.
    pub notes: Vec<String>,
    pool: Labelled,
    test: Labelled,
    encoders: Vec<Encoder>,
    /// Where the encoder stays as it is in some method.
    encoded: Vec<Option<Rows>>,
    classes: usize,
    /// Of the plan's cells.
    labels: Vec<String>,
}

/// Sentences that were encoded before the runs.
#[derive(Debug)]
struct Rows {
    test: Array2<f32>,
    /// Of encoders that are fitted to all of them; others encode those that are drawn.
    pool: Option<Array2<f32>>,
}

#[derive(Debug)]
struct Labelled {
    texts: Vec<String>,
    labels: Vec<usize>,
}

impl Labelled {
    fn of(found: &Texts, classes: &[String], rows: &[usize]) -> Self {
        let label = |&row: &usize| {
            let known = classes.iter().position(|class| *class == found.labels[row]);
            known.expect("classes were collected from these labels")
        };
        let texts = rows.iter().map(|&row| found.texts[row].clone()).collect();
        Self { texts, labels: rows.iter().map(label).collect() }
    }

    fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }
}

impl Curves {
    pub(crate) fn load(plan: &TuningPlan, most: Option<usize>) -> Result<Self, TextDataError> {
        let found: Vec<Texts> = plan
            .data
            .domains
            .iter()
            .map(|domain| texts(domain, &plan.data))
            .collect::<Result<_, _>>()?;
        let mut notes: Vec<String> = found.iter().map(|texts| texts.note.clone()).collect();
        let classes = classes(found.iter().flat_map(|texts| &texts.labels).map(String::as_str));
        let (source, target) = (&found[0], &found[found.len() - 1]);
        let shuffled = |texts: &Texts| {
            let mut order: Vec<usize> = (0..texts.texts.len()).collect();
            order.shuffle(&mut ChaCha8Rng::seed_from_u64(PART));
            order
        };
        let most = most.unwrap_or(usize::MAX);
        let tested = plan.test_rows.min(most);
        let (pool, test) = match found.len() {
            1 => {
                let order = shuffled(source);
                // At least half to learn from.
                let (test, pool) = order.split_at(tested.min(order.len() / 2));
                (pool.to_vec(), test.to_vec())
            }
            _ => (shuffled(source), shuffled(target).into_iter().take(tested).collect()),
        };
        let largest = plan.sizes.iter().copied().max().unwrap_or(0);
        if pool.len() < largest {
            let message = format!(
                "sizes: {largest} labels, but there are {} sentences to draw from, {} others are tested",
                pool.len(),
                test.len()
            );
            return Err(plan.place.error(message).into());
        }
        notes.push(format!("{} sentences to draw from, {} tested", pool.len(), test.len()));
        let pool = Labelled::of(source, &classes, &pool);
        let test = Labelled::of(target, &classes, &test);
        let (mut encoders, mut encoded) = (Vec::new(), Vec::new());
        for (at, encoder) in plan.encoders.iter().enumerate() {
            let loaded = Encoder::load(encoder)?;
            let frozen = |&(of, method): &(usize, usize)| {
                of == at && matches!(plan.methods[method], TuneMethod::Frozen { .. })
            };
            let rows = |of: &Labelled| loaded.encode(&of.texts()).map(|encoded| encoded.rows);
            encoded.push(match plan.cells.iter().any(frozen) {
                false => None,
                true => {
                    let pool = matches!(loaded, Encoder::Words { .. }).then(|| rows(&pool));
                    Some(Rows { test: rows(&test)?, pool: pool.transpose()? })
                }
            });
            encoders.push(loaded);
        }
        let (classes, labels) = (classes.len(), plan.labels());
        Ok(Self { notes, pool, test, encoders, encoded, classes, labels })
    }

    /// `size` of the pool as the seed draws them, classes by their shares; fewer are the first of more.
    fn draw(&self, size: usize, seed: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.pool.labels.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut counts = vec![0_usize; self.classes];
        self.pool.labels.iter().for_each(|&label| counts[label] += 1);
        let mut met = vec![0_usize; self.classes];
        #[allow(clippy::cast_precision_loss, reason = "there are few rows")]
        let depth = |row: usize, met: &mut [usize]| {
            let label = self.pool.labels[row];
            met[label] += 1;
            (met[label] as f64 - 0.5) / counts[label] as f64
        };
        let mut placed: Vec<(f64, usize)> =
            order.into_iter().map(|row| (depth(row, &mut met), row)).collect();
        placed.sort_by(|a, b| a.0.total_cmp(&b.0));
        placed.into_iter().take(size).map(|(_, row)| row).collect()
    }

    pub(crate) fn run(
        &self,
        plan: &TuningPlan,
        task: usize,
        cell: usize,
        seed: u64,
        progress: &Progress,
    ) -> Vec<Finding> {
        let (encoder, method) = plan.cells[cell];
        let size = plan.sizes[task];
        let drawn = self.draw(size, seed);
        let started = Instant::now();
        let label = format!("{}, {size} labels", self.labels[cell]);
        let mut told = Told::new(&label, plan.methods[method].work(size), progress);
        let found = match &plan.methods[method] {
            TuneMethod::Frozen { l2 } => {
                self.logistic(encoder, &drawn, *l2).map(|predicted| (predicted, None, Vec::new()))
            }
            tuned => {
                let save = plan.save.as_ref().filter(|_| plan.sizes.iter().all(|&s| s <= size));
                let save = save.map(|folder| {
                    let name = crate::shared::text::file_name(&self.labels[cell]);
                    folder.join(format!("{name}-seed-{seed}"))
                });
                self.tune(tuned, encoder, &drawn, seed, save.as_deref(), &mut told)
                    .map_err(|error| in_full(&error))
            }
        };
        told.done();
        match found {
            Err(error) => vec![failed("accuracy", error)],
            Ok((predicted, remark, warnings)) => {
                let right = predicted.iter().zip(&self.test.labels);
                let items = right.map(|(a, b)| f32::from(u8::from(a == b))).collect();
                let fit_seconds = Some(started.elapsed().as_secs_f64());
                let remarks = remark.into_iter().collect();
                vec![Finding { fit_seconds, remarks, warnings, ..mean_of("accuracy", items) }]
            }
        }
    }

    fn logistic(&self, encoder: usize, drawn: &[usize], l2: f64) -> Result<Vec<usize>, String> {
        let encoded = self.encoded[encoder].as_ref().expect("it was encoded for this method");
        let (texts, labels) = self.drawn(drawn);
        let rows = match &encoded.pool {
            Some(pool) => pool.select(Axis(0), drawn),
            None => self.encoders[encoder].encode(&texts).map_err(|error| in_full(&error))?.rows,
        };
        let logistic = BiasedLogistic { l2, ..Default::default() };
        let fitted = logistic.fit(rows.view(), &labels, self.classes, None);
        let predicted = fitted.and_then(|fitted| fitted.predict(encoded.test.view()));
        predicted.map_err(|error| in_full(&error))
    }

    /// Sentences of the pool, and their labels.
    fn drawn(&self, rows: &[usize]) -> (Vec<&str>, Vec<usize>) {
        rows.iter().map(|&row| (self.pool.texts[row].as_str(), self.pool.labels[row])).unzip()
    }

    #[allow(clippy::type_complexity, reason = "what was predicted, and what there is to say")]
    fn tune(
        &self,
        method: &TuneMethod,
        encoder: usize,
        drawn: &[usize],
        seed: u64,
        save: Option<&Path>,
        told: &mut Told<'_>,
    ) -> Result<(Vec<usize>, Option<String>, Vec<String>), TextError> {
        let Encoder::Bert(model) = &self.encoders[encoder] else {
            unreachable!("the plan's cells are those of encoders that can be trained on")
        };
        let (settings, scratch) = method.training().expect("a frozen encoder is not tuned");
        let (training, learned) = settings.of(drawn.len(), seed);
        let model = if scratch { &model.randomized(seed) } else { &**model };
        let (texts, labels) = self.drawn(drawn);
        let tuned = training
            .fit(model, &texts, &labels, &mut |event| told.hear(&training, learned, event))?;
        let warnings = told.cut_short(&tuned.epochs, tuned.kept).into_iter().collect();
        let mut remark = None;
        if let Some(folder) = save {
            tuned.save(folder)?;
            remark = Some(format!("the model is in {}", folder.display()));
        }
        Ok((tuned.predict(&self.test.texts())?, remark, warnings))
    }
}

/// What is told of a model while it is trained.
pub(crate) struct Told<'a> {
    label: &'a str,
    progress: &'a Progress,
    _listens: interrupt::Listens,
    started: Instant,
    /// Sentences of all epochs, of those told, and of the steps of the epoch that runs.
    whole: usize,
    told: usize,
    ended: bool,
    last: String,
}

impl<'a> Told<'a> {
    pub(crate) fn new(label: &'a str, whole: usize, progress: &'a Progress) -> Self {
        let (started, last) = (Instant::now(), String::new());
        let listens = interrupt::Listens::new();
        Self { label, progress, _listens: listens, started, whole, told: 0, ended: false, last }
    }

    /// An observer of training: it ends on Ctrl-C.
    pub(crate) fn hear(
        &mut self,
        training: &FineTune,
        learned: usize,
        event: &Tuning,
    ) -> ControlFlow<()> {
        let told = match event {
            Tuning::Step { number, of, loss } => {
                let told = (self.whole * number / of).max(self.told);
                if self.last.is_empty() {
                    self.last = format!("loss {loss:.3}");
                }
                told
            }
            Tuning::Epoch(epoch) => {
                self.last = format!(
                    "epoch {} of {}, loss {:.3}, held out {:.3} and {:.1} % right",
                    epoch.number,
                    training.epochs,
                    epoch.loss,
                    epoch.held_out_loss,
                    100.0 * epoch.held_out_accuracy
                );
                (epoch.number * learned).clamp(self.told, self.whole)
            }
            _ => self.told,
        };
        let more = told - self.told;
        self.told = told;
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        let left =
            self.started.elapsed().as_secs_f64() * (self.whole - told) as f64 / told.max(1) as f64;
        let said = format!("{}: {}, at most {left:.0} s left of it", self.label, self.last);
        self.progress.advance_with(more, &said);
        self.ended |= interrupt::asked();
        match self.ended {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// What a reader should know of a training that Ctrl-C ended.
    pub(crate) fn cut_short(&self, epochs: &[Epoch], kept: usize) -> Option<String> {
        let last = epochs.last()?;
        self.ended.then(|| {
            format!(
                "interrupted in epoch {} of {}; kept is epoch {kept}, the best so far",
                last.number, last.of
            )
        })
    }

    /// The rest needs no work.
    pub(crate) fn done(self) {
        self.progress.advance(self.whole - self.told);
    }
}
