use ndarray::{Array2, ArrayView2};

use crate::coral_dual::LowRankMap;
use crate::kernel::KernelMap;
use crate::labels::{Labeller, NearestLabels};
use crate::optimal::TransportMap;
use crate::{AlignError, AlignUnpaired, Alignment, Warning};

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
/// What [`AlignUnpaired`] is for affine maps, this is for all methods: what comes out are rows and,
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
    /// As [`AlignUnpaired::fit`]; [`AlignError::NeedsLabels`], [`AlignError::SourceLabels`],
    /// [`AlignError::ClassNumber`], [`AlignError::Labeller`] and [`AlignError::PseudoLabels`] from
    /// methods that use labels; [`AlignError::Memory`] from methods that need more than they may.
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        hints: &Hints<'_>,
    ) -> Result<Adaptation, AlignError>;
}

/// What an adaptation does with rows that were not in the fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewRows {
    /// The same affine map as for the fitted rows.
    Affine,
    /// Kernel values with the rows of the fit, or with landmarks among them, times a matrix; the
    /// same for the fitted rows.
    Kernel,
    /// A source row moves as the nearest source row of the fit did; a target row stays.
    NearestOffset,
}

/// Two domains after adaptation.
#[derive(Debug, Clone)]
pub struct Adaptation {
    source: Array2<f32>,
    target: Array2<f32>,
    map: Map,
    warnings: Vec<Warning>,
    diagnostics: Vec<(&'static str, f64)>,
}

/// The rule for rows.
#[derive(Debug, Clone)]
pub(crate) enum Map {
    Affine(Box<Alignment>),
    Kernel(KernelMap),
    Transport(TransportMap),
    LowRank(LowRankMap),
}

impl Adaptation {
    /// What an alignment does with the rows of its domains. Takes over its warnings and
    /// diagnostics.
    ///
    /// # Errors
    ///
    /// As [`AffineMap::apply`](crate::AffineMap::apply).
    pub fn of_alignment(
        alignment: Alignment,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Self, AlignError> {
        let (warnings, diagnostics) =
            (alignment.warnings().to_vec(), alignment.diagnostics().to_vec());
        Self::by(Map::Affine(Box::new(alignment)), source, target).map(|adaptation| Self {
            warnings,
            diagnostics,
            ..adaptation
        })
    }

    /// What a rule does with the rows that it was learned from.
    pub(crate) fn by(
        map: Map,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Self, AlignError> {
        let (source, target) = (map.source(source)?, map.target(target)?);
        Ok(Self { source, target, map, warnings: Vec::new(), diagnostics: Vec::new() })
    }

    /// Rows that were adapted otherwise than by the rule for new ones.
    pub(crate) fn from_rows(source: Array2<f32>, target: Array2<f32>, map: Map) -> Self {
        Self { source, target, map, warnings: Vec::new(), diagnostics: Vec::new() }
    }

    pub(crate) fn with_warnings(mut self, warnings: impl IntoIterator<Item = Warning>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    pub(crate) fn with_diagnostic(mut self, name: &'static str, value: f64) -> Self {
        self.diagnostics.push((name, value));
        self
    }

    /// The adapted source rows, in the order of the fit.
    #[must_use]
    pub fn source(&self) -> ArrayView2<'_, f32> {
        self.source.view()
    }

    /// The adapted target rows, in the order of the fit.
    #[must_use]
    pub fn target(&self) -> ArrayView2<'_, f32> {
        self.target.view()
    }

    /// The adapted rows of both domains, without a copy.
    #[must_use]
    pub fn into_rows(self) -> (Array2<f32>, Array2<f32>) {
        (self.source, self.target)
    }

    /// Maps further rows of the source; see [`new_rows`](Self::new_rows) for how.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`], [`AlignError::NonFinite`] and [`AlignError::Overflow`], as
    /// [`AffineMap::apply`](crate::AffineMap::apply).
    pub fn map_source(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        self.map.source(rows)
    }

    /// Maps further rows of the target; see [`new_rows`](Self::new_rows) for how.
    ///
    /// # Errors
    ///
    /// As [`map_source`](Self::map_source).
    pub fn map_target(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        self.map.target(rows)
    }

    /// What happens to rows that were not in the fit.
    #[must_use]
    pub fn new_rows(&self) -> NewRows {
        match self.map {
            Map::Affine(_) | Map::LowRank(_) => NewRows::Affine,
            Map::Kernel(_) => NewRows::Kernel,
            Map::Transport(_) => NewRows::NearestOffset,
        }
    }

    /// The pair of affine maps, where the method ends in one. CORAL of fewer rows than dimensions
    /// has a rule that is affine and forms no matrix of dimensions by dimensions: none there.
    #[must_use]
    pub fn alignment(&self) -> Option<&Alignment> {
        match &self.map {
            Map::Affine(alignment) => Some(alignment),
            Map::Kernel(_) | Map::Transport(_) | Map::LowRank(_) => None,
        }
    }

    /// What the user should know about the fit.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What the method found out beside the rows, by name; each method says which it reports.
    #[must_use]
    pub fn diagnostics(&self) -> &[(&'static str, f64)] {
        &self.diagnostics
    }

    /// The first figure of that name among the [diagnostics](Self::diagnostics).
    #[must_use]
    pub fn diagnostic(&self, name: &str) -> Option<f64> {
        self.diagnostics.iter().find(|(known, _)| *known == name).map(|&(_, value)| value)
    }
}

impl Map {
    fn source(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        match self {
            Self::Affine(alignment) => alignment.source().apply(rows),
            Self::Kernel(map) => map.apply(rows),
            Self::Transport(map) => map.source(rows),
            Self::LowRank(map) => map.source(rows),
        }
    }

    fn target(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        match self {
            Self::Affine(alignment) => alignment.target().apply(rows),
            Self::Kernel(map) => map.apply(rows),
            Self::Transport(map) => map.target(rows),
            Self::LowRank(map) => map.target(rows),
        }
    }
}

/// Methods that end in an alignment adapt by it.
macro_rules! adapt_by_alignment {
    ($($method:ty),+) => {$(
        impl AdaptUnpaired for $method {
            fn adapt(
                &self,
                source: ArrayView2<'_, f32>,
                target: ArrayView2<'_, f32>,
                _: &Hints<'_>,
            ) -> Result<Adaptation, AlignError> {
                Adaptation::of_alignment(self.fit(source, target)?, source, target)
            }
        }
    )+};
}

adapt_by_alignment!(crate::Gfk, crate::JointPca, crate::LinearTransport, crate::SubspaceAlignment);
