//! Training on: the pre-trained weights are where it starts.

use std::ops::ControlFlow;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use rand::{Rng, RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Bert, Pooling, backward, forward, forward::Batch, mapping::Numbers};
use crate::{Encode, TextError};

/// How an encoder is trained on together with a linear classifier upon it.
///
/// The loss is the cross-entropy of labels; AdamW (Loshchilov and Hutter 2019, "Decoupled weight decay
/// regularization", ICLR, arXiv:1711.05101) with a rate that rises linearly over the first steps and falls
/// linearly to 0; gradients are cut to a norm; a part of the sentences is held out, and the epoch that is best on
/// them is kept. The table of pieces and places stays as it is, and nothing is dropped out. Gradients are our
/// own, checked against differences; the same seed gives the same bits for any number of threads.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FineTune {
    /// So many of the last layers are trained, 0 for the classifier alone; all when `None`.
    pub layers: Option<usize>,
    /// Passes over the sentences at most.
    pub epochs: usize,
    /// Sentences a step.
    pub batch: usize,
    /// The largest rate of the encoder's weights.
    pub rate: f64,
    /// The largest rate of the classifier's.
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
    /// Where the classifier's first weights, the order of sentences and what is held out come from.
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

/// An encoder that was trained on, and its classifier.
#[derive(Debug, Clone)]
pub struct FineTuned {
    /// The encoder: it may be saved, and opened again.
    pub encoder: Bert,
    /// columns × classes.
    head: Array2<f32>,
    bias: Array1<f32>,
    /// Every epoch, in order.
    pub epochs: Vec<Epoch>,
    /// The one that was kept, from 1; 0 for the weights at the start.
    pub kept: usize,
}

/// A sentence's tokens and what the first trained layer is given of them.
struct Item {
    ids: Vec<u32>,
    rows: Vec<f32>,
    label: usize,
}

/// Sentences whose gradient is one job: of a fixed number, so that sums do not depend on threads.
const JOB: usize = 4;

struct Gradient {
    layers: Vec<Vec<Vec<f32>>>,
    head: Array2<f32>,
    bias: Array1<f32>,
    loss: f64,
    right: usize,
}

impl Gradient {
    fn add(&mut self, other: &Self) {
        for (layer, other) in self.layers.iter_mut().zip(&other.layers) {
            for (part, other) in layer.iter_mut().zip(other) {
                part.iter_mut().zip(other).for_each(|(sum, value)| *sum += value);
            }
        }
        self.head += &other.head;
        self.bias += &other.bias;
        self.loss += other.loss;
        self.right += other.right;
    }

    fn norm(&self) -> f64 {
        let square =
            |values: &[f32]| values.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
        let layers = self.layers.iter().flatten().map(|part| square(part)).sum::<f64>();
        let head = self.head.iter().chain(&self.bias).map(|&x| f64::from(x) * f64::from(x));
        (layers + head.sum::<f64>()).sqrt()
    }
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
        for (((weight, &gradient), m), v) in weights.iter_mut().zip(gradient).zip(m).zip(v) {
            let gradient = gradient * scale;
            *m = a * *m + (1.0 - a) * gradient;
            *v = b * *v + (1.0 - b) * gradient * gradient;
            *weight = *weight * keep - rate * (*m * first) / ((*v * second).sqrt() + 1e-8);
        }
    }
}

impl FineTune {
    /// Trains on from `model`.
    ///
    /// `labels` are class numbers, one a sentence. The observer is told of every epoch and may end
    /// training; the best so far is kept.
    ///
    /// # Errors
    ///
    /// [`TextError::Size`] when there are not as many labels as sentences or fewer than 4, or when all have
    /// one class; [`TextError::Empty`]; [`TextError::Setting`] for one without sense, or pooling by the
    /// largest value, which has no gradient here; [`TextError::NonFinite`] when training diverged.
    pub fn fit(
        &self,
        model: &Bert,
        sentences: &[&str],
        labels: &[usize],
        observer: &mut dyn FnMut(&Epoch) -> ControlFlow<()>,
    ) -> Result<FineTuned, TextError> {
        self.check(model, sentences.len(), labels)?;
        let classes = labels.iter().max().map_or(0, |most| most + 1);
        let width = model.config.hidden;
        let first =
            model.config.layers - self.layers.unwrap_or(usize::MAX).min(model.config.layers);
        let items = items(model, sentences, labels, first)?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.shuffle(&mut rng);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a count"
        )]
        let held = (items.len() as f64 * self.held_out).round() as usize;
        let (held, trained) = order.split_at(held.min(items.len() - 1));
        let mut trained = trained.to_vec();

        #[allow(clippy::cast_possible_truncation, reason = "weights are f32")]
        let head =
            Array2::from_shape_simple_fn((width, classes), || (0.02 * normal(&mut rng)) as f32);
        let mut tuned = FineTuned {
            encoder: model.clone(),
            head,
            bias: Array1::zeros(classes),
            epochs: Vec::new(),
            kept: 0,
        };
        let moments = |count| Moments(vec![0.0; count], vec![0.0; count]);
        let mut of_layers: Vec<Vec<Moments>> = (first..model.config.layers)
            .map(|_| {
                backward::zeros(&model.config).iter().map(|part| moments(part.len())).collect()
            })
            .collect();
        let (mut of_head, mut of_bias) = (moments(width * classes), moments(classes));
        let steps = trained.len().div_ceil(self.batch) * self.epochs;
        let mut count = 0;
        let mut best: Option<(f64, FineTuned)> = None;
        for number in 1..=self.epochs {
            trained.shuffle(&mut rng);
            let mut loss = 0.0;
            for batch in trained.chunks(self.batch) {
                let gradient = tuned.gradient(&items, batch, first);
                loss += gradient.loss;
                count += 1;
                let pace = self.pace(count, steps);
                // The mean over the batch, cut to the norm.
                #[allow(clippy::cast_precision_loss, reason = "a batch is small")]
                let share = 1.0 / batch.len() as f64;
                let scale = share * (self.clip / (gradient.norm() * share).max(1e-12)).min(1.0);
                if !scale.is_finite() {
                    return Err(TextError::NonFinite { line: batch[0] + 1 });
                }
                let count = i32::try_from(count).unwrap_or(i32::MAX);
                let step = |rate: f64| Step { rate: rate * pace, decay: self.decay, scale, count };
                let (encoder, classifier) = (step(self.rate), step(self.head_rate));
                let layers = &mut tuned.encoder.parameters.layers[first..];
                let jobs = layers.iter_mut().zip(&mut of_layers).zip(&gradient.layers);
                jobs.for_each(|((layer, moments), gradients)| {
                    let parts = backward::parts(layer);
                    let jobs: Vec<_> =
                        parts.into_iter().zip(moments).zip(gradients).enumerate().collect();
                    jobs.into_par_iter().for_each(|(part, ((numbers, moments), gradient))| {
                        let decays = backward::is_matrix(part);
                        encoder.apply(numbers.to_mut(), gradient, moments, decays);
                    });
                });
                let flat = |array: &Array2<f32>| array.iter().copied().collect::<Vec<_>>();
                let head = tuned.head.as_slice_mut().expect("it was made in standard order");
                classifier.apply(head, &flat(&gradient.head), &mut of_head, true);
                let bias = tuned.bias.as_slice_mut().expect("it was made in one piece");
                classifier.apply(bias, &gradient.bias.to_vec(), &mut of_bias, false);
            }
            let asked = if held.is_empty() { trained.as_slice() } else { held };
            let (held_out_loss, right) = tuned.losses(&items, asked, first);
            #[allow(clippy::cast_precision_loss, reason = "counts are small")]
            let epoch = Epoch {
                number,
                of: self.epochs,
                loss: loss / trained.len() as f64,
                held_out_loss: held_out_loss / asked.len() as f64,
                held_out_accuracy: right as f64 / asked.len() as f64,
            };
            if !epoch.held_out_loss.is_finite() {
                return Err(TextError::NonFinite { line: asked[0] + 1 });
            }
            tuned.epochs.push(epoch);
            if best.as_ref().is_none_or(|(least, _)| epoch.held_out_loss < *least) {
                tuned.kept = number;
                best = Some((epoch.held_out_loss, tuned.clone()));
            }
            if observer(&epoch).is_break() || number - tuned.kept >= self.patience {
                break;
            }
        }
        Ok(match best {
            Some((_, best)) => FineTuned { epochs: tuned.epochs, ..best },
            None => tuned,
        })
    }

    /// The share of the largest rate at a step, from 1.
    #[allow(clippy::cast_precision_loss, reason = "there are not that many steps")]
    fn pace(&self, step: usize, steps: usize) -> f64 {
        let rise = (self.warm_up * steps as f64).max(1.0);
        let fall = (steps - step) as f64 / (steps as f64 - rise).max(1.0);
        (step as f64 / rise).min(fall).min(1.0)
    }

    fn check(&self, model: &Bert, sentences: usize, labels: &[usize]) -> Result<(), TextError> {
        let size = |what, expected, found| Err(TextError::Size { what, expected, found });
        if sentences < 4 {
            return size("sentences to train on", 4, sentences);
        }
        if labels.len() != sentences {
            return size("labels", sentences, labels.len());
        }
        if labels.iter().all(|label| *label == labels[0]) {
            return size("classes", 2, 1);
        }
        if let Some(&label) = labels.iter().find(|label| **label >= sentences) {
            return size(
                "a class's number, which is below that of sentences",
                sentences - 1,
                label,
            );
        }
        let setting = |what: &str, expected: &str, found: String| {
            Err(TextError::Setting { what: what.into(), expected: expected.into(), found })
        };
        if model.pooling == Pooling::Max {
            return setting("pooling", "the mean or the first token", "the largest value".into());
        }
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

/// Every sentence's tokens, and its rows after the layers that stay as they are.
fn items(
    model: &Bert,
    sentences: &[&str],
    labels: &[usize],
    first: usize,
) -> Result<Vec<Item>, TextError> {
    let tokens = model.tokenize(sentences)?;
    let item = |(tokens, &label): (&super::Tokens, &usize)| {
        let batch = Batch::of(std::iter::once(tokens.ids.as_slice()));
        let mut rows = backward::embedded(&model.config, &model.parameters, &batch);
        for layer in &model.parameters.layers[..first] {
            rows = backward::forward(&model.config, layer, &batch, rows).0;
        }
        Item { ids: tokens.ids.clone(), rows, label }
    };
    Ok(tokens.par_iter().zip(labels).map(item).collect())
}

/// A standard normal number, by Box and Muller.
fn normal(rng: &mut impl Rng) -> f64 {
    let (radius, angle): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// Of a sentence's scores the loss, whether the label has the largest, and the gradient.
fn cross_entropy(scores: &Array1<f32>, label: usize) -> (f64, bool, Array1<f32>) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut shares = scores.mapv(|score| (score - most).exp());
    let total = shares.sum();
    shares /= total;
    let loss = -f64::from(shares[label].max(f32::MIN_POSITIVE)).ln();
    let right = scores.iter().enumerate().all(|(at, &score)| at == label || score < scores[label]);
    shares[label] -= 1.0;
    (loss, right, shares)
}

impl FineTuned {
    /// The sum of gradients over some sentences.
    fn gradient(&self, items: &[Item], asked: &[usize], first: usize) -> Gradient {
        let jobs: Vec<&[usize]> = asked.chunks(JOB).collect();
        let of_job = |job: &&[usize]| self.gradient_of(items, job, first);
        let gradients: Vec<Gradient> = jobs.par_iter().map(of_job).collect();
        let mut gradients = gradients.into_iter();
        let mut sum = gradients.next().expect("a batch has a sentence");
        gradients.for_each(|gradient| sum.add(&gradient));
        sum
    }

    fn gradient_of(&self, items: &[Item], job: &[usize], first: usize) -> Gradient {
        let config = &self.encoder.config;
        let width = config.hidden;
        let batch = Batch::of(job.iter().map(|&at| items[at].ids.as_slice()));
        let mut rows: Vec<f32> =
            job.iter().flat_map(|&at| items[at].rows.iter().copied()).collect();
        let layers = &self.encoder.parameters.layers[first..];
        let mut traces = Vec::new();
        for layer in layers {
            let (next, trace) = backward::forward(config, layer, &batch, rows);
            rows = next;
            traces.push(trace);
        }
        let mut gradient = Gradient {
            layers: layers.iter().map(|_| backward::zeros(config)).collect(),
            head: Array2::zeros(self.head.dim()),
            bias: Array1::zeros(self.bias.len()),
            loss: 0.0,
            right: 0,
        };
        let mut back = vec![0.0; rows.len()];
        for (&at, sentence) in job.iter().zip(batch.sentences()) {
            let part = sentence.start * width..sentence.end * width;
            let pooled = self.pool(forward::view(&rows[part.clone()], width));
            let scores = pooled.dot(&self.head) + &self.bias;
            let (loss, right, of_scores) = cross_entropy(&scores, items[at].label);
            gradient.loss += loss;
            gradient.right += usize::from(right);
            for (mut row, &value) in gradient.head.rows_mut().into_iter().zip(&pooled) {
                row.scaled_add(value, &of_scores);
            }
            gradient.bias += &of_scores;
            let of_pooled = self.head.dot(&of_scores);
            let mut back = forward::view_mut(&mut back[part], width);
            match self.encoder.pooling {
                Pooling::Cls => back.row_mut(0).assign(&of_pooled),
                _ => {
                    #[allow(clippy::cast_precision_loss, reason = "a sentence has few tokens")]
                    let share = 1.0 / sentence.len() as f32;
                    back.rows_mut()
                        .into_iter()
                        .for_each(|mut row| row.scaled_add(share, &of_pooled));
                }
            }
        }
        for ((layer, trace), of) in layers.iter().zip(&traces).zip(&mut gradient.layers).rev() {
            back = backward::back(config, layer, &batch, trace, back, of);
        }
        gradient
    }

    /// The sum of losses over some sentences, and how many come out right.
    fn losses(&self, items: &[Item], asked: &[usize], first: usize) -> (f64, usize) {
        let config = &self.encoder.config;
        let one = |&at: &usize| {
            let item = &items[at];
            let batch = Batch::of(std::iter::once(item.ids.as_slice()));
            let mut rows = item.rows.clone();
            for layer in &self.encoder.parameters.layers[first..] {
                rows = backward::forward(config, layer, &batch, rows).0;
            }
            let pooled = self.pool(forward::view(&rows, config.hidden));
            let (loss, right, _) =
                cross_entropy(&(pooled.dot(&self.head) + &self.bias), item.label);
            (loss, right)
        };
        let all: Vec<(f64, bool)> = asked.par_iter().map(one).collect();
        (all.iter().map(|(loss, _)| loss).sum(), all.iter().filter(|(_, right)| *right).count())
    }

    /// The row that the classifier sees: pooled, not of length 1.
    fn pool(&self, rows: ArrayView2<'_, f32>) -> Array1<f32> {
        match self.encoder.pooling {
            Pooling::Cls => rows.row(0).to_owned(),
            _ => rows.mean_axis(Axis(0)).expect("a sentence has a token"),
        }
    }

    /// The probability of each class, sentences × classes.
    ///
    /// # Errors
    ///
    /// As [`Encode::encode`] of the encoder.
    pub fn probabilities(&self, sentences: &[&str]) -> Result<Array2<f32>, TextError> {
        let rows = self.encoder.clone().with_unit_rows(false).encode(sentences)?.rows;
        let mut scores = rows.dot(&self.head) + &self.bias;
        for mut row in scores.rows_mut() {
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.mapv_inplace(|score| (score - most).exp());
            let total = row.sum();
            row /= total;
        }
        Ok(scores)
    }

    /// The most probable class of each sentence; of equal ones the first.
    ///
    /// # Errors
    ///
    /// As [`Encode::encode`] of the encoder.
    pub fn predict(&self, sentences: &[&str]) -> Result<Vec<usize>, TextError> {
        let best = |row: ndarray::ArrayView1<'_, f32>| {
            let better = |best: usize, at: usize| if row[at] > row[best] { at } else { best };
            (0..row.len()).fold(0, better)
        };
        Ok(self.probabilities(sentences)?.rows().into_iter().map(best).collect())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> Bert {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        Bert::open(folder.join(name)).unwrap()
    }

    fn start(encoder: Bert, classes: usize) -> FineTuned {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let width = encoder.config.hidden;
        #[allow(clippy::cast_possible_truncation, reason = "weights are f32")]
        let head = Array2::from_shape_simple_fn((width, classes), || normal(&mut rng) as f32);
        let bias = Array1::zeros(classes);
        FineTuned { encoder, head, bias, epochs: Vec::new(), kept: 0 }
    }

    /// The gradient is what differences say, in every tensor of every layer.
    #[test]
    fn gradients_are_differences() {
        let sentences = ["the guest was not unable!", "a bed for every guest", "abc abc", "film a"];
        for name in ["bert", "bert-cls", "distilbert"] {
            let tuned = start(model(name), 3);
            let items = items(&tuned.encoder, &sentences, &[0, 2, 1, 0], 0).unwrap();
            let all = [0, 1, 2, 3];
            let gradient = tuned.gradient(&items, &all, 0);
            let mut checked = 0;
            for layer in 0..2 {
                for part in 0..backward::PARTS {
                    let of_part = &gradient.layers[layer][part];
                    // The largest: there rounding matters least.
                    let at = (0..of_part.len())
                        .max_by(|&a, &b| of_part[a].abs().total_cmp(&of_part[b].abs()))
                        .unwrap();
                    let moved = |by: f32| {
                        let mut moved = tuned.clone();
                        let layer = &mut moved.encoder.parameters.layers[layer];
                        let [..] = backward::parts(layer);
                        let numbers = backward::parts(layer).into_iter().nth(part).unwrap();
                        numbers.to_mut()[at] += by;
                        moved.losses(&items, &all, 0).0
                    };
                    let by = 4e-3;
                    let difference = (moved(by) - moved(-by)) / (2.0 * f64::from(by));
                    let found = f64::from(of_part[at]);
                    // The loss is of f32 rows: 1e-6 / 4e-3 of absolute error, and the cubic term.
                    assert!(
                        (found - difference).abs() < 2e-3 + 2e-2 * difference.abs(),
                        "{name} layer {layer} part {part}: {found}, differences {difference}"
                    );
                    checked += usize::from(difference.abs() > 1e-2);
                }
            }
            // A key's bias has no effect: it adds the same to all of a query's scores.
            assert!(checked >= 24, "{name}: only {checked} gradients were large enough to tell");
        }
    }

    fn task() -> (Vec<String>, Vec<usize>) {
        let words = ["guest", "bed", "film", "the", "a", "is", "for", "every"];
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut sentences = Vec::new();
        let mut labels = Vec::new();
        for at in 0..80 {
            let mut sentence: Vec<&str> =
                (0..6).map(|_| words[rng.random_range(0..words.len())]).collect();
            // Only the order tells the classes apart.
            let pair = if at % 2 == 0 { ["not", "good"] } else { ["good", "not"] };
            let place = rng.random_range(0..=sentence.len());
            sentence.splice(place..place, pair);
            sentences.push(sentence.join(" "));
            labels.push(at % 2);
        }
        (sentences, labels)
    }

    #[test]
    fn training_learns_what_a_frozen_encoder_does_not_show() {
        let (sentences, labels) = task();
        let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
        let model = model("bert");
        let settings =
            FineTune { epochs: 30, rate: 3e-3, held_out: 0.0, patience: 30, ..FineTune::default() };
        let fit = |settings: &FineTune| {
            settings.fit(&model, &sentences, &labels, &mut |_| ControlFlow::Continue(())).unwrap()
        };
        let right = |tuned: &FineTuned| {
            let predicted = tuned.predict(&sentences).unwrap();
            predicted.iter().zip(&labels).filter(|(a, b)| a == b).count()
        };
        let all = fit(&settings);
        assert!(right(&all) >= 78, "{} of 80: {:?}", right(&all), all.epochs.last());
        let frozen = fit(&FineTune { layers: Some(0), ..settings.clone() });
        assert!(right(&frozen) < right(&all), "{}", right(&frozen));
        // Only the last layer moved.
        let last = fit(&FineTune { layers: Some(1), epochs: 2, ..settings.clone() });
        let same = |layer: usize| {
            let [was, is] = [&model, &last.encoder].map(|m| &m.parameters.layers[layer].up.weight);
            was[..] == is[..]
        };
        assert!(same(0) && !same(1));

        // The same bits for one thread and for four.
        let few = FineTune { epochs: 2, held_out: 0.2, ..settings };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&few))
        };
        let (one, four) = (on(1), on(4));
        assert_eq!(one.epochs, four.epochs);
        assert_eq!(one.probabilities(&sentences).unwrap(), four.probabilities(&sentences).unwrap());

        // Saved and opened again it is the same encoder.
        let folder = tempfile::tempdir().unwrap();
        all.encoder.save(folder.path()).unwrap();
        let again = Bert::open(folder.path()).unwrap();
        assert_eq!(again.encode(&sentences).unwrap(), all.encoder.encode(&sentences).unwrap());
    }

    #[test]
    fn the_observer_may_end_it_and_the_best_is_kept() {
        let (sentences, labels) = task();
        let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
        let model = model("bert").randomized(4);
        let mut seen = 0;
        let tuned = FineTune::default()
            .fit(&model, &sentences, &labels, &mut |epoch| {
                seen += 1;
                if epoch.number == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        assert_eq!((seen, tuned.epochs.len()), (2, 2));
        let least = tuned.epochs.iter().map(|e| e.held_out_loss).fold(f64::INFINITY, f64::min);
        assert_eq!(tuned.epochs[tuned.kept - 1].held_out_loss, least);
    }

    #[test]
    fn settings_and_labels_are_checked() {
        let model = model("bert");
        let fit = |settings: &FineTune, labels: &[usize]| {
            let sentences = ["a", "the", "bed", "film"];
            let fitted =
                settings.fit(&model, &sentences, labels, &mut |_| ControlFlow::Continue(()));
            fitted.unwrap_err().to_string()
        };
        let good = FineTune::default();
        assert_eq!(fit(&good, &[0, 1]), "labels: expected 4, found 2");
        assert_eq!(fit(&good, &[1, 1, 1, 1]), "classes: expected 2, found 1");
        let told = fit(&FineTune { rate: 0.0, ..good.clone() }, &[0, 1, 0, 1]);
        assert_eq!(told, "rate: expected a number above 0, found 0");
        let told = fit(&FineTune { held_out: 1.0, ..good }, &[0, 1, 0, 1]);
        assert_eq!(told, "held_out: expected a share from 0 to below 1, found 1");
    }
}
