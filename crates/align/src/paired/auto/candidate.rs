use crate::{
    AlignError, AlignPaired, Alignment, Cca, LeastSquares, PairMoments, Procrustes, RidgeGcv,
    VecMap,
};

/// A method that [`Auto`](crate::Auto) may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AutoCandidate {
    /// No map.
    Identity,
    /// [`Procrustes`] about the origins.
    Procrustes,
    /// [`Procrustes`] about the means.
    CenteredProcrustes,
    /// [`RidgeGcv`] with an intercept.
    Ridge,
    /// [`LeastSquares`] with an intercept.
    LeastSquares,
    /// [`VecMap`].
    VecMap,
    /// [`Cca`].
    Cca,
}

impl AutoCandidate {
    /// All of them, the simplest first: nothing fitted; a rotation; a rotation and two means; a
    /// linear map held back, and not held back; a linear map of either side; the same about the
    /// means and at another scale in every direction.
    pub const ALL: [Self; 7] = [
        Self::Identity,
        Self::Procrustes,
        Self::CenteredProcrustes,
        Self::Ridge,
        Self::LeastSquares,
        Self::VecMap,
        Self::Cca,
    ];

    /// The name under which it is reported.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Procrustes => "procrustes",
            Self::CenteredProcrustes => "procrustes-centered",
            Self::Ridge => "ridge",
            Self::LeastSquares => "least-squares",
            Self::VecMap => "vecmap",
            Self::Cca => "cca",
        }
    }

    /// Whether source rows are mapped into the target's own space, the target left as it is.
    #[must_use]
    pub fn maps_onto_target(self) -> bool {
        !matches!(self, Self::VecMap | Self::Cca)
    }

    pub(super) fn applies(self, source_dim: usize, target_dim: usize) -> bool {
        self != Self::Identity || source_dim == target_dim
    }

    /// `scale`: squared distances are compared, not angles.
    pub(super) fn solve(self, moments: &PairMoments, scale: bool) -> Result<Alignment, AlignError> {
        match self {
            Self::Identity => Ok(Alignment::identity(moments.source_dim())),
            Self::Procrustes => Procrustes { center: false, scale }.solve(moments),
            Self::CenteredProcrustes => Procrustes { center: true, scale }.solve(moments),
            Self::Ridge => RidgeGcv { intercept: true, ..RidgeGcv::default() }.solve(moments),
            Self::LeastSquares => LeastSquares { intercept: true }.solve(moments),
            Self::VecMap => VecMap::default().solve(moments),
            Self::Cca => Cca::default().solve(moments),
        }
    }
}
