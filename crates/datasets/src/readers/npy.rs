//! NumPy's `.npy`: a magic string, a version, a dictionary in Python's spelling, the values.

use std::io::Read;
use std::path::Path;

use super::numbers::{Endian, Number, read_numbers};
use super::source::{self, Source, read_error, truncated};
use super::variables::{self, Array, Rows};
use super::{Table, TableOptions, labels, names, refuse_features};
use crate::DatasetError;

/// No honest header is longer.
const LONGEST_HEADER: usize = 1 << 20;

/// What the header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) item: Item,
    fortran: bool,
    pub(super) shape: Vec<usize>,
    /// Where the values begin.
    start: u64,
}

/// What an array holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Number(Number, Endian),
    /// Code points of 32 bits, padded by zeros.
    Unicode {
        chars: usize,
        endian: Endian,
    },
    /// Bytes, padded by zeros.
    Bytes {
        bytes: usize,
    },
    /// Something that cannot be read, as the header spells it.
    Other(String),
}

impl Item {
    fn size(&self) -> Option<usize> {
        match self {
            Self::Number(number, _) => Some(number.size()),
            Self::Unicode { chars, .. } => chars.checked_mul(4),
            Self::Bytes { bytes } => Some(*bytes),
            Self::Other(_) => None,
        }
    }
}

pub(super) fn read(path: &Path, options: &TableOptions) -> Result<Table, DatasetError> {
    refuse_features(path, options)?;
    let Source { mut reader, length } = Source::open(path)?;
    let header = Header::read(&mut reader, path)?;
    let array = header.read_array(&mut reader, length, path, "the array")?;
    if length.is_none() {
        source::check_end(&mut reader, path)?;
    }
    let Rows { features, picture } = variables::rows(path, "the array", array)?;
    let labels = match &options.labels {
        Some(name) => Some(labels::read_beside(path, name, features.nrows())?),
        None => None,
    };
    let mut table = Table::new(path, features, labels);
    table.picture = picture;
    Ok(table)
}

/// Reads a file of labels.
pub(super) fn read_labels(path: &Path) -> Result<Vec<String>, DatasetError> {
    let Source { mut reader, length } = Source::open(path)?;
    let header = Header::read(&mut reader, path)?;
    let labels = header.read_labels(&mut reader, length, path, "the array")?;
    if length.is_none() {
        source::check_end(&mut reader, path)?;
    }
    Ok(labels)
}

impl Header {
    pub(super) fn read(reader: &mut dyn Read, path: &Path) -> Result<Self, DatasetError> {
        let malformed = |problem: String| DatasetError::Malformed {
            path: path.into(),
            format: ".npy",
            problem,
        };
        let magic: [u8; 8] = source::take(reader, path, "the header")?;
        if !magic.starts_with(b"\x93NUMPY") {
            return Err(malformed("it does not begin with the magic bytes".into()));
        }
        let (length, before) = match magic[6] {
            1 => (u16::from_le_bytes(source::take(reader, path, "the header")?) as usize, 10),
            2 | 3 => (u32::from_le_bytes(source::take(reader, path, "the header")?) as usize, 12),
            version => return Err(malformed(format!("version {version} is not known"))),
        };
        if length > LONGEST_HEADER {
            return Err(malformed(format!("a header of {length} bytes")));
        }
        let mut text = vec![0; length];
        source::fill(reader, &mut text, path, "the header")?;
        let text = String::from_utf8_lossy(&text);
        let (item, fortran, shape) =
            parse(&text).ok_or_else(|| malformed(format!("header `{}`", text.trim())))?;
        Ok(Self { item, fortran, shape, start: (before + length) as u64 })
    }

    /// Reads the values that follow. `length` is that of the whole file where it is known.
    pub(super) fn read_array(
        self,
        reader: &mut dyn Read,
        length: Option<u64>,
        path: &Path,
        name: &str,
    ) -> Result<Array, DatasetError> {
        let Item::Number(number, endian) = self.item else {
            return Err(self.unsupported(path, name, "numbers"));
        };
        variables::check_shape(path, name, &self.shape)?;
        let count = self.check_length(length, path)?;
        let what = names::shape(&self.shape);
        let trusted = length.is_some();
        let values = read_numbers(reader, (number, endian), count, trusted, path, &what)?;
        Ok(Array { shape: self.shape, fortran: self.fortran, values })
    }

    /// Reads the values that follow as labels.
    pub(super) fn read_labels(
        self,
        reader: &mut dyn Read,
        length: Option<u64>,
        path: &Path,
        name: &str,
    ) -> Result<Vec<String>, DatasetError> {
        if !labels::is_list(&self.shape) {
            return Err(labels::not_a_list(path, name, &self.shape));
        }
        variables::check_shape(path, name, &self.shape)?;
        let what = names::shape(&self.shape);
        let count = self.check_length(length, path)?;
        let (values, numeric) = match self.item {
            Item::Number(number, endian) => {
                let trusted = length.is_some();
                let kind = (number, endian);
                (read_numbers::<String>(reader, kind, count, trusted, path, &what)?, true)
            }
            Item::Unicode { chars: size @ 1.., .. } | Item::Bytes { bytes: size @ 1.. } => {
                let size = self.item.size().unwrap_or(size);
                (self.read_texts(reader, count, size, path, &what)?, false)
            }
            _ => return Err(self.unsupported(path, name, "numbers or text")),
        };
        labels::check(path, &values, numeric)?;
        Ok(values)
    }

    fn read_texts(
        &self,
        reader: &mut dyn Read,
        count: usize,
        size: usize,
        path: &Path,
        what: &str,
    ) -> Result<Vec<String>, DatasetError> {
        let mut texts = Vec::new();
        let mut item = Vec::new();
        for _ in 0..count {
            item.clear();
            // Grows with what is there, whatever size the header claims.
            let read = (&mut *reader).take(size as u64).read_to_end(&mut item);
            let found = read.map_err(|cause| read_error(path, cause))?;
            if found < size {
                let expected = (count as u64).saturating_mul(size as u64);
                let found = (texts.len() as u64).saturating_mul(size as u64) + found as u64;
                return Err(truncated(path, what, expected, found));
            }
            let text: String = match self.item {
                Item::Unicode { endian, .. } => item
                    .chunks_exact(4)
                    .map(|raw| endian.u32(raw.try_into().expect("a chunk has 4 bytes")))
                    .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect(),
                _ => String::from_utf8_lossy(&item).into_owned(),
            };
            texts.push(labels::canonical(text.trim_end_matches('\0')));
        }
        Ok(texts)
    }

    /// The number of values, which a file of known `length` is long enough for.
    fn check_length(&self, length: Option<u64>, path: &Path) -> Result<usize, DatasetError> {
        let what = names::shape(&self.shape);
        let malformed = || DatasetError::Malformed {
            path: path.into(),
            format: ".npy",
            problem: format!("{what} is more than any memory holds"),
        };
        let count = variables::count(&self.shape).ok_or_else(malformed)?;
        let size = self.item.size().unwrap_or(1);
        let expected = count.checked_mul(size).ok_or_else(malformed)? as u64;
        match length.map(|length| length.saturating_sub(self.start)) {
            Some(found) if found < expected => Err(truncated(path, &what, expected, found)),
            _ => Ok(count),
        }
    }

    fn unsupported(&self, path: &Path, name: &str, wanted: &str) -> DatasetError {
        let found = match &self.item {
            Item::Number(..) => "numbers".to_owned(),
            Item::Unicode { .. } | Item::Bytes { .. } => "text".to_owned(),
            Item::Other(descr) => format!("items of type {descr}"),
        };
        let problem = format!("{wanted} were expected in {name}, it holds {found}");
        DatasetError::Unsupported { path: path.into(), problem }
    }
}

/// Reads `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse(text: &str) -> Option<(Item, bool, Vec<usize>)> {
    let value = |key: &str| {
        let found = text.find(&format!("'{key}'")).or_else(|| text.find(&format!("\"{key}\"")))?;
        text[found + key.len() + 2..].trim_start().strip_prefix(':').map(str::trim_start)
    };
    let item = parse_item(value("descr")?)?;
    let fortran = value("fortran_order")?;
    let fortran = match (fortran.starts_with("True"), fortran.starts_with("False")) {
        (true, _) => true,
        (_, true) => false,
        _ => return None,
    };
    let (axes, _) = value("shape")?.strip_prefix('(')?.split_once(')')?;
    let axes = axes.split(',').map(|axis| axis.trim().trim_end_matches('L'));
    let shape = axes.filter(|axis| !axis.is_empty()).map(|axis| axis.parse().ok());
    Some((item, fortran, shape.collect::<Option<_>>()?))
}

/// Reads `'<f8'`, or the list that describes a record.
fn parse_item(text: &str) -> Option<Item> {
    let mark = text.chars().next()?;
    if mark != '\'' && mark != '"' {
        let end = text.find(']').map_or(text.len(), |end| end + 1);
        return Some(Item::Other(text[..end].to_owned()));
    }
    let (descr, _) = text[1..].split_once(mark)?;
    let (endian, plain) = match descr.chars().next()? {
        '>' => (Endian::Big, &descr[1..]),
        '<' | '|' | '=' => (Endian::Little, &descr[1..]),
        _ => (Endian::Little, descr),
    };
    let number = match plain {
        "b1" | "?" => Number::Bool,
        "u1" => Number::U8,
        "i1" => Number::I8,
        "u2" => Number::U16,
        "i2" => Number::I16,
        "u4" => Number::U32,
        "i4" => Number::I32,
        "u8" => Number::U64,
        "i8" => Number::I64,
        "f2" => Number::F16,
        "f4" => Number::F32,
        "f8" => Number::F64,
        _ => {
            let size = |kind: char| plain.strip_prefix(kind)?.parse().ok();
            return Some(match (size('U'), size('S')) {
                (Some(chars), _) => Item::Unicode { chars, endian },
                (_, Some(bytes)) => Item::Bytes { bytes },
                _ if plain.starts_with('O') => Item::Other("object (pickled)".to_owned()),
                _ => Item::Other(format!("`{descr}`")),
            });
        }
    };
    Some(Item::Number(number, endian))
}

/// How [`variables`] sees the array.
impl From<&Item> for variables::Content {
    fn from(item: &Item) -> Self {
        match item {
            Item::Number(..) => Self::Numbers,
            Item::Unicode { .. } | Item::Bytes { .. } => Self::Text,
            Item::Other(descr) => Self::Other(descr.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_several_writers() {
        let parsed = parse("{'descr': '>f4', 'fortran_order': True, 'shape': (3L, 4L), }  \n");
        assert_eq!(parsed, Some((Item::Number(Number::F32, Endian::Big), true, vec![3, 4])));
        let parsed = parse("{\"shape\":(5,),\"fortran_order\":False,\"descr\":\"|S3\"}");
        assert_eq!(parsed, Some((Item::Bytes { bytes: 3 }, false, vec![5])));
        let parsed = parse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}");
        assert_eq!(parsed, Some((Item::Other("[('a', '<f4')]".into()), false, vec![])));
        for bad in ["", "{}", "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse("{'descr': '<f4', 'fortran_order': True, 'shape': (-1,)}"), None);
    }
}
