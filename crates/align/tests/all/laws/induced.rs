//! What holds for methods that find their own dictionary.

use std::ops::ControlFlow;

use ndarray::{Array2, array, s};
use procrust_align::{
    AlignPaired, Alignment, Diagnosis, Induced, MiniVec2Vec, Procrustes, Rcsls, Refinement,
    RowStep, SelfLearning, Stop, Verdict, prepare_rows,
};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

const STEPS: [RowStep; 3] = [RowStep::Unit, RowStep::Center, RowStep::Unit];

/// Rows of unequal spread and skewed distributions, so that a space has a shape to go by.
fn space(rows: usize, dim: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut x = Array2::from_shape_fn((rows, dim), |(_, j)| {
        let value: f32 = rng.random_range(-1.0..1.0);
        (value + 0.6 * value * value) / (1.0 + j as f32).sqrt()
    });
    prepare_rows(&mut x, &STEPS);
    x
}

/// A rotated copy of `x` with noise and its rows in another order, and where each row went.
fn copy(x: &Array2<f32>, noise: f32, seed: u64) -> (Array2<f32>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (n, d) = x.dim();
    let mut uniform = |n, d| Array2::from_shape_simple_fn((n, d), || rng.random_range(-1.0..1.0));
    let (a, b): (Array2<f32>, Array2<f32>) = (uniform(d, d), uniform(d, d));
    let turn = Procrustes::default().fit(a.view(), b.view()).unwrap();
    let noisy = x + &(uniform(n, d) * (noise / (d as f32).sqrt()));
    let turned = turn.source().apply(noisy.view()).unwrap();
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(&mut rng);
    let mut y = turned.select(ndarray::Axis(0), &order);
    prepare_rows(&mut y, &STEPS);
    let mut place = vec![0; n];
    for (now, &before) in order.iter().enumerate() {
        place[before] = now;
    }
    (y, place)
}

fn right(dictionary: &[(usize, usize)], place: &[usize]) -> f64 {
    dictionary.iter().filter(|&&(i, j)| place[i] == j).count() as f64 / dictionary.len() as f64
}

fn quick() -> SelfLearning {
    SelfLearning { patience: 10, ..SelfLearning::default() }
}

#[test]
fn self_learning_finds_a_rotation_without_pairs() {
    let x = space(500, 12, 1);
    let (y, place) = copy(&x, 0.05, 2);
    let found = quick().fit(x.view(), y.view(), None, 3).unwrap();
    assert!(right(&found.dictionary, &place) > 0.95);
    assert_eq!(found.stop, Stop::Converged);
    let diagnosis = Diagnosis::of(&found.alignment, x.view(), y.view(), 4).unwrap();
    assert_eq!(diagnosis.verdict(), Verdict::Worked, "{diagnosis}");
}

#[test]
fn few_pairs_are_enough_and_wrong_ones_are_outgrown() {
    let x = space(500, 12, 5);
    let (y, place) = copy(&x, 0.3, 6);
    let mut pairs: Vec<_> = (0..20).map(|i| (i, place[i])).collect();
    pairs.extend((20..25).map(|i| (i, place[i + 100])));
    let found = quick().fit(x.view(), y.view(), Some(&pairs), 3).unwrap();
    assert!(right(&found.dictionary, &place) > 0.9, "{}", right(&found.dictionary, &place));
}

/// Most rounds on the first rows, the last ones on all.
#[test]
fn coarse_rounds_lead_to_the_same_place() {
    let x = space(700, 12, 31);
    let (y, place) = copy(&x, 0.05, 32);
    // In the order of the source: the first rows go with the first.
    let y = y.select(ndarray::Axis(0), &place);
    let all = SelfLearning { coarse: 0, ..quick() }.fit(x.view(), y.view(), None, 3).unwrap();
    let coarse = SelfLearning { coarse: 320, ..quick() };
    let found = coarse.fit(x.view(), y.view(), None, 3).unwrap();
    assert_eq!(found.dictionary, all.dictionary);
    assert_eq!(found.stop, Stop::Converged);
    // Two sides of 320 rows and more, but not twice as many.
    let most = SelfLearning { coarse: 350, ..quick() };
    assert!(same_bits(&most.fit(x.view(), y.view(), None, 3).unwrap(), &all));
    let error = SelfLearning { coarse: 9, ..quick() }.fit(x.view(), y.view(), None, 3).unwrap_err();
    assert_eq!(error.to_string(), "coarse is 9, expected 0, or at least csls_k");
}

#[test]
fn anchors_without_pairs_change_nothing() {
    let x = space(300, 8, 40);
    let (y, _) = copy(&x, 0.1, 41);
    let anchored = SelfLearning { anchors: 5, ..quick() };
    let found = anchored.fit(x.view(), y.view(), None, 3).unwrap();
    assert!(same_bits(&found, &quick().fit(x.view(), y.view(), None, 3).unwrap()));
}

#[test]
fn anchors_stay_in_the_dictionary_even_outside_the_vocabulary() {
    let x = space(400, 8, 42);
    let (y, place) = copy(&x, 0.05, 43);
    let wrong = (0, place[1]);
    let outside = (390..400).find(|&i| place[i] >= 300).map(|i| (i, place[i])).unwrap();
    let given = [wrong, outside];
    let settings = SelfLearning { anchors: 3, vocabulary: 300, ..quick() };
    let found = settings.fit(x.view(), y.view(), Some(&given), 3).unwrap();
    assert!(given.iter().all(|pair| found.dictionary.contains(pair)));
    let plain = SelfLearning { vocabulary: 300, ..quick() };
    let found = plain.fit(x.view(), y.view(), Some(&given), 3).unwrap();
    assert!(!found.dictionary.contains(&outside));
}

/// A few pairs and all the rows together do better than either alone.
#[test]
fn anchors_join_few_pairs_with_the_shape_of_the_spaces() {
    let (mut none, mut pairs_alone, mut both) = (0.0, 0.0, 0.0);
    for seed in 0..3 {
        let x = space(500, 12, 50 + seed);
        let (y, place) = copy(&x, 1.2, 60 + seed);
        let pairs: Vec<_> = (0..8).map(|i| (i, place[i])).collect();
        let share = |settings: SelfLearning, pairs: Option<&[(usize, usize)]>| {
            let found = settings.fit(x.view(), y.view(), pairs, 3).unwrap();
            right(&found.dictionary, &place)
        };
        none += share(quick(), None);
        pairs_alone += share(quick(), Some(&pairs));
        both += share(SelfLearning { anchors: 5, ..quick() }, Some(&pairs));
    }
    assert!(both > pairs_alone + 0.2, "{both} with anchors, {pairs_alone} from pairs");
    assert!(both > none + 0.2, "{both} with anchors, {none} without pairs");
}

#[test]
fn unequal_dimensions_are_allowed() {
    let x = space(400, 10, 7);
    let (y, place) = copy(&x, 0.05, 8);
    // The same space within a larger one.
    let mut wide = Array2::zeros((400, 14));
    wide.slice_mut(s![.., 2..12]).assign(&y);
    for (source, target, back) in [(&x, &wide, false), (&wide, &x, true)] {
        let found = quick().fit(source.view(), target.view(), None, 3).unwrap();
        let dictionary: Vec<_> =
            found.dictionary.iter().map(|&(i, j)| if back { (j, i) } else { (i, j) }).collect();
        assert!(right(&dictionary, &place) > 0.9, "{back}: {}", right(&dictionary, &place));
    }
}

fn same_bits(a: &Induced, b: &Induced) -> bool {
    let bits = |map: &Alignment| -> Vec<u64> {
        let (source, target) = (map.source().matrix(), map.target().matrix());
        source.iter().chain(target).map(|v| v.to_bits()).collect()
    };
    bits(&a.alignment) == bits(&b.alignment) && a.dictionary == b.dictionary
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    procrust_blas::single_threaded();
    let x = space(700, 9, 9);
    let (y, place) = copy(&x, 0.2, 10);
    let pairs: Vec<_> = (0..30).map(|i| (i, place[i])).collect();
    let mini = MiniVec2Vec { runs: 4, sample: 500, clusters: 6, rounds: 5, ..Default::default() };
    let fits: [&(dyn Fn() -> Induced + Sync); 4] = [
        &|| quick().fit(x.view(), y.view(), None, 3).unwrap(),
        &|| Refinement::default().fit(x.view(), y.view(), &pairs).unwrap(),
        &|| Rcsls::default().fit(x.view(), y.view(), &pairs).unwrap(),
        &|| mini.fit(x.view(), y.view(), 3).unwrap(),
    ];
    for (which, fit) in fits.iter().enumerate() {
        let with = |threads| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(fit)
        };
        assert!(same_bits(&with(1), &with(3)), "{which}");
    }
}

#[test]
fn a_stopped_run_returns_what_it_has() {
    let x = space(300, 8, 11);
    let (y, place) = copy(&x, 0.05, 12);
    let pairs: Vec<_> = (0..60).map(|i| (i, place[i])).collect();
    let mut rounds = 0;
    let mut observer = |progress: &procrust_align::Progress| {
        rounds = progress.round;
        if progress.round == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let found = quick().fit_observed(x.view(), y.view(), Some(&pairs), 3, &mut observer).unwrap();
    assert_eq!((found.rounds, rounds, found.stop), (4, 4, Stop::Observer));
    assert!(right(&found.dictionary, &place) > 0.9);
    let limited = SelfLearning { max_rounds: 2, ..quick() };
    let found = limited.fit(x.view(), y.view(), Some(&pairs), 3).unwrap();
    assert_eq!((found.rounds, found.stop), (2, Stop::Rounds));
}

#[test]
fn refinement_improves_a_start_from_few_pairs() {
    let x = space(600, 10, 13);
    let (y, place) = copy(&x, 0.5, 14);
    let pairs: Vec<_> = (0..14).map(|i| (i, place[i])).collect();
    let start = Refinement { rounds: 0, ..Refinement::default() };
    let before = start.fit(x.view(), y.view(), &pairs).unwrap();
    let after = Refinement::default().fit(x.view(), y.view(), &pairs).unwrap();
    assert!(after.objective > before.objective);
    assert!(after.dictionary.len() > before.dictionary.len());
    assert!(right(&after.dictionary, &place) > right(&before.dictionary, &place));
    let again = Refinement::default().refine(x.view(), y.view(), &after.alignment).unwrap();
    assert!(again.objective >= after.objective - 1e-6);
}

#[test]
fn projected_rcsls_stays_in_the_spectral_ball() {
    let x = space(300, 8, 15);
    let (y, place) = copy(&x, 0.3, 16);
    let pairs: Vec<_> = (0..150).map(|i| (i, place[i])).collect();
    let method = Rcsls { project: true, ..Rcsls::default() };
    let found = method.fit(x.view(), y.view(), &pairs).unwrap();
    let w = found.alignment.source().matrix().to_owned();
    use ndarray_linalg::SVD;
    let (_, sigma, _) = w.svd(false, false).unwrap();
    assert!(sigma[0] <= 1.0 + 1e-12, "{sigma}");
}

#[test]
fn mini_vec2vec_finds_a_rotation_of_clusters() {
    // Fifteen clusters of unequal places: what the method goes by.
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let centers = Array2::from_shape_simple_fn((15, 6), || rng.random_range(-1.0_f32..1.0));
    let mut x = Array2::from_shape_fn((1500, 6), |(i, j)| {
        centers[(i % 15, j)] + 0.3 * rng.random_range(-1.0_f32..1.0)
    });
    prepare_rows(&mut x, &STEPS);
    let (y, place) = copy(&x, 0.02, 18);
    let method = MiniVec2Vec {
        runs: 10,
        sample: 1200,
        clusters: 15,
        neighbors: 10,
        ..MiniVec2Vec::default()
    };
    let found = method.fit(x.view(), y.view(), 1).unwrap();
    assert!(right(&found.dictionary, &place) > 0.8, "{}", right(&found.dictionary, &place));
    let w = found.alignment.source().matrix();
    let off = w.t().dot(&w) - Array2::<f64>::eye(6);
    assert!(off.iter().all(|v| v.abs() < 1e-12), "the map left the orthogonal group");
}

#[test]
fn unrelated_spaces_and_rotations_of_nothing_are_told() {
    let (x, y) = (space(600, 10, 19), space(600, 10, 20).slice(s![.., ..;-1]).to_owned());
    let random =
        Procrustes::default().fit(space(50, 10, 21).view(), space(50, 10, 22).view()).unwrap();
    let diagnosis = Diagnosis::of(&random, x.view(), y.view(), 1).unwrap();
    assert_eq!(diagnosis.verdict(), Verdict::Failed, "{diagnosis}");
    assert!(diagnosis.reason().starts_with("failed: "));
    let runs = [&random, &Alignment::identity(10)];
    let agreement = diagnosis.with_runs(&runs, x.view(), y.view()).unwrap().agreement.unwrap();
    assert!(agreement < 0.2, "{agreement}");
}

#[test]
fn runs_that_agree_say_so() {
    let x = space(300, 8, 23);
    let (y, place) = copy(&x, 0.05, 24);
    let ordered = y.select(ndarray::Axis(0), &place);
    let map = Procrustes::default().fit(x.view(), ordered.view()).unwrap();
    let diagnosis = Diagnosis::of(&map, x.view(), y.view(), 1).unwrap();
    let diagnosis = diagnosis.with_runs(&[&map, &map], x.view(), y.view()).unwrap();
    assert_eq!(diagnosis.agreement, Some(1.0));
    assert_eq!(diagnosis.verdict(), Verdict::Worked, "{diagnosis}");
    assert!(diagnosis.clone().with_runs(&[&map], x.view(), y.view()).is_err());
}

#[test]
fn rows_of_zeros_and_duplicates_do_no_harm() {
    let mut x = space(200, 6, 25);
    let (mut y, place) = copy(&x, 0.02, 26);
    let pairs: Vec<_> = (0..40).map(|i| (i, place[i])).collect();
    x.row_mut(150).fill(0.0);
    y.row_mut(place[150]).fill(0.0);
    let twin = x.row(151).to_owned();
    for row in 152..180 {
        x.row_mut(row).assign(&twin);
    }
    let found = quick().fit(x.view(), y.view(), Some(&pairs), 1).unwrap();
    assert!(found.dictionary.iter().all(|&(i, j)| i != 150 && j != place[150]));
    assert!(right(&found.dictionary, &place) > 0.7);
    for found in [
        Refinement::default().fit(x.view(), y.view(), &pairs).unwrap(),
        Rcsls::default().fit(x.view(), y.view(), &pairs).unwrap(),
    ] {
        assert!(found.alignment.source().matrix().iter().all(|v| v.is_finite()));
    }
}

#[test]
fn fewer_pairs_than_dimensions_are_warned_of() {
    let x = space(200, 6, 27);
    let (y, place) = copy(&x, 0.02, 28);
    let pairs = [(0, place[0]), (1, place[1])];
    let found = Refinement { rounds: 0, ..Refinement::default() };
    let found = found.fit(x.view(), y.view(), &pairs).unwrap();
    assert_eq!(found.alignment.warnings().len(), 1);
}

#[test]
fn bad_input_is_named() {
    let x = space(50, 4, 29);
    let y = space(60, 4, 30);
    let text = |found: Result<Induced, procrust_align::AlignError>| found.unwrap_err().to_string();
    let method = SelfLearning::default();
    assert_eq!(
        text(method.fit(x.view(), y.view(), Some(&[(0, 0), (7, 60)]), 1)),
        "pair 1 of the dictionary names target row 60, expected a row below 60"
    );
    assert_eq!(
        text(method.fit(x.view(), y.view(), Some(&[]), 1)),
        "the dictionary holds 0 pairs of rows that are not zero, expected at least 1"
    );
    let small = SelfLearning { csls_k: 51, ..method };
    assert_eq!(
        text(small.fit(x.view(), y.view(), None, 1)),
        "51 neighbours asked for, the source has 50 rows that are not zero"
    );
    assert_eq!(
        text(SelfLearning { keep: 0.0, ..method }.fit(x.view(), y.view(), None, 1)),
        "keep is 0, expected above 0, at most 1"
    );
    let mut bad = x.clone();
    bad[(3, 1)] = f32::NAN;
    let expected = "source: the value at row 3, column 1 is NaN, expected a finite number";
    let pairs = [(0, 0), (1, 1)];
    assert_eq!(text(method.fit(bad.view(), y.view(), None, 1)), expected);
    assert_eq!(text(Refinement::default().fit(bad.view(), y.view(), &pairs)), expected);
    assert_eq!(text(Rcsls::default().fit(bad.view(), y.view(), &pairs)), expected);
    assert_eq!(text(MiniVec2Vec::default().fit(bad.view(), y.view(), 1)), expected);
    assert_eq!(
        text(MiniVec2Vec::default().fit(array![[1.0_f32], [2.0]].view(), y.view(), 1)),
        "source: 2 rows, expected at least 20"
    );
    assert_eq!(
        text(Rcsls { learning_rate: -1.0, ..Rcsls::default() }.fit(x.view(), y.view(), &pairs)),
        "learning_rate is -1, expected a finite number above 0"
    );
}
