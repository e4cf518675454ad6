//! Large pages for the memory of a matrix.

/// Asks the system for large pages where a vector has room that is not written yet: there are fewer
/// to be handed out then, which is most of the time that it takes to fill a matrix. Only a hint.
pub(crate) fn prefer_large(values: &mut Vec<f32>) {
    /// What is worth the question, in bytes: some large pages.
    const LEAST: usize = 8 << 20;
    #[cfg(target_os = "linux")]
    {
        // A part of a page cannot be asked for; 64 KiB is a multiple of every size of a page.
        const PAGE: usize = 1 << 16;
        let room = values.spare_capacity_mut();
        let bytes = size_of_val(room);
        if bytes < LEAST {
            return;
        }
        let start = room.as_mut_ptr().cast::<u8>();
        let skipped = start.align_offset(PAGE);
        let length = bytes.saturating_sub(skipped) / PAGE * PAGE;
        if length < LEAST / 2 {
            return;
        }
        let start = start.wrapping_add(skipped);
        #[allow(unsafe_code, reason = "the system's call takes a pointer")]
        // SAFETY: the pages from `start` on lie whole within the room of `values`, which this
        // function borrows alone. The advice changes how large the pages are that the system backs
        // them with, and neither what they hold nor who may read or write them.
        let _ = unsafe { libc::madvise(start.cast(), length, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (values, LEAST);
}

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
}
