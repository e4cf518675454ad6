//! Opening a file and reading from it, with errors that name it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::DatasetError;

/// Bytes read ahead from a file.
const BUFFER: usize = 1 << 17;
/// The first bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The bytes of a file, unpacked where gzip packs them.
pub(super) struct Source {
    pub(super) reader: Box<dyn BufRead>,
    /// The real length; unknown where the file is packed.
    pub(super) length: Option<u64>,
}

impl Source {
    /// Opens `path`; a missing or an empty file is an error.
    pub(super) fn open(path: &Path) -> Result<Self, DatasetError> {
        let (mut reader, length) = open_plain(path)?;
        let start = reader.fill_buf().map_err(|cause| read_error(path, cause))?;
        if start.starts_with(&GZIP) {
            let unpacked = BufReader::with_capacity(BUFFER, MultiGzDecoder::new(reader));
            Ok(Self { reader: Box::new(unpacked), length: None })
        } else {
            Ok(Self { reader: Box::new(reader), length: Some(length) })
        }
    }
}

/// Opens `path` as it is; a missing or an empty file is an error.
pub(super) fn open_plain(path: &Path) -> Result<(BufReader<File>, u64), DatasetError> {
    let file = File::open(path).map_err(|cause| read_error(path, cause))?;
    let metadata = file.metadata().map_err(|cause| read_error(path, cause))?;
    if metadata.is_file() && metadata.len() == 0 {
        return Err(DatasetError::Empty { path: path.into(), what: "the file is empty".into() });
    }
    Ok((BufReader::with_capacity(BUFFER, file), metadata.len()))
}

pub(super) fn read_error(path: &Path, cause: io::Error) -> DatasetError {
    DatasetError::Read { path: path.into(), cause }
}

/// Fills `buffer` as far as the reader goes and returns the bytes read.
pub(super) fn read_up_to(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // A packed stream that is cut off says so; plain files just end.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Fills `buffer` or reports that `what` is cut off.
pub(super) fn fill(
    reader: &mut dyn Read,
    buffer: &mut [u8],
    path: &Path,
    what: &str,
) -> Result<(), DatasetError> {
    let found = read_up_to(reader, buffer).map_err(|cause| read_error(path, cause))?;
    if found < buffer.len() {
        return Err(truncated(path, what, buffer.len() as u64, found as u64));
    }
    Ok(())
}

/// The next `N` bytes.
pub(super) fn take<const N: usize>(
    reader: &mut dyn Read,
    path: &Path,
    what: &str,
) -> Result<[u8; N], DatasetError> {
    let mut bytes = [0; N];
    fill(reader, &mut bytes, path, what)?;
    Ok(bytes)
}

pub(super) fn truncated(path: &Path, what: &str, expected: u64, found: u64) -> DatasetError {
    DatasetError::Truncated { path: path.into(), what: what.to_owned(), expected, found }
}

/// Reads packed data to its end, where its checksum stands, and so notices damage.
pub(super) fn check_end(reader: &mut dyn Read, path: &Path) -> Result<(), DatasetError> {
    io::copy(reader, &mut io::sink()).map_err(|cause| read_error(path, cause))?;
    Ok(())
}

/// A piece of a file, short enough to quote.
pub(super) fn quote(bytes: &[u8]) -> String {
    const LONGEST: usize = 40;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LONGEST)]);
    let text = text.trim();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
