//! Pictures with boxes: Pascal VOC's XML and COCO's JSON, read and written.

mod coco;
mod list;
mod voc;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::names::nearest;
use crate::DatasetError;

pub use coco::read_coco;
pub use voc::read_voc;

/// A box that people drew in a picture, in pixels from the picture's upper left corner: the pixel in column x
/// lies between x and x + 1.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AnnotatedBox {
    /// Its class: a place in [`AnnotatedPictures::classes`].
    pub class: usize,
    /// Its left edge.
    pub left: f64,
    /// Its upper edge.
    pub top: f64,
    /// Its right edge, right of `left`.
    pub right: f64,
    /// Its lower edge, below `top`.
    pub bottom: f64,
    /// VOC's `difficult`: not asked for.
    pub difficult: bool,
    /// COCO's `iscrowd`: many that nobody told apart.
    pub crowd: bool,
    /// COCO's `area`, of the outline, where it is given.
    pub area: Option<f64>,
    /// Where it stands in its file, counted from 1.
    pub line: u64,
}

impl AnnotatedBox {
    /// An ordinary box between these edges.
    #[must_use]
    pub fn new(class: usize, left: f64, top: f64, right: f64, bottom: f64) -> Self {
        let (difficult, crowd, area, line) = (false, false, None, 1);
        Self { class, left, top, right, bottom, difficult, crowd, area, line }
    }
}

/// A picture with its boxes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AnnotatedPicture {
    /// The picture.
    pub path: PathBuf,
    /// The file that annotates it.
    pub annotation: PathBuf,
    /// Width and height in pixels as the annotation has them, if it does.
    pub size: Option<(u32, u32)>,
    /// Its boxes; a picture without any shows nothing.
    pub boxes: Vec<AnnotatedBox>,
}

impl AnnotatedPicture {
    /// A picture of `width` × `height` pixels.
    #[must_use]
    pub fn new(path: PathBuf, (width, height): (u32, u32), boxes: Vec<AnnotatedBox>) -> Self {
        Self { annotation: path.clone(), path, size: Some((width, height)), boxes }
    }

    /// Checks the annotation against the size that the picture really has.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Annotation`] when the annotation tells another size, or a box reaches outside.
    pub fn check_size(&self, width: u32, height: u32) -> Result<(), DatasetError> {
        let at = |line, problem| Err(annotation_error(&self.annotation, line, problem));
        if let Some((told, high)) = self.size.filter(|&size| size != (width, height)) {
            let name = self.path.display();
            let problem = format!(
                "{name} has {width} × {height} pixels, the annotation says {told} × {high}"
            );
            return at(1, problem);
        }
        match self.boxes.iter().find(|b| outside(b, (width, height))) {
            Some(bad) => at(bad.line, outside_problem(bad, (width, height))),
            None => Ok(()),
        }
    }

    fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }
}

/// Pictures with boxes, and what did not fit together.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct AnnotatedPictures {
    /// The names of the classes.
    pub classes: Vec<String>,
    /// The pictures, in the order of their names (VOC) or numbers (COCO).
    pub pictures: Vec<AnnotatedPicture>,
    /// Annotations whose picture is not there: the files that are missing.
    pub missing_pictures: Vec<PathBuf>,
    /// Pictures in the folder that nothing annotates; they are left out.
    pub not_annotated: Vec<PathBuf>,
    /// Boxes that were passed over, by [`BoxOptions::skip_bad`], and why.
    pub skipped: Vec<String>,
}

/// How annotations are read.
#[derive(Debug, Clone, Default)]
pub struct BoxOptions {
    /// The classes that there are, in their order; those of the files, by their names' order, when `None`.
    pub classes: Option<Vec<String>>,
    /// Whether a bad box is passed over (and listed) instead of an error.
    pub skip_bad: bool,
}

impl AnnotatedPictures {
    /// Pictures made by a program, for writing.
    #[must_use]
    pub fn new(classes: Vec<String>, pictures: Vec<AnnotatedPicture>) -> Self {
        Self { classes, pictures, ..Self::default() }
    }

    /// The pictures that a list names, in its order: a text file with a name a line (VOC's `ImageSets`, with or
    /// without the ending), or a table whose first column holds them. A name that comes again is taken once; a
    /// first line `filename` is a head.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Read`]; [`DatasetError::Empty`] for a list without names;
    /// [`DatasetError::Annotation`] with the line of a name that no picture has.
    pub fn listed(&self, list: impl AsRef<Path>) -> Result<Self, DatasetError> {
        let pictures = list::pick(&self.pictures, list.as_ref())?;
        Ok(Self { classes: self.classes.clone(), pictures, ..Self::default() })
    }

    /// Writes VOC's XML, a file a picture, into `folder`, which is made. Edges are rounded to whole pixels,
    /// counted from 1 as VOC does.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`].
    pub fn write_voc(&self, folder: impl AsRef<Path>) -> Result<(), DatasetError> {
        voc::write(self, folder.as_ref())
    }

    /// Writes COCO's JSON, one file.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`].
    pub fn write_coco(&self, file: impl AsRef<Path>) -> Result<(), DatasetError> {
        coco::write(self, file.as_ref())
    }
}

/// Endings of pictures, in small letters.
const PICTURES: [&str; 10] =
    ["jpg", "jpeg", "png", "bmp", "gif", "webp", "tif", "tiff", "ppm", "pgm"];

fn annotation_error(path: &Path, line: u64, problem: impl Into<String>) -> DatasetError {
    DatasetError::Annotation { path: path.into(), line, problem: problem.into() }
}

/// The files of a folder, by name, that `keep` keeps.
fn files(folder: &Path, keep: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, DatasetError> {
    let failed = |cause| DatasetError::Read { path: folder.into(), cause };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if keep(&ending) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn picture_files(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    files(folder, |ending| PICTURES.contains(&ending))
}

/// A whole file as text.
fn text_of(path: &Path, most: u64) -> Result<String, DatasetError> {
    let failed = |cause| DatasetError::Read { path: path.into(), cause };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > most {
        let problem = format!("{length} bytes; at most {most} are read");
        return Err(DatasetError::Unsupported { path: path.into(), problem });
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    if bytes.is_empty() {
        return Err(DatasetError::Empty { path: path.into(), what: "the file is empty".into() });
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|&&byte| byte == b'\n').count() as u64;
        annotation_error(path, line, "expected UTF-8")
    })
}

/// Checks the corners of a box.
fn check_corners(b: &AnnotatedBox, size: Option<(u32, u32)>) -> Result<(), String> {
    let AnnotatedBox { left, top, right, bottom, .. } = *b;
    let said = || format!("the box from ({left}, {top}) to ({right}, {bottom})");
    if ![left, top, right, bottom].iter().all(|edge| edge.is_finite()) {
        return Err(format!("{} has corners that are not finite", said()));
    }
    if right < left || bottom < top {
        return Err(format!(
            "{} has swapped corners: expected the first to be left of and above the second",
            said()
        ));
    }
    if right == left || bottom == top {
        return Err(format!("{} has no area", said()));
    }
    match size.filter(|&size| outside(b, size)) {
        Some(size) => Err(outside_problem(b, size)),
        None => Ok(()),
    }
}

fn outside(b: &AnnotatedBox, (width, height): (u32, u32)) -> bool {
    b.left < 0.0 || b.top < 0.0 || b.right > f64::from(width) || b.bottom > f64::from(height)
}

fn outside_problem(b: &AnnotatedBox, (width, height): (u32, u32)) -> String {
    let AnnotatedBox { left, top, right, bottom, .. } = *b;
    format!(
        "the box from ({left}, {top}) to ({right}, {bottom}) reaches outside the picture of {width} × {height} \
         pixels"
    )
}

/// Names of classes and their numbers.
struct Classes {
    known: Option<Vec<String>>,
    found: BTreeMap<String, Vec<(usize, usize)>>,
}

impl Classes {
    fn new(options: &BoxOptions) -> Self {
        Self { known: options.classes.clone(), found: BTreeMap::new() }
    }

    /// Notes that a box of a picture has a class; an error, in words, if there is no such class.
    fn note(&mut self, name: &str, place: (usize, usize)) -> Result<(), String> {
        if let Some(known) = &self.known
            && !known.iter().any(|class| class == name)
        {
            let hint = nearest(name, known.iter().map(String::as_str));
            let hint = hint.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"));
            return Err(format!(
                "`{name}` is none of the classes {}{hint}",
                super::names::list(known)
            ));
        }
        self.found.entry(name.to_owned()).or_default().push(place);
        Ok(())
    }

    /// Gives the boxes their numbers and returns the names.
    fn number(self, pictures: &mut [AnnotatedPicture]) -> Vec<String> {
        let names = self.known.unwrap_or_else(|| self.found.keys().cloned().collect());
        for (name, places) in &self.found {
            let class = names.iter().position(|known| known == name).expect("it was noted");
            for &(picture, at) in places {
                pictures[picture].boxes[at].class = class;
            }
        }
        names
    }
}

/// Writes a file under a temporary name and renames it.
fn write_whole(path: &Path, text: &str) -> Result<(), DatasetError> {
    let failed = |cause| DatasetError::Write { path: path.into(), cause };
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, text).map_err(failed)?;
    std::fs::rename(&part, path).map_err(failed)
}

#[cfg(test)]
mod tests;
