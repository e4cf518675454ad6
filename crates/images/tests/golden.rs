//! The same values as scikit-image and OpenCV; the scripts in `golden` made them.

use ndarray::{Array2, Array3};
use procrust_images::{DenseSift, Describe, Descriptor, Hog, Lbp, OpenCvHog, Picture, describe};
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

#[derive(Deserialize)]
struct SiftCase {
    name: String,
    size: usize,
    step: usize,
    cells: Vec<usize>,
    pixels: Vec<u8>,
    values: Vec<u16>,
}

/// OpenCV rounds 512 times a value to whole numbers: 0.5. Both compute in `f32`, sums in another order: 0.01 of
/// up to 255.
const SIFT_TOLERANCE: f32 = 0.51;

#[test]
fn dense_sift_is_that_of_opencv() {
    let cases: Vec<SiftCase> = serde_json::from_str(include_str!("golden/sift.json")).unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let SiftCase { name, size, step, cells, pixels, values } = case;
        let grey = Array2::from_shape_vec((size, size), pixels).unwrap();
        let picture = Picture::from_grey(grey.view()).unwrap();
        let rows = DenseSift { size, step, cells }.describe(&picture).unwrap();
        assert_eq!(rows.len(), values.len(), "{name}");
        assert!(values.iter().any(|&value| value > 100), "{name} says something");
        for (i, (found, &expected)) in rows.iter().zip(&values).enumerate() {
            let found = (found * 512.0).min(255.0);
            assert!(
                (found - f32::from(expected)).abs() <= SIFT_TOLERANCE,
                "{name}, row {}, value {}: {found}, expected {expected}",
                i / 128,
                i % 128
            );
        }
    }
}

#[derive(Deserialize)]
struct MoreCase {
    name: String,
    height: usize,
    width: usize,
    cell: usize,
    block: usize,
    orientations: usize,
    signed: bool,
    pixels: Vec<u8>,
    hog: Vec<f32>,
    /// Counts of the codes with 8 points at radius 1 and with 12 at 2.5.
    lbp: [Vec<u32>; 2],
}

/// OpenCV's HOG computes in `f32` too, sums in another order and takes roots by approximations: 1e-4 of values up
/// to 1. Local binary patterns are whole numbers: they agree exactly, and their shares to the last bits.
#[test]
fn more_is_that_of_opencv_and_scikit_image() {
    let cases: Vec<MoreCase> =
        serde_json::from_str(include_str!("golden/descriptors.json")).unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let MoreCase { name, height, width, cell, block, orientations, signed, .. } = case;
        let grey = Array2::from_shape_vec((height, width), case.pixels).unwrap();
        let picture = Picture::from_grey(grey.view()).unwrap();
        let default = OpenCvHog::default();
        let hog = OpenCvHog { width, height, cell, block, orientations, signed, ..default };
        let mut row = vec![0.0; hog.dimensions().unwrap()];
        hog.describe(&picture, &mut row).unwrap();
        assert_eq!(row.len(), case.hog.len(), "{name}");
        assert!(case.hog.iter().any(|&value| value > 0.1), "{name} says something");
        for (i, (found, expected)) in row.iter().zip(&case.hog).enumerate() {
            assert!((found - expected).abs() <= 1e-4, "{name}, value {i}: {found}, {expected}");
        }
        for ((points, radius), counts) in [(8, 1.0), (12, 2.5)].into_iter().zip(&case.lbp) {
            let lbp = Lbp { points, radius, ..Lbp::default() };
            let mut row = vec![0.0; points + 2];
            lbp.describe(&picture, &mut row).unwrap();
            let all = (width * height) as f32;
            let found: Vec<u32> = row.iter().map(|share| (share * all).round() as u32).collect();
            assert_eq!(found, *counts, "{name}, {points} points");
        }
    }
}
