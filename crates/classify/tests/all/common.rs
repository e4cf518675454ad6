//! Golden values from JSON.

use ndarray::Array2;
use serde_json::Value;

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

pub(crate) fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

pub(crate) fn classes(value: &Value) -> Vec<usize> {
    list(value).iter().map(count).collect()
}

pub(crate) fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = list(value).iter().map(numbers).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

/// Rows to train on, rows to predict, and what the other program gave.
pub(crate) struct Case {
    pub(crate) value: Value,
    pub(crate) x: Array2<f32>,
    pub(crate) y: Vec<usize>,
    pub(crate) classes: usize,
    pub(crate) weights: Option<Vec<f64>>,
    pub(crate) probe: Array2<f32>,
}

impl Case {
    pub(crate) fn name(&self) -> &str {
        self.value["name"].as_str().unwrap()
    }
}

/// The `cases` of a file.
pub(crate) fn cases(json: &str) -> Vec<Case> {
    let golden: Value = serde_json::from_str(json).unwrap();
    let single = |value: &Value| matrix(value).mapv(|value| value as f32);
    let case = |value: &Value| {
        let y = numbers(&value["y"]).into_iter().map(|label| label as usize).collect::<Vec<_>>();
        Case {
            x: single(&value["x"]),
            classes: y.iter().max().unwrap() + 1,
            y,
            weights: (!value["weights"].is_null()).then(|| numbers(&value["weights"])),
            probe: single(&value["probe"]),
            value: value.clone(),
        }
    };
    list(&golden["cases"]).iter().map(case).collect()
}
