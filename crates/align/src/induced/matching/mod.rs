//! Best partners by CSLS between two spaces under a map that changes from round to round.
//!
//! A round of self-learning asks for r of every row (the mean of its k greatest similarities) and
//! for the partner of the greatest CSLS, on both sides, of some 10⁸ similarities. From one round to
//! the next the map changes little. So every row keeps a list of the rows that were most similar to
//! it when it was last searched, and a bound on the similarity of all others: since rows are at
//! most so long, a row that has moved by δ cannot have come nearer to any other than δ times the
//! longest. A round then computes the similarities of the lists alone, and searches again only
//! those rows for which the bound doesn't prove that nothing outside matters. The answer is that of
//! a search over all pairs, bit for bit, whatever the lists were: similarities come from one
//! function, sums from sorted values, and ties go to the lower row.

mod lists;
mod mask;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::algebra::product;
use lists::{Lists, Rows, TASK_ROWS, dot};
pub(crate) use mask::{Direction, Mask};

/// Both sides, the current map, and what is known of their neighbours.
pub(crate) struct Matcher {
    source: Array2<f32>,
    target: Array2<f32>,
    /// Source rows under the map: n_s × d_y.
    mapped: Array2<f32>,
    forward: Lists,
    backward: Lists,
    roundoff: f32,
}

/// A row's best partner on the other side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Partner {
    pub(crate) index: u32,
    /// `2·similarity − r` of the partner.
    pub(crate) score: f32,
}

const NOBODY: Partner = Partner { index: u32::MAX, score: f32::NEG_INFINITY };

impl Partner {
    fn beats(self, other: Self) -> bool {
        self.score > other.score || (self.score == other.score && self.index < other.index)
    }

    /// The row, if there was any to choose.
    pub(crate) fn row(self) -> Option<usize> {
        (self.index != u32::MAX).then_some(self.index as usize)
    }
}

impl Matcher {
    /// Rows must be finite; `k` is at most the number of rows of either side.
    pub(crate) fn new(source: ArrayView2<'_, f32>, target: ArrayView2<'_, f32>, k: usize) -> Self {
        let longest = |rows: &ArrayView2<'_, f32>| {
            rows.rows().into_iter().map(|row| row.dot(&row).sqrt()).fold(0.0_f32, f32::max)
        };
        let (long_source, long_target) = (longest(&source), longest(&target));
        // A sum of d products in any order is within 1.1·d·u of the product of the lengths; two of
        // them are compared (Higham, section 3.1). The rest is for the lengths themselves.
        let dim = source.ncols().max(target.ncols()) as f32;
        let roundoff = (1.1 * dim + 16.0) * f32::EPSILON * (long_source * long_target);
        let backward = Lists::new(target.nrows(), source.nrows(), source.ncols(), k, long_source);
        let forward = Lists::new(source.nrows(), target.nrows(), target.ncols(), k, long_target);
        Self {
            mapped: Array2::zeros((source.nrows(), target.ncols())),
            source: source.as_standard_layout().into_owned(),
            target: target.as_standard_layout().into_owned(),
            forward,
            backward,
            roundoff,
        }
    }

    /// Keeps lists of `width` rows from now on.
    pub(crate) fn set_width(&mut self, width: usize) {
        self.forward.set_width(width, self.roundoff);
        self.backward.set_width(width, self.roundoff);
    }

    /// Takes a new map, `d_x × d_y`, no singular value of it above 1.
    pub(crate) fn set_map(&mut self, matrix: ArrayView2<'_, f64>) {
        let matrix = matrix.mapv(|value| value as f32);
        self.mapped = product::single(self.source.view(), matrix.view());
        let back = product::single(self.target.view(), matrix.t());
        let (mapped, target) = (Rows(&self.mapped), Rows(&self.target));
        self.forward.update(&self.mapped, mapped, target, self.roundoff);
        self.backward.update(&back, target, mapped, self.roundoff);
    }

    /// Mean over the rows of both sides of the greatest similarity, each side with equal weight.
    pub(crate) fn mean_greatest(&self) -> f64 {
        0.5 * (mean(&self.forward.greatest) + mean(&self.backward.greatest))
    }

    /// The similarity of a source row and a target row.
    pub(crate) fn similarity(&self, source: usize, target: usize) -> f32 {
        dot(Rows(&self.mapped).get(source), Rows(&self.target).get(target))
    }

    /// Every row's best partner by CSLS among the pairs that the mask keeps.
    pub(crate) fn partners(&self, direction: Direction, mask: Mask) -> Vec<Partner> {
        let (own, other, rows, others) = match direction {
            Direction::Forward => (&self.forward, &self.backward, &self.mapped, &self.target),
            Direction::Backward => (&self.backward, &self.forward, &self.target, &self.mapped),
        };
        // From the own lists.
        let mut best: Vec<Partner> = (0..own.len())
            .into_par_iter()
            .with_min_len(TASK_ROWS)
            .map(|row| {
                let keep = mask.row(row);
                let mut best = NOBODY;
                for (&index, &similarity) in own.list(row).zip(own.similarities(row)) {
                    let score = 2.0 * similarity - other.means[index as usize];
                    let partner = Partner { index, score };
                    if partner.beats(best) && keep.keeps(index) {
                        best = partner;
                    }
                }
                best
            })
            .collect();
        // From the lists of the other side: a pair may stand in one only.
        let offers: Vec<Vec<(u32, Partner)>> = (0..other.len())
            .into_par_iter()
            .with_min_len(TASK_ROWS)
            .fold(Vec::new, |mut offers, index| {
                let partner = |similarity: f32| Partner {
                    index: index as u32,
                    score: 2.0 * similarity - other.means[index],
                };
                for (&row, &similarity) in other.list(index).zip(other.similarities(index)) {
                    let partner = partner(similarity);
                    if partner.beats(best[row as usize])
                        && mask.row(row as usize).keeps(index as u32)
                    {
                        offers.push((row, partner));
                    }
                }
                offers
            })
            .collect();
        for (row, partner) in offers.into_iter().flatten() {
            if partner.beats(best[row as usize]) {
                best[row as usize] = partner;
            }
        }
        // Whoever could be beaten by a pair that stands in neither list looks at those pairs.
        let outside = Outside::new(other);
        let (rows, others) = (Rows(rows), Rows(others));
        best.par_iter_mut().with_min_len(TASK_ROWS).enumerate().for_each(|(row, best)| {
            let keep = mask.row(row);
            let x = rows.get(row);
            outside.visit(own.ceilings[row], best, |index| {
                let index = index as usize;
                keep.keeps(index as u32).then(|| Partner {
                    index: index as u32,
                    score: 2.0 * dot(x, others.get(index)) - other.means[index],
                })
            });
        });
        best
    }
}

/// What pairs outside both lists can score.
///
/// Such a pair is at most as similar as either row's ceiling: it scores at most
/// `2·min(c, c_j) − r_j`, the lesser of `2c_j − r_j` and `2c − r_j`.
struct Outside {
    /// `2c_j − r_j`, `r_j` and j, by the first, the greatest first.
    by_potential: Vec<(f32, f32, u32)>,
    /// `r_j`, `2c_j − r_j` and j, by the first, the least first.
    by_mean: Vec<(f32, f32, u32)>,
}

impl Outside {
    fn new(other: &Lists) -> Self {
        let pairs = other.ceilings.iter().zip(&other.means).zip(0..);
        let mut by_potential: Vec<_> =
            pairs.map(|((ceiling, &mean), j)| (2.0 * ceiling - mean, mean, j)).collect();
        let mut by_mean: Vec<_> = by_potential.iter().map(|&(p, mean, j)| (mean, p, j)).collect();
        by_potential.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
        by_mean.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
        Self { by_potential, by_mean }
    }

    /// Shows `look` the rows that a row of this ceiling might find better than `best`, and takes
    /// what is.
    fn visit(&self, ceiling: f32, best: &mut Partner, look: impl Fn(u32) -> Option<Partner>) {
        if ceiling == f32::NEG_INFINITY {
            return; // the row's list holds everything
        }
        let reach = 2.0 * ceiling;
        let potential = self.by_potential.partition_point(|entry| entry.0 >= best.score);
        let mean = self.by_mean.partition_point(|entry| reach - entry.0 >= best.score);
        let mut consider = |possible: f32, index: u32| {
            if possible >= best.score
                && let Some(partner) = look(index)
                && partner.beats(*best)
            {
                *best = partner;
            }
        };
        if potential <= mean {
            for &(_, mean, index) in &self.by_potential[..potential] {
                consider(reach - mean, index);
            }
        } else {
            for &(_, possible, index) in &self.by_mean[..mean] {
                consider(possible, index);
            }
        }
    }
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64
}

/// Both directions' partners: a pair that both sides choose stands twice.
pub(crate) fn union(forward: &[Partner], backward: &[Partner]) -> Vec<(usize, usize)> {
    let forward = forward.iter().enumerate().filter_map(|(i, partner)| Some((i, partner.row()?)));
    let backward = backward.iter().enumerate().filter_map(|(j, partner)| Some((partner.row()?, j)));
    forward.chain(backward).collect()
}

/// The pairs that are each other's partners.
pub(crate) fn mutual(forward: &[Partner], backward: &[Partner]) -> Vec<(usize, usize)> {
    let pairs = forward.iter().enumerate().filter_map(|(i, partner)| Some((i, partner.row()?)));
    pairs.filter(|&(i, j)| backward[j].row() == Some(i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray_linalg::QR;
    use procrust_blas as _;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn unit_rows(rows: usize, dim: usize, rng: &mut ChaCha8Rng) -> Array2<f32> {
        let mut x = Array2::from_shape_simple_fn((rows, dim), || rng.random_range(-1.0..1.0));
        crate::prepare_rows(&mut x, &[crate::RowStep::Unit]);
        x
    }

    /// Every similarity, no lists.
    fn dense(matcher: &Matcher, k: usize, direction: Direction, mask: Mask) -> Vec<Partner> {
        let (n, m) = (matcher.source.nrows(), matcher.target.nrows());
        let mean = |mut all: Vec<f32>| {
            all.sort_unstable_by(|a, b| b.total_cmp(a));
            (all[..k].iter().map(|&v| f64::from(v)).sum::<f64>() / k as f64) as f32
        };
        let (rows, others) = match direction {
            Direction::Forward => (n, m),
            Direction::Backward => (m, n),
        };
        let similarity = |row, other| match direction {
            Direction::Forward => matcher.similarity(row, other),
            Direction::Backward => matcher.similarity(other, row),
        };
        let r: Vec<f32> = (0..others)
            .map(|other| mean((0..rows).map(|row| similarity(row, other)).collect()))
            .collect();
        (0..rows)
            .map(|row| {
                let mut best = NOBODY;
                for (other, r) in r.iter().enumerate() {
                    let index = other as u32;
                    let partner = Partner { index, score: 2.0 * similarity(row, other) - r };
                    if mask.row(row).keeps(index) && partner.beats(best) {
                        best = partner;
                    }
                }
                best
            })
            .collect()
    }

    /// The lists change nothing: over maps that move far, a little, and not at all, with duplicates
    /// and lists too short to hold an answer, partners are those of all pairs, bit for bit.
    #[test]
    fn lists_answer_as_all_pairs_do() {
        let k = 3;
        for (dx, dy, seed) in [(6, 6, 1), (4, 7, 2), (7, 4, 3)] {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut source = unit_rows(230, dx, &mut rng);
            let target = unit_rows(300, dy, &mut rng);
            for row in 0..20 {
                let copy = source.row(row).to_owned();
                source.row_mut(100 + row).assign(&copy);
            }
            let mut matcher = Matcher::new(source.view(), target.view(), k);
            let mut w = Array2::from_shape_simple_fn((dx.max(dy), dx.max(dy)), || {
                rng.random_range(-1.0..1.0_f64)
            });
            for round in 0..12_usize {
                let step = [1.0, 0.02, 0.001, 0.0][round % 4];
                w.mapv_inplace(|v| v + step * rng.random_range(-1.0..1.0));
                let turn = w.qr().unwrap().0;
                let keep = if round < 8 { 0.05 } else { 1.0 };
                matcher.set_width([40, 12, 300][round / 4]);
                matcher.set_map(turn.slice(ndarray::s![..dx, ..dy]));
                for direction in [Direction::Forward, Direction::Backward] {
                    let mask = Mask::new(seed, round, direction, keep);
                    assert_eq!(
                        matcher.partners(direction, mask),
                        dense(&matcher, k, direction, mask),
                        "{dx} to {dy}, round {round}, {direction:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_map_that_barely_moves_searches_few_rows() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let (source, target) = (unit_rows(400, 8, &mut rng), unit_rows(400, 8, &mut rng));
        let mut matcher = Matcher::new(source.view(), target.view(), 5);
        matcher.set_width(60);
        let mut map = Array2::eye(8);
        matcher.set_map(map.view());
        assert_eq!(matcher.forward.searches + matcher.backward.searches, 800);
        map *= 0.999;
        matcher.set_map(map.view());
        assert!(matcher.forward.searches + matcher.backward.searches < 80);
    }
}
