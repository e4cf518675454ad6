//! What several kinds of plan share.

pub(crate) mod class_words;
pub(crate) mod data_error;
pub(crate) mod dense;
pub(crate) mod descriptors;
pub mod encoder;
pub(crate) mod encoders;
pub mod parts;
pub(crate) mod scatter;
pub(crate) mod sentences;
pub(crate) mod space;
pub(crate) mod text;

/// At most `most` positions, evenly spread over `0..n`.
pub(crate) fn spread(n: usize, most: usize) -> Vec<usize> {
    let count = n.min(most);
    (0..count).map(|at| at * n / count).collect()
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn spread_covers_the_rows() {
        assert_eq!(spread(10, 4), [0, 2, 5, 7]);
        assert_eq!(spread(3, 9), [0, 1, 2]);
        assert_eq!(spread(0, 9), Vec::<usize>::new());
    }
}
