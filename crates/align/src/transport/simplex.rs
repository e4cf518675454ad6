//! The network simplex for transport between two sets of masses: exact.

use ndarray::{Array2, ArrayView2};

use crate::AlignError;
use crate::transport::masses::check_masses;

/// Masses are cut into this many units, unless both sides are uniform: flows are whole numbers, so
/// that ties are ties and the rule against cycling holds to the letter.
const UNITS: f64 = (1_u64 << 50) as f64;

/// A reduced cost counts as negative below this share of the largest cost.
const PRECISION: f64 = 1e-13;

/// An optimal transport plan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExactPlan {
    /// Source row, target row and the mass that goes from one to the other; at most n + m − 1
    /// entries, by source row and then target row.
    pub entries: Vec<(usize, usize, f64)>,
    /// The sum of mass times cost.
    pub cost: f64,
    /// Steps of the simplex.
    pub pivots: usize,
}

impl ExactPlan {
    /// The plan as an n × m matrix.
    #[must_use]
    pub fn to_dense(&self, rows: usize, cols: usize) -> Array2<f64> {
        let mut plan = Array2::zeros((rows, cols));
        for &(i, j, mass) in &self.entries {
            plan[(i, j)] = mass;
        }
        plan
    }
}

/// The plan of least cost that carries the masses `source` onto the masses `target`.
///
/// `cost` is n × m; each side's masses are scaled to sum to 1, and cut into 2⁵⁰ units unless all
/// masses of both sides are equal, so a marginal is exact to 1e-15. Network simplex with
/// strongly feasible trees (Cunningham 1976, "A network simplex method", Mathematical Programming
/// 11, doi:10.1007/BF01580379), which cannot cycle, and entering arcs taken as the best of a block.
/// Reduced costs are optimal to 1e-13 of the largest cost. Memory beside `cost` grows with n + m.
/// One thread.
///
/// # Errors
///
/// [`AlignError::TooFewRows`] when a side is empty, [`AlignError::WeightCount`] when there is not
/// one mass a row or column, [`AlignError::Setting`] when a mass is not a finite number above 0 or
/// a cost is not a finite number of at least 0.
///
/// ```
/// use ndarray::array;
/// use procrust_align::exact_transport;
///
/// let cost = array![[1.0, 2.0], [4.0, 1.0]];
/// let plan = exact_transport(cost.view(), &[1.0, 1.0], &[1.0, 1.0])?;
/// assert_eq!(plan.entries, [(0, 0, 0.5), (1, 1, 0.5)]);
/// assert_eq!(plan.cost, 1.0);
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
pub fn exact_transport(
    cost: ArrayView2<'_, f64>,
    source: &[f64],
    target: &[f64],
) -> Result<ExactPlan, AlignError> {
    check_masses(cost, source, target)?;
    let cost = cost.as_standard_layout();
    let values = cost.as_slice().expect("standard layout is contiguous");
    let (supplies, demands, total) = units(source, target);
    let mut tree = Tree::new(values, &supplies, &demands);
    tree.optimize();

    let cols = demands.len();
    let mut entries: Vec<(usize, usize, f64)> =
        tree.arcs().map(|(arc, flow)| (arc / cols, arc % cols, flow as f64 / total)).collect();
    entries.sort_unstable_by_key(|&(i, j, _)| (i, j));
    let total_cost = entries.iter().map(|&(i, j, mass)| mass * cost[(i, j)]).sum();
    Ok(ExactPlan { entries, cost: total_cost, pivots: tree.pivots })
}

/// Whole masses with equal sums, and the sum.
fn units(source: &[f64], target: &[f64]) -> (Vec<i64>, Vec<i64>, f64) {
    let equal = |masses: &[f64]| masses.iter().all(|&mass| mass == masses[0]);
    let (n, m) = (source.len(), target.len());
    if equal(source) && equal(target) {
        let total = (n * m) as f64;
        return (vec![m as i64; n], vec![n as i64; m], total);
    }
    (cut(source), cut(target), UNITS)
}

/// Masses in units of the sum over [`UNITS`], rounded down, what is left to the largest remainders.
fn cut(masses: &[f64]) -> Vec<i64> {
    // Scaled by the largest first, so that the sum does not overflow.
    let largest = masses.iter().copied().fold(0.0, f64::max);
    let sum: f64 = masses.iter().map(|mass| mass / largest).sum();
    let exact: Vec<f64> = masses.iter().map(|mass| mass / largest / sum * UNITS).collect();
    let mut units: Vec<i64> = exact.iter().map(|value| value.floor() as i64).collect();
    let mut order: Vec<usize> = (0..masses.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    // Rounding of the sum itself may leave a few units more than rows, or fewer than none.
    let mut rest = UNITS as i64 - units.iter().sum::<i64>();
    let largest = (0..masses.len()).max_by(|&a, &b| masses[a].total_cmp(&masses[b])).unwrap_or(0);
    for &row in &order {
        if rest > 0 {
            units[row] += 1;
            rest -= 1;
        }
    }
    units[largest] += rest;
    units
}

const NONE: usize = usize::MAX;

/// A spanning tree of basic arcs. Nodes are sources, sinks, and a root to which all of them are
/// joined at first by artificial arcs.
struct Tree<'a> {
    cost: &'a [f64],
    /// Numbers of sources and sinks.
    sources: usize,
    sinks: usize,
    parent: Vec<usize>,
    depth: Vec<usize>,
    first_child: Vec<usize>,
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Of a node's arc to its parent: which real arc, [`NONE`] for an artificial one.
    arc: Vec<usize>,
    /// Its flow.
    flow: Vec<i64>,
    /// Whether it leads to the parent.
    up: Vec<bool>,
    /// `cost = potential[from] − potential[to]` on the arcs of the tree.
    potential: Vec<f64>,
    /// Cost of an artificial arc: two of them cost more than any real one, and every source has a
    /// real arc to every sink, so that none is used at the optimum.
    artificial: f64,
    /// A reduced cost below minus this is negative.
    slack: f64,
    pivots: usize,
}

impl<'a> Tree<'a> {
    fn new(cost: &'a [f64], supplies: &[i64], demands: &[i64]) -> Self {
        let (sources, sinks) = (supplies.len(), demands.len());
        let nodes = sources + sinks + 1;
        let root = nodes - 1;
        let largest = cost.iter().copied().fold(0.0, f64::max);
        let artificial = if largest > 0.0 { largest } else { 1.0 };
        let mut tree = Self {
            cost,
            sources,
            sinks,
            parent: vec![NONE; nodes],
            depth: vec![0; nodes],
            first_child: vec![NONE; nodes],
            next: vec![NONE; nodes],
            previous: vec![NONE; nodes],
            arc: vec![NONE; nodes],
            flow: supplies.iter().chain(demands).copied().chain([0]).collect(),
            up: vec![true; nodes],
            potential: vec![0.0; nodes],
            artificial,
            slack: PRECISION * largest,
            pivots: 0,
        };
        for node in 0..root {
            // A sink's arc leads down, unless it carries nothing: empty arcs lead up.
            tree.up[node] = node < sources || tree.flow[node] == 0;
            tree.attach(node, root);
            tree.depth[node] = 1;
            tree.potential[node] = if tree.up[node] { artificial } else { -artificial };
        }
        tree
    }

    /// Pivots until no reduced cost is negative. Potentials are summed up pivot by pivot; at the
    /// end they are computed anew from the tree, and the search goes on if that shows another.
    fn optimize(&mut self) {
        loop {
            let before = self.pivots;
            let mut from = 0;
            while let Some((arc, next)) = self.entering(from) {
                self.pivot(arc);
                from = next;
            }
            if self.pivots == before {
                return;
            }
            self.refresh();
        }
    }

    /// The real arcs that carry something.
    fn arcs(&self) -> impl Iterator<Item = (usize, i64)> + '_ {
        self.arc
            .iter()
            .zip(&self.flow)
            .filter(|&(&arc, &flow)| arc != NONE && flow > 0)
            .map(|(&arc, &flow)| (arc, flow))
    }

    /// The arc of most negative reduced cost in the first block, from `start` on and around, that
    /// has one; and where that block ends.
    fn entering(&self, start: usize) -> Option<(usize, usize)> {
        let arcs = self.cost.len();
        let block = (arcs as f64).sqrt().ceil().max(16.0) as usize;
        let sinks = &self.potential[self.sources..self.sources + self.sinks];
        let (mut at, mut seen) = (start % arcs, 0);
        while seen < arcs {
            let mut best = (-self.slack, NONE);
            let mut left = block.min(arcs - seen);
            seen += left;
            while left > 0 {
                let (row, col) = (at / self.sinks, at % self.sinks);
                let take = left.min(self.sinks - col);
                let here = self.potential[row];
                let costs = &self.cost[at..at + take];
                let others = &sinks[col..col + take];
                let least = least_sum(costs, others);
                if least - here < best.0 {
                    let place = costs.iter().zip(others).position(|(c, p)| c + p == least);
                    best = (least - here, at + place.expect("the least is one of them"));
                }
                at += take;
                left -= take;
                if at == arcs {
                    at = 0;
                }
            }
            if best.1 != NONE {
                return Some((best.1, at));
            }
        }
        None
    }

    fn pivot(&mut self, entering: usize) {
        self.pivots += 1;
        let (i, j) = (entering / self.sinks, self.sources + entering % self.sinks);
        let join = self.join(i, j);

        // Flow goes around the cycle join → … → i → j → … → join. Among the arcs that run empty
        // first the last one on that way leaves, which keeps the tree strongly feasible.
        let (mut delta, mut leaving, mut of_source) = (i64::MAX, NONE, true);
        let mut node = i;
        while node != join {
            if self.up[node] && self.flow[node] < delta {
                (delta, leaving) = (self.flow[node], node);
            }
            node = self.parent[node];
        }
        let mut node = j;
        while node != join {
            if !self.up[node] && self.flow[node] <= delta {
                (delta, leaving, of_source) = (self.flow[node], node, false);
            }
            node = self.parent[node];
        }
        assert_ne!(leaving, NONE, "costs are not negative, so every cycle has an arc to empty");

        for (end, sign) in [(i, 1), (j, -1)] {
            let mut node = end;
            while node != join {
                self.flow[node] += if self.up[node] { -sign * delta } else { sign * delta };
                node = self.parent[node];
            }
        }

        // The part below the leaving arc is hung up at the entering one.
        let (top, below) = if of_source { (i, j) } else { (j, i) };
        let reduced = self.cost[entering] - self.potential[i] + self.potential[j];
        let change = if of_source { reduced } else { -reduced };
        self.turn(top, leaving);
        self.arc[top] = entering;
        self.flow[top] = delta;
        self.up[top] = of_source;
        self.attach(top, below);
        self.shift(top, change);
    }

    /// The last common node of the ways to the root.
    fn join(&self, mut a: usize, mut b: usize) -> usize {
        while a != b {
            if self.depth[a] >= self.depth[b] {
                a = self.parent[a];
            } else {
                b = self.parent[b];
            }
        }
        a
    }

    /// Cuts the subtree of `old` off and makes `new`, a node in it, its top.
    fn turn(&mut self, new: usize, old: usize) {
        let mut node = new;
        let mut parent = self.parent[node];
        let mut data = (self.arc[node], self.flow[node], self.up[node]);
        self.detach(node);
        while node != old {
            let above = self.parent[parent];
            let kept = (self.arc[parent], self.flow[parent], self.up[parent]);
            self.detach(parent);
            self.attach(parent, node);
            (self.arc[parent], self.flow[parent]) = (data.0, data.1);
            self.up[parent] = !data.2;
            (node, parent, data) = (parent, above, kept);
        }
    }

    fn attach(&mut self, node: usize, parent: usize) {
        let first = self.first_child[parent];
        self.parent[node] = parent;
        self.previous[node] = NONE;
        self.next[node] = first;
        if first != NONE {
            self.previous[first] = node;
        }
        self.first_child[parent] = node;
    }

    fn detach(&mut self, node: usize) {
        let (previous, next) = (self.previous[node], self.next[node]);
        if previous == NONE {
            self.first_child[self.parent[node]] = next;
        } else {
            self.next[previous] = next;
        }
        if next != NONE {
            self.previous[next] = previous;
        }
    }

    /// Sets the depths and shifts the potentials of the subtree of `top`.
    fn shift(&mut self, top: usize, change: f64) {
        self.walk(top, |tree, node| {
            tree.depth[node] = tree.depth[tree.parent[node]] + 1;
            tree.potential[node] += change;
        });
    }

    /// Computes all potentials from the arcs of the tree.
    fn refresh(&mut self) {
        let root = self.parent.len() - 1;
        self.walk(root, |tree, node| {
            if node != root {
                let arc = tree.arc[node];
                let cost = if arc == NONE { tree.artificial } else { tree.cost[arc] };
                let above = tree.potential[tree.parent[node]];
                tree.potential[node] = if tree.up[node] { above + cost } else { above - cost };
            }
        });
    }

    /// Visits the subtree of `top`, parents before children.
    fn walk(&mut self, top: usize, mut visit: impl FnMut(&mut Self, usize)) {
        let mut node = top;
        loop {
            visit(self, node);
            if self.first_child[node] != NONE {
                node = self.first_child[node];
                continue;
            }
            while node != top && self.next[node] == NONE {
                node = self.parent[node];
            }
            if node == top {
                return;
            }
            node = self.next[node];
        }
    }
}

/// The least `a + b` of two slices of one length.
fn least_sum(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [f64::INFINITY; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    let of_rest = rest.fold(f64::INFINITY, |least, (a, b)| least.min(a + b));
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            let sum = a[lane] + b[lane];
            lanes[lane] = if sum < lanes[lane] { sum } else { lanes[lane] };
        }
    }
    lanes.iter().copied().fold(of_rest, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn units_add_up() {
        for masses in [vec![1.0, 2.0, 3.0], vec![1e-300, 1.0], vec![0.1; 7], vec![1e308, 1e308]] {
            assert_eq!(cut(&masses).iter().sum::<i64>(), UNITS as i64, "{masses:?}");
        }
    }

    #[test]
    fn zero_costs_and_single_rows_end() {
        let plan = exact_transport(Array2::zeros((3, 2)).view(), &[1.0; 3], &[1.0; 2]).unwrap();
        assert_eq!(plan.cost, 0.0);
        let plan = exact_transport(array![[2.0, 4.0]].view(), &[5.0], &[1.0, 3.0]).unwrap();
        assert_eq!(plan.entries, [(0, 0, 0.25), (0, 1, 0.75)]);
        assert_eq!(plan.cost, 3.5);
    }
}
