//! Average precision against pycocotools (COCO) and a plain program after VOC's text.

use crate::common::{count, counts, number, numbers};
use procrust_transfer::detection::starts::{DetectorStart, FromClassifier, FromZero};
use procrust_transfer::detection::{
    BoundingBox, CocoEvaluation, DetectorTraining, FoundBox, Measure, SizeRange, TrueBox,
    VocEvaluation, VocRule,
};
use serde_json::Value;

type Pictures = (Vec<Vec<TrueBox>>, Vec<Vec<FoundBox>>, usize);

fn pictures(case: &Value) -> Pictures {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let truth = |entry: &Value| {
        let v = numbers(entry);
        let mut truth =
            TrueBox::new(BoundingBox::sized(v[0], v[1], v[2], v[3]).unwrap(), v[4] as usize);
        (truth.crowd, truth.difficult, truth.area) = (v[5] == 1.0, v[6] == 1.0, Some(v[7]));
        truth
    };
    let found = |entry: &Value| {
        let v = numbers(entry);
        let bounds = BoundingBox::sized(v[0], v[1], v[2], v[3]).unwrap();
        FoundBox { bounds, class: v[4] as usize, score: v[5] }
    };
    let truths =
        list(&case["truths"]).iter().map(|p| list(p).iter().map(truth).collect()).collect();
    let seen = list(&case["found"]).iter().map(|p| list(p).iter().map(found).collect()).collect();
    (truths, seen, count(&case["classes"]))
}

/// -1 stands for nothing to measure. Means of at most 3,000 numbers of at most 1, in another order.
#[track_caller]
fn same(found: Option<f64>, expected: f64, what: &str) {
    let found = found.unwrap_or(-1.0);
    assert!((found - expected).abs() < 1e-12, "{what}: {found} for {expected}");
}

#[test]
fn as_pycocotools_and_voc() {
    let golden: Value = serde_json::from_str(include_str!("detection.json")).unwrap();
    let mut of_coco = 0;
    for case in golden["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (truths, found, classes) = pictures(case);
        let voc = VocEvaluation::new(&truths, &found, classes, 0.5).unwrap();
        for (class, expected) in case["voc"].as_array().unwrap().iter().enumerate() {
            let expected = numbers(expected);
            let of = |rule| voc.average_precision_of(class, rule);
            same(of(VocRule::ElevenPoints), expected[0], &format!("{name}, VOC 11, {class}"));
            same(of(VocRule::AllPoints), expected[1], &format!("{name}, VOC all, {class}"));
        }
        let Some(stats) = case.get("stats") else { continue };
        of_coco += 1;
        let stats = numbers(stats);
        let coco = CocoEvaluation::new(&truths, &found, classes).unwrap();
        let all = Measure::default();
        let sized = |size| all.sized(size);
        for (at, measure) in [
            all,
            Measure::at(0.5),
            Measure::at(0.75),
            sized(SizeRange::Small),
            sized(SizeRange::Medium),
            sized(SizeRange::Large),
        ]
        .iter()
        .enumerate()
        {
            same(coco.average_precision(measure), stats[at], &format!("{name}, AP {at}"));
        }
        for (at, measure) in [
            all.most(1),
            all.most(10),
            all,
            sized(SizeRange::Small),
            sized(SizeRange::Medium),
            sized(SizeRange::Large),
        ]
        .iter()
        .enumerate()
        {
            same(coco.recall(measure), stats[6 + at], &format!("{name}, AR {at}"));
        }
        for (class, expected) in case["per_class"].as_array().unwrap().iter().enumerate() {
            let expected = numbers(expected);
            let of = |measure: Measure| coco.average_precision(&measure.of_class(class));
            same(of(all), expected[0], &format!("{name}, class {class}"));
            same(of(Measure::at(0.5)), expected[1], &format!("{name}, class {class} at 0.5"));
        }
    }
    assert!(of_coco >= 62 && counts(&golden["cases"][0]["found"][0]).is_empty());
    assert!(number(&golden["made_by"]["seed"]) > 0.0);
}

/// A picture that is drawn thrice counts as three: weights are what copies would give, and pictures that are
/// all alike have no spread.
#[test]
fn copies_change_nothing() {
    let golden: Value = serde_json::from_str(include_str!("detection.json")).unwrap();
    let mut measured = 0;
    for case in golden["cases"].as_array().unwrap() {
        let (truths, mut found, classes) = pictures(case);
        // Without ties: these stand in another order among copies.
        for (at, found) in found.iter_mut().flatten().enumerate() {
            found.score += at as f64 * 1e-7;
        }
        let order: Vec<usize> = (0..truths.len()).flat_map(|n| [n, n, n]).collect();
        let truths_thrice: Vec<_> = order.iter().map(|&at| truths[at].clone()).collect();
        let found_thrice: Vec<_> = order.iter().map(|&at| found[at].clone()).collect();
        let thrice = CocoEvaluation::new(&truths_thrice, &found_thrice, classes).unwrap();
        let once = CocoEvaluation::new(&truths, &found, classes).unwrap();
        let measure = Measure::at(0.5);
        let (a, b) = (once.average_precision(&measure), thrice.average_precision(&measure));
        let Some((a, b)) = a.zip(b) else {
            assert_eq!(a, b);
            continue;
        };
        assert!((a - b).abs() < 1e-12, "{}", case["name"]);
        let first = vec![truths[0].clone(); 4];
        let alike = CocoEvaluation::new(&first, &vec![found[0].clone(); 4], classes).unwrap();
        if let Some(interval) = alike.average_precision_interval(&measure, 20, 3) {
            assert!((interval.high - interval.low).abs() < 1e-12, "{}: {interval:?}", case["name"]);
            measured += 1;
        }
        let interval = once.average_precision_interval(&measure, 200, 3).unwrap();
        assert!(interval.low <= a && a <= interval.high.max(a), "{interval:?}");
        let values = once.pseudo_values(&measure).unwrap();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!((mean - a).abs() < 1e-9);
    }
    assert!(measured > 30, "{measured}");
}

/// The pull is the method's own if it has one, else that of the plan.
#[test]
fn classifier_changes_the_pull_alone() {
    let training = DetectorTraining::default();
    let own = FromClassifier { l2: Some(0.5), rows: 20 };
    assert_eq!(own.classifier_rows(), Some(20));
    let mut expected = training;
    expected.l2 = 0.5;
    assert_eq!(own.training(training), expected);
    assert_eq!(FromClassifier::default().training(training), training);
    assert_eq!(FromZero::default().classifier_rows(), None);
}
