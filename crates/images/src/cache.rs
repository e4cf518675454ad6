//! Rows that were made before, found again by the content of their picture.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::describe::Describe;
use crate::error::ImagesError;

/// What a picture is known by: a SHA-256.
pub(crate) type Key = [u8; 32];

/// Rows on disk, one file a descriptor, to which rows are only added.
///
/// The file is `MAGIC`, the SHA-256 of version and name of the descriptor, and records: the key of a
/// picture, its row, and the first bytes of their SHA-256. A record is written by one call, so that what an
/// interruption leaves is whole records and at most one part, which is cut off at the next start.
pub(crate) struct Cache {
    path: PathBuf,
    file: Mutex<File>,
    found: HashMap<Key, u64>,
    dimensions: usize,
}

const MAGIC: &[u8; 16] = b"procrust-rows-1\n";
const HEADER: u64 = 48;
const CHECK: usize = 8;

impl Cache {
    /// Opens the rows of a descriptor in a folder; both are made if they are not there.
    pub(crate) fn open(folder: &Path, descriptor: &dyn Describe) -> Result<Self, ImagesError> {
        let dimensions = descriptor.dimensions()?;
        let known_by =
            Sha256::digest(format!("{}\n{}", env!("CARGO_PKG_VERSION"), descriptor.name()));
        let stem: String = known_by[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let path = folder.join(format!("{stem}.rows"));
        let failed = |cause| ImagesError::Cache { path: path.clone(), cause };

        std::fs::create_dir_all(folder).map_err(failed)?;
        let options = OpenOptions::new().read(true).append(true).create(true).clone();
        let mut file = options.open(&path).map_err(failed)?;
        let header = [MAGIC.as_slice(), &known_by].concat();
        let mut length = file.metadata().map_err(failed)?.len();
        let mut begins = Vec::new();
        (&mut file).take(HEADER).read_to_end(&mut begins).map_err(failed)?;
        if begins != header {
            if !header.starts_with(&begins) {
                let cause =
                    std::io::Error::other("found a file that is no cache of this descriptor");
                return Err(failed(cause));
            }
            file.set_len(0).and_then(|()| file.write_all(&header)).map_err(failed)?;
            length = HEADER;
        }

        let record = record_bytes(dimensions);
        let records = (length - HEADER) / record;
        file.set_len(HEADER + records * record).map_err(failed)?;
        let mut found = HashMap::new();
        let mut reader = BufReader::new(&file);
        reader.seek(SeekFrom::Start(HEADER)).map_err(failed)?;
        for at in 0..records {
            let mut key = [0; 32];
            reader.read_exact(&mut key).map_err(failed)?;
            reader.seek_relative(record as i64 - 32).map_err(failed)?;
            found.insert(key, HEADER + at * record);
        }
        Ok(Self { path, file: Mutex::new(file), found, dimensions })
    }

    /// Fills `row` with the row of this key; false when it is not there or damaged.
    pub(crate) fn get(&self, key: &Key, row: &mut [f32]) -> Result<bool, ImagesError> {
        let Some(&start) = self.found.get(key) else { return Ok(false) };
        let mut bytes = vec![0; record_bytes(self.dimensions) as usize];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(start))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(|cause| ImagesError::Cache { path: self.path.clone(), cause })?;
        }
        let (content, check) = bytes.split_at(bytes.len() - CHECK);
        if &content[..32] != key || Sha256::digest(content)[..CHECK] != *check {
            return Ok(false);
        }
        for (value, bytes) in row.iter_mut().zip(content[32..].chunks_exact(4)) {
            *value = f32::from_le_bytes(bytes.try_into().expect("chunks of four"));
        }
        Ok(true)
    }

    /// Adds a row.
    pub(crate) fn put(&self, key: &Key, row: &[f32]) -> Result<(), ImagesError> {
        let mut bytes = Vec::with_capacity(record_bytes(self.dimensions) as usize);
        bytes.extend_from_slice(key);
        bytes.extend(row.iter().flat_map(|value| value.to_le_bytes()));
        let check = Sha256::digest(&bytes);
        bytes.extend_from_slice(&check[..CHECK]);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&bytes)
            .map_err(|cause| ImagesError::Cache { path: self.path.clone(), cause })
    }
}

fn record_bytes(dimensions: usize) -> u64 {
    (32 + 4 * dimensions + CHECK) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hog, Pixels};

    #[test]
    fn rows_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let pixels = Pixels { size: 2 };
        let (one, two) = ([1; 32], [2; 32]);
        let cache = Cache::open(folder.path(), &pixels).unwrap();
        cache.put(&one, &[0.1, 0.2, 0.3, 0.4]).unwrap();
        cache.put(&two, &[0.5; 4]).unwrap();

        let path = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let whole = std::fs::read(&path).unwrap();
        let mut row = [0.0; 4];
        let cache = Cache::open(folder.path(), &pixels).unwrap();
        assert!(cache.get(&one, &mut row).unwrap());
        assert_eq!(row, [0.1, 0.2, 0.3, 0.4]);
        assert!(!cache.get(&[3; 32], &mut row).unwrap());
        // Another descriptor has rows of its own.
        let other = Cache::open(folder.path(), &Hog::default()).unwrap();
        assert!(!other.get(&one, &mut [0.0; 324]).unwrap());

        // What an interruption leaves: the second row is a part.
        std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        let cache = Cache::open(folder.path(), &pixels).unwrap();
        assert!(cache.get(&one, &mut row).unwrap());
        assert!(!cache.get(&two, &mut row).unwrap());
        cache.put(&two, &[0.5; 4]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);

        // A damaged value is not believed.
        let mut damaged = whole.clone();
        damaged[HEADER as usize + 33] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        let cache = Cache::open(folder.path(), &pixels).unwrap();
        assert!(!cache.get(&one, &mut row).unwrap());
        assert!(cache.get(&two, &mut row).unwrap());
        // Nor is another file.
        std::fs::write(&path, "something else").unwrap();
        assert!(matches!(Cache::open(folder.path(), &pixels), Err(ImagesError::Cache { .. })));
    }
}
