//! What holds for all data.

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};
use procrust_blas as _;
use procrust_neighbors::{
    AnalogyRule, Csls, InvertedSoftmax, Metric, Neighbors, analogies, csls_both, csls_top_k,
    mean_similarity, mutual_pairs, top_k, top_k_both,
};
use proptest::{collection::vec, prelude::*};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const METRICS: [Metric; 2] = [Metric::Cosine, Metric::SquaredEuclidean];

/// Small integers: many duplicates, zeros and ties, exact in `f32` and `f64`.
fn grid(max_rows: usize, dim: usize) -> impl Strategy<Value = Array2<f32>> {
    (1..=max_rows).prop_flat_map(move |rows| {
        vec(-2..=2_i8, rows * dim).prop_map(move |values| {
            let values = values.into_iter().map(f32::from).collect();
            Array2::from_shape_vec((rows, dim), values).unwrap()
        })
    })
}

fn random(rows: usize, dim: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((rows, dim), || rng.random_range(-1.0..1.0))
}

/// Every score in `f64`; higher is better.
fn keys(
    queries: ArrayView2<'_, f32>,
    candidates: ArrayView2<'_, f32>,
    metric: Metric,
) -> Array2<f64> {
    let (x, y) = (queries.mapv(f64::from), candidates.mapv(f64::from));
    Array2::from_shape_fn((x.nrows(), y.nrows()), |(i, j)| {
        let (x, y) = (x.row(i), y.row(j));
        match metric {
            Metric::Cosine => {
                let lengths = x.dot(&x).sqrt() * y.dot(&y).sqrt();
                if lengths > 0.0 { x.dot(&y) / lengths } else { 0.0 }
            }
            _ => -(&x - &y).mapv(|difference| difference * difference).sum(),
        }
    })
}

/// Indices and keys of the best `k`; keys closer than rounding count as equal.
fn brute_force(keys: &Array2<f64>, k: usize) -> (Array2<u32>, Array2<f64>) {
    let mut indices = Array2::zeros((keys.nrows(), k));
    let mut best = Array2::zeros((keys.nrows(), k));
    for (query, row) in keys.rows().into_iter().enumerate() {
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by(|&a, &b| {
            let order = row[b].total_cmp(&row[a]);
            if (row[a] - row[b]).abs() < 1e-12 { a.cmp(&b) } else { order }
        });
        for rank in 0..k {
            indices[(query, rank)] = order[rank] as u32;
            best[(query, rank)] = row[order[rank]];
        }
    }
    (indices, best)
}

/// Scores agree to what the order of an `f64` sum can do, relative to the largest score; indices
/// agree too, unless two keys are equal up to that.
fn assert_brute_force(found: &Neighbors, keys: &Array2<f64>, sign: f64) {
    let k = found.indices.ncols();
    let (indices, best) = brute_force(keys, k);
    let scale = keys.iter().fold(1.0_f64, |max, key| max.max(key.abs()));
    for ((query, rank), &score) in found.scores.indexed_iter() {
        let expected = sign * best[(query, rank)];
        assert!((score - expected).abs() < 1e-12 * scale, "{score} for {expected}");
        let index = found.indices[(query, rank)];
        if index != indices[(query, rank)] {
            let key = keys[(query, index as usize)];
            assert!((key - best[(query, rank)]).abs() < 1e-12 * scale, "query {query} rank {rank}");
        }
    }
}

fn sign(metric: Metric) -> f64 {
    if metric == Metric::Cosine { 1.0 } else { -1.0 }
}

fn csls_keys(source: &Array2<f32>, target: &Array2<f32>, k: usize) -> Array2<f64> {
    let cosine = keys(source.view(), target.view(), Metric::Cosine);
    let mean = |keys: Array2<f64>| brute_force(&keys, k).1.mean_axis(Axis(1)).unwrap();
    let r_t: Array1<f64> = mean(cosine.clone());
    let r_s = mean(cosine.t().to_owned());
    2.0 * cosine - r_t.insert_axis(Axis(1)) - r_s
}

fn softmax_keys(source: &Array2<f32>, target: &Array2<f32>, beta: f64) -> Array2<f64> {
    let exponents = beta * keys(source.view(), target.view(), Metric::Cosine);
    let sums = exponents.mapv(f64::exp).sum_axis(Axis(0)).mapv(f64::ln);
    exponents - sums
}

proptest! {
    #[test]
    fn equals_brute_force_with_duplicates(
        queries in grid(12, 3), candidates in grid(60, 3), k in 1..60_usize,
    ) {
        let k = k.min(candidates.nrows());
        for metric in METRICS {
            let found = top_k(queries.view(), candidates.view(), k, metric).unwrap();
            let keys = keys(queries.view(), candidates.view(), metric);
            assert_brute_force(&found, &keys, sign(metric));
            for scores in found.scores.rows() {
                prop_assert!(scores.windows(2).into_iter().all(|s| (s[0] - s[1]) * sign(metric) >= 0.0));
            }
        }
    }

    /// Distances between integers are exact: here ties are ties, and go to the lower index.
    #[test]
    fn ties_are_ordered_by_index(queries in grid(6, 2), candidates in grid(90, 2)) {
        let k = candidates.nrows().min(40);
        let found = top_k(queries.view(), candidates.view(), k, Metric::SquaredEuclidean).unwrap();
        let keys = keys(queries.view(), candidates.view(), Metric::SquaredEuclidean);
        prop_assert_eq!(found.indices, brute_force(&keys, k).0);
    }

    #[test]
    fn csls_equals_brute_force(source in grid(40, 3), target in grid(40, 3), k in 1..40_usize) {
        let k = k.min(source.nrows()).min(target.nrows());
        let found = Csls::new(source.view(), target.view(), k).unwrap().top_k(source.view(), k).unwrap();
        assert_brute_force(&found, &csls_keys(&source, &target, k), 1.0);
    }

    /// One pass for both sides gives the bits of two passes.
    #[test]
    fn both_is_two_searches(
        source in grid(40, 3), target in grid(40, 3), k in 1..40_usize, other in 1..40_usize,
    ) {
        let (k, other) = (k.min(target.nrows()), other.min(source.nrows()));
        let (forward, backward) = top_k_both(source.view(), target.view(), k, other).unwrap();
        prop_assert_eq!(forward, top_k(source.view(), target.view(), k, Metric::Cosine).unwrap());
        prop_assert_eq!(backward, top_k(target.view(), source.view(), other, Metric::Cosine).unwrap());
    }

    /// One pass with a certificate gives the bits of the plain search over all candidates.
    #[test]
    fn csls_in_one_pass_is_csls(
        source in grid(90, 3), target in grid(90, 3), r in 1..12_usize, k in 1..20_usize,
        queries in vec(0..90_usize, 0..30),
    ) {
        let (m, n) = (source.nrows(), target.nrows());
        let (r, k, other) = (r.min(m).min(n), k.min(n), k.min(m));
        let (forward, backward) = csls_both(source.view(), target.view(), r, k, other).unwrap();
        let csls = Csls::new(source.view(), target.view(), r).unwrap();
        prop_assert_eq!(&forward, &csls.top_k(source.view(), k).unwrap());
        let turned = Csls::new(target.view(), source.view(), r).unwrap();
        prop_assert_eq!(backward, turned.top_k(target.view(), other).unwrap());
        prop_assert_eq!(&csls_top_k(source.view(), target.view(), None, r, k).unwrap(), &forward);
        let queries: Vec<usize> = queries.into_iter().map(|row| row % m).collect();
        let found = csls_top_k(source.view(), target.view(), Some(&queries), r, k).unwrap();
        prop_assert_eq!(found.indices, forward.indices.select(Axis(0), &queries));
        prop_assert_eq!(found.scores, forward.scores.select(Axis(0), &queries));
    }

    #[test]
    fn inverted_softmax_equals_brute_force(
        source in grid(40, 3), target in grid(40, 3), k in 1..40_usize, beta in 0.01..60.0_f64,
    ) {
        let k = k.min(target.nrows());
        let softmax = InvertedSoftmax::new(source.view(), target.view(), beta).unwrap();
        let found = softmax.top_k(source.view(), k).unwrap();
        assert_brute_force(&found, &softmax_keys(&source, &target, beta), 1.0);
    }

    /// A pair is mutual if and only if each is the other's nearest.
    #[test]
    fn mutual_pairs_choose_each_other(
        source in grid(30, 3), target in grid(30, 3), limit in 0..40_usize,
    ) {
        let (forward, backward) = top_k_both(source.view(), target.view(), 1, 1).unwrap();
        let pairs = mutual_pairs(&forward, &backward, limit).unwrap();
        for row in 0..source.nrows() {
            let other = forward.indices[(row, 0)] as usize;
            let mutual = row < limit && other < limit && backward.indices[(other, 0)] as usize == row;
            prop_assert_eq!(pairs.contains(&[row, other]), mutual);
        }
        prop_assert!(pairs.windows(2).all(|pair| pair[0][0] < pair[1][0]));
        let turned = mutual_pairs(&backward, &forward, limit).unwrap();
        let mut turned: Vec<[usize; 2]> = turned.into_iter().map(|[a, b]| [b, a]).collect();
        turned.sort_unstable();
        prop_assert_eq!(turned, pairs);
    }

    /// Candidates in another order are found under their new numbers; queries likewise.
    #[test]
    fn order_of_rows_does_not_matter(seed in 0..1000_u64) {
        let (queries, candidates) = (random(9, 7, seed), random(80, 7, seed + 1));
        let (m, n) = (queries.nrows(), candidates.nrows());
        // 3 is prime to 80 and 2 to 9: both are permutations.
        let moved = candidates.select(Axis(0), &(0..n).map(|i| i * 3 % n).collect::<Vec<_>>());
        let asked: Vec<usize> = (0..m).map(|i| i * 2 % m).collect();
        for metric in METRICS {
            let plain = top_k(queries.view(), candidates.view(), 5, metric).unwrap();
            let other = top_k(queries.select(Axis(0), &asked).view(), moved.view(), 5, metric).unwrap();
            prop_assert_eq!(other.indices.mapv(|i| i * 3 % n as u32), plain.indices.select(Axis(0), &asked));
            prop_assert_eq!(other.scores, plain.scores.select(Axis(0), &asked));
        }
    }

    /// Powers of two scale exactly, in `f32` as in `f64`.
    #[test]
    fn cosine_ignores_the_length_of_rows(seed in 0..1000_u64, a in -30..30_i32, b in -30..30_i32) {
        let (queries, candidates) = (random(5, 6, seed), random(50, 6, seed + 1));
        let found = top_k(queries.view(), candidates.view(), 8, Metric::Cosine).unwrap();
        let scaled = top_k(
            (&queries * 2.0_f32.powi(a)).view(), (&candidates * 2.0_f32.powi(b)).view(), 8, Metric::Cosine,
        ).unwrap();
        prop_assert_eq!(found, scaled);
    }
}

/// Sizes that need several blocks on both sides, with rows that `f32` cannot tell apart: 200
/// copies of one row, each moved by a few units in the last place.
fn crowded() -> (Array2<f32>, Array2<f32>) {
    let queries = random(70, 24, 1);
    let mut candidates = random(4500, 24, 2);
    for row in 0..200 {
        let close = queries.row(0).mapv(|value| value * 2.0);
        candidates.row_mut(row * 21).assign(&close);
        candidates[(row * 21, row % 24)] += (row % 5) as f32 * 1e-7;
    }
    (queries, candidates)
}

#[test]
fn rows_that_single_precision_confuses_are_told_apart() {
    let (queries, candidates) = crowded();
    for metric in METRICS {
        let found = top_k(queries.view(), candidates.view(), 10, metric).unwrap();
        let keys = keys(queries.view(), candidates.view(), metric);
        assert_brute_force(&found, &keys, sign(metric));
    }
}

#[test]
fn both_tells_apart_what_single_precision_confuses() {
    let (queries, candidates) = crowded();
    let (forward, backward) = top_k_both(queries.view(), candidates.view(), 10, 3).unwrap();
    assert_eq!(forward, top_k(queries.view(), candidates.view(), 10, Metric::Cosine).unwrap());
    assert_eq!(backward, top_k(candidates.view(), queries.view(), 3, Metric::Cosine).unwrap());
    let keys = keys(queries.view(), candidates.view(), Metric::Cosine);
    assert_brute_force(&forward, &keys, 1.0);
    assert_brute_force(&backward, &keys.t().to_owned(), 1.0);
}

/// More equal rows than a second search holds back at a time.
#[test]
fn thousands_of_equal_rows_are_ordered_by_index() {
    let candidates = Array2::from_elem((12_000, 3), 0.7_f32);
    let queries = random(20, 3, 8);
    for metric in METRICS {
        let found = top_k(queries.view(), candidates.view(), 4, metric).unwrap();
        assert!(found.indices.rows().into_iter().all(|row| row.to_vec() == [0, 1, 2, 3]));
    }
    let (forward, backward) = top_k_both(queries.view(), candidates.view(), 4, 1).unwrap();
    assert!(forward.indices.rows().into_iter().all(|row| row.to_vec() == [0, 1, 2, 3]));
    assert!(backward.indices.iter().all(|&index| index == backward.indices[(0, 0)]));
}

#[test]
fn inverted_softmax_of_several_blocks_equals_brute_force() {
    let (target, source) = crowded();
    for beta in [1.0, 30.0] {
        let softmax = InvertedSoftmax::new(source.view(), target.view(), beta).unwrap();
        let found = softmax.top_k(source.view(), 5).unwrap();
        assert_brute_force(&found, &softmax_keys(&source, &target, beta), 1.0);
    }
}

#[test]
fn a_far_offset_does_not_hide_near_rows() {
    // Distances about 1e-3 of the offset: ‖x‖² + ‖y‖² − 2x·y in f32 would be noise.
    let (queries, candidates) = (random(40, 8, 3) + 1000.0, random(3000, 8, 4) + 1000.0);
    let found = top_k(queries.view(), candidates.view(), 3, Metric::SquaredEuclidean).unwrap();
    let keys = keys(queries.view(), candidates.view(), Metric::SquaredEuclidean);
    assert_brute_force(&found, &keys, -1.0);
}

#[test]
fn mean_similarity_is_the_mean_of_top_k() {
    let (queries, candidates) = crowded();
    let found = top_k(queries.view(), candidates.view(), 10, Metric::Cosine).unwrap();
    let means = mean_similarity(queries.view(), candidates.view(), 10).unwrap();
    for (mean, scores) in means.iter().zip(found.scores.rows()) {
        assert!((mean - scores.mean().unwrap()).abs() < 1e-15);
    }
}

#[test]
fn csls_ranks_all_candidates_not_the_nearest_only() {
    // Candidates close to the query are hubs of a crowd of source rows; the best by CSLS is far
    // down the list of cosines, beyond any margin.
    let crowd = random(300, 6, 5) * 0.05 + Array1::from(vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let hubs = random(300, 6, 6) * 0.05 + Array1::from(vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let mut lonely = Array2::zeros((1, 6));
    lonely.row_mut(0).assign(&Array1::from(vec![0.8, 0.6, 0.0, 0.0, 0.0, 0.0]));
    let target = concatenate![Axis(0), hubs, lonely];
    let found = Csls::new(crowd.view(), target.view(), 10).unwrap().top_k(crowd.view(), 3).unwrap();
    assert_brute_force(&found, &csls_keys(&crowd, &target, 10), 1.0);
    assert_eq!(csls_top_k(crowd.view(), target.view(), None, 10, 3).unwrap(), found);
}

#[test]
fn same_bits_for_any_number_of_threads() {
    let (queries, candidates) = crowded();
    let with = |threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let csls = Csls::new(queries.view(), candidates.view(), 10).unwrap();
            (
                METRICS.map(|metric| top_k(queries.view(), candidates.view(), 12, metric).unwrap()),
                csls.top_k(queries.slice(s![..50, ..]), 12).unwrap(),
                top_k_both(queries.view(), candidates.view(), 12, 5).unwrap(),
                csls_both(queries.view(), candidates.view(), 10, 5, 3).unwrap(),
                InvertedSoftmax::new(queries.view(), candidates.view(), 30.0)
                    .unwrap()
                    .log_sums()
                    .to_vec(),
            )
        })
    };
    assert_eq!(with(1), with(4));
}

/// Several blocks of candidates, several strips of words.
#[test]
fn analogies_do_not_depend_on_threads() {
    let vectors = Array2::from_shape_fn((2500, 6), |(i, j)| ((i * 31 + j * 17) % 97) as f32 - 48.0);
    let questions: Vec<[usize; 3]> = (0..200).map(|i| [i, 3 * i + 1, 7 * i + 2]).collect();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| analogies(vectors.view(), &questions, AnalogyRule::Multiply).unwrap())
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}
