//! Networks from files: the same values as onnxruntime, and what is wrong with files; `golden/onnx_models.py`
//! made both.
#![cfg(feature = "onnx")]

use std::error::Error;
use std::path::{Path, PathBuf};

use ndarray::Array3;
use procrust_images::{Describe, ImagesError, OnnxModel, Picture, describe};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    scores: Vec<f32>,
    pooled: Vec<f32>,
    map_means: Vec<f32>,
    nhwc_means: Vec<f32>,
}

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

/// The formula of the script.
fn picture() -> Picture {
    let (width, height) = (12, 9);
    let mut bytes = Vec::new();
    for y in 0..height {
        for x in 0..width {
            bytes.extend((0..3).map(|c| ((x * 37 + y * y * 11 + c * 71) % 256) as u8));
        }
    }
    Picture::from_rgb(width, height, bytes).unwrap()
}

/// Both compute in `f32`, sums of at most 54 products.
fn assert_features(model: &OnnxModel, expected: &[f32]) {
    let mut row = vec![0.0; model.dimensions().unwrap()];
    model.describe(&picture(), &mut row).unwrap();
    assert_eq!(row.len(), expected.len());
    assert!(expected.iter().any(|value| value.abs() > 0.1));
    for (found, expected) in row.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{row:?} {expected}");
    }
}

/// A model with settings that are changed.
fn with_settings(name: &str, change: impl Fn(String) -> String) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::copy(model(name), &path).unwrap();
    let settings = std::fs::read_to_string(model(name).with_extension("toml")).unwrap();
    std::fs::write(folder.path().join("model.toml"), change(settings)).unwrap();
    (folder, path)
}

#[test]
fn features_are_those_of_onnxruntime() {
    let golden: Golden = serde_json::from_str(include_str!("golden/onnx.json")).unwrap();
    assert_features(&OnnxModel::open(model("nchw.onnx")).unwrap(), &golden.scores);
    assert_features(&OnnxModel::open(model("nhwc.onnx")).unwrap(), &golden.nhwc_means);
    for (layer, expected) in [("pooled", &golden.pooled), ("map", &golden.map_means)] {
        let (_folder, path) =
            with_settings("nchw.onnx", |text| format!("{text}layer = \"{layer}\"\n"));
        assert_features(&OnnxModel::open(path).unwrap(), expected);
    }
}

#[test]
fn parallel_equals_serial() {
    let images =
        Array3::from_shape_fn((200, 8, 10), |(n, i, j)| (n * 31 + i * i * 7 + j * 13) as u8);
    let model = OnnxModel::open(model("nchw.onnx")).unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| describe(&model, images.view()).unwrap())
    };
    let serial = with(1);
    assert_eq!(serial.dim(), (200, 5));
    assert_eq!(serial, with(4));
}

/// Settings are part of the name, by which rows in caches are found.
#[test]
fn names() {
    let plain = OnnxModel::open(model("nchw.onnx")).unwrap().name();
    let (_folder, path) = with_settings("nchw.onnx", |text| text.replace("127.5", "127.0"));
    assert_ne!(plain, OnnxModel::open(path).unwrap().name());
    assert_eq!(plain, OnnxModel::open(model("nchw.onnx")).unwrap().name());
}

fn told(error: &ImagesError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[test]
fn what_is_wrong() {
    let error = |path: &Path| told(&OnnxModel::open(path).unwrap_err());
    let missing = error(&model("missing.onnx"));
    assert!(missing.contains("missing.onnx") && missing.contains("Bewilder"), "{missing}");
    assert!(missing.contains("puzzle") && missing.contains("not supported"), "{missing}");
    assert!(error(&model("two.onnx")).contains("expected one input, found 2"));

    let (folder, path) = with_settings("nchw.onnx", |text| format!("{text}layer = \"pool\"\n"));
    let layer = error(&path);
    assert!(
        layer.contains("no value in it is called `pool`") && layer.contains("`scores`"),
        "{layer}"
    );
    std::fs::remove_file(path.with_extension("toml")).unwrap();
    let settings = error(&path);
    assert!(settings.contains("model.toml") && settings.contains("width, height"), "{settings}");
    assert!(matches!(OnnxModel::open(&path), Err(ImagesError::NoModelSettings { .. })));
    drop(folder);

    let (_folder, path) = with_settings("nchw.onnx", |text| text.replace("scale", "scael"));
    let settings = error(&path);
    assert!(
        settings.contains("unknown field `scael`") && settings.contains("line 5"),
        "{settings}"
    );

    // Settings that the model does not fit.
    let (_folder, path) = with_settings("nchw.onnx", |text| text.replace("nchw", "nhwc"));
    assert!(
        matches!(OnnxModel::open(&path), Err(ImagesError::ModelRun { .. })),
        "{}",
        error(&path)
    );

    // Damaged files: cut off, and with a byte changed anywhere. Some still load (rten does not miss the version of
    // the operators, which comes last); none may panic.
    let bytes = std::fs::read(model("nchw.onnx")).unwrap();
    let (_folder, path) = with_settings("nchw.onnx", |text| text);
    for length in [0, 1, 100, bytes.len() / 2, bytes.len() * 3 / 4] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let found = OnnxModel::open(&path);
        assert!(matches!(found, Err(ImagesError::Model { .. })), "{length}: {found:?}");
    }
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&path, damaged).unwrap();
        let _ = OnnxModel::open(&path);
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(OnnxModel::open(&path), Err(ImagesError::Read(_))));
}
