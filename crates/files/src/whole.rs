//! Writing a file under a temporary name, which it changes when it is complete.

use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Bytes that are collected before they are handed to the system.
const BUFFER: usize = 1 << 18;

/// The longest part of the target's name in the temporary name, in bytes: most file systems allow
/// 255 bytes in all.
const NAME: usize = 200;

/// The longest chain of symbolic links that is followed, as on Linux.
const LINKS: usize = 40;

/// Writes `bytes` into the file at `path`, which appears whole or not at all.
///
/// A file that was there is replaced and its permissions are kept. If `path` is a symbolic link, the
/// file that it points to is replaced.
///
/// # Errors
///
/// Those of [`WholeFile::create`] and [`WholeFile::commit`]. The file at `path` is unchanged then.
pub fn write_whole(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes.as_ref())?;
    file.commit()
}

/// A file that appears whole when it is [committed](Self::commit), or not at all.
///
/// It is written, through a buffer, to a temporary file in the folder of the target. The temporary
/// name begins with the target's name and ends in `.part`. If the value is dropped without a commit,
/// the temporary file is removed and the target is unchanged.
///
/// ```
/// use std::io::Write;
/// use procrust_files::WholeFile;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("log.txt");
/// let mut file = WholeFile::create(&path)?;
/// writeln!(file, "first")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "first\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct WholeFile {
    file: BufWriter<NamedTempFile>,
    target: PathBuf,
    /// Those of the file that is replaced.
    permissions: Option<Permissions>,
}

impl WholeFile {
    /// Starts a file that gets the name `path` when it is committed.
    ///
    /// # Errors
    ///
    /// An error if `path` is a folder, a device or anything else that is not a regular file, or if
    /// the temporary file cannot be made in its folder.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let target = resolve(path.as_ref())?;
        let permissions = check_target(&target)?;
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let prefix = prefix(target.file_name().unwrap_or_default());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".part");
        // As for any new file: less the umask.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = BufWriter::with_capacity(BUFFER, builder.tempfile_in(folder)?);
        Ok(Self { file, target, permissions })
    }

    /// Appends everything that was written to `other`, which is removed.
    ///
    /// For a part of a file whose start is known only at its end.
    ///
    /// # Errors
    ///
    /// An error of reading or writing; this file is of no use then.
    pub fn append(&mut self, other: Self) -> io::Result<()> {
        let mut other = unbuffered(other.file)?;
        other.seek(SeekFrom::Start(0))?;
        self.file.flush()?;
        // From file to file the system copies without a buffer of ours, where it can.
        io::copy(other.as_file_mut(), self.file.get_mut().as_file_mut()).map(|_| ())
    }

    /// Completes the file: writes what is buffered to the disk and gives the file its name.
    ///
    /// # Errors
    ///
    /// An error of writing or renaming. The temporary file is removed then, and the target is
    /// unchanged.
    pub fn commit(self) -> io::Result<()> {
        let file = unbuffered(self.file)?;
        if let Some(permissions) = self.permissions {
            file.as_file().set_permissions(permissions)?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.target).map(|_| ()).map_err(|error| error.error)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for WholeFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Checks that a file can be written at `path`, and returns the permissions of one that is there.
///
/// [`WholeFile::create`] does this too. A caller with several files checks the later ones early.
///
/// # Errors
///
/// An error if something is there that is not a regular file, such as a folder or a device.
pub fn check_target(path: impl AsRef<Path>) -> io::Result<Option<Permissions>> {
    match path.as_ref().metadata() {
        Ok(there) if there.is_file() => Ok(Some(there.permissions())),
        Ok(_) => Err(io::Error::other("expected the name of a file, found something else there")),
        Err(_) => Ok(None),
    }
}

/// The path after all symbolic links of its last component.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        if !path.is_symlink() {
            return Ok(path);
        }
        let target = path.read_link()?;
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::other(format!("expected at most {LINKS} symbolic links in a row, found more")))
}

/// The start of the temporary name.
fn prefix(name: &OsStr) -> OsString {
    let mut prefix = if name.len() <= NAME {
        name.to_owned()
    } else {
        let name = name.to_string_lossy();
        let end = (0..=NAME).rev().find(|&end| name.is_char_boundary(end)).unwrap_or(0);
        name[..end].into()
    };
    prefix.push(".");
    prefix
}

fn unbuffered(file: BufWriter<NamedTempFile>) -> io::Result<NamedTempFile> {
    file.into_inner().map_err(io::IntoInnerError::into_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_when_it_is_committed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "old").unwrap();
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.flush().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let others = names(folder.path()).into_iter().filter(|name| name != "a.txt");
        let others: Vec<_> = others.collect();
        assert!(others.len() == 1 && others[0].starts_with("a.txt."), "{others:?}");
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = WholeFile::create(folder.path().join("a")).unwrap();
        file.write_all(b"new").unwrap();
        drop(file);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn targets_that_are_no_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_whole(folder.path(), "x").unwrap_err();
        assert_eq!(error.to_string(), "expected the name of a file, found something else there");
        let error = write_whole(folder.path().join("no/a"), "x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn parts_are_appended_and_starts_are_rewritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut values = WholeFile::create(&path).unwrap();
        values.write_all(b"values").unwrap();
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"? ").unwrap();
        file.append(values).unwrap();
        file.write_all(b" end").unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(b"!").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"! values end");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn long_names_leave_room_for_the_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("é".repeat(127));
        write_whole(&path, "x").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_kept() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a"), folder.path().join("b"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        write_whole(&path, "x").unwrap();
        fs::write(&other, "x").unwrap();
        assert_eq!(mode(&path), mode(&other));
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write_whole(&path, "y").unwrap();
        assert_eq!(mode(&path), 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("there")).unwrap();
        let (target, link) = (folder.path().join("there/a"), folder.path().join("link"));
        symlink("there/a", &link).unwrap();
        for text in ["new", "again"] {
            write_whole(&link, text).unwrap();
            assert!(link.is_symlink());
            assert_eq!(fs::read_to_string(&target).unwrap(), text);
        }
        symlink("circle", folder.path().join("circle")).unwrap();
        let error = write_whole(folder.path().join("circle"), "x").unwrap_err();
        assert_eq!(error.to_string(), "expected at most 40 symbolic links in a row, found more");
    }
}
