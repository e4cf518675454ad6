//! A decision tree.

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use crate::{
    Classifier, ClassifyError, Model,
    classifier::{Training, check_rows, check_training},
};

/// A decision tree: CART's, by Gini impurity.
///
/// Each node splits at the value of one column, halfway between two that its rows have, that leaves
/// the least weighted impurity; of equal splits that of the first column and the lowest value. It ends
/// where all rows are of one class, at `max_depth`, or where no split leaves `min_leaf` rows on both
/// sides. Leaves give their rows' class shares, by weight, as probabilities. Invariant to the scale of
/// any column.
///
/// linfa-trees counts classes in hash maps whose order changes from run to run, so that equal splits and
/// equal votes fall as they may, and looks at rows of other nodes when it chooses a threshold. This one
/// gives the same tree every time.
///
/// Breiman, Friedman, Olshen, Stone (1984), "Classification and Regression Trees".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct DecisionTree {
    /// Splits from the root to a leaf at most; no limit when `None`.
    #[cfg_attr(
        feature = "settings",
        serde(rename = "depth", with = "procrust_settings::or_any"),
        schemars(with = "procrust_settings::OrAny<usize>", extend("minimum" = 1))
    )]
    pub max_depth: Option<usize>,
    /// Rows of a leaf at least, at least 1.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub min_leaf: usize,
}

impl Default for DecisionTree {
    fn default() -> Self {
        Self { max_depth: None, min_leaf: 1 }
    }
}

/// A fitted tree.
#[derive(Debug, Clone)]
pub struct DecisionTreeModel {
    nodes: Vec<Node>,
    columns: usize,
    classes: usize,
    depth: usize,
}

#[derive(Debug, Clone)]
enum Node {
    /// Rows with a value of at most `threshold` go on at the first node.
    Split { column: usize, threshold: f64, next: [usize; 2] },
    /// Shares of all classes, and the class of the largest.
    Leaf { shares: Vec<f64>, class: usize },
}

/// A node to make, and the place that waits for its number: a node and its side.
struct Open {
    rows: Vec<u32>,
    depth: usize,
    parent: Option<(usize, usize)>,
}

/// A place to split: what it leaves, more being better.
struct Cut {
    purity: f64,
    column: usize,
    threshold: f64,
}

impl DecisionTree {
    /// Trains as [`Classifier::fit_weighted`] does, and returns the model's own type.
    ///
    /// # Errors
    ///
    /// As [`Classifier::fit_weighted`].
    pub fn train_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<DecisionTreeModel, ClassifyError> {
        if self.min_leaf == 0 {
            let (setting, expected) = ("min_leaf", "at least 1");
            return Err(ClassifyError::Setting { setting, value: 0.0, expected });
        }
        let training = check_training(x, y, classes, weights)?;
        let columns = training.x.ncols();
        let mut tree = DecisionTreeModel { nodes: Vec::new(), columns, classes, depth: 0 };
        let mut open: Vec<Open> = Vec::new();
        let rows = u32::try_from(training.rows()).map_err(|_| ClassifyError::Memory {
            what: "the numbers of the training rows",
            bytes: 8 * training.rows() as u64,
            limit: 4 * u64::from(u32::MAX),
            instead: "fewer rows",
        })?;
        open.push(Open { rows: (0..rows).collect(), depth: 0, parent: None });
        while let Some(Open { rows, depth, parent }) = open.pop() {
            let at = tree.nodes.len();
            if let Some((parent, side)) = parent
                && let Node::Split { next, .. } = &mut tree.nodes[parent]
            {
                next[side] = at;
            }
            tree.depth = tree.depth.max(depth);
            let deeper = self.max_depth.is_none_or(|most| depth < most);
            let cut = if deeper { self.best_cut(&training, &rows) } else { None };
            let Some(Cut { column, threshold, .. }) = cut else {
                tree.nodes.push(leaf(&training, &rows));
                continue;
            };
            let below = |&row: &u32| f64::from(training.x[(row as usize, column)]) <= threshold;
            let (left, right): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(below);
            tree.nodes.push(Node::Split { column, threshold, next: [0; 2] });
            open.push(Open { rows: right, depth: depth + 1, parent: Some((at, 1)) });
            open.push(Open { rows: left, depth: depth + 1, parent: Some((at, 0)) });
        }
        Ok(tree)
    }

    /// The best place to split these rows; `None` where there is none, or nothing to split.
    fn best_cut(&self, training: &Training<'_>, rows: &[u32]) -> Option<Cut> {
        let first = training.places[rows[0] as usize];
        let pure = rows.iter().all(|&row| training.places[row as usize] == first);
        if pure || rows.len() < 2 * self.min_leaf {
            return None;
        }
        let cuts: Vec<Option<Cut>> = (0..training.x.ncols())
            .into_par_iter()
            .map(|column| self.best_cut_of(training, rows, column))
            .collect();
        let better = |a: Cut, b: Cut| if b.purity > a.purity { b } else { a };
        cuts.into_iter().flatten().reduce(better)
    }

    fn best_cut_of(&self, training: &Training<'_>, rows: &[u32], column: usize) -> Option<Cut> {
        let value = |row: u32| training.x[(row as usize, column)];
        let mut sorted: Vec<(f32, u32)> = rows.iter().map(|&row| (value(row), row)).collect();
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut left = Weights::new(training.present.len());
        let mut right = Weights::new(training.present.len());
        let own = |row: u32| (training.places[row as usize], training.weight(row as usize));
        sorted.iter().for_each(|&(_, row)| right.add(own(row), 1.0));
        let mut best: Option<Cut> = None;
        for at in 1..sorted.len() {
            let (before, after) = (sorted[at - 1], sorted[at]);
            left.add(own(before.1), 1.0);
            right.add(own(before.1), -1.0);
            let leaves = at >= self.min_leaf && sorted.len() - at >= self.min_leaf;
            if !leaves || before.0 == after.0 {
                continue;
            }
            let purity = left.purity() + right.purity();
            if best.as_ref().is_none_or(|best| purity > best.purity) {
                let (low, high) = (f64::from(before.0), f64::from(after.0));
                best = Some(Cut { purity, column, threshold: low + (high - low) / 2.0 });
            }
        }
        best
    }
}

/// The weights of the classes on one side of a split.
struct Weights {
    of_class: Vec<f64>,
    total: f64,
    squares: f64,
}

impl Weights {
    fn new(classes: usize) -> Self {
        Self { of_class: vec![0.0; classes], total: 0.0, squares: 0.0 }
    }

    fn add(&mut self, (place, weight): (usize, f64), sign: f64) {
        let old = self.of_class[place];
        let new = (old + sign * weight).max(0.0);
        self.of_class[place] = new;
        self.total += new - old;
        self.squares += (new - old) * (new + old);
    }

    /// The total less the weighted Gini impurity.
    fn purity(&self) -> f64 {
        if self.total > 0.0 { self.squares / self.total } else { 0.0 }
    }
}

fn leaf(training: &Training<'_>, rows: &[u32]) -> Node {
    let mut shares = vec![0.0; training.classes];
    for &row in rows {
        let class = training.present[training.places[row as usize]];
        shares[class] += training.weight(row as usize);
    }
    let total: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= total);
    let largest = shares.iter().copied().fold(0.0, f64::max);
    let class = shares.iter().position(|&share| share == largest).unwrap_or(0);
    Node::Leaf { shares, class }
}

impl DecisionTreeModel {
    /// The splits from the root to the deepest leaf.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// How many leaves there are.
    #[must_use]
    pub fn leaves(&self) -> usize {
        self.nodes.iter().filter(|node| matches!(node, Node::Leaf { .. })).count()
    }

    fn leaf_of(&self, x: ArrayView1<'_, f32>) -> (&[f64], usize) {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Split { column, threshold, next } => {
                    at = next[usize::from(f64::from(x[*column]) > *threshold)];
                }
                Node::Leaf { shares, class } => return (shares, *class),
            }
        }
    }
}

impl Model for DecisionTreeModel {
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Vec<usize>, ClassifyError> {
        check_rows(x, self.columns)?;
        Ok(x.rows().into_iter().map(|row| self.leaf_of(row).1).collect())
    }

    fn predict_proba(&self, x: ArrayView2<'_, f32>) -> Result<Option<Array2<f64>>, ClassifyError> {
        check_rows(x, self.columns)?;
        let mut all = Array2::zeros((x.nrows(), self.classes));
        for (mut to, row) in all.rows_mut().into_iter().zip(x.rows()) {
            to.assign(&ArrayView1::from(self.leaf_of(row).0));
        }
        Ok(Some(all))
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(DecisionTree, "tree");

impl Classifier for DecisionTree {
    fn fit_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        Ok(Box::new(self.train_weighted(x, y, classes, weights)?))
    }
}
