//! Readers of data files: one front, a module a format.

mod boxes;
mod delimited;
mod hdf5;
mod idx;
mod labels;
mod mat;
mod names;
mod npy;
mod npz;
mod numbers;
pub(crate) mod passages;
pub(crate) mod similarity;
mod source;
pub(crate) mod squad;
mod svmlight;
mod table;
mod variables;
mod zip;

use std::path::Path;

pub use boxes::{
    AnnotatedBox, AnnotatedPicture, AnnotatedPictures, BoxOptions, read_coco, read_voc,
};
pub use passages::{Passage, Question, read_passages, read_sentence_pairs};
pub use similarity::{Analogy, RatedPair, read_analogies, read_ratings};
pub use squad::{SquadAnswer, SquadPassage, SquadQuestion, read_squad};
pub use table::Table;

use crate::DatasetError;

/// Which parts of a data file to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// The variables (`.mat`), arrays (`.npz`) or columns (`.csv`, `.tsv`) that are the features;
    /// several stand side by side in this order. A column goes by its name or by its index from 0.
    ///
    /// Left empty: all columns but the label's, or the only numeric variable that is not the label.
    /// Must be empty for `.npy`, svmlight and idx, which hold one array each.
    pub features: Vec<String>,
    /// The variable, array or column that holds the labels. For `.npy` and idx: the name of
    /// another `.npy`, `.csv`, `.txt` or idx file, relative to the folder of the data file.
    ///
    /// Left out: what is called `label`, `labels`, `class`, `target` or `y`, in any case, the first
    /// of these that there is, and otherwise there are no labels. Must be left out for svmlight, whose lines begin with them.
    pub labels: Option<String>,
}

/// Reads a matrix of features, a row an item, and the labels that go with it.
///
/// | format | found by | holds |
/// |---|---|---|
/// | MATLAB v5 to v7, v7.3 (HDF5) | `.mat` | numeric and sparse variables; others are passed over |
/// | NumPy | `.npy`, `.npz` | numbers; as labels also text |
/// | text with delimiters | `.csv`, `.tsv` | numbers; as labels also text; a header is found out |
/// | svmlight, libsvm | `.svmlight`, `.libsvm`, `.svm` | `label index:value …`, read into a dense matrix |
/// | idx (MNIST) | `.idx`, `.idx1`, `.idx3`, `…ubyte` | numbers |
///
/// A file with another ending is known by its first bytes if they are a NumPy, zip, MATLAB or idx
/// header. All but `.mat` and `.npz` may be packed by gzip (`.csv.gz`).
///
/// An array of more than two axes is flattened to rows along all but its first; of three axes,
/// the last two are kept as [`Table::picture`]. A list is one column. Numbers of any width
/// become `f32`.
///
/// The first line of a `.csv` or `.tsv` is a header if none of its fields is a number, if it holds
/// a name that was asked for or a usual name of labels, or if a column that is text there is
/// a number in the second line. A header of numbers only cannot be told from data.
///
/// # Errors
///
/// [`DatasetError`] names the file and the place: when it is missing, empty, cut off or breaks
/// its format; when a name is not in it; when rows and labels differ in number; when a feature is
/// not a finite `f32`; when a sparse file takes over 8 GiB as a dense matrix. Headers are not
/// trusted: memory is only taken for data that is there.
///
/// # Examples
///
/// ```
/// use procrust_datasets::{TableOptions, read_table};
///
/// let folder = std::env::temp_dir().join("procrust-read-table");
/// std::fs::create_dir_all(&folder)?;
/// let path = folder.join("flowers.csv");
/// std::fs::write(&path, "petal,sepal,class\n1.4,5.1,setosa\n4.7,7.0,versicolor\n")?;
///
/// let table = read_table(&path, &TableOptions::default())?;
/// assert_eq!(table.features.dim(), (2, 2));
/// assert_eq!(table.labels.unwrap(), ["setosa", "versicolor"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_table(path: impl AsRef<Path>, options: &TableOptions) -> Result<Table, DatasetError> {
    let path = path.as_ref();
    match Format::of(path)? {
        Format::Mat => mat::read(path, options),
        Format::Npy => npy::read(path, options),
        Format::Npz => npz::read(path, options),
        Format::Delimited { delimiter } => delimited::read(path, delimiter, options),
        Format::Svmlight => svmlight::read(path, options),
        Format::Idx => idx::read(path, options),
    }
}

/// Reads labelled sentences from a `.csv` or `.tsv` file (also with `.gz`): of each row the sentence and its label.
///
/// The first line names the columns. `labels` may be left out where a column is called as labels usually are (`label`,
/// `class`, …), or where there are two.
///
/// # Errors
///
/// [`DatasetError`] with the file and the line: a column that is not there, a sentence or label that is empty, a line
/// with more or fewer fields than the first; [`DatasetError::Unsupported`] for a file of another format.
pub fn read_labelled_sentences(
    path: impl AsRef<Path>,
    sentences: &str,
    labels: Option<&str>,
) -> Result<Vec<(String, String)>, DatasetError> {
    let path = path.as_ref();
    match Format::of(path)? {
        Format::Delimited { delimiter } => {
            delimited::read_sentences(path, delimiter, sentences, labels)
        }
        _ => {
            let problem = "sentences are read from .csv and .tsv files only".into();
            Err(DatasetError::Unsupported { path: path.into(), problem })
        }
    }
}

/// Reads one numeric variable of a `.mat` file as a matrix, as MATLAB shows it: of a benchmark whose
/// files hold several that are no features, such as row numbers of a split.
///
/// # Errors
///
/// As [`read_table`]; [`DatasetError::Unsupported`] for a file of another format.
pub fn read_matrix(
    path: impl AsRef<Path>,
    variable: &str,
) -> Result<ndarray::Array2<f32>, DatasetError> {
    let path = path.as_ref();
    match Format::of(path)? {
        Format::Mat => mat::read_variable(path, variable),
        _ => {
            let problem = "one variable by its name is read from .mat files only".into();
            Err(DatasetError::Unsupported { path: path.into(), problem })
        }
    }
}

/// The format of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Mat,
    Npy,
    Npz,
    Delimited { delimiter: u8 },
    Svmlight,
    Idx,
}

/// Endings of file names that are known.
const KNOWN: &str = ".mat .npy .npz .csv .tsv .svmlight .libsvm .svm .idx .idx1 .idx3 ubyte, \
                     all but .mat and .npz also with .gz";

impl Format {
    /// Tells the format by the file's name, and by its first bytes where the name says nothing.
    fn of(path: &Path) -> Result<Self, DatasetError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let format = match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "mat" => Self::Mat,
            "npy" => Self::Npy,
            "npz" => Self::Npz,
            "csv" => Self::Delimited { delimiter: b',' },
            "tsv" => Self::Delimited { delimiter: b'\t' },
            "svmlight" | "libsvm" | "svm" => Self::Svmlight,
            "idx" | "idx1" | "idx2" | "idx3" => Self::Idx,
            _ if name.ends_with("ubyte") => Self::Idx,
            _ => return Self::of_content(path),
        };
        Ok(format)
    }

    fn of_content(path: &Path) -> Result<Self, DatasetError> {
        let mut source = source::Source::open(path)?;
        let mut start = [0; 8];
        let found = source::read_up_to(&mut source.reader, &mut start)
            .map_err(|cause| source::read_error(path, cause))?;
        match &start[..found] {
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Ok(Self::Npy),
            [b'P', b'K', 3, 4, ..] => Ok(Self::Npz),
            [b'M', b'A', b'T', b'L', b'A', b'B', ..] => Ok(Self::Mat),
            start if start == hdf5::SIGNATURE => Ok(Self::Mat),
            [0, 0, 8 | 9 | 11..=14, 1..=8, ..] => Ok(Self::Idx),
            _ => Err(DatasetError::UnknownFormat { path: path.into(), known: KNOWN }),
        }
    }
}

/// Reports features that were named for a format without names.
fn refuse_features(path: &Path, options: &TableOptions) -> Result<(), DatasetError> {
    match options.features.first() {
        Some(name) => {
            let problem = format!(
                "`{name}` was asked for, but a file of this format holds one array without \
                 a name; leave `features` out"
            );
            Err(DatasetError::Unsupported { path: path.into(), problem })
        }
        None => Ok(()),
    }
}
