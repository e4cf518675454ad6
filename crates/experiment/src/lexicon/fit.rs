use std::{ops::ControlFlow, time::Instant};

use ndarray::{Array1, Array2, ArrayView2, Axis};
use procrust_align::{
    AffineMap, AlignError, AlignPaired, Alignment, Choice, Diagnosis, Observer, PairFolds, Verdict,
};

use crate::plan::LexiconMethod;

/// What a method learns from: two prepared spaces and pairs of their rows.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// Source rows, most frequent word first.
    pub source: ArrayView2<'a, f32>,
    /// Target rows, most frequent word first.
    pub target: ArrayView2<'a, f32>,
    /// A source row and a target row of every pair; none for methods that go without.
    pub pairs: &'a [(usize, usize)],
    /// Where methods that draw lots begin.
    pub seed: u64,
}

/// What a method learned.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The maps.
    pub alignment: Alignment,
    /// Seconds that the fit took; `None` where nothing is fitted.
    pub seconds: Option<f64>,
    /// What the user should know about it.
    pub warnings: Vec<String>,
    /// What is worth telling though nothing is wrong.
    pub remarks: Vec<String>,
    /// Of a map that was learned without pairs: whether it worked.
    pub diagnosis: Option<Diagnosis>,
}

impl Material<'_> {
    /// Fits a method.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way of the fit.
    pub fn fit(&self, method: &LexiconMethod) -> Result<Fitted, AlignError> {
        self.fit_observed(method, &mut |_| ControlFlow::Continue(()))
    }

    /// Fits a method; the observer sees every round of those that work in rounds and may end them.
    ///
    /// A map that was learned without pairs is then [diagnosed](Diagnosis); one that did not
    /// clearly work has a warning that says so.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub fn fit_observed(
        &self,
        method: &LexiconMethod,
        observer: &mut Observer<'_>,
    ) -> Result<Fitted, AlignError> {
        let Self { source, target, pairs, seed } = *self;
        let started = Instant::now();
        let mut remarks = Vec::new();
        let paired = |method: &dyn AlignPaired| {
            let (x, y) = self.paired_rows();
            method.fit(x.view(), y.view())
        };
        let alignment = match method {
            LexiconMethod::None => pad(source.ncols(), target.ncols())?,
            LexiconMethod::Procrustes(method) => paired(method)?,
            LexiconMethod::LeastSquares(method) => paired(method)?,
            LexiconMethod::Ridge(method) => paired(method)?,
            LexiconMethod::RidgeCv(method) => {
                let (x, y) = self.paired_rows();
                let mut folds = PairFolds::new(method.folds, x.ncols(), y.ncols())?;
                // Translations of one word say the same of the source: they are held out together.
                let words: Vec<u64> = pairs.iter().map(|&(row, _)| row as u64).collect();
                folds.add_grouped(x.view(), y.view(), &words)?;
                method.solve(&folds)?
            }
            LexiconMethod::Cca(method) => paired(method)?,
            LexiconMethod::VecMap(method) => paired(method)?,
            LexiconMethod::SelfLearning { method, unsupervised } => {
                let pairs = Some(pairs).filter(|pairs| !unsupervised && !pairs.is_empty());
                method.fit_observed(source, target, pairs, seed, observer)?.alignment
            }
            LexiconMethod::Refinement(method) => {
                method.fit_observed(source, target, pairs, observer)?.alignment
            }
            LexiconMethod::Rcsls(method) => {
                method.fit_observed(source, target, pairs, observer)?.alignment
            }
            LexiconMethod::MiniVec2Vec(method) => {
                method.fit_observed(source, target, seed, observer)?.alignment
            }
            LexiconMethod::Auto(method) => {
                let choice = method.fit_among(source, target, pairs)?;
                remarks.push(said(&choice));
                choice.alignment
            }
        };
        let fitted = !matches!(method, LexiconMethod::None);
        let seconds = fitted.then(|| started.elapsed().as_secs_f64());
        let mut warnings: Vec<String> =
            alignment.warnings().iter().map(ToString::to_string).collect();
        let mut diagnosis = None;
        if method.is_unsupervised(!pairs.is_empty()) {
            let found = Diagnosis::of(&alignment, source, target, seed)?;
            match found.verdict() {
                Verdict::Worked => remarks.push(found.reason()),
                _ => warnings.push(found.reason()),
            }
            diagnosis = Some(found);
        }
        Ok(Fitted { alignment, seconds, warnings, remarks, diagnosis })
    }

    /// The rows of the pairs.
    fn paired_rows(&self) -> (Array2<f32>, Array2<f32>) {
        let (s, t): (Vec<usize>, Vec<usize>) = self.pairs.iter().copied().unzip();
        (self.source.select(Axis(0), &s), self.target.select(Axis(0), &t))
    }
}

/// What was chosen, and what the others scored.
fn said(choice: &Choice) -> String {
    let mut scores: Vec<String> = Vec::new();
    for score in &choice.scores {
        let name = score.candidate.name();
        scores.push(match &score.outcome {
            Ok(found) => format!("{name} {:.3} ± {:.3}", found.mean, found.standard_error),
            Err(error) => format!("{name} cannot be fitted ({error})"),
        });
    }
    format!(
        "took {}; held-out mean reciprocal rank and its standard error: {}",
        choice.chosen.name(),
        scores.join(", ")
    )
}

/// No alignment: coordinates as they are, the shorter rows padded with zeros.
fn pad(source: usize, target: usize) -> Result<Alignment, AlignError> {
    let shared = source.max(target);
    let side = |dim: usize| {
        let eye = Array2::from_shape_fn((dim, shared), |(i, j)| f64::from(u8::from(i == j)));
        AffineMap::new(Array1::zeros(dim), eye, Array1::zeros(shared))
    };
    Alignment::new(side(source)?, side(target)?)
}
