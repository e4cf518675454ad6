//! Ridge that chooses its own λ.

use ndarray::{Array1, Array2, ArrayView2};
use rayon::prelude::*;

use crate::algebra::factor;
use crate::moments::folds::check_folds;
use crate::moments::sums::{PairSums, Parts, check_pairs};
use crate::{AlignError, AlignPaired, Alignment, PairFolds, PairMoments, Ridge, Warning};

/// The values of λ to choose from.
#[derive(Debug, Clone, PartialEq)]
pub enum Lambdas {
    /// These, on the scale of sums over rows, as in [`Ridge`].
    Absolute(Vec<f64>),
    /// These times the mean eigenvalue of the source, `tr(XᵀX)/d`, of centred rows if there is an
    /// intercept. At 1 a direction of average extent is halved, whatever the number of rows, their
    /// length and their dimension.
    Relative(Vec<f64>),
}

impl Default for Lambdas {
    /// Relative, from 1e-6 to 1e3 in steps of a quarter of a decade: 37 values.
    fn default() -> Self {
        Self::Relative((-24..=12).map(|step| 10.0_f64.powf(f64::from(step) / 4.0)).collect())
    }
}

impl Lambdas {
    fn check(&self) -> Result<(), AlignError> {
        let (Self::Absolute(values) | Self::Relative(values)) = self;
        if values.is_empty() {
            let expected = "at least one value to choose from";
            return Err(AlignError::Setting { name: "number of lambdas", value: 0.0, expected });
        }
        match values.iter().find(|value| !(value.is_finite() && **value > 0.0)) {
            None => Ok(()),
            Some(&value) => {
                let expected = "a finite number above 0";
                Err(AlignError::Setting { name: "lambda", value, expected })
            }
        }
    }

    /// In rising order, each once.
    fn of(&self, sums: &PairSums, intercept: bool) -> Result<Vec<f64>, AlignError> {
        self.check()?;
        let mut values = match self {
            Self::Absolute(values) => values.clone(),
            Self::Relative(values) => {
                let mean = sums.source_square(intercept) / sums.source.mean.len() as f64;
                // Rows of zeros: any λ gives the same map.
                let mean = if mean > 0.0 { mean } else { 1.0 };
                let limit = |value: f64| value.clamp(f64::MIN_POSITIVE, f64::MAX);
                values.iter().map(|value| limit(value * mean)).collect()
            }
        };
        values.sort_by(f64::total_cmp);
        values.dedup();
        Ok(values)
    }
}

/// What each λ would give.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RidgePath {
    /// λ, rising.
    pub lambdas: Vec<f64>,
    /// For each the mean over pairs of `‖y − ŷ‖²`: held-out of [`CrossValidatedRidge`], estimated of
    /// [`RidgeGcv`].
    pub errors: Vec<f64>,
}

impl RidgePath {
    /// The position of the smallest error; of equal ones that of the larger λ.
    #[must_use]
    pub fn best(&self) -> usize {
        let mut best = 0;
        for (place, error) in self.errors.iter().enumerate() {
            if *error <= self.errors[best] {
                best = place;
            }
        }
        best
    }

    fn solve(
        &self,
        moments: &PairSums,
        intercept: bool,
        name: &'static str,
    ) -> Result<Alignment, AlignError> {
        let best = self.best();
        let lambda = self.lambdas[best];
        let alone = self.lambdas.len() == 1;
        let edge = match best {
            _ if alone => None,
            0 => Some("smallest"),
            last if last + 1 == self.lambdas.len() => Some("largest"),
            _ => None,
        };
        Ok(Ridge { lambda, intercept }
            .solve_sums(moments)?
            .with_diagnostic("lambda", lambda)
            .with_diagnostic("lambda_on_edge", f64::from(u8::from(edge.is_some())))
            .with_diagnostic(name, self.errors[best])
            .with_warnings(edge.map(|end| Warning::GridEdge {
                name: "lambda",
                value: lambda,
                end,
            })))
    }
}

/// Ridge regression with λ chosen by k-fold cross-validation.
///
/// For every fold the map is learned from the other folds and tested on the pairs of this one, for
/// every λ; the λ with the smallest squared error over all pairs then fits all pairs
/// ([`Ridge`]). Of a fold there is one symmetric eigendecomposition, `XᵀX = Q·Λ·Qᵀ`, and every λ
/// follows from it, `W = Q·(Λ + λI)⁻¹·QᵀXᵀY`. The held-out error is
/// `tr(WᵀGW) − 2·tr(WᵀC) + tr(YᵀY)` with the held-out `G = XᵀX` and `C = XᵀY`: no row is seen
/// a second time, and a λ more costs `d²` operations.
///
/// Reports the diagnostics `lambda`, `lambda_on_edge` (1 when it is the smallest or the largest of
/// several, which is also a [`Warning::GridEdge`]) and `held_out_error`, the mean over pairs of
/// `‖y − ŷ‖²`.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::Array2;
/// use procrust_align::CrossValidatedRidge;
///
/// let x = Array2::from_shape_fn((60, 3), |(i, j)| ((i * (j + 5) * 7) % 13) as f32 - 6.0);
/// let noise = Array2::from_shape_fn((60, 3), |(i, j)| ((i * 5 + j * 3) % 7) as f32 - 3.0);
/// let alignment = CrossValidatedRidge::default().fit(x.view(), (&x + &noise).view())?;
/// assert!(alignment.diagnostic("lambda").unwrap() > 0.0);
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CrossValidatedRidge {
    /// What to choose from.
    pub lambdas: Lambdas,
    /// Number of folds of [`fit`](Self::fit), at least 2.
    pub folds: usize,
    /// Fit an offset as well, which is not regularised.
    pub intercept: bool,
}

impl Default for CrossValidatedRidge {
    /// The default grid, five folds, no intercept.
    fn default() -> Self {
        Self { lambdas: Lambdas::default(), folds: 5, intercept: false }
    }
}

impl CrossValidatedRidge {
    /// Chooses λ and learns the map, from rows that are dealt out over the folds by their number.
    ///
    /// # Errors
    ///
    /// As [`AlignPaired::fit`]; [`AlignError::TooFewRows`] when there are fewer pairs than folds;
    /// [`AlignError::Setting`] when there is no λ, one is not above 0, or there are
    /// fewer than two folds.
    pub fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        self.lambdas.check()?;
        self.solve(&PairFolds::of(self.folds, source, target)?)
    }

    /// Chooses λ and learns the map from sums. The folds are those of the sums;
    /// [`folds`](Self::folds) is not used.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), where they apply to sums.
    pub fn solve(&self, folds: &PairFolds) -> Result<Alignment, AlignError> {
        let path = self.path(folds)?;
        path.solve(folds.total().sums(), self.intercept, "held_out_error")
    }

    /// The held-out error of every λ.
    ///
    /// # Errors
    ///
    /// As [`solve`](Self::solve).
    pub fn path(&self, folds: &PairFolds) -> Result<RidgePath, AlignError> {
        check_folds(folds.folds())?;
        let total = folds.total();
        check_pairs(total.sums())?;
        folds.check_validation()?;
        let lambdas = self.lambdas.of(total.sums(), self.intercept)?;
        let errors: Vec<_> = (0..folds.folds())
            .into_par_iter()
            .map(|fold| {
                let (train, test) = (folds.without(fold), folds.held_out(fold));
                held_out(train.sums(), test.sums(), &lambdas, self.intercept)
            })
            .collect();
        let mut sum = Array1::zeros(lambdas.len());
        for errors in errors {
            sum += &errors?;
        }
        Ok(RidgePath { lambdas, errors: (sum / total.sums().weight).to_vec() })
    }
}

/// `XᵀX = Q·Λ·Qᵀ` and `A = QᵀXᵀY`: all that a path of λ needs of its training pairs.
struct Decomposed {
    values: Array1<f64>,
    q: Array2<f64>,
    a: Array2<f64>,
}

impl Decomposed {
    fn of(sums: &PairSums, centered: bool) -> Result<Self, AlignError> {
        let (values, q) = factor::eigh("the source", &sums.source_of(centered))?;
        let a = q.t().dot(&sums.cross_of(centered));
        // A Gram matrix has no negative eigenvalues; rounding has.
        Ok(Self { values: values.mapv_into(|value| value.max(0.0)), q, a })
    }
}

/// The sum of squared errors over held-out pairs, for every λ.
fn held_out(
    train: &PairSums,
    test: &PairSums,
    lambdas: &[f64],
    intercept: bool,
) -> Result<Array1<f64>, AlignError> {
    let Decomposed { values, q, a } = Decomposed::of(train, intercept)?;
    let origin = |mean: &Array1<f64>| {
        if intercept { mean.clone() } else { Array1::zeros(mean.len()) }
    };
    let (x0, y0) = (origin(&train.source.mean), origin(&train.target.mean));
    // W = Q·D·A for D = (Λ + λ)⁻¹, so tr(WᵀGW) = Σᵢⱼ Dᵢ·Dⱼ·(QᵀGQ ∘ AAᵀ)ᵢⱼ.
    let quadratic = q.t().dot(&test.source_about(&x0)).dot(&q) * a.dot(&a.t());
    let linear = (q.t().dot(&test.cross_about(&x0, &y0)) * &a).sum_axis(ndarray::Axis(1));
    let constant = test.target_square_about(&y0);
    Ok(lambdas
        .iter()
        .map(|lambda| {
            let d = values.mapv(|value| (value + lambda).recip());
            (d.dot(&quadratic.dot(&d)) - 2.0 * d.dot(&linear) + constant).max(0.0)
        })
        .collect())
}

/// Ridge regression with λ chosen by generalised cross-validation, without any folds.
///
/// GCV estimates the error on new pairs from the fit itself: `n·‖Y − HY‖² / (n − tr H)²` with
/// `H = X(XᵀX + λI)⁻¹Xᵀ`, the intercept counted in the trace. It is leave-one-out validation
/// with every pair's leverage replaced by their mean. One eigendecomposition gives all of it. (What
/// scikit-learn's `RidgeCV` calls generalised is leave-one-out, which needs the rows; it is
/// [`CrossValidatedRidge`] with as many folds as pairs.)
///
/// Pairs that belong together, such as translations of one word, count as independent: prefer
/// [`CrossValidatedRidge`] on [grouped folds](PairFolds::add_grouped) then.
///
/// Reports the diagnostics `lambda`, `lambda_on_edge` and `gcv`, the estimated mean of `‖y − ŷ‖²`;
/// warns as [`CrossValidatedRidge`].
///
/// Golub, Heath & Wahba (1979), "Generalized cross-validation as a method for choosing a good ridge
/// parameter", Technometrics 21(2), doi:10.1080/00401706.1979.10489751.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RidgeGcv {
    /// What to choose from.
    pub lambdas: Lambdas,
    /// Fit an offset as well, which is not regularised.
    pub intercept: bool,
}

impl RidgeGcv {
    /// The estimated error of every λ. Infinite where nothing is left to estimate from: the map
    /// has as many degrees of freedom as there are pairs.
    ///
    /// # Errors
    ///
    /// As [`solve`](AlignPaired::solve).
    pub fn path(&self, moments: &PairMoments) -> Result<RidgePath, AlignError> {
        self.path_of(moments.sums())
    }

    fn path_of(&self, sums: &PairSums) -> Result<RidgePath, AlignError> {
        check_pairs(sums)?;
        let lambdas = self.lambdas.of(sums, self.intercept)?;
        let Decomposed { values, a, .. } = Decomposed::of(sums, self.intercept)?;
        let rank = factor::rank(&values);
        let n = sums.count as f64;
        // Of HY: what direction i of the source explains, all of it at λ = 0.
        let explained: Array1<f64> = a
            .rows()
            .into_iter()
            .zip(&values)
            .take(rank)
            .map(|(row, value)| row.dot(&row) / value)
            .collect();
        // Degrees of freedom and errors that no λ reaches.
        let free = sums.count.saturating_sub(rank + usize::from(self.intercept)) as f64;
        let left = if free > 0.0 {
            (sums.target_square(self.intercept) - explained.sum()).max(0.0)
        } else {
            0.0
        };
        let errors = lambdas
            .iter()
            .map(|lambda| {
                let (mut squares, mut trace) = (left, free);
                for (&value, &explained) in values.iter().zip(&explained) {
                    let share = lambda / (value + lambda);
                    squares += share * share * explained;
                    trace += share;
                }
                let error = n * (squares / trace / trace) * (n / sums.weight);
                if error.is_nan() { f64::INFINITY } else { error }
            })
            .collect();
        Ok(RidgePath { lambdas, errors })
    }

    fn solve_sums(&self, sums: &PairSums) -> Result<Alignment, AlignError> {
        self.path_of(sums)?.solve(sums, self.intercept, "gcv")
    }
}

impl AlignPaired for RidgeGcv {
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        self.lambdas.check()?;
        self.solve_sums(&PairSums::of(source, target, Parts::SOURCE)?)
    }

    fn solve(&self, moments: &PairMoments) -> Result<Alignment, AlignError> {
        self.solve_sums(moments.sums())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    fn line() -> (Array2<f32>, Array2<f32>) {
        (array![[1.0], [2.0], [-1.0], [4.0]], array![[2.1], [3.9], [-2.0], [8.0]])
    }

    #[test]
    fn settings_are_checked() {
        let (x, y) = line();
        let message = |lambdas| {
            let by_folds = CrossValidatedRidge { lambdas, ..CrossValidatedRidge::default() };
            let gcv = RidgeGcv { lambdas: by_folds.lambdas.clone(), intercept: false };
            let message = by_folds.fit(x.view(), y.view()).unwrap_err().to_string();
            assert_eq!(gcv.fit(x.view(), y.view()).unwrap_err().to_string(), message);
            message
        };
        assert_eq!(
            message(Lambdas::Absolute(vec![])),
            "number of lambdas is 0, expected at least one value to choose from"
        );
        assert_eq!(
            message(Lambdas::Relative(vec![1.0, -2.0])),
            "lambda is -2, expected a finite number above 0"
        );
        let error = CrossValidatedRidge::default().fit(x.view(), y.view()).unwrap_err();
        assert_eq!(error.to_string(), "pairs to cross-validate with: 4 rows, expected at least 5");
    }

    #[test]
    fn the_edge_of_the_grid_is_a_warning() {
        let (x, y) = line();
        let lambdas = Lambdas::Absolute(vec![1e9, 1e6, 1e8]);
        let cv = CrossValidatedRidge { lambdas: lambdas.clone(), folds: 2, intercept: false };
        let gcv = RidgeGcv { lambdas, intercept: false };
        for fit in [cv.fit(x.view(), y.view()).unwrap(), gcv.fit(x.view(), y.view()).unwrap()] {
            assert_eq!(fit.diagnostic("lambda"), Some(1e6));
            assert_eq!(fit.diagnostic("lambda_on_edge"), Some(1.0));
            assert_eq!(
                fit.warnings()[0].to_string(),
                "the best lambda, 1000000, is the smallest of those tried: a better one may lie \
                 beyond"
            );
        }
    }

    #[test]
    fn rows_of_zeros_choose_something() {
        let (x, y) = (Array2::zeros((6, 2)), Array2::from_elem((6, 1), 3.0_f32));
        for intercept in [false, true] {
            let cv = CrossValidatedRidge { folds: 3, intercept, ..CrossValidatedRidge::default() };
            let gcv = RidgeGcv { intercept, ..RidgeGcv::default() };
            for fit in [cv.fit(x.view(), y.view()).unwrap(), gcv.fit(x.view(), y.view()).unwrap()] {
                assert_eq!(fit.source().matrix(), Array2::<f64>::zeros((2, 1)));
                assert_eq!(fit.diagnostics().len(), 3);
            }
        }
    }
}
