//! Rows and pairs of rows as the methods of this folder use them.

use ndarray::{Array2, ArrayView2, Axis};

use crate::algebra::blocks::{self, BLOCK_ROWS};
use crate::algebra::polar::Polar;
use crate::algebra::product;
use crate::checks::{check_neighborhood, check_pairs_exist};
use crate::{AlignError, RowStep, Warning, prepare_rows};

/// The rows among the first `limit` that are not zero, checked to be finite.
pub(crate) fn usable(
    what: &'static str,
    x: ArrayView2<'_, f32>,
    limit: usize,
) -> Result<Vec<usize>, AlignError> {
    if x.ncols() == 0 {
        return Err(AlignError::NoColumns { what });
    }
    for first in (0..x.nrows()).step_by(BLOCK_ROWS) {
        blocks::widen(what, x, first..x.nrows().min(first + BLOCK_ROWS))?;
    }
    let rows = x.rows().into_iter().enumerate();
    Ok(rows.filter(|(_, row)| row.iter().any(|&v| v != 0.0)).map(|(i, _)| i).take(limit).collect())
}

/// The first rows of both sides that are not zero, at unit length, and where they stand.
pub(crate) struct Sides {
    pub(crate) source: Vec<usize>,
    pub(crate) target: Vec<usize>,
    pub(crate) x: Array2<f32>,
    pub(crate) y: Array2<f32>,
}

impl Sides {
    pub(crate) fn of(
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        limit: usize,
        k: usize,
    ) -> Result<Self, AlignError> {
        let rows = (usable("source", source, limit)?, usable("target", target, limit)?);
        check_neighborhood(k, rows.0.len(), rows.1.len())?;
        let x = unit(source.select(Axis(0), &rows.0).view());
        let y = unit(target.select(Axis(0), &rows.1).view());
        Ok(Self { source: rows.0, target: rows.1, x, y })
    }
}

pub(crate) fn unit(x: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut x = x.to_owned();
    prepare_rows(&mut x, &[RowStep::Unit]);
    x
}

/// Checks that the pairs name rows, and keeps those whose rows are not zero.
pub(crate) fn check_dictionary(
    dictionary: &[(usize, usize)],
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    expected: usize,
) -> Result<Vec<(usize, usize)>, AlignError> {
    check_pairs_exist(dictionary, source.nrows(), target.nrows())?;
    let filled = |x: &ArrayView2<'_, f32>, row: usize| x.row(row).iter().any(|&value| value != 0.0);
    let usable: Vec<_> = dictionary
        .iter()
        .copied()
        .filter(|&(i, j)| filled(&source, i) && filled(&target, j))
        .collect();
    if usable.len() < expected {
        return Err(AlignError::FewPairs { found: usable.len(), expected });
    }
    Ok(usable)
}

/// `XᵀY` over pairs of rows, not centred.
pub(crate) fn cross_of(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    pairs: &[(usize, usize)],
) -> Result<Array2<f64>, AlignError> {
    let mut cross = Array2::zeros((source.ncols(), target.ncols()));
    blocks::fold(
        pairs.len(),
        |range| {
            let (x, y) = gather(source, target, &pairs[range]);
            Ok(product::cross(x.mapv(f64::from).view(), y.mapv(f64::from).view()))
        },
        |block| cross += &block,
    )?;
    Ok(cross)
}

/// The rows of pairs, side by side.
pub(crate) fn gather(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    pairs: &[(usize, usize)],
) -> (Array2<f32>, Array2<f32>) {
    let pick = |x: ArrayView2<'_, f32>, side: fn(&(usize, usize)) -> usize| {
        let mut rows = Array2::zeros((pairs.len(), x.ncols()));
        for (mut row, pair) in rows.rows_mut().into_iter().zip(pairs) {
            row.assign(&x.row(side(pair)));
        }
        rows
    };
    (pick(source, |pair| pair.0), pick(target, |pair| pair.1))
}

/// The orthogonal map of pairs, with a warning when they leave directions open.
pub(crate) fn orthogonal_map(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    pairs: &[(usize, usize)],
) -> Result<(Array2<f64>, Option<Warning>), AlignError> {
    let Polar { w, warning, .. } = Polar::of(&cross_of(source, target, pairs)?)?;
    Ok((w, warning))
}
