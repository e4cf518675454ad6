//! The same values as scikit-image; `golden/hog.py` made them.

use ndarray::Array3;
use procrust_images::{Descriptor, Hog, describe};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    size: usize,
    cell: usize,
    block: usize,
    orientations: usize,
    pixels: Vec<u8>,
    values: Vec<f32>,
}

/// Values are at most 1. They are computed in `f32` here, in `f64` there, over some hundred
/// operations, and are rounded at 1e-7 in the file: 1e-6. A pixel in another bin moves them
/// by more than 1e-3.
const TOLERANCE: f32 = 1e-6;

#[test]
fn hog_is_that_of_scikit_image() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/hog.json")).unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let Case { name, size, cell, block, orientations, pixels, values } = case;
        let hog = Hog { size, cell, block, orientations, ..Hog::default() };
        let picture = Array3::from_shape_vec((1, size, size), pixels).unwrap();
        let rows = describe(&Descriptor::Hog(hog), picture.view()).unwrap();
        assert_eq!(rows.len(), values.len(), "{name}");
        assert!(values.iter().any(|&value| value > 0.1), "{name} says something");
        for (i, (found, expected)) in rows.iter().zip(&values).enumerate() {
            assert!(
                (found - expected).abs() <= TOLERANCE,
                "{name}, value {i}: {found}, expected {expected}"
            );
        }
    }
}
