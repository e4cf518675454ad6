//! Kernel support vector machine, by linfa.

use linfa::{DatasetBase, traits::Fit};
use linfa_svm::Svm;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;

use crate::{
    Classifier, ClassifyError, Model,
    classifier::{Training, check_positive, check_rows, check_training},
};

/// What the inner products of one pair of classes may take.
const MEMORY_LIMIT: u64 = 4 << 30;
/// Rows whose kernel values are computed at once.
const BLOCK: usize = 256;

/// Support vector machine with a kernel, one for each pair of classes.
///
/// Minimises `½‖w‖² + c·Σ max(0, 1 − yᵢ(φ(xᵢ)·w + b))` in the space of the kernel, the intercept free.
/// Each pair of classes votes; of equally many votes the lower class number wins: scikit-learn's `SVC`,
/// to the solver's tolerance. It has no probabilities. Features are taken as they are.
///
/// The solver is linfa's SMO, in `f64`; it takes no weights ([`ClassifyError::Unweighted`]), and holds
/// all inner products of a pair of classes, 8n² bytes for n rows a thread: pairs that would need more
/// than 4 GiB are refused ([`ClassifyError::Memory`]). Pairs run in parallel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KernelSvm {
    /// What a row inside the margin costs, above 0.
    pub c: f64,
    /// The kernel.
    pub kernel: SvmKernel,
    /// The violation of the optimality conditions at which to stop, above 0.
    pub tolerance: f64,
}

/// A kernel; γ is by default 1 / (columns × variance of all features), scikit-learn's `"scale"`, and 1
/// where they have none.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum SvmKernel {
    /// `exp(−γ‖x − y‖²)`.
    Rbf {
        /// γ, above 0.
        gamma: Option<f64>,
    },
    /// `(γ·x·y + constant)^degree`.
    Polynomial {
        /// γ, above 0.
        gamma: Option<f64>,
        /// At least 1.
        degree: u32,
        /// Finite, 0 or more.
        constant: f64,
    },
}

impl Default for KernelSvm {
    fn default() -> Self {
        Self { c: 1.0, kernel: SvmKernel::Rbf { gamma: None }, tolerance: 1e-3 }
    }
}

/// A kernel that knows its γ.
#[derive(Debug, Clone, Copy)]
enum Known {
    Rbf(f64),
    Polynomial { gamma: f64, degree: u32, constant: f64 },
}

impl SvmKernel {
    fn check(self, training: &Training<'_>) -> Result<Known, ClassifyError> {
        let known = |gamma: Option<f64>| match gamma {
            Some(gamma) => check_positive("gamma", gamma).map(|()| gamma),
            None => Ok(scale(training.x.view())),
        };
        Ok(match self {
            Self::Rbf { gamma } => Known::Rbf(known(gamma)?),
            Self::Polynomial { gamma, degree, constant } => {
                if degree == 0 {
                    let expected = "at least 1";
                    return Err(ClassifyError::Setting { setting: "degree", value: 0.0, expected });
                }
                if !(constant.is_finite() && constant >= 0.0) {
                    let (setting, expected) = ("constant", "a finite number, 0 or more");
                    return Err(ClassifyError::Setting { setting, value: constant, expected });
                }
                Known::Polynomial { gamma: known(gamma)?, degree, constant }
            }
        })
    }
}

/// 1 / (columns × variance of all features).
fn scale(x: ArrayView2<'_, f32>) -> f64 {
    let all = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / all;
    let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / all;
    let gamma = 1.0 / (variance * x.ncols() as f64);
    if gamma.is_finite() && gamma > 0.0 { gamma } else { 1.0 }
}

impl Known {
    /// Kernel values of all rows of `x` with all of `y`, whose squared lengths are `squares`.
    fn values(self, x: &Array2<f64>, y: &Array2<f64>, squares: &Array1<f64>) -> Array2<f64> {
        let mut products = x.dot(&y.t());
        match self {
            Self::Rbf(gamma) => {
                for (mut row, x) in products.rows_mut().into_iter().zip(x.rows()) {
                    let own = x.dot(&x);
                    for (value, square) in row.iter_mut().zip(squares) {
                        *value = (-gamma * (own + square - 2.0 * *value).max(0.0)).exp();
                    }
                }
            }
            Self::Polynomial { gamma, degree, constant } => {
                let degree = i32::try_from(degree).unwrap_or(i32::MAX);
                products.mapv_inplace(|value| (gamma * value + constant).powi(degree));
            }
        }
        products
    }
}

/// A fitted kernel machine.
#[derive(Debug)]
pub struct KernelSvmModel {
    present: Vec<usize>,
    kernel: Known,
    mean: Array1<f64>,    // subtracted from rows
    support: Array2<f64>, // rows of any pair
    squares: Array1<f64>,
    coefficients: Array2<f64>, // support × pairs
    offsets: Array1<f64>,      // one a pair
}

impl KernelSvm {
    /// Trains as [`Classifier::fit`] does, and returns the model's own type.
    ///
    /// # Errors
    ///
    /// As [`Classifier::fit`]; [`ClassifyError::Memory`] for pairs of classes with too many rows,
    /// [`ClassifyError::Svm`] when linfa fails.
    pub fn train(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
    ) -> Result<KernelSvmModel, ClassifyError> {
        check_positive("c", self.c)?;
        check_positive("tolerance", self.tolerance)?;
        let training = check_training(x, y, classes, None)?;
        let kernel = self.kernel.check(&training)?;
        let present = training.present.clone();
        let of_class: Vec<Vec<usize>> = (0..present.len())
            .map(|place| (0..training.rows()).filter(|&r| training.places[r] == place).collect())
            .collect();
        let pairs: Vec<(usize, usize)> =
            (0..present.len()).flat_map(|a| (a + 1..present.len()).map(move |b| (a, b))).collect();
        for &(a, b) in &pairs {
            let rows = of_class[a].len() + of_class[b].len();
            let bytes = 8 * (rows as u64).pow(2);
            if bytes > MEMORY_LIMIT {
                return Err(ClassifyError::Memory {
                    what: "the inner products of a pair of classes",
                    bytes,
                    limit: MEMORY_LIMIT,
                    instead: "the linear machine, or fewer rows",
                });
            }
        }
        // Distances do not know of the mean; squares lose less without it.
        let mean = match kernel {
            Known::Rbf(_) => training.mean(),
            Known::Polynomial { .. } => Array1::zeros(training.x.ncols()),
        };
        let x = training.around(&mean);

        let solve = |&(a, b): &(usize, usize)| -> Result<_, ClassifyError> {
            let rows: Vec<usize> = of_class[a].iter().chain(&of_class[b]).copied().collect();
            // LIBSVM's order: the first class of a pair is the positive one.
            let targets = Array1::from_shape_fn(rows.len(), |at| at < of_class[a].len());
            let model = self.solve(kernel, x.select(Axis(0), &rows), targets)?;
            Ok((rows, model.0, model.1))
        };
        let solved = pairs.par_iter().map(solve).collect::<Result<Vec<_>, _>>()?;

        let mut used = vec![false; training.rows()];
        for (rows, alpha, _) in &solved {
            rows.iter().zip(alpha).filter(|(_, a)| **a != 0.0).for_each(|(&r, _)| used[r] = true);
        }
        let support: Vec<usize> = (0..used.len()).filter(|&row| used[row]).collect();
        let mut coefficients = Array2::zeros((support.len(), pairs.len()));
        for (pair, (rows, alpha, _)) in solved.iter().enumerate() {
            for (row, alpha) in rows.iter().zip(alpha).filter(|(_, alpha)| **alpha != 0.0) {
                let place = support.binary_search(row).expect("support holds every used row");
                coefficients[(place, pair)] = *alpha;
            }
        }
        let support = x.select(Axis(0), &support);
        let squares = support.rows().into_iter().map(|row| row.dot(&row)).collect();
        let offsets = solved.iter().map(|(.., rho)| *rho).collect();
        Ok(KernelSvmModel { present, kernel, mean, support, squares, coefficients, offsets })
    }

    /// The coefficients of one pair's rows, and what is subtracted from their sum.
    fn solve(
        &self,
        kernel: Known,
        x: Array2<f64>,
        targets: Array1<bool>,
    ) -> Result<(Vec<f64>, f64), ClassifyError> {
        let settings = Svm::<f64, bool>::params().pos_neg_weights(self.c, self.c);
        let settings = settings.eps(self.tolerance);
        let (settings, x) = match kernel {
            Known::Rbf(gamma) => (settings.gaussian_kernel(1.0 / gamma), x),
            Known::Polynomial { gamma, degree, constant } => {
                (settings.polynomial_kernel(constant, f64::from(degree)), x * gamma.sqrt())
            }
        };
        let model = settings
            .fit(&DatasetBase::new(x, targets))
            .map_err(|cause| ClassifyError::Svm { cause: Box::new(cause) })?;
        Ok((model.alpha, model.rho))
    }
}

impl KernelSvmModel {
    /// The decision values, m × pairs of classes: (0, 1), (0, 2), …, (1, 2), … of the classes that the
    /// training rows had; above 0 for the first of the pair.
    ///
    /// # Errors
    ///
    /// As [`Model::predict`].
    pub fn decisions(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, ClassifyError> {
        check_rows(x, self.mean.len())?;
        let mut decisions = Array2::zeros((x.nrows(), self.offsets.len()));
        let blocks: Vec<_> = decisions.axis_chunks_iter_mut(Axis(0), BLOCK).enumerate().collect();
        blocks.into_par_iter().for_each(|(at, mut to)| {
            let first = at * BLOCK;
            let rows = x.slice(s![first..first + to.nrows(), ..]).mapv(f64::from) - &self.mean;
            let values = self.kernel.values(&rows, &self.support, &self.squares);
            to.assign(&(values.dot(&self.coefficients) - &self.offsets));
        });
        Ok(decisions)
    }

    /// How many training rows the machine keeps.
    #[must_use]
    pub fn support_vectors(&self) -> usize {
        self.support.nrows()
    }
}

impl Model for KernelSvmModel {
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Vec<usize>, ClassifyError> {
        let classes = self.present.len();
        let mut votes = vec![0_usize; classes];
        let vote = |row: ArrayView1<'_, f64>| {
            votes.fill(0);
            let mut decisions = row.iter();
            for a in 0..classes {
                for b in a + 1..classes {
                    let first = decisions.next().is_some_and(|&decision| decision > 0.0);
                    votes[if first { a } else { b }] += 1;
                }
            }
            let most = votes.iter().copied().max().unwrap_or(0);
            self.present[votes.iter().position(|&v| v == most).unwrap_or(0)]
        };
        Ok(self.decisions(x)?.rows().into_iter().map(vote).collect())
    }

    fn predict_proba(&self, x: ArrayView2<'_, f32>) -> Result<Option<Array2<f64>>, ClassifyError> {
        check_rows(x, self.mean.len()).map(|()| None)
    }
}

impl Classifier for KernelSvm {
    fn fit_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        if weights.is_some() {
            let classifier = "the support vector machine with a kernel";
            return Err(ClassifyError::Unweighted { classifier });
        }
        Ok(Box::new(self.train(x, y, classes)?))
    }

    fn gives_probabilities(&self) -> bool {
        false
    }
}
