//! What training works with.

use procrust_images::DescribeDense;

use super::limits::{Kept, Quotas};
use super::pictures::{PictureSource, TrainingStep};
use super::settings::DetectorTraining;
use crate::detection::boxes::TrueBox;
use crate::detection::heads::Parameters;
use crate::detection::windows::{Scales, WindowShape};

/// What training works with.
pub(super) struct Context<'a> {
    pub(super) training: &'a DetectorTraining,
    pub(super) describe: &'a dyn DescribeDense,
    pub(super) pictures: &'a dyn PictureSource,
    pub(super) truths: &'a [Vec<TrueBox>],
    pub(super) classes: usize,
    pub(super) channels: usize,
    pub(super) scales: Scales,
    pub(super) shapes: Vec<WindowShape>,
    pub(super) sources: Vec<Parameters>,
    pub(super) kept: Kept,
    pub(super) quotas: Quotas,
    pub(super) progress: &'a (dyn Fn(TrainingStep) + Sync),
}
