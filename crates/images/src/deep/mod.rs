//! Deep features: a small network that has seen a million photographs.

mod kernel;
mod network;

use std::cell::RefCell;
use std::sync::OnceLock;

use ndarray::{Array3, Axis, s};

use crate::describe::Describe;
use crate::error::{ImagesError, in_range};
use crate::framing::Framing;
use crate::picture::Picture;
use crate::resize::MAX_SIZE;

use network::{FEATURES, Network, Rgb, Scratch};

/// EfficientNet-Lite0, trained on the 1,000 classes of ImageNet: 1,280 features of what is on a picture.
///
/// The picture, in the given [`Framing`], is resized to 224 × 224 pixels, and its values are taken as
/// (x − 127) / 128. A convolution and 16 blocks (widen, convolve every channel by itself, narrow)
/// make it a map of 7 × 7 places, the head makes 1,280 channels of it, and the features are the channels' means.
/// All of them are 0 to 6, many are 0. 385 million products and sums a picture.
///
/// The weights come with the crate `procrust-efficientnet`, in half precision; they are computed with in `f32`.
/// They are unpacked at first use (a fraction of a second), once a process: 19 MB. A thread that
/// describes pictures keeps another 3 MB. The same bits for any number of threads, on one machine;
/// processors with other vectors round differently, by 1e-5 or so.
///
/// Tan and Le (2019), "EfficientNet: rethinking model scaling for convolutional neural networks", ICML,
/// arXiv:1905.11946; Liu (2020), "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow
/// blog, who left out what small processors are slow at: squeeze-and-excitation, and swish for ReLU6.
///
/// ```
/// use ndarray::Array3;
/// use procrust_images::{EfficientNetLite0, describe};
///
/// let grey = Array3::from_shape_fn((2, 50, 40), |(n, i, j)| (n * i + 3 * j) as u8);
/// assert_eq!(describe(&EfficientNetLite0::default(), grey.view())?.dim(), (2, 1280));
/// # Ok::<(), procrust_images::ImagesError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EfficientNetLite0 {
    /// What of the picture the network sees. Default: the middle.
    pub framing: Framing,
    /// Width and height in pixels at which it sees it, 32 to 4,096. Default: 224, as in training. Small
    /// pictures lose little at less, which takes less time: in proportion to the area.
    pub size: usize,
    /// The depth whose map makes the row. Default: the head. Pictures that are unlike photographs are often
    /// told apart better at less: what the network sees first is common to all pictures.
    pub level: Level,
    /// The map is cut into `grid × grid` parts whose means stand one behind the other, row by row: at least 1, at
    /// most the places of the map across. Default: 1, the mean over all places.
    pub grid: usize,
}

impl Default for EfficientNetLite0 {
    /// The head's means over the middle, at 224 × 224 pixels.
    fn default() -> Self {
        Self { framing: Framing::default(), size: SIDE, level: Level::Head, grid: 1 }
    }
}

/// A class that may be on a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Guess {
    /// Its place among the [scores](EfficientNetLite0::class_scores).
    pub class: usize,
    /// Its name, as `espresso`.
    pub name: &'static str,
    /// All words for it, as `tabby, tabby cat`.
    pub words: &'static str,
    /// The network's probability for it: the softmax of the scores. They are too high, as those of most
    /// networks are.
    pub probability: f32,
}

/// A depth of the network at which its map can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// 16 channels, every second pixel: edges and colours.
    Stride2,
    /// 24 channels, every fourth pixel.
    Stride4,
    /// 40 channels, every eighth pixel.
    Stride8,
    /// 112 channels, every 16th pixel: parts of things.
    Stride16,
    /// 320 channels, every 32nd pixel: things.
    Stride32,
    /// 1,280 channels, every 32nd pixel: what the features are the means of.
    Head,
}

impl Level {
    const NAMED: [(Self, &'static str); 6] = [
        (Self::Stride2, "stride2"),
        (Self::Stride4, "stride4"),
        (Self::Stride8, "stride8"),
        (Self::Stride16, "stride16"),
        (Self::Stride32, "stride32"),
        (Self::Head, "head"),
    ];

    /// The depth that is called so: `stride2` to `stride32`, or `head`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, known)| *known == name).map(|&(level, _)| level)
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::NAMED.iter().find(|(level, _)| *level == self);
        found.expect("every depth has a name").1
    }

    /// All of them, from the picture to the features.
    pub const ALL: [Self; 6] =
        [Self::Stride2, Self::Stride4, Self::Stride8, Self::Stride16, Self::Stride32, Self::Head];

    /// Pixels of the picture from one place to the next.
    #[must_use]
    pub const fn stride(self) -> usize {
        match self {
            Self::Stride2 => 2,
            Self::Stride4 => 4,
            Self::Stride8 => 8,
            Self::Stride16 => 16,
            Self::Stride32 | Self::Head => 32,
        }
    }

    /// Values a place.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Stride2 => 16,
            Self::Stride4 => 24,
            Self::Stride8 => 40,
            Self::Stride16 => 112,
            Self::Stride32 => 320,
            Self::Head => FEATURES,
        }
    }

    /// The number of the block after which it is taken.
    const fn block(self) -> usize {
        match self {
            Self::Stride2 => 0,
            Self::Stride4 => 2,
            Self::Stride8 => 4,
            Self::Stride16 => 10,
            Self::Stride32 | Self::Head => 15,
        }
    }
}

const SIDE: usize = 224;
/// One place of the deepest map.
const LEAST_SIDE: usize = 32;

fn network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(Network::shipped)
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl EfficientNetLite0 {
    /// With this framing, at 224 × 224 pixels.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        Self { framing, ..Self::default() }
    }

    fn check(&self) -> Result<(), ImagesError> {
        in_range("size", self.size, LEAST_SIDE, MAX_SIZE)?;
        in_range("grid", self.grid, 1, self.size.div_ceil(self.level.stride()))
    }

    /// The head's means over all places.
    fn features(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        let framed = self.framing.frame(picture, self.size, self.size)?;
        SCRATCH.with_borrow_mut(|scratch| network().features(rgb(&framed), scratch, row));
        Ok(())
    }

    /// The scores of the 1,000 classes of ImageNet, before the softmax.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`] for a size out of range.
    pub fn class_scores(&self, picture: &Picture) -> Result<Vec<f32>, ImagesError> {
        in_range("size", self.size, LEAST_SIDE, MAX_SIZE)?;
        let mut features = vec![0.0; FEATURES];
        self.features(picture, &mut features)?;
        Ok(network().scores(&features))
    }

    /// The `n` likeliest classes, the likeliest first.
    ///
    /// # Errors
    ///
    /// Those of [`class_scores`](Self::class_scores).
    pub fn guesses(&self, picture: &Picture, n: usize) -> Result<Vec<Guess>, ImagesError> {
        let scores = self.class_scores(picture)?;
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let odds: Vec<f64> = scores.iter().map(|&score| f64::from(score - most).exp()).collect();
        let sum: f64 = odds.iter().sum();
        let mut guesses: Vec<Guess> = procrust_efficientnet::classes()
            .zip(odds)
            .enumerate()
            .map(|(at, (class, odds))| {
                let (name, words) = (class.name(), class.words);
                Guess { class: at, name, words, probability: (odds / sum) as f32 }
            })
            .collect();
        guesses.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        guesses.truncate(n);
        Ok(guesses)
    }

    /// The network's maps of a picture at its own size, without framing or resizing: for each of `levels`, in their
    /// order, ⌈height / stride⌉ × ⌈width / stride⌉ × channels.
    ///
    /// Place (i, j) belongs to the pixels from (i·stride, j·stride) on, though it has seen more around them;
    /// outside the picture the network sees (x − 127) / 128 = 0. Things look to it as they did in
    /// training when they are some 50 to 200 pixels large. What lies deeper than the deepest level is not computed.
    ///
    /// Takes about 24 bytes a pixel beside the maps that come back, 100 MB for 2,048 × 2,048.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`] when a side of the picture is over 4,096.
    ///
    /// ```
    /// use procrust_images::{EfficientNetLite0, Level, Picture};
    ///
    /// let picture = Picture::from_rgb(100, 64, vec![127; 100 * 64 * 3])?;
    /// let maps = EfficientNetLite0::default().maps(&picture, &[Level::Stride16, Level::Stride32])?;
    /// assert_eq!((maps[0].dim(), maps[1].dim()), ((4, 7, 112), (2, 4, 320)));
    /// # Ok::<(), procrust_images::ImagesError>(())
    /// ```
    pub fn maps(
        &self,
        picture: &Picture,
        levels: &[Level],
    ) -> Result<Vec<Array3<f32>>, ImagesError> {
        in_range("width", picture.width(), 1, MAX_SIZE)?;
        in_range("height", picture.height(), 1, MAX_SIZE)?;
        let Some(blocks) = levels.iter().map(|level| level.block() + 1).max() else {
            return Ok(Vec::new());
        };
        let mut found = vec![Array3::zeros((0, 0, 0)); levels.len()];
        // Large pictures would leave a thread much memory that it does not need again.
        let mut scratch = Scratch::default();
        let mut head = kernel::Aligned::default();
        network().maps(rgb(picture), blocks, &mut scratch, |at, map| {
            for (level, found) in levels.iter().zip(&mut found) {
                if level.block() == at {
                    let shape = (map.height, map.width, level.channels());
                    let values = if *level == Level::Head {
                        let row = |y: usize, head: &mut kernel::Aligned| {
                            let part = y * map.width..(y + 1) * map.width;
                            network().head_of(map, part, head).pixels()
                        };
                        (0..map.height).flat_map(|y| row(y, &mut head)).collect()
                    } else {
                        map.pixels()
                    };
                    *found = Array3::from_shape_vec(shape, values)
                        .expect("a map has its channels at every place");
                }
            }
        });
        Ok(found)
    }
}

fn rgb(picture: &Picture) -> Rgb<'_> {
    Rgb { width: picture.width(), height: picture.height(), bytes: picture.pixels() }
}

impl Describe for EfficientNetLite0 {
    fn name(&self) -> String {
        let Self { framing, size, level, grid } = self;
        let (framing, level) = (framing.name(), level.name());
        format!("efficientnet-lite0(framing={framing},size={size},level={level},grid={grid})")
    }

    /// The level's channels times `grid²`: 1,280 by default.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`] for a size or a grid out of range.
    fn dimensions(&self) -> Result<usize, ImagesError> {
        self.check()?;
        Ok(self.level.channels() * self.grid * self.grid)
    }

    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        assert_eq!(row.len(), self.dimensions()?, "a row has a value a channel and part");
        if (self.level, self.grid) == (Level::Head, 1) {
            return self.features(picture, row);
        }
        let framed = self.framing.frame(picture, self.size, self.size)?;
        let map = self.maps(&framed, &[self.level])?.swap_remove(0);
        let (places, channels) = (map.dim().0, map.dim().2);
        // Parts share a line of places where the grid does not divide them.
        let part = |at: usize| at * places / self.grid..((at + 1) * places).div_ceil(self.grid);
        for (at, means) in row.chunks_exact_mut(channels).enumerate() {
            let (down, across) = (part(at / self.grid), part(at % self.grid));
            let count = (down.len() * across.len()) as f64;
            let mut sums = vec![0.0_f64; channels];
            for place in map.slice(s![down, across, ..]).lanes(Axis(2)) {
                sums.iter_mut().zip(place).for_each(|(sum, &value)| *sum += f64::from(value));
            }
            means.iter_mut().zip(sums).for_each(|(mean, sum)| *mean = (sum / count) as f32);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(width: usize, height: usize) -> Picture {
        let mut state = 1_u32;
        let bytes = (0..3 * width * height).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        Picture::from_rgb(width, height, bytes.collect()).unwrap()
    }

    #[test]
    fn levels_are_those_of_the_network() {
        let picture = noise(45, 70);
        let maps = EfficientNetLite0::default().maps(&picture, &Level::ALL).unwrap();
        for (level, map) in Level::ALL.into_iter().zip(maps) {
            let places = |side: usize| side.div_ceil(level.stride());
            assert_eq!(map.dim(), (places(70), places(45), level.channels()), "{level:?}");
            assert!(map.iter().any(|&value| value > 0.1), "{level:?} says something");
        }
        assert_eq!(network::BLOCK_COUNT, Level::Head.block() + 1);
    }

    /// The features are the means of the head's map.
    #[test]
    fn features_are_means() {
        let (net, picture) = (EfficientNetLite0::new(Framing::Whole), noise(SIDE, SIDE));
        let mut row = vec![0.0; FEATURES];
        net.describe(&picture, &mut row).unwrap();
        let head = net.maps(&picture, &[Level::Head]).unwrap().remove(0);
        assert_eq!(head.dim(), (7, 7, FEATURES));
        for (channel, found) in row.iter().enumerate() {
            let map = head.slice(ndarray::s![.., .., channel]);
            let mean = map.iter().map(|&value| f64::from(value)).sum::<f64>() / 49.0;
            assert!((f64::from(*found) - mean).abs() < 1e-5, "{found} {mean}");
        }
    }

    /// Other depths by parts of their maps: those of a map that was asked for by itself.
    #[test]
    fn other_depths_and_grids() {
        let whole = EfficientNetLite0 { size: 96, ..EfficientNetLite0::new(Framing::Whole) };
        let picture = noise(96, 96);
        for (level, grid) in [(Level::Stride16, 1), (Level::Stride16, 4), (Level::Head, 2)] {
            let net = EfficientNetLite0 { level, grid, ..whole };
            let mut row = vec![0.0; net.dimensions().unwrap()];
            net.describe(&picture, &mut row).unwrap();
            let map = net.maps(&picture, &[level]).unwrap().remove(0);
            // Six places by four parts: 0..2, 1..3, 3..5, 4..6; three by two: 0..2, 1..3.
            let parts: &[(usize, usize)] = match (level, grid) {
                (Level::Head, _) => &[(0, 2), (1, 3)],
                (_, 1) => &[(0, 6)],
                _ => &[(0, 2), (1, 3), (3, 5), (4, 6)],
            };
            for (at, found) in row.iter().enumerate() {
                let (part, channel) = (at / level.channels(), at % level.channels());
                let ((top, bottom), (left, right)) = (parts[part / grid], parts[part % grid]);
                let mean = map.slice(s![top..bottom, left..right, channel]).mean().unwrap();
                assert!((found - mean).abs() < 1e-4 * mean.abs().max(1.0), "{found} {mean}");
            }
        }
        let net = EfficientNetLite0 { level: Level::Stride32, grid: 4, ..whole };
        assert_eq!(net.dimensions().unwrap_err().to_string(), "`grid` is 4: expected 1 to 3");
    }

    /// What was in a thread's memory does not show.
    #[test]
    fn memory_is_clean() {
        let (net, picture) = (EfficientNetLite0::default(), noise(100, 90));
        let (mut first, mut again) = (vec![0.0; FEATURES], vec![1.0; FEATURES]);
        net.describe(&picture, &mut first).unwrap();
        net.describe(&noise(500, 300), &mut again).unwrap();
        assert_ne!(first, again);
        net.describe(&picture, &mut again).unwrap();
        assert_eq!(first, again);
    }

    #[test]
    fn sizes() {
        let net = EfficientNetLite0::default();
        for (width, height) in [(1, 1), (1, 300), (33, 2)] {
            let maps = net.maps(&noise(width, height), &[Level::Stride32]).unwrap();
            assert!(maps[0].iter().all(|value| value.is_finite()));
            assert_eq!(maps[0].dim(), (height.div_ceil(32), width.div_ceil(32), 320));
            for framing in [Framing::Whole, Framing::Centre] {
                let mut row = vec![f32::NAN; FEATURES];
                let net = EfficientNetLite0::new(framing);
                net.describe(&noise(width, height), &mut row).unwrap();
                assert!(row.iter().all(|value| (0.0..=6.0).contains(value)));
            }
        }
        assert!(net.maps(&noise(20, 20), &[]).unwrap().is_empty());
        assert_eq!(
            net.maps(&noise(5000, 1), &[Level::Stride2]).unwrap_err().to_string(),
            "`width` is 5000: expected 1 to 4096"
        );
    }
}
