//! The formats of word vectors, and how a file tells its own.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::WordsError;
use crate::line::{is_separator, parse_fields};
use crate::open::Source;
use crate::text::Header;
use crate::wide::Room;

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
    /// `npy`: a matrix as numpy saves it, in 16-, 32- or 64-bit floating point; the words are in
    /// a file beside it, see [`OpenOptions::words`](crate::OpenOptions::words).
    Npy,
    /// `safetensors`: a tensor of two axes in 16- (also bfloat16) or 32-bit floating point; the
    /// words are in a tensor `words` of bytes (U8, one axis; UTF-8, a line feed behind each word), or
    /// in the file's metadata under the key `words`, with line feeds between them, or beside it as
    /// for `npy`. Written with a tensor of words. Of several tensors it is the one called `embeddings`, `vectors` or
    /// `weight`.
    Safetensors,
    /// `parquet`: a table with a column of words and a column of lists of floating point numbers.
    /// Only with this crate's feature `parquet`.
    Parquet,
    /// `fasttext`: fastText's models (`.bin`), with a vector for each word and for buckets of
    /// n-grams; also quantised (`.ftz`) and classifiers, whose labels are passed over. Only read.
    FastText,
    /// `floret`: a table of n-grams in text, without words. Only read.
    Floret,
}

impl Format {
    const ALL: [Self; 8] = [
        Self::Text,
        Self::Word2VecBinary,
        Self::Finalfusion,
        Self::Npy,
        Self::Safetensors,
        Self::Parquet,
        Self::FastText,
        Self::Floret,
    ];

    /// Finds out the format of a file from its contents.
    ///
    /// # Errors
    ///
    /// [`WordsError::Open`] and [`WordsError::Read`] when the file cannot be read;
    /// [`WordsError::Empty`] when it is empty.
    pub fn detect(path: impl AsRef<Path>) -> Result<Self, WordsError> {
        Ok(Self::of(&Source::open(path.as_ref())?.sample))
    }

    /// The format that the ending of a file's name tells: `.vec`, `.txt` and `.text` are text,
    /// `.bin` is word2vec's binary format, `.fifu` finalfusion, and `.npy`, `.safetensors` and
    /// `.parquet` are themselves. A `.gz` or `.zst` at the very end is passed over. No ending
    /// tells a format that is only read.
    #[must_use]
    pub fn of_name(path: impl AsRef<Path>) -> Option<Self> {
        let name = path.as_ref().file_name()?.to_string_lossy().to_ascii_lowercase();
        let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
        match Path::new(name).extension()?.to_str()? {
            "vec" | "txt" | "text" => Some(Self::Text),
            "bin" => Some(Self::Word2VecBinary),
            "fifu" => Some(Self::Finalfusion),
            "npy" => Some(Self::Npy),
            "safetensors" => Some(Self::Safetensors),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// Whether files of this format can be written: all but `fasttext` and `floret` (`parquet` with
    /// this crate's feature `parquet`).
    #[must_use]
    pub fn is_written(self) -> bool {
        !matches!(self, Self::FastText | Self::Floret)
    }

    /// The format of a file that starts like this. What is nothing else is text.
    pub(crate) fn of(sample: &[u8]) -> Self {
        if sample.starts_with(crate::finalfusion::MAGIC) {
            return Self::Finalfusion;
        }
        if sample.starts_with(crate::fasttext::MAGIC) {
            return Self::FastText;
        }
        if sample.starts_with(crate::npy::MAGIC) {
            return Self::Npy;
        }
        if crate::safetensors::starts(sample) {
            return Self::Safetensors;
        }
        if sample.starts_with(crate::parquet::MAGIC) {
            return Self::Parquet;
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
        if parse_fields(line, columns, false, &mut Vec::new(), &mut Room::default()).is_ok() {
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
            Self::Npy => "npy",
            Self::Safetensors => "safetensors",
            Self::Parquet => "parquet",
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
             `npy`, `safetensors`, `parquet`, `fasttext`, `floret`"
        );
    }

    #[test]
    fn endings_tell() {
        for (name, format) in [
            ("a.vec", Some(Format::Text)),
            ("b/a.txt.gz", Some(Format::Text)),
            ("a.BIN.zst", Some(Format::Word2VecBinary)),
            ("a.fifu", Some(Format::Finalfusion)),
            ("a.b.npy", Some(Format::Npy)),
            ("a.safetensors", Some(Format::Safetensors)),
            ("a.parquet", Some(Format::Parquet)),
            ("a.ftz", None),
            ("a.floret", None),
            ("a", None),
            ("a.gz", None),
            ("vec", None),
            ("..", None),
        ] {
            assert_eq!(Format::of_name(name), format, "{name}");
        }
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
        assert_eq!(Format::of(b"\x93NUMPY\x01"), Format::Npy);
        assert_eq!(Format::of(b"\x50\0\0\0\0\0\0\0{\"a\":"), Format::Safetensors);
        assert_eq!(Format::of(b"abcdefg {\"a\": 1 2\n"), Format::Text);
        assert_eq!(Format::of(b"PAR1\0"), Format::Parquet);
        assert_eq!(Format::of(b"\xba\x16\x4f\x2f\x0c\0\0\0"), Format::FastText);
        assert_eq!(Format::of(b"50 6 2 4 2 2166136261 < >\n0 1 2"), Format::Floret);
        assert_eq!(Format::of(b"50 6 2 4 2 2166136261 1 3\n0 1 2"), Format::Text);
        assert_eq!(Format::of(b"50 6 2 4 5 2166136261 < >\n0 1 2"), Format::Text);
        assert_eq!(Format::of(b"a 1 2\nb 3 4\n"), Format::Text);
        assert_eq!(Format::of(b"2 2\na 1 2\nb 3 4\n"), Format::Text);
        assert_eq!(Format::of(b"2 2\na 1 x\nb 3 4\n"), Format::Text);
        assert_eq!(Format::of(b"2 1\n\x01\x02 1.5\nb 3\n"), Format::Text);
        assert_eq!(Format::of(b"2 1\n\xff 1.5\n\xfe 3\n"), Format::Text);
        assert_eq!(Format::of(b"2 2"), Format::Text);
        assert_eq!(Format::of(b"2 2\n"), Format::Text);
        assert_eq!(Format::of("1 400\nmot é".as_bytes()), Format::Text);
        assert_eq!(Format::of(&binary(&[0.0, 0.0])), Format::Word2VecBinary);
        assert_eq!(Format::of(&binary(&[0.123, -4.5e-3])), Format::Word2VecBinary);
        assert_eq!(Format::of(&binary(&[0.123; 300])[..90]), Format::Word2VecBinary);
    }
}
