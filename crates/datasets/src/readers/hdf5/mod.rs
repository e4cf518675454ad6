//! The part of HDF5 that MATLAB writes: version 0 of the superblock, object headers of version 1,
//! groups by symbol tables, values in one piece or in chunks that are deflated.
//!
//! A superblock, behind a block of the user's own, names the header of the root group. A header is a list
//! of messages: of a group, where the tree and the heap of its names are; of a dataset, its axes, type,
//! layout and filters; and attributes of both. Addresses count from the superblock.
//!
//! Format: <https://docs.hdfgroup.org/documentation/hdf5/latest/_f_m_t11.html>.

mod chunks;
mod messages;
mod tree;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::numbers::{Cell, Endian, Number, read_numbers};
use super::source::{self, read_error, truncated};
use crate::DatasetError;
use messages::{Layout, Messages};

/// The first bytes of the superblock.
pub(super) const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";
/// An address of nothing.
const NOWHERE: u64 = u64::MAX;

/// A file, open for reading.
pub(super) struct Hdf5<'a> {
    file: BufReader<File>,
    /// Bytes behind `base`.
    length: u64,
    /// Where the superblock stands; addresses count from here.
    base: u64,
    root: u64,
    path: &'a Path,
}

/// What stands under a name.
pub(super) struct Object {
    /// Attributes that MATLAB sets, by name.
    pub(super) attributes: Vec<(String, Attribute)>,
    pub(super) content: ObjectContent,
}

/// The value of an attribute.
pub(super) enum Attribute {
    Text(String),
    Number(i64),
}

pub(super) enum ObjectContent {
    /// Names and the addresses of what they stand for.
    Group(Vec<(String, u64)>),
    Dataset(Dataset),
}

/// Values and where they are.
pub(super) struct Dataset {
    /// The last axis runs fastest.
    pub(super) shape: Vec<usize>,
    pub(super) kind: ValueKind,
    layout: Layout,
    filters: Vec<messages::Filter>,
}

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    Number(Number, Endian),
    Text,
    Reference,
    Compound,
    /// Something else, in a word.
    Other(&'static str),
}

impl Object {
    /// The text of an attribute.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find_map(|(known, value)| match value {
            Attribute::Text(text) if known == name => Some(text.as_str()),
            _ => None,
        })
    }

    /// The number of an attribute.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.attributes.iter().find_map(|(known, value)| match value {
            Attribute::Number(number) if known == name => Some(*number),
            _ => None,
        })
    }
}

impl<'a> Hdf5<'a> {
    /// Finds the superblock: at the start of the file, or behind a block of 512 bytes or twice, four
    /// times, … as many.
    pub(super) fn open(
        mut file: BufReader<File>,
        length: u64,
        path: &'a Path,
    ) -> Result<Self, DatasetError> {
        let mut base = 0;
        loop {
            let mut signature = [0; 8];
            file.seek(SeekFrom::Start(base)).map_err(|cause| read_error(path, cause))?;
            let found = source::read_up_to(&mut file, &mut signature)
                .map_err(|cause| read_error(path, cause))?;
            if signature == SIGNATURE {
                break;
            }
            if found < signature.len() {
                return Err(malformed(path, "no superblock of HDF5 was found".into()));
            }
            base = if base == 0 { 512 } else { 2 * base };
        }
        let mut opened = Self { file, length: length - base, base, root: 0, path };
        let start = opened.bytes(8, 8, "the superblock")?;
        if !matches!(start[0], 0 | 1) {
            return Err(opened.unsupported(&format!("a superblock of version {}", start[0])));
        }
        if start[5..7] != [8, 8] {
            return Err(opened.unsupported("addresses of other than 8 bytes"));
        }
        // Behind it sizes of tree nodes and flags, of version 1 four bytes more.
        let at = if start[0] == 0 { 24 } else { 28 };
        let addresses = opened.bytes(at, 48, "the superblock")?;
        let mut fields = opened.fields(&addresses, "the superblock");
        // Base, free space, end of the file, driver, offset of the root's name.
        fields.skip(40)?;
        opened.root = fields.u64()?;
        Ok(opened)
    }

    /// What the root group holds.
    pub(super) fn root(&mut self) -> Result<Vec<(String, u64)>, DatasetError> {
        match self.object(self.root)?.content {
            ObjectContent::Group(names) => Ok(names),
            ObjectContent::Dataset(_) => Err(self.broken("the root is no group")),
        }
    }

    /// The object whose header stands at an address.
    pub(super) fn object(&mut self, address: u64) -> Result<Object, DatasetError> {
        let Messages { shape, kind, layout, filters, attributes, names } =
            self.messages(address)?;
        let content = match (names, shape, kind, layout) {
            (Some((tree, heap)), ..) => ObjectContent::Group(self.names(tree, heap)?),
            (None, Some(shape), Some(kind), Some(layout)) => {
                ObjectContent::Dataset(Dataset { shape, kind, layout, filters })
            }
            _ => {
                return Err(
                    self.unsupported("an object that is neither old-style group nor dataset")
                );
            }
        };
        Ok(Object { attributes, content })
    }

    /// All values, the last axis fastest. `what` names them in errors.
    pub(super) fn values<T: Cell>(
        &mut self,
        dataset: &Dataset,
        what: &str,
    ) -> Result<Vec<T>, DatasetError> {
        let ValueKind::Number(number, endian) = dataset.kind else {
            return Err(self.broken(&format!("{what} are no numbers")));
        };
        let size = number.size() as u64;
        let bytes = super::variables::count(&dataset.shape)
            .and_then(|count| (count as u64).checked_mul(size).map(|bytes| (count, bytes)));
        let Some((count, bytes)) = bytes else {
            return Err(self.broken(&format!("{what} take more than any memory holds")));
        };
        match &dataset.layout {
            Layout::Inside(data) if data.len() as u64 >= bytes => {
                let kind = (number, endian);
                read_numbers(&mut data.as_slice(), kind, count, true, self.path, what)
            }
            Layout::Whole { .. } if count == 0 => Ok(Vec::new()),
            Layout::Whole { address, size: stored } if *stored == bytes => {
                self.seek(*address, bytes, what)?;
                read_numbers(&mut self.file, (number, endian), count, true, self.path, what)
            }
            Layout::Inside(_) | Layout::Whole { .. } => {
                Err(self.broken(&format!("{what} should take {bytes} bytes, others are stored")))
            }
            Layout::Chunked { tree, chunk } => {
                self.chunked(dataset, *tree, chunk, (number, endian), count, what)
            }
        }
    }

    /// Goes to an address with so many bytes behind it.
    fn seek(&mut self, address: u64, size: u64, what: &str) -> Result<(), DatasetError> {
        if address == NOWHERE {
            return Err(self.unsupported(&format!("{what} that were never written")));
        }
        let left = self.length.saturating_sub(address);
        if left < size {
            return Err(truncated(self.path, what, size, left));
        }
        let place = SeekFrom::Start(self.base + address);
        self.file.seek(place).map_err(|cause| read_error(self.path, cause))?;
        Ok(())
    }

    /// So many bytes at an address; never more than the file has.
    fn bytes(&mut self, address: u64, size: u64, what: &str) -> Result<Vec<u8>, DatasetError> {
        self.seek(address, size, what)?;
        let mut bytes = Vec::new();
        let read = (&mut self.file).take(size).read_to_end(&mut bytes);
        let found = read.map_err(|cause| read_error(self.path, cause))? as u64;
        if found < size {
            return Err(truncated(self.path, what, size, found));
        }
        Ok(bytes)
    }

    fn fields<'b>(&self, bytes: &'b [u8], what: &'static str) -> Fields<'b>
    where
        'a: 'b,
    {
        Fields { left: bytes, path: self.path, what }
    }

    fn broken(&self, problem: &str) -> DatasetError {
        malformed(self.path, problem.to_owned())
    }

    fn unsupported(&self, what: &str) -> DatasetError {
        let problem =
            format!("{what}: MATLAB writes no such HDF5, and it cannot be read; save with -v7");
        DatasetError::Unsupported { path: self.path.into(), problem }
    }
}

fn malformed(path: &Path, problem: String) -> DatasetError {
    DatasetError::Malformed { path: path.into(), format: ".mat (HDF5)", problem }
}

/// Little-endian fields, one after another.
struct Fields<'a> {
    left: &'a [u8],
    path: &'a Path,
    what: &'static str,
}

impl<'a> Fields<'a> {
    fn take(&mut self, size: usize) -> Result<&'a [u8], DatasetError> {
        match self.left.split_at_checked(size) {
            Some((taken, left)) => {
                self.left = left;
                Ok(taken)
            }
            None => Err(truncated(self.path, self.what, size as u64, self.left.len() as u64)),
        }
    }

    fn skip(&mut self, size: usize) -> Result<(), DatasetError> {
        self.take(size).map(drop)
    }

    /// As many bytes, and those that fill them up to a multiple of 8.
    fn padded(&mut self, size: usize) -> Result<&'a [u8], DatasetError> {
        let taken = self.take(size)?;
        self.skip((size.next_multiple_of(8) - size).min(self.left.len()))?;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DatasetError> {
        Ok(self.take(N)?.try_into().expect("as many were taken"))
    }

    fn u8(&mut self) -> Result<u8, DatasetError> {
        Ok(self.array::<1>()?[0])
    }

    fn u16(&mut self) -> Result<u16, DatasetError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, DatasetError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, DatasetError> {
        self.array().map(u64::from_le_bytes)
    }
}
