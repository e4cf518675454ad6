//! Object headers: axes, types, layouts, filters and attributes.

use super::{Attribute, Fields, Hdf5, ValueKind};
use crate::DatasetError;
use crate::readers::numbers::{Endian, Number, read_numbers};

/// Axes at most, as the format says.
const MOST_AXES: usize = 32;
/// Attributes that say what a variable of MATLAB is.
const ATTRIBUTES: [&str; 3] = ["MATLAB_class", "MATLAB_sparse", "MATLAB_empty"];

/// What the messages of a header say.
#[derive(Default)]
pub(super) struct Messages {
    pub(super) shape: Option<Vec<usize>>,
    pub(super) kind: Option<ValueKind>,
    pub(super) layout: Option<Layout>,
    pub(super) filters: Vec<Filter>,
    pub(super) attributes: Vec<(String, Attribute)>,
    /// Of a group the addresses of its tree and of its heap.
    pub(super) names: Option<(u64, u64)>,
}

/// Where values are.
pub(super) enum Layout {
    /// In the header itself.
    Inside(Vec<u8>),
    /// In one piece.
    Whole { address: u64, size: u64 },
    /// In chunks of this shape, which a tree finds.
    Chunked { tree: u64, chunk: Vec<usize> },
}

/// What was done to a chunk before it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    Deflate,
    /// First bytes of all values, then the second ones, and so on; the size of a value.
    Shuffle(usize),
    /// Four bytes of a checksum behind it.
    Fletcher,
}

impl Hdf5<'_> {
    /// Reads the header at an address, of version 1.
    pub(super) fn messages(&mut self, address: u64) -> Result<Messages, DatasetError> {
        let prefix = self.bytes(address, 16, "an object header")?;
        if prefix.starts_with(b"OHDR") {
            return Err(self.unsupported("an object header of version 2"));
        }
        let mut fields = self.fields(&prefix, "an object header");
        let (version, _, count) = (fields.u8()?, fields.u8()?, fields.u16()?);
        fields.skip(4)?; // how often it is referred to
        let size = u64::from(fields.u32()?);
        if version != 1 {
            return Err(
                self.broken(&format!("an object header of version {version}, 1 was expected"))
            );
        }
        let mut all = Messages::default();
        let mut blocks = vec![(address.saturating_add(16), size)];
        let (mut left, mut total) = (count, 0_u64);
        while let Some((at, size)) = blocks.pop() {
            // Blocks do not overlap in an honest file.
            total = total.saturating_add(size);
            if total > self.length {
                return Err(self.broken("an object header larger than the file"));
            }
            let block = self.bytes(at, size, "the messages of an object header")?;
            let mut fields = self.fields(&block, "a message of an object header");
            while left > 0 && fields.left.len() >= 8 {
                left -= 1;
                let (kind, size, flags) = (fields.u16()?, fields.u16()?, fields.u8()?);
                fields.skip(3)?;
                let body = Fields { left: fields.take(usize::from(size))?, ..fields };
                if kind == 0x10 {
                    let mut body = body;
                    blocks.push((body.u64()?, body.u64()?));
                } else {
                    self.message(kind, flags, body, &mut all)?;
                }
            }
        }
        Ok(all)
    }

    fn message(
        &self,
        kind: u16,
        flags: u8,
        mut body: Fields<'_>,
        all: &mut Messages,
    ) -> Result<(), DatasetError> {
        match kind {
            0x01 => all.shape = Some(self.axes(&mut body)?),
            // A type that stands elsewhere, shared.
            0x03 if flags & 2 != 0 => all.kind = Some(ValueKind::Other("a named type")),
            0x03 => all.kind = Some(kind_of(&mut body)?.0),
            0x08 => all.layout = Some(self.layout(&mut body)?),
            0x0b => all.filters = self.filters(&mut body)?,
            0x0c => all.attributes.extend(self.attribute(&mut body)?),
            0x11 => all.names = Some((body.u64()?, body.u64()?)),
            // Links and attributes of newer groups.
            0x02 | 0x06 => return Err(self.unsupported("a group of the newer kind")),
            _ => {}
        }
        Ok(())
    }

    fn axes(&self, body: &mut Fields<'_>) -> Result<Vec<usize>, DatasetError> {
        let (version, axes, _flags) = (body.u8()?, usize::from(body.u8()?), body.u8()?);
        let empty = match version {
            1 => {
                body.skip(5)?;
                false
            }
            2 => body.u8()? == 2,
            _ => return Err(self.broken(&format!("axes of version {version}"))),
        };
        if axes > MOST_AXES {
            return Err(self.broken(&format!("{axes} axes, at most {MOST_AXES} were expected")));
        }
        if empty {
            return Ok(vec![0]);
        }
        // What exceeds this machine ends as more than any memory holds.
        let axis = |_| Ok(usize::try_from(body.u64()?).unwrap_or(usize::MAX));
        (0..axes).map(axis).collect()
    }

    fn layout(&self, body: &mut Fields<'_>) -> Result<Layout, DatasetError> {
        let (version, class) = (body.u8()?, body.u8()?);
        match (version, class) {
            (3, 0) => {
                let size = usize::from(body.u16()?);
                Ok(Layout::Inside(body.take(size)?.to_vec()))
            }
            (3, 1) => Ok(Layout::Whole { address: body.u64()?, size: body.u64()? }),
            (3, 2) => {
                // The size of a value is listed as one more axis.
                let axes = usize::from(body.u8()?).saturating_sub(1);
                let tree = body.u64()?;
                let chunk = (0..axes).map(|_| Ok(body.u32()? as usize));
                Ok(Layout::Chunked { tree, chunk: chunk.collect::<Result<_, DatasetError>>()? })
            }
            (3, _) => Err(self.broken(&format!("a layout of class {class}"))),
            _ => Err(self.unsupported(&format!("a layout of version {version}"))),
        }
    }

    fn filters(&self, body: &mut Fields<'_>) -> Result<Vec<Filter>, DatasetError> {
        let (version, count) = (body.u8()?, body.u8()?);
        match version {
            1 => body.skip(6)?,
            2 => {}
            _ => return Err(self.broken(&format!("filters of version {version}"))),
        }
        let mut filters = Vec::new();
        for _ in 0..count {
            let number = body.u16()?;
            // Known filters have no name in version 2.
            let name = if version == 1 || number >= 256 { body.u16()? } else { 0 };
            let (_flags, values) = (body.u16()?, body.u16()?);
            if version == 1 {
                body.padded(usize::from(name))?;
            } else {
                body.skip(usize::from(name))?;
            }
            let values: Vec<u32> =
                (0..values).map(|_| body.u32()).collect::<Result<_, DatasetError>>()?;
            if version == 1 && values.len() % 2 == 1 {
                body.skip(4.min(body.left.len()))?;
            }
            filters.push(match (number, values.first()) {
                (1, _) => Filter::Deflate,
                (2, Some(&size)) if size > 0 => Filter::Shuffle(size as usize),
                (3, _) => Filter::Fletcher,
                _ => return Err(self.unsupported(&format!("filter {number}"))),
            });
        }
        Ok(filters)
    }

    /// An attribute, if it is one of those that matter.
    fn attribute(
        &self,
        body: &mut Fields<'_>,
    ) -> Result<Option<(String, Attribute)>, DatasetError> {
        let (version, shared) = (body.u8()?, body.u8()? & 1 != 0);
        let [name, kind, axes] = [body.u16()?, body.u16()?, body.u16()?].map(usize::from);
        if version == 3 {
            body.skip(1)?; // the encoding of the name
        }
        let mut part = |size| if version == 1 { body.padded(size) } else { body.take(size) };
        let name = String::from_utf8_lossy(part(name)?).trim_end_matches('\0').to_owned();
        if !ATTRIBUTES.contains(&name.as_str()) || (version != 1 && shared) {
            return Ok(None);
        }
        let (mut kind, _axes) = (self.fields(part(kind)?, "the type of an attribute"), part(axes)?);
        let (kind, size) = kind_of(&mut kind)?;
        let mut data = body.take(size.min(body.left.len()))?;
        let value = match kind {
            ValueKind::Text => {
                let text = String::from_utf8_lossy(data);
                Attribute::Text(text.split('\0').next().unwrap_or_default().trim_end().to_owned())
            }
            ValueKind::Number(number, endian) => {
                let kind = (number, endian);
                let numbers = read_numbers(&mut data, kind, 1, true, self.path, "an attribute")?;
                Attribute::Number(numbers[0])
            }
            _ => return Ok(None),
        };
        Ok(Some((name, value)))
    }
}

/// What values are, and the bytes that one takes.
fn kind_of(body: &mut Fields<'_>) -> Result<(ValueKind, usize), DatasetError> {
    let (class, bits) = (body.u8()? & 0x0f, body.array::<3>()?);
    let size = body.u32()? as usize;
    let endian = if bits[0] & 1 == 0 { Endian::Little } else { Endian::Big };
    let number = match class {
        0 => {
            let (offset, precision) = (body.u16()?, usize::from(body.u16()?));
            let number = match (size, bits[0] & 8 != 0) {
                (1, false) => Some(Number::U8),
                (1, true) => Some(Number::I8),
                (2, false) => Some(Number::U16),
                (2, true) => Some(Number::I16),
                (4, false) => Some(Number::U32),
                (4, true) => Some(Number::I32),
                (8, false) => Some(Number::U64),
                (8, true) => Some(Number::I64),
                _ => None,
            };
            number.filter(|_| offset == 0 && precision == 8 * size)
        }
        1 => {
            // Offset and precision, place and size of the exponent, of the fraction, all in bits.
            let form = (body.u16()?, body.u16()?, body.array::<4>()?);
            let of_vax = bits[0] & 0x40 != 0;
            match (size, form) {
                (2, (0, 16, [10, 5, 0, 10])) => Some(Number::F16),
                (4, (0, 32, [23, 8, 0, 23])) => Some(Number::F32),
                (8, (0, 64, [52, 11, 0, 52])) => Some(Number::F64),
                _ => None,
            }
            .filter(|_| !of_vax)
        }
        _ => None,
    };
    let kind = match (class, number) {
        (_, Some(number)) => ValueKind::Number(number, endian),
        (3, _) => ValueKind::Text,
        (6, _) => ValueKind::Compound,
        (7, _) => ValueKind::Reference,
        (8, _) => ValueKind::Other("enumeration"),
        (9, _) => ValueKind::Other("lists of their own lengths"),
        _ => ValueKind::Other("an unusual type"),
    };
    Ok((kind, size))
}
