//! Which sizes and shapes of windows fit the true boxes.

use super::pictures::{PictureSource, TrainingStep, in_order, read};
use super::settings::DetectorTraining;
use crate::TransferError;
use crate::detection::boxes::{BoundingBox, TrueBox};
use crate::detection::windows::{Scales, WindowShape};

impl DetectorTraining {
    /// Sizes and shapes of windows.
    pub(super) fn geometry(
        &self,
        cell: usize,
        pictures: &dyn PictureSource,
        truths: &[Vec<TrueBox>],
        progress: &(dyn Fn(TrainingStep) + Sync),
    ) -> Result<(Scales, Vec<WindowShape>), TransferError> {
        let all: Vec<usize> = (0..truths.len()).collect();
        let mut measured: Vec<(f64, f64)> = Vec::new();
        let measure = |at: usize| {
            let picture = read(pictures, at)?;
            let longer = picture.width().max(picture.height()) as f64;
            let base = (self.side as f64 / longer).min(1.0);
            let learned = truths[at].iter().filter(|truth| !truth.is_set_aside());
            let of = |b: &BoundingBox| (base * b.area().sqrt(), (b.width() / b.height()).ln());
            Ok(learned.map(|truth| of(&truth.bounds)).collect::<Vec<_>>())
        };
        in_order(&all, "reading", progress, measure, |_, found| measured.extend(found))?;
        let mut sizes: Vec<f64> = measured.iter().map(|&(size, _)| size).collect();
        sizes.sort_by(f64::total_cmp);
        let share = |share: f64| sizes[(share * (sizes.len() - 1) as f64).round() as usize];
        let window = self.window as f64;
        // Half a step of room beyond all but the oddest boxes.
        let room = 2.0_f64.powf(0.5 / self.per_octave as f64);
        let smallest = (share(0.02) / room).max(window * cell as f64 / self.enlarge);
        let largest = (share(0.98) * room).max(smallest);
        let scales = Scales {
            side: self.side,
            smallest,
            largest,
            per_octave: self.per_octave,
            window,
            cell,
        };
        let aspects: Vec<f64> = measured.iter().map(|&(_, aspect)| aspect).collect();
        let mut shapes: Vec<WindowShape> = Vec::new();
        for centre in centres(aspects, self.aspects) {
            let shape = WindowShape::of_aspect(window * window, centre.exp().clamp(0.05, 20.0));
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
        }
        Ok((scales, shapes))
    }
}

/// Centres of numbers: k-means from evenly spaced quantiles.
fn centres(mut values: Vec<f64>, count: usize) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let count = count.min(values.len());
    let quantile = |at: usize| values[(2 * at + 1) * values.len() / (2 * count)];
    let mut centres: Vec<f64> = (0..count).map(quantile).collect();
    for _ in 0..100 {
        let mut sums = vec![(0.0, 0.0); count];
        for &value in &values {
            let apart = |at: &usize| (centres[*at] - value).abs();
            let nearest = (0..count).min_by(|a, b| apart(a).total_cmp(&apart(b)));
            let sum = &mut sums[nearest.expect("there are centres")];
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
        let next: Vec<f64> = sums
            .iter()
            .zip(&centres)
            .map(|(&(sum, n), &centre)| if n > 0.0 { sum / n } else { centre })
            .collect();
        if next == centres {
            break;
        }
        centres = next;
    }
    centres
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centres_lie_in_the_middle_of_what_lies_together() {
        assert_eq!(centres(vec![1.0, 9.0, 2.0, 3.0, 11.0], 2), [2.0, 10.0]);
        // No more centres than numbers; all alike is no trouble.
        assert_eq!(centres(vec![5.0], 3), [5.0]);
        assert_eq!(centres(vec![4.0; 6], 2)[0], 4.0);
    }
}
