//! Which source would help a target most, told without training on the target.

pub(crate) mod h_score;
pub(crate) mod leep;
pub(crate) mod log_me;
pub(crate) mod nce;
pub(crate) mod trans_rate;

use ndarray::{Array2, ArrayView2, Axis};

use crate::TransferError;
use crate::checks::{check_classes, check_rows};

/// Features in `f64` about their mean, and the classes that occur.
fn centred(
    features: ArrayView2<'_, f32>,
    labels: &[usize],
    classes: usize,
) -> Result<(Array2<f64>, Vec<usize>), TransferError> {
    check_rows("features", features)?;
    let present = check_classes("target rows", features.nrows(), labels, classes, 2)?;
    let mut rows = features.mapv(f64::from);
    let mean = rows.sum_axis(Axis(0)) / rows.nrows() as f64;
    rows -= &mean;
    Ok((rows, present))
}
