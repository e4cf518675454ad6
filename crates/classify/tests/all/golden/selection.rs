//! The same scores as NumPy programs of the papers' formulas (`golden/selection.py`).

use procrust_classify::selection::{
    deep_embedded, importance_weighted, prediction_entropy, soft_neighborhood_density,
};
use serde_json::Value;

use crate::common::{matrix, numbers};

#[test]
fn scores_are_those_of_numpy() {
    let golden: Value = serde_json::from_str(include_str!("selection.json")).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let shares = matrix(&case["probabilities"]);
        let (losses, weights) = (numbers(&case["losses"]), numbers(&case["weights"]));
        let close = |name: &str, found: f64| {
            let expected = case[name].as_f64().unwrap();
            // Sums in another order: a few units in the last place.
            assert!(
                (found - expected).abs() < 1e-12 * expected.abs().max(1.0),
                "{name}: {found} {expected}"
            );
        };
        close("entropy", prediction_entropy(shares.view()).unwrap());
        close("density", soft_neighborhood_density(shares.view(), 0.05).unwrap());
        close("importance_weighted", importance_weighted(&losses, &weights).unwrap());
        close("deep_embedded", deep_embedded(&losses, &weights).unwrap());
    }
}
