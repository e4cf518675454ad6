//! A first dictionary from no pairs at all.

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use crate::algebra::{factor, product};
use crate::{AlignError, RowStep, prepare_rows};

/// Describes each row by its sorted similarities to the rows of its own side, and pairs rows of
/// like descriptions by CSLS, both ways. The sides have equally many rows.
pub(super) fn unsupervised(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    k: usize,
) -> Result<Vec<(usize, usize)>, AlignError> {
    let source = signatures("the gram matrix of the source", source)?;
    let target = signatures("the gram matrix of the target", target)?;
    let similarities = product::single(source.view(), target.t());
    let (r_source, r_target) = (means(similarities.view(), k), means(similarities.t(), k));
    let forward = best(similarities.view(), &r_target);
    let backward = best(similarities.t(), &r_source);
    let forward = forward.into_iter().enumerate();
    let backward = backward.into_iter().enumerate().map(|(j, i)| (i, j));
    Ok(forward.chain(backward).collect())
}

/// The mean of each row's k greatest.
fn means(similarities: ArrayView2<'_, f32>, k: usize) -> Vec<f32> {
    map_rows(similarities, |row| {
        row.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
        row[..k].sort_unstable_by(f32::total_cmp);
        let sum: f64 = row[..k].iter().map(|&value| f64::from(value)).sum();
        (sum / k as f64) as f32
    })
}

/// Each row's best column by CSLS; the first of equals.
fn best(similarities: ArrayView2<'_, f32>, means: &[f32]) -> Vec<usize> {
    map_rows(similarities, |row| {
        let scores = row.iter().zip(means).map(|(similarity, mean)| 2.0 * similarity - mean);
        let first = (0, f32::NEG_INFINITY);
        scores.enumerate().fold(first, |best, next| if next.1 > best.1 { next } else { best }).0
    })
}

/// Maps copies of the rows in parallel. A few rows are copied at once, so that columns are read
/// along the memory.
fn map_rows<T: Send>(matrix: ArrayView2<'_, f32>, map: impl Fn(&mut [f32]) -> T + Sync) -> Vec<T> {
    let starts: Vec<usize> = (0..matrix.nrows()).step_by(16).collect();
    let found: Vec<Vec<T>> = starts
        .into_par_iter()
        .map(|start| {
            let rows = matrix.slice(s![start..matrix.nrows().min(start + 16), ..]);
            let mut copies = Array2::zeros(rows.dim());
            copies.assign(&rows);
            let rows = copies.rows_mut().into_iter();
            rows.map(|row| map(row.into_slice().expect("rows of a new matrix are contiguous")))
                .collect()
        })
        .collect();
    found.into_iter().flatten().collect()
}

/// `(XXᵀ)^½`, each row sorted, then unit, center, unit: n × n.
fn signatures(what: &'static str, x: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
    let wide = x.mapv(f64::from);
    let (values, vectors) = factor::eigh(what, &wide.t().dot(&wide))?;
    let rank = factor::rank(&values);
    // X = UΣVᵀ, so (XXᵀ)^½ = UΣUᵀ = AAᵀ with A = UΣ^½ = XVΣ^-½.
    let roots = values.slice(s![..rank]).mapv(|value| value.powf(-0.25));
    let half = factor::scale_columns(&wide.dot(&vectors.slice(s![.., ..rank])), &roots);
    let half = half.mapv(|value| value as f32);
    let mut similarities = product::single(half.view(), half.t());
    let all = similarities.as_slice_mut().expect("a new matrix is contiguous");
    all.par_chunks_mut(x.nrows()).for_each(|row| row.sort_unstable_by(f32::total_cmp));
    prepare_rows(&mut similarities, &[RowStep::Unit, RowStep::Center, RowStep::Unit]);
    Ok(similarities)
}
