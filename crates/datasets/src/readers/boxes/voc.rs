//! Pascal VOC: an XML file a picture.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use roxmltree::{Document, Node, ParsingOptions};

use super::{
    AnnotatedBox, AnnotatedPicture, AnnotatedPictures, BoxOptions, Classes, annotation_error,
    check_corners, files, picture_files, text_of, write_whole,
};
use crate::DatasetError;

/// The most bytes, and elements, of an annotation.
const LONGEST: u64 = 1 << 24;
const NODES: u32 = 1 << 20;

/// Reads a folder in Pascal VOC's layout: XML files in `Annotations` (or `annotations`), pictures in
/// `JPEGImages` (or `images`), or both in the folder itself.
///
/// An annotation's picture is the one that `<filename>` names or, if there is none, one with the annotation's own
/// name. Edges count pixels from 1 and the last one belongs to the box: `xmin` 1 is a left edge at 0.
///
/// # Errors
///
/// [`DatasetError::Annotation`] with file and line for XML that is broken, an element that is missing or no
/// number, a box with swapped corners, without area or outside the picture, a class that `options` does not
/// have; [`DatasetError::Empty`] without any annotated picture; [`DatasetError::Read`].
pub fn read_voc(
    folder: impl AsRef<Path>,
    options: &BoxOptions,
) -> Result<AnnotatedPictures, DatasetError> {
    let folder = folder.as_ref();
    let inner = |names: &[&str]| {
        let found = names.iter().map(|name| folder.join(name)).find(|path| path.is_dir());
        found.unwrap_or_else(|| folder.to_owned())
    };
    let annotations = files(&inner(&["Annotations", "annotations"]), |ending| ending == "xml")?;
    let images = inner(&["JPEGImages", "images", "Images"]);
    let files = picture_files(&images)?;
    let mut by_stem: BTreeMap<String, &PathBuf> = BTreeMap::new();
    for file in &files {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        by_stem.entry(stem).or_insert(file);
    }

    let mut result = AnnotatedPictures::default();
    let mut classes = Classes::new(options);
    let mut used: BTreeSet<PathBuf> = BTreeSet::new();
    for path in &annotations {
        let text = text_of(path, LONGEST)?;
        let xml = Xml::parse(path, &text)?;
        let root = xml.document.root_element();
        // Only the last part: a name must not lead out of the folder.
        let named = xml.child(root, "filename").and_then(|node| node.text());
        let named =
            named.and_then(|name| Path::new(name.trim()).file_name()).map(|n| images.join(n));
        let own = path.file_stem().unwrap_or_default().to_string_lossy();
        let same_name = by_stem.get(own.as_ref()).map(|&path| path.clone());
        let expected = named.clone().unwrap_or_else(|| images.join(format!("{own}.jpg")));
        let Some(picture) = named.filter(|path| path.is_file()).or(same_name) else {
            result.missing_pictures.push(expected);
            continue;
        };
        let at = result.pictures.len();
        let (size, objects) = xml.objects(options, &mut result.skipped)?;
        let mut boxes = Vec::new();
        for (name, object) in objects {
            if let Err(problem) = classes.note(&name, (at, boxes.len())) {
                return Err(annotation_error(path, object.line, problem));
            }
            boxes.push(object);
        }
        used.insert(picture.clone());
        result.pictures.push(AnnotatedPicture {
            path: picture,
            annotation: path.clone(),
            size,
            boxes,
        });
    }
    if result.pictures.is_empty() {
        let what = match result.missing_pictures.first() {
            None => "expected XML files in Annotations or annotations".to_owned(),
            Some(first) => format!(
                "none of {} annotated pictures is there; the first is {}",
                annotations.len(),
                first.display()
            ),
        };
        return Err(DatasetError::Empty { path: folder.into(), what });
    }
    result.not_annotated = files.into_iter().filter(|file| !used.contains(file)).collect();
    result.classes = classes.number(&mut result.pictures);
    Ok(result)
}

struct Xml<'a> {
    path: &'a Path,
    document: Document<'a>,
}

type Objects = (Option<(u32, u32)>, Vec<(String, AnnotatedBox)>);

impl<'a> Xml<'a> {
    fn parse(path: &'a Path, text: &'a str) -> Result<Self, DatasetError> {
        let options = ParsingOptions { nodes_limit: NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|error| {
            annotation_error(path, u64::from(error.pos().row), format!("broken XML: {error}"))
        })?;
        let xml = Self { path, document };
        let root = xml.document.root_element();
        if !root.has_tag_name("annotation") {
            let problem = format!("expected <annotation>, found <{}>", root.tag_name().name());
            return Err(xml.error(root, problem));
        }
        Ok(xml)
    }

    fn line(&self, node: Node<'_, '_>) -> u64 {
        u64::from(self.document.text_pos_at(node.range().start).row)
    }

    fn error(&self, node: Node<'_, '_>, problem: impl Into<String>) -> DatasetError {
        annotation_error(self.path, self.line(node), problem)
    }

    fn child<'b>(&self, node: Node<'b, 'b>, name: &str) -> Option<Node<'b, 'b>> {
        node.children().find(|child| child.has_tag_name(name))
    }

    fn needed<'b>(&self, node: Node<'b, 'b>, name: &str) -> Result<Node<'b, 'b>, DatasetError> {
        let missing = || self.error(node, format!("<{}> has no <{name}>", node.tag_name().name()));
        self.child(node, name).ok_or_else(missing)
    }

    fn number(&self, node: Node<'_, '_>, name: &str) -> Result<f64, DatasetError> {
        let child = self.needed(node, name)?;
        let text = child.text().unwrap_or_default().trim();
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| {
            self.error(child, format!("<{name}>: expected a number, found `{text}`"))
        })
    }

    /// The size, if it is told, and the boxes with their classes' names.
    fn objects(
        &self,
        options: &BoxOptions,
        skipped: &mut Vec<String>,
    ) -> Result<Objects, DatasetError> {
        let root = self.document.root_element();
        let mut size = None;
        if let Some(node) = self.child(root, "size") {
            let mut sides = [0; 2];
            for (side, name) in sides.iter_mut().zip(["width", "height"]) {
                let value = self.number(node, name)?;
                if !(0.0..=1e9).contains(&value) || value.fract() != 0.0 {
                    let problem = format!("<{name}>: expected a whole number, found {value}");
                    return Err(self.error(node, problem));
                }
                *side = value as u32;
            }
            // Some programs write 0 where they do not know.
            size = (sides[0] > 0 && sides[1] > 0).then_some((sides[0], sides[1]));
        }
        let mut boxes = Vec::new();
        for object in root.children().filter(|node| node.has_tag_name("object")) {
            let name = self.needed(object, "name")?.text().unwrap_or_default().trim().to_owned();
            if name.is_empty() {
                return Err(self.error(object, "<name>: expected a class, found nothing"));
            }
            let edges = self.needed(object, "bndbox")?;
            let mut found = AnnotatedBox::new(
                0,
                self.number(edges, "xmin")? - 1.0,
                self.number(edges, "ymin")? - 1.0,
                self.number(edges, "xmax")?,
                self.number(edges, "ymax")?,
            );
            let flag =
                |name| self.child(object, name).and_then(|n| n.text()).map(str::trim) == Some("1");
            (found.difficult, found.line) = (flag("difficult"), self.line(edges));
            match check_corners(&found, size) {
                Ok(()) => boxes.push((name, found)),
                Err(problem) => {
                    let error = self.error(edges, problem);
                    if !options.skip_bad {
                        return Err(error);
                    }
                    skipped.push(error.to_string());
                }
            }
        }
        Ok((size, boxes))
    }
}

pub(super) fn write(pictures: &AnnotatedPictures, folder: &Path) -> Result<(), DatasetError> {
    std::fs::create_dir_all(folder)
        .map_err(|cause| DatasetError::Write { path: folder.into(), cause })?;
    for picture in &pictures.pictures {
        let stem = picture.path.file_stem().unwrap_or_default().to_string_lossy();
        write_whole(&folder.join(format!("{stem}.xml")), &xml_of(pictures, picture))?;
    }
    Ok(())
}

fn xml_of(pictures: &AnnotatedPictures, picture: &AnnotatedPicture) -> String {
    let name = escape(&picture.name().to_string_lossy());
    let mut text = format!("<annotation>\n\t<filename>{name}</filename>\n");
    if let Some((width, height)) = picture.size {
        let _ = write!(
            text,
            "\t<size>\n\t\t<width>{width}</width>\n\t\t<height>{height}</height>\n\t\t<depth>3</depth>\n\t</size>\n"
        );
    }
    for b in &picture.boxes {
        let class = escape(&pictures.classes[b.class]);
        // Of a box thinner than a pixel, the pixel that it lies in.
        let edges = |low: f64, high: f64| {
            let low = low.round();
            (low + 1.0, high.round().max(low + 1.0))
        };
        let ((left, right), (top, bottom)) = (edges(b.left, b.right), edges(b.top, b.bottom));
        let difficult = u8::from(b.difficult);
        let _ = write!(
            text,
            "\t<object>\n\t\t<name>{class}</name>\n\t\t<difficult>{difficult}</difficult>\n\t\t<bndbox>\n\
             \t\t\t<xmin>{left}</xmin>\n\t\t\t<ymin>{top}</ymin>\n\t\t\t<xmax>{right}</xmax>\n\
             \t\t\t<ymax>{bottom}</ymax>\n\t\t</bndbox>\n\t</object>\n"
        );
    }
    text.push_str("</annotation>\n");
    text
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
