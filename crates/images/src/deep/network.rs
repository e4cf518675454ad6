//! EfficientNet-Lite0: its layers, and a picture's way through them.
//!
//! A block makes a map six times as wide, convolves every channel of it by itself and makes the result
//! narrow again. The wide map is never there as a whole: a band of its rows is made, convolved and made
//! narrow while it is in the processor's cache.

use std::ops::Range;

use half::f16;
use safetensors::{Dtype, SafeTensors};

use super::kernel::{Aligned, Dense, Depthwise, Place, Product, Vectors, Windows};

/// Kernel, stride, channels in and out of each block. All but the first expand six times.
const BLOCKS: [(usize, usize, usize, usize); 16] = [
    (3, 1, 32, 16),
    (3, 2, 16, 24),
    (3, 1, 24, 24),
    (5, 2, 24, 40),
    (5, 1, 40, 40),
    (3, 2, 40, 80),
    (3, 1, 80, 80),
    (3, 1, 80, 80),
    (5, 1, 80, 112),
    (5, 1, 112, 112),
    (5, 1, 112, 112),
    (5, 2, 112, 192),
    (5, 1, 192, 192),
    (5, 1, 192, 192),
    (5, 1, 192, 192),
    (3, 1, 192, 320),
];

const EXPANSION: usize = 6;
/// Values of a picture that a place of the stem sees: 3 × 3 pixels of three colours.
const STEM_INPUTS: usize = 27;
pub(super) const FEATURES: usize = 1280;
pub(super) const CLASSES: usize = 1000;

/// Bytes that the band of a wide map and what is convolved of it may take together.
const BAND_BYTES: usize = 640 << 10;

/// Pixels of the last map that go through the head at once.
const HEAD_PIXELS: usize = 49;

#[derive(Debug)]
struct Block {
    expand: Option<Dense>,
    depthwise: Depthwise,
    project: Dense,
    residual: bool,
}

/// The layers, their weights packed for this processor.
#[derive(Debug)]
pub(super) struct Network {
    vectors: Vectors,
    stem: Dense,
    blocks: Vec<Block>,
    head: Dense,
    classifier: Dense,
}

/// Memory of one thread, used again for every picture.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    columns: Aligned,
    band: Aligned,
    convolved: Aligned,
    maps: [Aligned; 2],
    head: Aligned,
}

/// A map in planes, its rows one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Map<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
    lanes: usize,
    values: &'a [f32],
}

impl Map<'_> {
    fn plane(&self) -> usize {
        self.width * self.height * self.lanes
    }

    /// All channels of all pixels, row by row.
    pub(super) fn pixels(&self) -> Vec<f32> {
        let mut pixels = Vec::with_capacity(self.width * self.height * self.channels);
        for pixel in 0..self.width * self.height {
            pixels.extend((0..self.channels).map(|channel| {
                let (plane, lane) = (channel / self.lanes, channel % self.lanes);
                self.values[plane * self.plane() + pixel * self.lanes + lane]
            }));
        }
        pixels
    }
}

/// RGB bytes, row by row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rgb<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) bytes: &'a [u8],
}

enum Input<'a> {
    Rgb(Rgb<'a>),
    Map(Map<'a>),
}

/// A block's output is asked for after these.
pub(super) const BLOCK_COUNT: usize = BLOCKS.len();

impl Network {
    /// The network of the weights that ship.
    pub(super) fn shipped() -> Self {
        Self::new(procrust_efficientnet::WEIGHTS)
    }

    fn new(file: &[u8]) -> Self {
        let file = SafeTensors::deserialize(file).expect("the shipped weights are safetensors");
        let vectors = Vectors::detect();
        let tensor = |name: String| -> Vec<f32> {
            let tensor = file.tensor(&name).expect("the shipped weights have every layer");
            match tensor.dtype() {
                Dtype::F16 => {
                    let (values, _) = tensor.data().as_chunks::<2>();
                    values.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32()).collect()
                }
                _ => {
                    let (values, _) = tensor.data().as_chunks::<4>();
                    values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
                }
            }
        };
        let both = |name: &str| (tensor(format!("{name}.weight")), tensor(format!("{name}.bias")));
        let dense = |name: &str, inputs: usize| {
            let (weights, bias) = both(name);
            Dense::new(&vectors, inputs, &weights, &bias)
        };

        // The stem's weights are outputs × colours × rows × columns; a place sees rows × columns × colours.
        let (weights, bias) = both("stem");
        let weights: Vec<f32> = weights
            .chunks_exact(STEM_INPUTS)
            .flat_map(|kernel| (0..STEM_INPUTS).map(move |at| kernel[at % 3 * 9 + at / 3]))
            .collect();
        let stem = Dense::new(&vectors, STEM_INPUTS, &weights, &bias);
        let blocks = BLOCKS.iter().enumerate().map(|(at, &(kernel, stride, inputs, outputs))| {
            let wide = if at == 0 { inputs } else { inputs * EXPANSION };
            let expand = (at > 0).then(|| dense(&format!("blocks.{at}.expand"), inputs));
            let (weights, bias) = both(&format!("blocks.{at}.depthwise"));
            let depthwise = Depthwise::new(&vectors, (kernel, stride), &weights, &bias);
            let project = dense(&format!("blocks.{at}.project"), wide);
            Block { expand, depthwise, project, residual: stride == 1 && inputs == outputs }
        });
        let blocks = blocks.collect();
        let (head, classifier) = (dense("head", BLOCKS[15].3), dense("classifier", FEATURES));
        Self { vectors, stem, blocks, head, classifier }
    }

    /// The map after each of the first `blocks` blocks goes to `tap`, with the block's number; the last comes back.
    pub(super) fn maps<'s>(
        &self,
        picture: Rgb<'_>,
        blocks: usize,
        scratch: &'s mut Scratch,
        mut tap: impl FnMut(usize, Map<'_>),
    ) -> Map<'s> {
        let Scratch { columns, band, convolved, maps: [before, after], .. } = scratch;
        let (mut width, mut height, mut channels) = (0, 0, 0);
        let lanes = self.vectors.lanes;
        for (at, block) in self.blocks[..blocks].iter().enumerate() {
            let input = if at == 0 {
                Input::Rgb(picture)
            } else {
                Input::Map(Map { width, height, channels, lanes, values: before.get() })
            };
            (width, height) = self.block(block, &input, columns, band, convolved, after);
            channels = block.project.outputs;
            tap(at, Map { width, height, channels, lanes, values: after.get() });
            std::mem::swap(before, after);
        }
        Map { width, height, channels, lanes, values: before.get() }
    }

    /// Features and, if asked, scores of a picture.
    pub(super) fn features(&self, picture: Rgb<'_>, scratch: &mut Scratch, features: &mut [f32]) {
        let mut head = std::mem::take(&mut scratch.head);
        let last = self.maps(picture, BLOCK_COUNT, scratch, |_, _| ());
        let mut sums = vec![0.0_f64; FEATURES];
        let pixels = last.width * last.height;
        for start in (0..pixels).step_by(HEAD_PIXELS) {
            let part = start..pixels.min(start + HEAD_PIXELS);
            let head = self.head_of(last, part.clone(), &mut head);
            let lanes = head.lanes;
            for (plane, sums) in head.values.chunks_exact(head.plane()).zip(sums.chunks_mut(lanes))
            {
                for pixel in plane.chunks_exact(lanes) {
                    sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += f64::from(value));
                }
            }
        }
        for (feature, sum) in features.iter_mut().zip(sums) {
            *feature = (sum / pixels as f64) as f32;
        }
        scratch.head = head;
    }

    /// The head's map, 1,280 channels, of a part of the pixels of the last block's map, as one row.
    pub(super) fn head_of<'a>(
        &self,
        last: Map<'_>,
        pixels: Range<usize>,
        memory: &'a mut Aligned,
    ) -> Map<'a> {
        let lanes = self.vectors.lanes;
        let (count, planes) = (pixels.len(), self.vectors.planes(FEATURES));
        memory.reserve(planes * count * lanes);
        let values = &mut memory.get_mut()[..planes * count * lanes];
        Product {
            layer: &self.head,
            pixels: count,
            input: &last.values[pixels.start * lanes..],
            input_plane: last.plane(),
            output: values,
            place: Place { plane: count * lanes, width: count, row: count * lanes },
            residual: None,
            relu6: true,
        }
        .run(&self.vectors);
        Map { width: count, height: 1, channels: FEATURES, lanes, values }
    }

    /// The scores of the classes from features.
    pub(super) fn scores(&self, features: &[f32]) -> Vec<f32> {
        let lanes = self.vectors.lanes;
        let mut scores = vec![0.0; self.vectors.planes(CLASSES) * lanes];
        Product {
            layer: &self.classifier,
            pixels: 1,
            input: features,
            input_plane: lanes,
            output: &mut scores,
            place: Place { plane: lanes, width: 1, row: lanes },
            residual: None,
            relu6: false,
        }
        .run(&self.vectors);
        scores.truncate(CLASSES);
        scores
    }

    /// Runs a block into `output`; comes back with the width and height of its map.
    fn block(
        &self,
        block: &Block,
        input: &Input<'_>,
        columns: &mut Aligned,
        band: &mut Aligned,
        convolved: &mut Aligned,
        output: &mut Aligned,
    ) -> (usize, usize) {
        let lanes = self.vectors.lanes;
        let Depthwise { kernel, stride, channels, .. } = block.depthwise;
        let planes = self.vectors.planes(channels);
        let (width, height) = match input {
            Input::Rgb(rgb) => (rgb.width.div_ceil(2), rgb.height.div_ceil(2)),
            Input::Map(map) => (map.width, map.height),
        };
        let (new_width, left) = same(width, kernel, stride);
        let (new_height, top) = same(height, kernel, stride);
        let padded = (new_width - 1) * stride + kernel;
        let rows = band_rows(planes * lanes, (padded, new_width), new_height, (kernel, stride));
        let kept = (rows - 1) * stride + kernel;

        let band_plane = odd_lines(kept * padded * lanes);
        band.reserve(planes * band_plane);
        let band = &mut band.get_mut()[..planes * band_plane];
        band.fill(0.0); // the margins
        let convolved_plane = odd_lines(rows * new_width * lanes);
        convolved.reserve(planes * convolved_plane);
        let convolved = &mut convolved.get_mut()[..planes * convolved_plane];
        let plane = new_width * new_height * lanes;
        output.reserve(self.vectors.planes(block.project.outputs) * plane);
        let output = output.get_mut();

        // Row r of the band is row `first + r − top` of the wide map; those before `done` are there.
        let (mut first, mut done) = (0, top);
        for y in (0..new_height).step_by(rows) {
            let count = rows.min(new_height - y);
            let row = padded * lanes;
            let start = y * stride;
            let overlap = done.saturating_sub(start);
            if start > first {
                for plane in band.chunks_exact_mut(band_plane) {
                    let from = (start - first) * row;
                    plane.copy_within(from..from + overlap * row, 0);
                }
            }
            first = start;
            let end = start + (count - 1) * stride + kernel;
            let filled = end.min(top + height);
            if filled > done {
                let into = &mut band[(done - first) * row + left * lanes..];
                let place = Place { plane: band_plane, width, row };
                self.widen(block, input, done - top..filled - top, columns, into, place);
            }
            let below = filled.max(done.min(end));
            if end > below {
                for plane in band.chunks_exact_mut(band_plane) {
                    plane[(below - first) * row..(end - first) * row].fill(0.0);
                }
            }
            done = end;

            Windows {
                layer: &block.depthwise,
                input: band,
                input_plane: band_plane,
                input_width: padded,
                rows: count,
                width: new_width,
                output: convolved,
                output_plane: convolved_plane,
            }
            .run(&self.vectors);
            let at = y * new_width * lanes;
            let residual = match input {
                Input::Map(map) if block.residual => Some(&map.values[at..]),
                _ => None,
            };
            Product {
                layer: &block.project,
                pixels: count * new_width,
                input: convolved,
                input_plane: convolved_plane,
                output: &mut output[at..],
                place: Place { plane, width: new_width, row: new_width * lanes },
                residual,
                relu6: false,
            }
            .run(&self.vectors);
        }
        (new_width, new_height)
    }

    /// Some rows of the wide map of a block.
    fn widen(
        &self,
        block: &Block,
        input: &Input<'_>,
        rows: Range<usize>,
        columns: &mut Aligned,
        output: &mut [f32],
        place: Place,
    ) {
        let lanes = self.vectors.lanes;
        let pixels = rows.len() * place.width;
        let (layer, input, input_plane) = match (input, &block.expand) {
            (Input::Map(map), Some(expand)) => {
                (expand, &map.values[rows.start * map.width * lanes..], map.plane())
            }
            (Input::Map(_), None) => unreachable!("a block of maps expands"),
            (Input::Rgb(picture), _) => {
                let plane = pixels * lanes;
                columns.reserve(self.vectors.planes(STEM_INPUTS) * plane);
                stem_columns(*picture, rows, columns.get_mut(), plane, lanes);
                (&self.stem, columns.get(), plane)
            }
        };
        let relu6 = true;
        Product { layer, pixels, input, input_plane, output, place, residual: None, relu6 }
            .run(&self.vectors);
    }
}

/// The size of a map after a convolution, and the zeros before it, padded as TensorFlow's `SAME`: as little
/// as it takes for ⌈n / stride⌉ windows, the greater half behind.
fn same(n: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let windows = n.div_ceil(stride);
    let padding = ((windows - 1) * stride + kernel).saturating_sub(n);
    (windows, padding / 2)
}

/// Rows of a block's map to make at once: as many as the band allows, in bands that are about even.
fn band_rows(
    channels: usize,
    (padded, width): (usize, usize),
    height: usize,
    (kernel, stride): (usize, usize),
) -> usize {
    let row = channels * padded * size_of::<f32>();
    let new_row = channels * width * size_of::<f32>();
    let room = BAND_BYTES.saturating_sub((kernel - stride) * row);
    let most = (room / (stride * row + new_row)).clamp(1, height);
    height.div_ceil(height.div_ceil(most))
}

/// A little more than so many values, so that planes do not begin at the same place of the cache.
fn odd_lines(values: usize) -> usize {
    (values.div_ceil(16) | 1) * 16
}

/// What the stem sees at each place of some of its rows: 3 × 3 pixels, row by row, red before green before
/// blue, as (x − 127) / 128; nothing, outside the picture.
fn stem_columns(
    picture: Rgb<'_>,
    rows: Range<usize>,
    columns: &mut [f32],
    plane: usize,
    lanes: usize,
) {
    let columns = columns.chunks_exact_mut(plane);
    match lanes {
        16 => stem_columns_of::<16>(picture, rows, columns),
        8 => stem_columns_of::<8>(picture, rows, columns),
        4 => stem_columns_of::<4>(picture, rows, columns),
        2 => stem_columns_of::<2>(picture, rows, columns),
        _ => stem_columns_of::<1>(picture, rows, columns),
    }
}

fn stem_columns_of<'a, const L: usize>(
    picture: Rgb<'_>,
    rows: Range<usize>,
    columns: impl Iterator<Item = &'a mut [f32]>,
) {
    let (width, left) = same(picture.width, 3, 2);
    let (_, top) = same(picture.height, 3, 2);
    let planes = columns.take(STEM_INPUTS.div_ceil(L));
    let mut planes: Vec<&mut [[f32; L]]> = planes.map(|plane| plane.as_chunks_mut().0).collect();
    // Rows of the picture with their margins: what windows of 9 values, 6 apart, are cut from.
    let mut lines = [const { Vec::new() }; 3];
    for line in &mut lines {
        line.resize((2 * width + 1) * 3, 0.0_f32);
    }
    let mut seen = [0.0; 32]; // 27, and what fills the last plane
    for (at, y) in rows.enumerate() {
        for (dy, line) in lines.iter_mut().enumerate() {
            match (2 * y + dy).checked_sub(top).filter(|&y| y < picture.height) {
                Some(y) => {
                    let bytes = &picture.bytes[3 * picture.width * y..][..3 * picture.width];
                    for (value, &byte) in line[3 * left..].iter_mut().zip(bytes) {
                        *value = (f32::from(byte) - 127.0) / 128.0;
                    }
                }
                None => line.fill(0.0),
            }
        }
        for x in 0..width {
            for (seen, line) in seen.chunks_exact_mut(9).zip(&lines) {
                seen.copy_from_slice(&line[6 * x..][..9]);
            }
            for (plane, seen) in planes.iter_mut().zip(seen.as_chunks::<L>().0) {
                plane[at * width + x] = *seen;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_that_of_tensorflow() {
        assert_eq!(same(224, 3, 2), (112, 0)); // one zero, behind
        assert_eq!(same(56, 5, 2), (28, 1)); // three zeros, two behind
        assert_eq!(same(7, 5, 1), (7, 2));
        assert_eq!(same(225, 3, 2), (113, 1));
        assert_eq!(same(1, 5, 2), (1, 2));
    }

    #[test]
    fn bands() {
        assert_eq!(band_rows(1152, (9, 7), 7, (3, 1)), 7); // one band
        assert_eq!(band_rows(96, (4098, 2048), 2048, (3, 2)), 1);
        let rows = band_rows(96, (113, 56), 56, (3, 2));
        assert!((2..12).contains(&rows), "{rows}");
    }
}
