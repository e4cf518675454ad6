//! Adaptation by transport plans.

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip};
use procrust_neighbors::{Metric, top_k};
use rayon::prelude::*;

use crate::adapt::{Adaptation, Map};
use crate::blocks;
use crate::checks::check_columns;
use crate::joint_pca::check_sides;
use crate::kernel::{median, squared_distances};
use crate::labels::check_labels;
use crate::optimal::{exact_transport, sinkhorn, total};
use crate::{AdaptUnpaired, AlignError, Hints, SinkhornPlan, SinkhornSettings};

/// What the squared Euclidean distances between the domains are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CostScale {
    /// The largest of them.
    #[default]
    Max,
    /// Their median.
    Median,
    /// Nothing. A regularisation is then in the unit of squared distances.
    One,
}

/// Four gibibytes.
const MEMORY_LIMIT: u64 = 4 << 30;

/// Exact optimal transport: source rows move to the target rows that the cheapest plan sends them
/// to.
///
/// Cost is the squared Euclidean distance; all rows of a side weigh the same. The plan comes from
/// [`exact_transport`]; a source row goes to the mean of its target rows, weighed by the plan
/// (barycentric map), the target stays. **New source rows** move as the nearest fitted source row
/// did: `x + T(x_i) − x_i`. New target rows stay.
///
/// The matrix of costs is n × m `f64`: what is larger than `memory_limit` is refused before it is
/// allocated. The time grows with about the square to the cube of the rows.
///
/// Reports the diagnostics `transport_cost`, in the unit of squared distances, and `pivots`.
///
/// Courty, Flamary, Tuia & Rakotomamonjy (2017), "Optimal transport for domain adaptation", IEEE
/// Transactions on Pattern Analysis and Machine Intelligence 39(9), doi:10.1109/TPAMI.2016.2615921.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExactTransport {
    /// The most bytes that the matrix of costs may take.
    pub memory_limit: u64,
}

impl Default for ExactTransport {
    /// Up to four gibibytes.
    fn default() -> Self {
        Self { memory_limit: MEMORY_LIMIT }
    }
}

/// Entropic optimal transport: as [`ExactTransport`], with a plan that is spread out.
///
/// The plan comes from [`sinkhorn`], on costs that were divided by the scale. The more
/// regularisation, the nearer the moved rows lie to each other; without bound all go to the
/// target's mean. New rows as in [`ExactTransport`]. Two n × m matrices of `f64` are needed.
///
/// Reports the diagnostics `transport_cost`, in the unit of squared distances, `iterations`, and
/// `marginal_error`.
///
/// Courty et al. (2017), as [`ExactTransport`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sinkhorn {
    /// How the plan is found.
    pub settings: SinkhornSettings,
    /// What costs are divided by.
    pub scale: CostScale,
    /// The most bytes that the matrices may take.
    pub memory_limit: u64,
}

impl Default for Sinkhorn {
    /// ε = 0.01 of the largest cost.
    fn default() -> Self {
        Self {
            settings: SinkhornSettings::default(),
            scale: CostScale::Max,
            memory_limit: MEMORY_LIMIT,
        }
    }
}

/// Entropic transport that avoids sending rows of different classes to the same target row.
///
/// Minimises `Σ P·C − ε·H(P) + η·Ω(P)`, where the [penalty](ClassPenalty) Ω is small when the mass that a target
/// row gets comes from one class. Needs the labels of the source. Three n × m matrices of `f64` are needed, five with
/// [`ClassPenalty::L1L2`]. New rows as in [`ExactTransport`].
///
/// Reports the diagnostics of [`Sinkhorn`], of the last round.
///
/// Courty, Flamary & Tuia (2014), "Domain adaptation with regularized optimal transport", ECML
/// PKDD, doi:10.1007/978-3-662-44848-9_18; Courty et al. (2017), as [`ExactTransport`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassSinkhorn {
    /// How the plan is found, and where.
    pub sinkhorn: Sinkhorn,
    /// Ω.
    pub penalty: ClassPenalty,
    /// η of at least 0, in the unit of the scaled cost.
    pub class_regularization: f64,
    /// The most rounds, at least 1; the first has no penalty.
    pub rounds: usize,
}

/// What a target row's mass from several classes costs, in [`ClassSinkhorn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClassPenalty {
    /// `Σ_j Σ_c (Σ_{i in c} P_ij)^½`: L_p-L1 with p = ½. Each round replaces it by its tangent at the plan,
    /// which is one more cost, and runs [`sinkhorn`] (majorisation-minimisation). As it is not convex, more rounds go
    /// on parting classes.
    #[default]
    LpL1,
    /// `Σ_j Σ_c (Σ_{i in c} P_ij²)^½`: L1-L2, convex. Each round goes from the plan towards that of its tangent (the
    /// generalised conditional gradient), as far as that pays; rounds end when the objective falls by
    /// less than 1e-12 of itself.
    L1L2,
}

impl Default for ClassSinkhorn {
    /// ε = 0.01 of the largest cost, L_p-L1, η = 0.1, ten rounds.
    fn default() -> Self {
        Self {
            sinkhorn: Sinkhorn::default(),
            penalty: ClassPenalty::LpL1,
            class_regularization: 0.1,
            rounds: 10,
        }
    }
}

/// Keeps the tangent of the root finite where there is no mass.
const ROOT_FLOOR: f64 = 1e-3;

/// A round that lowers the objective by less than this share of it is the last one.
const LEAST_GAIN: f64 = 1e-12;

/// The share of what the tangent promises that a step must keep (Armijo), and the most times that a step is halved.
const KEEPS: f64 = 1e-4;
const HALVINGS: usize = 30;

impl AdaptUnpaired for ExactTransport {
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        _: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        check_sides("exact transport", source, target)?;
        check_memory("the cost matrix", source, target, 1, self.memory_limit)?;
        let costs = Costs::of(source, target, CostScale::One)?;
        let (n, m) = costs.cost.dim();
        let plan = exact_transport(costs.cost.view(), &vec![1.0; n], &vec![1.0; m])?;
        let mut images = Array2::<f64>::zeros(costs.source.dim());
        for &(i, j, mass) in &plan.entries {
            images.row_mut(i).scaled_add(mass * n as f64, &costs.target.row(j));
        }
        let adaptation = moved(source, target, &images)?;
        Ok(adaptation
            .with_diagnostic("transport_cost", plan.cost)
            .with_diagnostic("pivots", plan.pivots as f64))
    }
}

impl AdaptUnpaired for Sinkhorn {
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        _: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        self.settings.check()?;
        check_sides("Sinkhorn", source, target)?;
        check_memory("cost and plan", source, target, 2, self.memory_limit)?;
        let costs = Costs::of(source, target, self.scale)?;
        let (n, m) = costs.cost.dim();
        let found = sinkhorn(costs.cost.view(), &vec![1.0; n], &vec![1.0; m], self.settings)?;
        costs.finish(source, target, found)
    }
}

impl AdaptUnpaired for ClassSinkhorn {
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        hints: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        let Sinkhorn { settings, scale, memory_limit } = self.sinkhorn;
        settings.check()?;
        if !(self.class_regularization.is_finite() && self.class_regularization >= 0.0) {
            return Err(AlignError::Setting {
                name: "class_regularization",
                value: self.class_regularization,
                expected: "a finite number of at least 0",
            });
        }
        if self.rounds == 0 {
            let expected = "at least 1";
            return Err(AlignError::Setting { name: "rounds", value: 0.0, expected });
        }
        check_sides("Sinkhorn with classes", source, target)?;
        let (labels, classes) =
            check_labels("Sinkhorn with classes", hints.labels, source.nrows())?;
        let matrices = match self.penalty {
            ClassPenalty::LpL1 => 3,
            ClassPenalty::L1L2 => 5,
        };
        check_memory("costs and plans", source, target, matrices, memory_limit)?;
        let costs = Costs::of(source, target, scale)?;
        let mut members = vec![Vec::new(); classes];
        labels.iter().enumerate().for_each(|(row, &label)| members[label].push(row));
        let mut classes = Classes::new(self, &costs.cost, members);
        let found = match self.penalty {
            ClassPenalty::LpL1 => classes.majorize(),
            ClassPenalty::L1L2 => classes.descend(),
        };
        // Without the penalty.
        let found = SinkhornPlan { cost: total(&found.plan, costs.cost.view()), ..found };
        costs.finish(source, target, found)
    }
}

/// Transport with a penalty on classes that mix.
struct Classes<'a> {
    method: &'a ClassSinkhorn,
    cost: &'a Array2<f64>,
    /// The rows of each class.
    members: Vec<Vec<usize>>,
    masses: (Vec<f64>, Vec<f64>),
    /// Where [`solve`](Self::solve) starts.
    potentials: Vec<f64>,
}

impl<'a> Classes<'a> {
    fn new(method: &'a ClassSinkhorn, cost: &'a Array2<f64>, members: Vec<Vec<usize>>) -> Self {
        let uniform = |rows: usize| vec![(rows as f64).recip(); rows];
        let masses = (uniform(cost.nrows()), uniform(cost.ncols()));
        Self { method, cost, members, masses, potentials: Vec::new() }
    }

    fn solve(&mut self, cost: &Array2<f64>) -> SinkhornPlan {
        let (a, b) = &self.masses;
        let settings = self.method.sinkhorn.settings;
        crate::optimal::sinkhorn::solve(cost.view(), a, b, settings, &mut self.potentials)
    }

    /// Writes the cost with the penalty's slope at a plan, row by row; `slope` is given the sum over a class in a column
    /// and an entry.
    fn raise(
        &self,
        raised: &mut Array2<f64>,
        plan: &Array2<f64>,
        of: impl Fn(f64) -> f64,
        slope: impl Fn(f64, f64) -> f64,
    ) {
        let weight = self.method.class_regularization;
        for rows in &self.members {
            let sums = self.sums(rows, plan, &of);
            for &row in rows {
                let (cost, plan) = (self.cost.row(row), plan.row(row));
                Zip::from(raised.row_mut(row)).and(cost).and(plan).and(&sums).for_each(
                    |raised, cost, &entry, &sum| *raised = cost + weight * slope(sum, entry),
                );
            }
        }
    }

    /// The sums of a class, column by column.
    fn sums(&self, rows: &[usize], plan: &Array2<f64>, of: impl Fn(f64) -> f64) -> Array1<f64> {
        let mut sums = Array1::zeros(plan.ncols());
        for &row in rows {
            sums.zip_mut_with(&plan.row(row), |sum: &mut f64, &entry| *sum += of(entry));
        }
        sums
    }

    fn majorize(&mut self) -> SinkhornPlan {
        let mut found = self.solve(self.cost);
        let mut raised = Array2::zeros(self.cost.dim());
        for _ in 1..self.method.rounds {
            // ½·(s + δ)^−½, the slope of the root.
            let slope = |sum: f64, _| 0.5 / (sum + ROOT_FLOOR).sqrt();
            self.raise(&mut raised, &found.plan, |entry| entry, slope);
            found = self.solve(&raised);
        }
        found
    }

    fn descend(&mut self) -> SinkhornPlan {
        let epsilon = self.method.sinkhorn.settings.regularization;
        let mut found = self.solve(self.cost);
        let mut raised = Array2::zeros(self.cost.dim());
        let mut objective = self.objective(&found.plan);
        for _ in 1..self.method.rounds {
            let slope =
                |square: f64, entry: f64| if square > 0.0 { entry / square.sqrt() } else { 0.0 };
            self.raise(&mut raised, &found.plan, |entry| entry * entry, slope);
            let SinkhornPlan { plan: mut way, iterations, error, warning, .. } =
                self.solve(&raised);
            way -= &found.plan;
            // How steeply the objective falls along the way, at its start.
            let mut falls = 0.0;
            Zip::from(&way).and(&found.plan).and(&raised).for_each(|way, entry, cost| {
                falls -= way * (cost + epsilon * (1.0 + entry.max(f64::MIN_POSITIVE).ln()));
            });
            let mut step = 1.0;
            let mut plan = &found.plan + &way;
            let mut reached = self.objective(&plan);
            for _ in 0..HALVINGS {
                if reached <= objective - KEEPS * step * falls {
                    break;
                }
                step *= 0.5;
                plan.scaled_add(-step, &way);
                reached = self.objective(&plan);
            }
            let gain = objective - reached;
            if gain > 0.0 {
                found = SinkhornPlan { plan, cost: 0.0, iterations, error, warning };
                objective = reached;
            }
            if gain <= LEAST_GAIN * objective.abs() {
                break;
            }
        }
        found
    }

    /// `Σ P·C + ε·Σ P·ln P + η·Σ_j Σ_c (Σ_{i in c} P_ij²)^½`.
    fn objective(&self, plan: &Array2<f64>) -> f64 {
        let epsilon = self.method.sinkhorn.settings.regularization;
        let mut smooth = 0.0;
        Zip::from(plan).and(self.cost).for_each(|&entry, &cost| {
            let information = if entry > 0.0 { entry * entry.ln() } else { 0.0 };
            smooth += entry * cost + epsilon * information;
        });
        let mixed =
            |rows: &Vec<usize>| self.sums(rows, plan, |entry| entry * entry).mapv(f64::sqrt).sum();
        smooth + self.method.class_regularization * self.members.iter().map(mixed).sum::<f64>()
    }
}

/// Both domains in `f64` and the costs between them.
struct Costs {
    source: Array2<f64>,
    target: Array2<f64>,
    cost: Array2<f64>,
    unit: f64,
}

impl Costs {
    fn of(
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        scale: CostScale,
    ) -> Result<Self, AlignError> {
        let (n, m) = (source.nrows(), target.nrows());
        let source = blocks::widen("source", source, 0..n)?;
        let target = blocks::widen("target", target, 0..m)?;
        let mut cost = Array2::zeros((n, m));
        // About the target's mean, so that a common offset costs no digits.
        let mean = target.mean_axis(Axis(0)).expect("there are rows");
        let (from, to) = (&source - &mean, &target - &mean);
        cost.axis_chunks_iter_mut(Axis(0), blocks::BLOCK_ROWS)
            .collect::<Vec<_>>()
            .into_par_iter()
            .zip(
                from.axis_chunks_iter(Axis(0), blocks::BLOCK_ROWS)
                    .collect::<Vec<_>>()
                    .into_par_iter(),
            )
            .for_each(|(mut cost, rows)| cost.assign(&squared_distances(&rows.to_owned(), &to)));
        let unit = match scale {
            CostScale::Max => cost.iter().copied().fold(0.0, f64::max),
            CostScale::Median => median(&mut cost.iter().copied().collect::<Vec<_>>()),
            CostScale::One => 1.0,
        };
        let unit = if unit > 0.0 { unit } else { 1.0 };
        cost /= unit;
        Ok(Self { source, target, cost, unit })
    }

    fn finish(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        found: SinkhornPlan,
    ) -> Result<Adaptation, AlignError> {
        let SinkhornPlan { plan, cost, iterations, error, warning } = found;
        let mut images = Array2::zeros(self.source.dim());
        images
            .axis_chunks_iter_mut(Axis(0), blocks::BLOCK_ROWS)
            .collect::<Vec<_>>()
            .into_par_iter()
            .zip(
                plan.axis_chunks_iter(Axis(0), blocks::BLOCK_ROWS)
                    .collect::<Vec<_>>()
                    .into_par_iter(),
            )
            .for_each(|(mut images, plan)| {
                let masses = plan.sum_axis(Axis(1)).insert_axis(Axis(1));
                images.assign(&(plan.dot(&self.target) / &masses));
            });
        Ok(moved(source, target, &images)?
            .with_warnings(warning)
            .with_diagnostic("transport_cost", cost * self.unit)
            .with_diagnostic("iterations", iterations as f64)
            .with_diagnostic("marginal_error", error))
    }
}

/// Refuses what does not fit, before it is allocated.
fn check_memory(
    what: &'static str,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    matrices: u64,
    limit: u64,
) -> Result<(), AlignError> {
    let (n, m) = (source.nrows() as u64, target.nrows() as u64);
    let bytes = n.saturating_mul(m).saturating_mul(8 * matrices);
    if bytes <= limit {
        return Ok(());
    }
    let instead = "take fewer rows, or linear transport, which keeps no matrix of rows by rows";
    Err(AlignError::Memory { what, bytes, limit, instead })
}

/// The source at its images, the target as it is.
fn moved(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    images: &Array2<f64>,
) -> Result<Adaptation, AlignError> {
    let images = images.mapv(|value| value as f32);
    let map = TransportMap { rows: source.to_owned(), images: images.clone() };
    Ok(Adaptation::from_rows(images, target.to_owned(), Map::Transport(map)))
}

/// A row moves as the nearest of the fitted rows did.
#[derive(Debug, Clone)]
pub(crate) struct TransportMap {
    rows: Array2<f32>,
    images: Array2<f32>,
}

impl TransportMap {
    pub(crate) fn source(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        let mut moved = self.target(rows)?;
        if rows.nrows() == 0 {
            return Ok(moved);
        }
        let nearest = top_k(rows, self.rows.view(), 1, Metric::SquaredEuclidean)
            .expect("widths agree and all values are finite");
        for (row, (mut to, found)) in
            moved.rows_mut().into_iter().zip(nearest.indices.rows()).enumerate()
        {
            let near = found[0] as usize;
            for (col, value) in to.iter_mut().enumerate() {
                let offset =
                    f64::from(self.images[(near, col)]) - f64::from(self.rows[(near, col)]);
                *value = (f64::from(*value) + offset) as f32;
                if !value.is_finite() {
                    return Err(AlignError::Overflow { row, col });
                }
            }
        }
        Ok(moved)
    }

    pub(crate) fn target(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        check_columns("rows to map", self.rows.ncols(), rows.ncols())?;
        blocks::map(rows, rows.ncols(), |rows| rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn what_does_not_fit_is_refused() {
        // A view of one row repeated takes no memory itself.
        let row = array![[1.0_f32, 2.0]];
        let many = row.broadcast((1_000_000, 1, 2)).unwrap();
        let many = many.index_axis(Axis(1), 0);
        let error = Sinkhorn::default().adapt(many, many, &Hints::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cost and plan would take 16000000000000 bytes, the limit is 4294967296: raise the \
             limit if it can be set, or take fewer rows, or linear transport, which keeps no matrix of rows by rows"
        );
    }

    #[test]
    fn new_rows_move_as_their_nearest() {
        let x = array![[0.0_f32, 0.0], [10.0, 0.0]];
        let y = array![[0.0_f32, 5.0], [10.0, -5.0]];
        let found = ExactTransport::default().adapt(x.view(), y.view(), &Hints::default()).unwrap();
        assert_eq!(found.source(), y);
        let new = array![[1.0_f32, 1.0], [8.0, 0.0]];
        assert_eq!(found.map_source(new.view()).unwrap(), array![[1.0, 6.0], [8.0, -5.0]]);
        assert_eq!(found.map_target(new.view()).unwrap(), new);
        assert_eq!(found.map_source(Array2::zeros((0, 2)).view()).unwrap().dim(), (0, 2));
    }

    /// Nothing on the way to another plan is better, and less mass mixes than without the penalty.
    #[test]
    fn the_norms_are_least() {
        let rows = |n: usize, offset: f32| {
            Array2::from_shape_fn((n, 2), |(i, j)| {
                ((i * 13 + j * 7) % 10) as f32 / 10.0 + (i % 3) as f32 * (j as f32 - 0.3) + offset
            })
        };
        let (x, y) = (rows(12, 0.0), rows(15, 0.4));
        let costs = Costs::of(x.view(), y.view(), CostScale::Max).unwrap();
        let members: Vec<Vec<usize>> =
            (0..3).map(|class| (class..12).step_by(3).collect()).collect();
        let method = ClassSinkhorn {
            sinkhorn: Sinkhorn {
                settings: SinkhornSettings { regularization: 0.02, ..SinkhornSettings::default() },
                ..Sinkhorn::default()
            },
            penalty: ClassPenalty::L1L2,
            class_regularization: 0.5,
            rounds: 500,
        };
        let mut classes = Classes::new(&method, &costs.cost, members.clone());
        let plain = classes.solve(&costs.cost).plan;
        let found = classes.descend().plan;
        let parted = classes.majorize().plan;
        let least = classes.objective(&found);
        let independent = Array2::from_elem((12, 15), 1.0 / (12.0 * 15.0));
        for other in [&plain, &parted, &independent] {
            for share in [1e-3, 0.1, 1.0] {
                let between = &found * (1.0 - share) + other * share;
                assert!(classes.objective(&between) >= least, "{share}");
            }
        }
        // Of each column's mass what its foremost class gives.
        let foremost = |plan: &Array2<f64>| -> f64 {
            (0..15)
                .map(|column| {
                    let of = |rows: &Vec<usize>| rows.iter().map(|&row| plan[(row, column)]).sum();
                    members.iter().map(of).fold(0.0, f64::max)
                })
                .sum()
        };
        assert!(foremost(&found) > foremost(&plain) + 0.02);
    }
}
