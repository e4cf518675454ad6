//! Errors as people read them.

use std::error::Error;

/// An error and its causes in one line.
#[must_use]
pub fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stand_behind_their_effect() {
        let cause = std::io::Error::other("the disk is full");
        let error = crate::RunPlanError::Write(cause);
        assert_eq!(in_full(&error), "cannot write the results: the disk is full");
    }
}
