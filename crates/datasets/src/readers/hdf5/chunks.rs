//! Values in chunks, and the filters that they went through.

use std::collections::HashSet;
use std::io::Read;

use flate2::read::ZlibDecoder;

use super::messages::Filter;
use super::{Dataset, Hdf5};
use crate::DatasetError;
use crate::readers::numbers::{Cell, Endian, Number, read_numbers};
use crate::readers::source::read_error;

/// Deflate makes no data smaller than by this factor.
const MOST_DEFLATED: u64 = 1032;

impl Hdf5<'_> {
    /// All values of a dataset of `count` values. Nothing is allocated for more values than the chunks
    /// that are there can hold.
    pub(super) fn chunked<T: Cell>(
        &mut self,
        dataset: &Dataset,
        tree: u64,
        chunk: &[usize],
        kind: (Number, Endian),
        count: usize,
        what: &str,
    ) -> Result<Vec<T>, DatasetError> {
        let shape = dataset.shape.as_slice();
        if count == 0 {
            return Ok(Vec::new());
        }
        if chunk.len() != shape.len() || chunk.contains(&0) || chunk.is_empty() {
            return Err(self.broken(&format!("{what}: chunks of other axes than the values")));
        }
        let bytes = chunk
            .iter()
            .try_fold(kind.0.size() as u64, |bytes, &axis| bytes.checked_mul(axis as u64));
        let chunks = self.chunks(tree, shape.len())?;
        let expected = shape.iter().zip(chunk).try_fold(1_u64, |count, (&axis, &chunk)| {
            count.checked_mul(axis.div_ceil(chunk) as u64)
        });
        if expected != Some(chunks.len() as u64) {
            return Err(self.unsupported(&format!("{what}, of which parts were never written")));
        }
        let Some(bytes) = bytes else {
            return Err(self.broken(&format!("{what}: chunks that no memory holds")));
        };
        let (mut met, mut stored) = (HashSet::new(), 0_u64);
        for part in &chunks {
            let inside = |((&at, &axis), &chunk): ((&u64, &usize), &usize)| {
                at < axis as u64 && at.is_multiple_of(chunk as u64)
            };
            if !part.place.iter().zip(shape).zip(chunk).all(inside) || !met.insert(&part.place) {
                return Err(self.broken(&format!("{what}: a chunk out of place")));
            }
            // Chunks do not overlap in an honest file.
            stored = stored.saturating_add(part.size);
            if stored > self.length || bytes > part.size.saturating_mul(MOST_DEFLATED) {
                return Err(self.broken(&format!("{what}: chunks of another size than is stored")));
            }
        }
        let mut values = vec![T::default(); count];
        for part in &chunks {
            let mut data = self.bytes(part.address, part.size, what)?;
            for (at, filter) in dataset.filters.iter().enumerate().rev() {
                if part.skipped >> at.min(31) & 1 == 0 {
                    data = self.undo(*filter, &data, bytes, what)?;
                }
            }
            if data.len() as u64 != bytes {
                let found = data.len();
                let problem = format!("{what}: a chunk of {found} bytes, {bytes} were expected");
                return Err(self.broken(&problem));
            }
            let size = chunk.iter().product();
            let part_values: Vec<T> =
                read_numbers(&mut data.as_slice(), kind, size, true, self.path, what)?;
            scatter(&part_values, chunk, &part.place, &mut values, shape);
        }
        Ok(values)
    }

    /// The data before a filter; `bytes` is the size of a whole chunk.
    fn undo(
        &self,
        filter: Filter,
        data: &[u8],
        bytes: u64,
        what: &str,
    ) -> Result<Vec<u8>, DatasetError> {
        match filter {
            Filter::Deflate => {
                // One byte more than a chunk and its checksum: what is too long is noticed.
                let mut unpacked = Vec::new();
                ZlibDecoder::new(data)
                    .take(bytes.saturating_add(5))
                    .read_to_end(&mut unpacked)
                    .map_err(|cause| read_error(self.path, cause))?;
                Ok(unpacked)
            }
            Filter::Shuffle(size) => {
                let count = data.len() / size;
                let mut restored = data.to_vec();
                for (at, value) in restored.chunks_exact_mut(size).enumerate() {
                    for (place, byte) in value.iter_mut().enumerate() {
                        *byte = data[place * count + at];
                    }
                }
                Ok(restored)
            }
            Filter::Fletcher => {
                let Some((body, sum)) = data.split_last_chunk::<4>() else {
                    return Err(self.broken(&format!("{what}: a chunk without its checksum")));
                };
                if fletcher(body) != u32::from_le_bytes(*sum) {
                    return Err(self.broken(&format!("{what}: a chunk with a wrong checksum")));
                }
                Ok(body.to_vec())
            }
        }
    }
}

/// Copies a chunk to its place; what lies outside the values is left out.
fn scatter<T: Clone>(
    part: &[T],
    chunk: &[usize],
    place: &[u64],
    values: &mut [T],
    shape: &[usize],
) {
    let last = shape.len() - 1;
    // Places lie inside the shape.
    let start: Vec<usize> = place.iter().map(|&at| at as usize).collect();
    let ends: Vec<usize> =
        (0..=last).map(|axis| chunk[axis].min(shape[axis] - start[axis])).collect();
    let mut at = vec![0; last];
    loop {
        let (mut from, mut to) = (0, 0);
        for axis in 0..last {
            from = (from + at[axis]) * chunk[axis + 1];
            to = (to + start[axis] + at[axis]) * shape[axis + 1];
        }
        to += start[last];
        values[to..to + ends[last]].clone_from_slice(&part[from..from + ends[last]]);
        // The next run: the last of the outer axes runs fastest.
        let Some(axis) = (0..last).rev().find(|&axis| at[axis] + 1 < ends[axis]) else { return };
        at[axis] += 1;
        at[axis + 1..].fill(0);
    }
}

/// Fletcher's checksum of pairs of bytes, as HDF5 computes it.
fn fletcher(data: &[u8]) -> u32 {
    /// Pairs after which no sum of 32 bits has run over.
    const BLOCK: usize = 360;
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let (mut first, mut second) = (0_u32, 0_u32);
    for block in data.chunks(2 * BLOCK) {
        for pair in block.chunks(2) {
            first += u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&byte| u32::from(byte));
            second += first;
        }
        (first, second) = (fold(first), fold(second));
    }
    fold(second) << 16 | fold(first)
}
