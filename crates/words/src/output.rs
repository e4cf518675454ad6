//! Files that appear whole or not at all.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use tempfile::NamedTempFile;

use crate::error::WordsError;

/// A file under a name of its own, which is removed when it is dropped.
pub(crate) type Temporary = BufWriter<NamedTempFile>;

/// A file in the folder of `path`.
pub(crate) fn temporary(path: &Path) -> Result<Temporary, WordsError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".procrust-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    let file = builder.tempfile_in(folder).map_err(WordsError::write(path))?;
    Ok(BufWriter::with_capacity(1 << 18, file))
}

/// Refuses a name that is a folder's or a device's, which no file may replace.
pub(crate) fn check_name(path: &Path) -> Result<(), WordsError> {
    match path.metadata() {
        Ok(there) if !there.is_file() => {
            let cause = io::Error::other("expected the name of a file, found something else there");
            Err(WordsError::Write { path: path.to_owned(), cause })
        }
        _ => Ok(()),
    }
}

/// Gives a file its name, in place of another that has it.
pub(crate) fn appear(file: Temporary, path: &Path) -> Result<(), WordsError> {
    let file = unbuffered(file).map_err(WordsError::write(path))?;
    let named = file.persist(path).map_err(|error| error.error);
    named.map(|_| ()).map_err(WordsError::write(path))
}

/// Appends the whole of a file to another.
pub(crate) fn append(from: Temporary, to: &mut Temporary) -> io::Result<()> {
    let mut from = unbuffered(from)?;
    from.seek(SeekFrom::Start(0))?;
    to.flush()?;
    // File to file: where the system can, it copies by itself.
    io::copy(from.as_file_mut(), to.get_mut().as_file_mut()).map(|_| ())
}

fn unbuffered(file: Temporary) -> io::Result<NamedTempFile> {
    file.into_inner().map_err(io::IntoInnerError::into_error)
}

/// A way to compress a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// By the ending of a name.
    pub(crate) fn of(path: &Path) -> Self {
        match path.extension().map(std::ffi::OsStr::to_ascii_lowercase) {
            Some(ending) if ending == "gz" => Self::Gzip,
            Some(ending) if ending == "zst" => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// A file that is compressed while it is written.
pub(crate) enum Packed {
    Plain(Temporary),
    Gzip(GzEncoder<Temporary>),
    Zstd(zstd::Encoder<'static, Temporary>),
}

impl Packed {
    /// Goes on with a file. What is written becomes a part that can be unpacked by itself, and
    /// behind such parts of before is a good file with them.
    pub(crate) fn new(file: Temporary, compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::Plain(file),
            Compression::Gzip => Self::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
        })
    }

    /// Ends the compression.
    pub(crate) fn finish(self) -> io::Result<Temporary> {
        match self {
            Self::Plain(file) => Ok(file),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}
