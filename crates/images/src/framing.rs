//! What of a picture a network sees.

use crate::error::ImagesError;
use crate::picture::Picture;

/// What of a picture a network with an input of a fixed size sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Framing {
    /// The part in the middle that has the input's aspect ratio and is ⅞ of the largest such: how
    /// networks are tested on ImageNet. The default.
    #[default]
    Centre,
    /// All of it, without regard to its aspect ratio. For pictures that their thing fills.
    Whole,
}

impl Framing {
    /// The words for them.
    #[cfg(feature = "deep")]
    pub(crate) const NAMED: [(&'static str, Self); 2] =
        [("centre", Self::Centre), ("whole", Self::Whole)];

    #[cfg(feature = "deep")]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Centre => "centre",
            Self::Whole => "whole",
        }
    }

    /// That part of a picture, at a size within 1 to 4,096.
    pub(crate) fn frame(
        self,
        picture: &Picture,
        new_width: usize,
        new_height: usize,
    ) -> Result<Picture, ImagesError> {
        if self == Self::Whole {
            return picture.resized(new_width, new_height);
        }
        let (width, height) = (picture.width(), picture.height());
        let share =
            (width as f64 / new_width as f64).min(height as f64 / new_height as f64) * 0.875;
        let part = |new: usize, old: usize| ((new as f64 * share).round() as usize).clamp(1, old);
        let (across, down) = (part(new_width, width), part(new_height, height));
        let (left, top) = ((width - across) / 2, (height - down) / 2);
        let rows = picture.pixels().chunks_exact(3 * width).skip(top).take(down);
        let pixels = rows.flat_map(|row| &row[3 * left..][..3 * across]).copied().collect();
        Picture::from_rgb(across, down, pixels)?.resized(new_width, new_height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number a pixel, row by row.
    fn counted(width: usize, height: usize) -> Picture {
        let pixels = (0..width * height).flat_map(|at| [at as u8; 3]).collect();
        Picture::from_rgb(width, height, pixels).unwrap()
    }

    /// 7 of 8 pixels each way, of 12 rows those in the middle.
    #[test]
    fn the_middle() {
        let framed = Framing::Centre.frame(&counted(8, 12), 7, 7).unwrap();
        let expected: Vec<u8> = (2..9).flat_map(|y| 8 * y..8 * y + 7).collect();
        assert_eq!(framed.to_grey(), expected);
    }

    #[test]
    fn aspect_ratio_of_the_input() {
        let framed = Framing::Centre.frame(&counted(16, 8), 14, 7).unwrap();
        let expected: Vec<u8> = (0..7).flat_map(|y| 16 * y + 1..16 * y + 15).collect();
        assert_eq!(framed.to_grey(), expected);
    }

    #[test]
    fn small_and_thin() {
        for (width, height) in [(1, 1), (1, 200), (200, 1)] {
            for framing in [Framing::Whole, Framing::Centre] {
                let framed = framing.frame(&counted(width, height), 20, 10).unwrap();
                assert_eq!((framed.width(), framed.height()), (20, 10));
            }
        }
    }
}
