//! What the layers of EfficientNet-Lite0 see of a picture, as a picture:
//! `cargo run --release -p procrust-images --features deep --example deep_maps -- PICTURE OUT.png`
//!
//! From left to right: the picture; then the maps at strides 4, 8, 16 and 32, their first three principal
//! components as red, green and blue. Places of like colour look alike to the network.

use std::error::Error;

use image::{Rgb, RgbImage};
use ndarray::{Array1, Array2, Array3, ArrayView2, Axis};
use procrust_images::{Decoding, EfficientNetLite0, Level};

const HEIGHT: usize = 256;
const GAP: u32 = 8;
const LEVELS: [Level; 4] = [Level::Stride4, Level::Stride8, Level::Stride16, Level::Stride32];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [file, out] = arguments.as_slice() else {
        return Err("expected a picture and where to write what is seen".into());
    };
    let picture = Decoding::default().open(file.as_ref())?;
    let width = (picture.width() * HEIGHT).div_ceil(picture.height());
    let picture = picture.resized(width, HEIGHT)?;
    let maps = EfficientNetLite0::default().maps(&picture, &LEVELS)?;

    let panels = 1 + u32::try_from(maps.len())?;
    let (across, down) = (u32::try_from(width)?, u32::try_from(HEIGHT)?);
    let mut canvas =
        RgbImage::from_pixel(panels * across + (panels - 1) * GAP, down, Rgb([255; 3]));
    for (pixel, (x, y)) in picture.pixels().chunks_exact(3).zip(places(across, down)) {
        canvas.put_pixel(x, y, Rgb([pixel[0], pixel[1], pixel[2]]));
    }
    for ((panel, level), map) in (1..).zip(LEVELS).zip(maps) {
        let (_, columns, _) = map.dim();
        let colours = colours(map)?;
        for (x, y) in places(across, down) {
            let place = y as usize / level.stride() * columns + x as usize / level.stride();
            let colour = colours.row(place);
            let pixel = Rgb([0, 1, 2].map(|c| colour[c] as u8));
            canvas.put_pixel(panel * (across + GAP) + x, y, pixel);
        }
    }
    canvas.save(out)?;
    Ok(())
}

fn places(width: u32, height: u32) -> impl Iterator<Item = (u32, u32)> {
    (0..height).flat_map(move |y| (0..width).map(move |x| (x, y)))
}

/// The first three principal components of the places, each stretched to 0 to 255 between its 2nd and 98th
/// percentiles.
fn colours(map: Array3<f32>) -> Result<Array2<f64>, Box<dyn Error>> {
    let (rows, columns, channels) = map.dim();
    let mut places = map.into_shape_with_order((rows * columns, channels))?.mapv(f64::from);
    let mean = places.mean_axis(Axis(0)).ok_or("expected places")?;
    places -= &mean;
    let mut rest = places.t().dot(&places);
    let mut colours = Array2::zeros((rows * columns, 3));
    for mut column in colours.columns_mut() {
        let direction = first_direction(rest.view());
        let strength = direction.dot(&rest.dot(&direction));
        let outer =
            direction.view().insert_axis(Axis(1)).dot(&direction.view().insert_axis(Axis(0)));
        rest.scaled_add(-strength, &outer);
        let values = places.dot(&direction);
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted[sorted.len() / 50], sorted[sorted.len() - 1 - sorted.len() / 50]);
        let range = (high - low).max(f64::MIN_POSITIVE);
        column.assign(&values.mapv(|value| ((value - low) / range).clamp(0.0, 1.0) * 255.0));
    }
    Ok(colours)
}

/// The eigenvector of the largest eigenvalue, by iteration.
fn first_direction(matrix: ArrayView2<'_, f64>) -> Array1<f64> {
    let mut direction = Array1::from_shape_fn(matrix.nrows(), |at| 1.0 + (at % 7) as f64);
    for _ in 0..200 {
        let next = matrix.dot(&direction);
        let norm = next.dot(&next).sqrt().max(f64::MIN_POSITIVE);
        direction = next / norm;
    }
    direction
}
