//! Which part of a passage answers a question, by marks of start and end upon encoders.

use std::{ops::Range, path::Path, time::Instant};

use procrust_datasets::{SquadPassage, read_squad, span_passages};
use procrust_text::{Bert, SpanQuestion, SpanReader, TextError, best_answer};

use procrust_runner::{Finding, Progress, in_full};

use crate::{
    shared::{
        sentences::Encoder,
        text::{TextDataError, failed, mean_of},
    },
    spans::plan::SpansPlan,
    tuning::{plan::TuneMethod, run::Told},
};

/// The only task.
pub(crate) const TASK: &str = "spans";
const METRICS: [&str; 2] = ["exact-match", "f1"];

/// Questions over passages, and the encoders.
#[derive(Debug)]
pub struct Spans {
    /// What a reader of the results should know about the data.
    pub notes: Vec<String>,
    passages: Vec<SquadPassage>,
    /// The first passages are learned from and these are tested; those of each fold where there are none.
    tested: Option<Range<usize>>,
    models: Vec<Option<Bert>>,
    labels: Vec<String>,
}

/// Passages to learn from and to test on.
type Part<'a> = (Vec<&'a SquadPassage>, Vec<&'a SquadPassage>);

impl Spans {
    pub(crate) fn load(plan: &SpansPlan, most: Option<usize>) -> Result<Self, TextDataError> {
        let read = |file: Option<&Path>| match file {
            Some(file) => read_squad(file),
            None => span_passages(),
        };
        let cut = |mut passages: Vec<SquadPassage>| {
            let mut left = most.unwrap_or(usize::MAX);
            for passage in &mut passages {
                passage.questions.truncate(left);
                left -= passage.questions.len();
            }
            passages.retain(|passage| !passage.questions.is_empty());
            passages
        };
        let mut passages = cut(read(plan.file.as_deref())?);
        let count = |passages: &[SquadPassage]| {
            let questions = passages.iter().flat_map(|passage| &passage.questions);
            let unanswered = questions.clone().filter(|question| question.answers.is_empty());
            (questions.count(), unanswered.count())
        };
        let said = |passages: &[SquadPassage]| {
            let (questions, unanswered) = count(passages);
            let without = match unanswered {
                0 => String::new(),
                some => format!(", {some} of them without an answer"),
            };
            format!("{questions} questions over {} passages{without}", passages.len())
        };
        let mut notes = vec![said(&passages)];
        let mut tested = None;
        if let Some(file) = &plan.test {
            let test = cut(read(Some(file))?);
            notes = vec![format!("learned from: {}", notes[0]), format!("tested: {}", said(&test))];
            let start = passages.len();
            passages.extend(test);
            tested = Some(start..passages.len());
        } else if passages.len() < plan.folds {
            return Err(TextDataError::Folds { folds: plan.folds, passages: passages.len() });
        }
        let mut models = Vec::new();
        for encoder in &plan.encoders {
            models.push(match Encoder::load(encoder)? {
                Encoder::Bert(model) => Some(*model),
                Encoder::Words { .. } | Encoder::Onnx(_) => None,
            });
        }
        Ok(Self { notes, passages, tested, models, labels: plan.labels() })
    }

    /// What is learned from and tested: once, or fold by fold.
    fn parts(&self, plan: &SpansPlan) -> Vec<Part<'_>> {
        match &self.tested {
            Some(tested) => {
                let (train, test) = self.passages.split_at(tested.start);
                vec![(train.iter().collect(), test.iter().collect())]
            }
            None => {
                let part = |fold: usize| {
                    let all = self.passages.iter().enumerate();
                    // By passages: none is both learned from and tested.
                    let (test, train): (Vec<_>, Vec<_>) =
                        all.partition(|(at, _)| at % plan.folds == fold);
                    let plain = |some: Vec<(usize, _)>| some.into_iter().map(|(_, p)| p).collect();
                    (plain(train), plain(test))
                };
                (0..plan.folds).map(part).collect()
            }
        }
    }

    /// Questions that a run of this cell goes through at most.
    pub(crate) fn work(&self, plan: &SpansPlan, cell: usize) -> usize {
        let method = &plan.methods[plan.cells[cell].1];
        let parts = self.parts(plan);
        parts.iter().map(|(train, _)| method.work(examples(train).len())).sum()
    }

    pub(crate) fn run(
        &self,
        plan: &SpansPlan,
        cell: usize,
        seed: u64,
        progress: &Progress,
    ) -> Vec<Finding> {
        let started = Instant::now();
        let (mut exact, mut f1, mut warnings, mut remarks) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (encoder, method) = plan.cells[cell];
        let mut seconds = 0.0;
        for (fold, (train, test)) in self.parts(plan).into_iter().enumerate() {
            let label = match self.tested {
                Some(_) => self.labels[cell].clone(),
                None => format!("{}, part {} of {}", self.labels[cell], fold + 1, plan.folds),
            };
            let found = self.learn(&plan.methods[method], encoder, &train, seed, &label, progress);
            let found = found.and_then(|(reader, warning)| {
                warnings.extend(warning);
                if let Some(folder) = &plan.save {
                    let name = crate::shared::text::file_name(&self.labels[cell]);
                    let folder = folder.join(format!("{name}-seed-{seed}"));
                    reader.save(&folder)?;
                    remarks.push(format!("the model is in {}", folder.display()));
                }
                seconds = started.elapsed().as_secs_f64();
                ask(&reader, &test, examples(&train).iter().any(|q| q.answer.is_none()))
            });
            match found {
                Ok(scores) => scores.into_iter().for_each(|(is_exact, of_words)| {
                    exact.push(f32::from(u8::from(is_exact)));
                    f1.push(of_words);
                }),
                Err(error) => {
                    let error = in_full(&error);
                    return METRICS.map(|metric| failed(metric, error.clone())).to_vec();
                }
            }
        }
        let finding = |(metric, items)| Finding {
            fit_seconds: Some(seconds),
            warnings: warnings.clone(),
            remarks: remarks.clone(),
            ..mean_of(metric, items)
        };
        METRICS.into_iter().zip([exact, f1]).map(finding).collect()
    }

    fn learn(
        &self,
        method: &TuneMethod,
        encoder: usize,
        train: &[&SquadPassage],
        seed: u64,
        label: &str,
        progress: &Progress,
    ) -> Result<(SpanReader, Option<String>), TextError> {
        let model = self.models[encoder].as_ref().expect("it can be trained on");
        let (settings, scratch) = method.training().expect("for spans a head is always trained");
        let examples = examples(train);
        let (training, learned) = settings.of(examples.len(), seed);
        let model = if scratch { &model.randomized(seed) } else { model };
        let mut told = Told::new(label, method.work(examples.len()), progress);
        let fitted = training
            .fit_spans(model, &examples, &mut |event| told.hear(&training, learned, event))
            .map(|reader| {
                let warning = told.cut_short(&reader.epochs, reader.kept);
                (reader, warning)
            });
        told.done();
        fitted
    }
}

/// Every question with its first answer.
fn examples<'a>(passages: &[&'a SquadPassage]) -> Vec<SpanQuestion<'a>> {
    let of = |passage: &'a SquadPassage| {
        passage.questions.iter().map(|question| SpanQuestion {
            question: &question.text,
            passage: &passage.text,
            answer: question.answers.first().map(|a| a.start..a.start + a.text.len()),
        })
    };
    passages.iter().copied().flat_map(of).collect()
}

/// Of each question whether its answer is exact, and its F1. Nothing is an answer only if it may be (`none`).
fn ask(
    reader: &SpanReader,
    test: &[&SquadPassage],
    none: bool,
) -> Result<Vec<(bool, f32)>, TextError> {
    let pairs: Vec<(&str, &str)> = test
        .iter()
        .flat_map(|passage| {
            passage.questions.iter().map(|q| (q.text.as_str(), passage.text.as_str()))
        })
        .collect();
    let found = reader.read(&pairs)?;
    let questions = test.iter().flat_map(|passage| &passage.questions);
    let score =
        |((found, question), (_, passage)): ((&procrust_text::FoundSpan, _), &(&str, &str))| {
            let question: &procrust_datasets::SquadQuestion = question;
            let answer = match none && found.margin < 0.0 {
                true => "",
                false => &passage[found.place.clone()],
            };
            let right: Vec<&str> = question.answers.iter().map(|a| a.text.as_str()).collect();
            let (exact, f1) = best_answer(answer, &right);
            #[allow(clippy::cast_possible_truncation, reason = "a rate keeps enough digits")]
            let f1 = f1 as f32;
            (exact, f1)
        };
    Ok(found.iter().zip(questions).zip(&pairs).map(score).collect())
}
