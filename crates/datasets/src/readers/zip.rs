//! As much of the zip format as `.npz` needs: stored and deflated members, with and without the
//! 64-bit extension, checksums held against the data. No encryption, no archives in parts.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::CrcReader;
use flate2::bufread::DeflateDecoder;

use super::source::{self, open_plain, quote, read_error};
use crate::DatasetError;

/// The longest that the record at the end can be: 22 bytes and a comment.
const LONGEST_END: u64 = 22 + 0xffff;
/// The central directory is read in one piece; no honest one is longer.
const LONGEST_DIRECTORY: u64 = 1 << 26;

/// An archive whose directory was read.
pub(super) struct Archive {
    path: PathBuf,
    file: BufReader<File>,
    length: u64,
    pub(super) members: Vec<Member>,
}

/// A file in the archive.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    offset: u64,
}

fn malformed(path: &Path, problem: String) -> DatasetError {
    DatasetError::Malformed { path: path.into(), format: ".npz", problem }
}

/// The little-endian number at `at`, if it is inside.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let raw: &[u8; N] = bytes.get(at..)?.first_chunk()?;
    Some(raw.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Self, DatasetError> {
        let (mut file, length) = open_plain(path)?;
        let start: [u8; 4] = source::take(&mut file, path, "the header")?;
        if start != *b"PK\x03\x04" && start != *b"PK\x05\x06" {
            return Err(malformed(path, "it does not begin as a zip archive".into()));
        }
        let tail_start = length.saturating_sub(LONGEST_END);
        let tail = read_at(&mut file, path, tail_start, length - tail_start)?;
        let (offset, size) = find_directory(&mut file, path, &tail, tail_start)
            .ok_or_else(|| malformed(path, "it has no directory at its end (cut off?)".into()))?;
        if size > LONGEST_DIRECTORY || offset.checked_add(size).is_none_or(|end| end > length) {
            let problem = format!("its directory of {size} bytes at {offset} is not in the file");
            return Err(malformed(path, problem));
        }
        let directory = read_at(&mut file, path, offset, size)?;
        let members = parse_directory(&directory)
            .ok_or_else(|| malformed(path, "its directory is broken".into()))?;
        Ok(Self { path: path.into(), file, length, members })
    }

    /// The unpacked bytes of a member.
    pub(super) fn member(&mut self, index: usize) -> Result<MemberReader<'_>, DatasetError> {
        let path = self.path.clone();
        let member = self.members[index].clone();
        let unsupported = |what: String| {
            let problem = format!("member `{}` is {what}", quote(member.name.as_bytes()));
            DatasetError::Unsupported { path: path.clone(), problem }
        };
        if member.flags & 1 != 0 {
            return Err(unsupported("encrypted".into()));
        }
        let local = read_at(&mut self.file, &path, member.offset, 30)?;
        let skip = match (number::<2>(&local, 26), number::<2>(&local, 28)) {
            (Some(name), Some(extra)) if local.starts_with(b"PK\x03\x04") => name + extra,
            _ => return Err(malformed(&path, format!("no member at byte {}", member.offset))),
        };
        let start = member.offset.saturating_add(30).saturating_add(skip);
        self.file.seek(SeekFrom::Start(start)).map_err(|cause| read_error(&path, cause))?;
        // The directory may claim more than there is.
        let there = member.packed.min(self.length.saturating_sub(start));
        let length = (member.method == 0).then_some(there);
        let packed = (&mut self.file).take(member.packed);
        let reader: Box<dyn Read + '_> = match member.method {
            0 => Box::new(packed),
            8 => Box::new(DeflateDecoder::new(packed)),
            method => return Err(unsupported(format!("packed by method {method}"))),
        };
        Ok(MemberReader { reader: CrcReader::new(reader), length, member, path })
    }
}

/// Reads one member; [`MemberReader::finish`] compares the checksum.
pub(super) struct MemberReader<'a> {
    pub(super) reader: CrcReader<Box<dyn Read + 'a>>,
    /// The real length of a member that is stored as it is; unknown where it is packed.
    pub(super) length: Option<u64>,
    member: Member,
    path: PathBuf,
}

impl MemberReader<'_> {
    /// Reports a checksum that differs, once the whole member was read.
    pub(super) fn finish(self) -> Result<(), DatasetError> {
        let crc = self.reader.crc();
        let whole = u64::from(crc.amount()) == self.member.size & 0xffff_ffff;
        if whole && crc.sum() != self.member.crc {
            let name = quote(self.member.name.as_bytes());
            let (sum, should) = (crc.sum(), self.member.crc);
            let problem = format!("member `{name}` has checksum {sum:08x} instead of {should:08x}");
            return Err(malformed(&self.path, problem));
        }
        Ok(())
    }
}

/// Reads `size` bytes from `offset`; the sizes were held against the file's length.
fn read_at(
    file: &mut BufReader<File>,
    path: &Path,
    offset: u64,
    size: u64,
) -> Result<Vec<u8>, DatasetError> {
    file.seek(SeekFrom::Start(offset)).map_err(|cause| read_error(path, cause))?;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes).map_err(|cause| read_error(path, cause))?;
    Ok(bytes)
}

/// Offset and size of the central directory.
fn find_directory(
    file: &mut BufReader<File>,
    path: &Path,
    tail: &[u8],
    tail_start: u64,
) -> Option<(u64, u64)> {
    let end = tail.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let size = number::<4>(tail, end + 12)?;
    let offset = number::<4>(tail, end + 16)?;
    number::<2>(tail, end + 20)?; // length of the comment: the last that must be there
    if size != 0xffff_ffff && offset != 0xffff_ffff {
        return Some((offset, size));
    }
    // The 64-bit record is found through a locator just before.
    let locator = read_at(file, path, (tail_start + end as u64).checked_sub(20)?, 20).ok()?;
    let record = number::<8>(locator.strip_prefix(b"PK\x06\x07")?, 4)?;
    let record = read_at(file, path, record, 56).ok()?;
    let record = record.strip_prefix(b"PK\x06\x06")?;
    Some((number::<8>(record, 44)?, number::<8>(record, 36)?))
}

fn parse_directory(mut bytes: &[u8]) -> Option<Vec<Member>> {
    let mut members = Vec::new();
    while !bytes.is_empty() {
        if !bytes.starts_with(b"PK\x01\x02") {
            return None;
        }
        let short = |at| number::<2>(bytes, at);
        let long = |at| number::<4>(bytes, at);
        let (name_size, extra_size) = (short(28)? as usize, short(30)? as usize);
        let comment_size = short(32)? as usize;
        let (name, rest) = bytes.get(46..)?.split_at_checked(name_size)?;
        let (extra, rest) = rest.split_at_checked(extra_size)?;
        let mut member = Member {
            name: String::from_utf8_lossy(name).into_owned(),
            flags: short(8)? as u16,
            method: short(10)? as u16,
            crc: long(16)? as u32,
            packed: long(20)?,
            size: long(24)?,
            offset: long(42)?,
        };
        widen(&mut member, extra);
        members.push(member);
        bytes = rest.get(comment_size..)?;
    }
    Some(members)
}

/// Takes 64-bit sizes from the extra field with id 1, in place of those that are all ones.
fn widen(member: &mut Member, mut extra: &[u8]) {
    while let (Some(id), Some(size)) = (number::<2>(extra, 0), number::<2>(extra, 2)) {
        let end = extra.len().min(4 + size as usize);
        if id == 1 {
            let mut at = 4;
            for value in [&mut member.size, &mut member.packed, &mut member.offset] {
                if *value == 0xffff_ffff
                    && let Some(wide) = number::<8>(&extra[..end], at)
                {
                    *value = wide;
                    at += 8;
                }
            }
        }
        extra = &extra[end..];
    }
}
