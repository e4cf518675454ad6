use ndarray::{Array1, Array2, ArrayView2, Zip};

use crate::adaptation::costs::{CostScale, Costs, MEMORY_LIMIT, check_memory};
use crate::adaptation::labels::check_labels;
use crate::checks::check_sides;
use crate::transport::sinkhorn::solve;
use crate::transport::wide::total_cost;
use crate::{AdaptUnpaired, Adaptation, AlignError, Hints, SinkhornPlan, SinkhornSettings};

/// Entropic transport that avoids sending rows of different classes to the same target row.
///
/// Minimises `Σ P·C − ε·H(P) + η·Ω(P)`, where the [penalty](ClassPenalty) Ω is small when the mass that a target
/// row gets comes from one class. Needs the labels of the source. Three n × m matrices of `f64` are needed, five with
/// [`ClassPenalty::L1L2`]. New rows as in [`ExactTransport`](crate::ExactTransport).
///
/// Reports the diagnostics of [`Sinkhorn`](crate::Sinkhorn), of the last round.
///
/// Courty, Flamary & Tuia (2014), "Domain adaptation with regularized optimal transport", ECML
/// PKDD, doi:10.1007/978-3-662-44848-9_18; Courty et al. (2017), as [`ExactTransport`](crate::ExactTransport).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct ClassSinkhorn {
    /// ε above 0, the weight of the entropy, as a share of the cost scale.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub regularization: f64,
    /// Ω, the penalty on classes that share a target row.
    pub penalty: ClassPenalty,
    /// η of at least 0, the weight of the penalty, as a share of the cost scale.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub class_regularization: f64,
    /// Rounds at most, at least 1; the first has no penalty.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub rounds: usize,
    /// The sum of absolute errors of the row sums (masses sum to 1) at which the iteration ends.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub tolerance: f64,
    /// Iterations of each round at most, at least 1.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub iterations: usize,
    /// What costs are divided by.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub scale: CostScale,
    /// The most bytes that the matrices may take.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub memory_limit: u64,
}

impl ClassSinkhorn {
    fn solver(&self) -> SinkhornSettings {
        let Self { regularization, tolerance, iterations, .. } = *self;
        SinkhornSettings { regularization, tolerance, iterations }
    }
}

/// What a target row's mass from several classes costs, in [`ClassSinkhorn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)
)]
pub enum ClassPenalty {
    /// `Σ_j Σ_c (Σ_{i in c} P_ij)^½`: L_p-L1 with p = ½. Each round replaces it by its tangent at the plan,
    /// which is one more cost, and runs [`sinkhorn`](crate::sinkhorn()) (majorisation-minimisation). As it is not convex, more rounds go
    /// on parting classes.
    #[default]
    #[cfg_attr(feature = "settings", serde(rename = "lp-l1"))]
    LpL1,
    /// `Σ_j Σ_c (Σ_{i in c} P_ij²)^½`: L1-L2, convex. Each round goes from the plan towards that of its tangent (the
    /// generalised conditional gradient), as far as that pays; rounds end when the objective falls by
    /// less than 1e-12 of itself.
    #[cfg_attr(feature = "settings", serde(rename = "l1-l2"))]
    L1L2,
}

impl Default for ClassSinkhorn {
    /// ε = 0.01 of the largest cost, L_p-L1, η = 0.1, ten rounds, the rest as for
    /// [`Sinkhorn`](crate::Sinkhorn).
    fn default() -> Self {
        let SinkhornSettings { regularization, tolerance, iterations } =
            SinkhornSettings::default();
        Self {
            regularization,
            penalty: ClassPenalty::LpL1,
            class_regularization: 0.1,
            rounds: 10,
            tolerance,
            iterations,
            scale: CostScale::Max,
            memory_limit: MEMORY_LIMIT,
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

impl AdaptUnpaired for ClassSinkhorn {
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        hints: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        self.solver().check()?;
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
        check_memory("costs and plans", source, target, matrices, self.memory_limit)?;
        let costs = Costs::of(source, target, self.scale)?;
        let mut members = vec![Vec::new(); classes];
        labels.iter().enumerate().for_each(|(row, &label)| members[label].push(row));
        let mut classes = Classes::new(self, &costs.cost, members);
        let found = match self.penalty {
            ClassPenalty::LpL1 => classes.majorize(),
            ClassPenalty::L1L2 => classes.descend(),
        };
        // Without the penalty.
        let found = SinkhornPlan { cost: total_cost(&found.plan, costs.cost.view()), ..found };
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
        solve(cost.view(), a, b, self.method.solver(), &mut self.potentials)
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
        let epsilon = self.method.regularization;
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
        let epsilon = self.method.regularization;
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

#[cfg(feature = "settings")]
procrust_settings::declare!(ClassSinkhorn, "class-sinkhorn");

#[cfg(test)]
mod tests {
    use super::*;
    use procrust_blas as _;

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
            regularization: 0.02,
            penalty: ClassPenalty::L1L2,
            class_regularization: 0.5,
            rounds: 500,
            ..ClassSinkhorn::default()
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
