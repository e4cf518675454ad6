//! Marks of start and end upon an encoder: which part of a passage answers a question.

use std::{
    ops::{ControlFlow, Range},
    path::Path,
};

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    Bert, forward,
    forward::{Batch, Room},
    output::Output,
    training::{Epoch, FineTune, Head, Item, Trained, Tuning, cross_entropy},
};
use crate::TextError;

/// Tokens of a question that are read at most.
const MOST_OF_QUESTION: usize = 64;
/// A window's passage tokens less these are where the next one begins: so many stand in both.
const SHARED: usize = 128;
/// Tokens of an answer at most.
const MOST_OF_ANSWER: usize = 30;

/// A question to learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanQuestion<'a> {
    /// The question.
    pub question: &'a str,
    /// The text that is searched.
    pub passage: &'a str,
    /// Where the answer stands in it, in bytes; `None` where it has none.
    pub answer: Option<Range<usize>>,
}

/// The part of a passage that answers a question best.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FoundSpan {
    /// Where it stands, in bytes.
    pub place: Range<usize>,
    /// How much better its scores are than those of "no answer": below 0, there is rather none.
    pub margin: f32,
}

/// An encoder that was trained on, and its marks of start and end.
#[derive(Debug, Clone)]
pub struct SpanReader {
    /// The encoder: it may be saved, and opened again.
    pub encoder: Bert,
    head: Marks,
    /// Every epoch, in order.
    pub epochs: Vec<Epoch>,
    /// The one that was kept, from 1.
    pub kept: usize,
}

/// A score of each token as start and one as end.
#[derive(Debug, Clone)]
struct Marks {
    /// Of two scores.
    output: Output,
}

/// Where the answer starts and ends among a window's tokens, and which of these belong to the passage. The first
/// token of all stands for "no answer".
#[derive(Debug, Clone)]
struct Window {
    start: usize,
    end: usize,
    passage: Range<usize>,
}

impl Marks {
    /// Scores of each token, tokens × 2.
    fn scores(&self, rows: ArrayView2<'_, f32>) -> Array2<f32> {
        rows.dot(&self.output.weight) + &self.output.bias
    }
}

impl Head for Marks {
    type Target = Window;

    fn tensors(&mut self) -> Vec<(&mut [f32], bool)> {
        self.output.tensors()
    }

    fn lengths(&self) -> Vec<usize> {
        self.output.lengths()
    }

    /// The mean of both losses, over the passage's tokens and the first of all.
    fn loss(
        &self,
        rows: ArrayView2<'_, f32>,
        window: &Window,
        gradient: Option<(ArrayViewMut2<'_, f32>, &mut [Vec<f32>])>,
    ) -> (f64, bool) {
        let mut scores = self.scores(rows);
        let (mut loss, mut all_right) = (0.0, true);
        for (side, target) in [window.start, window.end].into_iter().enumerate() {
            let mut column = scores.column_mut(side);
            // A question's own tokens and the last mark are no candidates.
            let candidate = |at: usize| at == 0 || window.passage.contains(&at);
            let mut shares: Vec<f32> = column.to_vec();
            for (at, share) in shares.iter_mut().enumerate() {
                if !candidate(at) {
                    *share = f32::NEG_INFINITY;
                }
            }
            let (of_side, right) = cross_entropy(&mut shares, target);
            loss += 0.5 * of_side;
            all_right &= right;
            column.iter_mut().zip(&shares).for_each(|(score, share)| *score = 0.5 * share);
        }
        let Some((mut back, of)) = gradient else { return (loss, all_right) };
        let of_weight = rows.t().dot(&scores);
        of[0].iter_mut().zip(&of_weight).for_each(|(of, value)| *of += value);
        for row in scores.rows() {
            of[1].iter_mut().zip(row).for_each(|(of, value)| *of += value);
        }
        back.assign(&scores.dot(&self.output.weight.t()));
        (loss, all_right)
    }
}

/// A question and a part of its passage, as the encoder reads them.
struct Cut {
    ids: Vec<u32>,
    /// Which tokens are the passage's: there the second segment begins.
    passage: Range<usize>,
    /// Where each of these stands in the passage, in bytes.
    places: Vec<(usize, usize)>,
}

/// The mark of start, the question, a mark, some of the passage, a mark; as many windows as the passage needs.
fn windows(model: &Bert, question: &str, passage: &str) -> Option<Vec<Cut>> {
    let most = model.most_tokens();
    let asked = model.reading.pieces.tokens(question, MOST_OF_QUESTION.min(most / 2));
    let text = model.reading.pieces.tokens(passage, usize::MAX);
    if asked.whole == 0 || text.whole == 0 {
        return None;
    }
    let (before, after) = model.reading.pieces.marks();
    let last = text.ids.len() - after;
    let (ids, places) = (&text.ids[before..last], &text.places[before..last]);
    let room = most.saturating_sub(asked.ids.len() + after).max(1);
    let step = room.saturating_sub(SHARED).max(room / 2).max(1);
    let mut cuts = Vec::new();
    let mut start = 0;
    loop {
        let end = (start + room).min(ids.len());
        let mut all = asked.ids.clone();
        let first = all.len();
        all.extend_from_slice(&ids[start..end]);
        let passage = first..all.len();
        all.extend_from_slice(&text.ids[last..]);
        cuts.push(Cut { ids: all, passage, places: places[start..end].to_vec() });
        if end == ids.len() {
            return Some(cuts);
        }
        start += step;
    }
}

impl Cut {
    /// The tokens that hold the answer; those of "no answer" where this part does not hold all of it.
    fn window(&self, answer: Option<&Range<usize>>) -> Window {
        let passage = self.passage.clone();
        let none = Window { start: 0, end: 0, passage: passage.clone() };
        let Some(answer) = answer else { return none };
        let inside = |&(start, end): &(usize, usize)| start < answer.end && end > answer.start;
        let first = self.places.iter().position(inside);
        let last = self.places.iter().rposition(inside);
        let (Some(first), Some(last)) = (first, last) else { return none };
        let whole = self.places[first].0 <= answer.start && self.places[last].1 >= answer.end;
        // What is cut off at a window's edge begins or goes on outside.
        let cut = !whole && (first == 0 || last + 1 == self.places.len());
        match cut {
            true => none,
            false => Window { start: passage.start + first, end: passage.start + last, passage },
        }
    }
}

impl FineTune {
    /// Trains marks of start and end upon `model`, and the model on.
    ///
    /// A model reads the question as its first segment and the passage as its second; a passage that is too long is
    /// read in windows that share tokens, and a window without the whole answer has none. The first token stands for "no
    /// answer". Windows of one question are held out together.
    ///
    /// Devlin, Chang, Lee and Toutanova (2019), "BERT", NAACL, arXiv:1810.04805, sections 4.2 and 4.3.
    ///
    /// # Errors
    ///
    /// [`TextError::Size`] for fewer than 4 questions, or an answer outside its passage; [`TextError::Empty`] for a
    /// question or passage without a token, by the question's place; [`TextError::Setting`];
    /// [`TextError::NonFinite`] when training diverged.
    pub fn fit_spans(
        &self,
        model: &Bert,
        questions: &[SpanQuestion<'_>],
        observer: &mut dyn FnMut(&Tuning) -> ControlFlow<()>,
    ) -> Result<SpanReader, TextError> {
        self.check()?;
        let size = |what, expected, found| Err(TextError::Size { what, expected, found });
        if questions.len() < 4 {
            return size("questions to train on", 4, questions.len());
        }
        for question in questions {
            let length = question.passage.len();
            let answer = question.answer.clone().unwrap_or_default();
            if answer.end > length || answer.start > answer.end {
                return size("an answer's end, which lies in its passage", length, answer.end);
            }
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let head = Marks { output: Output::random(model.config.hidden, 2, &mut rng) };
        let trained = Trained { encoder: model.clone(), head, first: self.first_of(model) };
        let (mut items, groups) = items(model, questions)?;
        trained.prepare(&mut items);
        let history = self.train(trained, &items, &groups, rng, observer)?;
        let Trained { encoder, head, .. } = history.trained;
        Ok(SpanReader { encoder, head, epochs: history.epochs, kept: history.kept })
    }
}

/// Windows, and where those of each question stand.
type Grouped = (Vec<Item<Window>>, Vec<Range<usize>>);

/// Every question's windows, and where they stand.
fn items(model: &Bert, questions: &[SpanQuestion<'_>]) -> Result<Grouped, TextError> {
    let cut = |asked: &SpanQuestion<'_>| windows(model, asked.question, asked.passage);
    let cuts: Vec<Option<Vec<Cut>>> = questions.par_iter().map(cut).collect();
    let (mut items, mut groups) = (Vec::new(), Vec::new());
    for (at, (cuts, asked)) in cuts.into_iter().zip(questions).enumerate() {
        let cuts = cuts.ok_or(TextError::Empty { line: at + 1 })?;
        let start = items.len();
        for cut in cuts {
            let target = cut.window(asked.answer.as_ref());
            items.push(Item::new(cut.ids, cut.passage.start, target));
        }
        groups.push(start..items.len());
    }
    Ok((items, groups))
}

impl SpanReader {
    /// The best part of each passage, for pairs of a question and a passage: the one whose scores as start and end
    /// have the largest sum, of at most 30 tokens. Of equal ones it is the first.
    ///
    /// # Errors
    ///
    /// [`TextError::Empty`] for a question or passage without a token, by the pair's place;
    /// [`TextError::NonFinite`].
    pub fn read(&self, pairs: &[(&str, &str)]) -> Result<Vec<FoundSpan>, TextError> {
        let find = |(at, &(question, passage)): (usize, &(&str, &str))| {
            let line = at + 1;
            let cuts =
                windows(&self.encoder, question, passage).ok_or(TextError::Empty { line })?;
            let mut room = Room::default();
            let mut best: Option<(f32, Range<usize>)> = None;
            let mut none = f32::INFINITY;
            for cut in &cuts {
                let of_none;
                (of_none, best) = self.search(cut, &mut room, best);
                none = none.min(of_none);
            }
            match best.filter(|(score, _)| score.is_finite() && none.is_finite()) {
                Some((score, place)) => Ok(FoundSpan { place, margin: score - none }),
                None => Err(TextError::NonFinite { line }),
            }
        };
        pairs.par_iter().enumerate().map(find).collect()
    }

    /// The score of "no answer", and the better of what was found before and what is found here.
    fn search(
        &self,
        cut: &Cut,
        room: &mut Room,
        mut best: Option<(f32, Range<usize>)>,
    ) -> (f32, Option<(f32, Range<usize>)>) {
        let Bert { config, parameters, .. } = &self.encoder;
        let batch = Batch::of_pairs(std::iter::once((cut.ids.as_slice(), cut.passage.start)));
        let rows = forward::run(config, parameters, &batch, room);
        let scores = self.head.scores(forward::view(rows, config.hidden));
        let first = cut.passage.start;
        for start in 0..cut.places.len() {
            for end in start..(start + MOST_OF_ANSWER).min(cut.places.len()) {
                let score = scores[[first + start, 0]] + scores[[first + end, 1]];
                if best.as_ref().is_none_or(|(most, _)| score > *most) {
                    best = Some((score, cut.places[start].0..cut.places[end].1));
                }
            }
        }
        (scores[[0, 0]] + scores[[0, 1]], best)
    }

    /// Writes the encoder as [`Bert::save`] does, and beside it the marks as `spans.safetensors`: `weight`,
    /// 2 × columns, and `bias`.
    ///
    /// # Errors
    ///
    /// [`TextError::Write`] with the file.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<(), TextError> {
        let folder = folder.as_ref();
        self.encoder.save(folder)?;
        self.head.output.save(&folder.join(MARKS))
    }

    /// Opens what [`SpanReader::save`] wrote; its history is not kept.
    ///
    /// # Errors
    ///
    /// As [`Bert::open`], and [`TextError::Read`], [`TextError::NoTensor`] and [`TextError::Shape`] of the
    /// marks.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, TextError> {
        let folder = folder.as_ref();
        let encoder = Bert::open(folder)?;
        let output = Output::open(&folder.join(MARKS), encoder.config.hidden, Some(2))?;
        Ok(Self { encoder, head: Marks { output }, epochs: Vec::new(), kept: 0 })
    }
}

const MARKS: &str = "spans.safetensors";

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use ndarray::Array1;

    use super::{
        super::{backward, training::normal},
        *,
    };

    fn model(name: &str) -> Bert {
        Bert::open(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name))
            .unwrap()
    }

    /// The answer is the word behind `not`; some passages have none.
    fn task() -> Vec<(String, Option<Range<usize>>)> {
        let words = ["guest", "bed", "film", "great", "cafe"];
        let passage = |at: usize| {
            let mut text = String::new();
            let (place, mut answer) = (at / 5 % 4, None);
            for word in 0..5 {
                if word == place && !at.is_multiple_of(7) {
                    text.push_str("not ");
                    let found = words[(at + word) % 5];
                    answer = Some(text.len()..text.len() + found.len());
                }
                text.push_str(words[(at + word) % 5]);
                text.push(' ');
            }
            (text, answer)
        };
        (0..70).map(passage).collect()
    }

    /// The same question of each passage.
    fn asked(task: &[(String, Option<Range<usize>>)]) -> Vec<SpanQuestion<'_>> {
        task.iter()
            .map(|(passage, answer)| SpanQuestion {
                question: "was it able?",
                passage,
                answer: answer.clone(),
            })
            .collect()
    }

    #[test]
    fn gradients_are_differences() {
        for name in ["bert", "distilbert"] {
            let encoder = model(name);
            let task = task();
            let questions = asked(&task[..3]);
            let (items, _) = items(&encoder, &questions).unwrap();
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            #[allow(clippy::cast_possible_truncation, reason = "weights are f32")]
            let weight = Array2::from_shape_simple_fn((encoder.config.hidden, 2), || {
                normal(&mut rng) as f32
            });
            let head = Marks { output: Output { weight, bias: Array1::from_vec(vec![0.1, -0.2]) } };
            let trained = Trained { encoder, head, first: 0 };
            let all = [0, 1, 2];
            let mut gradient = trained.room();
            trained.gradient(&items, &all, &mut gradient);
            let heads = 2 * backward::PARTS;
            let mut checked = 0;
            for (tensor, of_tensor) in gradient.tensors.iter().enumerate() {
                let at = (0..of_tensor.len())
                    .max_by(|&a, &b| of_tensor[a].abs().total_cmp(&of_tensor[b].abs()))
                    .unwrap();
                let moved = |by: f32| {
                    let mut moved = trained.clone();
                    if tensor >= heads {
                        moved.head.tensors()[tensor - heads].0[at] += by;
                    } else {
                        let layer = &mut moved.encoder.parameters.layers[tensor / backward::PARTS];
                        let numbers =
                            backward::parts(layer).into_iter().nth(tensor % backward::PARTS);
                        numbers.unwrap().to_mut()[at] += by;
                    }
                    moved.losses(&items, &all).0
                };
                let by = 4e-3;
                let difference = (moved(by) - moved(-by)) / (2.0 * f64::from(by));
                let found = f64::from(of_tensor[at]);
                assert!(
                    (found - difference).abs() < 2e-3 + 2e-2 * difference.abs(),
                    "{name} tensor {tensor}: {found}, differences {difference}"
                );
                checked += usize::from(difference.abs() > 1e-2);
            }
            assert!(checked >= 26, "{name}: only {checked} gradients were large enough to tell");
        }
    }

    #[test]
    fn spans_are_learned_saved_and_opened() {
        let task = task();
        let questions = asked(&task);
        let settings =
            FineTune { epochs: 40, rate: 3e-3, held_out: 0.0, patience: 40, ..FineTune::default() };
        let (train, test) = questions.split_at(50);
        let fitted =
            settings.fit_spans(&model("bert"), train, &mut |_| ControlFlow::Continue(())).unwrap();
        let pairs: Vec<(&str, &str)> = test.iter().map(|q| (q.question, q.passage)).collect();
        let found = fitted.read(&pairs).unwrap();
        let right = found.iter().zip(test).filter(|(found, asked)| match &asked.answer {
            Some(answer) => found.place == *answer && found.margin > 0.0,
            None => found.margin < 0.0,
        });
        let right = right.count();
        assert!(right >= 17, "{right} of 20, {:?}", fitted.epochs.last());

        let folder = tempfile::tempdir().unwrap();
        fitted.save(folder.path()).unwrap();
        assert_eq!(SpanReader::open(folder.path()).unwrap().read(&pairs).unwrap(), found);
    }

    #[test]
    fn long_passages_are_read_in_windows() {
        let model = model("bert").with_most_tokens(24);
        let passage = "the guest was not able ".repeat(20);
        let cuts = windows(&model, "is it a bed?", &passage).unwrap();
        assert!(cuts.len() > 5);
        assert!(cuts.iter().all(|cut| cut.ids.len() <= 24));
        // Every token of the passage stands in one of them, and an answer that one cuts off is whole in another.
        let answer = passage.match_indices("not able").nth(10).unwrap().0;
        let answer = answer..answer + "not able".len();
        let whole: Vec<Window> = cuts
            .iter()
            .map(|cut| cut.window(Some(&answer)))
            .filter(|window| window.start > 0)
            .collect();
        assert!(!whole.is_empty());
        for (cut, window) in cuts.iter().zip(cuts.iter().map(|cut| cut.window(Some(&answer)))) {
            if window.start > 0 {
                let first = cut.places[window.start - cut.passage.start].0;
                let last = cut.places[window.end - cut.passage.start].1;
                assert_eq!(&passage[first..last], "not able");
            }
        }
        let covered: std::collections::BTreeSet<_> =
            cuts.iter().flat_map(|cut| cut.places.clone()).collect();
        assert_eq!(covered.len(), model.reading.pieces.tokens(&passage, usize::MAX).whole);
    }

    #[test]
    fn what_cannot_be_learned_from_is_told() {
        let model = model("bert");
        let told = |questions: &[SpanQuestion<'_>]| {
            let fitted = FineTune::default()
                .fit_spans(&model, questions, &mut |_| ControlFlow::Continue(()));
            fitted.unwrap_err().to_string()
        };
        let good = SpanQuestion { question: "a bed?", passage: "the bed", answer: Some(4..7) };
        assert_eq!(told(&vec![good.clone(); 3]), "questions to train on: expected 4, found 3");
        let mut questions = vec![good.clone(); 5];
        questions[2].answer = Some(4..8);
        assert!(told(&questions).contains("an answer's end"), "{}", told(&questions));
        questions[2] = SpanQuestion { passage: " ", answer: None, ..good };
        assert!(told(&questions).contains("line 3"), "{}", told(&questions));
    }
}
