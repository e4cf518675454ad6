//! The formats of word vectors, and how a file tells its own.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::WordsError;
use crate::line::{is_separator, parse_line};
use crate::open::Source;
use crate::text::Header;

/// A format of word vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `text`: a line a word, the word and its values separated by spaces, as word2vec and
    /// fastText (`.vec`) write it, after a line with the numbers of vectors and dimensions, or
    /// GloVe, without.
    Text,
    /// `word2vec-binary`: the same header, then for each word the word, a space, and its values
    /// in 32-bit floating point.
    Word2VecBinary,
    /// `finalfusion`: the chunks of the finalfusion project, plain or quantised.
    Finalfusion,
    /// `fasttext`: fastText's models (`.bin`), with a vector for each word and for buckets of
    /// n-grams; also quantised (`.ftz`) and classifiers, whose labels are passed over.
    FastText,
    /// `floret`: a table of n-grams in text, without words.
    Floret,
}

impl Format {
    const ALL: [Self; 5] =
        [Self::Text, Self::Word2VecBinary, Self::Finalfusion, Self::FastText, Self::Floret];

    /// Finds out the format of a file from its contents.
    ///
    /// # Errors
    ///
    /// [`WordsError::Open`] and [`WordsError::Read`] when the file cannot be read;
    /// [`WordsError::Empty`] when it is empty.
    pub fn detect(path: impl AsRef<Path>) -> Result<Self, WordsError> {
        Ok(Self::of(&Source::open(path.as_ref())?.sample))
    }

    /// The format of a file that starts like this. What is nothing else is text.
    pub(crate) fn of(sample: &[u8]) -> Self {
        if sample.starts_with(crate::finalfusion::MAGIC) {
            return Self::Finalfusion;
        }
        if sample.starts_with(crate::fasttext::MAGIC) {
            return Self::FastText;
        }
        let mut lines = sample.splitn(2, |&byte| byte == b'\n');
        let (Some(first), Some(rest)) = (lines.next(), lines.next()) else {
            return Self::Text;
        };
        if crate::floret::Header::parse(first).is_some() {
            return Self::Floret;
        }
        let Some(Ok(Header { columns, .. })) = Header::parse(first) else {
            return Self::Text;
        };
        let line = rest.split(|&byte| byte == b'\n').next().unwrap_or(rest);
        if parse_line(line, columns, false, &mut Vec::new()).is_ok() {
            return Self::Text;
        }
        // The first vector would stand behind the first word: four bytes a value, of which the
        // lower two are as good as random. Text has no control characters there.
        let start =
            rest.iter().position(|&byte| is_separator(byte)).map_or(rest.len(), |at| at + 1);
        let vector = &rest[start..];
        let vector = &vector[..vector.len().min(columns.saturating_mul(4))];
        let control = |&byte: &u8| byte.is_ascii_control() && !b"\t\r\n".contains(&byte);
        let utf8 =
            std::str::from_utf8(vector).map_or_else(|error| error.error_len().is_none(), |_| true);
        if vector.iter().any(control) || !utf8 { Self::Word2VecBinary } else { Self::Text }
    }

    /// The names of all formats, for messages.
    pub(crate) fn names() -> String {
        Self::ALL.map(|format| format!("`{format}`")).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Text => "text",
            Self::Word2VecBinary => "word2vec-binary",
            Self::Finalfusion => "finalfusion",
            Self::FastText => "fasttext",
            Self::Floret => "floret",
        })
    }
}

impl FromStr for Format {
    type Err = WordsError;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(name: &str) -> Result<Self, WordsError> {
        Self::ALL
            .into_iter()
            .find(|format| format.to_string() == name)
            .ok_or_else(|| WordsError::Format { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_round() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
        }
        assert_eq!(
            "Text".parse::<Format>().unwrap_err().to_string(),
            "unknown format `Text`: expected one of `text`, `word2vec-binary`, `finalfusion`, \
             `fasttext`, `floret`"
        );
    }

    #[test]
    fn contents_tell() {
        let binary = |values: &[f32]| {
            let mut bytes = format!("7 {}\nword ", values.len()).into_bytes();
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            bytes
        };
        assert_eq!(Format::of(b"FiFu\0\0\0\0"), Format::Finalfusion);
        assert_eq!(Format::of(b"FiF"), Format::Text);
        assert_eq!(Format::of(b"\xba\x16\x4f\x2f\x0c\0\0\0"), Format::FastText);
        assert_eq!(Format::of(b"50 6 2 4 2 2166136261 < >\n0 1 2"), Format::Floret);
        assert_eq!(Format::of(b"50 6 2 4 2 2166136261 1 3\n0 1 2"), Format::Text);
        assert_eq!(Format::of(b"50 6 2 4 5 2166136261 < >\n0 1 2"), Format::Text);
        assert_eq!(Format::of(b"a 1 2\nb 3 4\n"), Format::Text);
        assert_eq!(Format::of(b"2 2\na 1 2\nb 3 4\n"), Format::Text);
        assert_eq!(Format::of(b"2 2\na 1 x\nb 3 4\n"), Format::Text);
        assert_eq!(Format::of(b"2 1\n\x01\x02 1.5\nb 3\n"), Format::Text);
        assert_eq!(Format::of(b"2 2"), Format::Text);
        assert_eq!(Format::of(b"2 2\n"), Format::Text);
        assert_eq!(Format::of("1 400\nmot é".as_bytes()), Format::Text);
        assert_eq!(Format::of(&binary(&[0.0, 0.0])), Format::Word2VecBinary);
        assert_eq!(Format::of(&binary(&[0.123, -4.5e-3])), Format::Word2VecBinary);
        assert_eq!(Format::of(&binary(&[0.123; 300])[..90]), Format::Word2VecBinary);
    }
}
