//! What holds for all data of generalised Procrustes, and of the choice among methods.

use crate::common::{apart, grid, rotation, uniform};
use ndarray::{Array2, Axis, s};
use ndarray_linalg::Norm;
use procrust_align::{
    AffineMap, AlignError, AlignPaired, Auto, AutoCandidate, Choice, GeneralizedAlignment,
    GeneralizedProcrustes, PairFolds, Procrustes, Score, Similarity, SpaceMoments, Warning,
};
use proptest::{collection::vec, prelude::*};

/// Noisy rotations of common items, cut to their dimensions.
fn views(rows: usize, dims: &[usize], noise: f32, seed: u64) -> Vec<Array2<f32>> {
    let width = *dims.iter().max().unwrap();
    let items = uniform(rows, width, seed).mapv(f64::from);
    let each = dims.iter().zip(1..);
    each.map(|(&dim, number)| {
        let turned = items.dot(&rotation(width, seed + 100 * number)).mapv(|v| v as f32);
        turned.slice(s![.., ..dim]).to_owned() + uniform(rows, dim, seed + 100 * number + 1) * noise
    })
    .collect()
}

fn fit(method: GeneralizedProcrustes, spaces: &[Array2<f32>]) -> GeneralizedAlignment {
    method.fit(&spaces.iter().map(Array2::view).collect::<Vec<_>>()).unwrap()
}

fn relative(fit: &GeneralizedAlignment, i: usize, j: usize) -> Array2<f64> {
    fit.maps()[i].matrix().dot(&fit.maps()[j].matrix().t())
}

fn mapped(map: &AffineMap, x: &Array2<f32>) -> Array2<f64> {
    (x.mapv(f64::from) - map.shift()).dot(&map.matrix()) + map.offset()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Of two spaces the relative map is that of Procrustes, either way round.
    #[test]
    fn two_spaces_are_procrustes(
        seed in 0..10_000_u64, dx in 1..6_usize, dy in 1..6_usize, center in any::<bool>(),
    ) {
        let spaces = views(30, &[dx, dy], 0.3, seed);
        let both = fit(GeneralizedProcrustes { center, ..GeneralizedProcrustes::default() }, &spaces);
        let method = Procrustes { center, scale: false };
        let single = method.fit(spaces[0].view(), spaces[1].view()).unwrap();
        prop_assert!(apart(relative(&both, 0, 1).view(), single.source().matrix()) < 1e-10);
        if dx <= dy {
            // Then the second is the reference, and the maps themselves are the same.
            let pair = both.between(0, 1).unwrap();
            let reference = if dx == dy { 0 } else { 1 };
            prop_assert!(both.maps()[reference].is_identity());
            if dx < dy {
                let (a, b) = (mapped(pair.source(), &spaces[0]), mapped(single.source(), &spaces[0]));
                prop_assert!((a - b).norm_max() < 1e-10);
            }
        }
    }

    /// The objective is the sum of squares about the mean space, and never rises; the maps are
    /// semi-orthogonal.
    #[test]
    fn the_objective_is_what_it_says_and_never_rises(
        seed in 0..10_000_u64, dims in vec(1..5_usize, 2..6), noise in 0.0..2.0_f32,
        center in any::<bool>(),
    ) {
        let spaces = views(20, &dims, noise, seed);
        let found = fit(GeneralizedProcrustes { center, ..GeneralizedProcrustes::default() }, &spaces);
        let all: Vec<_> = found.maps().iter().zip(&spaces).map(|(map, x)| mapped(map, x)).collect();
        let mean = all.iter().fold(Array2::<f64>::zeros(all[0].dim()), |sum, x| sum + x) / all.len() as f64;
        let objective: f64 = all.iter().map(|x| (x - &mean).norm_l2().powi(2)).sum();
        let size: f64 = spaces.iter().map(|x| x.mapv(f64::from).norm_l2().powi(2)).sum();
        prop_assert!((objective - found.objective()[found.iterations()]).abs() < 1e-11 * size);
        for pair in found.objective().windows(2) {
            prop_assert!(pair[1] <= pair[0] + 1e-13 * size, "{:?}", found.objective());
        }
        for map in found.maps() {
            let w = map.matrix();
            prop_assert!((w.dot(&w.t()) - Array2::<f64>::eye(w.nrows())).norm_max() < 1e-12);
        }
    }

    /// Rotations of one space are found again, however many, from the sums of any chunks.
    #[test]
    fn rotations_are_recovered(seed in 0..10_000_u64, cut in 0..=40_usize) {
        let spaces = views(40, &[4, 4, 4, 4], 0.0, seed);
        let mut moments = SpaceMoments::new(&[4, 4, 4, 4]);
        for range in [0..cut, cut..40] {
            let chunk: Vec<_> = spaces.iter().map(|x| x.slice(s![range.clone(), ..])).collect();
            moments.add(&chunk).unwrap();
        }
        let found = GeneralizedProcrustes::default().solve(&moments).unwrap();
        prop_assert!(found.converged());
        let first = mapped(&found.maps()[0], &spaces[0]);
        for (map, x) in found.maps().iter().zip(&spaces) {
            // Rows were rounded to f32.
            prop_assert!((mapped(map, x) - &first).norm_max() < 1e-5);
        }
        let whole = fit(GeneralizedProcrustes::default(), &spaces);
        for (a, b) in whole.maps().iter().zip(found.maps()) {
            prop_assert!(apart(b.matrix(), a.matrix()) < 1e-10);
        }
    }

    /// To turn a space turns its map and no other: `Aᵀ·W`.
    #[test]
    fn maps_turn_with_their_space(seed in 0..10_000_u64) {
        let mut spaces = views(40, &[3, 3, 3], 0.2, seed);
        let method = GeneralizedProcrustes { tolerance: 1e-16, max_iterations: 1000, center: false };
        let before = fit(method, &spaces);
        // Axes in another order, one of them turned round: nothing is rounded.
        let turned = spaces[1].slice(s![.., ..;-1]).to_owned() * ndarray::array![1.0_f32, -1.0, 1.0];
        spaces[1] = turned;
        let after = fit(method, &spaces);
        let signs = Array2::from_diag(&ndarray::array![1.0, -1.0, 1.0]);
        let expected = signs.dot(&before.maps()[1].matrix().slice(s![..;-1, ..]));
        // Where the iteration stops is a matter of rounding, and the objective flat there.
        prop_assert!(apart(after.maps()[1].matrix(), expected.view()) < 1e-6);
        prop_assert!(apart(after.maps()[2].matrix(), before.maps()[2].matrix()) < 1e-6);
    }

    /// Fewer items than dimensions, duplicates, rows of zeros: semi-orthogonal maps and a warning.
    #[test]
    fn poor_data_gives_finite_maps(
        (x, y, z) in (2..8_usize, 1..5_usize).prop_flat_map(|(n, d)| (grid(n, d), grid(n, d), grid(n, 3))),
    ) {
        let found = fit(GeneralizedProcrustes::default(), &[x.clone(), y, z]);
        for map in found.maps() {
            let w = map.matrix();
            prop_assert!((w.dot(&w.t()) - Array2::<f64>::eye(w.nrows())).norm_max() < 1e-12);
        }
        if x.nrows() < x.ncols() {
            let ranks = |w: &Warning| matches!(w, Warning::Rank { .. });
            prop_assert!(found.warnings().iter().any(ranks));
        }
        prop_assert!(found.objective().iter().all(|v| v.is_finite()));
    }

    /// The scores of the identity are what a plain search over the rows finds.
    #[test]
    fn auto_scores_by_held_out_retrieval(seed in 0..10_000_u64, similarity in 0..2_u8) {
        let x = uniform(30, 4, seed);
        let y = &x + &(uniform(30, 4, seed + 1) * 0.8);
        let similarity = if similarity == 0 { Similarity::Cosine } else { Similarity::Csls };
        let auto = Auto {
            candidates: vec![AutoCandidate::Identity], similarity, score: Score::FirstHit, folds: 3,
            ..Auto::default()
        };
        let choice = auto.fit(x.view(), y.view()).unwrap();
        let found = choice.scores[0].outcome.as_ref().unwrap();
        let indices = match similarity {
            Similarity::Cosine => {
                let cosine = procrust_neighbors::Metric::Cosine;
                procrust_neighbors::top_k(x.view(), y.view(), 1, cosine).unwrap().indices
            }
            _ => {
                let csls = procrust_neighbors::Csls::new(x.view(), y.view(), 10).unwrap();
                csls.top_k(x.view(), 1).unwrap().indices
            }
        };
        let hits = indices.column(0).iter().zip(0..).filter(|&(&a, b)| a == b).count() as f64;
        prop_assert!((found.mean - hits / 30.0).abs() < 1e-12);
        let p = found.mean;
        prop_assert!((found.standard_error - (p * (1.0 - p) / 29.0).sqrt()).abs() < 1e-12);
    }

    /// Poor data: a choice, or an error that says what is missing; never a map that is not finite.
    #[test]
    fn auto_takes_what_it_can(
        (x, y) in (2..20_usize, 1..5_usize, 1..5_usize)
            .prop_flat_map(|(n, dx, dy)| (grid(n, dx), grid(n, dy))),
    ) {
        let auto = Auto { folds: 2, ..Auto::default() };
        match auto.fit(x.view(), y.view()) {
            Ok(choice) => {
                prop_assert!(choice.alignment.source().matrix().iter().all(|v| v.is_finite()));
                prop_assert!(choice.alignment.diagnostics().iter().all(|(_, v)| v.is_finite()));
            }
            Err(AlignError::TooFewRows { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn chosen(x: &Array2<f32>, y: &Array2<f32>) -> Choice {
    Auto::default().fit(x.view(), y.view()).unwrap()
}

fn mean_of(choice: &Choice, candidate: AutoCandidate) -> f64 {
    let score = choice.scores.iter().find(|score| score.candidate == candidate).unwrap();
    score.outcome.as_ref().unwrap().mean
}

#[test]
fn auto_takes_what_the_data_were_made_by() {
    let x = uniform(300, 6, 1);
    let noise = uniform(300, 6, 2) * 0.05;
    assert_eq!(chosen(&x, &(&x + &noise)).chosen, AutoCandidate::Identity);

    let turned = x.dot(&rotation(6, 3).mapv(|v| v as f32));
    let choice = chosen(&x, &(turned + &noise));
    assert_eq!(choice.chosen, AutoCandidate::Procrustes);
    assert_eq!(choice.alignment.diagnostic("score"), Some(mean_of(&choice, choice.chosen)));

    // Stretched by a factor of 30 along one axis: no rotation.
    let stretch = Array2::from_diag(&ndarray::array![30.0_f32, 0.1, 1.0, 2.0, 0.3, 5.0]);
    let through =
        rotation(6, 4).mapv(|v| v as f32).dot(&stretch).dot(&rotation(6, 5).mapv(|v| v as f32));
    let choice = chosen(&x, &(x.dot(&through) + &noise * 0.2));
    assert!(
        matches!(choice.chosen, AutoCandidate::Ridge | AutoCandidate::LeastSquares),
        "{choice:?}"
    );
    assert!(mean_of(&choice, choice.chosen) > mean_of(&choice, AutoCandidate::Procrustes) + 0.1);

    // The same from sums alone.
    let folds = PairFolds::of(5, x.view(), x.dot(&through).view()).unwrap();
    let by_error = Auto::default().solve(&folds).unwrap();
    assert!(matches!(by_error.chosen, AutoCandidate::Ridge | AutoCandidate::LeastSquares));
    assert!(by_error.scores.iter().all(|score| score.candidate.maps_onto_target()));
    let alignment = by_error.chosen;
    assert_eq!(
        by_error.alignment.diagnostic(alignment.name()).unwrap(),
        mean_of(&by_error, alignment)
    );
}

#[test]
fn auto_keeps_the_translations_of_a_word_together() {
    // Every source row twice, with two targets that have nothing to do with it: were one learned
    // from and the other tested on, least squares would remember it.
    let x = uniform(40, 39, 1);
    let twice = ndarray::concatenate![Axis(0), x, x];
    let y = uniform(40, 5, 2);
    let near = &y + &(uniform(40, 5, 3) * 0.01);
    let y = ndarray::concatenate![Axis(0), y, near];
    let choice = Auto { folds: 2, ..Auto::default() }.fit(twice.view(), y.view()).unwrap();
    for score in &choice.scores {
        let mean = score.outcome.as_ref().unwrap().mean;
        // By chance: two right answers of 80 give 0.07, from 40 queries.
        assert!(mean < 0.25, "{score:?}");
    }
}

#[test]
fn auto_gives_the_same_bits_for_any_number_of_threads() {
    let (x, y) = (uniform(700, 5, 1), uniform(700, 4, 2));
    let found = [1, 2, 5].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| chosen(&x, &y))
    });
    assert!(found[0] == found[1] && found[1] == found[2]);
}

#[test]
fn what_is_not_finite_is_an_error() {
    let (mut x, y) = (uniform(40, 3, 1), uniform(40, 3, 2));
    x[[17, 2]] = f32::NAN;
    let error = Auto::default().fit(x.view(), y.view()).unwrap_err();
    assert!(
        matches!(error, AlignError::NonFinite { what: "source", row: 17, col: 2, .. }),
        "{error}"
    );
}
