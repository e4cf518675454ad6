//! Pictures to train on, and work on a few of them at once.

use std::sync::{Mutex, PoisonError};

use procrust_images::Picture;
use rayon::prelude::*;

use crate::TransferError;

/// Pictures that are worked on at once: what bounds memory beside the rows.
const AT_ONCE: usize = 16;

/// Pictures, given one at a time so that they need not be in memory together.
pub trait PictureSource: Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The picture at a place below [`len`](Self::len), the same at each call.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being read.
    fn picture(&self, at: usize) -> Result<Picture, Box<dyn std::error::Error + Send + Sync>>;
}

impl PictureSource for Vec<Picture> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn picture(&self, at: usize) -> Result<Picture, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self[at].clone())
    }
}

/// What a training has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrainingStep {
    /// What is done: `reading`, `sampling`, `mining`, `fitting`, `calibrating`.
    pub stage: &'static str,
    /// How many pictures (or shapes of windows) are done.
    pub done: usize,
    /// Of how many.
    pub total: usize,
}

/// The picture at a place.
pub(super) fn read(pictures: &dyn PictureSource, at: usize) -> Result<Picture, TransferError> {
    pictures.picture(at).map_err(|cause| TransferError::Picture { at, cause })
}

/// Work on pictures, a few at once; the answers are given on in order, up to the first error.
pub(super) fn in_order<T: Send>(
    which: &[usize],
    stage: &'static str,
    progress: &(dyn Fn(TrainingStep) + Sync),
    work: impl Fn(usize) -> Result<T, TransferError> + Sync,
    mut give: impl FnMut(usize, T),
) -> Result<(), TransferError> {
    let done = Mutex::new(0);
    let one = |&at: &usize| {
        let result = work(at);
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        progress(TrainingStep { stage, done: *done, total: which.len() });
        result
    };
    for few in which.chunks(AT_ONCE) {
        let results: Vec<Result<T, TransferError>> =
            few.par_iter().with_max_len(1).map(one).collect();
        for (&at, result) in few.iter().zip(results) {
            give(at, result?);
        }
    }
    Ok(())
}
