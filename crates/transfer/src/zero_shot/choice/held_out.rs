//! Choosing settings by classes that are kept out of training.

use ndarray::{ArrayView2, Axis};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::calibration::SeenUnseenCurve;
use crate::TransferError;
use crate::linear::argmax;
use crate::zero_shot::model::{ZeroShot, check_training, per_class_accuracy};

/// Every so many rows of a class that stays in training is kept out where it is to be tested too.
const TESTED: usize = 5;

/// Folds over classes: settings of a zero-shot method are chosen on classes that were not trained on,
/// never on rows of the classes that were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldOutClasses {
    /// Folds at most, at least 2. A fold holds out two classes at least, so fewer classes make fewer
    /// folds.
    pub folds: usize,
    /// Which classes go together.
    pub seed: u64,
}

impl Default for HeldOutClasses {
    /// Four folds.
    fn default() -> Self {
        Self { folds: 4, seed: 0 }
    }
}

/// One fold: the classes that it keeps out, and the others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassFold {
    /// The classes that are tested, ascending.
    pub held_out: Vec<usize>,
    /// The classes that are trained on, ascending.
    pub kept: Vec<usize>,
}

/// Rows by what a fold does with them.
pub(crate) struct Split {
    pub(crate) train: Vec<usize>,
    pub(crate) test: Vec<usize>,
}

impl ClassFold {
    pub(crate) fn split(&self, labels: &[usize]) -> Split {
        let (test, train) =
            (0..labels.len()).partition(|&row| self.held_out.binary_search(&labels[row]).is_ok());
        Split { train, test }
    }
}

impl HeldOutClasses {
    /// Deals these classes out.
    ///
    /// # Errors
    ///
    /// [`TransferError::Setting`] for fewer than two folds, [`TransferError::Classes`] for fewer than
    /// four classes: two are held out and two stay.
    pub fn folds(&self, classes: &[usize]) -> Result<Vec<ClassFold>, TransferError> {
        if self.folds < 2 {
            let value = self.folds as f64;
            let expected = "at least 2";
            return Err(TransferError::Setting { setting: "folds", value, expected });
        }
        if classes.len() < 4 {
            let (what, found) = ("choosing on held-out classes", classes.len());
            return Err(TransferError::Classes { what, expected: 4, found });
        }
        let mut order = classes.to_vec();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(self.seed));
        let folds = self.folds.min(classes.len() / 2);
        let fold = |fold: usize| {
            let of = |keep: bool| {
                let dealt = order.iter().enumerate();
                let mut some: Vec<usize> = dealt
                    .filter(|(place, _)| (place % folds == fold) != keep)
                    .map(|(_, &class)| class)
                    .collect();
                some.sort_unstable();
                some
            };
            ClassFold { held_out: of(false), kept: of(true) }
        };
        Ok((0..folds).map(fold).collect())
    }

    /// The place of the method that does best on held-out classes, and the mean per-class accuracy of
    /// each. Of equal accuracies the first wins.
    ///
    /// # Errors
    ///
    /// What the methods say, the first in their order; [`TransferError::Setting`] without methods.
    pub fn choose(
        &self,
        methods: &[&dyn ZeroShot],
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<(usize, Vec<f64>), TransferError> {
        crate::checks::check_count("methods", methods.len())?;
        let folds = self.folds(&check_training(x, labels, descriptions)?)?;
        let accuracy = |&(method, fold): &(&dyn ZeroShot, &ClassFold)| {
            let Split { train, test } = fold.split(labels);
            let of = |rows: &[usize]| rows.iter().map(|&row| labels[row]).collect::<Vec<_>>();
            let model = method.fit(x.select(Axis(0), &train).view(), &of(&train), descriptions)?;
            let candidates = descriptions.select(Axis(0), &fold.held_out);
            let found = model.predict(x.select(Axis(0), &test).view(), candidates.view())?;
            let found: Vec<usize> = found.iter().map(|&at| fold.held_out[at]).collect();
            Ok(per_class_accuracy(&found, &of(&test)))
        };
        let cells: Vec<(&dyn ZeroShot, &ClassFold)> =
            methods.iter().flat_map(|&m| folds.iter().map(move |fold| (m, fold))).collect();
        let all: Vec<Result<f64, TransferError>> = cells.par_iter().map(accuracy).collect();
        let all = all.into_iter().collect::<Result<Vec<f64>, _>>()?;
        let means: Vec<f64> =
            all.chunks(folds.len()).map(|m| m.iter().sum::<f64>() / folds.len() as f64).collect();
        Ok((argmax(&means), means))
    }

    /// How much to take from the scores of trained classes before the best class is picked, so that
    /// the harmonic mean of the accuracies on trained and on held-out classes is largest.
    ///
    /// Each fold plays generalised zero-shot learning: it is trained on its kept classes without
    /// every fifth row, and tested on these rows and on those of its held-out classes, with all
    /// classes as candidates. The rows of all folds make one [`SeenUnseenCurve`].
    ///
    /// # Errors
    ///
    /// What the method says.
    pub fn choose_calibration(
        &self,
        method: &dyn ZeroShot,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<f64, TransferError> {
        let present = check_training(x, labels, descriptions)?;
        let folds = self.folds(&present)?;
        let mut seen_rows = vec![0_usize; descriptions.nrows()];
        let every: Vec<bool> = labels
            .iter()
            .map(|&label| {
                seen_rows[label] += 1;
                seen_rows[label].is_multiple_of(TESTED)
            })
            .collect();
        let candidates = descriptions.select(Axis(0), &present);
        let mut curve = SeenUnseenCurve::default();
        for (at, fold) in folds.iter().enumerate() {
            let Split { train, test } = fold.split(labels);
            let (tested, train): (Vec<usize>, Vec<usize>) =
                train.into_iter().partition(|&row| every[row]);
            let test: Vec<usize> = test.into_iter().chain(tested).collect();
            let of = |rows: &[usize]| rows.iter().map(|&row| labels[row]).collect::<Vec<_>>();
            let model = method.fit(x.select(Axis(0), &train).view(), &of(&train), descriptions)?;
            let scores = model.scores(x.select(Axis(0), &test).view(), candidates.view())?;
            let place = |label| present.binary_search(&label).expect("it was counted above");
            let places: Vec<usize> = of(&test).into_iter().map(place).collect();
            let seen: Vec<bool> =
                present.iter().map(|class| fold.kept.binary_search(class).is_ok()).collect();
            // The same class is another one in another fold.
            curve.add(scores.view(), &places, &seen, at * present.len())?;
        }
        Ok(curve.best().gamma)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_held_out_once_and_never_alone() {
        let classes = [0, 2, 3, 5, 7, 8, 9];
        let folds = HeldOutClasses { folds: 9, seed: 1 }.folds(&classes).unwrap();
        assert_eq!(folds.len(), 3);
        let mut all: Vec<usize> = folds.iter().flat_map(|fold| fold.held_out.clone()).collect();
        all.sort_unstable();
        assert_eq!(all, classes);
        for fold in &folds {
            assert!(fold.held_out.len() >= 2);
            assert_eq!(fold.held_out.len() + fold.kept.len(), classes.len());
        }
        let error = HeldOutClasses::default().folds(&[0, 1, 2]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "choosing on held-out classes: rows of 3 classes, expected at least 4"
        );
    }
}
