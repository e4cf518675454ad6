use crate::algebra::factor;
use crate::maps::alignment::about_means;
use crate::moments::sums::{PairSums, check_pairs};
use crate::{AlignError, Alignment};

pub(super) fn solve(
    sums: &PairSums,
    lambda: f64,
    intercept: bool,
) -> Result<Alignment, AlignError> {
    check_pairs(sums)?;
    let mut gram = sums.source_of(intercept); // XᵀX, d_x × d_x
    gram.diag_mut().mapv_inplace(|v| v + lambda);
    let cross = sums.cross_of(intercept); // XᵀY, d_x × d_y
    let (w, warning) = factor::solve_gram("the source", &gram, &cross)?;
    let means = intercept.then_some((&sums.source.mean, &sums.target.mean));
    Ok(about_means(means, w)?.with_warnings(warning))
}
