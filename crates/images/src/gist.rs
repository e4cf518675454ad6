//! GIST: the layout of a scene.

use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use crate::describe::Describe;
use crate::error::{ImagesError, in_range};
use crate::picture::Picture;
use crate::resize::Sized;

/// Settings of [`Gist`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GistSettings {
    /// Side of the resized picture in pixels, 16 to 1,024. Default: 128.
    pub size: usize,
    /// Orientations of the filters of each scale, from fine to coarse: 1 to 8 scales of 1 to 32.
    /// Default: 8, 8, 8, 8.
    pub orientations: Vec<usize>,
    /// Parts of the picture across and down, 1 to 16. Default: 4.
    pub grid: usize,
}

impl Default for GistSettings {
    fn default() -> Self {
        Self { size: 128, orientations: vec![8; 4], grid: 4 }
    }
}

/// GIST: how much of each frequency and direction there is in each part of a picture, the layout of a scene.
///
/// 1. The picture, in grey, is resized to `size × size` pixels and stretched to 0 to 255.
/// 2. Its logarithm `i = ln(1 + grey)` loses its low frequencies, and is divided by the local
///    contrast: `i′ = i − i ∗ g`, `i″ = i′ / (0.2 + √(i′² ∗ g))`, where `g` is a Gaussian that passes
///    half at 4 cycles a picture.
/// 3. A bank of Gabor filters, in frequencies `f` (cycles a pixel) and directions `θ`, with
///    `s` the scale from 0, `k` the direction from 0 and `m` the number of directions of the scale:
///    `exp(−3.5 · (f / (0.3 · 1.85⁻ˢ) − 1)² − 2π · (m/8)² · (θ + kπ/m)²)`, the angle within ±π.
/// 4. The row has the mean magnitude of each answer in each of `grid × grid` parts: filter by filter, in each
///    the parts column by column. By default, 512 values.
///
/// Oliva and Torralba (2001), "Modeling the shape of the scene: a holistic representation of the spatial
/// envelope", IJCV 42(3), doi:10.1023/A:1011139631724; constants and order of values as in the
/// authors' own program.
pub struct Gist {
    settings: GistSettings,
    prefilter: Transform,
    low_pass: Vec<f64>,
    transform: Transform,
    bank: Vec<Vec<f64>>,
}

impl std::fmt::Debug for Gist {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gist").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Pixels by which the picture is continued, mirrored, before the prefilter and the filters.
const PREFILTER_MARGIN: usize = 5;
const MARGIN: usize = 32;

/// Cycles a picture at which the prefilter passes one half.
const PREFILTER_CYCLES: f64 = 4.0;

impl Gist {
    /// Makes the filters.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`] for a value outside its range.
    pub fn new(settings: GistSettings) -> Result<Self, ImagesError> {
        in_range("size", settings.size, 16, 1024)?;
        in_range("scales", settings.orientations.len(), 1, 8)?;
        for &orientations in &settings.orientations {
            in_range("orientations", orientations, 1, 32)?;
        }
        in_range("grid", settings.grid, 1, 16)?;

        let side = (settings.size + 2 * PREFILTER_MARGIN).next_multiple_of(2);
        let prefilter = Transform::new(side);
        let spread = PREFILTER_CYCLES / std::f64::consts::LN_2.sqrt();
        let low_pass = frequencies(side, |x, y| (-(x * x + y * y) / (spread * spread)).exp());

        let side = settings.size + 2 * MARGIN;
        let transform = Transform::new(side);
        let mut bank = Vec::new();
        for (scale, &count) in settings.orientations.iter().enumerate() {
            let centre = 0.3 / 1.85_f64.powi(i32::try_from(scale).expect("scales are few"));
            for direction in 0..count {
                use std::f64::consts::PI;
                let turn = PI / count as f64 * direction as f64;
                let sharpness = 2.0 * PI * (16.0 * (count * count) as f64 / 1024.0);
                bank.push(frequencies(side, |x, y| {
                    let radius = (x * x + y * y).sqrt() / side as f64 / centre - 1.0;
                    let mut angle = y.atan2(x) + turn;
                    if angle > PI {
                        angle -= 2.0 * PI;
                    }
                    (-3.5 * radius * radius - sharpness * angle * angle).exp()
                }));
            }
        }
        Ok(Self { settings, prefilter, low_pass, transform, bank })
    }

    /// The picture without its low frequencies, at even contrast.
    fn prefiltered(&self, grey: &[u8]) -> Vec<f64> {
        let (size, side) = (self.settings.size, self.prefilter.side);
        let (least, most) = grey.iter().fold((255, 0), |(a, b), &v| (v.min(a), v.max(b)));
        let range = f64::from(most.max(least + u8::from(least < 255)) - least).max(1.0);
        let logs: Vec<f64> =
            grey.iter().map(|&v| (f64::from(v - least) / range * 255.0).ln_1p()).collect();
        let mut values = mirrored(&logs, size, PREFILTER_MARGIN, side);
        let smooth = self.prefilter.filter_real(&values, &self.low_pass);
        values.iter_mut().zip(smooth).for_each(|(value, smooth)| *value -= smooth.re);
        let squares: Vec<f64> = values.iter().map(|value| value * value).collect();
        let energy = self.prefilter.filter_real(&squares, &self.low_pass);
        values.iter_mut().zip(energy).for_each(|(value, e)| *value /= 0.2 + e.norm().sqrt());
        cropped(&values, side, PREFILTER_MARGIN, size)
    }
}

impl Describe for Gist {
    fn name(&self) -> String {
        let GistSettings { size, orientations, grid } = &self.settings;
        let orientations: Vec<String> = orientations.iter().map(ToString::to_string).collect();
        format!("gist(size={size},orientations={},grid={grid})", orientations.join("x"))
    }

    /// Filters × parts.
    fn dimensions(&self) -> Result<usize, ImagesError> {
        Ok(self.bank.len() * self.settings.grid * self.settings.grid)
    }

    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        assert_eq!(row.len(), self.dimensions()?, "a row has a value a filter and part");
        let GistSettings { size, grid, .. } = self.settings;
        let grey = picture.to_grey();
        let mut sized = Sized::new(size, size);
        let values = self.prefiltered(sized.resize(&grey, picture.width(), picture.height()));

        let side = self.transform.side;
        let mut spectrum: Vec<Complex<f64>> =
            mirrored(&values, size, MARGIN, side).into_iter().map(Complex::from).collect();
        self.transform.forward(&mut spectrum);
        let mut answer = vec![Complex::default(); spectrum.len()];
        let edge = |part: usize| part * size / grid;
        for (filter, means) in self.bank.iter().zip(row.chunks_exact_mut(grid * grid)) {
            let products = spectrum.iter().zip(filter).map(|(value, gain)| value * gain);
            answer.iter_mut().zip(products).for_each(|(answer, product)| *answer = product);
            self.transform.inverse(&mut answer);
            for (part, mean) in means.iter_mut().enumerate() {
                let (across, down) = (part / grid, part % grid);
                let mut sum = 0.0;
                for y in edge(down)..edge(down + 1) {
                    let line = &answer[(y + MARGIN) * side + MARGIN..][..size];
                    sum +=
                        line[edge(across)..edge(across + 1)].iter().map(|v| v.norm()).sum::<f64>();
                }
                let pixels = (edge(across + 1) - edge(across)) * (edge(down + 1) - edge(down));
                *mean = (sum / pixels as f64) as f32;
            }
        }
        Ok(())
    }
}

/// A function of the frequencies across and down, in the order of a transform: 0 up to half, then minus
/// half up to −1.
fn frequencies(side: usize, gain: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let signed = |at: usize| {
        if at < side.div_ceil(2) { at as f64 } else { at as f64 - side as f64 }
    };
    let gain = &gain;
    (0..side).flat_map(|y| (0..side).map(move |x| gain(signed(x), signed(y)))).collect()
}

/// A picture that is mirrored at its edges, `margin` pixels to the left and above, as many as it takes to the
/// right and below.
fn mirrored(values: &[f64], size: usize, margin: usize, side: usize) -> Vec<f64> {
    let source = |at: usize| {
        let turn = (at + 2 * size * margin - margin) % (2 * size);
        if turn < size { turn } else { 2 * size - 1 - turn }
    };
    let columns: Vec<usize> = (0..side).map(source).collect();
    let line = |y: usize| &values[source(y) * size..][..size];
    (0..side).flat_map(|y| columns.iter().map(move |&x| line(y)[x])).collect()
}

fn cropped(values: &[f64], side: usize, margin: usize, size: usize) -> Vec<f64> {
    (0..size).flat_map(|y| &values[(y + margin) * side + margin..][..size]).copied().collect()
}

/// The discrete Fourier transform of squares.
struct Transform {
    side: usize,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
}

impl Transform {
    fn new(side: usize) -> Self {
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(side), planner.plan_fft_inverse(side));
        Self { side, forward, inverse }
    }

    fn forward(&self, values: &mut [Complex<f64>]) {
        self.both_axes(&*self.forward, values);
    }

    fn inverse(&self, values: &mut [Complex<f64>]) {
        self.both_axes(&*self.inverse, values);
        let scale = 1.0 / (self.side * self.side) as f64;
        values.iter_mut().for_each(|value| *value *= scale);
    }

    fn both_axes(&self, fft: &dyn Fft<f64>, values: &mut [Complex<f64>]) {
        for _ in 0..2 {
            fft.process(values); // line by line
            for y in 0..self.side {
                for x in 0..y {
                    values.swap(y * self.side + x, x * self.side + y);
                }
            }
        }
    }

    fn filter_real(&self, values: &[f64], gains: &[f64]) -> Vec<Complex<f64>> {
        let mut spectrum: Vec<Complex<f64>> = values.iter().map(|&value| value.into()).collect();
        self.forward(&mut spectrum);
        spectrum.iter_mut().zip(gains).for_each(|(value, gain)| *value *= gain);
        self.inverse(&mut spectrum);
        spectrum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let error = |settings| Gist::new(settings).err().map(|error| error.to_string());
        let settings = GistSettings::default();
        assert_eq!(
            error(GistSettings { size: 8, ..settings.clone() }).unwrap(),
            "`size` is 8: expected 16 to 1024"
        );
        assert_eq!(
            error(GistSettings { orientations: vec![], ..settings.clone() }).unwrap(),
            "`scales` is 0: expected 1 to 8"
        );
        assert!(error(GistSettings { orientations: vec![8, 0], ..settings.clone() }).is_some());
        assert!(error(GistSettings { grid: 17, ..settings.clone() }).is_some());
        assert_eq!(Gist::new(settings).unwrap().dimensions().unwrap(), 512);
    }

    #[test]
    fn mirrors() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(mirrored(&values, 2, 1, 4)[..8], [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
        let long = mirrored(&values, 2, 3, 8);
        assert_eq!(long[3 * 8..][..8], [2.0, 2.0, 1.0, 1.0, 2.0, 2.0, 1.0, 1.0]);
        assert_eq!(cropped(&long, 8, 3, 2), values);
    }

    /// A flat picture has no frequencies.
    #[test]
    fn flat() {
        let gist = Gist::new(GistSettings { size: 32, orientations: vec![4, 4], grid: 2 }).unwrap();
        for grey in [0, 77, 255] {
            let picture = Picture::from_rgb(3, 2, vec![grey; 18]).unwrap();
            let mut row = vec![1.0; 32];
            gist.describe(&picture, &mut row).unwrap();
            assert!(row.iter().all(|value| value.abs() < 1e-9), "{row:?}");
        }
    }
}
