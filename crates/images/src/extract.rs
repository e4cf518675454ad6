//! Many pictures to a matrix, whatever some of them are like.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ndarray::{Array2, Axis};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::cache::{Cache, Key};
use crate::decode::Decoding;
use crate::describe::Describe;
use crate::error::ImagesError;
use crate::items::{Item, Items, Skipped, Source};
use crate::picture::Picture;

/// Makes a matrix of many pictures, on all of rayon's threads.
///
/// A thread holds one picture at a time: memory grows with the number of threads and not with that of
/// pictures. Rows are in the order of the items, with the same bits for any number of threads. A
/// picture that cannot be decoded or described has no row; the others do not suffer.
///
/// ```no_run
/// use std::ops::ControlFlow;
/// use procrust_images::{Extraction, Hog, Items};
///
/// let items = Items::of_folder("photographs".as_ref())?;
/// let hog = Hog { size: 128, cell: 8, ..Hog::default() };
/// let (rows, extracted) = Extraction::new(&hog).to_array(&items, |_| ControlFlow::Continue(()))?;
/// for skipped in &extracted.skipped {
///     eprintln!("{}: {}", skipped.name, skipped.reason());
/// }
/// # Ok::<(), procrust_images::ImagesError>(())
/// ```
pub struct Extraction<'a> {
    descriptor: &'a dyn Describe,
    decoding: Decoding,
    cache: Option<PathBuf>,
}

impl std::fmt::Debug for Extraction<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extraction")
            .field("descriptor", &self.descriptor.name())
            .field("decoding", &self.decoding)
            .field("cache", &self.cache)
            .finish()
    }
}

/// What became of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was described.
    Described,
    /// Its row was in the cache.
    Cached,
    /// It has no row.
    Skipped,
}

/// What was done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Extracted {
    /// The number of the item of each row, ascending.
    pub kept: Vec<usize>,
    /// Pictures without a row: first those that [`Items`] had left out, then in the order of the items.
    pub skipped: Vec<Skipped>,
    /// Values a row.
    pub dimensions: usize,
    /// How many rows came from the cache.
    pub cached: usize,
}

/// Where a row goes, with its place.
type Put<'a> = dyn Fn(usize, &[f32]) -> Result<(), ImagesError> + Sync + 'a;

impl<'a> Extraction<'a> {
    /// By this descriptor, without a cache.
    #[must_use]
    pub fn new(descriptor: &'a dyn Describe) -> Self {
        Self { descriptor, decoding: Decoding::default(), cache: None }
    }

    /// With other limits on files.
    #[must_use]
    pub fn decoding(mut self, decoding: Decoding) -> Self {
        self.decoding = decoding;
        self
    }

    /// Keeps the rows in this folder as they are made, and takes those that are there.
    ///
    /// A row is found again by the content of its file, the descriptor's
    /// [name](Describe::name) and the version of this library. An extraction that was interrupted goes
    /// on where it was.
    #[must_use]
    pub fn cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// The rows as a matrix in memory.
    ///
    /// `watch` hears of every picture, from any thread, and may end the work.
    ///
    /// # Errors
    ///
    /// Those of the descriptor's settings; [`ImagesError::NoRows`] when no picture has one;
    /// [`ImagesError::Interrupted`] when `watch` said so; [`ImagesError::TooLarge`];
    /// [`ImagesError::Cache`].
    pub fn to_array(
        &self,
        items: &Items,
        watch: impl Fn(Outcome) -> ControlFlow<()> + Sync,
    ) -> Result<(Array2<f32>, Extracted), ImagesError> {
        let (pictures, dimensions) = (items.items.len(), self.descriptor.dimensions()?);
        let too_large = ImagesError::TooLarge { pictures, height: 0, width: 0, dimensions };
        let values = pictures.checked_mul(dimensions).ok_or(too_large)?;
        let rows = Mutex::new(vec![0.0_f32; values]);
        let extracted = self.run(items, &watch, &|at, row| {
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows[at * dimensions..(at + 1) * dimensions].copy_from_slice(row);
            Ok(())
        })?;
        let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        let rows = Array2::from_shape_vec((pictures, dimensions), rows)
            .expect("there are pictures × dimensions values");
        let whole = extracted.kept.len() == pictures;
        let rows = if whole { rows } else { rows.select(Axis(0), &extracted.kept) };
        Ok((rows, extracted))
    }

    /// The rows as a file of NumPy's format, float32, rows × dimensions; it appears whole or not at all.
    ///
    /// `watch` hears of every picture, from any thread, and may end the work.
    ///
    /// # Errors
    ///
    /// Those of [`to_array`](Self::to_array) but `TooLarge`; [`ImagesError::Write`].
    pub fn to_npy(
        &self,
        items: &Items,
        path: &Path,
        watch: impl Fn(Outcome) -> ControlFlow<()> + Sync,
    ) -> Result<Extracted, ImagesError> {
        let failed = |cause| ImagesError::Write { path: path.to_owned(), cause };
        let dimensions = self.descriptor.dimensions()?;
        let partial = Partial::create(path).map_err(failed)?;
        let extracted = self.run(items, &watch, &|at, row| partial.put(at, row).map_err(failed))?;
        partial.finish(&extracted.kept, dimensions).map_err(failed)?;
        Ok(extracted)
    }

    fn run(
        &self,
        items: &Items,
        watch: &(dyn Fn(Outcome) -> ControlFlow<()> + Sync),
        put: &Put<'_>,
    ) -> Result<Extracted, ImagesError> {
        let dimensions = self.descriptor.dimensions()?;
        let cache = match &self.cache {
            Some(folder) => Some(Cache::open(folder, self.descriptor)?),
            None => None,
        };
        let interrupted = AtomicBool::new(false);
        let cached = AtomicUsize::new(0);
        let one = |(at, item): (usize, &Item)| -> Result<Option<ImagesError>, ImagesError> {
            if interrupted.load(Ordering::Relaxed) {
                return Err(ImagesError::Interrupted);
            }
            let mut row = vec![0.0; dimensions];
            let outcome = self.row(item, cache.as_ref(), &mut row)?;
            let (outcome, error) = match outcome {
                Ok(outcome) => {
                    put(at, &row)?;
                    (outcome, None)
                }
                Err(error) => (Outcome::Skipped, Some(error)),
            };
            if outcome == Outcome::Cached {
                cached.fetch_add(1, Ordering::Relaxed);
            }
            if watch(outcome).is_break() {
                interrupted.store(true, Ordering::Relaxed);
            }
            Ok(error)
        };
        // Fatal errors end the work; which of them is reported may depend on threads, rows do not.
        let found: Result<Vec<_>, ImagesError> =
            items.items.par_iter().enumerate().with_max_len(1).map(one).collect();
        let found = found?;
        let mut extracted = Extracted {
            kept: Vec::new(),
            skipped: Vec::new(),
            dimensions,
            cached: cached.into_inner(),
        };
        for skipped in &items.skipped {
            let (name, error) = (skipped.name.clone(), ImagesError::Listed(skipped.reason()));
            extracted.skipped.push(Skipped { name, error });
        }
        for (at, error) in found.into_iter().enumerate() {
            match error {
                None => extracted.kept.push(at),
                Some(error) => {
                    extracted.skipped.push(Skipped { name: items.items[at].name.clone(), error });
                }
            }
        }
        if extracted.kept.is_empty() {
            let first = extracted.skipped.first();
            let first = first.map(|skipped| format!("{}: {}", skipped.name, skipped.reason()));
            return Err(ImagesError::NoRows { skipped: extracted.skipped.len(), first });
        }
        Ok(extracted)
    }

    /// Fills `row`: the inner error is the picture's own fault.
    fn row(
        &self,
        item: &Item,
        cache: Option<&Cache>,
        row: &mut [f32],
    ) -> Result<Result<Outcome, ImagesError>, ImagesError> {
        let bytes = match &item.source {
            Source::File(path) => match self.decoding.read(path) {
                Ok(bytes) => bytes,
                Err(error) => return Ok(Err(error)),
            },
            Source::Stack(..) => Vec::new(),
        };
        let key = cache.map(|_| key(item, &bytes));
        if let (Some(cache), Some(key)) = (cache, &key)
            && cache.get(key, row)?
        {
            return Ok(Ok(Outcome::Cached));
        }
        let picture = match &item.source {
            Source::File(_) => self.decoding.decode(&bytes),
            Source::Stack(stack, at) => Picture::from_grey(stack.index_axis(Axis(0), *at)),
        };
        drop(bytes);
        let described = picture.and_then(|picture| self.descriptor.describe(&picture, row));
        if let Err(error) = described {
            return Ok(Err(error));
        }
        if let Some(column) = row.iter().position(|value| !value.is_finite()) {
            return Ok(Err(ImagesError::NotFinite { column }));
        }
        if let (Some(cache), Some(key)) = (cache, &key) {
            cache.put(key, row)?;
        }
        Ok(Ok(Outcome::Described))
    }
}

/// What a picture is known by in a cache: the bytes of its file, or its size and grey values.
fn key(item: &Item, bytes: &[u8]) -> Key {
    match &item.source {
        Source::File(_) => Sha256::digest(bytes).into(),
        Source::Stack(stack, at) => {
            let picture = stack.index_axis(Axis(0), *at);
            let mut hash = Sha256::new();
            hash.update(format!("grey {} {}\n", picture.nrows(), picture.ncols()));
            hash.update(picture.iter().copied().collect::<Vec<u8>>());
            hash.finalize().into()
        }
    }
}

/// A file that is being written beside the one that it will be.
struct Partial {
    path: PathBuf,
    beside: PathBuf,
    file: Mutex<File>,
}

/// Bytes of the header, which is padded to this.
const HEADER: usize = 128;

impl Partial {
    fn create(path: &Path) -> std::io::Result<Self> {
        if path.is_dir() {
            return Err(std::io::Error::other("expected a file to write, found a folder"));
        }
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().ok_or_else(|| std::io::Error::other("expected a file name"))?);
        name.push(format!(".{}.partial", std::process::id()));
        let beside = path.with_file_name(name);
        let options = File::options().read(true).write(true).create(true).truncate(true).clone();
        let file = options.open(&beside)?;
        Ok(Self { path: path.to_owned(), beside, file: Mutex::new(file) })
    }

    fn put(&self, at: usize, row: &[f32]) -> std::io::Result<()> {
        let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start((HEADER + at * bytes.len()) as u64))?;
        file.write_all(&bytes)
    }

    /// Moves the rows together, writes the header and gives the file its name.
    fn finish(self, kept: &[usize], dimensions: usize) -> std::io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = 4 * dimensions;
        let mut row = vec![0; bytes];
        for (to, &from) in kept.iter().enumerate() {
            if to != from {
                file.seek(SeekFrom::Start((HEADER + from * bytes) as u64))?;
                file.read_exact(&mut row)?;
                file.seek(SeekFrom::Start((HEADER + to * bytes) as u64))?;
                file.write_all(&row)?;
            }
        }
        file.set_len((HEADER + kept.len() * bytes) as u64)?;
        let mut header = b"\x93NUMPY\x01\x00\x76\x00".to_vec(); // 118 more bytes
        let rows = kept.len();
        let shape = format!(
            "{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dimensions}), }}"
        );
        header.extend(shape.as_bytes());
        header.resize(HEADER - 1, b' ');
        header.push(b'\n');
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
        file.sync_all()?;
        std::fs::rename(&self.beside, &self.path)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a success it is no longer there.
        let _ = std::fs::remove_file(&self.beside);
    }
}
