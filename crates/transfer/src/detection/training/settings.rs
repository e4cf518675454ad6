//! How a detector is trained.

use crate::TransferError;
use crate::checks::{check_count, check_positive};
use crate::detection::suppression::Suppression;

/// How a [`Detector`](crate::detection::Detector) is trained.
///
/// 1. Shapes of windows: centres of the logarithms of the true boxes' aspect ratios.
/// 2. Windows that overlap a true box by `positive` are its class, windows drawn at random that overlap none by
///    `negative` are background.
/// 3. Heads: multinomial logistic regression of classes and background, `Σ losses + λ·½‖W − W_classifier‖²`,
///    λ = `l2` · mean ‖x‖²; without a classifier drawn towards zero.
/// 4. `rounds` times: the detector's surest mistakes join the background, heads are fitted anew from where they
///    were. Felzenszwalb et al. (2010), as [`HogCells`](procrust_images::HogCells).
/// 5. Box regression: ridge. Girshick, Donahue, Darrell & Malik (2014), "Rich feature hierarchies for accurate
///    object detection and semantic segmentation", CVPR, appendix C.
/// 6. Calibration: two detectors, each of the windows that one half of the pictures gave, tell on the other half
///    how sure a score makes (Platt's sigmoid).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DetectorTraining {
    /// Square root of a window's area in cells, 2 or more. Default: 8.
    pub window: usize,
    /// How many shapes of windows at most, at least 1. Default: 3.
    pub aspects: usize,
    /// Sizes until a thing is twice as large, at least 1. Default: 4.
    pub per_octave: usize,
    /// Larger pictures are shrunk until their longer side has so many pixels, at least 16. Default: 640.
    pub side: usize,
    /// Pictures are enlarged by at most this factor to find small things, above 0. Default: 2.
    pub enlarge: f64,
    /// How far a window may reach over the picture's edge, as a share of its own side, 0 to 0.5. Default: 0.25.
    pub overhang: f64,
    /// The IoU that makes a window show the thing in a box. Default: 0.6.
    pub positive: f64,
    /// The IoU up to which it is background. Default: 0.3.
    pub negative: f64,
    /// Windows of a true box that are learned from, at most. Default: 8.
    pub per_box: usize,
    /// Windows of background drawn from each picture and, in each round, mined from it. Default: 20.
    pub per_picture: usize,
    /// Rounds of mining. Default: 2.
    pub rounds: usize,
    /// Strength of the pull, in units of the rows' mean squared length, above 0. Default: 0.01.
    pub l2: f64,
    /// Penalty of box regression, in the same units, above 0. Default: 1.
    pub box_l2: f64,
    /// Whether boxes are moved to where regression says. Default: true.
    pub move_boxes: bool,
    /// Whether scores are calibrated, given at least four pictures. Default: true.
    pub calibrate: bool,
    /// What happens to boxes that overlap.
    pub suppression: Suppression,
    /// Boxes a picture at most. Default: 100.
    pub most: usize,
    /// Bytes of windows that are learned from, of one shape, at most; and of maps that are kept between rounds.
    /// Where there are more boxes or pictures than that holds, each gives fewer windows; of background, the easiest
    /// is forgotten. Default: 512 MiB.
    pub memory: usize,
    /// Seed of the background that is drawn.
    pub seed: u64,
}

impl Default for DetectorTraining {
    fn default() -> Self {
        Self {
            window: 8,
            aspects: 3,
            per_octave: 4,
            side: 640,
            enlarge: 2.0,
            overhang: 0.25,
            positive: 0.6,
            negative: 0.3,
            per_box: 8,
            per_picture: 20,
            rounds: 2,
            l2: 0.01,
            box_l2: 1.0,
            move_boxes: true,
            calibrate: true,
            suppression: Suppression::default(),
            most: 100,
            memory: 1 << 29,
            seed: 0,
        }
    }
}

impl DetectorTraining {
    pub(super) fn check(&self) -> Result<(), TransferError> {
        let least =
            [("window", self.window, 2), ("side", self.side, 16), ("memory", self.memory, 1 << 20)];
        for (setting, value, least) in least {
            if value < least {
                let expected = match setting {
                    "window" => "at least 2",
                    "side" => "at least 16",
                    _ => "at least 1048576",
                };
                return Err(TransferError::Setting { setting, value: value as f64, expected });
            }
        }
        for (setting, value) in [
            ("aspects", self.aspects),
            ("per_octave", self.per_octave),
            ("per_box", self.per_box),
            ("per_picture", self.per_picture),
            ("most", self.most),
        ] {
            check_count(setting, value)?;
        }
        for (setting, value) in
            [("enlarge", self.enlarge), ("l2", self.l2), ("box_l2", self.box_l2)]
        {
            check_positive(setting, value)?;
        }
        let shares = [
            ("overhang", self.overhang, 0.5, "a number from 0 to 0.5"),
            ("positive", self.positive, 1.0, "a number from 0 to 1"),
            ("negative", self.negative, 1.0, "a number from 0 to 1"),
        ];
        for (setting, value, most, expected) in shares {
            if !(0.0..=most).contains(&value) {
                return Err(TransferError::Setting { setting, value, expected });
            }
        }
        if self.positive < self.negative {
            let expected = "at most as much as `positive`";
            return Err(TransferError::Setting {
                setting: "negative",
                value: self.negative,
                expected,
            });
        }
        self.suppression.check()
    }
}
