//! word2vec's binary format.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use crate::dirt::{Dirt, Policy, Position, Report};
use crate::embeddings::all_finite;
use crate::error::{WordsError, shown};
use crate::open::Source;
use crate::sink::Sink;
use crate::text::Header;

/// The longest header and the longest word, in bytes.
const LONGEST: usize = 1 << 16;

/// What is read at once, in bytes.
pub(crate) const BLOCK: usize = 1 << 20;
/// The longest word that can be written, with a line feed before it and a space behind.
pub(crate) const WORD: usize = LONGEST - 2;

/// Reads a header, then words, each with its values as little-endian 32-bit floats.
///
/// While the rows of one block go into the sink, another thread reads the block behind it.
pub(crate) fn read(
    path: &Path,
    source: Source,
    policy: Policy,
    block: usize,
    sink: &mut impl Sink,
) -> Result<Report, WordsError> {
    let Source { contents, length, .. } = source;
    let blocks = Blocks { contents, length, size: block, lossy: policy == Policy::Lossy };
    let (to_window, from_file) = sync_channel(1);
    let (to_file, from_window) = channel();
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .spawn_scoped(scope, move || blocks.send(&to_window, &from_window))
            .map_err(WordsError::read(path))?;
        let window = Window {
            buffer: Vec::new(),
            start: 0,
            offset: 0,
            ended: false,
            cut: false,
            length,
            blocks: from_file,
            used: to_file,
        };
        parse(path, window, policy, sink)
    })
}

fn parse(
    path: &Path,
    mut window: Window,
    policy: Policy,
    sink: &mut impl Sink,
) -> Result<Report, WordsError> {
    let lossy = policy == Policy::Lossy;
    let length = window.length;
    let read_more = |window: &mut Window| window.more().map_err(WordsError::read(path));
    read_more(&mut window)?;

    let line = loop {
        match find(window.bytes(), b'\n') {
            Some(end) => break window.bytes()[..end].to_vec(),
            None if window.bytes().len() >= LONGEST || window.ended => {
                return Err(missing(path, &window, "a header"));
            }
            None => read_more(&mut window)?,
        }
    };
    let header =
        Header::parse(&line).and_then(Result::ok).ok_or_else(|| Header::error(path, &line))?;
    let Header { rows: promised, columns } = header;
    let mut report = Report::default();
    if line.ends_with(b"\r") {
        report.add(Dirt::CarriageReturn, Position::Row { row: 0, offset: Some(0) }, &line);
    }
    window.pass(line.len() + 1);

    sink.start(columns)?;
    let vector = (columns as u64).saturating_mul(4);
    if let Some(length) = length {
        let most = length / vector.saturating_add(1);
        sink.expect(usize::try_from(promised.min(most)).unwrap_or(usize::MAX));
    }
    let mut values = Vec::new();
    let mut row = 0; // rows before this one
    let mut cut = false;
    while !sink.full() {
        // Behind the promised rows there is nothing but white space.
        if row >= promised || (lossy && window.bytes().len() < LONGEST) {
            while window.bytes().len() < LONGEST && !window.ended {
                read_more(&mut window)?;
            }
            let rest = &window.bytes()[..window.bytes().len().min(LONGEST)];
            let blank = rest.iter().all(u8::is_ascii_whitespace);
            if blank && (row >= promised || window.ended) {
                break;
            }
            if row >= promised && !lossy {
                return Err(WordsError::Damaged {
                    path: path.to_owned(),
                    expected: format!("the end after {promised} vectors"),
                    offset: window.offset,
                    found: format!("`{}`", shown(rest)),
                });
            }
        }
        let Some(space) = find(window.bytes(), b' ') else {
            if window.bytes().len() >= LONGEST {
                return Err(missing(path, &window, "a word"));
            }
            if !window.ended {
                read_more(&mut window)?;
            } else if lossy {
                cut = true;
                break;
            } else {
                return Err(missing(path, &window, "a word"));
            }
            continue;
        };
        let word = &window.bytes()[..space];
        // The line feed behind the last vector; not all programs write it.
        let word = word.strip_prefix(b"\n").unwrap_or(word);
        let utf8 = std::str::from_utf8(word);
        if utf8.is_err() && policy == Policy::Error {
            return Err(WordsError::Damaged {
                path: path.to_owned(),
                expected: "a word in UTF-8".to_owned(),
                offset: window.offset,
                found: format!("`{}`", shown(word)),
            });
        }
        let left = window.left() - (space as u64 + 1);
        let bytes = &window.bytes()[space + 1..];
        let len = usize::try_from(vector).unwrap_or(usize::MAX);
        let Some(bytes) = bytes.get(..len) else {
            if left >= vector && !window.ended {
                read_more(&mut window)?;
                continue;
            }
            if lossy {
                cut = true;
                break;
            }
            return Err(WordsError::Truncated {
                path: path.to_owned(),
                what: "a vector",
                offset: window.offset + space as u64 + 1,
                needed: vector,
                left,
            });
        };
        values.clear();
        let (chunks, _) = bytes.as_chunks::<4>();
        values.extend(chunks.iter().map(|&value| f32::from_le_bytes(value)));

        let position = Position::Row { row: row + 1, offset: Some(window.offset) };
        let finite = all_finite(&values);
        if !finite && policy == Policy::Error {
            let column = values.iter().position(|value| !value.is_finite()).unwrap_or(0);
            let word = String::from_utf8_lossy(word).into_owned();
            let (row, value) = (usize::try_from(row).unwrap_or(usize::MAX), values[column]);
            return Err(WordsError::NonFiniteVector { word, row, column, value }.in_file(path));
        }
        let mut used = finite;
        if !finite {
            report.add(Dirt::NonFinite, position, word);
        }
        if utf8.is_err() {
            report.add(Dirt::Utf8, position, word);
            used &= lossy;
        }
        if used {
            let word = utf8.map_or_else(|_| String::from_utf8_lossy(word), Cow::Borrowed);
            if !sink.push(&word, &values)? {
                report.add(Dirt::Duplicate, position, word.as_bytes());
                used = false;
            }
        }
        report.leave_out(u64::from(!used));
        let passed = space + 1 + bytes.len();
        window.pass(passed);
        row += 1;
    }
    if sink.full() {
        return Ok(report);
    }
    let position = Position::Row { row: row + 1, offset: Some(window.offset) };
    if cut || window.cut {
        report.add(Dirt::Truncated, position, &window.bytes()[..window.bytes().len().min(LONGEST)]);
        report.leave_out(u64::from(cut));
    }
    if row != promised {
        let text = format!("{promised} promised, {row} found");
        report.add(Dirt::Rows, position, text.as_bytes());
    }
    Ok(report)
}

/// Where the byte is, not farther than what is read of a word.
fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    memchr::memchr(byte, &bytes[..bytes.len().min(LONGEST)])
}

/// A word or a header has no end.
fn missing(path: &Path, window: &Window, what: &'static str) -> WordsError {
    let (path, offset) = (path.to_owned(), window.offset);
    let left = window.bytes().len() as u64;
    if left >= LONGEST as u64 {
        let expected = format!("{what} of less than {LONGEST} bytes");
        return WordsError::Damaged { path, expected, offset, found: "more".to_owned() };
    }
    WordsError::Truncated { path, what, offset, needed: left + 1, left }
}

/// Room in front of a block for the start of a row whose end is in it.
const HEAD: usize = LONGEST;

/// A block of the file, `HEAD` bytes of room in front.
struct Block {
    bytes: Vec<u8>,
    /// Whether it is the last.
    ended: bool,
    /// Whether a compressed file ends in its middle.
    cut: bool,
}

/// The file, block by block.
struct Blocks {
    contents: Box<dyn Read + Send>,
    length: Option<u64>,
    size: usize,
    /// Whether a compressed file may end in its middle.
    lossy: bool,
}

impl Blocks {
    /// Reads the next block into a buffer that is not needed any more.
    fn read(&mut self, mut bytes: Vec<u8>) -> io::Result<Block> {
        let left = self.length.map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
        bytes.clear();
        bytes.reserve_exact(HEAD + self.size.min(left.saturating_add(1)));
        bytes.resize(HEAD, 0);
        match (&mut self.contents).take(self.size as u64).read_to_end(&mut bytes) {
            Ok(read) => Ok(Block { bytes, ended: read < self.size, cut: false }),
            Err(error) if self.lossy && error.kind() == io::ErrorKind::UnexpectedEof => {
                Ok(Block { bytes, ended: true, cut: true })
            }
            Err(error) => Err(error),
        }
    }

    /// Sends blocks until the file ends or nobody takes them.
    fn send(mut self, blocks: &SyncSender<io::Result<Block>>, used: &Receiver<Vec<u8>>) {
        loop {
            let block = self.read(used.try_recv().unwrap_or_default());
            let last = block.as_ref().map_or(true, |block| block.ended);
            if blocks.send(block).is_err() || last {
                return;
            }
        }
    }
}

/// A part of the file that moves on. The blocks behind it are read on another thread.
struct Window {
    buffer: Vec<u8>,
    /// Where in the buffer the window starts.
    start: usize,
    /// The same in the file.
    offset: u64,
    /// Whether the buffer holds the end of the file.
    ended: bool,
    /// Whether a compressed file ended in its middle.
    cut: bool,
    length: Option<u64>,
    blocks: Receiver<io::Result<Block>>,
    used: Sender<Vec<u8>>,
}

impl Window {
    /// The bytes of the file that are there.
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// How many bytes of the file there are, `u64::MAX` where that is not known.
    fn left(&self) -> u64 {
        let here = self.bytes().len() as u64;
        match self.length {
            _ if self.ended => here,
            Some(length) => length.saturating_sub(self.offset).max(here),
            None => u64::MAX,
        }
    }

    /// Moves the start.
    fn pass(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Moves the end, unless it is that of the file.
    fn more(&mut self) -> io::Result<()> {
        let Ok(block) = self.blocks.recv() else {
            self.ended = true;
            return Ok(());
        };
        let Block { mut bytes, ended, cut } = block?;
        (self.ended, self.cut) = (ended, cut);
        let rest = self.buffer.len() - self.start;
        if rest <= HEAD {
            bytes[HEAD - rest..HEAD].copy_from_slice(&self.buffer[self.start..]);
            std::mem::swap(&mut self.buffer, &mut bytes);
            self.start = HEAD - rest;
        } else {
            self.buffer.drain(..self.start);
            self.buffer.extend_from_slice(&bytes[HEAD..]);
            self.start = 0;
        }
        // Without a reader there is no use for the buffer.
        let _ = self.used.send(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embeddings::Rows;
    use std::io::Cursor;

    fn read_with(bytes: &[u8], limit: usize, policy: Policy, block: usize) -> String {
        let source = Source {
            sample: Vec::new(),
            contents: Box::new(Cursor::new(bytes.to_vec())),
            length: block.is_multiple_of(2).then_some(bytes.len() as u64),
            file: None,
        };
        let mut rows = Rows::new(limit);
        match read(Path::new("f"), source, policy, block, &mut rows)
            .and_then(|report| rows.finish(report))
        {
            Ok(found) => format!("{:?} {} {}", found.words(), found.vectors(), found.report()),
            Err(error) => format!("{error}: {:?}", std::error::Error::source(&error)),
        }
    }

    /// Whatever the size of the blocks, the same is read and the same error is found.
    #[test]
    fn blocks_do_not_show() {
        let row = |word: &[u8], values: [f32; 2]| {
            [word, b" ", &values[0].to_le_bytes(), &values[1].to_le_bytes()].concat()
        };
        let good = [
            b"4 2\n".to_vec(),
            row(b"alpha", [1.0, 2.0]),
            row(b"\nb", [3.0, 4.0]),
            row(b"alpha", [5.0, 6.0]),
            row(b"c", [7.0, 8.0]),
            b"\n".to_vec(),
        ]
        .concat();
        let mut nan = good.clone();
        nan[10..14].copy_from_slice(&f32::NAN.to_le_bytes());
        let mut bytes = good.clone();
        bytes[5] = 0xff;
        let files = [
            good.clone(),
            nan,
            bytes,
            good[..good.len() - 4].to_vec(),
            good[..good.len() - 11].to_vec(),
            [b"3", &good[1..]].concat(),
            [b"9", &good[1..]].concat(),
            [good.as_slice(), b"more"].concat(),
            [&good[..40], &[b'x'; 70_000], &good[40..]].concat(),
            [b"4 200", &good[3..]].concat(),
        ];
        for (i, file) in files.iter().enumerate() {
            for policy in [Policy::Error, Policy::Skip, Policy::Lossy] {
                for limit in [1, 2, 9] {
                    let expected = read_with(file, limit, policy, 1 << 20);
                    for block in (1..40).chain([1000, 65_535, 65_536]) {
                        if file.len() < 1000 || block > 900 {
                            let found = read_with(file, limit, policy, block);
                            assert_eq!(found, expected, "file {i}, {policy}, {limit}, {block}");
                        }
                    }
                }
            }
        }
        let found = read_with(&good, 9, Policy::Error, 7);
        assert!(found.starts_with("[\"alpha\", \"b\", \"c\"] [[1, 2],"), "{found}");
    }
}
