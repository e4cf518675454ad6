//! Draws what HOG sees of a picture: `what_hog_sees OUT.svg [PICTURE]`.
//!
//! To the left the picture, 64 × 64 pixels of grey; to the right a bar for each direction of each cell, along
//! the edge, as bright as the value. Without a PICTURE, a cup that is computed.

use std::error::Error;
use std::fmt::Write as _;

use ndarray::Array2;
use procrust_images::{Decoding, Describe, Hog, Picture};

const SIDE: usize = 64;
const CELL: usize = 8;
/// Of the drawing, a pixel.
const SCALE: usize = 6;

/// A cup with a handle on a table, lit from the left.
fn cup() -> Array2<u8> {
    Array2::from_shape_fn((SIDE, SIDE), |(i, j)| {
        let (y, x) = (i as f64 - 32.0, j as f64 - 27.0);
        let side = 17.0 - 0.12 * (y + 16.0);
        let handle = ((x - 17.0) / 11.0).hypot((y + 1.0) / 11.0);
        let rim = (x / 17.0).hypot((y + 17.0) / 4.5);
        let level = if rim < 0.8 {
            60.0
        } else if rim < 1.0 || (x.abs() < side && (-17.0..16.0).contains(&y)) {
            215.0 - 3.5 * (x + 17.0)
        } else if (0.6..1.0).contains(&handle) && x > 8.0 {
            130.0
        } else if y > 8.0 {
            95.0 + 0.8 * x
        } else {
            35.0
        };
        level as u8
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().ok_or("expected OUT.svg [PICTURE]")?;
    let picture = match arguments.next() {
        Some(path) => Decoding::default().open(path.as_ref())?.resized(SIDE, SIDE)?,
        None => Picture::from_grey(cup().view())?,
    };
    let hog = Hog { size: SIDE, cell: CELL, block: 1, orientations: 9, clip: 1.0 };
    let mut row = vec![0.0; hog.dimensions()?];
    hog.describe(&picture, &mut row)?;

    let (side, gap) = (SIDE * SCALE, 24);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{side}\" viewBox=\"0 0 {0} {side}\">\n\
         <rect x=\"{1}\" width=\"{side}\" height=\"{side}\" fill=\"#000\"/>\n<g shape-rendering=\"crispEdges\">\n",
        2 * side + gap,
        side + gap
    );
    for (i, line) in picture.to_grey().chunks(SIDE).enumerate() {
        let mut start = 0;
        while start < SIDE {
            let level = line[start];
            let run = line[start..].iter().take_while(|&&other| other == level).count();
            let (x, y, width) = (start * SCALE, i * SCALE, run * SCALE);
            writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{SCALE}\" fill=\"#{level:02x}{level:02x}{level:02x}\"/>"
            )?;
            start += run;
        }
    }
    svg.push_str("</g>\n<g stroke-linecap=\"round\" stroke-width=\"2.5\">\n");
    let (cells, half) = (SIDE / CELL, (CELL * SCALE) as f64 / 2.0);
    for (cell, histogram) in row.chunks(hog.orientations).enumerate() {
        let x = (side + gap) as f64 + half * (2 * (cell % cells) + 1) as f64;
        let y = half * (2 * (cell / cells) + 1) as f64;
        for (bin, &value) in histogram.iter().enumerate() {
            if value < 0.05 {
                continue;
            }
            // The middle of the bin is the gradient's direction; the edge runs across it.
            let angle = (bin as f64 + 0.5) * std::f64::consts::PI / 9.0;
            let (dx, dy) = (-angle.sin() * half * 0.85, angle.cos() * half * 0.85);
            let level = (255.0 * value.sqrt()) as u8;
            writeln!(
                svg,
                "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#fff\" stroke-opacity=\"{:.2}\"/>",
                x - dx,
                y - dy,
                x + dx,
                y + dy,
                f64::from(level) / 255.0
            )?;
        }
    }
    svg.push_str("</g>\n</svg>\n");
    std::fs::write(out, svg)?;
    Ok(())
}
