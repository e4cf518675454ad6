//! Ctrl-C while something is trained: it ends by itself, with the best so far.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);
static LISTENING: AtomicUsize = AtomicUsize::new(0);

/// While it lives, somebody looks at [`asked`] and ends soon.
pub(crate) struct Listens(());

impl Listens {
    pub(crate) fn new() -> Self {
        LISTENING.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Listens {
    fn drop(&mut self) {
        LISTENING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Asks whatever is trained to end, and tells whether there is anything to wait for: not when it was
/// asked before.
pub fn ask() -> bool {
    let first = !ASKED.swap(true, Ordering::SeqCst);
    first && LISTENING.load(Ordering::SeqCst) > 0
}

/// Whether it was asked to end.
#[must_use]
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
