//! The nearest class mean.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::checks::{check_columns, check_finite, check_labels, check_not_negative, check_rows};
use crate::linear::class_sums;
use crate::{LinearScores, TransferError};

/// The class whose mean is nearest by Euclidean distance.
///
/// With `prototypes`, places where classes should lie before any of their rows is seen (such as
/// [`RidgeModel::prototypes`](crate::RidgeModel::prototypes) gives for the descriptions of their
/// names), a mean is `(Σx + weight · prototype) / (n + weight)`: the prototype counts as so many rows.
///
/// Mensink, Verbeek, Perronnin & Csurka (2013), "Distance-based image classification: generalizing to
/// new classes at near-zero cost", TPAMI 35(11), doi:10.1109/TPAMI.2013.83; prototypes as in Snell,
/// Swersky & Zemel (2017), "Prototypical networks for few-shot learning", NIPS.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_transfer::NearestClassMean;
///
/// let x = array![[0.0_f32, 0.0], [0.0, 2.0], [4.0, 1.0]];
/// let model = NearestClassMean::default().fit(x.view(), &[0, 0, 1], 2, None)?;
/// assert_eq!(model.predict(array![[1.0_f32, 1.0], [3.0, 1.0]].view())?, [0, 1]);
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NearestClassMean {
    /// As how many rows a prototype counts, at least 0.
    pub prototype_weight: f64,
}

impl Default for NearestClassMean {
    /// A prototype counts as one row.
    fn default() -> Self {
        Self { prototype_weight: 1.0 }
    }
}

impl NearestClassMean {
    /// Learns from n × d rows and their labels below `classes`; `prototypes` are classes × d.
    ///
    /// A class without rows lies at its prototype; without one it is never predicted. With prototypes
    /// there may be no rows at all.
    ///
    /// # Errors
    ///
    /// [`TransferError::Labels`], [`TransferError::Label`], [`TransferError::Columns`],
    /// [`TransferError::NonFinite`], [`TransferError::Setting`]; [`TransferError::Empty`] for no rows
    /// without prototypes.
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        prototypes: Option<ArrayView2<'_, f64>>,
    ) -> Result<LinearScores, TransferError> {
        check_not_negative("prototype_weight", self.prototype_weight)?;
        check_labels(x.nrows(), labels, classes)?;
        match prototypes {
            None => check_rows("rows", x)?,
            Some(prototypes) => {
                check_finite("rows", x)?;
                check_columns("prototypes", x.ncols(), prototypes.ncols())?;
                if prototypes.nrows() != classes {
                    let (rows, names) = (prototypes.nrows(), classes);
                    return Err(TransferError::Names { rows, names });
                }
                crate::checks::check_finite_wide("prototypes", prototypes)?;
            }
        }
        let (means, weights) = self.means(x, labels, classes, prototypes);
        let known = weights.mapv(|weight| weight > 0.0);
        from_means(&means, known.as_slice().expect("it was made just now"))
    }

    /// The means, zero where nothing is known, and what each rests on.
    fn means(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        prototypes: Option<ArrayView2<'_, f64>>,
    ) -> (Array2<f64>, Array1<f64>) {
        let (mut means, counts) = class_sums(x, labels, classes);
        let mut weights: Array1<f64> = counts.into_iter().map(|count| count as f64).collect();
        if let Some(prototypes) = prototypes {
            for ((mut mean, prototype), weight) in
                means.rows_mut().into_iter().zip(prototypes.rows()).zip(&mut weights)
            {
                // A weight of nothing still places a class that has no rows.
                let share = match *weight + self.prototype_weight > 0.0 {
                    true => self.prototype_weight,
                    false => 1.0,
                };
                mean.scaled_add(share, &prototype);
                *weight += share;
            }
        }
        for (mut mean, &weight) in means.rows_mut().into_iter().zip(&weights) {
            if weight > 0.0 {
                mean /= weight;
            }
        }
        (means, weights)
    }
}

/// `−‖x − m‖²` but for `‖x‖²`, which all classes share.
pub(crate) fn from_means(
    means: &Array2<f64>,
    known: &[bool],
) -> Result<LinearScores, TransferError> {
    let squares = means.map_axis(Axis(1), |mean| mean.dot(&mean));
    let intercepts = squares
        .iter()
        .zip(known)
        .map(|(square, &known)| if known { -square } else { f64::NEG_INFINITY })
        .collect();
    LinearScores::new((means * 2.0).reversed_axes().as_standard_layout().into_owned(), intercepts)
}
