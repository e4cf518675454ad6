//! An embedding that moves while tasks are learned, and what holds earlier ones in place.

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};
use procrust_align::{SlicedTarget, Spectrum, slicing_directions};
use procrust_optimize::{Lbfgs, losses};

use super::class_mixture::{ClassMixture, Spread};
use crate::checks::{
    check_classes, check_count, check_labels, check_not_negative, check_positive, check_rows, widen,
};
use crate::{LinearScores, TransferError};

/// Learning tasks one after another in an embedding that they share and that each of them moves.
///
/// A linear encoder W, d × k, a decoder V, k × d, and a softmax U over the embedding z = (x − m)·W are
/// learned together. Of each class a [`ClassMixture`] keeps a Gaussian in the embedding, 2·k numbers. When
/// a task comes, rows z̃ are drawn from the Gaussians and decoded, x̃ = m + z̃·V; over the task's rows and
/// these, n in all,
///
/// `1/n Σ loss + l2/2n ‖U‖² + ρ/nd Σ‖x − m − z·V‖² + λ/C Σ_c SW²((x̃_c − m)·W, z̃_c)`
///
/// is minimised by L-BFGS, `SW²` the squared sliced Wasserstein distance along fixed directions and C the
/// number of earlier classes: what earlier classes look like in the embedding stays what the memory says.
/// With λ = 0 nothing holds it there. W and V begin as the principal components of the first task, whitened.
///
/// Rostami, Kolouri & Pilly (2019), "Complementary learning for overcoming catastrophic forgetting using
/// experience replay", IJCAI, doi:10.24963/ijcai.2019/463, where encoder and decoder are networks.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_transfer::EmbeddedReplay;
///
/// let first = array![[0.0_f32, 0.0], [0.2, 0.1], [4.0, 0.3], [4.2, 0.0]];
/// let method = EmbeddedReplay { components: 2, ..Default::default() };
/// let mut learned = method.fit(first.view(), &[0, 0, 1, 1], 3)?;
/// learned.learn(array![[0.1_f32, 5.0], [0.0, 5.3]].view(), &[2, 2])?;
/// let all = array![[0.1_f32, 0.1], [4.1, 0.1], [0.0, 5.1]];
/// assert_eq!(learned.model()?.predict(all.view())?, [0, 1, 2]);
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmbeddedReplay {
    /// k, from 1 to the rank of the first task's rows.
    pub components: usize,
    /// λ of at least 0.
    pub hold: f64,
    /// ρ of at least 0.
    pub reconstruction: f64,
    /// Directions of the sliced distance, at least 1.
    pub directions: usize,
    /// The penalty on U, above 0.
    pub l2: f64,
    /// Steps for each task, at least 1.
    pub steps: usize,
    /// What rows and directions are drawn by.
    pub seed: u64,
}

impl Default for EmbeddedReplay {
    /// Sixteen components, λ = ρ = 1, 16 directions, a penalty of 1, 60 steps.
    fn default() -> Self {
        Self {
            components: 16,
            hold: 1.0,
            reconstruction: 1.0,
            directions: 16,
            l2: 1.0,
            steps: 60,
            seed: 0,
        }
    }
}

/// What was learned of the tasks so far.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddedTasks {
    settings: EmbeddedReplay,
    mean: Array1<f64>,
    weights: Weights,
    memory: ClassMixture,
    tasks: u64,
}

/// Encoder, decoder, softmax.
#[derive(Debug, Clone, PartialEq)]
struct Weights {
    encoder: Array2<f64>, // d × k
    decoder: Array2<f64>, // k × d
    softmax: Array2<f64>, // (k + 1) × classes
}

impl EmbeddedReplay {
    /// Learns the first task from n × d rows with labels below `classes`, those of all tasks.
    ///
    /// # Errors
    ///
    /// [`TransferError::Empty`], [`TransferError::NonFinite`], [`TransferError::Labels`],
    /// [`TransferError::Label`], [`TransferError::Classes`] for rows of one class,
    /// [`TransferError::Setting`]; [`TransferError::TooMany`] for more components than the rows span, and
    /// for a class of one row.
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
    ) -> Result<EmbeddedTasks, TransferError> {
        self.check()?;
        check_rows("rows", x)?;
        check_classes("classes of the first task", x.nrows(), labels, classes, 2)?;
        let spectrum = Spectrum::of(x)?;
        let k = self.components;
        if k > spectrum.rank() {
            let (what, largest) = ("the number of components", spectrum.rank());
            return Err(TransferError::TooMany { what, asked: k, largest });
        }
        let deviations = spectrum.variances().slice(s![..k]).mapv(f64::sqrt);
        let axes = spectrum.axes().slice_move(s![.., ..k]);
        let weights = Weights {
            encoder: &axes / &deviations,
            decoder: (&axes * &deviations).t().as_standard_layout().into_owned(),
            softmax: Array2::zeros((k + 1, classes)),
        };
        let mut learned = EmbeddedTasks {
            settings: *self,
            mean: spectrum.mean().to_owned(),
            weights,
            memory: ClassMixture::new(k, Spread::Diagonal),
            tasks: 0,
        };
        learned.learn(x, labels)?;
        Ok(learned)
    }

    fn check(&self) -> Result<(), TransferError> {
        check_count("components", self.components)?;
        check_count("directions", self.directions)?;
        check_count("steps", self.steps)?;
        check_not_negative("hold", self.hold)?;
        check_not_negative("reconstruction", self.reconstruction)?;
        check_positive("l2", self.l2)
    }
}

impl EmbeddedTasks {
    /// Learns one more task. A class that is known is learned anew.
    ///
    /// # Errors
    ///
    /// As [`EmbeddedReplay::fit`], but one class is enough. Nothing is learned then.
    pub fn learn(&mut self, x: ArrayView2<'_, f32>, labels: &[usize]) -> Result<(), TransferError> {
        let (dim, classes) = (self.mean.len(), self.weights.softmax.ncols());
        check_rows("rows", x)?;
        let new = widen("rows", x, dim)? - &self.mean;
        let present = check_labels(x.nrows(), labels, classes)?;
        let k = self.settings.components;
        // As many of each earlier class as the task has of each of its own.
        let each = x.nrows().div_ceil(present.len());
        let (drawn, of_drawn) =
            self.memory.sample(each, self.settings.seed.wrapping_add(self.tasks));
        let drawn = drawn.mapv(f64::from);
        let directions = slicing_directions(k, self.settings.directions, self.settings.seed)?;
        let mut held = Vec::new();
        for rows in drawn.axis_chunks_iter(Axis(0), each) {
            held.push(SlicedTarget::new(rows, directions.clone())?);
        }
        let lesson = Lesson {
            x: concatenate![Axis(0), new, drawn.dot(&self.weights.decoder)],
            labels: [labels, &of_drawn].concat(),
            new: x.nrows(),
            each,
            held,
            settings: self.settings,
        };
        let start = self.weights.flat();
        let objective = |flat: &Array2<f64>| lesson.objective(flat, k, classes);
        let found = Lbfgs::new(self.settings.steps, 0.0).minimize(&objective, start);
        let weights = Weights::of_flat(&found.point, k, dim, classes);
        let embedded = new.dot(&weights.encoder).mapv(|value| value as f32);
        self.memory.learn(embedded.view(), labels)?;
        self.weights = weights;
        self.tasks += 1;
        Ok(())
    }

    /// The classifier of all classes, on rows as they are given.
    ///
    /// # Errors
    ///
    /// [`TransferError::NonFinite`] when the weights have left the range of numbers.
    pub fn model(&self) -> Result<LinearScores, TransferError> {
        let k = self.settings.components;
        let softmax = &self.weights.softmax;
        let weights = self.weights.encoder.dot(&softmax.slice(s![..k, ..]));
        let intercepts = &softmax.row(k) - &self.mean.dot(&weights);
        LinearScores::new(weights, intercepts)
    }

    /// The m × d rows `x` in the embedding, m × k.
    ///
    /// # Errors
    ///
    /// [`TransferError::Columns`], [`TransferError::NonFinite`].
    pub fn embed(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, TransferError> {
        Ok((widen("rows", x, self.mean.len())? - &self.mean).dot(&self.weights.encoder))
    }

    /// The Gaussians of the classes in the embedding.
    #[must_use]
    pub fn memory(&self) -> &ClassMixture {
        &self.memory
    }
}

impl Weights {
    /// All numbers in one row.
    fn flat(&self) -> Array2<f64> {
        let all = [&self.encoder, &self.decoder, &self.softmax];
        let numbers: Vec<f64> = all.into_iter().flatten().copied().collect();
        Array2::from_shape_vec((1, numbers.len()), numbers).expect("one row of all")
    }

    fn of_flat(flat: &Array2<f64>, k: usize, dim: usize, classes: usize) -> Self {
        let mut left = flat.row(0);
        let mut take = |rows: usize, columns: usize| {
            let (taken, rest) = left.split_at(Axis(0), rows * columns);
            left = rest;
            let taken = taken.to_owned().into_shape_with_order((rows, columns));
            taken.expect("as many numbers were taken")
        };
        Self { encoder: take(dim, k), decoder: take(k, dim), softmax: take(k + 1, classes) }
    }
}

/// Rows of a task, those drawn from the memory behind them, and where these belong.
struct Lesson {
    /// Less the mean.
    x: Array2<f64>,
    labels: Vec<usize>,
    new: usize,
    /// Drawn rows of each earlier class.
    each: usize,
    held: Vec<SlicedTarget>,
    settings: EmbeddedReplay,
}

impl Lesson {
    /// The value, and its derivative by the weights.
    fn objective(&self, flat: &Array2<f64>, k: usize, classes: usize) -> (f64, Array2<f64>) {
        let (n, dim) = self.x.dim();
        let rows = n as f64;
        let Weights { encoder, decoder, softmax } = Weights::of_flat(flat, k, dim, classes);
        let EmbeddedReplay { hold, reconstruction, l2, .. } = self.settings;
        let z = self.x.dot(&encoder);
        let of_z = softmax.slice(s![..k, ..]);

        let mut scores = z.dot(&of_z) + softmax.row(k);
        let mut value = losses(scores.view_mut(), &self.labels) / rows;
        scores /= rows; // now the derivatives of the mean loss by the scores
        value += 0.5 * l2 / rows * of_z.iter().map(|w| w * w).sum::<f64>();
        let by_softmax = concatenate![
            Axis(0),
            z.t().dot(&scores) + &(&of_z * (l2 / rows)),
            scores.sum_axis(Axis(0)).insert_axis(Axis(0))
        ];
        let mut by_z = scores.dot(&of_z.t());

        let off = z.dot(&decoder) - &self.x;
        let share = reconstruction / (rows * dim as f64);
        value += share * off.iter().map(|v| v * v).sum::<f64>();
        let by_decoder = z.t().dot(&off) * (2.0 * share);
        by_z.scaled_add(2.0 * share, &off.dot(&decoder.t()));

        if hold > 0.0 {
            let share = hold / self.held.len().max(1) as f64;
            for (at, target) in self.held.iter().enumerate() {
                let start = self.new + at * self.each;
                let place = s![start..start + self.each, ..];
                // A step so long that numbers overflow is no step downhill.
                let Ok((square, slope)) = target.slope(z.slice(place)) else {
                    return (f64::INFINITY, Array2::zeros(flat.dim()));
                };
                value += share * square;
                by_z.slice_mut(place).scaled_add(share, &slope);
            }
        }
        let by_encoder = self.x.t().dot(&by_z);
        let gradient =
            Weights { encoder: by_encoder, decoder: by_decoder, softmax: by_softmax }.flat();
        (value, gradient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use procrust_blas as _;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn numbers(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Array2::from_shape_simple_fn((rows, columns), || rng.random_range(-1.0..1.0))
    }

    #[test]
    fn the_gradient_is_that_of_the_value() {
        let (n, each, dim, k, classes) = (6, 4, 3, 2, 4);
        let directions = slicing_directions(k, 5, 1).unwrap();
        let held =
            |seed| SlicedTarget::new(numbers(each, k, seed).view(), directions.clone()).unwrap();
        let lesson = Lesson {
            x: numbers(n + 2 * each, dim, 2),
            labels: vec![2, 3, 2, 3, 2, 3, 0, 0, 0, 0, 1, 1, 1, 1],
            new: n,
            each,
            held: vec![held(3), held(4)],
            settings: EmbeddedReplay {
                hold: 0.7,
                reconstruction: 0.4,
                l2: 0.3,
                ..Default::default()
            },
        };
        let weights = Weights {
            encoder: numbers(dim, k, 5),
            decoder: numbers(k, dim, 6),
            softmax: numbers(k + 1, classes, 7),
        };
        let flat = weights.flat();
        assert_eq!(Weights::of_flat(&flat, k, dim, classes), weights);
        let (_, gradient) = lesson.objective(&flat, k, classes);
        // Central differences of 1e-5 are good to about 1e-10 of the third derivative.
        let step = 1e-5;
        for at in 0..flat.len() {
            let beside = |step: f64| {
                let mut moved = flat.clone();
                moved[[0, at]] += step;
                lesson.objective(&moved, k, classes).0
            };
            let found = (beside(step) - beside(-step)) / (2.0 * step);
            assert!(
                (found - gradient[[0, at]]).abs() < 1e-8,
                "{at}: {found} {}",
                gradient[[0, at]]
            );
        }
    }
}
