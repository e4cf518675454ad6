//! A classifier upon an encoder, trained with it.

use std::{ops::ControlFlow, path::Path};

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    Bert, Pooling,
    output::Output,
    training::{Epoch, FineTune, Head, Item, Trained, Tuning, cross_entropy},
};
use crate::{Encode, TextError};

/// An encoder that was trained on, and its classifier.
#[derive(Debug, Clone)]
pub struct FineTuned {
    /// The encoder: it may be saved, and opened again.
    pub encoder: Bert,
    head: Classifier,
    /// Every epoch, in order.
    pub epochs: Vec<Epoch>,
    /// The one that was kept, from 1.
    pub kept: usize,
}

/// A linear classifier of the pooled row, which does not get length 1.
#[derive(Debug, Clone)]
struct Classifier {
    output: Output,
    pooling: Pooling,
}

impl Classifier {
    fn pool(&self, rows: ArrayView2<'_, f32>) -> Array1<f32> {
        match self.pooling {
            Pooling::Cls => rows.row(0).to_owned(),
            _ => rows.mean_axis(Axis(0)).expect("a sentence has a token"),
        }
    }
}

impl Head for Classifier {
    type Target = usize;

    fn tensors(&mut self) -> Vec<(&mut [f32], bool)> {
        self.output.tensors()
    }

    fn lengths(&self) -> Vec<usize> {
        self.output.lengths()
    }

    fn loss(
        &self,
        rows: ArrayView2<'_, f32>,
        &label: &usize,
        gradient: Option<(ArrayViewMut2<'_, f32>, &mut [Vec<f32>])>,
    ) -> (f64, bool) {
        let pooled = self.pool(rows);
        let mut scores = pooled.dot(&self.output.weight) + &self.output.bias;
        let found = cross_entropy(scores.as_slice_mut().expect("it was made in one piece"), label);
        let Some((mut back, of)) = gradient else { return found };
        for (of, &value) in of[0].chunks_exact_mut(scores.len()).zip(&pooled) {
            of.iter_mut().zip(&scores).for_each(|(of, score)| *of += value * score);
        }
        of[1].iter_mut().zip(&scores).for_each(|(of, score)| *of += score);
        let of_pooled = self.output.weight.dot(&scores);
        match self.pooling {
            Pooling::Cls => back.row_mut(0).assign(&of_pooled),
            _ => {
                #[allow(clippy::cast_precision_loss, reason = "a sentence has few tokens")]
                let share = 1.0 / rows.nrows() as f32;
                back.rows_mut().into_iter().for_each(|mut row| row.scaled_add(share, &of_pooled));
            }
        }
        found
    }
}

impl FineTune {
    /// Trains on from `model`.
    ///
    /// `labels` are class numbers, one a sentence. The observer is told of every step and epoch and may end
    /// training; the best epoch so far is kept.
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
        observer: &mut dyn FnMut(&Tuning) -> ControlFlow<()>,
    ) -> Result<FineTuned, TextError> {
        check(model, sentences.len(), labels)?;
        self.check()?;
        let classes = labels.iter().max().map_or(0, |most| most + 1);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let output = Output::random(model.config.hidden, classes, &mut rng);
        let head = Classifier { output, pooling: model.pooling() };
        let trained = Trained { encoder: model.clone(), head, first: self.first_of(model) };
        let items = items(&trained, sentences, labels)?;
        let groups: Vec<_> = (0..items.len()).map(|at| at..at + 1).collect();
        let history = self.train(trained, &items, &groups, rng, observer)?;
        let Trained { encoder, head, .. } = history.trained;
        Ok(FineTuned { encoder, head, epochs: history.epochs, kept: history.kept })
    }
}

fn check(model: &Bert, sentences: usize, labels: &[usize]) -> Result<(), TextError> {
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
        return size("a class's number, which is below that of sentences", sentences - 1, label);
    }
    match model.pooling() {
        Pooling::Max => Err(TextError::Setting {
            what: "pooling".into(),
            expected: "the mean or the first token".into(),
            found: "the largest value".into(),
        }),
        _ => Ok(()),
    }
}

fn items(
    trained: &Trained<Classifier>,
    sentences: &[&str],
    labels: &[usize],
) -> Result<Vec<Item<usize>>, TextError> {
    let tokens = trained.encoder.reading.tokenize(sentences)?;
    let item = |(tokens, &label): (super::Tokens, &usize)| {
        let count = tokens.ids.len();
        Item::new(tokens.ids, count, label)
    };
    let mut items: Vec<Item<usize>> = tokens.into_iter().zip(labels).map(item).collect();
    trained.prepare(&mut items);
    Ok(items)
}

impl FineTuned {
    /// The probability of each class, sentences × classes.
    ///
    /// # Errors
    ///
    /// As [`Encode::encode`] of the encoder.
    pub fn probabilities(&self, sentences: &[&str]) -> Result<Array2<f32>, TextError> {
        let rows = self.encoder.clone().with_unit_rows(false).encode(sentences)?.rows;
        let mut scores = rows.dot(&self.head.output.weight) + &self.head.output.bias;
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

    /// Writes the encoder as [`Bert::save`] does, and beside it the classifier as `classifier.safetensors`: `weight`,
    /// classes × columns, and `bias`.
    ///
    /// # Errors
    ///
    /// [`TextError::Write`] with the file.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<(), TextError> {
        let folder = folder.as_ref();
        self.encoder.save(folder)?;
        self.head.output.save(&folder.join(CLASSIFIER))
    }

    /// Opens what [`FineTuned::save`] wrote; its history is not kept.
    ///
    /// # Errors
    ///
    /// As [`Bert::open`], and [`TextError::Read`], [`TextError::NoTensor`] and [`TextError::Shape`] of the
    /// classifier.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, TextError> {
        let folder = folder.as_ref();
        let encoder = Bert::open(folder)?;
        let output = Output::open(&folder.join(CLASSIFIER), encoder.config.hidden, None)?;
        let head = Classifier { output, pooling: encoder.pooling() };
        Ok(Self { encoder, head, epochs: Vec::new(), kept: 0 })
    }
}

const CLASSIFIER: &str = "classifier.safetensors";

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rand::{RngExt, SeedableRng};

    use super::{
        super::{backward, training::normal},
        *,
    };

    fn model(name: &str) -> Bert {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        Bert::open(folder.join(name)).unwrap()
    }

    fn start(encoder: Bert, classes: usize) -> Trained<Classifier> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let width = encoder.config.hidden;
        #[allow(clippy::cast_possible_truncation, reason = "weights are f32")]
        let weight = Array2::from_shape_simple_fn((width, classes), || normal(&mut rng) as f32);
        let output = Output { weight, bias: Array1::zeros(classes) };
        let head = Classifier { output, pooling: encoder.pooling() };
        Trained { encoder, head, first: 0 }
    }

    /// The gradient is what differences say, in every tensor of every layer.
    #[test]
    fn gradients_are_differences() {
        let sentences = ["the guest was not unable!", "a bed for every guest", "abc abc", "film a"];
        for name in ["bert", "bert-cls", "distilbert"] {
            let tuned = start(model(name), 3);
            let items = items(&tuned, &sentences, &[0, 2, 1, 0]).unwrap();
            let all = [0, 1, 2, 3];
            let mut gradient = tuned.room();
            tuned.gradient(&items, &all, &mut gradient);
            let mut checked = 0;
            for layer in 0..2 {
                for part in 0..backward::PARTS {
                    let of_part = &gradient.tensors[layer * backward::PARTS + part];
                    // The largest: there rounding matters least.
                    let at = (0..of_part.len())
                        .max_by(|&a, &b| of_part[a].abs().total_cmp(&of_part[b].abs()))
                        .unwrap();
                    let moved = |by: f32| {
                        let mut moved = tuned.clone();
                        let layer = &mut moved.encoder.parameters.layers[layer];
                        let numbers = backward::parts(layer).into_iter().nth(part).unwrap();
                        numbers.to_mut()[at] += by;
                        moved.losses(&items, &all).0
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
            .fit(&model, &sentences, &labels, &mut |told| {
                let Tuning::Epoch(epoch) = told else { return ControlFlow::Continue(()) };
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
