//! The features on which TCA, JDA and BDA work: rows, kernel values, or values of landmarks.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::algebra::{factor, product};
use crate::kernel::FittedKernel;
use crate::maps::kernel::KernelMap;
use crate::moments::domain::of_both;
use crate::{Adaptation, AffineMap, AlignError, Alignment, Kernel, MapRows};

/// Up to this many rows of both domains a kernel is taken between all of them. The eigenvalues of
/// a matrix of that size take a minute or two.
const EXACT_ROWS: usize = 5_000;

/// Landmarks, where there are more rows and no number is given.
const DEFAULT_LANDMARKS: usize = 1_000;

/// The most bytes that kernel values may take: four gibibytes.
const MEMORY_LIMIT: u64 = 4 << 30;

/// Features of all rows and how to get those of others.
pub(crate) struct Features {
    /// Scatter about the joint mean, m × m.
    pub(crate) scatter: Array2<f64>,
    /// Landmarks that stand for all rows, where there are some.
    pub(crate) landmarks: Option<usize>,
    source_rows: usize,
    values: Values,
}

enum Values {
    /// `X·R`, `R` the identity if there is none. `rows` are those of both domains.
    Rows { rows: Array2<f64>, root: Option<Array2<f64>> },
    /// `K(x, landmarks)·R`. `values` are those of both domains.
    Kernel {
        kernel: FittedKernel,
        landmarks: Array2<f64>,
        root: Option<Array2<f64>>,
        values: Array2<f64>,
    },
}

impl Features {
    /// Features of the rows themselves, or such that the inner products of a kernel's problem are
    /// those of an ordinary one: `KHK·w = φ(KLK + μI)·w` is the problem of the rows of `K`.
    ///
    /// Of the linear kernel with no fewer rows than dimensions the features are `X·S^½`,
    /// `S = XᵀX`: with `a = S^½·b` for `w = X·S^-½·b` it is the same problem in d × d. Of landmarks
    /// (Nyström) they are `Φ·(ΦᵀΦ)^½`, `Φ = K_nm·K_mm^-½`, for the same reason.
    pub(crate) fn of(
        method: &'static str,
        kernel: Option<Kernel>,
        landmarks: Option<usize>,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        seed: u64,
    ) -> Result<Self, AlignError> {
        if let Some(kernel) = kernel {
            kernel.check()?;
        }
        if landmarks == Some(0) {
            return Err(AlignError::Setting {
                name: "landmarks",
                value: 0.0,
                expected: "at least 1",
            });
        }
        let (mut joint, of_target) = of_both(method, source, target)?;
        joint.absorb(&of_target);
        let source_rows = source.nrows();
        let rows = concatenate![Axis(0), source, target].mapv(f64::from);
        let n = rows.nrows();
        let taken = landmarks.or((n > EXACT_ROWS).then_some(DEFAULT_LANDMARKS));

        let kernel = match kernel {
            None => {
                let scatter = joint.scatter().to_owned();
                let values = Values::Rows { rows, root: None };
                return Ok(Self { scatter, landmarks: None, source_rows, values });
            }
            Some(Kernel::Linear) if n >= rows.ncols() => {
                let root = symmetric_root("the Gram matrix", &joint.gram())?;
                let scatter = root.dot(&joint.scatter()).dot(&root);
                let values = Values::Rows { rows, root: Some(root) };
                return Ok(Self { scatter, landmarks: None, source_rows, values });
            }
            Some(kernel) => {
                let columns = taken.unwrap_or(n).min(n) as u64;
                let bytes = (n as u64).saturating_mul(columns).saturating_mul(8);
                if bytes > MEMORY_LIMIT {
                    let instead = "take fewer rows, or set fewer landmarks";
                    let what = "the kernel";
                    return Err(AlignError::Memory { what, bytes, limit: MEMORY_LIMIT, instead });
                }
                kernel.fit(&rows)
            }
        };
        let Some(taken) = taken.filter(|&taken| taken < n) else {
            let values = kernel.of(&rows, &rows);
            let scatter = scatter(&values);
            let values = Values::Kernel { kernel, landmarks: rows, root: None, values };
            return Ok(Self { scatter, landmarks: None, source_rows, values });
        };
        let landmarks = rows.select(Axis(0), &draw(n, taken, seed));
        let (eigenvalues, vectors) =
            factor::eigh("the kernel of the landmarks", &kernel.of(&landmarks, &landmarks))?;
        let rank = factor::rank(&eigenvalues);
        let roots = eigenvalues.slice(s![..rank]).mapv(|value| value.sqrt().recip());
        let half = factor::scale_columns(&vectors.slice(s![.., ..rank]).to_owned(), &roots);
        let phi = product::of(kernel.of(&rows, &landmarks).view(), half.view()); // n × rank
        let square =
            symmetric_root("the Gram matrix of the landmarks", &product::of(phi.t(), phi.view()))?;
        let values = product::of(phi.view(), square.view());
        let scatter = scatter(&values);
        let root = Some(half.dot(&square));
        let values = Values::Kernel { kernel, landmarks, root, values };
        Ok(Self { scatter, landmarks: Some(taken), source_rows, values })
    }

    /// Sums of the features of each group of rows, groups × m, and the sizes of the groups. Rows
    /// of both domains are numbered through; `None` is in no group.
    pub(crate) fn sums(
        &self,
        groups: impl Iterator<Item = Option<usize>>,
        count: usize,
    ) -> (Array2<f64>, Array1<f64>) {
        let (rows, root) = match &self.values {
            Values::Rows { rows, root } => (rows, root.as_ref()),
            Values::Kernel { values, .. } => (values, None),
        };
        let mut sums = Array2::zeros((count, rows.ncols()));
        let mut sizes = Array1::zeros(count);
        for (row, group) in rows.rows().into_iter().zip(groups) {
            if let Some(group) = group {
                let mut sum = sums.row_mut(group);
                sum += &row;
                sizes[group] += 1.0;
            }
        }
        (root.map_or_else(|| sums.clone(), |root| sums.dot(root)), sizes)
    }

    /// Rows of the source; those after them are the target's.
    pub(crate) fn source_rows(&self) -> usize {
        self.source_rows
    }

    /// The rule that maps rows to their features times `vectors`.
    pub(crate) fn map(&self, vectors: &Array2<f64>) -> Result<Arc<dyn MapRows>, AlignError> {
        let through = |root: &Option<Array2<f64>>| match root {
            Some(root) => root.dot(vectors),
            None => vectors.clone(),
        };
        let matrix = match &self.values {
            Values::Rows { root, .. } => through(root),
            Values::Kernel { kernel: FittedKernel::Linear, landmarks, root, .. } => {
                landmarks.t().dot(&through(root))
            }
            Values::Kernel { kernel, landmarks, root, .. } => {
                let weights = through(root);
                return Ok(Arc::new(KernelMap {
                    kernel: *kernel,
                    landmarks: landmarks.clone(),
                    weights,
                }));
            }
        };
        let (input, output) = matrix.dim();
        let map = AffineMap::new(Array1::zeros(input), matrix, Array1::zeros(output))?;
        Ok(Arc::new(Alignment::new(map.clone(), map)?))
    }
}

fn scatter(values: &Array2<f64>) -> Array2<f64> {
    let mean = values.mean_axis(Axis(0)).expect("there are rows");
    let centred = values - &mean;
    product::of(centred.t(), centred.view())
}

/// The symmetric root of a positive semidefinite matrix.
pub(crate) fn symmetric_root(
    what: &'static str,
    matrix: &Array2<f64>,
) -> Result<Array2<f64>, AlignError> {
    let (values, vectors) = factor::eigh(what, matrix)?;
    let roots = values.mapv_into(|value| value.max(0.0).sqrt());
    Ok(factor::scale_columns(&vectors, &roots).dot(&vectors.t()))
}

/// `taken` numbers below `n`, each at most once, in rising order.
fn draw(n: usize, taken: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut numbers: Vec<usize> = (0..n).collect();
    for i in 0..taken {
        numbers.swap(i, rng.random_range(i..n));
    }
    numbers.truncate(taken);
    numbers.sort_unstable();
    numbers
}

/// The difference of the domains' mean features.
pub(crate) fn mean_gap(
    features: &Features,
    source_rows: usize,
    target_rows: usize,
) -> ndarray::Array1<f64> {
    let rows = source_rows + target_rows;
    let (sums, sizes) =
        features.sums((0..rows).map(|row| Some(usize::from(row >= source_rows))), 2);
    &sums.row(0) / sizes[0] - &sums.row(1) / sizes[1]
}

/// The adaptation by these weights of the features.
pub(crate) fn finish(
    features: &Features,
    vectors: &Array2<f64>,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<Adaptation, AlignError> {
    let gap = mean_gap(features, source.nrows(), target.nrows()).dot(vectors);
    let adaptation = Adaptation::by(features.map(vectors)?, source, target)?
        .with_diagnostic("mean_gap", gap.dot(&gap).sqrt());
    Ok(match features.landmarks {
        Some(count) => adaptation.with_diagnostic("landmarks", count as f64),
        None => adaptation,
    })
}
