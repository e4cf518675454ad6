//! The last map of self-learning: whitened, rotated, reweighted by the correlations, de-whitened.

use ndarray::{Array1, Array2, ArrayView2};

use crate::factor::{self, RANK_TOLERANCE};
use crate::{AffineMap, AlignError, Alignment, PairMoments, Warning};

/// Symmetric reweighting on paired rows: both sides are whitened, turned onto their canonical
/// directions, each column is multiplied by the root of its correlation, and each side gets its own
/// variances back.
///
/// Steps 1 to 4 of Artetxe, Labaka and Agirre (2018), "Generalizing and improving bilingual word
/// embedding mappings with a multi-step framework of linear transformations", AAAI.
pub(crate) fn reweighted(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<Alignment, AlignError> {
    let moments = PairMoments::of(source, target)?;
    let x = Whitening::of("gram matrix of the source", &moments.source().gram())?;
    let y = Whitening::of("gram matrix of the target", &moments.target().gram())?;
    let cross = x.inverse_root.dot(&moments.cross_gram()).dot(&y.inverse_root);
    let (u, correlations, vt) = factor::svd("the whitened cross-covariance", &cross, false)?;
    let weights = correlations.mapv(|value| value.clamp(0.0, 1.0).sqrt());
    let source = x.around(&u, &weights)?;
    let target = y.around(&vt.reversed_axes(), &weights)?;
    Ok(Alignment::new(source, target)?.with_warnings(x.warning.into_iter().chain(y.warning)))
}

struct Whitening {
    inverse_root: Array2<f64>,
    root: Array2<f64>,
    warning: Option<Warning>,
}

impl Whitening {
    fn of(what: &'static str, gram: &Array2<f64>) -> Result<Self, AlignError> {
        let (values, vectors) = factor::eigh(what, gram)?;
        let dim = values.len();
        let floor = RANK_TOLERANCE.sqrt() * values[0].max(f64::MIN_POSITIVE);
        let raised = values.iter().filter(|&&value| value < floor).count();
        let roots = values.mapv(|value| value.max(floor).sqrt());
        let with =
            |weights: &Array1<f64>| factor::scale_columns(&vectors, weights).dot(&vectors.t());
        Ok(Self {
            inverse_root: with(&roots.mapv(f64::recip)),
            root: with(&roots),
            warning: (raised > 0).then_some(Warning::Raised { what, count: raised, dim }),
        })
    }

    /// `G^-½ · U · diag(weights) · Uᵀ · G^½ · U`.
    fn around(&self, turn: &Array2<f64>, weights: &Array1<f64>) -> Result<AffineMap, AlignError> {
        let whitened = factor::scale_columns(&self.inverse_root.dot(turn), weights);
        let matrix = whitened.dot(&turn.t().dot(&self.root).dot(turn));
        let (input, output) = matrix.dim();
        AffineMap::new(Array1::zeros(input), matrix, Array1::zeros(output))
    }
}
