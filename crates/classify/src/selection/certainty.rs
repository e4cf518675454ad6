use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::ClassifyError;

/// The mean entropy of the rows of `probabilities`, m × classes, in nats. Lower is taken for better.
///
/// A classifier that is sure of itself is not therefore right: an adaptation that throws all rows into
/// one class has entropy 0.
///
/// Morerio, Cavazza & Murino (2018), "Minimal-entropy correlation alignment for unsupervised deep domain
/// adaptation", ICLR.
///
/// # Errors
///
/// [`ClassifyError::Empty`] without rows or classes.
pub fn prediction_entropy(probabilities: ArrayView2<'_, f64>) -> Result<f64, ClassifyError> {
    check(probabilities)?;
    let sum: f64 = probabilities.iter().map(|&share| entropy_term(share)).sum();
    Ok(sum / probabilities.nrows() as f64)
}

/// Soft neighbourhood density: how densely predictions lie around each other. Higher is better.
///
/// Rows of `probabilities`, m × classes, are brought to unit length; a row's similarities with all the
/// others, over `temperature` (0.05 in the paper), become a distribution by softmax; the score is the
/// mean entropy of these, in nats. Rows × rows in time, one row in memory a thread.
///
/// Saito, Kim, Teterwak, Sclaroff, Darrell & Saenko (2021), "Tune it the right way: unsupervised validation
/// of domain adaptation via soft neighborhood density", ICCV.
///
/// # Errors
///
/// [`ClassifyError::Empty`] without classes or below two rows, [`ClassifyError::Setting`] for a temperature
/// that is not above 0.
pub fn soft_neighborhood_density(
    probabilities: ArrayView2<'_, f64>,
    temperature: f64,
) -> Result<f64, ClassifyError> {
    crate::classifier::check_positive("temperature", temperature)?;
    check(probabilities)?;
    let rows = probabilities.nrows();
    if rows < 2 {
        return Err(ClassifyError::Empty { rows: 0, columns: probabilities.ncols() });
    }
    let mut unit: Array2<f64> = probabilities.to_owned();
    for mut row in unit.rows_mut() {
        let length = row.dot(&row).sqrt();
        if length > 0.0 {
            row /= length;
        }
    }
    let entropy = |i: usize| -> f64 {
        let own = unit.row(i);
        let others = || (0..rows).filter(|&j| j != i);
        let similar: Vec<f64> = others().map(|j| own.dot(&unit.row(j)) / temperature).collect();
        let largest = similar.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut weighted) = (0.0, 0.0);
        for value in similar {
            let share = (value - largest).exp();
            sum += share;
            weighted += share * (value - largest);
        }
        // −Σ p·ln p with p = share / sum.
        sum.ln() - weighted / sum
    };
    let entropies: Vec<f64> = (0..rows).into_par_iter().map(entropy).collect();
    Ok(entropies.iter().sum::<f64>() / rows as f64)
}

fn entropy_term(share: f64) -> f64 {
    if share > 0.0 { -share * share.ln() } else { 0.0 }
}

fn check(probabilities: ArrayView2<'_, f64>) -> Result<(), ClassifyError> {
    let (rows, columns) = probabilities.dim();
    if rows == 0 || columns == 0 {
        return Err(ClassifyError::Empty { rows, columns });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn entropy_lies_between_certainty_and_ignorance() {
        let sure = array![[1.0, 0.0], [0.0, 1.0]];
        assert_eq!(prediction_entropy(sure.view()).unwrap(), 0.0);
        let unsure = Array2::from_elem((3, 4), 0.25);
        assert!((prediction_entropy(unsure.view()).unwrap() - 4.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn equal_predictions_are_as_dense_as_can_be() {
        let equal = Array2::from_elem((9, 3), 1.0 / 3.0);
        let found = soft_neighborhood_density(equal.view(), 0.05).unwrap();
        assert!((found - 8.0_f64.ln()).abs() < 1e-12);
        let apart = Array2::from_shape_fn((9, 9), |(i, j)| if i == j { 1.0 } else { 0.0 });
        let spread = soft_neighborhood_density(apart.view(), 0.05).unwrap();
        assert!((spread - found).abs() < 1e-12, "all others are equally far");
        let pairs = Array2::from_shape_fn((8, 4), |(i, j)| if i / 2 == j { 1.0 } else { 0.0 });
        assert!(soft_neighborhood_density(pairs.view(), 0.05).unwrap() < 0.1);
    }
}
