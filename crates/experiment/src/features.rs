//! Pictures to a matrix of features on disk.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use procrust_datasets::{DatasetError, TableOptions, read_table};
use procrust_images::{
    BagOfWords, Decoding, Describe, Extracted, Extraction, ImagesError, Items, Outcome, Skipped,
    Vocabulary, WrittenBag,
};
use serde::Serialize;

use procrust_runner::{Progress, write_whole};

use crate::shared::descriptors;

/// What to describe, how, and where the rows go.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct FeatureExtraction {
    /// A folder, in which folders are classes; a list of files, a path a line, with a label behind a comma
    /// or without; or an array of grey pictures (idx, `.npy`, `.npz`, `.mat`).
    pub from: PathBuf,
    /// The file that is written, in NumPy's format.
    pub to: PathBuf,
    /// The descriptor, as [`procrust_images::descriptor`] reads it, the path of a network that ends in `.onnx`
    /// included, or `bow` ([`WrittenBag`]), or several of them joined by `+`.
    pub descriptor: String,
    /// The labels of an array: a file beside it, or the name of a variable in it.
    pub labels: Option<String>,
    /// A folder in which rows are kept, for other runs too. When `None`, a hidden folder beside the new file
    /// keeps them until the work is done.
    pub cache: Option<PathBuf>,
    /// The visual words of `bow`: read if the file is there, otherwise learned from these pictures and saved in
    /// it.
    pub vocabulary: Option<PathBuf>,
    /// Ends the work, once true; what is done stays in the cache.
    pub stop: Arc<AtomicBool>,
}

/// What was done.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ExtractedFeatures {
    /// The matrix: float32, rows × dimensions.
    pub features: PathBuf,
    /// The name of each row's picture, one a line.
    pub names: PathBuf,
    /// The label of each row, one a line, if there are labels.
    pub labels: Option<PathBuf>,
    /// Name and reason of each picture without a row, separated by a tab, if there are such.
    pub skipped: Option<PathBuf>,
    /// Rows.
    pub pictures: usize,
    /// Values a row.
    pub dimensions: usize,
    /// Different labels.
    pub classes: usize,
    /// Rows without a label where others have one.
    pub unlabelled: usize,
    /// Pictures without a row.
    pub left_out: usize,
    /// Rows that were in the cache.
    pub cached: usize,
    /// The descriptor with all its settings.
    pub descriptor: String,
    /// How long it took.
    pub seconds: f64,
    /// Pictures a second, skipped ones among them.
    pub pictures_per_second: f64,
    /// The first few of those without a row, with the reason.
    #[serde(skip)]
    pub first_skipped: Vec<(String, String)>,
}

/// Why features could not be extracted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeaturesError {
    /// The pictures could not be found or described, or the rows not be written.
    #[error("cannot describe the pictures of {}", path.display())]
    Images {
        /// The folder, list or array.
        path: PathBuf,
        /// Why.
        #[source]
        cause: ImagesError,
    },
    /// The descriptor is not one.
    #[error(transparent)]
    Descriptor(#[from] ImagesError),
    /// The array could not be read.
    #[error(transparent)]
    Array(Box<DatasetError>),
    /// An array that holds no pictures.
    #[error(
        "{}: expected pictures: an array of three axes (pictures, height, width) of whole numbers from 0 \
         to 255",
        path.display()
    )]
    NoPictures {
        /// The file.
        path: PathBuf,
    },
    /// A bag of words without a vocabulary.
    #[error(
        "`bow` needs --vocabulary FILE: the visual words are read from it, or learned and saved in it if it is \
         not there"
    )]
    NoVocabulary,
    /// A vocabulary that nothing uses.
    #[error("--vocabulary goes with the descriptor `bow`")]
    NoBag,
    /// Labels that were named for pictures that bring their own.
    #[error(
        "labels go with an array: those of a folder are its folders' names, those of a list stand in it"
    )]
    Labels,
    /// A single picture in place of many.
    #[error("{} is a picture: expected a folder of pictures, a list of their files, or an array", path.display())]
    OnePicture {
        /// The file.
        path: PathBuf,
    },
    /// A file that cannot be looked into, or not be written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The work was ended; the cache has what was done.
    #[error("interrupted after {done} of {all} pictures: the same command goes on from there")]
    Interrupted {
        /// Pictures that were looked at.
        done: usize,
        /// All pictures.
        all: usize,
    },
}

/// How many of the skipped are told.
const TOLD: usize = 5;

impl FeatureExtraction {
    /// Describes the pictures. The matrix appears last, whole or not at all.
    ///
    /// # Errors
    ///
    /// A [`FeaturesError`] that names the file; a picture that cannot be used is none.
    pub fn run(&self) -> Result<ExtractedFeatures, FeaturesError> {
        self.check_target()?;
        // What is wrong with the descriptor is said before pictures are looked for.
        let bag = descriptors::check(&self.descriptor, Path::new(""))
            .map_err(FeaturesError::Descriptor)?;
        match (&self.vocabulary, bag) {
            (None, true) => return Err(FeaturesError::NoVocabulary),
            (Some(_), false) => return Err(FeaturesError::NoBag),
            _ => {}
        }
        let items = self.items()?;
        let made = self.describe(&items)?;
        let in_use = |cause| FeaturesError::Images { path: self.from.clone(), cause };
        let cache = self.cache.clone().unwrap_or_else(|| beside(&self.to, ".rows"));
        let part = beside(&self.to, ".part");

        let all = items.items.len();
        let progress = Progress::of_pictures("describing", all);
        let started = Instant::now();
        let extraction = Extraction::new(&*made).cache(&cache);
        let extracted = extraction.to_npy(&items, &part, |outcome| {
            progress.step(match outcome {
                Outcome::Cached => "cached",
                _ => "",
            });
            if self.stop.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        let seconds = started.elapsed().as_secs_f64();
        let extracted = match extracted {
            Err(ImagesError::Interrupted) => {
                return Err(FeaturesError::Interrupted { done: progress.done(), all });
            }
            other => other.map_err(in_use)?,
        };
        progress.finish();
        let done = self.write(&items, &extracted, &*made, seconds, &part);
        if done.is_err() {
            let _ = std::fs::remove_file(&part);
        } else if self.cache.is_none() {
            forget(&cache);
        }
        done
    }

    fn describe(&self, items: &Items) -> Result<Box<dyn Describe>, FeaturesError> {
        descriptors::make(&self.descriptor, Path::new(""), |written| self.bag(written, items))
    }

    /// The bag of words of the vocabulary's file, which is learned first if it is not there.
    fn bag(&self, written: &WrittenBag, items: &Items) -> Result<BagOfWords, FeaturesError> {
        let path = self.vocabulary.as_ref().ok_or(FeaturesError::NoVocabulary)?;
        let failed = |cause| FeaturesError::Images { path: path.clone(), cause };
        let vocabulary = if path.try_exists().unwrap_or(true) {
            Vocabulary::load(path).map_err(failed)?
        } else {
            let all = 2 * items.items.len().min(written.settings.samples);
            let progress = Progress::of_pictures("learning visual words", all);
            let learned = Vocabulary::learn(items, &written.settings, || {
                progress.step("");
                match self.stop.load(Ordering::Relaxed) {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
            let learned = match learned {
                Err(ImagesError::Interrupted) => {
                    return Err(FeaturesError::Interrupted { done: 0, all: items.items.len() });
                }
                other => other
                    .map_err(|cause| FeaturesError::Images { path: self.from.clone(), cause })?,
            };
            progress.finish();
            learned.save(path).map_err(failed)?;
            learned
        };
        written.check(&vocabulary).map_err(failed)?;
        Ok(BagOfWords::new(Arc::new(vocabulary), written.weights))
    }

    /// What would only be found out when all is done.
    fn check_target(&self) -> Result<(), FeaturesError> {
        let failed = |cause| FeaturesError::File { path: self.to.clone(), cause };
        let folder = match self.to.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if self.to.file_name().is_none() || self.to.is_dir() {
            return Err(failed(io::Error::other("expected the name of a file to write")));
        }
        if !std::fs::metadata(folder).map_err(failed)?.is_dir() {
            return Err(failed(io::Error::other("expected a folder to write it to")));
        }
        let same = |other: &Path| matches!((self.to.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if same(&self.from) {
            return Err(failed(io::Error::other("this is the file that is read")));
        }
        Ok(())
    }

    fn items(&self) -> Result<Items, FeaturesError> {
        let path = || self.from.clone();
        let failed = |cause| FeaturesError::Images { path: path(), cause };
        let metadata = std::fs::metadata(&self.from)
            .map_err(|cause| FeaturesError::File { path: path(), cause })?;
        if !metadata.is_dir() && is_array(&self.from)? {
            let mut options = TableOptions::default();
            options.labels.clone_from(&self.labels);
            let table = read_table(&self.from, &options)
                .map_err(|cause| FeaturesError::Array(Box::new(cause)))?;
            let pictures =
                table.pictures().ok_or_else(|| FeaturesError::NoPictures { path: path() })?;
            return Items::of_stack(pictures, table.labels.as_deref()).map_err(failed);
        }
        if self.labels.is_some() {
            return Err(FeaturesError::Labels);
        }
        if metadata.is_dir() {
            return Items::of_folder(&self.from).map_err(failed);
        }
        Items::of_list(&self.from).map_err(|cause| match Decoding::default().open(&self.from) {
            Ok(_) => FeaturesError::OnePicture { path: path() },
            Err(_) => failed(cause),
        })
    }

    fn write(
        &self,
        items: &Items,
        extracted: &Extracted,
        made: &dyn Describe,
        seconds: f64,
        part: &Path,
    ) -> Result<ExtractedFeatures, FeaturesError> {
        let kept = || extracted.kept.iter().map(|&at| &items.items[at]);
        let (mut names, mut labels, mut unlabelled) = (String::new(), String::new(), 0);
        for item in kept() {
            names.push_str(&item.name);
            names.push('\n');
            match &item.label {
                Some(label) => labels.push_str(label),
                None => unlabelled += 1,
            }
            labels.push('\n');
        }
        let classes: BTreeSet<&str> = kept().filter_map(|item| item.label.as_deref()).collect();
        let told = |skipped: &Skipped| (skipped.name.clone(), skipped.reason());
        let skipped: String = extracted
            .skipped
            .iter()
            .map(told)
            .map(|(name, reason)| format!("{name}\t{}\n", reason.replace('\t', " ")))
            .collect();
        let names = self.put("names.txt", Some(names))?.expect("there are names");
        let labels = self.put("labels.txt", (!classes.is_empty()).then_some(labels))?;
        let skipped = self.put("skipped.tsv", (!skipped.is_empty()).then_some(skipped))?;
        std::fs::rename(part, &self.to)
            .map_err(|cause| FeaturesError::File { path: self.to.clone(), cause })?;
        let looked_at = items.items.len();
        #[allow(clippy::cast_precision_loss, reason = "a rate")]
        let pictures_per_second = looked_at as f64 / seconds.max(1e-9);
        Ok(ExtractedFeatures {
            features: self.to.clone(),
            names,
            unlabelled: if labels.is_some() { unlabelled } else { 0 },
            labels,
            skipped,
            pictures: extracted.kept.len(),
            dimensions: extracted.dimensions,
            classes: classes.len(),
            left_out: extracted.skipped.len(),
            cached: extracted.cached,
            descriptor: made.name(),
            seconds,
            pictures_per_second,
            first_skipped: extracted.skipped.iter().take(TOLD).map(told).collect(),
        })
    }

    /// Writes a file beside the matrix, or takes away what an earlier run left there.
    fn put(&self, ending: &str, content: Option<String>) -> Result<Option<PathBuf>, FeaturesError> {
        let path = self.to.with_extension(ending);
        let written = match &content {
            Some(content) => write_whole(&path, content),
            None => match std::fs::remove_file(&path) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
                _ => Ok(()),
            },
        };
        written.map_err(|cause| FeaturesError::File { path: path.clone(), cause })?;
        Ok(content.map(|_| path))
    }
}

/// A hidden name beside a file.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(ending);
    path.with_file_name(name)
}

/// Whether a file is an array, by its name or its first bytes.
fn is_array(path: &Path) -> Result<bool, FeaturesError> {
    const ENDINGS: [&str; 9] =
        [".npy", ".npz", ".mat", ".idx", ".idx3", "ubyte", ".npy.gz", ".idx3.gz", "ubyte.gz"];
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return Ok(true);
    }
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(8).read_to_end(&mut start))
        .map_err(|cause| FeaturesError::File { path: path.to_owned(), cause })?;
    Ok(matches!(
        start.as_slice(),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..]
            | [b'P', b'K', 3, 4, ..]
            | [b'M', b'A', b'T', b'L', b'A', b'B', ..]
            | [0, 0, 8 | 9 | 11..=14, 1..=8, ..]
            | [0x1f, 0x8b, ..]
    ))
}

/// Removes a cache that was kept for one run: its files and nothing else.
fn forget(cache: &Path) {
    let Ok(entries) = std::fs::read_dir(cache) else { return };
    for entry in entries.flatten() {
        if entry.path().extension().is_some_and(|ending| ending == "rows") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let _ = std::fs::remove_dir(cache);
}
