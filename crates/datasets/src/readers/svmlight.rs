//! svmlight and libsvm text: `label [qid:n] index:value … [# comment]` on each line.

use std::io::BufRead;
use std::path::Path;

use super::source::{Source, quote, read_error};
use super::{Table, TableOptions, labels, refuse_features, table};
use crate::DatasetError;

/// The rows of the file, zeros left out.
#[derive(Default)]
struct Sparse {
    /// Where each row ends in `indices` and `values`.
    ends: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
    labels: Vec<String>,
}

pub(super) fn read(path: &Path, options: &TableOptions) -> Result<Table, DatasetError> {
    refuse_features(path, options)?;
    if let Some(name) = &options.labels {
        let problem =
            format!("labels `{name}` were asked for, but svmlight lines begin with theirs");
        return Err(DatasetError::Unsupported { path: path.into(), problem });
    }
    parse(path)?.into_table(path)
}

fn parse(path: &Path) -> Result<Sparse, DatasetError> {
    let mut reader = Source::open(path)?.reader;
    let mut sparse = Sparse::default();
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        if read.map_err(|cause| read_error(path, cause))? == 0 {
            return Ok(sparse);
        }
        number += 1;
        sparse.push(&line).map_err(|(text, problem)| DatasetError::Pair {
            path: path.into(),
            line: number,
            text: quote(text),
            problem,
        })?;
    }
}

impl Sparse {
    /// Reads one line; fails with the word that is wrong.
    fn push<'a>(&mut self, line: &'a [u8]) -> Result<(), (&'a [u8], &'static str)> {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let Some(label) = words.next() else {
            return Ok(()); // an empty line, or nothing but a comment
        };
        let label_text = std::str::from_utf8(label).map_err(|_| (label, "not UTF-8"))?;
        if label.contains(&b':') {
            return Err((label, "a label was expected first"));
        }
        let mut last = None;
        for word in words {
            if word.starts_with(b"qid:") && last.is_none() {
                continue;
            }
            let colon = word.iter().position(|&byte| byte == b':');
            let (index, value) = match colon {
                Some(colon) => (&word[..colon], &word[colon + 1..]),
                None => return Err((word, "expected index:value")),
            };
            let index = parse_index(index)
                .ok_or((word, "the index should be a whole number from 0 to 4294967294"))?;
            let value: f32 = std::str::from_utf8(value)
                .ok()
                .and_then(|value| value.parse().ok())
                .ok_or((word, "the value is not a number"))?;
            if last.is_some_and(|last| last >= index) {
                return Err((word, "indices should increase along a line"));
            }
            last = Some(index);
            self.indices.push(index);
            self.values.push(value);
        }
        self.ends.push(self.indices.len());
        // Most files have few labels, and neighbours share theirs.
        match self.labels.last().filter(|last| last.as_bytes() == label) {
            Some(last) => self.labels.push(last.clone()),
            None => self.labels.push(labels::canonical(label_text)),
        }
        Ok(())
    }

    fn into_table(self, path: &Path) -> Result<Table, DatasetError> {
        let first = self.indices.iter().min().map(|&first| first as usize);
        let Some((first, last)) = first.zip(self.indices.iter().max()) else {
            let what = format!("{} lines without a single index:value", self.ends.len());
            return Err(DatasetError::Empty { path: path.into(), what });
        };
        let base = first.min(1);
        let columns = *last as usize + 1 - base;

        let mut features = table::zeros(path, self.ends.len(), columns)?;
        let mut start = 0;
        for (row, &end) in self.ends.iter().enumerate() {
            for (&index, &value) in self.indices[start..end].iter().zip(&self.values[start..end]) {
                let column = index as usize - base;
                if !value.is_finite() {
                    let (row, column) = (row + 1, column + 1);
                    return Err(DatasetError::NonFinite { path: path.into(), row, column, value });
                }
                features[(row, column)] = value;
            }
            start = end;
        }
        Ok(Table::new(path, features, Some(self.labels)).into_sparse(Some(first), base))
    }
}

/// A number of digits only, below the largest of 32 bits.
fn parse_index(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 10 {
        return None;
    }
    let value = digits.iter().try_fold(0u64, |value, &byte| {
        byte.is_ascii_digit().then(|| 10 * value + u64::from(byte - b'0'))
    })?;
    u32::try_from(value).ok().filter(|&value| value < u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_as_writers_make_them() {
        let mut sparse = Sparse::default();
        sparse.push(b"+1 qid:3 1:0.5 7:-2e-1 # text 3:4\r\n").unwrap();
        sparse.push(b"# only a comment\n").unwrap();
        sparse.push(b"\n").unwrap();
        sparse.push(b"spam\t2:1").unwrap();
        sparse.push(b"-1 \n").unwrap();
        assert_eq!(sparse.ends, [2, 3, 3]);
        assert_eq!(sparse.indices, [1, 7, 2]);
        assert_eq!(sparse.values, [0.5, -0.2, 1.0]);
        assert_eq!(sparse.labels, ["1", "spam", "-1"]);
    }

    #[test]
    fn the_wrong_word_is_named() {
        let wrong = |line: &'static [u8]| Sparse::default().push(line).unwrap_err();
        assert_eq!(wrong(b"1:2 3:4"), (&b"1:2"[..], "a label was expected first"));
        assert_eq!(wrong(b"1 2:3 x").0, b"x");
        assert_eq!(wrong(b"1 2:").0, b"2:");
        assert_eq!(wrong(b"1 -2:3").0, b"-2:3");
        assert_eq!(wrong(b"1 4294967295:3").0, b"4294967295:3");
        assert_eq!(wrong(b"1 2:3 2:4"), (&b"2:4"[..], "indices should increase along a line"));
    }
}
