//! The map of oriented gradients against a plain program in double precision.

use ndarray::Array2;
use procrust_images::{DescribeDense, HogCells, Picture};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    cell: usize,
    floor: f32,
    grey: Vec<Vec<u8>>,
    map: Vec<Vec<Vec<f64>>>,
}

/// Sums of some hundred numbers in single precision, divided by their length; expected values have 7 digits.
const TOLERANCE: f64 = 2e-5;

#[test]
fn as_the_plain_program() {
    let golden: Golden = serde_json::from_str(include_str!("golden/hog_cells.json")).unwrap();
    for case in &golden.cases {
        let (height, width) = (case.grey.len(), case.grey[0].len());
        let grey = Array2::from_shape_vec((height, width), case.grey.concat()).unwrap();
        let hog = HogCells { cell: case.cell, floor: case.floor };
        let map = hog.map(&Picture::from_grey(grey.view()).unwrap()).unwrap();
        assert_eq!(map.dim(), (case.map.len(), case.map[0].len(), 31));
        for ((i, j, c), &found) in map.indexed_iter() {
            let expected = case.map[i][j][c];
            let apart = (f64::from(found) - expected).abs();
            assert!(
                apart < TOLERANCE,
                "cell {}, ({i}, {j}, {c}): {found} for {expected}",
                case.cell
            );
        }
    }
    assert_eq!(golden.cases.len(), 4);
}
