//! Right and wrong, by class.

use ndarray::{Array2, ArrayView2, Axis};

/// How many rows of each class were predicted to be of which.
///
/// A metric over no rows is NaN; with at least one row none is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    counts: Array2<usize>, // label × prediction
}

/// How well one class was found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ClassScores {
    /// The class.
    pub class: usize,
    /// Of the rows predicted to be of the class, the share that is; 0 when none was predicted.
    pub precision: f64,
    /// Of the rows of the class, the share that was found; 0 when there are none.
    pub recall: f64,
    /// The harmonic mean of the two; 0 when no row of the class was found.
    pub f1: f64,
    /// The rows of the class.
    pub support: usize,
}

impl Confusion {
    /// Counts; labels and predictions are numbers below `classes`.
    ///
    /// # Panics
    ///
    /// When there are not as many predictions as labels, or one is not below `classes`.
    #[must_use]
    pub fn new(predicted: &[usize], labels: &[usize], classes: usize) -> Self {
        assert_eq!(predicted.len(), labels.len(), "one prediction a label");
        let mut counts = Array2::zeros((classes, classes));
        for (&predicted, &label) in predicted.iter().zip(labels) {
            assert!(label < classes && predicted < classes, "classes below {classes}");
            counts[(label, predicted)] += 1;
        }
        Self { counts }
    }

    /// The counts, labels down and predictions across.
    #[must_use]
    pub fn counts(&self) -> ArrayView2<'_, usize> {
        self.counts.view()
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.counts.sum()
    }

    /// The share of rows that were predicted right.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.counts.diag().sum() as f64 / self.rows() as f64
    }

    /// The mean recall of the classes that have rows: each class counts alike.
    ///
    /// Brodersen, Ong, Stephan, Buhmann (2010), "The balanced accuracy and its posterior distribution",
    /// ICPR, doi:10.1109/ICPR.2010.764.
    #[must_use]
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls = self.per_class().into_iter().filter(|class| class.support > 0);
        mean(recalls.map(|class| class.recall))
    }

    /// Cohen's kappa: the accuracy above that of predictions drawn with the same frequencies by chance,
    /// divided by the most there could be. 1 is all right, 0 is chance, below 0 is worse. Where all
    /// labels and all predictions are of one class there is nothing above chance to be had: 0.
    ///
    /// Cohen (1960), "A coefficient of agreement for nominal scales", Educational and Psychological
    /// Measurement 20(1), doi:10.1177/001316446002000104.
    #[must_use]
    pub fn kappa(&self) -> f64 {
        let n = self.rows() as f64;
        let labels = self.counts.sum_axis(Axis(1));
        let predictions = self.counts.sum_axis(Axis(0));
        let both = labels.iter().zip(&predictions);
        let chance = both.map(|(&l, &p)| (l as f64 / n) * (p as f64 / n)).sum::<f64>();
        if chance >= 1.0 {
            return 0.0;
        }
        (self.accuracy() - chance) / (1.0 - chance)
    }

    /// Precision, recall and F1 of every class.
    #[must_use]
    pub fn per_class(&self) -> Vec<ClassScores> {
        let share = |part: usize, all: usize| match all {
            0 => 0.0,
            _ => part as f64 / all as f64,
        };
        let scores = |class: usize| {
            let found = self.counts[(class, class)];
            let support = self.counts.row(class).sum();
            let predicted = self.counts.column(class).sum();
            ClassScores {
                class,
                precision: share(found, predicted),
                recall: share(found, support),
                f1: share(2 * found, predicted + support),
                support,
            }
        };
        (0..self.counts.nrows()).map(scores).collect()
    }

    /// The mean F1 of the classes that have rows or predictions.
    #[must_use]
    pub fn macro_f1(&self) -> f64 {
        let occurs =
            |class: &ClassScores| class.support > 0 || self.counts.column(class.class).sum() > 0;
        mean(self.per_class().into_iter().filter(occurs).map(|class| class.f1))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_everywhere_is_no_better_than_chance() {
        let all = Confusion::new(&[1, 1, 1], &[1, 1, 1], 3);
        assert_eq!((all.accuracy(), all.kappa()), (1.0, 0.0));
        assert_eq!((all.balanced_accuracy(), all.macro_f1()), (1.0, 1.0));
    }

    #[test]
    fn classes_without_rows_or_predictions_are_left_out() {
        let confusion = Confusion::new(&[0, 0, 2, 2], &[0, 1, 1, 0], 4);
        let scores = confusion.per_class();
        assert_eq!(scores[0].precision, 0.5);
        assert_eq!((scores[1].precision, scores[1].recall, scores[1].f1), (0.0, 0.0, 0.0));
        assert_eq!((scores[2].support, scores[2].precision), (0, 0.0));
        assert_eq!(confusion.balanced_accuracy(), 0.25);
        assert_eq!(confusion.macro_f1(), 0.5 / 3.0);
    }

    #[test]
    fn no_rows_are_not_a_number() {
        let none = Confusion::new(&[], &[], 2);
        assert!(none.accuracy().is_nan() && none.kappa().is_nan() && none.macro_f1().is_nan());
    }

    #[test]
    #[should_panic(expected = "classes below 2")]
    fn labels_are_below_the_classes() {
        let _ = Confusion::new(&[0], &[2], 2);
    }
}
