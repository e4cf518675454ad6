//! Words that stay in a mapped file until they are looked at.

use std::ops::Range;

use rayon::prelude::*;

use crate::mapping::Mapping;

/// What one thread checks in one go, in bytes.
const BLOCK: usize = 1 << 18;

/// Words in a mapped file, which were checked: there are as many as it says, and they are UTF-8.
///
/// Should somebody change the file, which nobody may, other words come out of it.
#[derive(Debug, Clone)]
pub(crate) struct Late {
    mapping: Mapping,
    range: Range<usize>,
    form: Form,
    len: usize,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    /// A line feed behind each word; the last may be without.
    Lines,
    /// Before each word its length in four bytes.
    Prefixed,
}

impl Late {
    /// A list of words, one a line, or `None` if it has to be read in another way: with carriage
    /// returns, or not in UTF-8. Its words and how many of them are wanted.
    pub(crate) fn lines(
        mapping: Mapping,
        range: Range<usize>,
        limit: usize,
    ) -> Option<(Self, usize)> {
        let bytes = mapping.get(range.clone())?;
        if memchr::memchr(b'\r', bytes).is_some() {
            return None;
        }
        Self::text(mapping, range, limit)
    }

    /// The same of words that may have carriage returns in them.
    pub(crate) fn text(
        mapping: Mapping,
        range: Range<usize>,
        limit: usize,
    ) -> Option<(Self, usize)> {
        let bytes = mapping.get(range.clone())?;
        let lines: Option<usize> = pieces(bytes)
            .into_par_iter()
            .map(|piece| {
                let text = std::str::from_utf8(piece).ok()?;
                Some(memchr::memchr_iter(b'\n', text.as_bytes()).count())
            })
            .sum();
        let open_end = bytes.last().is_some_and(|&byte| byte != b'\n');
        let all = lines? + usize::from(open_end);
        let len = all.min(limit);
        Some((Self { mapping, range, form: Form::Lines, len }, all))
    }

    /// The first `wanted` of `all` words from `start` on, each behind its length, and where the last of
    /// all ends. `None` if they do not end within the file or are not in UTF-8, as far as they are wanted.
    pub(crate) fn prefixed(
        mapping: &Mapping,
        start: usize,
        all: usize,
        wanted: usize,
    ) -> Option<(Self, usize)> {
        let bytes: &[u8] = mapping;
        let (mut at, mut lengths) = (start, 0);
        let mut walk = |words: usize| {
            for _ in 0..words {
                let prefix = u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
                lengths |= prefix;
                at = at.checked_add(4)?.checked_add(prefix as usize)?;
            }
            (at <= bytes.len()).then_some(at)
        };
        let range = start..walk(wanted)?;
        let end = walk(all - wanted)?;
        let found = &bytes[range.clone()];
        // With lengths whose bytes are ASCII, the words are UTF-8 if all is: none of them can start or
        // end within a character.
        let utf8 = lengths & 0x8080_8080 == 0
            && pieces(found).into_par_iter().all(|piece| std::str::from_utf8(piece).is_ok());
        let late = Self { mapping: mapping.clone(), range, form: Form::Prefixed, len: wanted };
        utf8.then_some((late, end))
    }

    /// The number of words.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many bytes they may have, one more for each included.
    pub(crate) fn bytes(&self) -> usize {
        self.range.len() + 1
    }

    /// Hands on each word.
    pub(crate) fn each(&self, mut word: impl FnMut(&str)) {
        let mut rest = self.mapping.get(self.range.clone()).unwrap_or(&[]);
        for _ in 0..self.len {
            let found;
            (found, rest) = match self.form {
                Form::Lines => match memchr::memchr(b'\n', rest) {
                    Some(end) => (&rest[..end], &rest[end + 1..]),
                    None => (rest, &rest[..0]),
                },
                Form::Prefixed => {
                    let (prefix, behind) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
                    let length = u32::from_le_bytes(*prefix) as usize;
                    behind.split_at_checked(length).unwrap_or((behind, &[]))
                }
            };
            word(&String::from_utf8_lossy(found));
        }
    }
}

/// Splits text into pieces of about a block, none within a character.
fn pieces(mut text: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while !text.is_empty() {
        let least = text.len().min(BLOCK);
        let within = |&&byte: &&u8| byte & 0xc0 == 0x80;
        let end = least + text[least..].iter().take(3).take_while(within).count();
        let piece;
        (piece, text) = text.split_at(end);
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(bytes: &[u8]) -> Mapping {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        std::fs::write(&path, bytes).unwrap();
        Mapping::open(&path).unwrap()
    }

    fn all(late: &Late) -> Vec<String> {
        let mut words = Vec::new();
        late.each(|word| words.push(word.to_owned()));
        assert_eq!(words.len(), late.len());
        words
    }

    fn prefixed(words: &[&[u8]]) -> Vec<u8> {
        let mut bytes = b"start".to_vec();
        for word in words {
            bytes.extend((word.len() as u32).to_le_bytes());
            bytes.extend(*word);
        }
        bytes
    }

    #[test]
    fn lists() {
        let lines = |bytes: &[u8], limit| {
            let mapping = mapping(bytes);
            let range = 1..mapping.len();
            Late::lines(mapping, range, limit).map(|(late, lines)| (all(&late), lines))
        };
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(lines(b"-a\n\nb c\n", 9), Some((words(&["a", "", "b c"]), 3)));
        assert_eq!(lines(b"-a\n\xc3\xa9", 9), Some((words(&["a", "é"]), 2)));
        assert_eq!(lines(b"-a\nb\nc", 2), Some((words(&["a", "b"]), 3)));
        assert_eq!(lines(b"-", 9), Some((vec![], 0)));
        assert_eq!(lines(b"-\n", 9), Some((words(&[""]), 1)));
        assert_eq!(lines(b"-a\r\nb", 9), None);
        assert_eq!(lines(b"-a\xff\nb", 9), None);
    }

    #[test]
    fn words_behind_their_lengths() {
        let found = |bytes: &[u8], all_words, wanted| {
            Late::prefixed(&mapping(bytes), 5, all_words, wanted)
                .map(|(late, end)| (all(&late).join("|"), end))
        };
        let words = [&b"a"[..], b"", "é\n".as_bytes(), b"b"];
        let bytes = prefixed(&words);
        assert_eq!(found(&bytes, 4, 4), Some(("a||é\n|b".to_owned(), bytes.len())));
        assert_eq!(found(&bytes, 4, 2), Some(("a|".to_owned(), bytes.len())));
        assert_eq!(found(&bytes, 3, 3), Some(("a||é\n".to_owned(), bytes.len() - 5)));
        assert_eq!(found(&bytes, 5, 4), None);
        assert_eq!(found(&bytes[..bytes.len() - 1], 4, 4), None);
        // Not UTF-8, in a word that is wanted and in one that is not.
        let bytes = prefixed(&[b"a", b"\xc3", b"\xa9"]);
        assert_eq!(found(&bytes, 3, 3), None);
        assert_eq!(found(&bytes, 3, 1), Some(("a".to_owned(), bytes.len())));
        // A length that makes a character with the word before it.
        let long = [b'x'; 0xa9];
        assert_eq!(found(&prefixed(&[b"\xc3", &long]), 2, 2), None);
    }

    /// Whatever is in the file later, it is words.
    #[test]
    fn what_was_not_checked_is_no_panic() {
        for form in [Form::Lines, Form::Prefixed] {
            for bytes in [&b"\xff\xff\xff\xff"[..], b"\x02\0\0\0a", b"\n", b"\x01\0\0\0\xc3\x05\0"]
            {
                let mapping = mapping(bytes);
                for range in [0..bytes.len(), 1..bytes.len() + 9] {
                    let mapping = mapping.clone();
                    assert_eq!(all(&Late { mapping, range, form, len: 3 }).len(), 3);
                }
            }
        }
    }

    #[test]
    fn pieces_keep_characters_whole() {
        for shift in 0..4 {
            let text = "x".repeat(shift) + &"€".repeat(BLOCK);
            let pieces = pieces(text.as_bytes());
            assert!(
                pieces.len() > 2 && pieces.iter().all(|piece| std::str::from_utf8(piece).is_ok())
            );
            assert_eq!(pieces.concat(), text.as_bytes());
        }
        assert_eq!(pieces(&[0x80; 2 * BLOCK + 9]).concat(), [0x80; 2 * BLOCK + 9]);
    }
}
