use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use ndarray::{Array1, Array2, ArrayView2};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Map, Value, json};

use crate::{AffineMap, AlignError, Alignment, ChunkedPreparation, RowStep};

/// One of the two sides of an alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// What is mapped from.
    Source,
    /// What is mapped to.
    Target,
}

impl Side {
    /// `source` or `target`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
        }
    }
}

/// An alignment with all that its use on new rows takes: what was done to the rows before the fit,
/// with the means of that time, and where the maps came from.
///
/// A file of it is in the safetensors format. Six tensors of `F64` hold the two maps: `source.shift`
/// (d), `source.matrix` (d × k) and `source.offset` (k), and the same of `target`. A side whose
/// rows were centred has `source.center.0`, `source.center.1`, … (2 × d), one a `center`: the sum of
/// the two rows is what is subtracted. The metadata has one key, `procrust-map`, an object in JSON:
/// `version` (1), `method`, `settings`, `source_rows` and `target_rows` (the steps), `diagnostics`
/// and `warnings`. The same alignment gives the same bytes.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{AlignPaired, Procrustes, RowStep, SavedAlignment, Side};
///
/// let source = array![[1.0_f32, 0.0], [0.0, 2.0], [3.0, 1.0]];
/// let target = array![[0.0_f32, 1.0], [-2.0, 0.0], [-1.0, 3.0]];
/// let alignment = Procrustes::default().fit(source.view(), target.view())?;
///
/// let saved = SavedAlignment::new(alignment, "procrustes");
/// let again = SavedAlignment::from_bytes(&saved.to_bytes())?;
/// assert_eq!(again.method, "procrustes");
/// let mapped = again.map(Side::Source, array![[5.0_f32, 0.0]])?;
/// assert!((mapped - array![[0.0_f32, 5.0]]).iter().all(|difference| difference.abs() < 1e-6));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SavedAlignment {
    /// The maps. Its own warnings and diagnostics are saved as `warnings` and `diagnostics`; one that
    /// was loaded has none.
    pub alignment: Alignment,
    /// What was done to the source's rows before the fit.
    pub source_rows: ChunkedPreparation,
    /// What was done to the target's rows before the fit.
    pub target_rows: ChunkedPreparation,
    /// The method's name.
    pub method: String,
    /// Its settings, by name.
    pub settings: BTreeMap<String, Value>,
    /// What the method found out beside the maps; more than one figure where one name stands for
    /// several, such as the correlations of CCA.
    pub diagnostics: BTreeMap<String, Vec<f64>>,
    /// What the user should know about the fit.
    pub warnings: Vec<String>,
}

/// The key of the metadata.
const KEY: &str = "procrust-map";

/// The version that is written, and the last one that can be read.
const VERSION: u64 = 1;

impl SavedAlignment {
    /// An alignment of rows that were not prepared, with its warnings and diagnostics.
    #[must_use]
    pub fn new(alignment: Alignment, method: &str) -> Self {
        let mut diagnostics = BTreeMap::<String, Vec<f64>>::new();
        for &(name, value) in alignment.diagnostics() {
            diagnostics.entry(name.to_owned()).or_default().push(value);
        }
        Self {
            method: method.to_owned(),
            settings: BTreeMap::new(),
            diagnostics,
            warnings: alignment.warnings().iter().map(ToString::to_string).collect(),
            source_rows: ChunkedPreparation::new(&[]),
            target_rows: ChunkedPreparation::new(&[]),
            alignment,
        }
    }

    /// The map of a side.
    #[must_use]
    pub fn affine(&self, side: Side) -> &AffineMap {
        match side {
            Side::Source => self.alignment.source(),
            Side::Target => self.alignment.target(),
        }
    }

    /// What was done to the rows of a side before the fit.
    #[must_use]
    pub fn preparation(&self, side: Side) -> &ChunkedPreparation {
        match side {
            Side::Source => &self.source_rows,
            Side::Target => &self.target_rows,
        }
    }

    /// Prepares rows of a side (n × d) as before the fit, by the means of that time, and maps them.
    ///
    /// # Errors
    ///
    /// As [`AffineMap::apply`].
    pub fn map(&self, side: Side, mut rows: Array2<f32>) -> Result<Array2<f32>, AlignError> {
        let affine = self.affine(side);
        crate::checks::check_columns("rows to map", affine.input_dim(), rows.ncols())?;
        self.preparation(side).apply(&mut rows);
        affine.apply(rows.view())
    }

    /// The bytes of a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut tensors: Vec<(String, Tensor)> = Vec::new();
        for side in [Side::Source, Side::Target] {
            let (affine, name) = (self.affine(side), side.name());
            tensors.push((format!("{name}.shift"), Tensor::of_row(&affine.shift().to_owned())));
            tensors.push((format!("{name}.matrix"), Tensor::of(affine.matrix())));
            tensors.push((format!("{name}.offset"), Tensor::of_row(&affine.offset().to_owned())));
            for (at, mean) in self.preparation(side).means().into_iter().enumerate() {
                tensors.push((format!("{name}.center.{at}"), Tensor::of(mean.view())));
            }
        }
        let steps = |side| -> Vec<String> {
            self.preparation(side).steps().iter().map(ToString::to_string).collect()
        };
        let about = json!({
            "version": VERSION,
            "method": self.method,
            "settings": self.settings,
            "source_rows": steps(Side::Source),
            "target_rows": steps(Side::Target),
            "diagnostics": self.diagnostics,
            "warnings": self.warnings,
        });
        let metadata = [(KEY.to_owned(), about.to_string())].into();
        safetensors::serialize(tensors, Some(metadata)).expect("the tensors have their shapes")
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`AlignError::MapFormat`] when they are not those of a whole map;
    /// [`AlignError::MapVersion`] when a later version wrote them;
    /// [`AlignError::NonFiniteMap`] when a value is NaN or infinite.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AlignError> {
        let refused = |cause: safetensors::SafeTensorError| {
            bad("a whole safetensors file with an alignment", cause.to_string())
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(refused)?;
        let about = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let about = about.ok_or_else(|| bad(&format!("the key {KEY} in the metadata"), "none"))?;
        let about: Map<String, Value> = serde_json::from_str(about)
            .map_err(|cause| bad(&format!("an object in JSON under {KEY}"), cause.to_string()))?;
        match about.get("version").and_then(Value::as_u64) {
            None => return Err(bad("a version", "none")),
            Some(version) if version > VERSION => {
                return Err(AlignError::MapVersion { version, known: VERSION });
            }
            Some(_) => {}
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(refused)?;
        let source = affine(&tensors, Side::Source)?;
        let target = affine(&tensors, Side::Target)?;
        let rows = |side, affine: &AffineMap| preparation(&tensors, &about, side, affine);
        let (source_rows, target_rows) =
            (rows(Side::Source, &source)?, rows(Side::Target, &target)?);
        Ok(Self {
            alignment: Alignment::new(source, target)?,
            source_rows,
            target_rows,
            method: part::<String>(&about, "method")?,
            settings: part(&about, "settings")?,
            diagnostics: part(&about, "diagnostics")?,
            warnings: part(&about, "warnings")?,
        })
    }

    /// Writes a file, which appears whole or not at all.
    ///
    /// # Errors
    ///
    /// [`AlignError::MapFile`] with what the file system said.
    pub fn save(&self, path: &Path) -> Result<(), AlignError> {
        write_whole(path, &self.to_bytes()).map_err(|cause| AlignError::MapFile {
            doing: "write",
            path: path.to_owned(),
            cause: Box::new(cause),
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`AlignError::MapFile`], and behind it what [`from_bytes`](Self::from_bytes) or the file
    /// system said.
    pub fn load(path: &Path) -> Result<Self, AlignError> {
        let failed = |cause: Box<dyn std::error::Error + Send + Sync>| AlignError::MapFile {
            doing: "read",
            path: path.to_owned(),
            cause,
        };
        let bytes = std::fs::read(path).map_err(|cause| failed(Box::new(cause)))?;
        Self::from_bytes(&bytes).map_err(|cause| failed(Box::new(cause)))
    }
}

/// Values of `F64` as the format has them.
struct Tensor {
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    fn of(matrix: ArrayView2<'_, f64>) -> Self {
        let bytes = matrix.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { shape: matrix.shape().to_vec(), bytes }
    }

    fn of_row(row: &Array1<f64>) -> Self {
        let bytes = row.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { shape: vec![row.len()], bytes }
    }
}

impl safetensors::View for Tensor {
    fn dtype(&self) -> Dtype {
        Dtype::F64
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        (&self.bytes).into()
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

fn affine(tensors: &SafeTensors<'_>, side: Side) -> Result<AffineMap, AlignError> {
    let name = side.name();
    let matrix = matrix(tensors, &format!("{name}.matrix"))?;
    AffineMap::new(
        row(tensors, &format!("{name}.shift"))?,
        matrix,
        row(tensors, &format!("{name}.offset"))?,
    )
}

fn preparation(
    tensors: &SafeTensors<'_>,
    about: &Map<String, Value>,
    side: Side,
    affine: &AffineMap,
) -> Result<ChunkedPreparation, AlignError> {
    let names: Vec<String> = part(about, &format!("{}_rows", side.name()))?;
    let steps = names.iter().map(|name| name.parse()).collect::<Result<Vec<RowStep>, _>>()?;
    let centers = steps.iter().filter(|&&step| step == RowStep::Center).count();
    let mut means = Vec::new();
    for at in 0..centers {
        let name = format!("{}.center.{at}", side.name());
        let mean = matrix(tensors, &name)?;
        if mean.dim() != (2, affine.input_dim()) {
            let found = format!("{} × {}", mean.nrows(), mean.ncols());
            return Err(bad(&format!("{name} of 2 × {}", affine.input_dim()), found));
        }
        if mean.iter().any(|value| !value.is_finite()) {
            return Err(AlignError::NonFiniteMap { what: "a mean" });
        }
        means.push(mean);
    }
    Ok(ChunkedPreparation::of_means(&steps, means))
}

fn tensor<'a>(tensors: &SafeTensors<'a>, name: &str) -> Result<TensorView<'a>, AlignError> {
    let tensor = tensors.tensor(name).map_err(|_| bad(&format!("the tensor {name}"), "none"))?;
    match tensor.dtype() {
        Dtype::F64 => Ok(tensor),
        other => Err(bad(&format!("{name} in F64"), format!("{other:?}"))),
    }
}

fn values(tensor: &TensorView<'_>) -> Vec<f64> {
    let (bytes, _) = tensor.data().as_chunks::<8>();
    bytes.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect()
}

fn matrix(tensors: &SafeTensors<'_>, name: &str) -> Result<Array2<f64>, AlignError> {
    let tensor = tensor(tensors, name)?;
    match *tensor.shape() {
        [rows, columns] => Ok(Array2::from_shape_vec((rows, columns), values(&tensor))
            .expect("the library has compared shape and length")),
        ref other => Err(bad(&format!("{name} with two axes"), format!("{}", other.len()))),
    }
}

fn row(tensors: &SafeTensors<'_>, name: &str) -> Result<Array1<f64>, AlignError> {
    let tensor = tensor(tensors, name)?;
    match tensor.shape() {
        [_] => Ok(Array1::from_vec(values(&tensor))),
        other => Err(bad(&format!("{name} with one axis"), format!("{}", other.len()))),
    }
}

fn part<T: serde::de::DeserializeOwned>(
    about: &Map<String, Value>,
    key: &str,
) -> Result<T, AlignError> {
    let value = about.get(key).ok_or_else(|| bad(&format!("{key} in the metadata"), "none"))?;
    serde_json::from_value(value.clone())
        .map_err(|cause| bad(&format!("{key} of the right kind"), cause.to_string()))
}

fn bad(expected: &str, found: impl Into<String>) -> AlignError {
    AlignError::MapFormat { expected: expected.to_owned(), found: found.into() }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".procrust-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    fn saved() -> SavedAlignment {
        let source = AffineMap::new(
            array![0.25, -1.0, 1e-30],
            array![[1.0, 0.1], [-0.0, 2.0], [f64::MIN_POSITIVE, 1e30]],
            array![0.0, 3.0],
        );
        let alignment = Alignment::new(source.unwrap(), AffineMap::identity(2)).unwrap();
        let mut saved = SavedAlignment::new(alignment, "ridge");
        saved.settings.insert("regularization".to_owned(), json!(0.1));
        saved.diagnostics.insert("scale".to_owned(), vec![1.0 / 3.0]);
        saved.warnings.push("a “warning”".to_owned());
        let mut rows = ChunkedPreparation::new(&[RowStep::Unit, RowStep::Center]);
        rows.measure(array![[1.0, 2.0, 3.0], [0.1, 0.2, -0.7]]);
        rows.end_pass();
        saved.source_rows = rows;
        saved
    }

    /// The file with another text as its metadata.
    fn with_about(change: impl Fn(&mut Map<String, Value>)) -> Vec<u8> {
        let bytes = saved().to_bytes();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let about = &header.metadata().as_ref().unwrap()[KEY];
        let mut about: Map<String, Value> = serde_json::from_str(about).unwrap();
        change(&mut about);
        let metadata = [(KEY.to_owned(), Value::from(about).to_string())].into();
        safetensors::serialize(tensors.iter(), Some(metadata)).unwrap()
    }

    fn complaint(bytes: &[u8]) -> String {
        SavedAlignment::from_bytes(bytes).unwrap_err().to_string()
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.map");
        saved().save(&path).unwrap();
        let loaded = SavedAlignment::load(&path).unwrap();
        assert_eq!(loaded, saved());
        assert_eq!(loaded.to_bytes(), std::fs::read(&path).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let rows = array![[3.0_f32, 0.0, 4.0]];
        let expected = {
            let mut rows = rows.clone();
            saved().source_rows.apply(&mut rows);
            saved().alignment.source().apply(rows.view()).unwrap()
        };
        assert_eq!(loaded.map(Side::Source, rows).unwrap(), expected);
    }

    #[test]
    fn a_file_cut_short_anywhere_is_an_error() {
        let bytes = saved().to_bytes();
        for length in 0..bytes.len() {
            let text = complaint(&bytes[..length]);
            assert!(text.starts_with("expected a whole safetensors file"), "{length}: {text}");
        }
    }

    #[test]
    fn what_is_no_map_is_an_error() {
        let other = safetensors::serialize([("x", Tensor::of(array![[1.0]].view()))], None);
        assert_eq!(
            complaint(&other.unwrap()),
            "expected the key procrust-map in the metadata, found none"
        );
        let later = with_about(|about| {
            about.insert("version".to_owned(), json!(2));
        });
        assert_eq!(
            complaint(&later),
            "the map was written by a later version of procrust (map version 2, known up to 1)"
        );
        let steps = with_about(|about| {
            about.insert("target_rows".to_owned(), json!(["center"]));
        });
        assert_eq!(complaint(&steps), "expected the tensor target.center.0, found none");
        let method = with_about(|about| {
            about.remove("method");
        });
        assert_eq!(complaint(&method), "expected method in the metadata, found none");
        let kind = with_about(|about| {
            about.insert("warnings".to_owned(), json!(3));
        });
        assert!(complaint(&kind).starts_with("expected warnings of the right kind, found "));
    }

    #[test]
    fn values_that_are_not_finite_are_an_error() {
        let mut bytes = saved().to_bytes();
        let length = bytes.len();
        bytes[length - 8..].copy_from_slice(&f64::NAN.to_le_bytes());
        assert!(complaint(&bytes).contains("not finite"), "{}", complaint(&bytes));
    }

    #[test]
    fn rows_of_another_dimension_are_an_error() {
        let error = saved().map(Side::Source, array![[1.0, 2.0]]).unwrap_err().to_string();
        assert_eq!(error, "rows to map: 2 columns, expected 3");
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let error = SavedAlignment::load(Path::new("gone.map")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the map gone.map");
        assert!(std::error::Error::source(&error).is_some());
    }
}
