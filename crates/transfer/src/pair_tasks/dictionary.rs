//! Tasks that share a dictionary with their descriptions.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::checks::{
    check_classes, check_columns, check_count, check_finite_wide, check_positive, check_rows,
};
use crate::linear::{gram, plus_diagonal, solve};
use crate::sparse::SparseCoding;
use crate::{TransferError, Warning};

/// Task descriptors for lifelong learning: a dictionary of task parameters and one of task descriptions
/// that share sparse codes, learned over tasks one after another.
///
/// Of task t with parameters θ_t, the curvature Γ_t of its loss there, and description φ_t, the code is
///
/// `s_t = argmin ‖θ_t − L·s‖²_Γt + ρ·‖φ_t − D·s‖² + μ·‖s‖₁`,
///
/// and L and D minimise the mean of that over the tasks so far plus `λ(‖L‖² + ‖D‖²)`, in closed form
/// from sums that each task adds to. A new task's parameters are `L·s` with `s` from its description
/// alone; its first rows improve them as rows of any task do, through a code of both. [`TaskEstimate`]
/// has θ and Γ of a task of two classes.
///
/// Ruvolo & Eaton (2013), "ELLA: an efficient lifelong learning algorithm", ICML; Isele, Rostami & Eaton
/// (2016), "Using task features for zero-shot knowledge transfer in lifelong learning", IJCAI; Rostami,
/// Kolouri, Kim & Eaton (2017), "Multi-agent and lifelong learning by task descriptors".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tadell {
    /// Columns of the dictionaries, at least 1.
    pub atoms: usize,
    /// ρ above 0: what a description weighs against the parameters.
    pub description_weight: f64,
    /// μ: how codes are found, and their penalty.
    pub coding: SparseCoding,
    /// λ above 0.
    pub ridge: f64,
    /// What the dictionaries start from.
    pub seed: u64,
}

impl Default for Tadell {
    /// Eight atoms, descriptions that weigh as parameters, μ = 0.01, λ = 10⁻³.
    fn default() -> Self {
        Self {
            atoms: 8,
            description_weight: 1.0,
            coding: SparseCoding::new(0.01),
            ridge: 1e-3,
            seed: 0,
        }
    }
}

/// What was learned of the tasks so far.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskDictionary {
    settings: Tadell,
    parameters: Array2<f64>,   // d × k
    descriptions: Array2<f64>, // m × k
    tasks: usize,
    /// `Σ ssᵀ ⊗ Γ` and `Σ s ⊗ Γθ`, by atoms, then dimensions.
    curvature: Array2<f64>,
    right: Array1<f64>,
    /// `Σ ssᵀ` and `Σ φsᵀ`.
    squares: Array2<f64>,
    cross: Array2<f64>,
}

/// Parameters of one task by its rows alone, and how sharply these tell them: what a
/// [`TaskDictionary`] learns a task from.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_transfer::{LinearScores, TaskEstimate};
///
/// let rows = array![[0.0_f32], [0.2], [1.0], [1.2]];
/// let task = TaskEstimate::of_two_classes(rows.view(), &[0, 0, 1, 1], 0.01)?;
/// let model = LinearScores::of_two_classes(task.parameters())?;
/// assert_eq!(model.predict(array![[0.1_f32], [0.9]].view())?, [0, 1]);
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TaskEstimate {
    parameters: Array1<f64>,
    curvature: Array2<f64>,
    warnings: Vec<Warning>,
}

impl TaskEstimate {
    /// Of two classes, by least squares on ±1: the minimiser θ = (w, b) of
    /// `‖X·w + b − y‖² + l2·‖w‖²`, d + 1 numbers, and the curvature of that at θ over the number of
    /// rows, `Γ = ([X 1]ᵀ[X 1] + l2·diag(1, …, 1, 0)) / n`. Label 1 is where `x·w + b` is above 0.
    ///
    /// What Γ weighs does not grow with the rows; where tasks have few and many, multiply it by their
    /// number over that of a usual task.
    ///
    /// # Errors
    ///
    /// [`TransferError::Empty`], [`TransferError::NonFinite`], [`TransferError::Labels`],
    /// [`TransferError::Label`] for one that is neither 0 nor 1, [`TransferError::Classes`] for rows of
    /// one class, [`TransferError::Setting`] unless `l2` is above 0.
    pub fn of_two_classes(
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        l2: f64,
    ) -> Result<Self, TransferError> {
        check_positive("l2", l2)?;
        check_rows("rows", x)?;
        check_classes("classes of a task", x.nrows(), labels, 2, 2)?;
        let (rows, dim) = x.dim();
        let mut wider = Array2::ones((rows, dim + 1));
        wider.slice_mut(s![.., ..dim]).assign(&x);
        let mut right = Array1::<f64>::zeros(dim + 1);
        for (row, &label) in wider.rows().into_iter().zip(labels) {
            let aim = if label == 1 { 1.0 } else { -1.0 };
            right.zip_mut_with(&row, |sum, &value| *sum += aim * f64::from(value));
        }
        let mut left = gram(wider.view());
        left.diag_mut().slice_mut(s![..dim]).mapv_inplace(|value| value + l2);
        let (solved, warning) = solve("the rows of a task", &left, &right.insert_axis(Axis(1)))?;
        Ok(Self {
            parameters: solved.column(0).to_owned(),
            curvature: left / rows as f64,
            warnings: warning.into_iter().collect(),
        })
    }

    /// θ: the weights, then the intercept.
    #[must_use]
    pub fn parameters(&self) -> ArrayView1<'_, f64> {
        self.parameters.view()
    }

    /// Γ.
    #[must_use]
    pub fn curvature(&self) -> &Array2<f64> {
        &self.curvature
    }

    /// What the estimate left to be said.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl Tadell {
    /// Dictionaries of nothing, for tasks of `dim` parameters with descriptions of `described` numbers:
    /// uniform numbers by the seed.
    ///
    /// # Errors
    ///
    /// [`TransferError::Setting`]; [`TransferError::Empty`] when there are no dimensions.
    pub fn start(&self, dim: usize, described: usize) -> Result<TaskDictionary, TransferError> {
        check_count("atoms", self.atoms)?;
        if dim == 0 || described == 0 {
            let (rows, columns) = (dim, described);
            return Err(TransferError::Empty { what: "parameters by descriptions", rows, columns });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let k = self.atoms;
        let mut uniform = |rows: usize| {
            let scale = (rows as f64).sqrt().recip();
            Array2::from_shape_simple_fn((rows, k), || scale * rng.random_range(-1.0..1.0))
        };
        let (parameters, descriptions) = (uniform(dim), uniform(described));
        self.start_from(parameters, descriptions)
    }

    /// As [`Tadell::start`], from these dictionaries, d × atoms and m × atoms, in place of `atoms` and
    /// `seed`.
    ///
    /// # Errors
    ///
    /// [`TransferError::Setting`], [`TransferError::Columns`], [`TransferError::NonFinite`].
    pub fn start_from(
        &self,
        parameters: Array2<f64>,
        descriptions: Array2<f64>,
    ) -> Result<TaskDictionary, TransferError> {
        check_positive("description_weight", self.description_weight)?;
        check_positive("ridge", self.ridge)?;
        self.coding.check()?;
        let (dim, k) = parameters.dim();
        check_count("atoms", k)?;
        check_columns("description atoms", k, descriptions.ncols())?;
        check_finite_wide("parameter atoms", parameters.view())?;
        check_finite_wide("description atoms", descriptions.view())?;
        Ok(TaskDictionary {
            settings: *self,
            tasks: 0,
            curvature: Array2::zeros((dim * k, dim * k)),
            right: Array1::zeros(dim * k),
            squares: Array2::zeros((k, k)),
            cross: Array2::zeros((descriptions.nrows(), k)),
            parameters,
            descriptions,
        })
    }
}

impl TaskDictionary {
    /// L, d × atoms.
    #[must_use]
    pub fn parameters(&self) -> &Array2<f64> {
        &self.parameters
    }

    /// D, m × atoms.
    #[must_use]
    pub fn descriptions(&self) -> &Array2<f64> {
        &self.descriptions
    }

    /// How many tasks were learned.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.tasks
    }

    /// Learns one more task: its parameters θ, their curvature Γ, d × d, and its description φ. Returns
    /// its code, and warnings.
    ///
    /// # Errors
    ///
    /// [`TransferError::Columns`], [`TransferError::NonFinite`]. Nothing is learned then.
    pub fn learn(
        &mut self,
        theta: ArrayView1<'_, f64>,
        gamma: &Array2<f64>,
        phi: ArrayView1<'_, f64>,
    ) -> Result<(Array1<f64>, Vec<Warning>), TransferError> {
        let (code, warning) = self.code(Some((theta, gamma)), phi)?;
        let (dim, k) = self.parameters.dim();
        let by_theta = gamma.dot(&theta);
        for i in 0..k {
            for j in 0..k {
                let share = code[i] * code[j];
                if share != 0.0 {
                    let place = s![i * dim..(i + 1) * dim, j * dim..(j + 1) * dim];
                    self.curvature.slice_mut(place).scaled_add(share, gamma);
                }
                self.squares[[i, j]] += share;
            }
            self.right.slice_mut(s![i * dim..(i + 1) * dim]).scaled_add(code[i], &by_theta);
            self.cross.column_mut(i).scaled_add(code[i], &phi);
        }
        self.tasks += 1;
        let tasks = self.tasks as f64;
        let ridge = self.settings.ridge;
        let left = plus_diagonal(&self.curvature / tasks, ridge);
        let right = (&self.right / tasks).insert_axis(Axis(1));
        let (solved, first) = solve("the sums over tasks", &left, &right)?;
        for i in 0..k {
            let atom = solved.slice(s![i * dim..(i + 1) * dim, 0]);
            self.parameters.column_mut(i).assign(&atom);
        }
        let weight = self.settings.description_weight;
        let left = plus_diagonal(&self.squares * (weight / tasks), ridge);
        let right = (&self.cross * (weight / tasks)).t().as_standard_layout().into_owned();
        let (solved, second) = solve("the sums over codes", &left, &right)?;
        self.descriptions = solved.t().as_standard_layout().into_owned();
        Ok((code, warning.into_iter().chain(first).chain(second).collect()))
    }

    /// The parameters of a task of which the description alone is known: `L·s`.
    ///
    /// # Errors
    ///
    /// [`TransferError::Columns`], [`TransferError::NonFinite`].
    pub fn predict(&self, phi: ArrayView1<'_, f64>) -> Result<Array1<f64>, TransferError> {
        Ok(self.parameters.dot(&self.code(None, phi)?.0))
    }

    /// The parameters of a task with a description and first estimates of its own: `L·s`, s of both.
    /// Nothing is learned.
    ///
    /// # Errors
    ///
    /// As [`TaskDictionary::predict`].
    pub fn improve(
        &self,
        theta: ArrayView1<'_, f64>,
        gamma: &Array2<f64>,
        phi: ArrayView1<'_, f64>,
    ) -> Result<Array1<f64>, TransferError> {
        Ok(self.parameters.dot(&self.code(Some((theta, gamma)), phi)?.0))
    }

    fn code(
        &self,
        own: Option<(ArrayView1<'_, f64>, &Array2<f64>)>,
        phi: ArrayView1<'_, f64>,
    ) -> Result<(Array1<f64>, Option<Warning>), TransferError> {
        check_columns("description", self.descriptions.nrows(), phi.len())?;
        check_finite_wide("description", phi.insert_axis(Axis(0)))?;
        // ½sᵀGs − cᵀs + ½μ‖s‖₁: half of the objective.
        let weight = self.settings.description_weight;
        let mut gram = self.descriptions.t().dot(&self.descriptions) * weight;
        let mut cross = self.descriptions.t().dot(&phi) * weight;
        if let Some((theta, gamma)) = own {
            let dim = self.parameters.nrows();
            check_columns("parameters", dim, theta.len())?;
            check_columns("curvature", dim, gamma.ncols())?;
            check_columns("curvature", dim, gamma.nrows())?;
            check_finite_wide("parameters", theta.insert_axis(Axis(0)))?;
            check_finite_wide("curvature", gamma.view())?;
            let turned = gamma.dot(&self.parameters);
            gram += &self.parameters.t().dot(&turned);
            cross += &turned.t().dot(&theta);
        }
        let half =
            SparseCoding { penalty: 0.5 * self.settings.coding.penalty, ..self.settings.coding };
        let mut code = Array2::zeros((1, cross.len()));
        let warning = half.improve(&cross.insert_axis(Axis(0)), &gram, &mut code)?;
        Ok((code.remove_axis(Axis(0)), warning))
    }
}
