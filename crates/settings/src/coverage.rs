//! For tests of the crates that declare methods: which of them have no golden test or no page.

use std::{fs, io, path::Path};

/// The names without a golden test: a function after `#[test]`, in a source file below `folder`, whose
/// name begins with the method's name in snake case.
///
/// # Errors
///
/// Those of reading the folder.
///
/// # Panics
///
/// If there is no test at all, which means that the folder is the wrong one.
pub fn without_golden_test(names: &[&'static str], folder: &Path) -> io::Result<Vec<&'static str>> {
    let mut tests = Vec::new();
    for text in texts(folder, "rs")? {
        let after = text.lines().map(str::trim).skip_while(|line| *line != "#[test]");
        let lines: Vec<&str> = after.collect();
        let functions = lines.windows(2).filter(|pair| pair[0] == "#[test]");
        tests.extend(functions.filter_map(|pair| pair[1].strip_prefix("fn ")).map(str::to_owned));
    }
    assert!(!tests.is_empty(), "there are tests in {}", folder.display());
    let begins = |test: &String, name: &str| {
        let rest = test.strip_prefix(&name.replace('-', "_"));
        rest.is_some_and(|rest| rest.starts_with(['_', '(']))
    };
    let missing = |name: &&&str| !tests.iter().any(|test| begins(test, name));
    Ok(names.iter().filter(missing).copied().collect())
}

/// The names without a page: neither a file of `folder` is called like the method, nor does a heading
/// or the first cell of a table's row name it.
///
/// # Errors
///
/// Those of reading the folder.
pub fn without_page(names: &[&'static str], folder: &Path) -> io::Result<Vec<&'static str>> {
    let mut titles: Vec<String> = Vec::new();
    for text in texts(folder, "md")? {
        for line in text.lines() {
            match line.strip_prefix('|') {
                Some(cells) => titles.extend(cells.split('|').next().map(str::to_lowercase)),
                None if line.starts_with('#') => titles.push(line.to_lowercase()),
                None => {}
            }
        }
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        titles.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    let names_it = |title: &String, name: &str| {
        title.split(|c: char| !(c.is_alphanumeric() || c == '-')).any(|part| part == name)
    };
    let missing = |name: &&&str| !titles.iter().any(|title| names_it(title, name));
    Ok(names.iter().filter(missing).copied().collect())
}

/// The text of every file with this extension below a folder.
fn texts(folder: &Path, extension: &str) -> io::Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            texts.extend(self::texts(&path, extension)?);
        } else if path.extension().is_some_and(|found| found == extension) {
            texts.push(fs::read_to_string(path)?);
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let names = ["what-is-missing", "what-is", "is-missing"];
        assert_eq!(without_golden_test(&names, &source).unwrap(), ["is-missing"]);
        let root = source.parent().unwrap();
        assert_eq!(
            without_page(&["procrust-settings", "nothing-of"], root).unwrap(),
            ["nothing-of"]
        );
    }
}
