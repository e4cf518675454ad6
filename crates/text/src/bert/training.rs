//! Training on, from the pre-trained weights: what all heads share.

use std::{ops::ControlFlow, ops::Range};

use ndarray::{ArrayView2, ArrayViewMut2};
use pulp::Arch;
use rand::{Rng, RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    Bert,
    backward::{self, PARTS, Slopes},
    forward::{self, Batch, Room},
    mapping::Numbers,
    math,
    reading::by_length,
};
use crate::TextError;

/// How an encoder is trained on together with a head upon it: a classifier ([`FineTune::fit`]), or marks of start
/// and end ([`FineTune::fit_spans`]).
///
/// The loss is a cross-entropy; AdamW (Loshchilov and Hutter 2019, "Decoupled weight decay
/// regularization", ICLR, arXiv:1711.05101) with a rate that rises linearly over the first steps and falls
/// linearly to 0; gradients are cut to a norm; a part of the sentences is held out, and the epoch that is best on
/// it is kept. The table of pieces and places stays as it is, and nothing is dropped out. Gradients are our
/// own, checked against differences; the same seed gives the same bits for any number of threads.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FineTune {
    /// So many of the last layers are trained, 0 for the head alone; all when `None`.
    pub layers: Option<usize>,
    /// Passes over the sentences at most.
    pub epochs: usize,
    /// Sentences a step.
    pub batch: usize,
    /// The largest rate of the encoder's weights.
    pub rate: f64,
    /// The largest rate of the head's.
    pub head_rate: f64,
    /// The share of all steps over which the rates rise.
    pub warm_up: f64,
    /// How much of itself a matrix loses a step, times the rate.
    pub decay: f64,
    /// The norm that all gradients together are cut to.
    pub clip: f64,
    /// The share of sentences that is held out.
    pub held_out: f64,
    /// Epochs without a better loss on what is held out, after which training ends.
    pub patience: usize,
    /// Where the head's first weights, the order of sentences and what is held out come from.
    pub seed: u64,
}

impl Default for FineTune {
    fn default() -> Self {
        Self {
            layers: None,
            epochs: 6,
            batch: 16,
            rate: 5e-5,
            head_rate: 5e-3,
            warm_up: 0.1,
            decay: 0.01,
            clip: 1.0,
            held_out: 0.15,
            patience: 2,
            seed: 0,
        }
    }
}

/// How far training has come; an observer is told and may end it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Tuning {
    /// A step is done; ended here, the epoch that it belongs to is measured as far as it came.
    Step {
        /// Which, from 1.
        number: usize,
        /// Steps at most.
        of: usize,
        /// The mean loss since the epoch began.
        loss: f64,
    },
    /// An epoch is done.
    Epoch(Epoch),
}

/// What an epoch came to.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Epoch {
    /// Which, from 1.
    pub number: usize,
    /// Epochs at most.
    pub of: usize,
    /// The mean loss over the sentences trained on, while it was learned.
    pub loss: f64,
    /// The mean loss on what is held out; on what was trained on where nothing is.
    pub held_out_loss: f64,
    /// The share of these that come out right.
    pub held_out_accuracy: f64,
}

/// Tokens, what they should give, and what the first trained layer is given of them.
pub(super) struct Item<T> {
    pub(super) ids: Vec<u32>,
    /// Where the second segment begins; no token is of it where this is their number.
    pub(super) second: usize,
    pub(super) target: T,
    /// Empty where all items together would take more than [`KEPT_ROWS`].
    rows: Vec<f32>,
}

impl<T> Item<T> {
    pub(super) fn new(ids: Vec<u32>, second: usize, target: T) -> Self {
        Self { ids, second, target, rows: Vec::new() }
    }
}

/// What stands upon the encoder.
pub(super) trait Head: Clone + Sync {
    /// What an item should give.
    type Target: Sync;

    /// Its tensors, and whether each decays.
    fn tensors(&mut self) -> Vec<(&mut [f32], bool)>;

    /// The lengths of its tensors.
    fn lengths(&self) -> Vec<usize>;

    /// The loss of an item's rows, and whether the likeliest is right. If asked for, the gradient of the
    /// rows is written and those of the tensors are added up.
    fn loss(
        &self,
        rows: ArrayView2<'_, f32>,
        target: &Self::Target,
        gradient: Option<(ArrayViewMut2<'_, f32>, &mut [Vec<f32>])>,
    ) -> (f64, bool);
}

/// Tokens of a job at most, unless a single item has more: jobs, and with them sums, do not depend on threads.
const JOB_TOKENS: usize = 128;
/// Tokens of the jobs whose rows are in memory together, unless a single job has more.
const WAVE_TOKENS: usize = 2048;
/// Numbers of rows that are kept for all items: 1 GiB.
const KEPT_ROWS: usize = 1 << 28;

/// The sum over some items: a tensor each of the trained layers and of the head, in their order.
pub(super) struct Gradient {
    pub(super) tensors: Vec<Vec<f32>>,
    loss: f64,
}

impl Gradient {
    fn norm(&self) -> f64 {
        let squares: Vec<f64> =
            self.tensors.par_iter().map(|tensor| math::square_sum(tensor)).collect();
        squares.iter().sum::<f64>().sqrt()
    }
}

/// What a job comes to: what the gradients of its layers are made of, those of the head, and the loss.
struct Way {
    layers: Vec<Slopes>,
    head: Vec<Vec<f32>>,
    loss: f64,
}

/// First and second moments of a tensor's gradients.
struct Moments(Vec<f32>, Vec<f32>);

/// One step of AdamW.
struct Step {
    rate: f64,
    decay: f64,
    scale: f64,
    count: i32,
}

impl Step {
    #[allow(clippy::cast_possible_truncation, reason = "weights are f32")]
    fn apply(&self, weights: &mut [f32], gradient: &[f32], moments: &mut Moments, decays: bool) {
        const FIRST: f64 = 0.9;
        const SECOND: f64 = 0.999;
        let first = (1.0 / (1.0 - FIRST.powi(self.count))) as f32;
        let second = (1.0 / (1.0 - SECOND.powi(self.count))) as f32;
        let (rate, scale) = (self.rate as f32, self.scale as f32);
        let keep = if decays { (1.0 - self.rate * self.decay) as f32 } else { 1.0 };
        let (a, b) = (FIRST as f32, SECOND as f32);
        let Moments(m, v) = moments;
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (((weight, &gradient), m), v) in
                    weights.iter_mut().zip(gradient).zip(&mut *m).zip(&mut *v)
                {
                    let gradient = gradient * scale;
                    *m = a * *m + (1.0 - a) * gradient;
                    *v = b * *v + (1.0 - b) * gradient * gradient;
                    *weight = *weight * keep - rate * (*m * first) / ((*v * second).sqrt() + 1e-8);
                }
            },
        );
    }
}

/// An encoder, of which the layers from `first` on are trained, and its head.
#[derive(Clone)]
pub(super) struct Trained<H> {
    pub(super) encoder: Bert,
    pub(super) head: H,
    pub(super) first: usize,
}

/// A trained model and its history.
pub(super) struct History<H> {
    pub(super) trained: Trained<H>,
    pub(super) epochs: Vec<Epoch>,
    pub(super) kept: usize,
}

impl<H: Head> Trained<H> {
    /// Items by falling length in jobs of so many tokens at most.
    fn jobs(items: &[Item<H::Target>], asked: &[usize], most: usize) -> Vec<Vec<usize>> {
        let lengths: Vec<usize> = asked.iter().map(|&at| items[at].ids.len()).collect();
        let (order, ranges) = by_length(&lengths, most);
        let job = |range: Range<usize>| order[range].iter().map(|&at| asked[at]).collect();
        ranges.into_iter().map(job).collect()
    }

    /// Puts what the first trained layer is given of some items into the room.
    fn given(&self, items: &[Item<H::Target>], job: &[usize], room: &mut Room) -> Batch {
        let batch = Batch::of_pairs(job.iter().map(|&at| (&items[at].ids[..], items[at].second)));
        room.rows.clear();
        if job.iter().all(|&at| !items[at].rows.is_empty()) {
            job.iter().for_each(|&at| room.rows.extend_from_slice(&items[at].rows));
        } else {
            let (config, parameters) = (&self.encoder.config, &self.encoder.parameters);
            forward::embed(config, parameters, &batch, &mut room.rows);
            forward::through(config, &parameters.layers[..self.first], &batch, room);
        }
        batch
    }

    /// Fills in the items' rows, if there is room for them.
    pub(super) fn prepare(&self, items: &mut [Item<H::Target>])
    where
        H::Target: Send,
    {
        let width = self.encoder.config.hidden;
        let tokens: usize = items.iter().map(|item| item.ids.len()).sum();
        if tokens.saturating_mul(width) > KEPT_ROWS {
            return;
        }
        let all: Vec<usize> = (0..items.len()).collect();
        let jobs = Self::jobs(items, &all, JOB_TOKENS);
        let rows = |room: &mut Room, job: &Vec<usize>| -> Vec<Vec<f32>> {
            let batch = self.given(items, job, room);
            let of = |part: Range<usize>| room.rows[part.start * width..part.end * width].to_vec();
            batch.sentences().map(of).collect()
        };
        let found: Vec<Vec<Vec<f32>>> = jobs.par_iter().map_init(Room::default, rows).collect();
        for (at, rows) in jobs.into_iter().flatten().zip(found.into_iter().flatten()) {
            items[at].rows = rows;
        }
    }

    /// The lengths of all trained tensors.
    fn lengths(&self) -> Vec<usize> {
        let config = &self.encoder.config;
        let layers = (self.first..config.layers).flat_map(|_| backward::lengths(config));
        layers.chain(self.head.lengths()).collect()
    }

    /// Room for a gradient.
    pub(super) fn room(&self) -> Gradient {
        let tensors = self.lengths().into_iter().map(|length| vec![0.0; length]).collect();
        Gradient { tensors, loss: 0.0 }
    }

    /// Writes the sum of gradients over some items.
    pub(super) fn gradient(&self, items: &[Item<H::Target>], asked: &[usize], sum: &mut Gradient) {
        let jobs = Self::jobs(items, asked, JOB_TOKENS);
        let tokens = |job: &Vec<usize>| job.iter().map(|&at| items[at].ids.len()).sum();
        let (order, waves) = by_length(&jobs.iter().map(tokens).collect::<Vec<_>>(), WAVE_TOKENS);
        sum.loss = 0.0;
        for (number, wave) in waves.into_iter().enumerate() {
            let way = |room: &mut Room, &job: &usize| self.way(items, &jobs[job], room);
            let ways: Vec<Way> = order[wave].par_iter().map_init(Room::default, way).collect();
            sum.loss += ways.iter().map(|way| way.loss).sum::<f64>();
            // In the order of the jobs.
            let tensors = sum.tensors.par_iter_mut().with_max_len(1).enumerate();
            tensors.for_each(|(at, tensor)| {
                for (job, way) in ways.iter().enumerate() {
                    let add = number + job > 0;
                    match way.layers.get(at / PARTS) {
                        Some(slopes) => slopes.give(at % PARTS, tensor, add),
                        None => {
                            let head = &way.head[at - way.layers.len() * PARTS];
                            backward::give(head, tensor, add);
                        }
                    }
                }
            });
        }
    }

    /// A job forward and back.
    fn way(&self, items: &[Item<H::Target>], job: &[usize], room: &mut Room) -> Way {
        let config = &self.encoder.config;
        let width = config.hidden;
        let batch = self.given(items, job, room);
        let mut rows = std::mem::take(&mut room.rows);
        let layers = &self.encoder.parameters.layers[self.first..];
        let mut traces = Vec::new();
        for layer in layers {
            let (next, trace) = backward::forward(config, layer, &batch, rows);
            rows = next;
            traces.push(trace);
        }
        let lengths = self.head.lengths();
        let mut head: Vec<Vec<f32>> = lengths.into_iter().map(|length| vec![0.0; length]).collect();
        let mut loss = 0.0;
        let mut back = vec![0.0; rows.len()];
        for (&at, sentence) in job.iter().zip(batch.sentences()) {
            let part = sentence.start * width..sentence.end * width;
            let rows = forward::view(&rows[part.clone()], width);
            let back = forward::view_mut(&mut back[part], width);
            loss += self.head.loss(rows, &items[at].target, Some((back, &mut head))).0;
        }
        let mut of_layers = Vec::new();
        for (layer, trace) in layers.iter().zip(traces).rev() {
            let (before, slopes) = backward::back(config, layer, &batch, trace, back);
            back = before;
            of_layers.push(slopes);
        }
        of_layers.reverse();
        Way { layers: of_layers, head, loss }
    }

    /// The sum of losses over some items, and how many come out right.
    pub(super) fn losses(&self, items: &[Item<H::Target>], asked: &[usize]) -> (f64, usize) {
        let config = &self.encoder.config;
        let width = config.hidden;
        let losses = |room: &mut Room, job: &Vec<usize>| -> Vec<(f64, bool)> {
            let batch = self.given(items, job, room);
            let layers = &self.encoder.parameters.layers[self.first..];
            let rows = forward::through(config, layers, &batch, room);
            let loss = |(&at, part): (&usize, Range<usize>)| {
                let rows = forward::view(&rows[part.start * width..part.end * width], width);
                self.head.loss(rows, &items[at].target, None)
            };
            job.iter().zip(batch.sentences()).map(loss).collect()
        };
        let jobs = Self::jobs(items, asked, JOB_TOKENS);
        let all: Vec<Vec<(f64, bool)>> = jobs.par_iter().map_init(Room::default, losses).collect();
        let all = all.iter().flatten();
        (all.clone().map(|(loss, _)| loss).sum(), all.filter(|(_, right)| *right).count())
    }

    fn apply(&mut self, gradient: &Gradient, moments: &mut [Moments], [encoder, head]: &[Step; 2]) {
        let layers = self.encoder.parameters.layers[self.first..].iter_mut();
        let parts = layers.flat_map(|layer| backward::parts(layer).into_iter().enumerate());
        let mut jobs: Vec<(&mut [f32], bool, &Step)> = parts
            .map(|(part, numbers)| (numbers.to_mut(), backward::is_matrix(part), encoder))
            .collect();
        jobs.extend(self.head.tensors().into_iter().map(|(tensor, decays)| (tensor, decays, head)));
        let jobs = jobs.into_par_iter().zip(moments.par_iter_mut()).zip(&gradient.tensors);
        jobs.for_each(|(((weights, decays, step), moments), gradient)| {
            step.apply(weights, gradient, moments, decays);
        });
    }
}

impl FineTune {
    /// The first layer that is trained.
    pub(super) fn first_of(&self, model: &Bert) -> usize {
        model.config.layers - self.layers.unwrap_or(usize::MAX).min(model.config.layers)
    }

    /// Trains on items, of which those of one group are held out together or not at all.
    pub(super) fn train<H: Head>(
        &self,
        mut trained: Trained<H>,
        items: &[Item<H::Target>],
        groups: &[Range<usize>],
        mut rng: ChaCha8Rng,
        observer: &mut dyn FnMut(&Tuning) -> ControlFlow<()>,
    ) -> Result<History<H>, TextError> {
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.shuffle(&mut rng);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a count"
        )]
        let held = (groups.len() as f64 * self.held_out).round() as usize;
        let (held, learned) = order.split_at(held.min(groups.len() - 1));
        let of = |groups_of: &[usize]| -> Vec<usize> {
            groups_of.iter().flat_map(|&group| groups[group].clone()).collect()
        };
        let (held, mut learned) = (of(held), of(learned));

        let moments = |count| Moments(vec![0.0; count], vec![0.0; count]);
        let mut moments: Vec<Moments> = trained.lengths().into_iter().map(moments).collect();
        let mut gradient = trained.room();
        let steps = learned.len().div_ceil(self.batch) * self.epochs;
        let mut count = 0;
        let mut history = History { trained: trained.clone(), epochs: Vec::new(), kept: 0 };
        let mut least = f64::INFINITY;
        for number in 1..=self.epochs {
            learned.shuffle(&mut rng);
            let (mut loss, mut seen, mut ended) = (0.0, 0, false);
            for batch in learned.chunks(self.batch) {
                trained.gradient(items, batch, &mut gradient);
                loss += gradient.loss;
                seen += batch.len();
                count += 1;
                let pace = self.pace(count, steps);
                // The mean over the batch, cut to the norm.
                #[allow(clippy::cast_precision_loss, reason = "a batch is small")]
                let share = 1.0 / batch.len() as f64;
                let scale = share * (self.clip / (gradient.norm() * share).max(1e-12)).min(1.0);
                if !scale.is_finite() {
                    return Err(TextError::NonFinite { line: batch[0] + 1 });
                }
                let at = i32::try_from(count).unwrap_or(i32::MAX);
                let step =
                    |rate: f64| Step { rate: rate * pace, decay: self.decay, scale, count: at };
                trained.apply(&gradient, &mut moments, &[step(self.rate), step(self.head_rate)]);
                #[allow(clippy::cast_precision_loss, reason = "counts are small")]
                let told = Tuning::Step { number: count, of: steps, loss: loss / seen as f64 };
                if observer(&told).is_break() {
                    ended = true;
                    break;
                }
            }
            let asked = if held.is_empty() { &learned } else { &held };
            let (held_out_loss, right) = trained.losses(items, asked);
            #[allow(clippy::cast_precision_loss, reason = "counts are small")]
            let epoch = Epoch {
                number,
                of: self.epochs,
                loss: loss / seen as f64,
                held_out_loss: held_out_loss / asked.len() as f64,
                held_out_accuracy: right as f64 / asked.len() as f64,
            };
            if !epoch.held_out_loss.is_finite() {
                return Err(TextError::NonFinite { line: asked[0] + 1 });
            }
            history.epochs.push(epoch);
            if epoch.held_out_loss < least {
                least = epoch.held_out_loss;
                history.kept = number;
                history.trained = trained.clone();
            }
            ended |= observer(&Tuning::Epoch(epoch)).is_break();
            if ended || number - history.kept >= self.patience {
                break;
            }
        }
        Ok(history)
    }

    /// The share of the largest rate at a step, from 1.
    #[allow(clippy::cast_precision_loss, reason = "there are not that many steps")]
    fn pace(&self, step: usize, steps: usize) -> f64 {
        let rise = (self.warm_up * steps as f64).max(1.0);
        let fall = (steps - step) as f64 / (steps as f64 - rise).max(1.0);
        (step as f64 / rise).min(fall).min(1.0)
    }

    /// Checks the settings.
    pub(super) fn check(&self) -> Result<(), TextError> {
        let setting = |what: &str, expected: &str, found: String| {
            Err(TextError::Setting { what: what.into(), expected: expected.into(), found })
        };
        let positive = [("rate", self.rate), ("head_rate", self.head_rate), ("clip", self.clip)];
        for (what, value) in positive {
            if !(value > 0.0 && value.is_finite()) {
                return setting(what, "a number above 0", value.to_string());
            }
        }
        for (what, value) in [("warm_up", self.warm_up), ("held_out", self.held_out)] {
            if !(0.0..1.0).contains(&value) {
                return setting(what, "a share from 0 to below 1", value.to_string());
            }
        }
        if !(self.decay >= 0.0 && self.decay.is_finite()) {
            return setting("decay", "a number from 0", self.decay.to_string());
        }
        for (what, value) in
            [("epochs", self.epochs), ("batch", self.batch), ("patience", self.patience)]
        {
            if value == 0 {
                return setting(what, "at least 1", "0".into());
            }
        }
        Ok(())
    }
}

/// A standard normal number, by Box and Muller.
pub(super) fn normal(rng: &mut impl Rng) -> f64 {
    let (radius, angle): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// The loss of some scores, whether the target has the largest alone, and the shares less the target's.
pub(super) fn cross_entropy(scores: &mut [f32], target: usize) -> (f64, bool) {
    let right =
        scores.iter().enumerate().all(|(at, &score)| at == target || score < scores[target]);
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|score| *score = (*score - most).exp());
    let total: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= total);
    let loss = -f64::from(scores[target].max(f32::MIN_POSITIVE)).ln();
    scores[target] -= 1.0;
    (loss, right)
}

impl Bert {
    /// The same model with weights that know nothing: what pre-training is worth is what it lacks.
    ///
    /// Matrices are normal with a deviation of 0.02, as BERT's were before training; biases are 0, scales 1.
    #[must_use]
    pub fn randomized(&self, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        #[allow(clippy::cast_possible_truncation, reason = "weights are f32")]
        let mut fill = |numbers: &mut Numbers| {
            let random = (0..numbers.len()).map(|_| (0.02 * normal(&mut rng)) as f32);
            *numbers = random.collect::<Vec<f32>>().into();
        };
        let mut model = self.clone();
        let parameters = &mut model.parameters;
        for table in [&mut parameters.pieces, &mut parameters.positions, &mut parameters.segments] {
            fill(table);
        }
        let plain = |count: usize, value: f32| Numbers::from(vec![value; count]);
        let norm = &mut parameters.after_embedding;
        norm.scale = plain(norm.scale.len(), 1.0);
        norm.bias = plain(norm.bias.len(), 0.0);
        for layer in &mut parameters.layers {
            for (part, numbers) in backward::parts(layer).into_iter().enumerate() {
                match part {
                    part if backward::is_matrix(part) => fill(numbers),
                    8 | 14 => *numbers = plain(numbers.len(), 1.0),
                    _ => *numbers = plain(numbers.len(), 0.0),
                }
            }
        }
        model
    }
}
