use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Zip};
use procrust_product::multiply;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::algebra::{blocks, random};
use crate::checks::{check_columns, check_regularization, check_rows};
use crate::moments::sums::{PairSums, Parts};
use crate::paired::normal_equations::solve;
use crate::{
    AffineMap, AlignError, LearnMaps, LearnedMaps, MapRows, NewRows, Observer, PairedSpaces,
    Progress,
};

/// A ridge regression and a small network that learns what the regression leaves: `y ≈ x·W + b + MLP(x)`.
///
/// The network has one hidden layer of rectified linear units,
/// `MLP(x) = max(0, (x − m)/s·A + a)·C + c`, with `m` the mean of the training rows and `s` the root
/// mean square of their entries about it. A part of the pairs is held out: `W` and `b` are the ridge
/// solution on the other pairs, and the network is trained on them by Adam, from `C = 0` on. Training
/// ends when the squared error on the held-out pairs has not fallen for `patience` epochs, and the
/// network of the best epoch is kept. So the map is never worse than the ridge regression on the
/// held-out pairs. Pairs of one source row are held out together.
///
/// Use it where a linear map leaves much of the target unexplained and there are some thousand pairs, such
/// as between two versions of an embedding model. The map is not affine: it cannot be inverted or
/// saved as a pair of matrices, and the target stays as it is. Training is on the
/// calling thread.
///
/// The observer sees every epoch: its objective is minus the mean squared error of the held-out
/// pairs, as a share of the mean squared residual of the ridge regression.
///
/// Reports the diagnostics `epochs`, the number of the epoch that was kept (0 for the ridge regression
/// alone), `held_out_error`, the mean over held-out pairs of `‖y − ŷ‖²`, and `linear_error`, the
/// same for the ridge regression alone.
///
/// After the residual adapter of Drift-Adapter (EMNLP 2025), "Drift-Adapter: a practical approach to near
/// zero-downtime embedding model upgrades in vector databases"; Kingma & Ba (2015), "Adam: a method for
/// stochastic optimization", ICLR.
///
/// ```
/// # use procrust_blas as _;
/// use std::ops::ControlFlow;
///
/// use ndarray::{Array2, concatenate, Axis};
/// use procrust_align::{LearnMaps, PairedSpaces, ResidualMlp};
///
/// // The second target column is the magnitude of the source, which no linear map gives.
/// let x = Array2::from_shape_fn((300, 1), |(i, _)| (i as f32 - 150.0) / 100.0);
/// let y = concatenate![Axis(1), x, x.mapv(f32::abs)];
/// let pairs: Vec<_> = (0..300).map(|row| (row, row)).collect();
/// let spaces = PairedSpaces { source: x.view(), target: y.view(), pairs: &pairs, seed: 0 };
/// let method = ResidualMlp { hidden: 16, learning_rate: 0.01, ..ResidualMlp::default() };
/// let learned = method.learn(&spaces, &mut |_| ControlFlow::Continue(()))?;
/// let error = |name| learned.diagnostics.iter().find(|(known, _)| *known == name).unwrap().1;
/// assert!(error("held_out_error") < 0.1 * error("linear_error"));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct ResidualMlp {
    /// Hidden units, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub hidden: usize,
    /// The step width of Adam, above 0.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub learning_rate: f64,
    /// Pairs per step, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub batch: usize,
    /// Epochs at most, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub epochs: usize,
    /// Epochs without a smaller error on held-out pairs after which training ends, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub patience: usize,
    /// The share of pairs that is held out, above 0 and below 1.
    #[cfg_attr(
        feature = "settings",
        schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))
    )]
    pub validation: f64,
    /// λ of the ridge regression, at least 0, on the scale of sums over rows.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub regularization: f64,
}

impl Default for ResidualMlp {
    /// 256 hidden units, steps of 0.001 on 256 pairs, 200 epochs, patience 10, a tenth held out, λ = 1.
    fn default() -> Self {
        Self {
            hidden: 256,
            learning_rate: 1e-3,
            batch: 256,
            epochs: 200,
            patience: 10,
            validation: 0.1,
            regularization: 1.0,
        }
    }
}

impl ResidualMlp {
    /// Learns from rows of pairs, `n × d_x` and `n × d_y`, with the pairs that are held out and the first
    /// weights `A`, `d_x × hidden`, of the hidden layer.
    ///
    /// [`learn`](LearnMaps::learn) draws both by the seed: `A` from a normal distribution of variance
    /// `2 / d_x`. The seed here only orders the pairs within an epoch.
    ///
    /// # Errors
    ///
    /// [`AlignError::Setting`] when a setting is out of range, [`AlignError::RowCounts`] when the
    /// sides differ in length, [`AlignError::Pair`] when a held-out number names no pair,
    /// [`AlignError::TooFewRows`] below one held-out pair or two others, [`AlignError::Columns`] when
    /// `hidden_weights` has another shape, [`AlignError::NonFinite`], [`AlignError::NoColumns`] and
    /// [`AlignError::Factorization`] when LAPACK fails.
    pub fn train(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        held_out: &[usize],
        hidden_weights: ArrayView2<'_, f64>,
        seed: u64,
        observer: &mut Observer<'_>,
    ) -> Result<LearnedMaps, AlignError> {
        self.check()?;
        check_rows(source, target)?;
        let parts = Parted::new(source, target, held_out)?;
        check_columns("hidden weights", source.ncols(), hidden_weights.nrows())?;
        check_columns("hidden weights", self.hidden, hidden_weights.ncols())?;

        let sums = PairSums::of(parts.x.view(), parts.y.view(), Parts::SOURCE)?;
        let ridge = solve(&sums, self.regularization, true)?;
        let warnings = ridge.warnings().to_vec();
        let scale = root_mean_square(&parts.x, sums.source.mean.view());
        let linear = Linear { map: ridge.source().clone(), mean: sums.source.mean, scale };
        let training = Examples::new(&linear, &parts.x, &parts.y, None)?;
        let testing = Examples::new(&linear, &parts.held_x, &parts.held_y, Some(training.scale))?;

        let network =
            Network::new(hidden_weights.as_standard_layout().into_owned(), target.ncols());
        let first = network.error(&testing);
        let (network, best, kept) = match training.scale > 0.0 {
            true => self.descend(network, &training, &testing, seed, observer),
            false => (network, first, 0), // nothing is left to learn
        };
        // From a share of the squared scale per entry to a sum over the entries of a row.
        let unit = training.scale.powi(2) * target.ncols() as f64;
        let maps = Arc::new(ResidualMlpMap { linear, network, scale: training.scale });
        Ok(LearnedMaps {
            maps,
            warnings,
            diagnostics: vec![
                ("epochs", kept as f64),
                ("held_out_error", best * unit),
                ("linear_error", first * unit),
            ],
            remarks: Vec::new(),
        })
    }

    fn check(&self) -> Result<(), AlignError> {
        let counts = [
            ("hidden", self.hidden),
            ("batch", self.batch),
            ("epochs", self.epochs),
            ("patience", self.patience),
        ];
        if let Some(&(name, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(AlignError::Setting { name, value: 0.0, expected: "at least 1" });
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            let (value, expected) = (self.learning_rate, "a finite number above 0");
            return Err(AlignError::Setting { name: "learning_rate", value, expected });
        }
        if !(self.validation > 0.0 && self.validation < 1.0) {
            let (value, expected) = (self.validation, "a number above 0 and below 1");
            return Err(AlignError::Setting { name: "validation", value, expected });
        }
        check_regularization(self.regularization)
    }

    /// The network of the best epoch, its error on held-out pairs, and its number.
    fn descend(
        &self,
        mut network: Network,
        training: &Examples,
        testing: &Examples,
        seed: u64,
        observer: &mut Observer<'_>,
    ) -> (Network, f64, usize) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..training.x.nrows()).collect();
        let mut adam = Adam::new(&network, self.learning_rate);
        let (mut best, mut least, mut kept) = (network.clone(), network.error(testing), 0);
        for epoch in 1..=self.epochs {
            order.shuffle(&mut rng);
            for batch in order.chunks(self.batch) {
                let gradient = network.gradient(&training.select(batch));
                adam.step(&mut network, &gradient);
            }
            let error = network.error(testing);
            // Not-a-number, from steps that are too wide, is not less.
            if error < least {
                (best, least, kept) = (network.clone(), error, epoch);
            }
            let progress = Progress { round: epoch, objective: -error, best: -least, keep: 1.0 };
            if observer(&progress).is_break() || epoch - kept >= self.patience {
                break;
            }
        }
        (best, least, kept)
    }
}

impl LearnMaps for ResidualMlp {
    fn learn(
        &self,
        spaces: &PairedSpaces<'_>,
        observer: &mut Observer<'_>,
    ) -> Result<LearnedMaps, AlignError> {
        self.check()?;
        let (x, y) = spaces.paired_rows()?;
        let mut rng = ChaCha8Rng::seed_from_u64(spaces.seed);
        let groups = spaces.groups();
        let mut distinct = groups.clone();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.shuffle(&mut rng);
        let wanted = (distinct.len() as f64 * self.validation).round().max(1.0) as usize;
        let mut taken: Vec<u64> = distinct.into_iter().take(wanted).collect();
        taken.sort_unstable();
        let held_out: Vec<usize> =
            (0..groups.len()).filter(|&pair| taken.binary_search(&groups[pair]).is_ok()).collect();
        let spread = (2.0 / x.ncols().max(1) as f64).sqrt();
        let weights = random::normal(x.ncols(), self.hidden, &mut rng) * spread;
        self.train(x.view(), y.view(), &held_out, weights.view(), spaces.seed, observer)
    }
}

/// The pairs that are learned from, and those that are held out.
struct Parted {
    x: Array2<f32>,
    y: Array2<f32>,
    held_x: Array2<f32>,
    held_y: Array2<f32>,
}

impl Parted {
    fn new(
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        held_out: &[usize],
    ) -> Result<Self, AlignError> {
        let rows = source.nrows();
        let mut is_held = vec![false; rows];
        for (entry, &row) in held_out.iter().enumerate() {
            *is_held.get_mut(row).ok_or(AlignError::Pair { entry, side: "source", row, rows })? =
                true;
        }
        let part =
            |held: bool| -> Vec<usize> { (0..rows).filter(|&row| is_held[row] == held).collect() };
        let (train, test) = (part(false), part(true));
        let enough = [("training pairs", 2, train.len()), ("held-out pairs", 1, test.len())];
        for (what, expected, found) in enough {
            if found < expected {
                return Err(AlignError::TooFewRows { what, expected, found });
            }
        }
        let select = |rows: ArrayView2<'_, f32>, part: &[usize]| rows.select(Axis(0), part);
        Ok(Self {
            x: select(source, &train),
            y: select(target, &train),
            held_x: select(source, &test),
            held_y: select(target, &test),
        })
    }
}

/// The ridge regression, and what rows are standardised by.
#[derive(Debug, Clone)]
struct Linear {
    map: AffineMap,
    mean: Array1<f64>,
    scale: f64,
}

impl Linear {
    fn standardized(&self, rows: &Array2<f64>) -> Array2<f64> {
        (rows - &self.mean) / self.scale
    }

    fn apply(&self, rows: &Array2<f64>) -> Array2<f64> {
        (rows - &self.map.shift()).dot(&self.map.matrix()) + self.map.offset()
    }
}

/// The root mean square of the entries about a mean; 1 where that is 0.
fn root_mean_square(rows: &Array2<f32>, mean: ArrayView1<'_, f64>) -> f64 {
    let square = |row: ArrayView1<'_, f32>| -> f64 {
        row.iter().zip(mean).map(|(&value, mean)| (f64::from(value) - mean).powi(2)).sum()
    };
    let sum: f64 = rows.outer_iter().map(square).sum();
    let root = (sum / rows.len().max(1) as f64).sqrt();
    if root > 0.0 { root } else { 1.0 }
}

/// Standardised rows, and what the linear map leaves of their targets, divided by a scale.
struct Examples {
    x: Array2<f64>,
    rest: Array2<f64>,
    /// The root mean square of what is left, unless given.
    scale: f64,
}

impl Examples {
    fn new(
        linear: &Linear,
        x: &Array2<f32>,
        y: &Array2<f32>,
        scale: Option<f64>,
    ) -> Result<Self, AlignError> {
        let wide = blocks::widen("source", x.view(), 0..x.nrows())?;
        let rest = blocks::widen("target", y.view(), 0..y.nrows())? - linear.apply(&wide);
        let square = rest.iter().map(|value| value * value).sum::<f64>();
        let scale = scale.unwrap_or_else(|| (square / rest.len() as f64).sqrt());
        let by = if scale > 0.0 { scale.recip() } else { 1.0 };
        Ok(Self { x: linear.standardized(&wide), rest: rest * by, scale })
    }

    fn select(&self, rows: &[usize]) -> Self {
        let (x, rest) = (self.x.select(Axis(0), rows), self.rest.select(Axis(0), rows));
        Self { x, rest, scale: self.scale }
    }
}

/// The weights of both layers; or the derivatives by them, or moments of these.
#[derive(Debug, Clone)]
struct Network {
    hidden: Array2<f64>,        // A, d_x × h
    hidden_offset: Array1<f64>, // a
    output: Array2<f64>,        // C, h × d_y
    output_offset: Array1<f64>, // c
}

impl Network {
    /// All weights but those given are 0, so that the network gives 0.
    fn new(hidden: Array2<f64>, outputs: usize) -> Self {
        let units = hidden.ncols();
        Self {
            hidden,
            hidden_offset: Array1::zeros(units),
            output: Array2::zeros((units, outputs)),
            output_offset: Array1::zeros(outputs),
        }
    }

    fn zero_like(other: &Self) -> Self {
        let mut zero = other.clone();
        zero.layers_mut().into_iter().for_each(|layer| layer.fill(0.0));
        zero
    }

    fn layers_mut(&mut self) -> [&mut [f64]; 4] {
        fn slice<D: ndarray::Dimension>(array: &mut ndarray::Array<f64, D>) -> &mut [f64] {
            array.as_slice_mut().expect("weights are in standard layout")
        }
        [
            slice(&mut self.hidden),
            slice(&mut self.hidden_offset),
            slice(&mut self.output),
            slice(&mut self.output_offset),
        ]
    }

    /// The hidden layer, and the output, of standardised rows.
    fn forward(&self, x: ArrayView2<'_, f64>) -> (Array2<f64>, Array2<f64>) {
        let mut hidden = product(x, self.hidden.view()) + &self.hidden_offset;
        hidden.mapv_inplace(|value| value.max(0.0));
        let output = product(hidden.view(), self.output.view()) + &self.output_offset;
        (hidden, output)
    }

    /// The mean square of the entries of what the network leaves.
    fn error(&self, examples: &Examples) -> f64 {
        let (_, output) = self.forward(examples.x.view());
        let square = |(found, wanted): (&f64, &f64)| (found - wanted).powi(2);
        output.iter().zip(&examples.rest).map(square).sum::<f64>() / output.len() as f64
    }

    /// The derivative of [`error`](Self::error).
    fn gradient(&self, examples: &Examples) -> Self {
        let (hidden, mut slope) = self.forward(examples.x.view());
        slope -= &examples.rest;
        slope *= 2.0 / slope.len() as f64;
        let mut back = product(slope.view(), self.output.t());
        Zip::from(&mut back).and(&hidden).for_each(|back, &hidden| {
            if hidden <= 0.0 {
                *back = 0.0;
            }
        });
        Self {
            hidden: product(examples.x.t(), back.view()),
            hidden_offset: back.sum_axis(Axis(0)),
            output: product(hidden.t(), slope.view()),
            output_offset: slope.sum_axis(Axis(0)),
        }
    }
}

/// A product on the calling thread, in standard layout.
fn product(left: ArrayView2<'_, f64>, right: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut out = Array2::zeros((left.nrows(), right.ncols()));
    multiply(left, right, out.view_mut(), 1.0, false);
    out
}

/// Adam's running means of derivatives and of their squares.
struct Adam {
    rate: f64,
    steps: i32,
    mean: Network,
    square: Network,
}

impl Adam {
    /// How much of the running means a step keeps, and what keeps the divisor away from 0.
    const KEPT: (f64, f64) = (0.9, 0.999);
    const SMALL: f64 = 1e-8;

    fn new(network: &Network, rate: f64) -> Self {
        let zero = || Network::zero_like(network);
        Self { rate, steps: 0, mean: zero(), square: zero() }
    }

    fn step(&mut self, network: &mut Network, gradient: &Network) {
        self.steps += 1;
        let (first, second) = Self::KEPT;
        // Means start at 0 and are divided by the weight that they have gathered.
        let gathered = |kept: f64| 1.0 - kept.powi(self.steps);
        let rate = self.rate / gathered(first);
        let by = gathered(second).sqrt().recip();
        let mut gradient = gradient.clone();
        let means = self.mean.layers_mut().into_iter().zip(self.square.layers_mut());
        let layers = network.layers_mut().into_iter().zip(gradient.layers_mut());
        for ((weights, gradient), (mean, square)) in layers.zip(means) {
            let moments = mean.iter_mut().zip(square);
            for ((weight, &mut slope), (mean, square)) in
                weights.iter_mut().zip(gradient).zip(moments)
            {
                *mean = first * *mean + (1.0 - first) * slope;
                *square = second * *square + (1.0 - second) * slope * slope;
                *weight -= rate * *mean / (square.sqrt() * by + Self::SMALL);
            }
        }
    }
}

/// `x ↦ x·W + b + MLP(x)` for the source; the target stays.
#[derive(Debug, Clone)]
struct ResidualMlpMap {
    linear: Linear,
    network: Network,
    /// By which the output of the network is multiplied.
    scale: f64,
}

impl MapRows for ResidualMlpMap {
    fn map_source(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        check_columns("rows to map", self.linear.map.input_dim(), rows.ncols())?;
        blocks::map(rows, self.linear.map.output_dim(), |rows| {
            let (_, output) = self.network.forward(self.linear.standardized(&rows).view());
            self.linear.apply(&rows) + output * self.scale
        })
    }

    fn map_target(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        check_columns("rows to map", self.linear.map.output_dim(), rows.ncols())?;
        blocks::map(rows, rows.ncols(), |rows| rows)
    }

    fn new_rows(&self) -> NewRows {
        NewRows::Nonlinear
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(ResidualMlp, "residual-mlp");

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use procrust_blas as _;
    use rand::RngExt;

    fn uniform(rows: usize, cols: usize, seed: u64) -> Array2<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Array2::from_shape_simple_fn((rows, cols), || rng.random_range(-1.0..1.0))
    }

    fn wide(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
        uniform(rows, cols, seed).mapv(f64::from)
    }

    fn learn(
        method: &ResidualMlp,
        x: &Array2<f32>,
        y: &Array2<f32>,
        pairs: &[(usize, usize)],
        seed: u64,
    ) -> Result<LearnedMaps, AlignError> {
        let spaces = PairedSpaces { source: x.view(), target: y.view(), pairs, seed };
        method.learn(&spaces, &mut |_| ControlFlow::Continue(()))
    }

    fn figure(learned: &LearnedMaps, name: &str) -> f64 {
        learned.diagnostics.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// Derivatives against differences, at weights of which none is 0.
    #[test]
    fn gradients_are_derivatives() {
        let mut network = Network::new(wide(3, 5, 1), 2);
        network.hidden_offset = wide(1, 5, 2).remove_axis(Axis(0));
        network.output = wide(5, 2, 3);
        network.output_offset = wide(1, 2, 4).remove_axis(Axis(0));
        let examples = Examples { x: wide(20, 3, 5), rest: wide(20, 2, 6), scale: 1.0 };
        let mut gradient = network.gradient(&examples);
        let step = 1e-6;
        for layer in 0..4 {
            for at in 0..network.layers_mut()[layer].len() {
                let error = |by: f64| {
                    let mut moved = network.clone();
                    moved.layers_mut()[layer][at] += by;
                    moved.error(&examples)
                };
                let slope = (error(step) - error(-step)) / (2.0 * step);
                let found = gradient.layers_mut()[layer][at];
                assert!((found - slope).abs() < 1e-8, "{layer} {at}: {found} for {slope}");
            }
        }
    }

    /// Never worse than ridge on held-out pairs, whatever the data, the seed and the step width.
    #[test]
    fn held_out_errors_are_at_most_those_of_the_linear_part() {
        for seed in 0..6 {
            let (x, noise) = (uniform(90, 4, seed), uniform(90, 3, seed + 50));
            let y = x.dot(&uniform(4, 3, seed + 99)).mapv(|value| value + value * value) + noise;
            let pairs: Vec<_> = (0..90).map(|row| (row, row)).collect();
            for learning_rate in [1e-3, 0.1, 1e4] {
                let method =
                    ResidualMlp { hidden: 8, learning_rate, batch: 16, ..ResidualMlp::default() };
                let learned = learn(&method, &x, &y, &pairs, seed).unwrap();
                let (found, linear) =
                    (figure(&learned, "held_out_error"), figure(&learned, "linear_error"));
                assert!(found <= linear, "{seed} {learning_rate}: {found} above {linear}");
                assert_eq!(found < linear, figure(&learned, "epochs") > 0.0);
                let mapped = learned.maps.map_source(x.view()).unwrap();
                assert!(mapped.iter().all(|value| value.is_finite()));
            }
        }
    }

    #[test]
    fn a_linear_relation_leaves_nothing_to_learn() {
        let x = uniform(40, 3, 7).mapv(|value| (value * 64.0).round() / 64.0);
        let y = &x * 2.0 + 1.0;
        let pairs: Vec<_> = (0..40).map(|row| (row, row)).collect();
        let method = ResidualMlp { regularization: 0.0, hidden: 4, ..ResidualMlp::default() };
        let learned = learn(&method, &x, &y, &pairs, 1).unwrap();
        let apart = learned.maps.map_source(x.view()).unwrap() - &y;
        assert!(apart.iter().all(|value| value.abs() < 1e-5));
        assert!(learned.alignment().is_none());
        assert_eq!(learned.maps.new_rows(), NewRows::Nonlinear);
        assert_eq!(learned.maps.map_target(y.view()).unwrap(), y);
    }

    #[test]
    fn pairs_of_one_row_are_held_out_together_and_settings_are_checked() {
        let (x, y) = (uniform(3, 2, 8), uniform(9, 2, 9));
        let small = ResidualMlp { hidden: 2, ..ResidualMlp::default() };
        // Three source rows of three pairs each: one of them is held out, six pairs are left.
        let pairs: Vec<_> = (0..9).map(|pair| (pair / 3, pair)).collect();
        assert!(learn(&small, &x, &y, &pairs, 2).is_ok());
        let of_one: Vec<_> = (0..9).map(|pair| (0, pair)).collect();
        assert_eq!(
            learn(&small, &x, &y, &of_one, 2).unwrap_err().to_string(),
            "training pairs: 0 rows, expected at least 2"
        );
        let message =
            |method: ResidualMlp| learn(&method, &x, &y, &pairs, 2).unwrap_err().to_string();
        assert_eq!(message(ResidualMlp { hidden: 0, ..small }), "hidden is 0, expected at least 1");
        assert_eq!(
            message(ResidualMlp { validation: 1.0, ..small }),
            "validation is 1, expected a number above 0 and below 1"
        );
        assert_eq!(
            message(ResidualMlp { learning_rate: 0.0, ..small }),
            "learning_rate is 0, expected a finite number above 0"
        );
    }

    #[test]
    fn the_observer_ends_the_training() {
        let (x, y) = (uniform(60, 3, 11), uniform(60, 2, 12));
        let pairs: Vec<_> = (0..60).map(|row| (row, row)).collect();
        let spaces = PairedSpaces { source: x.view(), target: y.view(), pairs: &pairs, seed: 1 };
        let mut seen = 0;
        let mut observer = |progress: &Progress| {
            seen = progress.round;
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        ResidualMlp { patience: 50, ..ResidualMlp::default() }
            .learn(&spaces, &mut observer)
            .unwrap();
        assert_eq!(seen, 2);
    }
}
