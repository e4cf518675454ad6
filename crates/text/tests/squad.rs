//! Answers compared as SQuAD's script compares them; `golden/squad.py` made the values.

use procrust_text::{answer_f1, best_answer, exact_match, normalized_answer};
use serde_json::Value;

#[test]
fn answers_are_compared_as_the_reference_does() {
    let golden: Value = serde_json::from_str(include_str!("golden/squad.json")).unwrap();
    let pairs = golden["pairs"].as_array().unwrap();
    assert!(pairs.len() >= 100);
    for pair in pairs {
        let [found, right] = ["found", "right"].map(|key| pair[key].as_str().unwrap());
        assert_eq!(normalized_answer(found), pair["normalized"].as_str().unwrap(), "{pair}");
        assert_eq!(exact_match(found, right), pair["exact"].as_bool().unwrap(), "{pair}");
        let difference = answer_f1(found, right) - pair["f1"].as_f64().unwrap();
        assert!(difference.abs() < 1e-12, "{pair}: {}", answer_f1(found, right));
    }
    for case in golden["several"].as_array().unwrap() {
        let right: Vec<&str> =
            case["right"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        let (exact, f1) = best_answer(case["found"].as_str().unwrap(), &right);
        assert_eq!(exact, case["exact"].as_bool().unwrap(), "{case}");
        assert!((f1 - case["f1"].as_f64().unwrap()).abs() < 1e-12, "{case}");
    }
}
