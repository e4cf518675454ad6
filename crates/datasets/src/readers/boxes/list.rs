//! Lists of pictures.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::{AnnotatedPicture, annotation_error, text_of};
use crate::DatasetError;
use crate::readers::names::nearest;

/// The most bytes of a list.
const LONGEST: u64 = 1 << 28;

pub(super) fn pick(
    pictures: &[AnnotatedPicture],
    list: &Path,
) -> Result<Vec<AnnotatedPicture>, DatasetError> {
    let text = text_of(list, LONGEST)?;
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for (at, picture) in pictures.iter().enumerate() {
        let stem = picture.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        by_name.entry(stem).or_insert(at);
    }
    for (at, picture) in pictures.iter().enumerate() {
        by_name.insert(picture.name().to_string_lossy().into_owned(), at);
    }
    let (mut picked, mut seen) = (Vec::new(), HashSet::new());
    for (line, text) in text.lines().enumerate() {
        let name = text.split([',', '\t', ' ']).next().unwrap_or_default().trim().trim_matches('"');
        if name.is_empty() || (line == 0 && name.eq_ignore_ascii_case("filename")) {
            continue;
        }
        let Some(&at) = by_name.get(name) else {
            let hint =
                nearest(name, by_name.keys().map(String::as_str).collect::<Vec<_>>().into_iter());
            let hint = hint.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"));
            let problem = format!("no annotated picture is called `{name}`{hint}");
            return Err(annotation_error(list, line as u64 + 1, problem));
        };
        if seen.insert(at) {
            picked.push(pictures[at].clone());
        }
    }
    if picked.is_empty() {
        let what = "expected the names of pictures, one a line".to_owned();
        return Err(DatasetError::Empty { path: list.into(), what });
    }
    Ok(picked)
}
