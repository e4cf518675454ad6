//! Files that are mapped into memory, which takes unsafe code.

use std::fs::File;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use crate::error::WordsError;

/// The bytes of a file as the system has them, read when they are looked at. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Mapping(Arc<Mmap>);

impl Mapping {
    pub(crate) fn open(path: &Path) -> Result<Self, WordsError> {
        let opened = |cause| WordsError::Open { path: path.to_owned(), cause };
        let file = File::open(path).map_err(opened)?;
        if file.metadata().map_err(opened)?.len() == 0 {
            return Err(WordsError::Empty { path: path.to_owned() });
        }
        Self::of(path, &file)
    }

    /// A file that is open, which must not be empty.
    pub(crate) fn of(path: &Path, file: &File) -> Result<Self, WordsError> {
        Ok(Self(Arc::new(map(file).map_err(WordsError::read(path))?)))
    }
}

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Maps a file for reading.
#[allow(unsafe_code, reason = "memmap2 cannot know what others do to a file")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is private to this process's reading and lives as long as the `Mmap`, which
    // hands out shared slices only. What remains is that the bytes may not change under such a
    // slice: neither this crate (it writes to new files and renames them, which leaves the mapped
    // one as it was) nor, as the docs of everything that maps require of the caller, others may
    // change or shorten the file meanwhile. Nothing is derived from the bytes that a change could
    // turn into an access outside the map: every offset is checked against the length of the map,
    // numbers are plain `f32`, of which any four bytes are one, and words are copied before they
    // become `str`.
    unsafe { Mmap::map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map holds the file's bytes, and goes on holding them when the file gets a new name, is
    /// replaced the way this crate writes, or is removed.
    #[test]
    fn a_map_outlives_the_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"as it was").unwrap();
        let mapping = Mapping::open(&path).unwrap();
        let clone = mapping.clone();
        assert_eq!(&mapping[..], b"as it was");

        std::fs::write(directory.path().join("new"), b"another").unwrap();
        std::fs::rename(directory.path().join("new"), &path).unwrap();
        assert_eq!(&mapping[..], b"as it was");
        drop(mapping);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(&clone[..], b"as it was");
    }

    #[test]
    fn nothing_to_map() {
        let directory = tempfile::tempdir().unwrap();
        let error = |name| Mapping::open(&directory.path().join(name)).unwrap_err().to_string();
        assert!(error("none").starts_with("cannot open "));
        std::fs::write(directory.path().join("empty"), b"").unwrap();
        assert!(error("empty").ends_with("empty is empty: expected word vectors"));
        assert!(Mapping::open(directory.path()).is_err());
    }
}
