//! Generalised zero-shot learning: trained and new classes compete.

use ndarray::{Array2, ArrayView2};

use crate::TransferError;
use crate::checks::{check_count, check_finite_wide, check_labels};
use crate::linear::argmax;

/// Accuracies of generalised zero-shot learning, where all classes are candidates.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GeneralizedAccuracy {
    /// What was taken from the scores of trained classes.
    pub gamma: f64,
    /// Mean per-class accuracy on rows of trained classes.
    pub seen: f64,
    /// Mean per-class accuracy on rows of new classes.
    pub unseen: f64,
}

impl GeneralizedAccuracy {
    /// The harmonic mean of the two; 0 where both are.
    #[must_use]
    pub fn harmonic(&self) -> f64 {
        let sum = self.seen + self.unseen;
        if sum > 0.0 { 2.0 * self.seen * self.unseen / sum } else { 0.0 }
    }
}

/// Takes `gamma` from the scores of trained classes: calibrated stacking.
///
/// Chao, Changpinyo, Gong & Sha (2016), "An empirical study and analysis of generalized zero-shot
/// learning for object recognition in the wild", ECCV, doi:10.1007/978-3-319-46475-6_4.
///
/// # Panics
///
/// When `seen` has not one entry a column.
pub fn calibrate(scores: &mut Array2<f64>, seen: &[bool], gamma: f64) {
    assert_eq!(scores.ncols(), seen.len(), "one entry a candidate");
    for (mut column, _) in scores.columns_mut().into_iter().zip(seen).filter(|(_, seen)| **seen) {
        column -= gamma;
    }
}

/// Accuracies on trained and on new classes for every calibration at once.
///
/// A row goes to a trained class while what is taken from those is at most the lead that its best
/// trained class has over its best new one. So the leads, sorted, are all the places where anything
/// changes: the curve is exact.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeenUnseenCurve {
    /// Lead, weight, whether the row is of a trained class; only rows that can be right.
    rows: Vec<(f64, usize, bool)>,
    /// How many rows each class has, and whether it was trained on.
    classes: std::collections::BTreeMap<usize, (usize, bool)>,
}

impl SeenUnseenCurve {
    /// The curve of these rows' `scores`, rows × candidates, where a label is the column of its class
    /// and `seen` tells the columns of trained classes.
    ///
    /// # Errors
    ///
    /// [`TransferError::Labels`], [`TransferError::Label`], [`TransferError::NonFinite`], and
    /// [`TransferError::Setting`] where there is no trained or no new candidate.
    pub fn new(
        scores: ArrayView2<'_, f64>,
        labels: &[usize],
        seen: &[bool],
    ) -> Result<Self, TransferError> {
        let mut curve = Self::default();
        curve.add(scores, labels, seen, 0)?;
        Ok(curve)
    }

    /// Adds rows; their classes count as others than those of another `offset`.
    pub(crate) fn add(
        &mut self,
        scores: ArrayView2<'_, f64>,
        labels: &[usize],
        seen: &[bool],
        offset: usize,
    ) -> Result<(), TransferError> {
        crate::checks::check_columns("scores", seen.len(), scores.ncols())?;
        check_labels(scores.nrows(), labels, seen.len())?;
        check_finite_wide("scores", scores)?;
        check_count("trained candidates", seen.iter().filter(|seen| **seen).count())?;
        check_count("new candidates", seen.iter().filter(|seen| !**seen).count())?;
        let columns = |wanted: bool| {
            let of = seen.iter().enumerate().filter(move |(_, seen)| **seen == wanted);
            of.map(|(column, _)| column).collect::<Vec<_>>()
        };
        let (trained, new) = (columns(true), columns(false));
        for (scores, &label) in scores.rows().into_iter().zip(labels) {
            let best = |columns: &[usize]| columns[argmax(columns.iter().map(|&c| &scores[c]))];
            let (best_trained, best_new) = (best(&trained), best(&new));
            let class = self.classes.entry(offset + label).or_insert((0, seen[label]));
            class.0 += 1;
            let winner = if seen[label] { best_trained } else { best_new };
            if winner == label {
                let lead = scores[best_trained] - scores[best_new];
                self.rows.push((lead, offset + label, seen[label]));
            }
        }
        Ok(())
    }

    /// The accuracies when `gamma` is taken from the scores of trained classes. Without rows of
    /// trained, or of new, classes that accuracy is 0.
    #[must_use]
    pub fn at(&self, gamma: f64) -> GeneralizedAccuracy {
        let (mut seen, mut unseen) = (0.0, 0.0);
        for &(lead, class, is_seen) in &self.rows {
            match is_seen {
                true if gamma <= lead => seen += self.weight(class),
                false if gamma > lead => unseen += self.weight(class),
                _ => {}
            }
        }
        GeneralizedAccuracy { gamma, seen, unseen }
    }

    /// What a row of the class adds to the mean per-class accuracy of its side.
    fn weight(&self, class: usize) -> f64 {
        let (rows, seen) = self.classes[&class];
        let alike = self.classes.values().filter(|(_, other)| *other == seen).count();
        1.0 / (rows as f64 * alike as f64)
    }

    /// All points at which the accuracies differ, by increasing γ, from one where all rows go to
    /// trained classes to one where none do. Each γ lies between two leads.
    #[must_use]
    pub fn points(&self) -> Vec<GeneralizedAccuracy> {
        let alike =
            |wanted: bool| self.classes.values().filter(|(_, seen)| *seen == wanted).count() as f64;
        let (trained, new) = (alike(true), alike(false));
        let mut rows = self.rows.clone();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (mut seen, mut unseen) = (0.0, 0.0);
        let weight = |class: usize, seen: bool| {
            1.0 / (self.classes[&class].0 as f64 * if seen { trained } else { new })
        };
        for &(_, class, is_seen) in rows.iter().filter(|(.., is_seen)| *is_seen) {
            seen += weight(class, is_seen);
        }
        let first = rows.first().map_or(0.0, |(lead, ..)| lead - 1.0);
        let mut points = vec![GeneralizedAccuracy { gamma: first, seen, unseen }];
        let mut place = 0;
        while place < rows.len() {
            let lead = rows[place].0;
            while place < rows.len() && rows[place].0 == lead {
                let (_, class, is_seen) = rows[place];
                match is_seen {
                    true => seen -= weight(class, true),
                    false => unseen += weight(class, false),
                }
                place += 1;
            }
            let gamma = match rows.get(place) {
                Some((next, ..)) => f64::midpoint(lead, *next),
                None => lead + 1.0,
            };
            points.push(GeneralizedAccuracy { gamma, seen: seen.max(0.0), unseen });
        }
        points
    }

    /// The point of the largest harmonic mean, the first of equals.
    #[must_use]
    pub fn best(&self) -> GeneralizedAccuracy {
        let points = self.points();
        let means: Vec<f64> = points.iter().map(GeneralizedAccuracy::harmonic).collect();
        points[argmax(&means)]
    }

    /// The area under the curve of the accuracy on trained classes over that on new ones, by
    /// trapezoids: what no calibration changes.
    #[must_use]
    pub fn area(&self) -> f64 {
        let points = self.points();
        let step = |two: &[GeneralizedAccuracy]| {
            (two[1].unseen - two[0].unseen) * f64::midpoint(two[0].seen, two[1].seen)
        };
        points.windows(2).map(step).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_curve_by_hand() {
        // Column 0 was trained on, column 1 is new.
        let scores = array![[3.0, 1.0], [2.0, 1.5], [1.0, 0.0], [0.0, 2.0]];
        let curve = SeenUnseenCurve::new(scores.view(), &[0, 0, 1, 1], &[true, false]).unwrap();
        let at = |gamma| {
            let found = curve.at(gamma);
            (found.seen, found.unseen)
        };
        assert_eq!(at(0.0), (1.0, 0.5));
        assert_eq!(at(0.5), (1.0, 0.5));
        assert_eq!(at(0.75), (0.5, 0.5));
        assert_eq!(at(1.5), (0.5, 1.0));
        assert_eq!(at(2.5), (0.0, 1.0));
        let best = curve.best();
        assert!((best.harmonic() - 2.0 / 3.0).abs() < 1e-15);
        for point in curve.points() {
            let again = curve.at(point.gamma);
            assert!((again.seen - point.seen).abs() + (again.unseen - point.unseen).abs() < 1e-12);
        }
        // From (0, 1) along (0.5, 1), (0.5, 0.5) to (1, 0.5) and (1, 0).
        assert!((curve.area() - 0.75).abs() < 1e-12);
    }

    #[test]
    fn calibration_takes_from_trained_classes_alone() {
        let mut scores = array![[1.0, 2.0], [3.0, 4.0]];
        calibrate(&mut scores, &[false, true], 1.5);
        assert_eq!(scores, array![[1.0, 0.5], [3.0, 2.5]]);
    }
}
