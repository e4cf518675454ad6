//! EfficientNet-Lite0: the same values as onnxruntime, and the right names for photographs.
#![cfg(feature = "deep")]

use procrust_images::{Decoding, Describe, EfficientNetLite0, Framing, Level, Picture, describe};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    features: Vec<f32>,
    scores: Vec<f32>,
    maps: Vec<Map>,
}

#[derive(Deserialize)]
struct Map {
    shape: (usize, usize, usize),
    step: usize,
    values: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/efficientnet.json")).unwrap()
}

/// The formula of `golden/efficientnet.py`.
fn picture(width: usize, height: usize) -> Picture {
    let mut bytes = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..3 {
                let noise = (x * 7919 + y * 104_729 + c * 1_299_709) % 64;
                let waves = (x * (c + 1)) % 61 + (y * y / 16) % 67;
                bytes.push((noise + waves + x * 60 / width) as u8);
            }
        }
    }
    Picture::from_rgb(width, height, bytes).unwrap()
}

/// Both compute in `f32`, in different orders: sums of up to 1,152 products, fifty layers deep, of values up to
/// 6. Differences stay below 2e-5 of the largest value; a tap or a padding in the wrong place moves values by
/// more than 0.1.
fn assert_near(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    assert!(scale > 0.5, "{what} says something: {scale}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found - expected).abs();
        assert!(off <= 2e-5 * scale, "{what}, value {i}: {found}, expected {expected}");
    }
}

#[test]
fn features_and_scores_are_those_of_onnxruntime() {
    let (golden, picture) = (golden(), picture(224, 224));
    let network = EfficientNetLite0::new(Framing::Whole);
    let mut features = vec![0.0; 1280];
    network.describe(&picture, &mut features).unwrap();
    assert_near(&features, &golden.features, "features");
    assert_near(&network.class_scores(&picture).unwrap(), &golden.scores, "scores");
}

/// Odd sizes, so that paddings differ from level to level.
#[test]
fn maps_are_those_of_onnxruntime() {
    let maps = EfficientNetLite0::default().maps(&picture(75, 50), &Level::ALL).unwrap();
    for ((level, found), expected) in Level::ALL.into_iter().zip(maps).zip(golden().maps) {
        assert_eq!(found.dim(), expected.shape, "{level:?}");
        let values: Vec<f32> = found.iter().copied().step_by(expected.step).collect();
        assert_near(&values, &expected.values, &format!("{level:?}"));
    }
}

/// Wider than a band of rows is high, so that bands meet; against a picture of which it is a part.
#[test]
fn bands_do_not_show() {
    // Where no window reaches the border, a larger picture has the same map.
    let small = picture(640, 480);
    let rows = small.pixels().chunks_exact(3 * 640);
    let mut bytes: Vec<u8> = rows.flat_map(|row| row.repeat(2)).collect();
    bytes.extend_from_within(..);
    let large = Picture::from_rgb(1280, 960, bytes).unwrap();
    let network = EfficientNetLite0::default();
    let levels = [Level::Stride4, Level::Stride8];
    let small = network.maps(&small, &levels).unwrap();
    let large = network.maps(&large, &levels).unwrap();
    for (level, (small, large)) in levels.into_iter().zip(small.iter().zip(&large)) {
        let (height, width, channels) = small.dim();
        for place in
            [(height / 2, width / 2), (height / 3, width - 12), (height - 12, 1 + width / 5)]
        {
            for channel in 0..channels {
                let at = (place.0, place.1, channel);
                assert_eq!(small[at], large[at], "{level:?} {at:?}");
            }
        }
    }
}

fn photograph(name: &str) -> Picture {
    let path = format!("{}/tests/pictures/{name}.jpg", env!("CARGO_MANIFEST_DIR"));
    Decoding::default().open(path.as_ref()).unwrap()
}

#[test]
fn photographs_have_names() {
    let network = EfficientNetLite0::default();
    let best = |name: &str| network.guesses(&photograph(name), 3).unwrap();
    let cat = best("chelsea");
    assert!(cat.iter().all(|guess| guess.words.ends_with("cat")), "{cat:?}");
    assert_eq!(best("coffee")[0].name, "espresso");
    assert_eq!(best("rocket")[0].name, "missile");
    for name in ["chelsea", "coffee", "rocket"] {
        let all = network.guesses(&photograph(name), 1000).unwrap();
        let sum: f32 = all.iter().map(|guess| guess.probability).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        assert!(all.windows(2).all(|pair| pair[0].probability >= pair[1].probability));
        let scores = network.class_scores(&photograph(name)).unwrap();
        let largest = scores.iter().copied().fold(f32::MIN, f32::max);
        assert_eq!(scores[all[0].class], largest);
    }
}

#[test]
fn parallel_equals_serial() {
    let images = ndarray::Array3::from_shape_fn((9, 28, 28), |(n, i, j)| {
        (n * 31 + i * i * 7 + j * 13) as u8
    });
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| describe(&EfficientNetLite0::default(), images.view()).unwrap())
    };
    let serial = with(1);
    assert_eq!(serial, with(2));
    assert_eq!(serial, with(5));
}
