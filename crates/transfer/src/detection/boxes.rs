//! Boxes and what is said of them.

use crate::TransferError;

/// A rectangle in a picture, in pixels from its upper left corner: the pixel in column x lies between x and
/// x + 1.
///
/// Its area is above 0. It may reach over the picture's edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl BoundingBox {
    /// The box between these edges.
    ///
    /// # Errors
    ///
    /// [`TransferError::Bounds`] unless all are finite, `left < right` and `top < bottom`.
    pub fn new(left: f64, top: f64, right: f64, bottom: f64) -> Result<Self, TransferError> {
        let bounds = Self { left, top, right, bottom };
        let finite = [left, top, right, bottom].iter().all(|edge| edge.is_finite());
        if finite && left < right && top < bottom && bounds.area() > 0.0 {
            return Ok(bounds);
        }
        Err(TransferError::Bounds { left, top, right, bottom })
    }

    /// The box with this upper left corner, width and height.
    ///
    /// # Errors
    ///
    /// As [`BoundingBox::new`].
    pub fn sized(left: f64, top: f64, width: f64, height: f64) -> Result<Self, TransferError> {
        Self::new(left, top, left + width, top + height)
    }

    /// The left edge.
    #[must_use]
    pub fn left(&self) -> f64 {
        self.left
    }

    /// The upper edge.
    #[must_use]
    pub fn top(&self) -> f64 {
        self.top
    }

    /// The right edge, right of `left`.
    #[must_use]
    pub fn right(&self) -> f64 {
        self.right
    }

    /// The lower edge, below `top`.
    #[must_use]
    pub fn bottom(&self) -> f64 {
        self.bottom
    }

    /// From left to right, above 0.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// From top to bottom, above 0.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Width times height, above 0.
    #[must_use]
    pub fn area(&self) -> f64 {
        self.width() * self.height()
    }

    /// The area that two boxes share.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        if width > 0.0 && height > 0.0 { width * height } else { 0.0 }
    }

    /// Intersection over union, 0 to 1.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f64 {
        let shared = self.intersection(other);
        shared / (self.area() + other.area() - shared)
    }

    /// The part that lies in a picture of `width` × `height` pixels, if there is any.
    #[must_use]
    pub fn within(&self, width: f64, height: f64) -> Option<Self> {
        Self::new(
            self.left.max(0.0),
            self.top.max(0.0),
            self.right.min(width),
            self.bottom.min(height),
        )
        .ok()
    }
}

/// A box that people drew: where something is, and what.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TrueBox {
    /// Where.
    pub bounds: BoundingBox,
    /// What: a class number.
    pub class: usize,
    /// Whether it surrounds many that nobody told apart (COCO's `iscrowd`): to find any of them is neither
    /// right nor wrong.
    pub crowd: bool,
    /// Whether it is too hard to be asked for (VOC's `difficult`): to find it is neither right nor wrong.
    pub difficult: bool,
    /// The area that tells small from large, where it is not the box's own: COCO's is that of the outline.
    pub area: Option<f64>,
}

impl TrueBox {
    /// An ordinary box.
    #[must_use]
    pub fn new(bounds: BoundingBox, class: usize) -> Self {
        Self { bounds, class, crowd: false, difficult: false, area: None }
    }

    /// Whether it is left out of account, a crowd or difficult: nobody is asked to find it or to learn from it.
    #[must_use]
    pub fn is_set_aside(&self) -> bool {
        self.crowd || self.difficult
    }
}

/// A box that a detector found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FoundBox {
    /// Where.
    pub bounds: BoundingBox,
    /// What: a class number.
    pub class: usize,
    /// How sure; higher is surer.
    pub score: f64,
}

/// Checks what evaluations are given: as many lists of true as of found boxes, known classes, finite scores.
pub(super) fn check_pictures(
    truths: &[Vec<TrueBox>],
    found: &[Vec<FoundBox>],
    classes: usize,
) -> Result<(), TransferError> {
    if truths.len() != found.len() {
        return Err(TransferError::Labels { rows: found.len(), labels: truths.len() });
    }
    for (row, (truths, found)) in truths.iter().zip(found).enumerate() {
        let labels = truths.iter().map(|truth| truth.class).chain(found.iter().map(|f| f.class));
        if let Some(label) = labels.into_iter().find(|&label| label >= classes) {
            return Err(TransferError::Label { label, row, classes });
        }
        if let Some((column, bad)) = found.iter().enumerate().find(|(_, f)| !f.score.is_finite()) {
            let what = "scores of found boxes";
            return Err(TransferError::NonFinite { what, row, column, value: bad.score });
        }
    }
    Ok(())
}

/// The order of scores, highest first, equals as they stand.
pub(super) fn by_score(found: &[FoundBox]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by(|&a, &b| found[b].score.total_cmp(&found[a].score));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_have_an_area() {
        for (left, top, right, bottom) in [
            (0.0, 0.0, 0.0, 5.0),
            (3.0, 0.0, 1.0, 5.0),
            (0.0, 5.0, 4.0, 1.0),
            (f64::NAN, 0.0, 1.0, 1.0),
            (0.0, 0.0, f64::INFINITY, 1.0),
            (0.0, 0.0, 1e-200, 1e-200),
        ] {
            let error = BoundingBox::new(left, top, right, bottom).unwrap_err();
            assert!(error.to_string().starts_with("a box from "), "{error}");
        }
        let error = BoundingBox::new(7.0, 0.0, 3.0, 5.0).unwrap_err().to_string();
        assert_eq!(
            error,
            "a box from (7, 0) to (3, 5): expected finite corners, the second right of and below the first"
        );
    }

    #[test]
    fn overlaps() {
        let a = BoundingBox::sized(0.0, 0.0, 4.0, 4.0).unwrap();
        let b = BoundingBox::sized(2.0, 0.0, 4.0, 4.0).unwrap();
        assert_eq!(a.intersection(&b), 8.0);
        assert_eq!(a.iou(&b), 8.0 / 24.0);
        assert_eq!(a.iou(&a), 1.0);
        let beside = BoundingBox::sized(4.0, 0.0, 1.0, 4.0).unwrap();
        assert_eq!(a.iou(&beside), 0.0);
        assert_eq!(b.within(4.0, 9.0), Some(BoundingBox::new(2.0, 0.0, 4.0, 4.0).unwrap()));
        assert_eq!(beside.within(4.0, 4.0), None);
    }
}
