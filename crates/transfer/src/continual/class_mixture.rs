//! A Gaussian for each class, in the place of the rows that it was learned from.

use ndarray::{Array1, Array2, ArrayView2};
use ndarray_linalg::{Cholesky, UPLO};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::TransferError;
use crate::checks::{check_columns, check_labels, check_rows};
use crate::learners::discriminant::{CovarianceShrinkage, WithinCovariance};

/// What a component of a [`ClassMixture`] keeps of its class's spread.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Spread {
    /// The variance of each column: 2·d numbers a class with the mean.
    #[default]
    Diagonal,
    /// The covariance, shrunk: d + d·(d + 1)/2 numbers a class with the mean.
    Full(CovarianceShrinkage),
}

/// A Gaussian mixture with one component a class: a memory of what was learned whose size does not grow
/// with the number of rows. Rows drawn from it are replayed while later tasks are learned.
///
/// Rostami, Kolouri & Pilly (2019), "Complementary learning for overcoming catastrophic forgetting using
/// experience replay", IJCAI, doi:10.24963/ijcai.2019/463, where it lies in the embedding of an
/// autoencoder; here it lies among the rows given. Covariances divide by n.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_transfer::{ClassMixture, Spread};
///
/// let mut memory = ClassMixture::new(2, Spread::Diagonal);
/// memory.learn(array![[0.0_f32, 1.0], [2.0, 1.0]].view(), &[7, 7])?;
/// assert_eq!(memory.classes(), [7]);
/// let (rows, labels) = memory.sample(3, 1);
/// assert_eq!((rows.dim(), labels), ((3, 2), vec![7, 7, 7]));
/// assert!(rows.column(1).iter().all(|&value| value == 1.0)); // that column never varied
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ClassMixture {
    dim: usize,
    spread: Spread,
    components: Vec<Component>,
}

#[derive(Debug, Clone, PartialEq)]
struct Component {
    class: usize,
    mean: Array1<f64>,
    /// Turns normal numbers into an offset from the mean: standard deviations, or Cholesky's factor.
    scale: Scale,
}

#[derive(Debug, Clone, PartialEq)]
enum Scale {
    Deviations(Array1<f64>),
    Lower(Array2<f64>),
}

impl ClassMixture {
    /// An empty memory for rows of `dim` columns.
    #[must_use]
    pub fn new(dim: usize, spread: Spread) -> Self {
        Self { dim, spread, components: Vec::new() }
    }

    /// Adds a component for each class of these rows; a class that is known gets a new one in its place.
    ///
    /// # Errors
    ///
    /// [`TransferError::Empty`], [`TransferError::NonFinite`], [`TransferError::Columns`],
    /// [`TransferError::Labels`], [`TransferError::Setting`]; [`TransferError::TooMany`] for a class of
    /// one row: a component needs two. The memory is then as before.
    pub fn learn(&mut self, x: ArrayView2<'_, f32>, labels: &[usize]) -> Result<(), TransferError> {
        check_rows("rows", x)?;
        check_columns("rows", self.dim, x.ncols())?;
        let present = check_labels(x.nrows(), labels, usize::MAX)?;
        let component = |&class: &usize| {
            let some: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] == class).collect();
            if some.len() < 2 {
                let what = "the number of components of a class with one row";
                return Err(TransferError::TooMany { what, asked: 1, largest: 0 });
            }
            let rows = x.select(ndarray::Axis(0), &some);
            let wide = rows.mapv(f64::from);
            let mean = wide.sum_axis(ndarray::Axis(0)) / some.len() as f64;
            let scale = match self.spread {
                Spread::Diagonal => {
                    let apart = wide - &mean;
                    let squares = (&apart * &apart).sum_axis(ndarray::Axis(0));
                    Scale::Deviations(squares.mapv(|sum| (sum / some.len() as f64).sqrt()))
                }
                Spread::Full(shrinkage) => {
                    let covariance =
                        WithinCovariance::of(rows.view(), &vec![0; some.len()], 1, shrinkage)?;
                    let lower = covariance.matrix().to_owned().cholesky(UPLO::Lower);
                    Scale::Lower(lower.map_err(|cause| TransferError::Factorization {
                        what: "a class's covariance; more shrinkage may help",
                        rows: self.dim,
                        columns: self.dim,
                        cause,
                    })?)
                }
            };
            Ok(Component { class, mean, scale })
        };
        let new = present.iter().map(component).collect::<Result<Vec<_>, _>>()?;
        self.components.retain(|known| present.binary_search(&known.class).is_err());
        self.components.extend(new);
        self.components.sort_by_key(|component| component.class);
        Ok(())
    }

    /// The classes that have a component, ascending.
    #[must_use]
    pub fn classes(&self) -> Vec<usize> {
        self.components.iter().map(|component| component.class).collect()
    }

    /// How many numbers the memory holds: as many fit into how many rows, times their columns.
    #[must_use]
    pub fn numbers(&self) -> usize {
        let each = match self.spread {
            Spread::Diagonal => 2 * self.dim,
            Spread::Full(_) => self.dim + self.dim * (self.dim + 1) / 2,
        };
        each * self.components.len()
    }

    /// Draws `each` rows of every class, class by class.
    #[must_use]
    pub fn sample(&self, each: usize, seed: u64) -> (Array2<f32>, Vec<usize>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut rows = Array2::zeros((each * self.components.len(), self.dim));
        let mut labels = Vec::with_capacity(rows.nrows());
        for (at, mut row) in rows.rows_mut().into_iter().enumerate() {
            let component = &self.components[at / each];
            let noise = Array1::from_shape_simple_fn(self.dim, || normal(&mut rng));
            let offset = match &component.scale {
                Scale::Deviations(deviations) => noise * deviations,
                Scale::Lower(lower) => lower.dot(&noise),
            };
            row.assign(&(&component.mean + &offset).mapv(|value| value as f32));
            labels.push(component.class);
        }
        (rows, labels)
    }
}

/// A normal number (Box & Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius: f64 = 1.0 - rng.random_range(0.0..1.0_f64);
    let angle: f64 = rng.random_range(0.0..std::f64::consts::TAU);
    (-2.0 * radius.ln()).sqrt() * angle.cos()
}
