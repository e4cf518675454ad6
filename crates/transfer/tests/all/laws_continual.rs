//! What holds of memories and of tasks one after another.

use crate::common::{described, on_any_threads};
use ndarray::{Array1, Array2, Axis, array, s};
use procrust_align::sliced_wasserstein;
use procrust_transfer::{
    ClassMixture, ContinualProgress, CovarianceShrinkage, EmbeddedReplay, Spread,
    per_class_accuracy,
};

/// Rows drawn from a component have its class's mean and covariance; a diagonal one has no
/// covariances.
#[test]
fn samples_spread_as_the_class_did() {
    let turn = array![[1.0_f32, 0.8], [0.0, 0.5]];
    let round = described(1, 400, (2, 1), 1.0, 3).x;
    let x = round.dot(&turn);
    let covariance = |rows: &Array2<f32>| {
        let wide = rows.mapv(f64::from);
        let centred = &wide - &wide.mean_axis(Axis(0)).unwrap();
        centred.t().dot(&centred) / rows.nrows() as f64
    };
    let truth = covariance(&x);
    for full in [true, false] {
        let spread = match full {
            true => Spread::Full(CovarianceShrinkage::Fixed(0.0)),
            false => Spread::Diagonal,
        };
        let mut memory = ClassMixture::new(2, spread);
        memory.learn(x.view(), &vec![0; 400]).unwrap();
        let (drawn, _) = memory.sample(40_000, 5);
        // Means and covariances of 40,000 rows are good to about a hundredth.
        let off = &drawn.mean_axis(Axis(0)).unwrap() - &x.mean_axis(Axis(0)).unwrap();
        assert!(off.iter().all(|v| v.abs() < 0.03), "{off}");
        let found = covariance(&drawn);
        let expected = match full {
            true => truth.clone(),
            false => Array2::from_diag(&truth.diag()),
        };
        assert!((&found - &expected).iter().all(|v| v.abs() < 0.05), "{found} for {expected}");
        // By sliced Wasserstein the full component is nearer to the rows than any other class is.
        if full {
            let near = sliced_wasserstein(drawn.slice(s![..400, ..]), x.view(), 16, 1).unwrap();
            let shifted = &x + 1.0;
            let far = sliced_wasserstein(shifted.view(), x.view(), 16, 1).unwrap();
            assert!(near.distance < 0.3 * far.distance, "{near:?} {far:?}");
        }
    }
}

#[test]
fn a_memory_is_bounded_and_learns_a_class_anew() {
    let data = described(3, 50, (4, 2), 1.0, 9);
    let mut memory = ClassMixture::new(4, Spread::Diagonal);
    memory.learn(data.x.view(), &data.labels).unwrap();
    assert_eq!((memory.numbers(), memory.classes()), (3 * 8, vec![0, 1, 2]));
    let before = memory.clone();
    memory.learn(data.x.view(), &data.labels).unwrap();
    assert_eq!(memory, before);
    let (rows, labels) = on_any_threads(|| memory.sample(5, 2));
    assert_eq!((rows.dim(), labels.len()), ((15, 4), 15));
    assert_eq!(memory.sample(0, 2).0.dim(), (0, 4));
    let error = memory.learn(data.x.slice(s![..4, ..]), &[4, 4, 4, 5]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the number of components of a class with one row is 1, the largest possible here is 0"
    );
    assert_eq!(memory, before);
}

#[test]
fn progress_by_hand() {
    let r = array![[0.9, 0.5, 0.3], [0.95, 0.8, 0.4], [0.6, 0.9, 0.7]];
    let found = ContinualProgress::of(r.view(), array![0.5, 0.5, 0.5].view()).unwrap();
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(near(&found.last, &[0.6, 0.9, 0.7]));
    assert!(near(&found.forgetting, &[0.35, -0.1]));
    assert!(near(&found.backward, &[-0.3, 0.1]));
    assert!(near(&found.forward, &[0.0, -0.1]));
    let error = ContinualProgress::of(r.slice(s![..2, ..]), Array1::zeros(3).view()).unwrap_err();
    assert_eq!(error.to_string(), "accuracies: 3 columns, expected 2");
}

/// Three tasks of two classes in an embedding: what holds it keeps earlier classes where the memory has
/// them, and keeps them known.
#[test]
fn sliced_wasserstein_holds_an_embedding() {
    let data = described(6, 40, (12, 5), 0.6, 21);
    let of = |classes: [usize; 2]| {
        let rows: Vec<usize> =
            (0..data.labels.len()).filter(|&row| classes.contains(&data.labels[row])).collect();
        let labels: Vec<usize> = rows.iter().map(|&row| data.labels[row]).collect();
        (data.x.select(Axis(0), &rows), labels)
    };
    let learn = |hold: f64| {
        let method = EmbeddedReplay { components: 6, hold, ..Default::default() };
        let (x, labels) = of([0, 1]);
        let mut learned = method.fit(x.view(), &labels, 6).unwrap();
        for classes in [[2, 3], [4, 5]] {
            let (x, labels) = of(classes);
            learned.learn(x.view(), &labels).unwrap();
        }
        learned
    };
    let drift = |hold| {
        let learned = learn(hold);
        let (x, labels) = of([0, 1]);
        let embedded = learned.embed(x.view()).unwrap().mapv(|value| value as f32);
        let (drawn, of_drawn) = learned.memory().sample(40, 3);
        let some = |rows: &Array2<f32>, labels: &[usize], class: usize| {
            let which: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] == class).collect();
            rows.select(Axis(0), &which)
        };
        let apart = |class| {
            let (here, there) = (some(&embedded, &labels, class), some(&drawn, &of_drawn, class));
            sliced_wasserstein(here.view(), there.view(), 32, 1).unwrap().distance
        };
        apart(0) + apart(1)
    };
    let (held, free) = (drift(10.0), drift(0.0));
    assert!(held < free, "{held} against {free}");
    let learned = learn(10.0);
    let found = learned.model().unwrap().predict(data.x.view()).unwrap();
    assert!(per_class_accuracy(&found, &data.labels) > 0.9);
    assert_eq!(learned.memory().numbers(), 6 * 2 * 6);
    assert_eq!(on_any_threads(|| learn(1.0)), learn(1.0));
}

#[test]
fn embeddings_that_cannot_be_are_told() {
    let data = described(2, 3, (8, 2), 1.0, 5);
    let error = |method: EmbeddedReplay, labels: &[usize]| {
        method.fit(data.x.view(), labels, 4).unwrap_err().to_string()
    };
    let usual = EmbeddedReplay { components: 2, ..Default::default() };
    assert_eq!(
        error(EmbeddedReplay { components: 7, ..usual }, &data.labels),
        "the number of components is 7, the largest possible here is 5"
    );
    assert_eq!(
        error(EmbeddedReplay { hold: -1.0, ..usual }, &data.labels),
        "hold is -1, expected a finite number of at least 0"
    );
    assert_eq!(
        error(usual, &[1; 6]),
        "classes of the first task: rows of 1 classes, expected at least 2"
    );
    assert!(error(usual, &[9; 6]).contains('9'));
    let mut learned = usual.fit(data.x.view(), &data.labels, 4).unwrap();
    let before = learned.clone();
    let mut broken = data.x.clone();
    broken[[1, 2]] = f32::NAN;
    let error = learned.learn(broken.view(), &[2; 6]).unwrap_err().to_string();
    assert_eq!(error, "rows: the value at row 1, column 2 is NaN, expected a finite number");
    assert_eq!(learned, before);
}
