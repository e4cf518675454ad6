//! Text, read in blocks whose lines are parsed in parallel.

mod part;
mod start;

use std::io::{self, Read};
use std::path::Path;

use self::part::{Bad, Part};
pub(crate) use self::start::Header;
use self::start::Start;
use crate::dirt::{Dirt, Policy, Position, Report};
use crate::error::{WordsError, shown};
use crate::open::{OpenOptions, Source};
use crate::sink::Sink;

/// Sizes in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blocks {
    /// What is read at once.
    pub(crate) read: usize,
    /// What is parsed by one thread in one go.
    pub(crate) parse: usize,
    /// The longest line.
    pub(crate) line: usize,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { read: 960 << 10, parse: 64 << 10, line: 64 << 20 }
    }
}

/// A line of a packed file may always be so long.
const PACKED_LINE: u64 = 1 << 20;

/// What lines are held to.
#[derive(Debug, Clone, Copy)]
struct Rules {
    columns: usize,
    spaces_in_words: bool,
    policy: Policy,
}

/// Reads lines of a word and its values, after a header or without one.
///
/// While the lines of one block are parsed on rayon's threads, this thread puts those of the block
/// before into the sink and reads the block behind.
pub(crate) fn read(
    path: &Path,
    source: Source,
    options: &OpenOptions,
    blocks: Blocks,
    sink: &mut impl Sink,
) -> Result<Report, WordsError> {
    let OpenOptions { spaces_in_words, policy, .. } = *options;
    let Source { sample, contents, length, .. } = source;
    // Contents of unknown length are unpacked: a line that is longer than what it was packed into is none.
    let packed = || path.metadata().map_or(u64::MAX, |metadata| metadata.len());
    let longest = if length.is_some() { u64::MAX } else { packed().max(PACKED_LINE) };
    let line = blocks.line.min(usize::try_from(longest).unwrap_or(usize::MAX));
    let blocks = Blocks { line, ..blocks };
    let mut input = Input { contents, length, lossy: policy == Policy::Lossy, cut: None };
    let mut block = Vec::new();
    let mut filled = input.fill(&mut block, blocks.read);

    // The first line says what is expected of the others.
    let mut ended = loop {
        let ended = filled.map_err(WordsError::read(path))?;
        if ended || block.contains(&b'\n') {
            break ended;
        }
        check_line(path, 1, block.len(), blocks)?;
        let size = block.len() + blocks.read;
        filled = input.fill(&mut block, size);
    };
    let first = block.split(|&byte| byte == b'\n').next().unwrap_or(&block);
    let mut report = Report::default();
    let Start { header, after, columns } = Start::of(path, first, &sample, policy, &mut report)?;
    sink.start(columns)?;

    let rules = Rules { columns, spaces_in_words, policy };
    let mut merge = Merge { path, rules, report, line: u64::from(after), found: 0 };
    let mut start = if after { (first.len() + 1).min(block.len()) } else { 0 };
    let (mut parsing, mut parsed): (Vec<Part>, Vec<Part>) = (Vec::new(), Vec::new());
    let (mut parsed_bytes, mut hinted) = (0, false);
    let mut next = Vec::new();
    loop {
        let end = if ended { block.len() } else { last_line_end(&block, start) };
        if end == start {
            // A line that is not complete: those before it are counted first.
            merge.parts(&mut parsed, sink)?;
            if ended || sink.full() {
                break;
            }
            check_line(path, merge.line + 1, block.len() - start, blocks)?;
        }
        if let (Some(length), false, false) = (length, hinted, parsed.is_empty()) {
            sink.expect(expected_rows(length, parsed_bytes, &parsed, columns, header));
            hinted = true;
        }
        next.clear();
        next.extend_from_slice(&block[end..]);
        let lines = &block[start..end];
        let open_end = ended && !lines.ends_with(b"\n");
        let chunks = split(lines, blocks.parse);
        parsing.resize_with(chunks.len(), Part::default);
        let filled = rayon::in_place_scope(|scope| {
            let last = chunks.len().saturating_sub(1);
            for (i, (chunk, part)) in chunks.iter().zip(&mut parsing).enumerate() {
                scope.spawn(move |_| part.parse(chunk, rules, open_end && i == last));
            }
            merge.parts(&mut parsed, sink)?;
            if ended || sink.full() {
                return Ok(Ok(true));
            }
            let size = next.len() + blocks.read;
            Ok(input.fill(&mut next, size))
        })?;
        if sink.full() {
            break;
        }
        parsed_bytes = end - start;
        std::mem::swap(&mut parsing, &mut parsed);
        std::mem::swap(&mut block, &mut next);
        start = 0;
        ended = match filled {
            Ok(ended) => ended,
            // What stands before comes first.
            Err(error) => {
                merge.parts(&mut parsed, sink)?;
                if sink.full() {
                    break;
                }
                return Err(WordsError::read(path)(error));
            }
        };
    }
    if sink.full() {
        return Ok(merge.report);
    }
    let Merge { mut report, line, found, .. } = merge;
    if let Some(rest) = input.cut {
        report.add(Dirt::Truncated, Position::Line(line + 1), rest.as_bytes());
        report.leave_out(u64::from(!rest.is_empty()));
    }
    match header {
        Some(Header { rows: promised, .. }) if promised != found => {
            if policy != Policy::Lossy {
                return Err(WordsError::Rows { path: path.to_owned(), promised, found });
            }
            let text = format!("{promised} promised, {found} found");
            report.add(Dirt::Rows, Position::Line(1), text.as_bytes());
        }
        _ => {}
    }
    Ok(report)
}

/// About how many rows the file has, by the first of them and what the header promises. No more than
/// fit into its length: a value has two bytes at least.
fn expected_rows(
    length: u64,
    parsed_bytes: usize,
    parsed: &[Part],
    columns: usize,
    header: Option<Header>,
) -> usize {
    let most = length / (columns as u64).saturating_mul(2).saturating_add(1);
    let rows: usize = parsed.iter().map(|part| part.rows.len()).sum();
    let by_length = rows as f64 * (length as f64 / parsed_bytes.max(1) as f64) * 1.01;
    // A promise that is about right is exactly right.
    let rows = match header {
        Some(Header { rows, .. }) if rows as f64 <= 1.25 * by_length => rows,
        _ => (by_length as u64).saturating_add(1).min(most),
    };
    usize::try_from(rows).unwrap_or(usize::MAX)
}

/// The contents of the file, as far as they come.
struct Input {
    contents: Box<dyn Read + Send>,
    length: Option<u64>,
    /// Whether a compressed file may end in the middle.
    lossy: bool,
    /// The line in which it does.
    cut: Option<String>,
}

impl Input {
    /// Reads until `buffer` holds `size` bytes; whether the file ended before that.
    fn fill(&mut self, buffer: &mut Vec<u8>, size: usize) -> io::Result<bool> {
        let missing = size.saturating_sub(buffer.len());
        let left = self.length.map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
        buffer.reserve_exact(missing.min(left.saturating_add(1)));
        let before = buffer.len();
        match (&mut self.contents).take(missing as u64).read_to_end(buffer) {
            Ok(read) => Ok(read < missing),
            Err(error) if self.lossy && error.kind() == io::ErrorKind::UnexpectedEof => {
                let end = last_line_end(buffer, 0);
                self.cut = Some(shown(&buffer[end..]));
                buffer.truncate(end);
                Ok(true)
            }
            Err(error) => {
                buffer.truncate(before);
                Err(error)
            }
        }
    }
}

fn check_line(path: &Path, line: u64, found: usize, blocks: Blocks) -> Result<(), WordsError> {
    if found > blocks.line {
        return Err(WordsError::LongLine { path: path.to_owned(), line, limit: blocks.line });
    }
    Ok(())
}

/// Where the last complete line ends; `start` without one.
fn last_line_end(block: &[u8], start: usize) -> usize {
    memchr::memrchr(b'\n', &block[start..]).map_or(start, |at| start + at + 1)
}

/// Splits lines into pieces of about `size` bytes, each of whole lines.
fn split(lines: &[u8], size: usize) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = lines;
    while !rest.is_empty() {
        let from = size.min(rest.len());
        let end = memchr::memchr(b'\n', &rest[from..]).map_or(rest.len(), |at| from + at + 1);
        let part;
        (part, rest) = rest.split_at(end);
        parts.push(part);
    }
    parts
}

/// Puts parts into the sink, in the order of the lines, and counts.
struct Merge<'a> {
    path: &'a Path,
    rules: Rules,
    report: Report,
    /// The lines before.
    line: u64,
    /// The rows in them, those that were left out included.
    found: u64,
}

impl Merge<'_> {
    /// Empties `parts`, unless the sink is full before.
    fn parts(&mut self, parts: &mut Vec<Part>, sink: &mut impl Sink) -> Result<(), WordsError> {
        for part in parts.iter_mut() {
            self.part(part, sink)?;
            if sink.full() {
                return Ok(());
            }
        }
        parts.clear();
        Ok(())
    }

    fn part(&mut self, part: &mut Part, sink: &mut impl Sink) -> Result<(), WordsError> {
        let mut bad = part.bad.iter().peekable();
        let mut start = 0;
        let values = part.values.chunks_exact(self.rules.columns);
        for (i, (row, values)) in part.rows.iter().zip(values).enumerate() {
            if sink.full() {
                return Ok(());
            }
            while let Some(bad) = bad.next_if(|bad| bad.before == i) {
                self.bad(bad);
            }
            let word = &part.words[start..row.word_end];
            start = row.word_end;
            let new = sink.push(word, values)?;
            self.found += 1;
            self.report.leave_out(u64::from(!new));
            for (dirt, has) in [
                (Dirt::Duplicate, !new),
                (Dirt::CarriageReturn, row.carriage_return),
                (Dirt::Spaces, row.joined),
                (Dirt::Utf8, row.mended),
            ] {
                if has {
                    self.report.add(dirt, Position::Line(self.line + row.line), word.as_bytes());
                }
            }
        }
        if sink.full() {
            return Ok(());
        }
        bad.for_each(|bad| self.bad(bad));
        self.line += part.lines;
        part.error
            .take()
            .map_or(Ok(()), |error| Err(error.at(self.path, self.line, self.rules.columns)))
    }

    fn bad(&mut self, bad: &Bad) {
        self.found += bad.count;
        self.report.leave_out(bad.count);
        for (dirt, count) in [(bad.dirt, bad.count), (Dirt::CarriageReturn, bad.carriage_returns)] {
            match &bad.text {
                Some(text) if count > 0 => {
                    self.report.add(dirt, Position::Line(self.line + bad.line), text.as_bytes());
                }
                _ => self.report.add_more(dirt, count),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embeddings::{Embeddings, Rows};
    use std::io::Cursor;

    fn read_with(
        text: &str,
        limit: usize,
        blocks: Blocks,
    ) -> Result<(Vec<String>, Vec<f32>), String> {
        let found = read_by(text, limit, Policy::Error, blocks)?;
        let (words, vectors) = found.into_parts();
        Ok((words, vectors.into_raw_vec_and_offset().0))
    }

    fn read_by(
        text: &str,
        limit: usize,
        policy: Policy,
        blocks: Blocks,
    ) -> Result<Embeddings, String> {
        let source = Source {
            sample: text.as_bytes().to_vec(),
            contents: Box::new(Cursor::new(text.as_bytes().to_vec())),
            length: Some(text.len() as u64),
            file: None,
        };
        let options = OpenOptions { policy, ..OpenOptions::default() };
        let mut rows = Rows::new(limit);
        read(Path::new("f"), source, &options, blocks, &mut rows)
            .and_then(|report| rows.finish(report))
            .map_err(|error| error.to_string())
    }

    /// Nor do they show in what is left out or mended, and in the report of it.
    #[test]
    fn blocks_do_not_show_in_dirt() {
        let dirty = "9 2\r\nalpha 1 2\r\n\nb 3\nb 3\nb 3\nb 3\nb 3\nb 3\nb 3\r\nc d 3 4\nx 1 y\n\
                     alpha 9 9\r\nnan nan 1\ngamma 5 6\nc d 1 1\nend 1";
        for text in [dirty.to_owned(), dirty.replace("9 2\r\n", ""), dirty.replace("9 2", "16 2")] {
            for policy in [Policy::Skip, Policy::Lossy] {
                for limit in [1, 2, 3, 9] {
                    let show = |blocks| match read_by(&text, limit, policy, blocks) {
                        Ok(found) => {
                            format!("{:?} {}{}", found.words(), found.vectors(), found.report())
                        }
                        Err(error) => error,
                    };
                    let expected = show(Blocks::default());
                    for size in 1..50 {
                        for parse in [1, 5, 11] {
                            let blocks = Blocks { read: size, parse, line: 100 };
                            assert_eq!(show(blocks), expected, "{text:?} {blocks:?}");
                        }
                    }
                }
            }
        }
        let found = read_by(dirty, 9, Policy::Lossy, Blocks::default()).unwrap();
        assert_eq!(found.words(), ["alpha", "c d", "gamma"]);
        assert_eq!(found.report().left_out(), 12);
        assert_eq!(
            found.report().to_string(),
            "wrong number of values  7  line 4 `b 3`, line 5 `b 3`, line 6 `b 3`, line 7 `b 3`, \
             line 8 `b 3`, …\n\
             value is no number      1  line 12 `x 1 y`\n\
             value is not finite     1  line 14 `nan nan 1`\n\
             word with spaces        2  line 11 `c d`, line 16 `c d`\n\
             word again              2  line 13 `alpha`, line 16 `c d`\n\
             wrong number of rows    1  line 1 `9 promised, 15 found`\n\
             cut off                 1  line 17 `end 1`\n\
             CR LF (a note)          4  line 1 `9 2`, line 2 `alpha`, line 10 `b 3`, line 13 `alpha`\n"
        );
    }

    /// Whatever the sizes of the blocks, the same is read and the same error is found.
    #[test]
    fn blocks_do_not_show() {
        let good = "4 2\nalpha 1 2\n\nb 3 4\nalpha 9 9\r\ngamma 5 6";
        let texts = [
            good.to_owned(),
            good.replace('6', "6\n\n"),
            good.replace("4 2\n", ""),
            good.replace("b 3", "b x"),
            good.replace("9 9", "9"),
            good.replace("4 2\n", "5 2\n"),
            good.replace("5 6", "5 nan"),
        ];
        for text in texts {
            for limit in [1, 2, 3, 9] {
                let expected = read_with(&text, limit, Blocks::default());
                for size in 1..50 {
                    for parse in [1, 5, 11] {
                        let blocks = Blocks { read: size, parse, line: 100 };
                        assert_eq!(
                            read_with(&text, limit, blocks),
                            expected,
                            "{text:?} {blocks:?}"
                        );
                    }
                }
            }
        }
        let all = ["alpha", "b", "gamma"].map(str::to_owned).to_vec();
        let found = read_with(good, 9, Blocks::default());
        assert_eq!(found, Ok((all, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])));
    }

    #[test]
    fn errors_name_the_line() {
        let message = |text: &str| read_with(text, 9, Blocks::default()).unwrap_err();
        assert_eq!(message("a 1 2\n\nb 1\n"), "f:3: expected 2 values, found 1");
        assert_eq!(message("2 2\na 1 2\nb 1 2 3\n"), "f:3: expected 2 values, found 3");
        assert_eq!(message("a 1 2\nb 1 z\n"), "f:2: value 2 is `z`: expected a number");
        assert_eq!(
            message("a 1 2\nb inf 1\n"),
            "f:2: value 1 is `inf`: expected a finite 32-bit number"
        );
        assert_eq!(message("word\n"), "f:1: expected 1 values, found 0");
        assert_eq!(message("\na 1\n"), "f:1: expected 1 values, found 0");
    }

    #[test]
    fn headers() {
        let message = |text: &str| read_with(text, 9, Blocks::default()).unwrap_err();
        assert_eq!(message("3 1\na 1\nb 2\n"), "f: the header promises 3 vectors, found 2");
        assert_eq!(message("1 1\na 1\nb 2\n"), "f: the header promises 1 vectors, found 2");
        assert_eq!(
            message("1000000000000 1\na 1\n"),
            "f: the header promises 1000000000000 vectors, found 1"
        );
        assert_eq!(message("5 50"), "f: the header promises 5 vectors, found 0");
        assert_eq!(
            message("1 1000000000000\na 1\n"),
            "f:2: expected 1000000000000 values, found 1"
        );
        for header in ["0 5", "5 0", "1 99999999999999999999"] {
            assert_eq!(
                message(&format!("{header}\na 1\n")),
                format!(
                    "f:1: header `{header}`: expected the number of vectors and their \
                     dimensions, both at least 1"
                )
            );
        }
        // Duplicates count towards the promise.
        assert!(read_with("2 1\na 1\na 2\n", 9, Blocks::default()).is_ok());
    }

    /// What stands behind the limit is not looked at.
    #[test]
    fn limit_stops() {
        let text = "9 1\na 1\nb 2\nc broken\n";
        let (words, values) = read_with(text, 2, Blocks::default()).unwrap();
        assert_eq!((words.len(), values), (2, vec![1.0, 2.0]));
        assert!(read_with(text, 3, Blocks::default()).is_err());
    }

    #[test]
    fn endless_lines_are_refused() {
        let blocks = Blocks { read: 16, parse: 16, line: 64 };
        let first = "a".repeat(1000);
        let expected = "more than 64 bytes without a line's end: expected text";
        assert_eq!(read_with(&first, 9, blocks), Err(format!("f:1: {expected}")));
        let third = format!("a 1\nb 2\n{first}");
        assert_eq!(read_with(&third, 9, blocks), Err(format!("f:3: {expected}")));
    }
}
