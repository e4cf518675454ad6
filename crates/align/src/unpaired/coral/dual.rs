//! CORAL of few rows in many dimensions, without a matrix of dimensions by dimensions.

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};

use crate::AlignError;
use crate::algebra::{blocks, factor};
use crate::maps::identity_plus::IdentityPlusMap;

pub(super) fn map(
    lambda: f64,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<IdentityPlusMap, AlignError> {
    let (source_axes, of_source) = thin_axes("source", source)?;
    let (target_axes, of_target) = thin_axes("target", target)?;
    // (C_s + λI)^-½ = λ^-½·(I + V_s·D_s·V_sᵀ), (C_t + λI)^½ = λ^½·(I + V_t·D_t·V_tᵀ).
    let shrink = of_source.mapv(|value| (lambda / (value + lambda)).sqrt() - 1.0);
    let grow = of_target.mapv(|value| ((value + lambda) / lambda).sqrt() - 1.0);
    let shrunk = factor::scale_columns(&source_axes, &shrink);
    let across = source_axes.t().dot(&target_axes);
    let grown = factor::scale_columns(&(&target_axes + &shrunk.dot(&across)), &grow);
    Ok(IdentityPlusMap {
        u: concatenate![Axis(1), shrunk, grown],
        v: concatenate![Axis(1), source_axes, target_axes],
    })
}

/// The axes along which the rows vary, d × r, and the variances, from the n × n inner products.
fn thin_axes(
    what: &'static str,
    rows: ArrayView2<'_, f32>,
) -> Result<(Array2<f64>, Array1<f64>), AlignError> {
    let n = rows.nrows();
    let rows = blocks::widen(what, rows, 0..n)?;
    let mean = rows.mean_axis(Axis(0)).expect("there are rows");
    let centred = rows - &mean;
    let (values, vectors) =
        factor::eigh("the inner products of the rows", &centred.dot(&centred.t()))?;
    // Smaller ones are rounding; the map depends on them by their share of λ.
    let rank = factor::rank(&values);
    let values = values.slice(s![..rank]).to_owned();
    let scaled = factor::scale_columns(
        &vectors.slice(s![.., ..rank]).to_owned(),
        &values.mapv(|value| value.sqrt().recip()),
    );
    Ok((centred.t().dot(&scaled), values / (n - 1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AlignUnpaired, Coral, Regularization};
    use procrust_blas as _;

    #[test]
    fn the_matrix_is_that_of_the_primal_form() {
        let x = Array2::from_shape_fn((6, 20), |(i, j)| ((i * 7 + j * j * 3) % 11) as f32);
        let y = Array2::from_shape_fn((5, 20), |(i, j)| ((i * i + j * 5) % 13) as f32 - 4.0);
        for lambda in [1e-2, 1.0, 50.0] {
            let found = map(lambda, x.view(), y.view()).unwrap();
            let matrix = Array2::<f64>::eye(20) + found.u.dot(&found.v.t());
            let coral = Coral { regularization: Regularization::Fixed(lambda) };
            let primal = coral.fit(x.view(), y.view()).unwrap();
            approx::assert_abs_diff_eq!(matrix, primal.source().matrix(), epsilon = 1e-10);
        }
    }
}
