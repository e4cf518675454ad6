//! Lists of words, one a line, beside files that hold vectors only.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::WordsError;
use crate::late::Late;
use crate::mapping::Mapping;
use crate::open::{OpenOptions, Source, is_compressed};
use crate::words::Words;

/// The endings of a list's name in place of the vectors' own, in the order of preference.
const ENDINGS: [&str; 3] = ["words.txt", "txt", "vocab"];

/// The first `limit` words of a list for a file of so many vectors.
pub(crate) fn read(
    path: &Path,
    options: &OpenOptions,
    rows: usize,
    limit: usize,
) -> Result<Words, WordsError> {
    let list = named_or_found(path, options)?;
    let mut bytes = Vec::new();
    let source = Source::open(&list)?;
    let _ = bytes
        .try_reserve_exact(source.length.and_then(|length| length.try_into().ok()).unwrap_or(0));
    let mut contents = source.contents;
    contents.read_to_end(&mut bytes).map_err(WordsError::read(&list))?;
    let mut words = Words::of_lines(&list, bytes)?;
    if words.len() != rows {
        return Err(WordsError::WordList { path: list, words: words.len(), rows });
    }
    words.truncate(limit);
    Ok(words)
}

/// The same for a file that is mapped: the list is mapped and checked, and read when a word is looked
/// at.
pub(crate) fn map(
    path: &Path,
    options: &OpenOptions,
    rows: usize,
    limit: usize,
) -> Result<Words, WordsError> {
    let list = named_or_found(path, options)?;
    // Whatever is unusual (a pipe, a compressed or an empty list, an error) is for the other way.
    let late = if list.is_file() {
        let mapping = Mapping::open(&list).ok().filter(|mapping| !is_compressed(mapping));
        mapping.and_then(|mapping| {
            let range = 0..mapping.len();
            Late::lines(mapping, range, limit)
        })
    } else {
        None
    };
    match late {
        Some((late, words)) if words == rows => Ok(Words::late(late)),
        _ => read(path, options, rows, limit),
    }
}

fn named_or_found(path: &Path, options: &OpenOptions) -> Result<PathBuf, WordsError> {
    options.words.as_ref().map_or_else(|| find(path), |list| Ok(list.clone()))
}

/// The list that is beside a file.
fn find(path: &Path) -> Result<PathBuf, WordsError> {
    let lists = ENDINGS.map(|ending| named(path, ending));
    if let Some(list) = lists.iter().find(|list| list.is_file() && *list != path) {
        return Ok(list.clone());
    }
    let [first, second, third] = lists.map(|list| list.display().to_string());
    Err(WordsError::NoWords {
        path: path.to_owned(),
        expected: format!("{first}, {second} or {third}"),
    })
}

/// The name of the list that is written with a file.
pub(crate) fn of(path: &Path) -> PathBuf {
    named(path, ENDINGS[0])
}

fn named(path: &Path, ending: &str) -> PathBuf {
    let compressed = path.extension().is_some_and(|ending| ending == "gz" || ending == "zst");
    let stem =
        if compressed { path.file_stem().map(Path::new) } else { path.file_name().map(Path::new) };
    let stem = stem.and_then(Path::file_stem).unwrap_or(OsStr::new(""));
    let mut name = stem.to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (path, list) in [
            ("a/x.npy", "a/x.words.txt"),
            ("x.npy.gz", "x.words.txt"),
            ("x.y.safetensors", "x.y.words.txt"),
            ("x", "x.words.txt"),
            ("x.gz", "x.words.txt"),
        ] {
            assert_eq!(of(Path::new(path)), Path::new(list));
        }
        assert_eq!(named(Path::new("/x.npy"), "vocab"), Path::new("/x.vocab"));
    }
}
