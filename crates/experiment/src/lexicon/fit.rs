use std::time::Instant;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use procrust_align::{AffineMap, AlignError, AlignPaired, Alignment, PairFolds};

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
}

impl Material<'_> {
    /// Fits a method.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way of the fit.
    pub fn fit(&self, method: &LexiconMethod) -> Result<Fitted, AlignError> {
        if matches!(method, LexiconMethod::None) {
            let alignment = pad(self.source.ncols(), self.target.ncols())?;
            return Ok(Fitted { alignment, seconds: None, warnings: Vec::new() });
        }
        let (x, y) = self.paired_rows();
        let started = Instant::now();
        let alignment = match method {
            LexiconMethod::None => unreachable!("handled above"),
            LexiconMethod::Procrustes(method) => method.fit(x.view(), y.view())?,
            LexiconMethod::LeastSquares(method) => method.fit(x.view(), y.view())?,
            LexiconMethod::Ridge(method) => method.fit(x.view(), y.view())?,
            LexiconMethod::RidgeCv(method) => {
                let mut folds = PairFolds::new(method.folds, x.ncols(), y.ncols())?;
                // Translations of one word say the same of the source: they are held out together.
                let words: Vec<u64> = self.pairs.iter().map(|&(row, _)| row as u64).collect();
                folds.add_grouped(x.view(), y.view(), &words)?;
                method.solve(&folds)?
            }
            LexiconMethod::Cca(method) => method.fit(x.view(), y.view())?,
            LexiconMethod::VecMap(method) => method.fit(x.view(), y.view())?,
            LexiconMethod::SelfLearning { method, unsupervised } => {
                let pairs = Some(self.pairs).filter(|pairs| !unsupervised && !pairs.is_empty());
                method.fit(self.source, self.target, pairs, self.seed)?.alignment
            }
        };
        let seconds = Some(started.elapsed().as_secs_f64());
        let warnings = alignment.warnings().iter().map(ToString::to_string).collect();
        Ok(Fitted { alignment, seconds, warnings })
    }

    /// The rows of the pairs.
    fn paired_rows(&self) -> (Array2<f32>, Array2<f32>) {
        let (s, t): (Vec<usize>, Vec<usize>) = self.pairs.iter().copied().unzip();
        (self.source.select(Axis(0), &s), self.target.select(Axis(0), &t))
    }
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
