//! What a method that learns maps of two spaces is given, and what it gives.

use std::fmt;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis};

use crate::checks::check_pairs_exist;
use crate::{AlignError, AlignPaired, Alignment, MapRows, Observer, Warning};

/// The rows of two spaces and pairs of them.
#[derive(Debug, Clone, Copy)]
pub struct PairedSpaces<'a> {
    /// Rows of the source, `n_s × d_x`.
    pub source: ArrayView2<'a, f32>,
    /// Rows of the target, `n_t × d_y`.
    pub target: ArrayView2<'a, f32>,
    /// A source row and a target row of each pair. May be empty for methods that learn without pairs.
    pub pairs: &'a [(usize, usize)],
    /// Seed for methods that use random numbers.
    pub seed: u64,
}

impl PairedSpaces<'_> {
    /// The rows of the pairs, in their order.
    ///
    /// # Errors
    ///
    /// [`AlignError::Pair`] when a pair names a row that does not exist.
    pub fn paired_rows(&self) -> Result<(Array2<f32>, Array2<f32>), AlignError> {
        check_pairs_exist(self.pairs, self.source.nrows(), self.target.nrows())?;
        let (source, target): (Vec<usize>, Vec<usize>) = self.pairs.iter().copied().unzip();
        Ok((self.source.select(Axis(0), &source), self.target.select(Axis(0), &target)))
    }

    /// A group number for each pair: pairs of the same source row are of one group, which folds and
    /// held-out parts keep together.
    #[must_use]
    pub fn groups(&self) -> Vec<u64> {
        self.pairs.iter().map(|&(source, _)| source as u64).collect()
    }
}

/// A method that learns maps of two spaces from their rows and pairs of them.
///
/// Every [`AlignPaired`] is one: it learns from the rows of the pairs.
///
/// ```
/// # use procrust_blas as _;
/// use std::ops::ControlFlow;
///
/// use ndarray::array;
/// use procrust_align::{LearnMaps, PairedSpaces, Procrustes};
///
/// let source = array![[1.0_f32, 0.0], [0.0, 1.0], [3.0, 1.0]];
/// let target = array![[7.0_f32, 7.0], [0.0, 1.0], [-1.0, 0.0]];
/// let pairs = [(0, 1), (1, 2)];
/// let spaces =
///     PairedSpaces { source: source.view(), target: target.view(), pairs: &pairs, seed: 0 };
/// let learned = Procrustes::default().learn(&spaces, &mut |_| ControlFlow::Continue(()))?;
/// let mapped = learned.maps.map_source(source.view())?;
/// assert!((mapped[[2, 0]] + 1.0).abs() < 1e-6 && (mapped[[2, 1]] - 3.0).abs() < 1e-6);
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
pub trait LearnMaps: fmt::Debug + Send + Sync {
    /// Learns the maps. The observer sees every round of methods that work in rounds and may end them.
    ///
    /// # Errors
    ///
    /// [`AlignError::Pair`] when a pair names a row that does not exist, and the errors of the method's
    /// own `fit`.
    fn learn(
        &self,
        spaces: &PairedSpaces<'_>,
        observer: &mut Observer<'_>,
    ) -> Result<LearnedMaps, AlignError>;

    /// Whether the method cannot learn without pairs.
    fn needs_pairs(&self) -> bool {
        true
    }

    /// Whether the method learns from the rows alone, given whether there are pairs. Such a map should
    /// be [diagnosed](crate::Diagnosis).
    fn is_unsupervised(&self, _has_pairs: bool) -> bool {
        false
    }
}

/// Maps that were learned, with what the method reports about them.
#[derive(Debug, Clone)]
pub struct LearnedMaps {
    /// The maps of both sides.
    pub maps: Arc<dyn MapRows>,
    /// Warnings about the fit.
    pub warnings: Vec<Warning>,
    /// Figures by name; each method says which it reports.
    pub diagnostics: Vec<(&'static str, f64)>,
    /// Sentences that are worth reading though nothing is wrong.
    pub remarks: Vec<String>,
}

impl LearnedMaps {
    /// The pair of affine maps, where the maps are one.
    #[must_use]
    pub fn alignment(&self) -> Option<&Alignment> {
        self.maps.alignment()
    }
}

impl From<Alignment> for LearnedMaps {
    /// Takes over warnings and diagnostics.
    fn from(alignment: Alignment) -> Self {
        Self {
            warnings: alignment.warnings().to_vec(),
            diagnostics: alignment.diagnostics().to_vec(),
            remarks: Vec::new(),
            maps: Arc::new(alignment),
        }
    }
}

impl<M: AlignPaired + fmt::Debug + Send + Sync> LearnMaps for M {
    fn learn(
        &self,
        spaces: &PairedSpaces<'_>,
        _: &mut Observer<'_>,
    ) -> Result<LearnedMaps, AlignError> {
        let (x, y) = spaces.paired_rows()?;
        Ok(self.fit(x.view(), y.view())?.into())
    }
}
