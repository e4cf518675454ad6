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
use ndarray::Array2;

use super::numbers::{Cell, Endian, Number, read_numbers};
use super::source::{self, open_plain, read_error, truncated};
use super::variables::{self, Array, Content, Rows, Variable};
use super::{Table, TableOptions, labels, names, table};
use crate::DatasetError;

/// What a part of such a file is called.
const KIND: &str = "variable";
const HEADER: u64 = 128;
/// Element types.
const MATRIX: u32 = 14;
const PACKED: u32 = 15;
/// Classes of variables.
const SPARSE: u8 = 5;
/// No honest list of axes, and no name, is longer.
const LONGEST_PART: u64 = 4096;

/// A variable, and where its element stands in the file.
struct Found {
    place: Place,
    class: u8,
    shape: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Place {
    start: u64,
    size: u64,
    packed: bool,
}

pub(super) fn read(path: &Path, options: &TableOptions) -> Result<Table, DatasetError> {
    let (mut file, length) = open_plain(path)?;
    let endian = read_header(&mut file, length, path)?;
    let mut mat = Mat { file, length, endian, path };
    let (found, variables) = mat.list()?;

    let (features, label) = variables::choose(path, KIND, &variables, options)?;
    let mut parts = Vec::new();
    let mut picture = None;
    for &index in &features {
        let rows = mat.features(&found[index], &variables[index].name)?;
        picture = rows.picture.filter(|_| features.len() == 1);
        parts.push(rows.features);
    }
    let features = variables::beside(path, &options.features, parts)?;
    let labels = match label {
        Some(index) => {
            let labels = mat.labels(&found[index], &variables[index].name)?;
            labels::check_count(path, features.nrows(), labels.len())?;
            Some(labels)
        }
        None => None,
    };
    let mut table = Table::new(path, features, labels);
    table.picture = picture;
    Ok(table)
}

/// One numeric variable as a matrix.
pub(super) fn read_variable(path: &Path, name: &str) -> Result<Array2<f32>, DatasetError> {
    let (mut file, length) = open_plain(path)?;
    let endian = read_header(&mut file, length, path)?;
    let mut mat = Mat { file, length, endian, path };
    let (found, variables) = mat.list()?;
    let options = TableOptions { features: vec![name.to_owned()], labels: None };
    let (chosen, _) = variables::choose(path, KIND, &variables, &options)?;
    Ok(mat.features(&found[chosen[0]], name)?.features)
}

/// Tells the byte order, and other kinds of `.mat` files apart.
fn read_header(
    file: &mut BufReader<File>,
    length: u64,
    path: &Path,
) -> Result<Endian, DatasetError> {
    const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
    let mut header = [0; HEADER as usize];
    let found = source::read_up_to(file, &mut header).map_err(|cause| read_error(path, cause))?;
    let unsupported = |version: &str, save: &str| {
        let problem = format!("a MATLAB file of version {version}, which cannot be read; {save}");
        Err(DatasetError::Unsupported { path: path.into(), problem })
    };
    let marks = (&header[124..126], &header[126..128]);
    let is_hdf5 = header.starts_with(HDF5) || header.starts_with(b"MATLAB 7.3");
    if is_hdf5 || matches!(marks, ([0, 2], b"IM") | ([2, 0], b"MI")) {
        return unsupported("7.3 (HDF5)", "save it with -v7");
    }
    match (found as u64, marks) {
        (HEADER, ([0, 1], b"IM")) => return Ok(Endian::Little),
        (HEADER, ([1, 0], b"MI")) => return Ok(Endian::Big),
        _ => {}
    }
    // Version 4 has no header: a number below 5,000 that says byte order and types comes first.
    let first = [header[0], header[1], header[2], header[3]];
    let types = u32::from_le_bytes(first).min(u32::from_be_bytes(first));
    if found >= 20 && types < 5000 {
        return unsupported("4", "save it with -v7");
    }
    if (found as u64) < HEADER && header.starts_with(b"MATLAB") {
        return Err(truncated(path, "the header", HEADER, length));
    }
    let problem = "its header has neither version 5 nor a byte order".into();
    Err(DatasetError::Malformed { path: path.into(), format: ".mat", problem })
}

/// A file of version 5 behind its header.
struct Mat<'a> {
    file: BufReader<File>,
    length: u64,
    endian: Endian,
    path: &'a Path,
}

impl Mat<'_> {
    /// Reads the headers of all variables.
    fn list(&mut self) -> Result<(Vec<Found>, Vec<Variable>), DatasetError> {
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
            found.push(Found { place, class, shape });
        }
        Ok((found, variables))
    }

    fn features(&mut self, found: &Found, name: &str) -> Result<Rows, DatasetError> {
        variables::check_shape(self.path, name, &found.shape)?;
        let path = self.path;
        if found.class == SPARSE {
            return Ok(Rows { features: self.sparse(found, name)?, picture: None });
        }
        let values = self.values(found, name)?;
        let array = Array { shape: found.shape.clone(), fortran: true, values };
        variables::rows(path, name, array)
    }

    fn labels(&mut self, found: &Found, name: &str) -> Result<Vec<String>, DatasetError> {
        if !labels::is_list(&found.shape) {
            return Err(labels::not_a_list(self.path, name, &found.shape));
        }
        variables::check_shape(self.path, name, &found.shape)?;
        let values: Vec<String> = if found.class == SPARSE {
            let dense = self.sparse(found, name)?;
            dense.iter().map(|&value| String::single(value)).collect()
        } else {
            self.values(found, name)?
        };
        labels::check(self.path, &values, true)?;
        Ok(values)
    }

    /// The values of a full variable, the first axis fastest.
    fn values<T: Cell>(&mut self, found: &Found, name: &str) -> Result<Vec<T>, DatasetError> {
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

    /// A sparse variable as a dense matrix.
    fn sparse(&mut self, found: &Found, name: &str) -> Result<Array2<f32>, DatasetError> {
        let path = self.path;
        let broken = |what: &str| malformed(path, format!("sparse `{name}`: {what}"));
        let [rows, columns] = found.shape[..] else {
            return Err(broken("it should have two axes"));
        };
        let mut body = self.reopen(found.place)?;
        body.header()?;
        let mut indices = || -> Result<Vec<i64>, DatasetError> {
            let part = body.part()?;
            let (number, stored) = body.counted(&part)?;
            body.numbers(&part, number, stored, name)
        };
        let (row_of, starts) = (indices()?, indices()?);
        let part = body.part()?;
        let (number, stored) = body.counted(&part)?;
        let values: Vec<f32> = body.numbers(&part, number, stored, name)?;
        source::check_end(&mut body.reader, path)?;

        if starts.len() != columns + 1 {
            return Err(broken("it should have a start for each column and one more"));
        }
        let mut dense = table::zeros(path, rows, columns)?;
        for (column, ends) in starts.windows(2).enumerate() {
            let start = usize::try_from(ends[0]).ok();
            let range = start.zip(usize::try_from(ends[1]).ok()).map(|(start, end)| start..end);
            let column_rows = range.clone().and_then(|range| row_of.get(range));
            let column_values = range.and_then(|range| values.get(range));
            let Some((column_rows, column_values)) = column_rows.zip(column_values) else {
                return Err(broken("a column lies outside the values"));
            };
            for (&row, &value) in column_rows.iter().zip(column_values) {
                let Some(row) = usize::try_from(row).ok().filter(|&row| row < rows) else {
                    return Err(broken("a value lies outside the rows"));
                };
                if !value.is_finite() {
                    let (row, column) = (row + 1, column + 1);
                    return Err(DatasetError::NonFinite { path: path.into(), row, column, value });
                }
                dense[(row, column)] = value;
            }
        }
        Ok(dense)
    }

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

fn malformed(path: &Path, problem: String) -> DatasetError {
    DatasetError::Malformed { path: path.into(), format: ".mat", problem }
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
