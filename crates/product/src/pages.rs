//! Memory for large matrices in large pages (Linux).
//!
//! The system hands out memory page by page, when a thread first touches it. A matrix of 80 MB takes
//! 20,000 pages of 4 KB or 40 pages of 2 MB. Linux gives large pages to memory that asks for them, if
//! its settings allow it. On other systems these functions change nothing.

/// Asks for large pages for the spare capacity of a vector.
///
/// This is only a hint; allocations below 4 MB are skipped.
pub fn prefer_large<T>(values: &mut Vec<T>) {
    let spare = values.spare_capacity_mut();
    advise(spare.as_mut_ptr().cast(), size_of_val(spare));
}

/// `length` zeros, in large pages if they take at least 4 MB.
///
/// Untouched pages belong to the thread that first writes to them.
#[must_use]
pub fn zeros<T: Default + Clone>(length: usize) -> Vec<T> {
    // The allocator has zeroed memory for numbers and writes none.
    let mut values = vec![T::default(); length];
    advise(values.as_mut_ptr().cast(), size_of_val(values.as_slice()));
    values
}

/// Asks for large pages for `bytes` from `start` on, which the caller borrows exclusively.
#[cfg(target_os = "linux")]
fn advise(start: *mut u8, bytes: usize) {
    /// Smaller allocations gain too little: two large pages, in bytes.
    const LEAST: usize = 4 << 20;
    /// The call takes whole pages; 64 KiB is a multiple of every page size.
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
    #[allow(unsafe_code, reason = "the system call takes a pointer")]
    // SAFETY: the pages from `start` on lie entirely within memory that the caller borrows
    // exclusively. The advice changes the size of the pages that back this memory, and neither its
    // content nor who may read or write it.
    let _ = unsafe { libc::madvise(start.cast(), length, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_: *mut u8, _: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Content, address and capacity stay.
    #[test]
    fn only_the_pages_change() {
        for capacity in [0, 1, 1 << 10, 3 << 20, (5 << 20) + 7] {
            for before in [0, 5] {
                let mut values: Vec<f32> = Vec::with_capacity(capacity + before);
                values.extend((0..before).map(|i| i as f32));
                let (start, capacity_before) = (values.as_ptr(), values.capacity());
                prefer_large(&mut values);
                values.resize(capacity + before, 0.5);
                assert_eq!((values.as_ptr(), values.capacity()), (start, capacity_before));
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
