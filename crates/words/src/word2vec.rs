//! word2vec's binary format.

use std::io::{BufReader, Read};
use std::path::Path;

use crate::embeddings::Rows;
use crate::error::{WordsError, shown};
use crate::text::Header;

/// The longest header and the longest word, in bytes.
const LONGEST: usize = 1 << 16;

/// The longest word that can be written, with a line feed before it and a space behind.
pub(crate) const WORD: usize = LONGEST - 2;

/// Reads a header, then words, each with its values as little-endian 32-bit floats.
pub(crate) fn read(path: &Path, contents: impl Read, limit: usize) -> Result<Rows, WordsError> {
    let mut file = Reader { path, bytes: BufReader::with_capacity(1 << 20, contents), offset: 0 };
    let line = file.until(b'\n', "a header")?;
    let header =
        Header::parse(&line).and_then(Result::ok).ok_or_else(|| Header::error(path, &line))?;
    let Header { rows: promised, columns } = header;

    let mut rows = Rows::new(columns, limit);
    let mut values = Vec::new();
    for _ in 0..promised {
        if rows.full() {
            return Ok(rows);
        }
        let offset = file.offset;
        let word = file.until(b' ', "a word")?;
        // The line feed behind the last vector; not all programs write it.
        let word = word.strip_prefix(b"\n").unwrap_or(&word);
        let word = std::str::from_utf8(word).map_err(|_| WordsError::Damaged {
            path: path.to_owned(),
            expected: "a word in UTF-8".to_owned(),
            offset,
            found: format!("`{}`", shown(word)),
        })?;
        let bytes = file.exactly((columns as u64).saturating_mul(4), "a vector")?;
        values.clear();
        values.extend(
            bytes
                .chunks_exact(4)
                .map(|value| f32::from_le_bytes(value.try_into().expect("a chunk has four bytes"))),
        );
        rows.push(word, &values);
    }
    if rows.full() {
        return Ok(rows);
    }
    let offset = file.offset;
    let rest = file.up_to(LONGEST as u64)?;
    if rest.iter().any(|byte| !byte.is_ascii_whitespace()) {
        return Err(WordsError::Damaged {
            path: path.to_owned(),
            expected: format!("the end after {promised} vectors"),
            offset,
            found: format!("`{}`", shown(&rest)),
        });
    }
    Ok(rows)
}

struct Reader<'a, R> {
    path: &'a Path,
    bytes: BufReader<R>,
    offset: u64,
}

impl<R: Read> Reader<'_, R> {
    /// The next bytes, so many or as many as there are. Memory grows with what is there.
    fn up_to(&mut self, len: u64) -> Result<Vec<u8>, WordsError> {
        let mut bytes = Vec::new();
        self.bytes
            .by_ref()
            .take(len)
            .read_to_end(&mut bytes)
            .map_err(WordsError::read(self.path))?;
        self.offset += bytes.len() as u64;
        Ok(bytes)
    }

    fn exactly(&mut self, needed: u64, what: &'static str) -> Result<Vec<u8>, WordsError> {
        let offset = self.offset;
        let bytes = self.up_to(needed)?;
        let left = bytes.len() as u64;
        if left < needed {
            let path = self.path.to_owned();
            return Err(WordsError::Truncated { path, what, offset, needed, left });
        }
        Ok(bytes)
    }

    /// The bytes before the next `end`, which is skipped.
    fn until(&mut self, end: u8, what: &'static str) -> Result<Vec<u8>, WordsError> {
        use std::io::BufRead;

        let offset = self.offset;
        let mut bytes = Vec::new();
        let read = (&mut self.bytes)
            .take(LONGEST as u64)
            .read_until(end, &mut bytes)
            .map_err(WordsError::read(self.path))?;
        self.offset += read as u64;
        if bytes.pop_if(|last| *last == end).is_some() {
            return Ok(bytes);
        }
        let path = self.path.to_owned();
        if read == LONGEST {
            let expected = format!("{what} of less than {LONGEST} bytes");
            return Err(WordsError::Damaged { path, expected, offset, found: "more".to_owned() });
        }
        let left = read as u64;
        Err(WordsError::Truncated { path, what, offset, needed: left + 1, left })
    }
}
