//! Benchmarks: criterion's groups are in `benches/`, the program beside this file measures against
//! other programs (`cargo xtask bench peers`), over sizes (`cargo xtask bench growth`), and says what
//! changed since a saved run (`cargo xtask bench --baseline NAME`).

use procrust_images::{HogCells, Picture};
use procrust_transfer::detection::{BoundingBox, Detector, DetectorTraining, TrueBox};

/// A detector with windows of 64 × 128 pixels, on cells of 8, that looks at a picture of 640 × 480 at sizes about 1.05
/// apart from the picture's own on, as OpenCV's `HOGDescriptor` does; trained on next to nothing.
///
/// # Panics
///
/// Never: its pictures are made here.
#[must_use]
pub fn people_detector() -> Detector {
    let grey = ndarray::Array2::from_shape_fn((480, 640), |(i, j)| {
        ((i * i / 7 + j * 3 + i * j / 11) % 200) as u8
    });
    let picture = Picture::from_grey(grey.view()).expect("the picture has pixels");
    // The smallest and the largest that a window of 1 : 2 finds without enlarging.
    let truth = |height: f64| {
        TrueBox::new(BoundingBox::sized(100.0, 0.0, height / 2.0, height).expect("an area"), 0)
    };
    let truths = vec![vec![truth(126.0), truth(471.0)]];
    let mut training = DetectorTraining::default();
    (training.window, training.aspects, training.per_octave) = (11, 1, 14);
    (training.enlarge, training.overhang, training.rounds) = (1.0, 0.0, 0);
    (training.calibrate, training.move_boxes) = (false, false);
    let classes = ["person".to_owned()];
    let trained =
        training.fit(&HogCells::default(), &classes, &vec![picture], &truths, None, &|_| {});
    trained.expect("the picture has windows").detector
}

/// Sentences of 4 to 35 words.
#[must_use]
pub fn sentences(count: usize) -> Vec<String> {
    let some = "the guest of a house who came late found that his bed was too short or too long and slept \
                badly while others who had paid more dreamt of distant cities until the morning";
    let some: Vec<&str> = some.split_whitespace().collect();
    let sentence = |at: usize| {
        let from = (at * 7) % (some.len() - 4);
        some[from..(from + 4 + at % 31).min(some.len())].join(" ")
    };
    (0..count).map(sentence).collect()
}
