//! fastText's models (`.bin`, and quantised `.ftz`).
//!
//! The format is what `FastText::saveModel` of the reference implementation writes
//! (<https://github.com/facebookresearch/fastText>), version 12 and its predecessor 11; every
//! number is little-endian: magic, version; twelve settings and a threshold; the dictionary; the
//! input matrix with a row a word and then a row a bucket of n-grams; the output matrix.

use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use rayon::prelude::*;

use crate::dirt::{Policy, Position, Report};
use crate::embeddings::{Extras, Rows};
use crate::error::{WordsError, shown};
use crate::open::{OpenOptions, Source};
use crate::sink::{Offered, Sink};
use crate::subwords::{Cut, Find, MappedTable, Quantized, Subwords, Table, WIDEST, scale};
use crate::values::rows_at_once;

/// How a file starts: 793712314.
pub(crate) const MAGIC: &[u8] = &793_712_314_u32.to_le_bytes();

const VERSIONS: [i32; 2] = [11, 12];

/// The longest word, in bytes.
const LONGEST: u64 = 1 << 16;

/// `model_name::sup`: a classifier.
const SUPERVISED: i32 = 3;

/// Reads the words of a model. A word's vector is the mean of its row and the rows of its n-grams,
/// as `FastText::getWordVector` computes it, in the same order of single precision.
///
/// Labels of classifiers are passed over. The rows of n-grams are kept only when `subwords` says
/// so; memory for them follows from what the file holds. A word that is not UTF-8 has the n-grams
/// of its bytes, whatever becomes of it.
pub(crate) fn read(
    path: &Path,
    source: Source,
    options: &OpenOptions,
    limit: usize,
) -> Result<(Rows, Report), WordsError> {
    let OpenOptions { subwords, policy, .. } = *options;
    let Source { contents, length, .. } = source;
    let mut file = Reader::new(path, contents, length);
    let Head { words, shape, cut, cuts, quantized } = Head::read(&mut file, limit, policy)?;
    let Shape { words: all, kept, columns } = shape;

    let (mut values, table, first) = if quantized {
        let table = Table::Quantized(shape.quantized(&mut file)?);
        file.end(columns, true)?;
        let memory = || WordsError::Memory { rows: words.len(), columns };
        let len = words.len().checked_mul(columns).ok_or_else(memory)?;
        let mut values = Vec::new();
        values.try_reserve_exact(len).map_err(|_| memory())?;
        values.resize(len, 0.0);
        values.par_chunks_mut(columns).enumerate().for_each(|(row, vector)| table.add(row, vector));
        (values, table, all as usize)
    } else {
        shape.start(&mut file)?;
        let wanted = words.len() as u64 * columns as u64;
        let values = file.floats(wanted, "vectors of words", policy == Policy::Error)?;
        let rest = (all - words.len() as u64) * columns as u64;
        file.skip(rest * 4, "vectors of words")?;
        let wanted = cuts || subwords;
        let rows = kept * columns as u64;
        let ngrams = if wanted {
            file.floats(rows, "vectors of n-grams", true)?
        } else {
            file.skip(rows * 4, "vectors of n-grams")?;
            Vec::new()
        };
        file.end(columns, false)?;
        (values, Table::Dense { values: ngrams, columns }, 0)
    };
    if file.length.is_none() {
        // Behind the end stand the checksums of what was compressed.
        io::copy(&mut file.bytes, &mut io::sink()).map_err(WordsError::read(path))?;
    }
    values.par_chunks_mut(columns).zip(&words).for_each(|(vector, word)| {
        let count = if cuts { cut.add(word, &table, first, vector) } else { 0 };
        scale(vector, count + 1);
    });
    let words = words.iter().map(|word| utf8(word));
    let (mut rows, report) = Rows::of_dirty(words, values, columns, Extras::default(), policy);
    if subwords && cuts {
        let table = match table {
            Table::Quantized(quantized) => Table::Quantized(quantized.behind(first)),
            others => others,
        };
        rows.subwords = Some(Subwords::new(table, cut));
    }
    Ok((rows, report))
}

/// Hands on the words of a model and their vectors, some rows at a time. A matrix that is not
/// quantised stays in the file.
pub(crate) fn stream(
    path: &Path,
    source: Source,
    options: &OpenOptions,
    limit: usize,
    sink: &mut impl Sink,
) -> Result<Report, WordsError> {
    let OpenOptions { subwords, policy, .. } = *options;
    // The length of what was compressed is not known when it is read as a whole.
    let known = source.length.is_some();
    let mapping = source.into_mapping(path)?;
    let length = Some(mapping.len() as u64);
    let mut file = Reader::new(path, Box::new(Cursor::new(mapping.clone())), length);
    let Head { words, shape, cut, cuts, quantized } = Head::read(&mut file, limit, policy)?;
    let Shape { words: all, kept, columns } = shape;

    let table = if quantized {
        Table::Quantized(shape.quantized(&mut file)?)
    } else {
        shape.start(&mut file)?;
        let (start, size) = (file.at as usize, (all + kept) as usize);
        let table = MappedTable::new(mapping, start, size, columns);
        let table = table.expect("the file was found to be long enough");
        let wanted = words.len() as u64 * columns as u64;
        file.each_block(wanted, "vectors of words", policy == Policy::Error, |_| ())?;
        file.skip((all * columns as u64 - wanted) * 4, "vectors of words")?;
        let check = cuts || subwords;
        file.each_block(kept * columns as u64, "vectors of n-grams", check, |_| ())?;
        Table::Mapped(table)
    };
    if known {
        file.end(columns, quantized)?;
    }

    sink.start(columns)?;
    let (block, mut report) = (rows_at_once(columns), Report::default());
    let mut values = Vec::new();
    for (i, words) in words.chunks(block).enumerate() {
        let start = i * block;
        values.clear();
        values.resize(words.len() * columns, 0.0);
        values.par_chunks_mut(columns).zip(words).enumerate().for_each(|(row, (vector, word))| {
            match &table {
                Table::Mapped(table) => {
                    vector.iter_mut().zip(table.row(start + row)).for_each(|(to, of)| *to = of);
                }
                table => table.add(start + row, vector),
            }
            let count = if cuts { cut.add(word, &table, all as usize, vector) } else { 0 };
            scale(vector, count + 1);
        });
        for (row, (word, values)) in words.iter().zip(values.chunks_exact(columns)).enumerate() {
            if sink.full() {
                return Ok(report);
            }
            let position = Position::Row { row: (start + row) as u64 + 1, offset: None };
            let offered = Offered { word: utf8(word), values, norm: None, position, policy };
            sink.offer(offered, &mut report)?;
        }
    }
    Ok(report)
}

fn utf8(word: &[u8]) -> Result<&str, &[u8]> {
    std::str::from_utf8(word).map_err(|_| word)
}

/// What stands before the input matrix.
struct Head {
    /// As many words as wanted, in UTF-8 unless the policy lets others pass.
    words: Vec<Vec<u8>>,
    shape: Shape,
    cut: Cut,
    /// Whether words have n-grams.
    cuts: bool,
    quantized: bool,
}

impl Head {
    fn read(file: &mut Reader<'_>, limit: usize, policy: Policy) -> Result<Self, WordsError> {
        let magic = file.bytes(4, "magic bytes")?;
        if magic != MAGIC {
            return Err(file.damaged(0, "a fastText model's magic bytes", format!("{magic:?}")));
        }
        let version = file.i32("version")?;
        if !VERSIONS.contains(&version) {
            return Err(file.damaged(4, "version 11 or 12 of fastText's format", version));
        }
        let settings = Settings::read(file, version)?;
        let Dictionary { words, all, pruned } = Dictionary::read(file, limit, policy)?;

        let quantized = file.flag("mark of quantisation")?;
        if pruned.is_some() && !quantized {
            let expected = "all buckets of a model that is not quantised";
            return Err(file.damaged(file.at - 1, expected, "pruned ones"));
        }
        let cuts = settings.longest > 0 && pruned.as_ref().is_none_or(|kept| !kept.is_empty());
        let buckets = u64::from(settings.buckets);
        let kept = pruned.as_ref().map_or(buckets, |kept| kept.len() as u64);
        let cut = Cut {
            shortest: settings.shortest,
            longest: if cuts { settings.longest } else { 0 },
            begin: "<".to_owned(),
            end: ">".to_owned(),
            original: true,
            find: Find::FastText { buckets: settings.buckets, pruned },
        };
        let shape = Shape { words: all, kept, columns: settings.columns };
        Ok(Self { words, shape, cut, cuts, quantized })
    }
}

/// What matters of the settings.
struct Settings {
    columns: usize,
    buckets: u32,
    shortest: usize,
    longest: usize,
}

impl Settings {
    fn read(file: &mut Reader<'_>, version: i32) -> Result<Self, WordsError> {
        let at = file.at;
        let dim = file.i32("dimensions")?;
        let Some(columns) = usize::try_from(dim).ok().filter(|&dim| dim > 0) else {
            return Err(file.damaged(at, "at least one dimension", dim));
        };
        // Window, epochs, least count, negative samples, n-grams of words, loss.
        file.bytes(6 * 4, "settings")?;
        let model = file.i32("kind of model")?;
        let bucket_at = file.at;
        let bucket = file.i32("number of buckets")?;
        let at = file.at;
        let lengths = [file.i32("least length of n-grams")?, file.i32("greatest length")?];
        let (shortest, mut longest) = Cut::check_lengths(file.path, at, lengths)?;
        if version == 11 && model == SUPERVISED {
            longest = 0; // classifiers had no n-grams of characters then
        }
        file.bytes(4 + 8, "settings")?; // rate of updates, threshold of sampling
        let buckets = match u32::try_from(bucket) {
            Ok(buckets) if buckets > 0 || longest == 0 => buckets,
            Ok(_) => {
                let expected = format!("buckets for n-grams of up to {longest} characters");
                return Err(file.damaged(bucket_at, expected, bucket));
            }
            Err(_) => return Err(file.damaged(bucket_at, "a number of buckets", bucket)),
        };
        Ok(Self { columns, buckets, shortest, longest })
    }
}

struct Dictionary {
    /// As many words as wanted, in UTF-8 unless the policy lets others pass.
    words: Vec<Vec<u8>>,
    /// The number of all words.
    all: u64,
    /// From the buckets that were kept to their rows.
    pruned: Option<HashMap<u32, u32>>,
}

impl Dictionary {
    fn read(file: &mut Reader<'_>, limit: usize, policy: Policy) -> Result<Self, WordsError> {
        let at = file.at;
        let sizes = [
            i64::from(file.i32("number of entries")?),
            i64::from(file.i32("number of words")?),
            i64::from(file.i32("number of labels")?),
        ];
        let [entries, all, labels] = sizes;
        if all < 1 || labels < 0 || entries != all + labels {
            let expected = "a dictionary of at least one word, and as many entries as words and \
                            labels";
            let found = format!("{entries} entries, {all} words, {labels} labels");
            return Err(file.damaged(at, expected, found));
        }
        file.bytes(8, "number of tokens")?;
        let prune_at = file.at;
        let prune = file.i64("number of pruned buckets")?;
        // A word ends by a zero; then come its count and its kind.
        file.check(Some(entries as u64 * 10), "a dictionary")?;

        let mut words = Vec::new();
        for entry in 0..entries {
            let at = file.at;
            let word = file.word()?;
            file.bytes(8, "count of a word")?;
            let kind_at = file.at;
            let kind = file.bytes(1, "kind of an entry")?[0];
            if kind != u8::from(entry >= all) {
                let expected = if entry < all { "a word (0)" } else { "a label (1)" };
                return Err(file.damaged(kind_at, expected, kind));
            }
            if entry < all && words.len() < limit {
                if policy == Policy::Error && std::str::from_utf8(&word).is_err() {
                    let found = format!("`{}`", shown(&word));
                    return Err(file.damaged(at, "a word in UTF-8", found));
                }
                words.push(word);
            }
        }

        let pruned = match u64::try_from(prune) {
            Err(_) if prune == -1 => None,
            Ok(count) if u32::try_from(count).is_ok() => {
                file.check(count.checked_mul(8), "pruned buckets")?;
                let mut kept = HashMap::new();
                for _ in 0..count {
                    let at = file.at;
                    let (bucket, row) = (file.i32("a bucket")?, file.i32("its row")?);
                    match (u32::try_from(bucket), u32::try_from(row)) {
                        (Ok(bucket), Ok(row)) if u64::from(row) < count => {
                            kept.insert(bucket, row);
                        }
                        _ => {
                            let expected = format!("a bucket and a row below {count}");
                            return Err(file.damaged(at, expected, format!("{bucket}, {row}")));
                        }
                    }
                }
                if kept.len() as u64 != count {
                    let found = format!("{} different ones", kept.len());
                    return Err(file.damaged(prune_at, format!("{count} buckets"), found));
                }
                Some(kept)
            }
            _ => return Err(file.damaged(prune_at, "a number of pruned buckets or -1", prune)),
        };
        Ok(Self { words, all: all as u64, pruned })
    }
}

/// The size of the input matrix.
struct Shape {
    words: u64,
    kept: u64,
    columns: usize,
}

impl Shape {
    fn check(&self, file: &Reader<'_>, at: u64, rows: i64, columns: i64) -> Result<(), WordsError> {
        let expected = self.words + self.kept;
        if u64::try_from(rows) != Ok(expected) || u64::try_from(columns) != Ok(self.columns as u64)
        {
            let expected = format!("a matrix of {expected} × {}", self.columns);
            return Err(file.damaged(at, expected, format!("{rows} × {columns}")));
        }
        Ok(())
    }

    /// The head of a matrix that is not quantised.
    fn start(&self, file: &mut Reader<'_>) -> Result<(), WordsError> {
        let at = file.at;
        let (rows, columns) = (file.i64("number of rows")?, file.i64("number of columns")?);
        self.check(file, at, rows, columns)?;
        let values = (self.words + self.kept).checked_mul(self.columns as u64);
        file.check(values.and_then(|values| values.checked_mul(4)), "a matrix")?;
        Ok(())
    }

    fn quantized(&self, file: &mut Reader<'_>) -> Result<Quantized, WordsError> {
        let norms = file.flag("mark of norms")?;
        let at = file.at;
        let (rows, columns) = (file.i64("number of rows")?, file.i64("number of columns")?);
        self.check(file, at, rows, columns)?;
        let rows = self.words + self.kept;
        let at = file.at;
        let size = file.i32("number of codes")?;
        let codes = match u64::try_from(size) {
            Ok(size) if size > 0 && size % rows == 0 => file.bytes(size, "codes")?,
            _ => return Err(file.damaged(at, format!("codes for {rows} rows"), size)),
        };
        let parts = codes.len() as u64 / rows;
        let (width, centroids) = file.centroids(self.columns, parts)?;
        let norms = if norms {
            let codes = file.bytes(rows, "codes of norms")?;
            let (_, centroids) = file.centroids(1, 1)?;
            Some(codes.into_iter().map(|code| centroids[usize::from(code)]).collect())
        } else {
            None
        };
        Ok(Quantized { columns: self.columns, width, centroids, codes, norms })
    }
}

impl Quantized {
    /// The rows from one on.
    fn behind(mut self, first: usize) -> Self {
        let parts = self.columns.div_ceil(self.width);
        self.codes.drain(..first * parts);
        self.codes.shrink_to_fit();
        if let Some(norms) = &mut self.norms {
            norms.drain(..first);
        }
        self
    }
}

struct Reader<'a> {
    path: &'a Path,
    bytes: BufReader<Box<dyn Read + Send>>,
    at: u64,
    length: Option<u64>,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, contents: Box<dyn Read + Send>, length: Option<u64>) -> Self {
        Self { path, bytes: BufReader::with_capacity(1 << 18, contents), at: 0, length }
    }
}

impl Reader<'_> {
    fn damaged(&self, offset: u64, expected: impl Into<String>, found: impl Display) -> WordsError {
        WordsError::Damaged {
            path: self.path.to_owned(),
            expected: expected.into(),
            offset,
            found: found.to_string(),
        }
    }

    fn truncated(&self, what: &'static str, needed: Option<u64>, left: u64) -> WordsError {
        let (path, needed) = (self.path.to_owned(), needed.unwrap_or(u64::MAX));
        WordsError::Truncated { path, what, offset: self.at, needed, left }
    }

    /// An error unless so many bytes are left, where the length is known.
    fn check(&self, needed: Option<u64>, what: &'static str) -> Result<(), WordsError> {
        let left = self.length.map_or(u64::MAX, |length| length.saturating_sub(self.at));
        match needed {
            Some(needed) if needed <= left => Ok(()),
            _ => Err(self.truncated(what, needed, left)),
        }
    }

    /// Exactly so many bytes. Memory grows with what is there.
    fn bytes(&mut self, needed: u64, what: &'static str) -> Result<Vec<u8>, WordsError> {
        self.check(Some(needed), what)?;
        let mut bytes = Vec::new();
        let read = (&mut self.bytes).take(needed).read_to_end(&mut bytes);
        read.map_err(WordsError::read(self.path))?;
        if (bytes.len() as u64) < needed {
            return Err(self.truncated(what, Some(needed), bytes.len() as u64));
        }
        self.at += needed;
        Ok(bytes)
    }

    fn skip(&mut self, needed: u64, what: &'static str) -> Result<(), WordsError> {
        self.check(Some(needed), what)?;
        let mut rest = (&mut self.bytes).take(needed);
        let read = io::copy(&mut rest, &mut io::sink()).map_err(WordsError::read(self.path))?;
        if read < needed {
            return Err(self.truncated(what, Some(needed), read));
        }
        self.at += needed;
        Ok(())
    }

    /// So many values, finite ones where that is asked for.
    fn floats(
        &mut self,
        count: u64,
        what: &'static str,
        finite: bool,
    ) -> Result<Vec<f32>, WordsError> {
        self.check(count.checked_mul(4), what)?;
        let mut values = Vec::new();
        if self.length.is_some() {
            // Only a hint, and the file is as long.
            let _ = values.try_reserve_exact(count as usize);
        }
        self.each_block(count, what, finite, |block| values.extend_from_slice(block))?;
        Ok(values)
    }

    /// Goes over so many values, finite ones where that is asked for, a block at a time.
    fn each_block(
        &mut self,
        count: u64,
        what: &'static str,
        finite: bool,
        mut each: impl FnMut(&[f32]),
    ) -> Result<(), WordsError> {
        const BLOCK: u64 = 1 << 16; // values
        self.check(count.checked_mul(4), what)?;
        let (mut left, mut values) = (count, Vec::new());
        while left > 0 {
            let at = self.at;
            let block = self.bytes(left.min(BLOCK) * 4, what)?;
            left -= block.len() as u64 / 4;
            let (numbers, _) = block.as_chunks::<4>();
            values.clear();
            values.extend(numbers.iter().map(|&number| f32::from_le_bytes(number)));
            if finite && let Some(bad) = values.iter().position(|value| !value.is_finite()) {
                let found = values[bad];
                return Err(self.damaged(at + 4 * bad as u64, "a finite value", found));
            }
            each(&values);
        }
        Ok(())
    }

    fn i32(&mut self, what: &'static str) -> Result<i32, WordsError> {
        let bytes = self.bytes(4, what)?;
        Ok(i32::from_le_bytes(bytes.try_into().expect("four bytes were read")))
    }

    fn i64(&mut self, what: &'static str) -> Result<i64, WordsError> {
        let bytes = self.bytes(8, what)?;
        Ok(i64::from_le_bytes(bytes.try_into().expect("eight bytes were read")))
    }

    fn flag(&mut self, what: &'static str) -> Result<bool, WordsError> {
        match self.bytes(1, what)?[0] {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(self.damaged(self.at - 1, format!("{what} (0 or 1)"), found)),
        }
    }

    /// A word and the zero behind it.
    fn word(&mut self) -> Result<Vec<u8>, WordsError> {
        let mut word = Vec::new();
        let read = (&mut self.bytes).take(LONGEST).read_until(0, &mut word);
        let read = read.map_err(WordsError::read(self.path))? as u64;
        if word.pop_if(|last| *last == 0).is_none() {
            if read == LONGEST {
                let expected = format!("a word of less than {LONGEST} bytes");
                return Err(self.damaged(self.at, expected, "more"));
            }
            return Err(self.truncated("a word", Some(read + 1), read));
        }
        self.at += read;
        Ok(word)
    }

    /// A quantiser for so many columns in so many parts: the width of a part, and the vectors.
    fn centroids(&mut self, columns: usize, parts: u64) -> Result<(usize, Vec<f32>), WordsError> {
        let at = self.at;
        let mut numbers = [0; 4];
        for number in &mut numbers {
            *number = i64::from(self.i32("sizes of a quantiser")?);
        }
        let [dim, found_parts, width, last] = numbers;
        let fits = dim == columns as i64
            && (1..=dim).contains(&width)
            && found_parts == (dim as u64).div_ceil(width as u64) as i64
            && u64::try_from(found_parts) == Ok(parts)
            && last == (dim - 1) % width + 1;
        if !fits {
            let expected = format!("a quantiser of {columns} columns in {parts} parts");
            let found = format!("{dim} columns in {found_parts} of {width}, the last of {last}");
            return Err(self.damaged(at, expected, found));
        }
        if width > WIDEST as i64 {
            let expected = format!("a code for at most {WIDEST} columns");
            return Err(self.damaged(at, expected, width));
        }
        Ok((width as usize, self.floats(dim as u64 * 256, "vectors of a quantiser", true)?))
    }

    /// Where the length is known, whether the output matrix is all there; it is not read. One
    /// that is quantised is not looked at.
    fn end(&mut self, columns: usize, quantized: bool) -> Result<(), WordsError> {
        if self.length.is_none() || (self.flag("mark of quantisation")? && quantized) {
            return Ok(());
        }
        let at = self.at;
        let (rows, found) = (self.i64("number of rows")?, self.i64("number of columns")?);
        let (Ok(rows), true) = (u64::try_from(rows), found == columns as i64) else {
            let expected = format!("an output matrix of {columns} columns");
            return Err(self.damaged(at, expected, format!("{rows} × {found}")));
        };
        let size = rows.checked_mul(columns as u64).and_then(|size| size.checked_mul(4));
        self.check(size, "an output matrix")
    }
}
