//! Pictures made of real digits on real photographs.

use ndarray::{Array2, Array3, ArrayView2, Axis, s};
use procrust_images::Picture;
use procrust_transfer::detection::{BoundingBox, TrueBox};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::detection::plan::PlacedPlan;

/// Width and height of a picture.
pub(crate) const SIZE: (usize, usize) = (320, 240);
/// Digits of MNIST fit a square of 20 in the middle of 28; a pixel more at each side.
pub(crate) const INK: (usize, usize) = (3, 22);
/// Tries to find a free place before a digit is left out.
const TRIES: usize = 50;
/// Least difference in grey levels between ink and what lies below it.
const CONTRAST: f32 = 80.0;

/// The square of a digit that holds its ink.
pub(crate) fn ink(digit: ArrayView2<'_, u8>) -> Array2<u8> {
    let (start, side) = INK;
    digit.slice(s![start..start + side, start..start + side]).to_owned()
}

/// One picture: a photograph, turned, cut and dimmed at random, pieces of digits, and digits from `digits`.
pub(crate) fn picture(
    plan: &PlacedPlan,
    photographs: &Array3<u8>,
    digits: &Array3<u8>,
    labels: &[u8],
    pool: &[usize],
    stream: u64,
) -> (Picture, Vec<TrueBox>) {
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    rng.set_stream(stream);
    let mut grey = background(photographs, &mut rng);
    let mut taken: Vec<BoundingBox> = Vec::new();
    let mut truths = Vec::new();
    let count = rng.random_range(plan.objects.0..=plan.objects.1);
    for _ in 0..count {
        let digit = pool[rng.random_range(0..pool.len())];
        let side = rng.random_range(plan.sizes.0..=plan.sizes.1).min(SIZE.1);
        let free = (0..TRIES).find_map(|_| {
            let left = rng.random_range(0..=SIZE.0 - side);
            let top = rng.random_range(0..=SIZE.1 - side);
            let [x, y, side] = [left, top, side].map(|pixels| pixels as f64);
            let bounds = BoundingBox::sized(x, y, side, side).expect("digits have an area");
            let apart = taken.iter().all(|other| other.iou(&bounds) <= plan.overlap);
            apart.then_some((left, top, bounds))
        });
        let Some((left, top, bounds)) = free else { continue };
        let shape = ink(digits.index_axis(Axis(0), digit));
        lay(&mut grey, &shape, (left, top), side, &mut rng);
        taken.push(bounds);
        truths.push(TrueBox::new(bounds, usize::from(labels[digit])));
    }
    // Half digits, cut along a line: strokes that are no digit.
    for _ in 0..plan.clutter {
        let digit = pool[rng.random_range(0..pool.len())];
        let side = rng.random_range(plan.sizes.0..=plan.sizes.1).min(SIZE.1);
        let mut shape = ink(digits.index_axis(Axis(0), digit));
        let (upright, first) = (rng.random_bool(0.5), rng.random_bool(0.5));
        let half = INK.1 / 2;
        let range = if first { 0..half } else { half..INK.1 };
        if upright {
            shape.slice_mut(s![.., range]).fill(0);
        } else {
            shape.slice_mut(s![range, ..]).fill(0);
        }
        let left = rng.random_range(0..=SIZE.0 - side);
        let top = rng.random_range(0..=SIZE.1 - side);
        let [x, y, long] = [left, top, side].map(|pixels| pixels as f64);
        let bounds = BoundingBox::sized(x, y, long, long).expect("pieces have an area");
        if taken.iter().all(|other| other.intersection(&bounds) == 0.0) {
            lay(&mut grey, &shape, (left, top), side, &mut rng);
        }
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "levels are clamped"
    )]
    let levels = grey.mapv(|level| level.round().clamp(0.0, 255.0) as u8);
    (Picture::from_grey(levels.view()).expect("the picture has pixels"), truths)
}

fn background(photographs: &Array3<u8>, rng: &mut ChaCha8Rng) -> Array2<f32> {
    let photograph = rng.random_range(0..photographs.dim().0);
    let photograph = photographs.index_axis(Axis(0), photograph);
    let scale: f32 = rng.random_range(0.5..1.0); // of the part that is shown
    let mirrored = rng.random_bool(0.5);
    let contrast: f32 = rng.random_range(0.4..1.0);
    let (across, down) = (SIZE.0 as f32 * scale, SIZE.1 as f32 * scale);
    let left = rng.random_range(0.0..=SIZE.0 as f32 - across);
    let top = rng.random_range(0.0..=SIZE.1 as f32 - down);
    let mean = 128.0 * (1.0 - contrast);
    Array2::from_shape_fn((SIZE.1, SIZE.0), |(y, x)| {
        let x = if mirrored { SIZE.0 - 1 - x } else { x };
        let at = (top + y as f32 * scale, left + x as f32 * scale);
        mean + contrast * bilinear(photograph, at)
    })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places are clamped")]
fn bilinear(levels: ArrayView2<'_, u8>, (y, x): (f32, f32)) -> f32 {
    let (rows, columns) = levels.dim();
    let (y, x) = (y.clamp(0.0, (rows - 1) as f32), x.clamp(0.0, (columns - 1) as f32));
    let (i, j) = (y as usize, x as usize);
    let (below, right) = ((i + 1).min(rows - 1), (j + 1).min(columns - 1));
    let mix = |row: usize| {
        let (a, b) = (f32::from(levels[[row, j]]), f32::from(levels[[row, right]]));
        a + (b - a) * (x - j as f32)
    };
    let (a, b) = (mix(i), mix(below));
    a + (b - a) * (y - i as f32)
}

/// Lays ink on the picture, light on dark or dark on light.
fn lay(
    grey: &mut Array2<f32>,
    shape: &Array2<u8>,
    (left, top): (usize, usize),
    side: usize,
    rng: &mut ChaCha8Rng,
) {
    let mut under = grey.slice_mut(s![top..top + side, left..left + side]);
    let mean = under.mean().expect("digits have pixels");
    let contrast = rng.random_range(CONTRAST..140.0);
    let ink = if mean < 128.0 { mean + contrast } else { mean - contrast }.clamp(0.0, 255.0);
    let step = shape.nrows() as f32 / side as f32;
    for ((y, x), level) in under.indexed_iter_mut() {
        let at = ((y as f32 + 0.5) * step - 0.5, (x as f32 + 0.5) * step - 0.5);
        let share = bilinear(shape.view(), at) / 255.0;
        *level += (ink - *level) * share;
    }
}
