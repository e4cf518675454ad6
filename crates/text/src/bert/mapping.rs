//! Numbers that lie in a mapped file or in memory.

use std::{fs::File, ops::Deref, sync::Arc};

use memmap2::Mmap;

/// The bytes of a file as the system has them, read when they are looked at.
#[derive(Debug, Clone)]
pub(crate) struct Mapping(Arc<Mmap>);

impl Mapping {
    #[allow(unsafe_code, reason = "memmap2 cannot know what others do to a file")]
    pub(crate) fn of(file: &File) -> std::io::Result<Self> {
        // SAFETY: the map is for reading and lives as long as the `Mmap`, which hands out shared slices
        // only. What remains is that the bytes may not change under such a slice: this crate writes
        // new files and renames them, which leaves a mapped one as it was, and the docs of what maps
        // ask the same of the caller. Nothing is derived from the bytes that a change could turn
        // into an access outside the map: offsets are copied out and checked against its length once,
        // and the rest are numbers, of which any bits are one.
        Ok(Self(Arc::new(unsafe { Mmap::map(file) }?)))
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Numbers of a tensor.
#[derive(Debug, Clone)]
pub(crate) enum Numbers {
    Owned(Arc<Vec<f32>>),
    /// From this byte on, so many numbers, aligned.
    Mapped(Mapping, usize, usize),
}

impl Deref for Numbers {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Owned(numbers) => numbers,
            Self::Mapped(map, from, count) => {
                bytemuck::cast_slice(&map[*from..*from + *count * size_of::<f32>()])
            }
        }
    }
}

impl Numbers {
    /// To be written: those of a file are copied first, and those that others hold too.
    pub(crate) fn to_mut(&mut self) -> &mut [f32] {
        if let Self::Mapped(..) = self {
            *self = self.to_vec().into();
        }
        match self {
            Self::Owned(numbers) => Arc::<Vec<f32>>::make_mut(numbers).as_mut_slice(),
            Self::Mapped(..) => unreachable!("it was copied above"),
        }
    }
}

impl From<Vec<f32>> for Numbers {
    fn from(numbers: Vec<f32>) -> Self {
        Self::Owned(Arc::new(numbers))
    }
}
