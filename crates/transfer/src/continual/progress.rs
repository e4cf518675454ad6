//! What learning one task does to the others.

use ndarray::{ArrayView1, ArrayView2};

use crate::TransferError;
use crate::checks::{check_columns, check_finite_wide};

/// What became of each task while all were learned one after another.
///
/// From accuracies R, tasks × tasks, where `R[i][j]` is that on task j after task i was learned, and
/// those b of a model that has learned nothing:
///
/// - average accuracy: the mean over j of `R[T][j]`;
/// - forgetting of j: `max_i<T R[i][j] − R[T][j]`, i from j on; Chaudhry, Dokania, Ajanthan & Torr
///   (2018), "Riemannian walk for incremental learning", ECCV, doi:10.1007/978-3-030-01252-6_33;
/// - backward transfer to j: `R[T][j] − R[j][j]`; forward transfer to j: `R[j−1][j] − b[j]`; Lopez-Paz
///   & Ranzato (2017), "Gradient episodic memory for continual learning", NIPS.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ContinualProgress {
    /// The accuracy on each task at the end.
    pub last: Vec<f64>,
    /// Of each task but the last, what was lost since its best.
    pub forgetting: Vec<f64>,
    /// Of each task but the last, what later tasks changed.
    pub backward: Vec<f64>,
    /// Of each task but the first, what earlier tasks changed.
    pub forward: Vec<f64>,
}

impl ContinualProgress {
    /// From R and b as above.
    ///
    /// # Errors
    ///
    /// [`TransferError::Columns`] unless R is square and as wide as b, [`TransferError::Classes`] for
    /// fewer than two tasks, [`TransferError::NonFinite`].
    ///
    /// ```
    /// use ndarray::array;
    /// use procrust_transfer::ContinualProgress;
    ///
    /// let r = array![[0.9, 0.6], [0.7, 0.8]];
    /// let found = ContinualProgress::of(r.view(), array![0.5, 0.5].view())?;
    /// assert!((found.forgetting[0] - 0.2).abs() < 1e-12);
    /// assert!((found.backward[0] + 0.2).abs() < 1e-12);
    /// assert!((found.forward[0] - 0.1).abs() < 1e-12);
    /// # Ok::<(), procrust_transfer::TransferError>(())
    /// ```
    pub fn of(r: ArrayView2<'_, f64>, b: ArrayView1<'_, f64>) -> Result<Self, TransferError> {
        let tasks = r.nrows();
        check_columns("accuracies", tasks, r.ncols())?;
        check_columns("accuracies of an untrained model", tasks, b.len())?;
        check_finite_wide("accuracies", r)?;
        check_finite_wide("accuracies of an untrained model", b.insert_axis(ndarray::Axis(0)))?;
        if tasks < 2 {
            let what = "tasks one after another";
            return Err(TransferError::Classes { what, expected: 2, found: tasks });
        }
        let end = tasks - 1;
        let best =
            |task: usize| (task..end).map(|i| r[[i, task]]).fold(f64::NEG_INFINITY, f64::max);
        Ok(Self {
            last: r.row(end).to_vec(),
            forgetting: (0..end).map(|task| best(task) - r[[end, task]]).collect(),
            backward: (0..end).map(|task| r[[end, task]] - r[[task, task]]).collect(),
            forward: (1..tasks).map(|task| r[[task - 1, task]] - b[task]).collect(),
        })
    }
}
