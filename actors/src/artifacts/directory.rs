//! A zip's central directory, read with suspicion (PKWARE's APPNOTE.TXT 6.3, sections 4.3.7 to 4.3.16).
//!
//! The `zip` crate makes room for as many entries as an archive claims before it reads one, so that a few
//! forged bytes end the process; and of entries with the same name it shows only the last.

use std::collections::HashSet;
use std::io;

use super::stored::Stored;
use super::zip::ZipError;

const END: &[u8; 4] = b"PK\x05\x06";
const END_64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR_64: &[u8; 4] = b"PK\x06\x07";
const HEADER: &[u8; 4] = b"PK\x01\x02";

const END_LENGTH: usize = 22;
const END_64_LENGTH: usize = 56;
const LOCATOR_64_LENGTH: usize = 20;
const HEADER_LENGTH: usize = 46;

/// An S3 key's longest.
const LONGEST_NAME: usize = 1024;

/// How the end record says "see the 64-bit one".
const ELSEWHERE_16: u16 = u16::MAX;
const ELSEWHERE_32: u32 = u32::MAX;

/// How a file's bytes lie in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// A file in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// A relative path, without `.`, `..` or empty segments.
    pub(super) path: String,
    pub(super) method: Method,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) length: u64,
    /// Where its local header is.
    pub(super) header: u64,
    /// Whether its owner may execute it.
    pub(super) executable: bool,
}

/// The archive's files: all are fit to be unpacked, or there is no list.
pub(super) fn files(archive: &Stored, most: u64) -> Result<(Vec<Listed>, u64), ZipError> {
    let end = find_end(archive)?;
    if end.entries > most {
        return Err(ZipError::TooManyFiles { most });
    }
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    let mut at = end.directory;
    for _ in 0..end.entries {
        let (entry, next) = read_header(archive, at, &end)?;
        at = next;
        let Some(file) = entry else { continue };
        if !seen.insert(file.path.clone()) {
            return Err(ZipError::Twice { path: file.path });
        }
        files.push(file);
    }
    if at != end.directory + end.size {
        return Err(ZipError::Damaged("its directory lists other than it counts"));
    }
    Ok((files, end.directory))
}

struct End {
    entries: u64,
    /// Where the directory begins.
    directory: u64,
    size: u64,
    /// What precedes the archive proper: all its offsets are off by so much.
    shift: u64,
}

fn find_end(archive: &Stored) -> Result<End, ZipError> {
    let length = archive.length();
    let tail_length = length.min((END_LENGTH + usize::from(u16::MAX)) as u64);
    let tail = read(archive, length - tail_length, usize::try_from(tail_length).unwrap_or_default())?;
    let place = (0..tail.len().saturating_sub(END_LENGTH - 1)).rev().find(|&place| {
        let record = tail.get(place..).unwrap_or_default();
        let comment = usize::from(Fields(record).u16(20));
        record.starts_with(END) && record.len() == END_LENGTH + comment
    });
    let place = place.ok_or(ZipError::NotAZip)?;
    let end_at = length - tail_length + place as u64;
    let fields = Fields(tail.get(place..).unwrap_or_default());
    let (disk, entries, size, offset) = (fields.u16(4), fields.u16(10), fields.u32(12), fields.u32(16));
    let does_not_fit = [disk, entries].contains(&ELSEWHERE_16) || [size, offset].contains(&ELSEWHERE_32);
    if does_not_fit && let Some(end) = find_end_64(archive, end_at)? {
        return Ok(end);
    }
    if disk != 0 {
        return Err(ZipError::Damaged("it is one part of several"));
    }
    placed(u64::from(entries), u64::from(size), u64::from(offset), end_at)
}

fn find_end_64(archive: &Stored, end_at: u64) -> Result<Option<End>, ZipError> {
    let Some(locator_at) = end_at.checked_sub(LOCATOR_64_LENGTH as u64) else { return Ok(None) };
    let locator = read(archive, locator_at, LOCATOR_64_LENGTH)?;
    if !locator.starts_with(LOCATOR_64) {
        return Ok(None);
    }
    let at = Fields(&locator).u64(8);
    let record = read(archive, at, END_64_LENGTH)?;
    if !record.starts_with(END_64) || at >= locator_at {
        return Err(ZipError::Damaged("its directory is not where it should be"));
    }
    let fields = Fields(&record);
    placed(fields.u64(32), fields.u64(40), fields.u64(48), at).map(Some)
}

/// The directory ends where the end record begins; what is said of its place may be off by a prefix.
fn placed(entries: u64, size: u64, offset: u64, end_at: u64) -> Result<End, ZipError> {
    let directory = end_at.checked_sub(size);
    let shift = directory.and_then(|directory| directory.checked_sub(offset));
    match (directory, shift) {
        (Some(directory), Some(shift)) => Ok(End { entries, directory, size, shift }),
        _ => Err(ZipError::Damaged("its directory is not where it should be")),
    }
}

/// An entry (`None` for a folder), and where the next one is.
fn read_header(archive: &Stored, at: u64, end: &End) -> Result<(Option<Listed>, u64), ZipError> {
    let header = read(archive, at, HEADER_LENGTH)?;
    if !header.starts_with(HEADER) {
        return Err(ZipError::Damaged("its directory is not a list of files"));
    }
    let fields = Fields(&header);
    let (name_length, extra_length) = (usize::from(fields.u16(28)), usize::from(fields.u16(30)));
    let name_at = at + HEADER_LENGTH as u64;
    let name = read(archive, name_at, name_length.min(LONGEST_NAME + 1))?;
    let name = String::from_utf8(name).map_err(|error| ZipError::NotUtf8 {
        name: String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })?;
    let extra = read(archive, name_at + name_length as u64, extra_length)?;
    let next = name_at + (name_length + extra_length + usize::from(fields.u16(32))) as u64;

    let mut wide = Wide::of(&extra);
    let length = wide.or_else_narrow(fields.u32(24));
    let packed = wide.or_else_narrow(fields.u32(20));
    let header = wide.or_else_narrow(fields.u32(42));
    let (Some(length), Some(packed), Some(header)) = (length, packed, header) else {
        return Err(ZipError::Damaged("the size of one of its files is not there"));
    };
    let is_folder = name.ends_with('/');
    let (system, mode) = (fields.u16(4) >> 8, fields.u32(38) >> 16);
    check_kind(&name, is_folder, system, mode)?;
    let path = safe_path(&name)?;
    if is_folder {
        return Ok((None, next));
    }
    if fields.u16(8) & 1 != 0 {
        return Err(ZipError::Encrypted { name });
    }
    let method = match fields.u16(10) {
        0 => Method::Stored,
        8 => Method::Deflated,
        _ => return Err(ZipError::Method { name }),
    };
    let header =
        header.checked_add(end.shift).ok_or(ZipError::Damaged("a file is not where it should be"))?;
    let executable = matches!(system, UNIX | MACOS) && mode & 0o100 != 0;
    Ok((Some(Listed { path, method, crc: fields.u32(16), packed, length, header, executable }), next))
}

/// Which systems' entries carry file modes.
const UNIX: u16 = 3;
const MACOS: u16 = 19;

/// Made on Unix or macOS, an entry carries its file mode: only plain files and folders pass.
fn check_kind(name: &str, is_folder: bool, system: u16, mode: u32) -> Result<(), ZipError> {
    const KIND: u32 = 0o170_000;
    const LINK: u32 = 0o120_000;
    const FOLDER: u32 = 0o040_000;
    const PLAIN: u32 = 0o100_000;
    if !matches!(system, UNIX | MACOS) {
        return Ok(());
    }
    match mode & KIND {
        0 | PLAIN => Ok(()),
        FOLDER if is_folder => Ok(()),
        LINK => Err(ZipError::Link { name: name.to_owned() }),
        _ => Err(ZipError::Special { name: name.to_owned() }),
    }
}

/// The path under which an entry may be stored, wherever that is.
pub(crate) fn safe_path(name: &str) -> Result<String, ZipError> {
    let owned = || name.to_owned();
    if name.len() > LONGEST_NAME {
        return Err(ZipError::LongName { name: name.chars().take(60).collect() });
    }
    let mut letters = name.chars();
    let drive =
        matches!((letters.next(), letters.next()), (Some(letter), Some(':')) if letter.is_ascii_alphabetic());
    if name.starts_with('/') || drive {
        return Err(ZipError::Absolute { name: owned() });
    }
    if name.contains('\\') {
        return Err(ZipError::Backslash { name: owned() });
    }
    if name.is_empty() || name.contains('\0') {
        return Err(ZipError::BadName { name: owned() });
    }
    let segments: Vec<&str> =
        name.split('/').filter(|segment| !segment.is_empty() && *segment != ".").collect();
    if segments.contains(&"..") {
        return Err(ZipError::ClimbsOut { name: owned() });
    }
    if segments.is_empty() && !name.ends_with('/') {
        return Err(ZipError::BadName { name: owned() });
    }
    Ok(segments.join("/"))
}

fn read(archive: &Stored, at: u64, length: usize) -> Result<Vec<u8>, ZipError> {
    let mut bytes = vec![0; length];
    match archive.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(ZipError::Damaged("it breaks off")),
        Err(error) => Err(ZipError::Disk(error)),
    }
}

/// Little-endian numbers at offsets. What lies outside reads as 0: callers have checked the length.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }
}

/// The 64-bit numbers of an entry's extra field, in their fixed order; only those are there that did not fit.
struct Wide<'a>(&'a [u8]);

impl<'a> Wide<'a> {
    fn of(mut extra: &'a [u8]) -> Self {
        while let Some((head, rest)) = extra.split_at_checked(4) {
            let (id, length) = (Fields(head).u16(0), usize::from(Fields(head).u16(2)));
            let Some((content, rest)) = rest.split_at_checked(length) else { break };
            if id == 1 {
                return Self(content);
            }
            extra = rest;
        }
        Self(&[])
    }

    fn or_else_narrow(&mut self, narrow: u32) -> Option<u64> {
        if narrow != ELSEWHERE_32 {
            return Some(u64::from(narrow));
        }
        let (number, rest) = self.0.split_at_checked(8)?;
        self.0 = rest;
        Some(Fields(number).u64(0))
    }
}
