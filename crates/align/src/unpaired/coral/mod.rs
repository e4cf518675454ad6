mod dual;
mod single;
mod spectral;

use std::sync::Arc;

use ndarray::{Array1, ArrayView2};

use crate::checks::{check_dims, check_regularization, check_sides};
use crate::{AdaptUnpaired, Adaptation, AlignError, AlignUnpaired, Alignment, Hints, Spectrum};

/// CORAL: gives the source the covariance of the target.
///
/// The source is mapped by `A = C_s^-½ · C_t^½`, with both covariances
/// [regularised](Regularization); the target stays as it is. Means are left alone: centre the rows
/// first where they differ. Roots are taken by symmetric eigendecomposition. Without
/// regularisation and with fewer rows than dimensions `C_s` has no inverse; its eigenvalues are
/// then raised to 1e-12 of the largest, and a [`Warning::Raised`](crate::Warning::Raised) says how many.
///
/// [`fit`](AlignUnpaired::fit) to many rows (from 2³⁰ multiplications a side) works in `f32`, sums of panels in `f64`, and
/// rounds rows to 16 bits where the processor multiplies those faster, where what that loses is measured to be below 3e-5
/// of the map's norm; else in `f64`, as [`solve`](AlignUnpaired::solve) does.
///
/// Sun, Feng & Saenko (2016), "Return of frustratingly easy domain adaptation", AAAI,
/// doi:10.1609/aaai.v30i1.10306.
///
/// Reports the diagnostics `source_shrinkage` and `target_shrinkage` with
/// [`Regularization::LedoitWolf`].
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{AlignUnpaired, Coral, Regularization};
///
/// let source = array![[1.0_f32, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
/// let target = &source * 3.0;
/// let coral = Coral { regularization: Regularization::Fixed(0.0) };
/// let alignment = coral.fit(source.view(), target.view())?;
/// let mapped = alignment.source().apply(source.view())?;
/// assert!((mapped - target).iter().all(|difference| difference.abs() < 1e-6));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Coral {
    /// What keeps the covariances away from singular: a number of at least 0 that is added to their
    /// diagonals, or shrinkage after Ledoit and Wolf.
    pub regularization: Regularization,
}

/// How [`Coral`] keeps the covariances away from singular.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Regularization {
    /// This number, at least 0, is added to the diagonal of covariances that divide by `n − 1`.
    Fixed(f64),
    /// Each covariance is shrunk towards a multiple of the identity, as strongly as
    /// [Ledoit and Wolf](Spectrum::ledoit_wolf) find best for it; covariances divide by `n`.
    LedoitWolf,
}

impl Default for Regularization {
    /// `Fixed(1.0)`, as in the paper, which is meant for standardised columns.
    fn default() -> Self {
        Self::Fixed(1.0)
    }
}

impl Regularization {
    fn check(self) -> Result<(), AlignError> {
        match self {
            Self::Fixed(lambda) => check_regularization(lambda),
            Self::LedoitWolf => Ok(()),
        }
    }

    /// The eigenvalues of the regularised covariance, and the intensity of a shrinkage.
    fn of(
        self,
        what: &'static str,
        side: &Spectrum,
    ) -> Result<(Array1<f64>, Option<f64>), AlignError> {
        match self {
            Self::Fixed(lambda) => Ok((&side.variances() + lambda, None)),
            Self::LedoitWolf => {
                let shrinkage = side.ledoit_wolf_named(what)?;
                let intensity = shrinkage.intensity;
                let values =
                    side.biased() * (1.0 - intensity) + intensity * shrinkage.mean_variance;
                Ok((values, Some(intensity)))
            }
        }
    }
}

impl AlignUnpaired for Coral {
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        self.regularization.check()?;
        if let Regularization::Fixed(lambda) = self.regularization
            && let Some(alignment) = single::fit(lambda, source, target)?
        {
            return Ok(alignment);
        }
        let (source, target) = Spectrum::pair("CORAL", source, target)?;
        self.solve(&source, &target)
    }

    fn solve(&self, source: &Spectrum, target: &Spectrum) -> Result<Alignment, AlignError> {
        self.regularization.check()?;
        check_dims("CORAL", source.dim(), target.dim())?;
        let (source_values, source_shrinkage) = self.regularization.of("source", source)?;
        let (target_values, target_shrinkage) = self.regularization.of("target", target)?;

        let mut alignment = spectral::map((source, source_values), (target, target_values))?;
        for (name, value) in
            [("source_shrinkage", source_shrinkage), ("target_shrinkage", target_shrinkage)]
        {
            if let Some(value) = value {
                alignment = alignment.with_diagnostic(name, value);
            }
        }
        Ok(alignment)
    }
}

impl AdaptUnpaired for Coral {
    /// By [`fit`](AlignUnpaired::fit); or, where both domains together have fewer rows than
    /// dimensions and a fixed λ above 0, in the dual form.
    ///
    /// The dual form takes the axes of each covariance from the n × n matrix of inner products. On
    /// the orthogonal complement of all rows both roots are multiples of the identity, and
    /// `A = (I + V_s·D_s·V_sᵀ)·(I + V_t·D_t·V_tᵀ)` is kept as `I + U·Vᵀ` of rank `n_s + n_t` at most.
    /// The adaptation then has no [`Alignment`](crate::Alignment), whose matrix is d × d.
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        _: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        match self.regularization {
            Regularization::Fixed(lambda)
                if lambda > 0.0 && source.nrows() + target.nrows() < source.ncols() =>
            {
                check_regularization(lambda)?;
                check_sides("CORAL", source, target)?;
                let map = dual::map(lambda, source, target)?;
                Adaptation::by(Arc::new(map), source, target)
            }
            _ => Adaptation::of_alignment(self.fit(source, target)?, source, target),
        }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Coral, "coral");

#[cfg(feature = "settings")]
crate::declared::number_or_word!(
    Regularization,
    Fixed,
    LedoitWolf = "ledoit-wolf",
    { "type": "number", "minimum": 0.0 }
);

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::{Array2, array};
    use procrust_blas as _;

    fn fixed(lambda: f64) -> Coral {
        Coral { regularization: Regularization::Fixed(lambda) }
    }

    #[test]
    fn too_few_rows_warn_and_stay_finite() {
        let x = array![[1.0_f32, 2.0, 3.0], [2.0, 0.0, 1.0]];
        let y = array![[0.0_f32, 1.0, 0.0], [1.0, 5.0, 2.0], [3.0, 3.0, 3.0]];
        let alignment = fixed(0.0).fit(x.view(), y.view()).unwrap();
        assert_eq!(
            alignment.warnings()[0].to_string(),
            "2 of 3 eigenvalues of the source covariance are too small to invert and were raised; \
             regularise more strongly"
        );
        assert!(fixed(1.0).fit(x.view(), y.view()).unwrap().warnings().is_empty());
    }

    #[test]
    fn equal_rows_need_regularization() {
        let constant = Array2::<f32>::from_elem((4, 2), 0.1);
        let error = fixed(0.0).fit(constant.view(), constant.view()).unwrap_err();
        assert_eq!(error.to_string(), "source: all rows are equal, there is no variance to align");
        let alignment = fixed(1.0).fit(constant.view(), constant.view()).unwrap();
        assert_abs_diff_eq!(alignment.source().matrix(), Array2::eye(2), epsilon = 1e-12);
    }

    #[test]
    fn settings_and_shapes_are_checked() {
        let (x, y) = (Array2::<f32>::zeros((3, 2)), Array2::<f32>::zeros((3, 4)));
        let error = fixed(-1.0).fit(x.view(), x.view()).unwrap_err().to_string();
        assert_eq!(error, "regularization is -1, expected a finite number of at least 0");
        let error = fixed(f64::NAN).fit(x.view(), x.view()).unwrap_err().to_string();
        assert_eq!(error, "regularization is NaN, expected a finite number of at least 0");
        let error = fixed(1.0).fit(x.view(), y.view()).unwrap_err().to_string();
        assert_eq!(error, "CORAL expects one dimension on both sides, found 2 and 4");
    }

    #[test]
    fn bad_values_are_named_with_their_side() {
        let (x, mut y) = (array![[1.0_f32], [2.0], [4.0]], array![[1.0_f32], [2.0], [4.0]]);
        y[[2, 0]] = f32::NAN;
        let error = Coral::default().fit(x.view(), y.view()).unwrap_err().to_string();
        assert_eq!(error, "target: the value at row 2, column 0 is NaN, expected a finite number");
    }
}
