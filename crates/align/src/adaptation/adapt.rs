use ndarray::ArrayView2;

use crate::adaptation::labels::{Labeller, NearestLabels};
use crate::{Adaptation, AlignError};

/// What a method may use beside the rows. Each says what it needs; the others ignore it.
#[derive(Clone, Copy)]
pub struct Hints<'a> {
    /// The class number of each source row.
    pub labels: Option<&'a [usize]>,
    /// The classifier that gives target rows pseudo-labels, on rows as they are adapted so far.
    pub labeller: &'a dyn Labeller,
    /// Where random numbers start.
    pub seed: u64,
}

impl Default for Hints<'_> {
    /// No labels; the nearest source row where pseudo-labels are needed; seed 0.
    fn default() -> Self {
        const NEAREST: NearestLabels =
            NearestLabels { neighbors: 1, metric: procrust_neighbors::Metric::SquaredEuclidean };
        Self { labels: None, labeller: &NEAREST, seed: 0 }
    }
}

/// A method that brings two domains together: source rows, with labels or without, and unlabelled
/// target rows.
///
/// What [`AlignUnpaired`](crate::AlignUnpaired) is for affine maps, this is for all methods: what comes out are rows and,
/// where the method has one, a rule for further rows.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{AdaptUnpaired, Hints, NewRows, Tca};
///
/// let source = array![[1.0_f32, 0.2], [-1.0, 0.1], [0.3, 2.0], [0.1, -2.0]];
/// let target = array![[5.0_f32, 1.0], [-4.0, 0.0], [0.0, 1.0], [1.0, -1.0]];
/// let adaptation = Tca { components: 1, ..Tca::default() }
///     .adapt(source.view(), target.view(), &Hints::default())?;
/// assert_eq!(adaptation.source().dim(), (4, 1));
/// assert_eq!(adaptation.new_rows(), NewRows::Affine);
/// assert_eq!(adaptation.map_source(source.view())?, adaptation.source());
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
pub trait AdaptUnpaired: Send + Sync {
    /// Adapts `source`, n_s × d, and `target`, n_t × d, to each other.
    ///
    /// # Errors
    ///
    /// As [`AlignUnpaired::fit`](crate::AlignUnpaired::fit); [`AlignError::NeedsLabels`], [`AlignError::SourceLabels`],
    /// [`AlignError::ClassNumber`], [`AlignError::Labeller`] and [`AlignError::PseudoLabels`] from
    /// methods that use labels; [`AlignError::Memory`] from methods that need more than they may.
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        hints: &Hints<'_>,
    ) -> Result<Adaptation, AlignError>;

    /// Whether the authors of the method scale rows to unit length before they adapt them, and again
    /// afterwards.
    fn takes_unit_rows(&self) -> bool {
        false
    }
}

/// Implements [`AdaptUnpaired`] for a method that ends in an alignment.
macro_rules! adapt_by_alignment {
    ($method:ty) => {
        impl $crate::AdaptUnpaired for $method {
            fn adapt(
                &self,
                source: ::ndarray::ArrayView2<'_, f32>,
                target: ::ndarray::ArrayView2<'_, f32>,
                _: &$crate::Hints<'_>,
            ) -> Result<$crate::Adaptation, $crate::AlignError> {
                let alignment = $crate::AlignUnpaired::fit(self, source, target)?;
                $crate::Adaptation::of_alignment(alignment, source, target)
            }
        }
    };
}
pub(crate) use adapt_by_alignment;
