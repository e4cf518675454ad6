//! Lines to rows.

use super::Rules;
use crate::dirt::{Dirt, Policy, Report};
use crate::error::shown;
use crate::line::{LineError, parse_fields};
use crate::wide::Room;

/// Lines in a row that were parsed.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) rows: Vec<Row>,
    /// The words of the rows, one behind the other.
    pub(super) words: String,
    pub(super) values: Vec<f32>,
    room: Room,
    pub(super) bad: Vec<Bad>,
    /// How many texts are kept of each kind of dirt.
    kept: [usize; Dirt::ALL.len()],
    /// The number of lines, blank ones and the one with the error included.
    pub(super) lines: u64,
    pub(super) error: Option<LineError>,
}

/// A row of a part.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) word_end: usize,
    pub(super) line: u64,
    pub(super) carriage_return: bool,
    pub(super) joined: bool,
    pub(super) mended: bool,
}

/// A line without a row, or several of the same kind in a row.
#[derive(Debug)]
pub(super) struct Bad {
    /// The number of rows before it.
    pub(super) before: usize,
    pub(super) line: u64,
    pub(super) dirt: Dirt,
    pub(super) count: u64,
    pub(super) carriage_returns: u64,
    /// The line, shortened; of the first only.
    pub(super) text: Option<Box<str>>,
}

impl Part {
    /// Parses whole lines. The last of them may lack its line feed, where the file has an
    /// `open_end`.
    pub(super) fn parse(&mut self, lines: &[u8], rules: Rules, open_end: bool) {
        self.rows.clear();
        self.words.clear();
        self.values.clear();
        self.bad.clear();
        (self.kept, self.lines, self.error) = (Default::default(), 0, None);
        let mut rest = lines;
        while !rest.is_empty() {
            let line;
            let mut last = false;
            (line, rest) = match memchr::memchr(b'\n', rest) {
                Some(end) => (&rest[..end], &rest[end + 1..]),
                None => {
                    last = open_end;
                    (rest, &rest[..0])
                }
            };
            self.lines += 1;
            match self.line(line, rules) {
                Ok(()) => {}
                Err(error) if rules.policy == Policy::Error => {
                    self.error = Some(error);
                    break;
                }
                Err(LineError::Values { found }) if last && found < rules.columns => {
                    self.bad(line, Dirt::Truncated);
                }
                Err(error) => self.bad(line, error.dirt()),
            }
        }
    }

    /// Parses one line and appends its row, unless it is blank.
    fn line(&mut self, line: &[u8], rules: Rules) -> Result<(), LineError> {
        let Rules { columns, spaces_in_words, policy } = rules;
        let start = self.values.len();
        let (values, room) = (&mut self.values, &mut self.room);
        let parsed = match parse_fields(line, columns, spaces_in_words, values, room) {
            Err(LineError::Values { found }) if found > columns && policy == Policy::Lossy => {
                // The fields that are too many belong to the word, if the others are a vector.
                match parse_fields(line, columns, true, values, room) {
                    Err(LineError::NotANumber { .. }) => Err(LineError::Values { found }),
                    other => other,
                }
            }
            other => other,
        };
        let Some(parsed) = parsed? else {
            return Ok(());
        };
        let mended = match parsed.utf8() {
            Ok(word) => {
                self.words.push_str(word);
                false
            }
            Err(_) if policy == Policy::Lossy => {
                self.words.push_str(&String::from_utf8_lossy(parsed.word));
                true
            }
            Err(error) => {
                self.values.truncate(start);
                return Err(error);
            }
        };
        self.rows.push(Row {
            word_end: self.words.len(),
            line: self.lines,
            carriage_return: line.ends_with(b"\r"),
            joined: parsed.joined && !spaces_in_words,
            mended,
        });
        Ok(())
    }

    /// Notes a line that is left out. Texts are kept of no more lines than a report may need.
    fn bad(&mut self, line: &[u8], dirt: Dirt) {
        let carriage_return = line.ends_with(b"\r");
        let mut wanted = |dirt: Dirt| {
            let kept = &mut self.kept[dirt as usize];
            *kept += 1;
            *kept <= Report::PLACES
        };
        let wanted = wanted(dirt) | (carriage_return && wanted(Dirt::CarriageReturn));
        let before = self.rows.len();
        match self.bad.last_mut() {
            Some(last)
                if !wanted && last.text.is_none() && last.dirt == dirt && last.before == before =>
            {
                last.count += 1;
                last.carriage_returns += u64::from(carriage_return);
            }
            _ => self.bad.push(Bad {
                before,
                line: self.lines,
                dirt,
                count: 1,
                carriage_returns: u64::from(carriage_return),
                text: wanted.then(|| shown(line.trim_ascii_end()).into()),
            }),
        }
    }
}
