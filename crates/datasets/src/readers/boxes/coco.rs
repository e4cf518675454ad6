//! COCO: one JSON file for many pictures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{
    AnnotatedBox, AnnotatedPicture, AnnotatedPictures, BoxOptions, Classes, annotation_error,
    check_corners, picture_files, text_of, write_whole,
};
use crate::DatasetError;

/// The most bytes of a file; COCO's own largest has half a gigabyte.
const LONGEST: u64 = 1 << 32;

/// The lists, each entry as it stands, so that errors know its line.
#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    images: Vec<&'a RawValue>,
    #[serde(borrow)]
    annotations: Vec<&'a RawValue>,
    #[serde(borrow)]
    categories: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Image {
    id: i64,
    file_name: String,
    width: Option<u32>,
    height: Option<u32>,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: i64,
    category_id: i64,
    bbox: [f64; 4],
    area: Option<f64>,
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Deserialize)]
struct Category {
    id: i64,
    name: String,
}

/// Reads a file in COCO's format: `images`, `annotations` and `categories`. The pictures lie in `folder`.
///
/// Pictures come in the order of their numbers. `bbox` is left, top, width and height in pixels.
///
/// # Errors
///
/// As [`read_voc`](super::read_voc), of JSON; also for two pictures with one number, and annotations whose
/// picture or category is not in the file.
pub fn read_coco(
    file: impl AsRef<Path>,
    folder: impl AsRef<Path>,
    options: &BoxOptions,
) -> Result<AnnotatedPictures, DatasetError> {
    let (path, folder) = (file.as_ref(), folder.as_ref());
    let text = text_of(path, LONGEST)?;
    let lists: File<'_> = serde_json::from_str(&text).map_err(|error| {
        annotation_error(path, error.line() as u64, format!("broken JSON: {error}"))
    })?;
    let source = Source { path, text: &text };

    let mut names: BTreeMap<i64, String> = BTreeMap::new();
    for raw in lists.categories {
        let category: Category = source.parse(raw, "category")?;
        if names.insert(category.id, category.name).is_some() {
            return Err(source.error(raw, format!("a second category has the id {}", category.id)));
        }
    }
    let mut images: BTreeMap<i64, (Image, Vec<(String, AnnotatedBox)>)> = BTreeMap::new();
    for raw in lists.images {
        let image: Image = source.parse(raw, "image")?;
        if images.contains_key(&image.id) {
            return Err(source.error(raw, format!("a second image has the id {}", image.id)));
        }
        images.insert(image.id, (image, Vec::new()));
    }
    let mut skipped = Vec::new();
    for raw in lists.annotations {
        let annotation: Annotation = source.parse(raw, "annotation")?;
        let Some((image, boxes)) = images.get_mut(&annotation.image_id) else {
            let problem = format!("no image has the id {}", annotation.image_id);
            return Err(source.error(raw, problem));
        };
        let Some(name) = names.get(&annotation.category_id) else {
            let problem = format!("no category has the id {}", annotation.category_id);
            return Err(source.error(raw, problem));
        };
        let [left, top, width, height] = annotation.bbox;
        let mut found = AnnotatedBox::new(0, left, top, left + width, top + height);
        (found.crowd, found.area) = (annotation.iscrowd != 0, annotation.area);
        found.line = source.line(raw);
        let size = image.width.zip(image.height);
        if let Err(problem) = check_corners(&found, size) {
            let error = source.error(raw, problem);
            if !options.skip_bad {
                return Err(error);
            }
            skipped.push(error.to_string());
            continue;
        }
        boxes.push((name.clone(), found));
    }

    let mut result = AnnotatedPictures { skipped, ..AnnotatedPictures::default() };
    let mut classes = Classes::new(options);
    if classes.known.is_none() {
        // In the order of their numbers, those without boxes too.
        classes.known = Some(names.into_values().collect());
    }
    let mut used: BTreeSet<PathBuf> = BTreeSet::new();
    for (image, objects) in images.into_values() {
        // Subfolders are allowed, ways out of the folder are not.
        let inside = !Path::new(&image.file_name)
            .components()
            .any(|part| !matches!(part, std::path::Component::Normal(_)));
        let file = folder.join(&image.file_name);
        if !inside || !file.is_file() {
            result.missing_pictures.push(file);
            continue;
        }
        let at = result.pictures.len();
        let mut boxes = Vec::new();
        for (name, object) in objects {
            if let Err(problem) = classes.note(&name, (at, boxes.len())) {
                return Err(annotation_error(path, object.line, problem));
            }
            boxes.push(object);
        }
        used.insert(file.clone());
        let size = image.width.zip(image.height);
        result.pictures.push(AnnotatedPicture { path: file, annotation: path.into(), size, boxes });
    }
    if result.pictures.is_empty() {
        let what = match result.missing_pictures.first() {
            None => "expected pictures in `images`".to_owned(),
            Some(first) => {
                format!("none of its pictures is there; the first is {}", first.display())
            }
        };
        return Err(DatasetError::Empty { path: path.into(), what });
    }
    let there = picture_files(folder)?.into_iter();
    result.not_annotated = there.filter(|file| !used.contains(file)).collect();
    result.classes = classes.number(&mut result.pictures);
    Ok(result)
}

/// The text that entries were cut from.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn parse<'a, T: Deserialize<'a>>(
        &self,
        raw: &'a RawValue,
        what: &str,
    ) -> Result<T, DatasetError> {
        serde_json::from_str(raw.get()).map_err(|error| self.error(raw, format!("{what}: {error}")))
    }

    fn line(&self, raw: &RawValue) -> u64 {
        // An entry is a piece of the text: its place is the distance of their addresses.
        let start = raw.get().as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        let before = &self.text.as_bytes()[..start.min(self.text.len())];
        1 + memchr::memchr_iter(b'\n', before).count() as u64
    }

    fn error(&self, raw: &RawValue, problem: impl Into<String>) -> DatasetError {
        annotation_error(self.path, self.line(raw), problem)
    }
}

pub(super) fn write(pictures: &AnnotatedPictures, file: &Path) -> Result<(), DatasetError> {
    let lines = |values: Vec<serde_json::Value>| {
        values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",\n")
    };
    let images = pictures.pictures.iter().enumerate().map(|(at, picture)| {
        let mut image = json!({ "id": at + 1, "file_name": picture.name().to_string_lossy() });
        if let Some((width, height)) = picture.size {
            (image["width"], image["height"]) = (json!(width), json!(height));
        }
        image
    });
    let boxes = pictures.pictures.iter().enumerate();
    let boxes = boxes.flat_map(|(at, picture)| picture.boxes.iter().map(move |b| (at, b)));
    let annotations = boxes.enumerate().map(|(id, (at, b))| {
        let (width, height) = (b.right - b.left, b.bottom - b.top);
        json!({
            "id": id + 1,
            "image_id": at + 1,
            "category_id": b.class + 1,
            "bbox": [b.left, b.top, width, height],
            "area": b.area.unwrap_or(width * height),
            "iscrowd": u8::from(b.crowd),
        })
    });
    let categories = pictures.classes.iter().enumerate();
    let categories = categories.map(|(at, name)| json!({ "id": at + 1, "name": name }));
    let text = format!(
        "{{\"images\":[\n{}\n],\n\"annotations\":[\n{}\n],\n\"categories\":[\n{}\n]}}\n",
        lines(images.collect()),
        lines(annotations.collect()),
        lines(categories.collect())
    );
    write_whole(file, &text)
}
