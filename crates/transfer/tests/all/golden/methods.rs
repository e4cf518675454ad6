//! What methods give on a few rows: the same numbers as the programs of `methods.py`.

use std::sync::Arc;

use ndarray::{Array1, Array2, Axis, s};
use procrust_transfer::continual::{
    ContinualMethod, ContinualSetup, EmbeddingReplay, Joint, MixtureReplay, NoMemory, StoredReplay,
};
use procrust_transfer::few_shot::{
    BaseTask, FewShot, NamePrototypes, NearestMean, Pooled, SourceOnly, TargetOnly,
};
use procrust_transfer::pair_tasks::{self, NewTask, PairRows, PairTasksMethod, TargetTrained};
use procrust_transfer::{ClassMixture, Learner, LinearScores, Spread};
use serde_json::Value;

use crate::common::{assert_close, counts, matrix, number, numbers, rows};

fn golden() -> Value {
    serde_json::from_str(include_str!("methods.json")).unwrap()
}

/// Intercepts are compared up to a constant: no prediction depends on it.
fn assert_model(found: &LinearScores, expected: &Value, tolerance: f64) {
    assert_close(found.weights(), matrix(&expected["weights"]).view(), tolerance, "weights");
    let intercepts = found.intercepts().to_owned();
    let centred = &intercepts - intercepts.mean().unwrap();
    let expected = Array1::from(numbers(&expected["intercepts"]));
    let column = |values: Array1<f64>| values.insert_axis(Axis(1));
    let expected = column(expected);
    assert_close(column(centred).view(), expected.view(), tolerance, "intercepts");
}

/// The few rows of the task and their labels.
fn few(golden: &Value) -> (Array2<f32>, Vec<usize>) {
    (rows(&golden["few"]), counts(&golden["labels"]))
}

fn base(golden: &Value, shared: Option<Vec<usize>>) -> Arc<BaseTask> {
    let of_base = (rows(&golden["base"]), counts(&golden["base_labels"]), 4);
    let all = rows(&golden["descriptions"]);
    let descriptions = (all.slice(s![..4, ..]).to_owned(), all.slice(s![4.., ..]).to_owned());
    Arc::new(BaseTask::new(of_base, 3, shared, Some(descriptions)))
}

/// The model that a method fits, on rows as it maps them.
fn fitted(method: &dyn FewShot, golden: &Value, shared: Option<Vec<usize>>) -> LinearScores {
    let (x, labels) = few(golden);
    let learner = method.learn_base(&base(golden, shared)).unwrap();
    let mapped = learner.map(x.view()).unwrap().unwrap_or(x);
    learner.fit(mapped.view(), &labels).unwrap()
}

/// Systems solved in another order lose some digits of sixteen.
const SOLVED: f64 = 1e-10;

#[test]
fn target_only_is_numpys() {
    let golden = &golden()["few_shot"];
    let method = TargetOnly { learner: Learner::Ridge, l2: number(&golden["l2"]) };
    assert_model(&fitted(&method, golden, None), &golden["target_only"], SOLVED);
}

#[test]
fn target_only_with_pairs_guesses_without_rows() {
    let method = pair_tasks::TargetOnly::default();
    let learned = method.learn(&mut std::iter::empty(), 0).unwrap();
    let none = PairRows { x: Array2::zeros((0, 6)), labels: Vec::new() };
    let description = Array1::zeros(5);
    let task = NewTask { few: &none, all: &|| none.clone(), description: description.view() };
    assert_eq!(learned.fit(&task).unwrap(), None);
}

#[test]
fn pooled_is_numpys() {
    let golden = &golden()["few_shot"];
    let method = Pooled { learner: Learner::Ridge, l2: number(&golden["l2"]) };
    assert_model(&fitted(&method, golden, None), &golden["pooled"], SOLVED);
}

/// SciPy's minimum of the same losses. Ours stops at a mean gradient of 1e-5 over 60 rows, which
/// leaves weights within 6e-4.
#[test]
fn source_only_is_scipys() {
    let golden = &golden()["few_shot"];
    let shared = counts(&golden["shared"]);
    let found = fitted(&SourceOnly {}, golden, Some(shared));
    assert_close(
        found.weights(),
        matrix(&golden["source_only"]["weights"]).view(),
        6e-4,
        "weights",
    );
}

/// Mapped rows are `f32`.
#[test]
fn nearest_mean_of_whitened_rows_is_numpys() {
    let golden = &golden()["few_shot"];
    let method = NearestMean::Whitened { shrinkage: 0.9 };
    let mapped = method.learn_base(&base(golden, None)).unwrap();
    let mapped = mapped.map(few(golden).0.view()).unwrap().unwrap().mapv(f64::from);
    assert_close(mapped.view(), matrix(&golden["whitened"]).view(), 1e-6, "mapped rows");
    assert_model(&fitted(&method, golden, None), &golden["nearest_mean"], 1e-6);
}

#[test]
fn name_prototypes_are_numpys() {
    let golden = &golden()["few_shot"];
    let method = NamePrototypes { weight: 1.5 };
    assert_model(&fitted(&method, golden, None), &golden["name_prototypes"], SOLVED);
}

#[test]
fn target_trained_is_numpys() {
    let golden = &golden()["few_shot"];
    let (x, labels) = few(golden);
    let two: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] < 2).collect();
    let all = PairRows {
        x: x.select(Axis(0), &two),
        labels: two.iter().map(|&row| labels[row]).collect(),
    };
    let none = PairRows { x: Array2::zeros((0, 6)), labels: Vec::new() };
    let method = TargetTrained { learner: Learner::Ridge, l2: number(&golden["l2"]) };
    let learned = method.learn(&mut std::iter::empty(), 0).unwrap();
    let description = Array1::zeros(5);
    let task = NewTask { few: &none, all: &|| all.clone(), description: description.view() };
    let found = learned.fit(&task).unwrap().unwrap();
    assert_model(&found, &golden["target_trained"], SOLVED);
}

/// The model after the first `tasks` of the two tasks.
fn continued(method: &dyn ContinualMethod, golden: &Value, tasks: usize) -> LinearScores {
    let (x, classes) = (rows(&golden["rows"]), counts(&golden["classes"]));
    let labels = (0..4).collect();
    let setup = ContinualSetup { dim: 4, labels, outputs: 4, l2: 1.0, drawn_rows: 10, seed: 0 };
    let mut learner = method.start(setup);
    let mut model = None;
    for task in 0..tasks {
        let some: Vec<usize> = (0..40).filter(|&row| classes[row] / 2 == task).collect();
        let of_task: Vec<usize> = some.iter().map(|&row| classes[row]).collect();
        model = Some(learner.learn(x.select(Axis(0), &some).view(), &of_task).unwrap());
    }
    model.unwrap()
}

/// SciPy's minimum of the same losses. Ours stops at a mean gradient of 1e-4 over up to 40 rows: with
/// a penalty of 1, weights are within 4e-3 after each task.
const TRAINED: f64 = 8e-3;

#[test]
fn none_is_scipys() {
    let golden = &golden()["continual"];
    let expected = matrix(&golden["none"]["weights"]);
    let found = continued(&NoMemory {}, golden, 2);
    assert_close(found.weights(), expected.view(), TRAINED, "weights");
}

#[test]
fn stored_is_scipys() {
    let golden = &golden()["continual"];
    let expected = matrix(&golden["stored"]["weights"]);
    let found = continued(&StoredReplay {}, golden, 2);
    assert_close(found.weights(), expected.view(), TRAINED, "weights");
}

#[test]
fn joint_is_scipys() {
    let golden = &golden()["continual"];
    let expected = matrix(&golden["joint"]["weights"]);
    let found = continued(&Joint {}, golden, 2);
    assert_close(found.weights(), expected.view(), TRAINED, "weights");
}

/// Rows that are drawn have NumPy's means and deviations of the class, within four standard errors of
/// 4,000 rows; what the method does with them is learned as the rows of `stored` are.
#[test]
fn mixture_draws_from_numpys_gaussians() {
    let golden = &golden()["continual"];
    let (x, classes) = (rows(&golden["rows"]), counts(&golden["classes"]));
    let mut memory = ClassMixture::new(4, Spread::Diagonal);
    memory.learn(x.view(), &classes).unwrap();
    let (drawn, of_drawn) = memory.sample(4000, 1);
    let (means, deviations) = (matrix(&golden["mean"]), matrix(&golden["deviation"]));
    for class in 0..4 {
        let some: Vec<usize> = (0..drawn.nrows()).filter(|&row| of_drawn[row] == class).collect();
        let of_class = drawn.select(Axis(0), &some).mapv(f64::from);
        for (column, values) in of_class.columns().into_iter().enumerate() {
            let (mean, deviation) = (means[[class, column]], deviations[[class, column]]);
            let error = 4.0 * deviation / 4000_f64.sqrt();
            assert!((values.mean().unwrap() - mean).abs() < error, "{class}, {column}");
            assert!((values.std(0.0) - deviation).abs() < error, "{class}, {column}");
        }
    }
    // Nothing is drawn with the first task.
    let first = continued(&MixtureReplay::default(), golden, 1);
    assert_eq!(first, continued(&NoMemory {}, golden, 1));
}

/// The axes of the first step have either sign; the model does not depend on it. Ten steps of the same
/// arithmetic in another order.
#[test]
fn embedding_is_numpys() {
    let golden = &golden()["continual"];
    let method = EmbeddingReplay { components: 2, hold: 1.0 };
    let (x, classes) = (rows(&golden["rows"]), counts(&golden["classes"]));
    let settings = procrust_transfer::EmbeddedReplay {
        components: method.components,
        hold: method.hold,
        steps: 10,
        ..Default::default()
    };
    let first = x.slice(s![..20, ..]);
    let found = settings.fit(first, &classes[..20], 4).unwrap().model().unwrap();
    assert_model(&found, &golden["embedding"], 1e-5);
    // With its own number of steps the method goes on from there.
    let further = procrust_transfer::EmbeddedReplay { steps: 60, ..settings };
    let further = further.fit(first, &classes[..20], 4).unwrap().model().unwrap();
    assert_eq!(continued(&method, golden, 1), further);
}
