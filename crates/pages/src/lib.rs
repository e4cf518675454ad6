//! Large pages for the memory of a matrix.
//!
//! The system hands out memory by the page as it is first touched. Pages of 4 KB for a matrix of 80 MB are 20,000
//! interruptions; of 2 MB, 40. Linux does so where it is asked, and its settings allow it; elsewhere nothing changes.

/// Asks for large pages where a vector has room that is not written yet. Only a hint, which small rooms are spared.
pub fn prefer_large<T>(values: &mut Vec<T>) {
    let room = values.spare_capacity_mut();
    advise(room.as_mut_ptr().cast(), size_of_val(room));
}

/// Zeros, `length` of them, in large pages where that is worth it. Untouched pages of a new matrix are taken by the
/// thread that first writes to them.
#[must_use]
pub fn zeros<T: Default + Clone>(length: usize) -> Vec<T> {
    // Of numbers, the allocator has zeros without writing any.
    let mut values = vec![T::default(); length];
    advise(values.as_mut_ptr().cast(), size_of_val(values.as_slice()));
    values
}

/// Asks for large pages for `bytes` from `start` on, which the caller borrows alone.
#[cfg(target_os = "linux")]
fn advise(start: *mut u8, bytes: usize) {
    /// What is worth the question, in bytes: some large pages.
    const LEAST: usize = 4 << 20;
    // A part of a page cannot be asked for; 64 KiB is a multiple of every size of a page.
    const PAGE: usize = 1 << 16;
    if bytes < LEAST {
        return;
    }
    let skipped = start.align_offset(PAGE);
    let length = bytes.saturating_sub(skipped) / PAGE * PAGE;
    if length < LEAST / 2 {
        return;
    }
    let start = start.wrapping_add(skipped);
    #[allow(unsafe_code, reason = "the system's call takes a pointer")]
    // SAFETY: the pages from `start` on lie whole within the memory that the caller borrows alone. The advice changes how
    // large the pages are that the system backs them with, and neither what they hold nor who may read or write them.
    let _ = unsafe { libc::madvise(start.cast(), length, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_: *mut u8, _: usize) {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written before and after stays.
    #[test]
    fn nothing_else_changes() {
        for capacity in [0, 1, 1 << 10, 3 << 20, (5 << 20) + 7] {
            for before in [0, 5] {
                let mut values: Vec<f32> = Vec::with_capacity(capacity + before);
                values.extend((0..before).map(|i| i as f32));
                let (start, room) = (values.as_ptr(), values.capacity());
                prefer_large(&mut values);
                values.resize(capacity + before, 0.5);
                assert_eq!((values.as_ptr(), values.capacity()), (start, room));
                assert!(values[..before].iter().enumerate().all(|(i, &value)| value == i as f32));
                assert!(values[before..].iter().all(|&value| value == 0.5));
            }
        }
    }

    #[test]
    fn zeros_of_any_length() {
        for length in [0, 1, 1 << 10, (5 << 20) + 7] {
            let mut values: Vec<f64> = zeros(length);
            assert!(values.len() == length && values.iter().all(|&value| value == 0.0));
            values.fill(1.0);
            assert!(values.iter().all(|&value| value == 1.0));
        }
    }
}
