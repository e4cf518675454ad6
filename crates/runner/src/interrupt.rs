//! Ctrl-C during training: training stops by itself and keeps the best model so far.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);
static LISTENING: AtomicUsize = AtomicUsize::new(0);

/// While it lives, training checks [`asked`] and stops soon after.
#[derive(Debug)]
pub struct Listens(());

impl Listens {
    /// Counts a listener until it is dropped.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a default would look as if it did nothing")]
    pub fn new() -> Self {
        LISTENING.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Listens {
    fn drop(&mut self) {
        LISTENING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Asks training to stop. Returns whether there is training to wait for; `false` when it was asked before.
pub fn ask() -> bool {
    let first = !ASKED.swap(true, Ordering::SeqCst);
    first && LISTENING.load(Ordering::SeqCst) > 0
}

/// Whether training was asked to stop.
#[must_use]
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
