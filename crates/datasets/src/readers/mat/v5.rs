//! MATLAB's `.mat` files of version 5 (and 6 and 7, which only pack them).
//!
//! After a header of 128 bytes, elements: a type and a size of 32 bits each, then the data. An
//! element of type 15 is another one packed by zlib; one of type 14 is a variable, which is a
//! sequence of elements itself: flags, axes, name, values. A value may be stored in a smaller type
//! than its class, and up to four bytes share the eight of their own tag.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::ZlibDecoder;

use super::{Columns, Found, HEADER, Listed, Variables, malformed};
use crate::DatasetError;
use crate::readers::names;
use crate::readers::numbers::{Cell, Endian, Number, read_numbers};
use crate::readers::source::{self, read_error, truncated};
use crate::readers::variables::{self, Content, Variable};

/// Element types.
const MATRIX: u32 = 14;
const PACKED: u32 = 15;
/// Classes of variables.
const SPARSE: u8 = 5;
/// No honest list of axes, and no name, is longer.
const LONGEST_PART: u64 = 4096;

/// Where the element of a variable stands in the file.
#[derive(Clone, Copy)]
pub(super) struct Place {
    start: u64,
    size: u64,
    packed: bool,
}

/// A file of version 5 behind its header.
pub(super) struct Mat<'a> {
    pub(super) file: BufReader<File>,
    pub(super) length: u64,
    pub(super) endian: Endian,
    pub(super) path: &'a Path,
}

impl Variables for Mat<'_> {
    type Place = Place;

    fn list(&mut self) -> Result<Listed<Place>, DatasetError> {
        let (mut found, mut variables) = (Vec::new(), Vec::new());
        let mut at = HEADER;
        while at < self.length {
            self.seek(at)?;
            let tag: [u8; 8] = source::take(&mut self.file, self.path, "the tag of a variable")?;
            let (kind, size) = split_tag(self.endian, tag);
            let start = at + 8;
            at = start + u64::from(size);
            if at > self.length {
                let found = self.length - start;
                return Err(truncated(self.path, "a variable", u64::from(size), found));
            }
            if size == 0 || !matches!(kind, MATRIX | PACKED) {
                continue;
            }
            let place = Place { start, size: u64::from(size), packed: kind == PACKED };
            let Some(mut body) = self.open(place)? else { continue };
            let header = body.header()?;
            drop(body);
            let Header { class, complex, shape, name } = header;
            let content = match class {
                SPARSE | 6..=15 if complex => Content::Other("complex".into()),
                SPARSE | 6..=15 => Content::Numbers,
                1 => Content::Other("cell".into()),
                2 => Content::Other("struct".into()),
                3 => Content::Other("object".into()),
                4 => Content::Other("char".into()),
                _ => Content::Other(format!("class {class}")),
            };
            variables.push(Variable { name, shape: shape.clone(), content });
            found.push(Found { place, shape, sparse: class == SPARSE });
        }
        Ok((found, variables))
    }

    fn values<T: Cell>(
        &mut self,
        found: &Found<Place>,
        name: &str,
    ) -> Result<Vec<T>, DatasetError> {
        let path = self.path;
        let mut body = self.reopen(found.place)?;
        body.header()?;
        let part = body.part()?;
        let (number, stored) = body.counted(&part)?;
        if variables::count(&found.shape) != Some(stored) {
            let shape = names::shape(&found.shape);
            let problem = format!("`{name}` is {shape}, but {stored} values are stored");
            return Err(malformed(path, problem));
        }
        let values = body.numbers(&part, number, stored, name)?;
        source::check_end(&mut body.reader, path)?;
        Ok(values)
    }

    fn columns(&mut self, found: &Found<Place>, name: &str) -> Result<Columns, DatasetError> {
        let path = self.path;
        let mut body = self.reopen(found.place)?;
        body.header()?;
        let mut indices = || -> Result<Vec<i64>, DatasetError> {
            let part = body.part()?;
            let (number, stored) = body.counted(&part)?;
            body.numbers(&part, number, stored, name)
        };
        let (rows, starts) = (indices()?, indices()?);
        let part = body.part()?;
        let (number, stored) = body.counted(&part)?;
        let values: Vec<f32> = body.numbers(&part, number, stored, name)?;
        source::check_end(&mut body.reader, path)?;
        Ok(Columns { rows, starts, values })
    }
}

impl Mat<'_> {
    fn seek(&mut self, to: u64) -> Result<(), DatasetError> {
        self.file.seek(SeekFrom::Start(to)).map_err(|cause| read_error(self.path, cause))?;
        Ok(())
    }

    /// Opens the element at `place`; none if it is packed and holds something else.
    fn open(&mut self, place: Place) -> Result<Option<Body<'_>>, DatasetError> {
        self.seek(place.start)?;
        let (endian, path) = (self.endian, self.path);
        let plain = (&mut self.file).take(place.size);
        if !place.packed {
            return Ok(Some(Body {
                reader: Box::new(plain),
                left: place.size,
                real: true,
                endian,
                path,
            }));
        }
        let mut reader: Box<dyn BufRead> = Box::new(BufReader::new(ZlibDecoder::new(plain)));
        let tag: [u8; 8] = source::take(&mut reader, path, "the tag of a packed variable")?;
        let (kind, size) = split_tag(endian, tag);
        let body = Body { reader, left: u64::from(size), real: false, endian, path };
        Ok((kind == MATRIX && size > 0).then_some(body))
    }

    /// Opens an element whose header was read before.
    fn reopen(&mut self, place: Place) -> Result<Body<'_>, DatasetError> {
        let path = self.path;
        self.open(place)?.ok_or_else(|| malformed(path, "it changed while it was read".into()))
    }
}

/// Type and size of an element.
fn split_tag(endian: Endian, tag: [u8; 8]) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = tag;
    (endian.u32([a, b, c, d]), endian.u32([e, f, g, h]))
}

/// The inside of a variable's element.
struct Body<'a> {
    reader: Box<dyn BufRead + 'a>,
    /// Bytes that its tag still promises.
    left: u64,
    /// Whether these bytes were held against the file's length.
    real: bool,
    endian: Endian,
    path: &'a Path,
}

/// What stands before a variable's values.
struct Header {
    class: u8,
    complex: bool,
    shape: Vec<usize>,
    name: String,
}

/// The tag of an element inside a variable, and its data if they are in the tag.
struct Part {
    kind: u32,
    size: u64,
    small: Option<[u8; 4]>,
}

impl Body<'_> {
    fn header(&mut self) -> Result<Header, DatasetError> {
        let flags = self.bytes("the flags of a variable")?;
        let Some(&flags) = flags.first_chunk() else {
            return Err(malformed(self.path, "a variable without flags".into()));
        };
        let flags = self.endian.u32(flags);
        let (class, complex) = ((flags & 0xff) as u8, flags & 0x0800 != 0);
        let mut shape = Vec::new();
        if class <= 16 {
            let (axes, rest) = {
                let bytes = self.bytes("the axes of a variable")?;
                let (axes, rest) = bytes.as_chunks::<4>();
                (axes.to_vec(), rest.len())
            };
            // Negative ones end as more than any memory holds.
            shape = axes.iter().map(|&axis| self.endian.u32(axis) as usize).collect();
            if shape.len() < 2 || rest > 0 {
                return Err(malformed(self.path, "a variable with fewer than two axes".into()));
            }
        }
        let name = self.bytes("the name of a variable")?;
        let name = String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned();
        Ok(Header { class, complex, shape, name })
    }

    /// Reads the tag of the next element.
    fn part(&mut self) -> Result<Part, DatasetError> {
        let tag: [u8; 8] = source::take(&mut self.reader, self.path, "the inside of a variable")?;
        self.left = self.left.saturating_sub(8);
        let (kind, size) = split_tag(self.endian, tag);
        if kind >> 16 == 0 {
            return Ok(Part { kind, size: u64::from(size), small: None });
        }
        let size = u64::from(kind >> 16);
        if size > 4 {
            return Err(malformed(self.path, format!("{size} bytes in a tag that holds 4")));
        }
        let data = [tag[4], tag[5], tag[6], tag[7]];
        Ok(Part { kind: kind & 0xffff, size, small: Some(data) })
    }

    /// The bytes of the next element, which is short.
    fn bytes(&mut self, what: &str) -> Result<Vec<u8>, DatasetError> {
        let part = self.part()?;
        if part.size > LONGEST_PART {
            return Err(malformed(self.path, format!("{what} takes {} bytes", part.size)));
        }
        let mut bytes = vec![0; part.size as usize];
        match part.small {
            Some(small) => bytes.copy_from_slice(&small[..part.size as usize]),
            None => {
                source::fill(&mut self.reader, &mut bytes, self.path, what)?;
                self.skip_padding(part.size)?;
            }
        }
        Ok(bytes)
    }

    /// How the numbers of an element are stored, and how many there are.
    fn counted(&self, part: &Part) -> Result<(Number, usize), DatasetError> {
        let number = match part.kind {
            1 => Number::I8,
            2 => Number::U8,
            3 => Number::I16,
            4 => Number::U16,
            5 => Number::I32,
            6 => Number::U32,
            7 => Number::F32,
            9 => Number::F64,
            12 => Number::I64,
            13 => Number::U64,
            kind => {
                return Err(malformed(self.path, format!("numbers of the unknown type {kind}")));
            }
        };
        let size = number.size() as u64;
        if !part.size.is_multiple_of(size) {
            let problem = format!("{} bytes of numbers that take {size} each", part.size);
            return Err(malformed(self.path, problem));
        }
        if part.small.is_none() && part.size > self.left {
            return Err(truncated(self.path, "the values of a variable", part.size, self.left));
        }
        Ok((number, (part.size / size) as usize))
    }

    fn numbers<T: Cell>(
        &mut self,
        part: &Part,
        number: Number,
        count: usize,
        name: &str,
    ) -> Result<Vec<T>, DatasetError> {
        let kind = (number, self.endian);
        let what = format!("`{name}`");
        if let Some(small) = part.small {
            return read_numbers(&mut Cursor::new(small), kind, count, true, self.path, &what);
        }
        let values = read_numbers(&mut self.reader, kind, count, self.real, self.path, &what)?;
        self.skip_padding(part.size)?;
        Ok(values)
    }

    /// Elements begin at multiples of 8; the last one's padding may be left out.
    fn skip_padding(&mut self, size: u64) -> Result<(), DatasetError> {
        let mut padding = [0; 7];
        let length = (size.next_multiple_of(8) - size) as usize;
        source::read_up_to(&mut self.reader, &mut padding[..length])
            .map_err(|cause| read_error(self.path, cause))?;
        self.left = self.left.saturating_sub(size.next_multiple_of(8));
        Ok(())
    }
}
