//! The maps of EfficientNet-Lite0 for what looks at windows.

use ndarray::Array3;

use crate::deep::{EfficientNetLite0, Level};
use crate::dense::DescribeDense;
use crate::error::ImagesError;
use crate::picture::Picture;

/// A map of [`EfficientNetLite0`]: what the network sees at each place of a picture, at one of its depths.
///
/// The picture is looked at in its own size; a rest at the right and lower edge has a cell of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EfficientNetMap {
    /// The depth, which tells channels and the side of a cell. Default: [`Level::Stride32`].
    pub level: Level,
    /// Whether each cell is divided by its own length, so that all weigh alike. Default: yes.
    pub unit: bool,
}

impl Default for EfficientNetMap {
    fn default() -> Self {
        Self { level: Level::Stride32, unit: true }
    }
}

impl EfficientNetMap {
    /// The map of the depth that is called so: `stride2` to `stride32`, or `head`.
    #[must_use]
    pub fn named(level: &str) -> Option<Self> {
        Level::named(level).map(|level| Self { level, ..Self::default() })
    }
}

impl DescribeDense for EfficientNetMap {
    fn name(&self) -> String {
        format!("efficientnet-lite0-map(level={},unit={})", self.level.name(), self.unit)
    }

    fn channels(&self) -> Result<usize, ImagesError> {
        Ok(self.level.channels())
    }

    fn cell(&self) -> usize {
        self.level.stride()
    }

    fn map(&self, picture: &Picture) -> Result<Array3<f32>, ImagesError> {
        let mut maps = EfficientNetLite0::default().maps(picture, &[self.level])?;
        let mut map = maps.pop().expect("one depth was asked for");
        if self.unit {
            for mut cell in map.lanes_mut(ndarray::Axis(2)) {
                let square = cell.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
                if square > 0.0 {
                    let scale = square.sqrt().recip() as f32;
                    cell.mapv_inplace(|x| x * scale);
                }
            }
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_unit_length() {
        let pixels = (0..64 * 96 * 3).map(|at| (at * at / 7 % 251) as u8).collect();
        let picture = Picture::from_rgb(96, 64, pixels).unwrap();
        let plain = EfficientNetMap { unit: false, ..EfficientNetMap::default() };
        let (unit, plain) =
            (EfficientNetMap::default().map(&picture).unwrap(), plain.map(&picture).unwrap());
        assert_eq!(unit.dim(), (2, 3, 320));
        for (unit, plain) in
            unit.lanes(ndarray::Axis(2)).into_iter().zip(plain.lanes(ndarray::Axis(2)))
        {
            let length = plain.dot(&plain).sqrt();
            assert!((unit.dot(&unit) - 1.0).abs() < 1e-5);
            assert!(unit.iter().zip(plain).all(|(u, p)| (u * length - p).abs() < 1e-4 * length));
        }
        assert_eq!(EfficientNetMap::named("stride16").unwrap().channels().unwrap(), 112);
        assert!(EfficientNetMap::named("stride7").is_none());
    }
}
