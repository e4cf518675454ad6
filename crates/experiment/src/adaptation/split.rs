//! Which rows of a task are trained on, fitted on and tested.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{data::SplitPlan, task::Task};

/// The rows of one run.
#[derive(Debug, Clone, Default)]
pub struct Split {
    /// Source rows that are trained on; all when `None`.
    pub source: Option<Vec<usize>>,
    /// What happens to which target rows; all are fitted on and tested when `None`.
    pub target: Option<TargetSplit>,
    /// Whether rows that come with a fit are mapped once more by the rule for new ones, to time that.
    pub time_apply: bool,
}

/// The target rows of one run, each list ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSplit {
    /// The method sees these, without their labels.
    pub fitted: Vec<usize>,
    /// Of those, the ones that are trained on beside the source, with their labels.
    pub labelled: Vec<usize>,
    /// The test.
    pub tested: Vec<usize>,
}

impl Task<'_> {
    /// The rows of the run with this seed.
    #[must_use]
    pub fn split(&self, plan: &SplitPlan, seed: u64) -> Split {
        Split {
            source: self.training_rows(plan.train_rows, seed),
            target: self.of_target(plan, seed),
            time_apply: plan.time_apply,
        }
    }

    /// The source rows that a seed draws, in their own order, every class by its share; `None` for
    /// all of them. Those of the domain's test file are never among them.
    pub(crate) fn training_rows(&self, train_rows: Option<usize>, seed: u64) -> Option<Vec<usize>> {
        let domain = self.source;
        let own = domain.training_rows();
        match train_rows.filter(|&wanted| wanted < own) {
            Some(wanted) => Some(stratified(&domain.labels[..own], wanted, seed)),
            None => (own < domain.labels.len()).then(|| (0..own).collect()),
        }
    }

    fn of_target(&self, plan: &SplitPlan, seed: u64) -> Option<TargetSplit> {
        let labels = &self.target.labels;
        let own = self.target.training_rows();
        let apart = plan.test_share.is_some() || own < labels.len();
        if !apart && plan.target_labels.is_none() {
            return None;
        }
        // Its rows of the test file are the test; else those that the seed draws.
        let mut tested: Vec<usize> = (own..labels.len()).collect();
        if let Some(share) = plan.test_share.filter(|_| tested.is_empty()) {
            #[allow(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a row count that is far below 2^53"
            )]
            let wanted = (share * own as f64).round() as usize;
            tested = stratified(labels, wanted.clamp(1, own.saturating_sub(1).max(1)), seed);
        }
        let fitted: Vec<usize> =
            (0..own).filter(|row| tested.binary_search(row).is_err()).collect();
        let labelled = match plan.target_labels {
            Some(of_class) => draw_of_each_class(labels, &fitted, of_class, seed),
            None => Vec::new(),
        };
        if !apart {
            tested = fitted.iter().copied().filter(|row| !labelled.contains(row)).collect();
        }
        Some(TargetSplit { fitted, labelled, tested })
    }
}

/// `of_class` rows of each class among `rows`, or all where a class has no more.
fn draw_of_each_class(labels: &[usize], rows: &[usize], of_class: usize, seed: u64) -> Vec<usize> {
    let mut order = rows.to_vec();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let classes = labels.iter().max().map_or(0, |last| last + 1);
    let mut left = vec![of_class; classes];
    order.retain(|&row| {
        let wanted = left[labels[row]] > 0;
        left[labels[row]] -= usize::from(wanted);
        wanted
    });
    order.sort_unstable();
    order
}

/// Draws `wanted` rows so that each class keeps its share, to within one row.
///
/// Rows are shuffled within their class, then ranked by how far into their class they stand:
/// the first `wanted` of that ranking take the same part of every class.
pub(crate) fn stratified(labels: &[usize], wanted: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rows: Vec<usize> = (0..labels.len()).collect();
    rows.shuffle(&mut rng);
    let classes = labels.iter().max().map_or(0, |last| last + 1);
    let mut size = vec![0_usize; classes];
    for &label in labels {
        size[label] += 1;
    }
    let mut seen = vec![0_usize; classes];
    let mut ranked: Vec<(f64, usize)> = rows
        .into_iter()
        .map(|row| {
            let label = labels[row];
            seen[label] += 1;
            #[allow(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
            let depth = (seen[label] as f64 - 0.5) / size[label] as f64;
            (depth, row)
        })
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut drawn: Vec<usize> = ranked[..wanted].iter().map(|&(_, row)| row).collect();
    drawn.sort_unstable();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_rows_keep_the_shares_of_the_classes() {
        let labels: Vec<usize> = (0..100).map(|i| usize::from(i % 4 == 0)).collect();
        let drawn = stratified(&labels, 40, 3);
        assert_eq!(drawn.len(), 40);
        assert_eq!(drawn.iter().filter(|&&row| labels[row] == 1).count(), 10);
        assert_ne!(drawn, stratified(&labels, 40, 4));
        assert_eq!(drawn, stratified(&labels, 40, 3));
    }

    #[test]
    fn so_many_of_each_class_and_all_of_a_small_one() {
        let labels = [0, 1, 0, 1, 0, 2, 0, 1];
        let drawn = draw_of_each_class(&labels, &[0, 1, 2, 3, 4, 5], 2, 9);
        let of = |class| drawn.iter().filter(|&&row| labels[row] == class).count();
        assert_eq!((of(0), of(1), of(2)), (2, 2, 1));
        assert!(drawn.is_sorted() && drawn.iter().all(|&row| row < 6));
    }
}
