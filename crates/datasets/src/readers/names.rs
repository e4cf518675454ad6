//! Names of variables and columns in messages.

use std::path::Path;

use crate::DatasetError;

/// Names told in one message.
const TOLD: usize = 20;
/// How alike a name must be to be offered, out of 1.
const ALIKE: f64 = 0.5;

/// `3×4`.
pub(super) fn shape(axes: &[usize]) -> String {
    axes.iter().map(ToString::to_string).collect::<Vec<_>>().join("×")
}

/// A list that stays readable however many there are.
pub(super) fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let told = names[..names.len().min(TOLD)].join(", ");
    match names.len().saturating_sub(TOLD) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}

/// The name nearest to the one asked for, if one is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let name = name.to_lowercase();
    let alike = |other: &str| {
        let other = other.to_lowercase();
        // "feature" and "features_train" are far apart letter by letter, yet near.
        let part = other.contains(&name) || name.contains(&other);
        strsim::normalized_damerau_levenshtein(&name, &other) + if part { 0.5 } else { 0.0 }
    };
    known
        .filter(|other| !other.is_empty())
        .map(|other| (alike(other), other))
        .filter(|&(likeness, _)| likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other.to_owned())
}

/// The error for a name that is not in the file.
pub(super) fn not_found<'a>(
    path: &Path,
    kind: &'static str,
    name: &str,
    known: String,
    names: impl Iterator<Item = &'a str>,
) -> DatasetError {
    let nearest = nearest(name, names);
    DatasetError::NotFound { path: path.into(), kind, name: name.to_owned(), known, nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_only_if_near() {
        let known = ["fts", "labels", "features_train"];
        let near = |name| nearest(name, known.into_iter());
        assert_eq!(near("label").as_deref(), Some("labels"));
        assert_eq!(near("FTS").as_deref(), Some("fts"));
        assert_eq!(near("features").as_deref(), Some("features_train"));
        assert_eq!(near("quux"), None);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..25).map(|i| i.to_string()).collect();
        assert!(list(&names).ends_with("19 and 5 more"));
        assert_eq!(list(&names[..2]), "0, 1");
        assert_eq!(list(&[]), "none");
    }
}
