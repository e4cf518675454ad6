use ndarray::{ArrayView2, Axis};
use procrust_neighbors::{Metric, top_k};

use crate::{Classifier, ClassifyError};

/// Circular validation: whether a classifier trained on the target's predictions gives the source's
/// labels back. One value a source row, 1 where it does; higher is better.
///
/// `source`, n × d with `labels`, and `target`, m × d with `predicted`, are adapted rows. The way back goes
/// through the same adaptation, which is not fitted anew with the sides exchanged.
///
/// Bruzzone & Marconcini (2010), "Domain adaptation problems: a DASVM classification technique and a
/// circular validation strategy", IEEE TPAMI 32(5); Zhong, Fan, Yang, Verscheure & Ren (2010), "Cross
/// validation framework to choose amongst models and datasets for transfer learning", ECML PKDD.
///
/// # Errors
///
/// As [`Classifier::fit`] on the target's rows; predictions of one class only give 1 to that class's source
/// rows and no error.
pub fn circular(
    classifier: &dyn Classifier,
    source: (ArrayView2<'_, f32>, &[usize]),
    target: (ArrayView2<'_, f32>, &[usize]),
    classes: usize,
) -> Result<Vec<f64>, ClassifyError> {
    let (rows, labels) = source;
    let (target, predicted) = target;
    let one = predicted.first().is_some_and(|first| predicted.iter().all(|label| label == first));
    let back = if one {
        vec![predicted[0]; labels.len()]
    } else {
        classifier.fit(target, predicted, classes)?.predict(rows)?
    };
    Ok(back.iter().zip(labels).map(|(said, is)| f64::from(u8::from(said == is))).collect())
}

/// For each row, the share of the other classifiers' predictions that agree with `predicted`.
///
/// Classifiers of different families err in different places; where they agree on rows that none of them
/// was trained on, they are mostly right. In training the agreement of networks on test rows estimates their
/// accuracy (Jiang, Nagarajan, Baek & Kolter, 2022, "Assessing generalization of SGD via disagreement",
/// ICLR; under shift: Baek, Jiang, Raghunathan & Kolter, 2022, "Agreement-on-the-line", NeurIPS).
///
/// # Errors
///
/// [`ClassifyError::Empty`] without others, [`ClassifyError::Labels`] when one has another number of rows.
pub fn classifier_agreement(
    predicted: &[usize],
    others: &[&[usize]],
) -> Result<Vec<f64>, ClassifyError> {
    if others.is_empty() {
        return Err(ClassifyError::Empty { rows: predicted.len(), columns: 0 });
    }
    if let Some(other) = others.iter().find(|other| other.len() != predicted.len()) {
        return Err(ClassifyError::Labels { rows: predicted.len(), labels: other.len() });
    }
    let agree = |(row, label): (usize, &usize)| {
        others.iter().filter(|other| other[row] == *label).count() as f64 / others.len() as f64
    };
    Ok(predicted.iter().enumerate().map(agree).collect())
}

/// The `k` nearest other rows of each row by the cosine of centred rows: what
/// [`neighborhood_agreement`] asks, from the target as it was before any adaptation.
///
/// Fewer than `k + 1` rows: all others.
///
/// # Errors
///
/// [`ClassifyError::Empty`] below two rows, [`ClassifyError::NonFinite`], and what the search says.
pub(super) fn neighbors_within(
    rows: ArrayView2<'_, f32>,
    k: usize,
) -> Result<Vec<Vec<usize>>, ClassifyError> {
    let count = rows.nrows();
    if count < 2 || rows.ncols() == 0 {
        return Err(ClassifyError::Empty { rows: 0, columns: rows.ncols() });
    }
    crate::classifier::check_rows(rows, rows.ncols())?;
    let mean = rows.mapv(f64::from).mean_axis(Axis(0)).expect("there are rows");
    let centered = &rows - &mean.mapv(|value| value as f32);
    let found = top_k(centered.view(), centered.view(), (k + 1).min(count), Metric::Cosine)?;
    let others = |(row, list): (usize, ndarray::ArrayView1<'_, u32>)| {
        let others = list.iter().map(|&other| other as usize).filter(|&other| other != row);
        others.take(k).collect()
    };
    Ok(found.indices.rows().into_iter().enumerate().map(others).collect())
}

/// For each target row, the share of its `k` nearest target rows that are predicted to be of its class.
///
/// `rows` are the target's, m × d, *before* the adaptation: nearness is the same for all candidates, so
/// that none gains by moving rows. Near by cosine after centring.
///
/// # Errors
///
/// [`ClassifyError::Labels`] for another number of predictions than rows, [`ClassifyError::Empty`] below two
/// rows, [`ClassifyError::NonFinite`], and what the search says.
pub fn neighborhood_agreement(
    rows: ArrayView2<'_, f32>,
    predicted: &[&[usize]],
    k: usize,
) -> Result<Vec<Vec<f64>>, ClassifyError> {
    if let Some(wrong) = predicted.iter().find(|labels| labels.len() != rows.nrows()) {
        return Err(ClassifyError::Labels { rows: rows.nrows(), labels: wrong.len() });
    }
    let near = neighbors_within(rows, k.max(1))?;
    let share = |labels: &[usize]| -> Vec<f64> {
        let of_row = |(row, near): (usize, &Vec<usize>)| {
            let same = near.iter().filter(|&&other| labels[other] == labels[row]).count();
            same as f64 / near.len() as f64
        };
        near.iter().enumerate().map(of_row).collect()
    };
    Ok(predicted.iter().map(|labels| share(labels)).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::NearestNeighbors;

    #[test]
    fn circles_close_where_predictions_are_right() {
        let source = array![[0.0_f32], [0.2], [1.0], [1.2]];
        let target = array![[0.1_f32], [1.1]];
        let knn = NearestNeighbors { k: 1 };
        let closes = |predicted: &[usize]| {
            circular(&knn, (source.view(), &[0, 0, 1, 1]), (target.view(), predicted), 2).unwrap()
        };
        assert_eq!(closes(&[0, 1]), [1.0; 4]);
        assert_eq!(closes(&[1, 0]), [0.0; 4]);
        assert_eq!(closes(&[1, 1]), [0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn agreement_counts_the_others() {
        let found = classifier_agreement(&[0, 1, 2], &[&[0, 1, 0], &[0, 0, 1]]).unwrap();
        assert_eq!(found, [1.0, 0.5, 0.0]);
        assert!(classifier_agreement(&[0], &[]).is_err());
        assert!(classifier_agreement(&[0], &[&[0, 1]]).is_err());
    }

    #[test]
    fn neighbours_are_of_one_class_where_classes_are_apart() {
        let rows =
            array![[1.0_f32, 0.1], [1.0, 0.0], [1.0, 0.2], [-1.0, 0.1], [-1.0, 0.0], [-1.0, 0.3]];
        let found =
            neighborhood_agreement(rows.view(), &[&[0, 0, 0, 1, 1, 1], &[0, 1, 0, 1, 0, 1]], 2)
                .unwrap();
        assert_eq!(found[0], [1.0; 6]);
        assert!(found[1].iter().sum::<f64>() < 3.0);
        // More neighbours asked for than there are: all others.
        let all = neighborhood_agreement(rows.view(), &[&[0, 0, 0, 1, 1, 1]], 99).unwrap();
        assert_eq!(all[0], [0.4; 6]);
    }
}
