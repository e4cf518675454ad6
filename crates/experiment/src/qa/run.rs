//! Which sentence answers: in the question's own passage, and among those of all passages.

use std::time::Instant;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use procrust_datasets::Passage;

use procrust_runner::Finding;

use crate::{
    qa::plan::{QaMethod, QaPlan},
    shared::{
        sentences::Encoder,
        text::{TextDataError, mean_of},
    },
};

/// Where the sentence is looked for.
pub(crate) const TASKS: [&str; 2] = ["in the passage", "in all passages"];

/// Questions and sentences as unit rows, once for every encoder.
#[derive(Debug)]
pub struct Answers {
    /// What a reader of the results should know about the data.
    pub notes: Vec<String>,
    encoded: Vec<[Array2<f32>; 2]>,
    /// Where each passage's sentences start, and the end.
    starts: Vec<usize>,
    /// Each question's passage and the sentence that answers it, counted over all passages.
    asked: Vec<(usize, usize)>,
}

impl Answers {
    pub(crate) fn load(plan: &QaPlan, most: Option<usize>) -> Result<Self, TextDataError> {
        let passages: Vec<Passage> = match &plan.file {
            None => procrust_datasets::answer_passages()?,
            Some(file) => procrust_datasets::read_passages(file)?,
        };
        if passages.len() < plan.folds {
            let (folds, passages) = (plan.folds, passages.len());
            return Err(TextDataError::Folds { folds, passages });
        }
        let (mut sentences, mut questions) = (Vec::new(), Vec::new());
        let (mut starts, mut asked) = (vec![0], Vec::new());
        for (at, passage) in passages.iter().enumerate() {
            let start = sentences.len();
            sentences.extend(passage.sentences.iter().map(String::as_str));
            starts.push(sentences.len());
            for question in &passage.questions {
                questions.push(question.text.as_str());
                asked.push((at, start + question.answer));
            }
        }
        let most = most.unwrap_or(usize::MAX).min(questions.len());
        questions.truncate(most);
        asked.truncate(most);
        let mut encoded = Vec::new();
        for encoder in &plan.encoders {
            let encoder = Encoder::load(encoder)?;
            // One call: means of word vectors count the words of both.
            let all: Vec<&str> = questions.iter().chain(&sentences).copied().collect();
            let mut rows = encoder.encode(&all)?.rows;
            unit(&mut rows);
            let (asked, answers) = rows.view().split_at(Axis(0), questions.len());
            encoded.push([asked.to_owned(), answers.to_owned()]);
        }
        let notes = vec![format!(
            "{} questions over {} passages of {} sentences",
            questions.len(),
            passages.len(),
            sentences.len()
        )];
        Ok(Self { notes, encoded, starts, asked })
    }

    pub(crate) fn run(&self, plan: &QaPlan, task: usize, method: usize) -> Vec<Finding> {
        let (encoder, method) = (method / plan.methods.len(), method % plan.methods.len());
        let [questions, sentences] = &self.encoded[encoder];
        let started = Instant::now();
        let (asked, seconds) = match plan.methods[method] {
            QaMethod::Cosine => (questions.clone(), None),
            QaMethod::Head { l2 } => {
                let mut mapped = questions.clone();
                for fold in 0..plan.folds {
                    // By passages: no sentence is both trained on and tested.
                    let head = self.train(encoder, l2, |passage| passage % plan.folds != fold);
                    for (at, &(passage, _)) in self.asked.iter().enumerate() {
                        if passage % plan.folds == fold {
                            let row = questions.row(at).mapv(f64::from);
                            let turned = row.dot(&head).mapv(narrow);
                            mapped.row_mut(at).zip_mut_with(&turned, |row, &more| *row += more);
                        }
                    }
                }
                (mapped, Some(started.elapsed().as_secs_f64()))
            }
        };
        let rank = |(at, &(passage, answer)): (usize, &(usize, usize))| {
            let candidates = match task {
                0 => self.starts[passage]..self.starts[passage + 1],
                _ => 0..sentences.nrows(),
            };
            rank(asked.row(at), sentences.view(), candidates, answer)
        };
        let ranks: Vec<usize> = self.asked.iter().enumerate().map(rank).collect();
        let first = ranks.iter().map(|&rank| f32::from(u8::from(rank == 0))).collect();
        #[allow(clippy::cast_precision_loss, reason = "ranks are small")]
        let reciprocal = ranks.iter().map(|&rank| 1.0 / (rank + 1) as f32).collect();
        let findings = [mean_of("p@1", first), mean_of("mrr", reciprocal)];
        findings.map(|finding| Finding { fit_seconds: seconds, ..finding }).to_vec()
    }

    /// The D that makes q·(I + D)·s largest where s answers q, among the sentences of q's passage.
    ///
    /// Minimises the mean over questions of −log softmax(t·q·(I + D)·s), t = 20 as the encoders were
    /// trained with, plus l2·‖D‖²/2 by Nesterov's gradient method; the problem is convex.
    fn train(&self, encoder: usize, l2: f64, takes: impl Fn(usize) -> bool) -> Array2<f64> {
        const SHARPNESS: f64 = 20.0;
        const STEPS: usize = 60;
        let [questions, sentences] =
            self.encoded[encoder].each_ref().map(|rows| rows.mapv(f64::from));
        let width = questions.ncols();
        let asked: Vec<usize> =
            (0..self.asked.len()).filter(|&at| takes(self.asked[at].0)).collect();
        let taken = questions.select(Axis(0), &asked);
        #[allow(clippy::cast_precision_loss, reason = "there are few questions")]
        let count = asked.len().max(1) as f64;
        // Unit rows: a question's loss has a curvature of at most t² times the variance of its sentences.
        let step = 1.0 / (0.5 * SHARPNESS * SHARPNESS * largest_moment(&taken) + l2);
        let mut head = Array2::<f64>::zeros((width, width));
        let mut ahead = head.clone();
        let mut momentum = 1.0_f64;
        for _ in 0..STEPS {
            let turned = taken.dot(&ahead) + &taken;
            // For each question what its sentences' rows weigh in the gradient.
            let mut pulls = Array2::<f64>::zeros((asked.len(), width));
            for (row, &at) in asked.iter().enumerate() {
                let (passage, answer) = self.asked[at];
                let candidates = self.starts[passage]..self.starts[passage + 1];
                let scores: Vec<f64> = candidates
                    .clone()
                    .map(|s| SHARPNESS * turned.row(row).dot(&sentences.row(s)))
                    .collect();
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = scores.iter().map(|score| (score - most).exp()).sum();
                for (s, score) in candidates.zip(&scores) {
                    let share = (score - most).exp() / total - f64::from(u8::from(s == answer));
                    pulls.row_mut(row).scaled_add(share * SHARPNESS / count, &sentences.row(s));
                }
            }
            let gradient = taken.t().dot(&pulls) + &ahead * l2;
            let next = &ahead - &(gradient * step);
            let faster = 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt());
            ahead = &next + &((&next - &head) * ((momentum - 1.0) / faster));
            (head, momentum) = (next, faster);
        }
        head
    }
}

/// The largest eigenvalue of XᵀX / n of unit rows, from above: 1, or by the power method plus a tenth.
fn largest_moment(rows: &Array2<f64>) -> f64 {
    let Some(mut vector) = rows.mean_axis(Axis(0)) else { return 1.0 };
    let mut value = 1.0;
    for _ in 0..30 {
        let length = vector.dot(&vector).sqrt();
        if length <= 0.0 {
            return 1.0;
        }
        vector /= length;
        #[allow(clippy::cast_precision_loss, reason = "there are few rows")]
        let next = rows.t().dot(&rows.dot(&vector)) / rows.nrows() as f64;
        value = vector.dot(&next);
        vector = next;
    }
    (1.1 * value).min(1.0)
}

#[allow(clippy::cast_possible_truncation, reason = "embeddings are f32")]
fn narrow(value: f64) -> f32 {
    value as f32
}

fn unit(rows: &mut Array2<f32>) {
    for mut row in rows.rows_mut() {
        let length = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        if length > 0.0 {
            row.mapv_inplace(|x| narrow(f64::from(x) / length));
        }
    }
}

/// How many candidates come before the answer: better ones, and of equal ones those before it.
fn rank(
    question: ArrayView1<'_, f32>,
    sentences: ArrayView2<'_, f32>,
    candidates: std::ops::Range<usize>,
    answer: usize,
) -> usize {
    let score = |at: usize| -> f64 {
        let pairs = question.iter().zip(sentences.row(at));
        pairs.map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    };
    let right = score(answer);
    candidates
        .filter(|&at| {
            let other = score(at);
            other > right || other == right && at < answer
        })
        .count()
}
