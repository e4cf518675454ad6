//! The three sums that a mobile network is made of, for whatever vectors the processor has.
//!
//! A map of `c` channels lies in planes: with vectors of `L` lanes, plane `i` has channels `L·i` to `L·i + L − 1`
//! of every pixel, pixel by pixel. So a pixel of a plane is one vector, and neighbours across are
//! neighbours in memory. Channels are filled up with zeros to whole planes.
//!
//! Sums run in one order, whatever the number of threads.

use pulp::{Arch, Simd, WithSimd};

/// Vectors of this processor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vectors {
    pub(super) arch: Arch,
    /// Values in one.
    pub(super) lanes: usize,
    /// The most planes of which a tile makes sums.
    tile_planes: usize,
}

impl Vectors {
    pub(super) fn detect() -> Self {
        struct Detect(Arch);
        impl WithSimd for Detect {
            type Output = Vectors;

            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> Vectors {
                let (tile_planes, _) = tile::<S>();
                Vectors { arch: self.0, lanes: S::F32_LANES, tile_planes }
            }
        }
        let arch = Arch::new();
        arch.dispatch(Detect(arch))
    }

    /// Planes that hold so many channels.
    pub(super) fn planes(&self, channels: usize) -> usize {
        channels.div_ceil(self.lanes)
    }
}

/// Planes and pixels of a tile: as many sums as fit into the registers beside what they are made of.
const fn tile<S: Simd>() -> (usize, usize) {
    if S::IS_SCALAR {
        (2, 4)
    } else if S::REGISTER_COUNT >= 32 {
        (3, 8)
    } else {
        (2, 6)
    }
}

/// Cuts `n` into as few parts as possible of at most `most`, of sizes that differ by one at most.
fn even_parts(n: usize, most: usize) -> impl Iterator<Item = usize> {
    let parts = n.div_ceil(most);
    (0..parts).map(move |part| n / parts + usize::from(part < n % parts))
}

/// Memory that starts at a cache line, so that vectors do not straddle two.
#[derive(Debug, Default)]
pub(super) struct Aligned {
    values: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// At least `len` values; those there were keep neither place nor value.
    pub(super) fn reserve(&mut self, len: usize) {
        const LINE: usize = 64;
        if self.len < len {
            self.values = vec![0.0; len + LINE / size_of::<f32>()];
            self.start = self.values.as_ptr().align_offset(LINE).min(LINE / size_of::<f32>());
            self.len = len;
        }
    }

    pub(super) fn of(values: &[f32]) -> Self {
        let mut aligned = Self::default();
        aligned.reserve(values.len());
        aligned.get_mut()[..values.len()].copy_from_slice(values);
        aligned
    }

    pub(super) fn get(&self) -> &[f32] {
        &self.values[self.start..][..self.len]
    }

    pub(super) fn get_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..][..self.len]
    }
}

/// A layer that takes each pixel by itself: a 1 × 1 convolution, or the classifier.
#[derive(Debug)]
pub(super) struct Dense {
    inputs: usize,
    pub(super) outputs: usize,
    /// Groups of output planes, one after the other; in each, by input channel, the weights of its channels.
    weights: Aligned,
    bias: Aligned,
}

impl Dense {
    /// From weights outputs × inputs.
    pub(super) fn new(vectors: &Vectors, inputs: usize, weights: &[f32], bias: &[f32]) -> Self {
        let (outputs, lanes) = (bias.len(), vectors.lanes);
        assert_eq!(weights.len(), inputs * outputs, "a weight an input and output");
        let planes = vectors.planes(outputs);
        let mut packed = Vec::with_capacity(inputs * planes * lanes);
        let mut first = 0;
        for group in even_parts(planes, vectors.tile_planes) {
            for input in 0..inputs {
                packed.extend((first..first + group * lanes).map(|output| {
                    if output < outputs { weights[output * inputs + input] } else { 0.0 }
                }));
            }
            first += group * lanes;
        }
        let mut padded = bias.to_vec();
        padded.resize(planes * lanes, 0.0);
        Self { inputs, outputs, weights: Aligned::of(&packed), bias: Aligned::of(&padded) }
    }
}

/// Where planes lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Values from a plane to the next.
    pub(super) plane: usize,
    /// Pixels in a row.
    pub(super) width: usize,
    /// Values from a row to the next.
    pub(super) row: usize,
}

/// `output = layer(input) (+ residual)`, cut to 0…6 if asked.
pub(super) struct Product<'a> {
    pub(super) layer: &'a Dense,
    pub(super) pixels: usize,
    /// Planes whose rows lie one after the other.
    pub(super) input: &'a [f32],
    /// Values from a plane of the input to the next.
    pub(super) input_plane: usize,
    pub(super) output: &'a mut [f32],
    pub(super) place: Place,
    /// Added to the result; lies like the output.
    pub(super) residual: Option<&'a [f32]>,
    pub(super) relu6: bool,
}

impl Product<'_> {
    pub(super) fn run(self, vectors: &Vectors) {
        vectors.arch.dispatch(self);
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (tile_planes, tile_pixels) = tile::<S>();
        let planes = self.layer.outputs.div_ceil(S::F32_LANES);
        let layer = self.layer;
        let mut weights = layer.weights.get();
        let mut first = 0;
        for group in even_parts(planes, tile_planes) {
            let (own, rest) = weights.split_at(layer.inputs * group * S::F32_LANES);
            let (mut pixel, mut x, mut y) = (0, 0, 0);
            for pixels in even_parts(self.pixels, tile_pixels) {
                let at = (pixel, x, y);
                match group {
                    1 => tile_of::<S, 1>(simd, &mut self, own, first, pixels, at),
                    3 if tile_planes >= 3 => {
                        tile_of::<S, 3>(simd, &mut self, own, first, pixels, at);
                    }
                    _ => tile_of::<S, 2>(simd, &mut self, own, first, pixels, at),
                }
                pixel += pixels;
                x += pixels;
                while x >= self.place.width {
                    (x, y) = (x - self.place.width, y + 1);
                }
            }
            first += group;
            weights = rest;
        }
    }
}

#[inline(always)]
fn tile_of<S: Simd, const V: usize>(
    simd: S,
    product: &mut Product<'_>,
    weights: &[f32],
    first: usize,
    pixels: usize,
    at: (usize, usize, usize),
) {
    let (_, most) = tile::<S>(); // known when compiled: larger tiles are not made
    match pixels {
        1 => sums_of::<S, V, 1>(simd, product, weights, first, at),
        2 => sums_of::<S, V, 2>(simd, product, weights, first, at),
        3 => sums_of::<S, V, 3>(simd, product, weights, first, at),
        4 => sums_of::<S, V, 4>(simd, product, weights, first, at),
        5 if most >= 5 => sums_of::<S, V, 5>(simd, product, weights, first, at),
        6 if most >= 6 => sums_of::<S, V, 6>(simd, product, weights, first, at),
        7 if most >= 7 => sums_of::<S, V, 7>(simd, product, weights, first, at),
        8 if most >= 8 => sums_of::<S, V, 8>(simd, product, weights, first, at),
        _ => unreachable!("tiles have 1 to {most} pixels"),
    }
}

/// The sums of `R` pixels from `at` (pixel, column, row) and `V` planes from `first`.
#[inline(always)]
fn sums_of<S: Simd, const V: usize, const R: usize>(
    simd: S,
    product: &mut Product<'_>,
    weights: &[f32],
    first: usize,
    (pixel, mut x, mut y): (usize, usize, usize),
) {
    let lanes = S::F32_LANES;
    let inputs = product.layer.inputs;
    let (weights, _) = S::as_simd_f32s(weights);
    let (mut weights, _) = weights.as_chunks::<V>();
    let (bias, _) = S::as_simd_f32s(&product.layer.bias.get()[first * lanes..][..V * lanes]);
    let bias: [S::f32s; V] = std::array::from_fn(|v| bias[v]);
    let mut sums = [bias; R];
    let mut at = pixel * lanes;
    let mut left = inputs;
    while left > 0 {
        let depth = left.min(lanes);
        let (own, rest) = weights.split_at(depth);
        let tile = &product.input[at..][..R * lanes];
        for (j, weights) in own.iter().enumerate() {
            for (r, sums) in sums.iter_mut().enumerate() {
                let value = simd.splat_f32s(tile[r * lanes + j]);
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum = simd.mul_add_f32s(value, weight, *sum);
                }
            }
        }
        weights = rest;
        at += product.input_plane;
        left -= depth;
    }

    let (zero, six) = (simd.splat_f32s(0.0), simd.splat_f32s(6.0));
    let place = product.place;
    for sums in sums {
        for (v, sum) in sums.into_iter().enumerate() {
            let at = (first + v) * place.plane + y * place.row + x * lanes;
            let mut sum = sum;
            if let Some(residual) = product.residual {
                let (residual, _) = S::as_simd_f32s(&residual[at..][..lanes]);
                sum = simd.add_f32s(sum, residual[0]);
            }
            if product.relu6 {
                sum = simd.min_f32s(simd.max_f32s(sum, zero), six);
            }
            let (output, _) = S::as_mut_simd_f32s(&mut product.output[at..][..lanes]);
            output[0] = sum;
        }
        x += 1;
        if x == place.width {
            (x, y) = (0, y + 1);
        }
    }
}

/// A depthwise convolution: every channel by itself.
#[derive(Debug)]
pub(super) struct Depthwise {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) channels: usize,
    /// By plane and place in the kernel.
    weights: Aligned,
    bias: Aligned,
}

impl Depthwise {
    /// From weights channels × kernel × kernel; the kernel is 3 or 5, the stride 1 or 2.
    pub(super) fn new(
        vectors: &Vectors,
        (kernel, stride): (usize, usize),
        weights: &[f32],
        bias: &[f32],
    ) -> Self {
        let (channels, lanes, area) = (bias.len(), vectors.lanes, kernel * kernel);
        assert!([3, 5].contains(&kernel) && [1, 2].contains(&stride), "these four are written");
        assert_eq!(weights.len(), channels * area, "a weight a channel and place");
        let planes = vectors.planes(channels);
        let mut packed = Vec::with_capacity(planes * lanes * area);
        for plane in 0..planes {
            for place in 0..area {
                packed.extend((plane * lanes..(plane + 1) * lanes).map(|channel| {
                    if channel < channels { weights[channel * area + place] } else { 0.0 }
                }));
            }
        }
        let mut padded = bias.to_vec();
        padded.resize(planes * lanes, 0.0);
        let (weights, bias) = (Aligned::of(&packed), Aligned::of(&padded));
        Self { kernel, stride, channels, weights, bias }
    }
}

/// Rows of a depthwise convolution, cut to 0…6. The input has its margins.
pub(super) struct Windows<'a> {
    pub(super) layer: &'a Depthwise,
    /// The row of the input where the first window begins is its first.
    pub(super) input: &'a [f32],
    pub(super) input_plane: usize,
    /// Pixels from a row of the input to the next.
    pub(super) input_width: usize,
    pub(super) rows: usize,
    pub(super) width: usize,
    /// Planes whose rows lie one after the other.
    pub(super) output: &'a mut [f32],
    pub(super) output_plane: usize,
}

impl Windows<'_> {
    pub(super) fn run(self, vectors: &Vectors) {
        vectors.arch.dispatch(self);
    }
}

impl WithSimd for Windows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.layer.kernel, self.layer.stride) {
            (3, 1) => windows_of::<S, 3, 1>(simd, self),
            (3, _) => windows_of::<S, 3, 2>(simd, self),
            (_, 1) => windows_of::<S, 5, 1>(simd, self),
            _ => windows_of::<S, 5, 2>(simd, self),
        }
    }
}

/// Windows side by side whose sums are in registers: the sides of all maps of a picture of 224 pixels are
/// multiples of it.
const ACROSS: usize = 7;

#[inline(always)]
fn windows_of<S: Simd, const K: usize, const T: usize>(simd: S, windows: Windows<'_>) {
    let lanes = S::F32_LANES;
    let Windows { layer, input, input_plane, input_width, rows, width, output, output_plane } =
        windows;
    let (weights, _) = S::as_simd_f32s(layer.weights.get());
    let (bias, _) = S::as_simd_f32s(layer.bias.get());
    for plane in 0..layer.channels.div_ceil(lanes) {
        let weights = &weights[plane * K * K..][..K * K];
        let bias = bias[plane];
        let (input, _) = S::as_simd_f32s(&input[plane * input_plane..]);
        let output = &mut output[plane * output_plane..][..rows * width * lanes];
        let (output, _) = S::as_mut_simd_f32s(output);
        for (y, output) in output.chunks_exact_mut(width).enumerate() {
            let input = &input[y * T * input_width..];
            let whole = width - width % ACROSS;
            let (many, few) = output.split_at_mut(whole);
            let (many, _) = many.as_chunks_mut::<ACROSS>();
            for (at, output) in many.iter_mut().enumerate() {
                let input = &input[at * ACROSS * T..];
                sums_across::<S, K, T, ACROSS>(simd, input, input_width, weights, bias, output);
            }
            let (few, _) = few.as_chunks_mut::<1>();
            for (at, output) in few.iter_mut().enumerate() {
                let input = &input[(whole + at) * T..];
                sums_across::<S, K, T, 1>(simd, input, input_width, weights, bias, output);
            }
        }
    }
}

#[inline(always)]
fn sums_across<S: Simd, const K: usize, const T: usize, const N: usize>(
    simd: S,
    input: &[S::f32s],
    input_width: usize,
    weights: &[S::f32s],
    bias: S::f32s,
    output: &mut [S::f32s; N],
) {
    let mut sums = [bias; N];
    for (dy, weights) in weights.chunks_exact(K).enumerate() {
        let input = &input[dy * input_width..][..(N - 1) * T + K];
        for (dx, &weight) in weights.iter().enumerate() {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = simd.mul_add_f32s(input[i * T + dx], weight, *sum);
            }
        }
    }
    let (zero, six) = (simd.splat_f32s(0.0), simd.splat_f32s(6.0));
    for (output, sum) in output.iter_mut().zip(sums) {
        *output = simd.min_f32s(simd.max_f32s(sum, zero), six);
    }
}
