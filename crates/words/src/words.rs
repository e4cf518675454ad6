//! The words of a vocabulary, in one buffer.

use std::fmt;
use std::ops::Index;
use std::path::Path;
use std::sync::OnceLock;

use memchr::memchr_iter;

use crate::error::{WordsError, shown};
use crate::late::Late;

/// What stands behind each word in the buffer; of no meaning, since words may hold it.
const SEPARATOR: char = '\n';

/// The words of a vocabulary, in the order of the rows.
///
/// They lie in one buffer: a vocabulary of a million words is read in milliseconds, and takes
/// nine bytes a word beside the words themselves. It compares with slices of strings:
///
/// ```
/// # use procrust_words::Embeddings;
/// # use ndarray::array;
/// # let few = Embeddings::new(vec!["a".into(), "b".into()], array![[1.0], [2.0]])?;
/// assert_eq!(few.words(), ["a", "b"]);
/// assert_eq!(&few.words()[1], "b");
/// assert_eq!(few.words().iter().map(str::len).sum::<usize>(), 2);
/// # Ok::<(), procrust_words::WordsError>(())
/// ```
///
/// Those of a file that was opened with [`OpenOptions::map`](crate::OpenOptions::map) are checked when
/// it is opened, and put into the buffer when one of them is looked at for the first time.
#[derive(Clone, Default)]
pub struct Words {
    list: OnceLock<List>,
    /// Where the list comes from when it is wanted. Without, it is there or empty.
    late: Option<Late>,
}

/// Words one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct List {
    /// Every word, a separator behind each.
    text: String,
    /// For each word, where the next one starts.
    ends: Vec<usize>,
}

impl Words {
    /// The number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.late.as_ref().map_or_else(|| self.list().ends.len(), Late::len)
    }

    /// Whether there are no words.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The word of a row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        let List { text, ends } = self.list();
        let end = *ends.get(row)?;
        let start = if row == 0 { 0 } else { ends[row - 1] };
        Some(&text[start..end - SEPARATOR.len_utf8()])
    }

    /// The words in their buffer.
    fn list(&self) -> &List {
        self.list.get_or_init(|| {
            let Some(late) = &self.late else { return List::default() };
            let mut list = List::default();
            list.expect(late.len(), late.bytes());
            late.each(|word| list.push(word));
            list
        })
    }

    /// The same, to be changed.
    fn list_mut(&mut self) -> &mut List {
        self.list();
        self.late = None;
        self.list.get_mut().expect("it was just made")
    }

    /// Words that stay in a mapped file until they are looked at.
    pub(crate) fn late(late: Late) -> Self {
        Self { list: OnceLock::new(), late: Some(late) }
    }

    /// All words in their order.
    #[must_use = "iterators do nothing unless they are used"]
    pub fn iter(&self) -> Iter<'_> {
        Iter { words: self, rows: 0..self.len() }
    }

    /// The words as strings of their own.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }

    pub(crate) fn push(&mut self, word: &str) {
        self.list_mut().push(word);
    }

    /// Makes room for so many more words of so many bytes in all, as far as there is any.
    pub(crate) fn expect(&mut self, words: usize, bytes: usize) {
        self.list_mut().expect(words, bytes);
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        let List { text, ends } = self.list_mut();
        if len < ends.len() {
            ends.truncate(len);
            text.truncate(ends.last().copied().unwrap_or(0));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.truncate(0);
    }

    /// The words of a list, one a line; `path` is for the error.
    pub(crate) fn of_lines(path: &Path, list: Vec<u8>) -> Result<Self, WordsError> {
        let mut text = utf8(path, list)?;
        if memchr::memchr(b'\r', text.as_bytes()).is_some() {
            text = text.replace("\r\n", "\n");
        }
        Ok(Self::of_text(text))
    }

    /// The words of a text, a line feed behind each; the one behind the last may be missing.
    pub(crate) fn of_text(mut text: String) -> Self {
        if !text.is_empty() && !text.ends_with(SEPARATOR) {
            text.push(SEPARATOR);
        }
        let mut ends = Vec::with_capacity(text.len() / 8);
        ends.extend(memchr_iter(SEPARATOR as u8, text.as_bytes()).map(|at| at + 1));
        Self { list: List { text, ends }.into(), late: None }
    }

    /// The words, a line feed behind each.
    pub(crate) fn text(&self) -> &str {
        &self.list().text
    }
}

impl List {
    fn push(&mut self, word: &str) {
        self.text.push_str(word);
        self.text.push(SEPARATOR);
        self.ends.push(self.text.len());
    }

    fn expect(&mut self, words: usize, bytes: usize) {
        // Only a hint: without it the vectors grow as they must.
        let _ = self.ends.try_reserve_exact(words);
        let _ = self.text.try_reserve_exact(bytes);
    }
}

impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        self.list() == other.list()
    }
}

impl Eq for Words {}

/// A text of words, one a line; `path` is for the error.
pub(crate) fn utf8(path: &Path, text: Vec<u8>) -> Result<String, WordsError> {
    String::from_utf8(text).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        let start = bytes[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let end = bytes[at..].iter().position(|&byte| byte == b'\n');
        let end = end.map_or(bytes.len(), |end| at + end);
        WordsError::Utf8 {
            path: path.to_owned(),
            line: 1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count() as u64,
            text: shown(&bytes[start..end]),
        }
    })
}

impl Index<usize> for Words {
    type Output = str;

    /// The word of a row.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    fn index(&self, row: usize) -> &str {
        self.get(row).unwrap_or_else(|| panic!("row {row} of {} words", self.len()))
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<W: AsRef<str>> PartialEq<[W]> for Words {
    fn eq(&self, other: &[W]) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter().map(AsRef::as_ref))
    }
}

impl<W: AsRef<str>> PartialEq<Vec<W>> for &Words {
    fn eq(&self, other: &Vec<W>) -> bool {
        **self == **other
    }
}

impl<W: AsRef<str>, const N: usize> PartialEq<[W; N]> for &Words {
    fn eq(&self, other: &[W; N]) -> bool {
        **self == other[..]
    }
}

impl<W: AsRef<str>> FromIterator<W> for Words {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        let mut collected = Self::default();
        for word in words {
            collected.push(word.as_ref());
        }
        collected
    }
}

impl<'a> IntoIterator for &'a Words {
    type Item = &'a str;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Iterates over [`Words`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    words: &'a Words,
    rows: std::ops::Range<usize>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.words.get(self.rows.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<&'a str> {
        self.words.get(self.rows.nth(n)?)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.words.get(self.rows.next_back()?)
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(list: &[u8]) -> Result<Vec<String>, String> {
        Words::of_lines(Path::new("f"), list.to_vec())
            .map(|words| words.to_vec())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn any_word_is_held() {
        let all = ["", "a", "\n", "été\n", ""];
        let mut words: Words = all.iter().collect();
        assert_eq!(&words, all);
        assert_eq!(words.iter().rev().nth(1), Some("été\n"));
        assert_eq!((words.get(5), words.iter().len(), &words[1]), (None, 5, "a"));
        assert_eq!(format!("{words:?}"), r#"["", "a", "\n", "été\n", ""]"#);
        words.truncate(9);
        words.truncate(2);
        words.push("b");
        assert_eq!(&words, ["", "a", "b"]);
        words.clear();
        assert!(words.is_empty());
    }

    #[test]
    fn lists() {
        assert_eq!(lines(b""), Ok(vec![]));
        assert_eq!(lines(b"\n"), Ok(vec![String::new()]));
        assert_eq!(lines(b"a\n\nb c"), Ok(["a", "", "b c"].map(str::to_owned).to_vec()));
        assert_eq!(lines(b"a\r\nb\rc\n"), Ok(["a", "b\rc"].map(str::to_owned).to_vec()));
        assert_eq!(
            lines(b"a\nb \xff c\nd"),
            Err("f:2: the word is not UTF-8: `b \u{fffd} c`".to_owned())
        );
    }
}
