//! Of boxes that find the same thing, one is kept.

use super::boxes::{BoundingBox, FoundBox, by_score};
use crate::TransferError;
use crate::checks::check_positive;

/// Non-maximum suppression, class by class: the box with the highest score is kept, others of its class that
/// overlap it are dropped or lose score, then the next.
///
/// Neubeck & Van Gool (2006), "Efficient non-maximum suppression", ICPR; Bodla, Singh, Chellappa & Davis (2017),
/// "Soft-NMS: improving object detection with one line of code", ICCV.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Suppression {
    /// Boxes that overlap a kept one by more than this IoU are dropped.
    Greedy {
        /// The largest IoU of two kept boxes, 0 to 1.
        iou: f64,
    },
    /// Scores of boxes that overlap by more than `iou` are multiplied by 1 − IoU.
    Linear {
        /// The IoU up to which nothing happens, 0 to 1.
        iou: f64,
        /// Boxes whose score falls below this are dropped; scores must not be negative.
        least: f64,
    },
    /// Scores are multiplied by exp(−IoU² / sigma).
    Gaussian {
        /// How far it reaches, above 0.
        sigma: f64,
        /// As in [`Suppression::Linear`].
        least: f64,
    },
}

impl Default for Suppression {
    fn default() -> Self {
        Self::Greedy { iou: 0.3 }
    }
}

impl Suppression {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`TransferError::Setting`].
    pub fn check(&self) -> Result<(), TransferError> {
        let (iou, least) = match *self {
            Self::Greedy { iou } => (iou, 0.0),
            Self::Linear { iou, least } => (iou, least),
            Self::Gaussian { sigma, least } => {
                check_positive("sigma", sigma)?;
                (0.0, least)
            }
        };
        for (setting, value) in [("iou", iou), ("least", least)] {
            if !(0.0..=1.0).contains(&value) {
                let expected = "a number from 0 to 1";
                return Err(TransferError::Setting { setting, value, expected });
            }
        }
        Ok(())
    }

    /// The boxes that are kept, highest score first; of equal scores, the one that came first.
    #[must_use]
    pub fn apply(&self, found: &[FoundBox]) -> Vec<FoundBox> {
        let mut classes: Vec<usize> = found.iter().map(|found| found.class).collect();
        classes.sort_unstable();
        classes.dedup();
        let mut kept = Vec::new();
        for class in classes {
            let own: Vec<FoundBox> =
                found.iter().copied().filter(|found| found.class == class).collect();
            match *self {
                Self::Greedy { iou } => kept.extend(greedy(&own, iou)),
                Self::Linear { iou, least } => {
                    let share = |overlap: f64| if overlap > iou { 1.0 - overlap } else { 1.0 };
                    kept.extend(soft(own, share, least));
                }
                Self::Gaussian { sigma, least } => {
                    kept.extend(soft(own, |overlap| (-overlap * overlap / sigma).exp(), least));
                }
            }
        }
        by_score(&kept).into_iter().map(|at| kept[at]).collect()
    }
}

fn greedy(found: &[FoundBox], iou: f64) -> Vec<FoundBox> {
    let mut kept: Vec<FoundBox> = Vec::new();
    for at in by_score(found) {
        let apart = |other: &FoundBox| other.bounds.iou(&found[at].bounds) <= iou;
        if kept.iter().all(apart) {
            kept.push(found[at]);
        }
    }
    kept
}

fn soft(mut left: Vec<FoundBox>, share: impl Fn(f64) -> f64, least: f64) -> Vec<FoundBox> {
    let mut kept = Vec::new();
    while !left.is_empty() {
        // `remove` and not `swap_remove`: equals stay in order.
        let best = left.remove(by_score(&left)[0]);
        kept.push(best);
        let weaken = |bounds: &BoundingBox| share(best.bounds.iou(bounds));
        left.iter_mut().for_each(|other| other.score *= weaken(&other.bounds));
        left.retain(|other| other.score >= least);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(left: f64, class: usize, score: f64) -> FoundBox {
        FoundBox { bounds: BoundingBox::sized(left, 0.0, 10.0, 10.0).unwrap(), class, score }
    }

    #[test]
    fn the_best_of_each_class_stays() {
        let all = [found(0.0, 0, 0.5), found(1.0, 0, 0.9), found(1.0, 1, 0.4), found(30.0, 0, 0.1)];
        let kept = Suppression::Greedy { iou: 0.5 }.apply(&all);
        assert_eq!(kept, [all[1], all[2], all[3]]);
        // An overlap of exactly the limit is allowed: 5 of 15 columns.
        let touching = [found(0.0, 0, 0.9), found(5.0, 0, 0.8)];
        assert_eq!(Suppression::Greedy { iou: 50.0 / 150.0 }.apply(&touching).len(), 2);
        assert_eq!(Suppression::Greedy { iou: 0.33 }.apply(&touching).len(), 1);
        // Of equals the first.
        let equal = [found(0.0, 0, 0.5), found(1.0, 0, 0.5)];
        assert_eq!(Suppression::default().apply(&equal), [equal[0]]);
    }

    #[test]
    fn soft_suppression_lowers_scores() {
        let all = [found(0.0, 0, 0.9), found(5.0, 0, 0.8), found(40.0, 0, 0.7)];
        let linear = Suppression::Linear { iou: 0.3, least: 0.01 }.apply(&all);
        let scores: Vec<f64> = linear.iter().map(|found| found.score).collect();
        assert_eq!(scores, [0.9, 0.7, 0.8 * (1.0 - 50.0 / 150.0)]);
        let gaussian = Suppression::Gaussian { sigma: 0.5, least: 0.01 }.apply(&all);
        let expected = 0.8 * (-(1.0_f64 / 3.0).powi(2) / 0.5).exp();
        assert!(
            (gaussian[2].score - expected).abs() < 1e-15
                || (gaussian[1].score - expected).abs() < 1e-15
        );
        let strict = Suppression::Linear { iou: 0.3, least: 0.6 }.apply(&all);
        assert_eq!(strict.len(), 2);
        assert!(Suppression::Gaussian { sigma: 0.0, least: 0.1 }.check().is_err());
        assert!(Suppression::Greedy { iou: 1.5 }.check().is_err());
    }
}
