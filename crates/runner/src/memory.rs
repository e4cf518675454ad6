//! How much memory some work holds at most.

#![allow(unsafe_code, reason = "a global allocator is unsafe to write; every call is handed on")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicIsize, Ordering::Relaxed},
};

/// The system's allocator, which counts bytes while a benchmark's run lasts and else costs one look at
/// a flag a call: nothing that could be measured beside the 13 ns of taking and giving back 64 bytes.
///
/// A program that wants `peak_mb` in a benchmark's results makes it the global one, as `procrust` does:
///
/// ```
/// use procrust_runner::CountingAllocator;
///
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator = CountingAllocator;
/// # fn main() {}
/// ```
///
/// It sees what Rust code asks for, matrices and the working memory of LAPACK calls included; it does not
/// see what C code takes by itself (OpenBLAS: some fixed buffers a thread), stacks, and the room that the
/// system's allocator leaves between blocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

static COUNTS: AtomicBool = AtomicBool::new(false);
/// Bytes taken less bytes given back since counting began; below 0 where older blocks were given back.
static HELD: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

/// No block is larger than `isize::MAX` bytes.
#[allow(clippy::cast_possible_wrap, reason = "a layout's size fits")]
fn note(more: usize, less: usize) {
    if COUNTS.load(Relaxed) {
        let change = more as isize - less as isize;
        let held = HELD.fetch_add(change, Relaxed) + change;
        if held > PEAK.load(Relaxed) {
            PEAK.fetch_max(held, Relaxed);
        }
    }
}

// SAFETY: every call is handed on as it is.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What some work gives, and the most bytes that were held while it lasted beyond those held before, by
/// all threads; `None` where the program has another allocator.
///
/// One at a time: whoever else works meanwhile is counted in.
pub(crate) fn peak_of<T>(work: impl FnOnce() -> T) -> (T, Option<usize>) {
    HELD.store(0, Relaxed);
    PEAK.store(0, Relaxed);
    COUNTS.store(true, Relaxed);
    // Shows that there is somebody who counts, however little the work takes.
    drop(std::hint::black_box(Box::new(0_u64)));
    let done = work();
    COUNTS.store(false, Relaxed);
    let peak = usize::try_from(PEAK.load(Relaxed)).unwrap_or(0);
    (done, (peak > 0).then_some(peak))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: CountingAllocator = CountingAllocator;

    /// Other tests run beside it and hold little.
    #[test]
    fn the_peak_counts_what_was_given_back_and_what_grew() {
        const BYTES: usize = 256 << 20;
        let (kept, peak) = peak_of(|| {
            drop(std::hint::black_box(vec![0_u8; BYTES]));
            let mut grown = std::hint::black_box(vec![1_u8; BYTES / 16]);
            grown.resize(BYTES / 8, 2);
            grown.len()
        });
        let peak = peak.unwrap();
        assert_eq!(kept, BYTES / 8);
        assert!(peak > BYTES / 4 * 3 && peak < BYTES / 4 * 5, "{peak}");
    }
}
