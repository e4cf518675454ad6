//! What there is to describe: pictures in folders, in lists, in memory.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array3, Axis};

use crate::decode::Decoding;
use crate::error::ImagesError;
use crate::picture::Picture;

/// A picture that is to be described.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Item {
    /// What it is called in results: its path in the folder with `/`, its path in the list, or its number
    /// in the stack. Control characters, backslashes and bytes that are not UTF-8 are escaped, as `\t`
    /// and `\xff`.
    pub name: String,
    /// Its class, where that is known.
    pub label: Option<String>,
    /// Where it is.
    pub source: Source,
}

/// Where a picture is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Source {
    /// In a file.
    File(PathBuf),
    /// In a stack, n × height × width, at this number.
    Stack(Arc<Array3<u8>>, usize),
}

impl Item {
    /// The picture itself.
    ///
    /// # Errors
    ///
    /// Those of reading and decoding a file, [`Decoding::open`]; those of [`Picture::from_grey`].
    pub fn picture(&self, decoding: &Decoding) -> Result<Picture, ImagesError> {
        match &self.source {
            Source::File(path) => decoding.open(path),
            Source::Stack(stack, at) => Picture::from_grey(stack.index_axis(Axis(0), *at)),
        }
    }
}

/// A picture that has no row, and why.
#[derive(Debug)]
#[non_exhaustive]
pub struct Skipped {
    /// What it is called, as [`Item::name`].
    pub name: String,
    /// What was wrong.
    pub error: ImagesError,
}

impl Skipped {
    /// What was wrong, and everything that led to it, in one line.
    #[must_use]
    pub fn reason(&self) -> String {
        let mut text = self.error.to_string();
        let mut cause = std::error::Error::source(&self.error);
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        text.replace(['\n', '\r'], " ")
    }
}

/// Pictures to describe, and what was already left out while they were looked for.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Items {
    /// The pictures, in the order of their rows.
    pub items: Vec<Item>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
}

/// Endings of files that are pictures; a folder that has one is not a class.
const ENDINGS: [&str; 15] = [
    "bmp", "gif", "jfif", "jpe", "jpeg", "jpg", "pam", "pbm", "pgm", "png", "pnm", "ppm", "tif",
    "tiff", "webp",
];

/// The most bytes of a list.
const MAX_LIST: u64 = 1 << 28;

/// Folders in folders are followed this deep.
const MAX_DEPTH: usize = 64;

impl Items {
    /// All files of a folder, sorted by their names; those of a folder in it have its name as their
    /// label, however deep they lie.
    ///
    /// Files that are no pictures are found out later, when they are decoded. Names that begin with a dot
    /// are passed over. Links to files count as files; links to folders, and folders whose name ends like
    /// a picture's (`x.jpg`), are skipped.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Folder`] when the folder itself cannot be listed. Folders in it that cannot are
    /// skipped.
    pub fn of_folder(folder: &Path) -> Result<Self, ImagesError> {
        let failed = |cause| ImagesError::Folder { path: folder.to_owned(), cause };
        std::fs::read_dir(folder).map_err(failed)?;
        let mut found = Self::default();
        found.walk(folder, &mut Vec::new());
        Ok(found)
    }

    fn walk(&mut self, folder: &Path, inside: &mut Vec<String>) {
        let named = |inside: &[String], own: &str| {
            inside.iter().map(String::as_str).chain([own]).collect::<Vec<_>>().join("/")
        };
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(cause) => {
                let error = ImagesError::Folder { path: folder.to_owned(), cause };
                self.skipped.push(Skipped { name: inside.join("/"), error });
                return;
            }
        };
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let file_name = entry.file_name();
            if file_name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let (path, own) = (entry.path(), escape(&file_name));
            let name = named(inside, &own);
            let mut skip = |error| self.skipped.push(Skipped { name: name.clone(), error });
            // A link is looked at through its end.
            let metadata = match std::fs::metadata(&path) {
                Ok(metadata) => metadata,
                Err(cause) => {
                    skip(ImagesError::Read(cause));
                    continue;
                }
            };
            if !metadata.is_dir() {
                let label = inside.first().cloned();
                self.items.push(Item { name, label, source: Source::File(path) });
            } else if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                skip(ImagesError::LinkedFolder);
            } else if ends_like_a_picture(&path) || inside.len() == MAX_DEPTH {
                skip(ImagesError::NotAFile);
            } else {
                inside.push(own);
                self.walk(&path, inside);
                inside.pop();
            }
        }
    }

    /// The files of a list, in its order.
    ///
    /// The list is UTF-8; each line has a path, relative to the folder of the list or absolute, and may
    /// have a label behind a comma. The last comma of the line counts: a path with commas and no label
    /// is followed by one more. Empty lines are passed over.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Folder`] when the list cannot be read; those of [`parse_list`](Self::parse_list).
    pub fn of_list(list: &Path) -> Result<Self, ImagesError> {
        let decoding = Decoding { max_bytes: MAX_LIST, ..Decoding::default() };
        let bytes = decoding.read(list)?;
        Self::parse_list(&bytes, list.parent().unwrap_or(Path::new("")))
    }

    /// The files of a list that is in memory, as [`of_list`](Self::of_list); paths are relative to
    /// `folder`.
    ///
    /// # Errors
    ///
    /// [`ImagesError::List`] with the line that is not UTF-8 or has no path.
    pub fn parse_list(list: &[u8], folder: &Path) -> Result<Self, ImagesError> {
        let list = list.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(list);
        let mut found = Self::default();
        for (at, line) in list.split(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let bad = |what| ImagesError::List { line: at + 1, what };
            let text = std::str::from_utf8(line).map_err(|_| bad("UTF-8"))?;
            if text.trim().is_empty() {
                continue;
            }
            let (path, label) = match text.rsplit_once(',') {
                Some((path, label)) => (path, label.trim()),
                None => (text, ""),
            };
            if path.is_empty() {
                return Err(bad("a path before the comma"));
            }
            let label = (!label.is_empty()).then(|| escape(OsStr::new(label)));
            let name = escape(OsStr::new(path));
            found.items.push(Item { name, label, source: Source::File(folder.join(path)) });
        }
        Ok(found)
    }

    /// The pictures of a stack, n × height × width, grey, 0 (black) to 255; named by their numbers from 0.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Labels`] when there are labels, but not one a picture.
    pub fn of_stack(stack: Array3<u8>, labels: Option<&[String]>) -> Result<Self, ImagesError> {
        let pictures = stack.dim().0;
        if let Some(labels) = labels.filter(|labels| labels.len() != pictures) {
            return Err(ImagesError::Labels { pictures, labels: labels.len() });
        }
        let stack = Arc::new(stack);
        let items = (0..pictures).map(|at| Item {
            name: at.to_string(),
            label: labels.map(|labels| escape(OsStr::new(&labels[at]))),
            source: Source::Stack(Arc::clone(&stack), at),
        });
        Ok(Self { items: items.collect(), skipped: Vec::new() })
    }
}

fn ends_like_a_picture(path: &Path) -> bool {
    let name = match path.components().next_back() {
        Some(Component::Normal(name)) => Path::new(name),
        _ => return false,
    };
    let ending = name.extension().map(OsStr::to_ascii_lowercase);
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
}

/// A name that fits into a line and is UTF-8, different for different names.
fn escape(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '\t' => text.push_str("\\t"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                c if c.is_control() => {
                    let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
                }
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(items: &Items) -> Vec<(&str, Option<&str>)> {
        items.items.iter().map(|item| (item.name.as_str(), item.label.as_deref())).collect()
    }

    #[test]
    fn a_folder_a_class() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        for path in ["dog/b.png", "dog/a.png", "cat/deep/c.png", "top.png", ".hidden", "cat/.git/d"]
        {
            put(path);
        }
        std::fs::create_dir(folder.path().join("cat/x.JPG")).unwrap();
        let items = Items::of_folder(folder.path()).unwrap();
        assert_eq!(
            names(&items),
            [
                ("cat/deep/c.png", Some("cat")),
                ("dog/a.png", Some("dog")),
                ("dog/b.png", Some("dog")),
                ("top.png", None)
            ]
        );
        assert_eq!(items.skipped.len(), 1);
        assert_eq!(items.skipped[0].name, "cat/x.JPG");
        assert!(matches!(items.skipped[0].error, ImagesError::NotAFile));
        let missing = Items::of_folder(&folder.path().join("none")).unwrap_err();
        assert!(matches!(missing, ImagesError::Folder { .. }));
    }

    #[test]
    fn lists() {
        let list = b"\xEF\xBB\xBFa.png,cat\r\n\nb,c.png,\n d.png \n/e.png, two words \nf.png,a\tb";
        let items = Items::parse_list(list, Path::new("in")).unwrap();
        assert_eq!(
            names(&items),
            [
                ("a.png", Some("cat")),
                ("b,c.png", None),
                (" d.png ", None),
                ("/e.png", Some("two words")),
                ("f.png", Some("a\\tb"))
            ]
        );
        let Source::File(path) = &items.items[0].source else { panic!("a file") };
        assert_eq!(path, Path::new("in/a.png"));
        let error = |list: &[u8]| Items::parse_list(list, Path::new("")).unwrap_err().to_string();
        assert_eq!(error(b"a.png\n,cat"), "line 2: expected a path before the comma");
        assert_eq!(error(b"a\n\nb\xff.png"), "line 3: expected UTF-8");
    }

    #[test]
    fn stacks() {
        let labels = ["x".to_owned(), "y".to_owned()];
        let items = Items::of_stack(Array3::zeros((2, 3, 3)), Some(&labels)).unwrap();
        assert_eq!(names(&items), [("0", Some("x")), ("1", Some("y"))]);
        let error = Items::of_stack(Array3::zeros((3, 3, 3)), Some(&labels)).unwrap_err();
        assert_eq!(error.to_string(), "found 2 labels for 3 pictures");
    }

    #[cfg(unix)]
    #[test]
    fn names_stay_apart() {
        use std::os::unix::ffi::OsStrExt;
        let escaped = |bytes: &[u8]| escape(OsStr::from_bytes(bytes));
        assert_eq!(escaped(b"caf\xe9.jpg"), "caf\\xe9.jpg");
        assert_eq!(escaped(b"caf\\xe9.jpg"), "caf\\\\xe9.jpg");
        assert_eq!(escaped("café\n.jpg".as_bytes()), "café\\n.jpg");
        assert_eq!(escaped(b"\x1b"), "\\u{1b}");
    }
}
