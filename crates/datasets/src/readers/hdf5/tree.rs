//! Trees of version 1: the names of a group, the chunks of a dataset.

use std::collections::HashSet;

use super::{Fields, Hdf5};
use crate::DatasetError;

/// A chunk and where it is.
pub(super) struct Chunk {
    /// The place of its first value, an axis a number.
    pub(super) place: Vec<u64>,
    pub(super) address: u64,
    pub(super) size: u64,
    /// A bit for each filter that was left out.
    pub(super) skipped: u32,
}

/// What the nodes of a tree point to.
#[derive(Clone, Copy)]
enum Kind {
    Names,
    Chunks { axes: usize },
}

impl Hdf5<'_> {
    /// The names in a group with the addresses of their headers.
    pub(super) fn names(
        &mut self,
        tree: u64,
        heap: u64,
    ) -> Result<Vec<(String, u64)>, DatasetError> {
        let header = self.bytes(heap, 32, "the heap of a group")?;
        let mut fields = self.fields(&header, "the heap of a group");
        if fields.take(4)? != b"HEAP" {
            return Err(self.broken("the heap of a group does not begin as one"));
        }
        fields.skip(4)?;
        let size = fields.u64()?;
        fields.skip(8)?; // its free list
        let heap = self.bytes(fields.u64()?, size, "the heap of a group")?;
        let mut tables = Vec::new();
        self.leaves(tree, Kind::Names, &mut |_, address| {
            tables.push(address);
            Ok(())
        })?;
        let mut names = Vec::new();
        for table in tables {
            let header = self.bytes(table, 8, "a table of symbols")?;
            if &header[..4] != b"SNOD" {
                return Err(self.broken("a table of symbols does not begin as one"));
            }
            let count = u64::from(u16::from_le_bytes([header[6], header[7]]));
            let entries = self.bytes(table.saturating_add(8), 40 * count, "a table of symbols")?;
            let mut fields = self.fields(&entries, "a table of symbols");
            for _ in 0..count {
                let (name, address) = (fields.u64()?, fields.u64()?);
                fields.skip(24)?;
                let name = usize::try_from(name).ok().and_then(|name| heap.get(name..));
                let Some(name) = name else {
                    return Err(self.broken("a name lies outside the heap of its group"));
                };
                let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
                names.push((String::from_utf8_lossy(name).into_owned(), address));
            }
        }
        Ok(names)
    }

    /// All chunks of a dataset of so many axes.
    pub(super) fn chunks(&mut self, tree: u64, axes: usize) -> Result<Vec<Chunk>, DatasetError> {
        let mut chunks = Vec::new();
        self.leaves(tree, Kind::Chunks { axes }, &mut |mut key, address| {
            let (size, skipped) = (u64::from(key.u32()?), key.u32()?);
            let place = (0..axes).map(|_| key.u64()).collect::<Result<_, _>>()?;
            chunks.push(Chunk { place, address, size, skipped });
            Ok(())
        })?;
        Ok(chunks)
    }

    /// Calls `each` with the key and the address of every leaf.
    fn leaves(
        &mut self,
        root: u64,
        kind: Kind,
        each: &mut dyn FnMut(Fields<'_>, u64) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        const WHAT: &str = "a node of a tree";
        let (number, key) = match kind {
            Kind::Names => (0, 8),
            // Size, mask, a place for each axis and one within the value.
            Kind::Chunks { axes } => (1, 8 + 8 * (axes + 1)),
        };
        let mut met = HashSet::new();
        // Nodes that are still to be read, the first last, with their level where that is known.
        let mut left = vec![(root, None)];
        while let Some((address, level)) = left.pop() {
            if !met.insert(address) {
                return Err(self.broken("a tree runs in a circle"));
            }
            let header = self.bytes(address, 24, WHAT)?;
            let mut fields = self.fields(&header, WHAT);
            let start = fields.take(4)?;
            let (kind, found, count) = (fields.u8()?, fields.u8()?, u64::from(fields.u16()?));
            if start != b"TREE" || kind != number || level.is_some_and(|level| level != found) {
                return Err(self.broken("a node of a tree does not begin as one"));
            }
            let size = count * (key as u64 + 8);
            let entries = self.bytes(address.saturating_add(24), size, WHAT)?;
            let mut fields = self.fields(&entries, WHAT);
            let mut inner = Vec::new();
            for _ in 0..count {
                let key = Fields { left: fields.take(key)?, ..fields };
                let child = fields.u64()?;
                match found.checked_sub(1) {
                    None => each(key, child)?,
                    Some(below) => inner.push((child, Some(below))),
                }
            }
            left.extend(inner.into_iter().rev());
        }
        Ok(())
    }
}
