use crate::ClassifyError;

/// The risk on the target, estimated by importance-weighted validation: the weighted mean loss of
/// held-out source rows. Lower is better.
///
/// `losses` are of source rows that the classifier was not trained on (1 for a wrong label, 0 for a
/// right one, say), `weights` their density under the target over that under the source, up to one
/// factor. Without bias where the weights are right and labels depend on rows alike in both domains; of
/// little use where a few rows carry all the weight.
///
/// Sugiyama, Krauledat & Müller (2007), "Covariate shift adaptation by importance weighted cross
/// validation", Journal of Machine Learning Research 8. The mean is by the sum of the weights, not by the
/// number of rows, which costs a little bias and saves much variance.
///
/// # Errors
///
/// [`ClassifyError::Weights`] for another number of weights than losses, [`ClassifyError::Weight`] for
/// one that is negative or not finite, [`ClassifyError::WeightSum`] when they vanish,
/// [`ClassifyError::Empty`] without rows.
pub fn importance_weighted(losses: &[f64], weights: &[f64]) -> Result<f64, ClassifyError> {
    let sum = check(losses, weights)?;
    Ok(losses.iter().zip(weights).map(|(loss, weight)| loss * weight).sum::<f64>() / sum)
}

/// The risk on the target by deep embedded validation: importance weighting with a control variate,
/// which takes out the part of the variance that the weights bring in. Lower is better.
///
/// With weights of mean 1 in expectation: `mean(w·l) + η·mean(w) − η`, `η = −cov(w·l, w) / var(w)`. As
/// [`importance_weighted`] otherwise, but the weights' scale counts: they are densities' ratios.
///
/// You, Wang, Long & Jordan (2019), "Towards accurate model selection in deep unsupervised domain
/// adaptation", ICML.
///
/// # Errors
///
/// As [`importance_weighted`].
pub fn deep_embedded(losses: &[f64], weights: &[f64]) -> Result<f64, ClassifyError> {
    let count = losses.len() as f64;
    let mean_weight = check(losses, weights)? / count;
    let weighted = || losses.iter().zip(weights).map(|(loss, weight)| loss * weight);
    let mean = weighted().sum::<f64>() / count;
    let covariance: f64 =
        weighted().zip(weights).map(|(loss, weight)| (loss - mean) * (weight - mean_weight)).sum();
    let variance: f64 = weights.iter().map(|weight| (weight - mean_weight).powi(2)).sum();
    let eta = if variance > 0.0 { -covariance / variance } else { 0.0 };
    Ok(mean + eta * mean_weight - eta)
}

/// Gives the sum of the weights.
fn check(losses: &[f64], weights: &[f64]) -> Result<f64, ClassifyError> {
    if losses.is_empty() {
        return Err(ClassifyError::Empty { rows: 0, columns: 1 });
    }
    if losses.len() != weights.len() {
        return Err(ClassifyError::Weights { rows: losses.len(), weights: weights.len() });
    }
    let wrong = |&(_, &weight): &(usize, &f64)| !(weight.is_finite() && weight >= 0.0);
    if let Some((row, &value)) = weights.iter().enumerate().find(wrong) {
        return Err(ClassifyError::Weight { row, value });
    }
    let sum: f64 = weights.iter().sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return Err(ClassifyError::WeightSum { sum, rows: weights.len() });
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_give_the_plain_mean() {
        let losses = [1.0, 0.0, 0.0, 1.0, 0.0];
        for weight in [0.5, 1.0] {
            let found = importance_weighted(&losses, &[weight; 5]).unwrap();
            assert!((found - 0.4).abs() < 1e-12);
        }
        assert!((deep_embedded(&losses, &[1.0; 5]).unwrap() - 0.4).abs() < 1e-12);
    }

    #[test]
    fn weights_that_say_nothing_are_errors() {
        let losses = [1.0, 0.0];
        let message =
            |weights: &[f64]| importance_weighted(&losses, weights).unwrap_err().to_string();
        assert!(message(&[0.0, 0.0]).starts_with("the weights of 2 rows sum to 0e0"));
        assert_eq!(message(&[1.0]), "2 rows have 1 weights: expected one weight a row");
        assert!(message(&[1.0, -1.0]).starts_with("the weight of row 1 is -1"));
        assert!(importance_weighted(&[], &[]).is_err());
    }
}
