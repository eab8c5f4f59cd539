//! Makes a zip of files that come one after the other, in a file without a name.
//!
//! Our own and not the `zip` crate's, as reading is (see `directory.rs`): a file that comes again takes the
//! place of the one before, and modes and times are kept.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use time::OffsetDateTime;

use super::stored::{Spool, Stored};

const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const END: u32 = 0x0605_4b50;

/// Made on Unix, by version 4.5 of the format.
const MADE_BY: u16 = (3 << 8) | 45;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
const DEFLATED: u16 = 8;

const PLAIN: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// What is said of a file besides its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Its permissions.
    pub mode: u32,
    /// When it was changed: seconds since 1970.
    pub modified: u64,
    /// Whether its bytes are the target of a symbolic link.
    pub is_link: bool,
}

/// A zip in the making.
#[derive(Debug)]
pub struct Packer {
    file: BufWriter<File>,
    at: u64,
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    attributes: Attributes,
    crc: u32,
    packed: u64,
    length: u64,
    header: u64,
}

impl Packer {
    /// An empty zip.
    pub fn new(spool: &Spool) -> io::Result<Self> {
        let file = BufWriter::with_capacity(128 * 1024, spool.file()?);
        Ok(Self { file, at: 0, entries: BTreeMap::new() })
    }

    /// How many files it holds.
    pub fn files(&self) -> usize {
        self.entries.len()
    }

    /// Adds a file; one that is there already under that path is left out. The path is relative, without `..`.
    pub fn add(&mut self, path: &str, attributes: Attributes, content: &mut dyn Read) -> io::Result<()> {
        if path.is_empty() || path.len() > usize::from(u16::MAX) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the path '{path}' cannot be in a zip"),
            ));
        }
        let header = self.at;
        let mut entry = Entry { attributes, crc: 0, packed: 0, length: 0, header };
        // Every header has room for 64-bit sizes: how much it will be is known afterwards.
        self.write(&local_header(path, &entry))?;
        let begins = self.at;
        let mut crc = Crc::new();
        let mut encoder =
            DeflateEncoder::new(Counting { file: &mut self.file, at: &mut self.at }, Compression::fast());
        let mut piece = vec![0; 64 * 1024];
        loop {
            let read = match content.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let read = piece.get(..read).unwrap_or_default();
            crc.update(read);
            encoder.write_all(read)?;
            entry.length += read.len() as u64;
        }
        encoder.finish()?;
        entry.crc = crc.sum();
        entry.packed = self.at - begins;
        self.file.flush()?;
        self.file.get_ref().write_all_at(&local_header(path, &entry), header)?;
        self.entries.insert(path.to_owned(), entry);
        Ok(())
    }

    /// The zip.
    pub fn finish(mut self) -> io::Result<Stored> {
        let directory = self.at;
        let entries = std::mem::take(&mut self.entries);
        for (path, entry) in &entries {
            self.write(&central_header(path, entry))?;
        }
        let size = self.at - directory;
        self.write(&end(entries.len() as u64, size, directory))?;
        self.file.flush()?;
        let length = self.at;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Stored::File { file: Arc::new(file), length })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}

/// Counts what reaches the file.
struct Counting<'a> {
    file: &'a mut BufWriter<File>,
    at: &'a mut u64,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        *self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Little-endian numbers, one after the other.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u16(mut self, number: u16) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn u32(mut self, number: u32) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn u64(mut self, number: u64) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn text(mut self, text: &str) -> Self {
        self.0.extend(text.as_bytes());
        self
    }
}

/// What a length says that stands in the 64-bit extra field.
const ELSEWHERE: u32 = u32::MAX;

fn name_length(path: &str) -> u16 {
    u16::try_from(path.len()).unwrap_or(u16::MAX)
}

fn local_header(path: &str, entry: &Entry) -> Vec<u8> {
    let (time, date) = dos_time(entry.attributes.modified);
    Bytes::default()
        .u32(LOCAL_HEADER)
        .u16(45)
        .u16(FLAGS)
        .u16(DEFLATED)
        .u16(time)
        .u16(date)
        .u32(entry.crc)
        .u32(ELSEWHERE)
        .u32(ELSEWHERE)
        .u16(name_length(path))
        .u16(20)
        .text(path)
        .u16(1)
        .u16(16)
        .u64(entry.length)
        .u64(entry.packed)
        .0
}

fn central_header(path: &str, entry: &Entry) -> Vec<u8> {
    let (time, date) = dos_time(entry.attributes.modified);
    let kind = if entry.attributes.is_link { LINK } else { PLAIN };
    Bytes::default()
        .u32(CENTRAL_HEADER)
        .u16(MADE_BY)
        .u16(45)
        .u16(FLAGS)
        .u16(DEFLATED)
        .u16(time)
        .u16(date)
        .u32(entry.crc)
        .u32(ELSEWHERE)
        .u32(ELSEWHERE)
        .u16(name_length(path))
        .u16(28)
        .u16(0)
        .u16(0)
        .u16(0)
        .u32((kind | (entry.attributes.mode & 0o7777)) << 16)
        .u32(ELSEWHERE)
        .text(path)
        .u16(1)
        .u16(24)
        .u64(entry.length)
        .u64(entry.packed)
        .u64(entry.header)
        .0
}

fn end(entries: u64, size: u64, directory: u64) -> Vec<u8> {
    let small = |number: u64| u32::try_from(number).unwrap_or(ELSEWHERE);
    let few = u16::try_from(entries).unwrap_or(u16::MAX);
    let mut end = Bytes::default();
    // Readers that look for the directory right before the last record, as ours does, expect the 64-bit ones only
    // where they are needed.
    if few == u16::MAX || small(size) == ELSEWHERE || small(directory) == ELSEWHERE {
        end = end
            .u32(END_64)
            .u64(44)
            .u16(MADE_BY)
            .u16(45)
            .u32(0)
            .u32(0)
            .u64(entries)
            .u64(entries)
            .u64(size)
            .u64(directory)
            .u32(LOCATOR_64)
            .u32(0)
            .u64(directory + size)
            .u32(1);
    }
    end.u32(END).u16(0).u16(0).u16(few).u16(few).u32(small(size)).u32(small(directory)).u16(0).0
}

/// Time and date as DOS had them: in steps of two seconds, from 1980 on.
fn dos_time(seconds: u64) -> (u16, u16) {
    let at =
        i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let Some(at) = at.filter(|at| (1980..2108).contains(&at.year())) else { return (0, (1 << 5) | 1) };
    let time = (u16::from(at.hour()) << 11) | (u16::from(at.minute()) << 5) | (u16::from(at.second()) / 2);
    let year = u16::try_from(at.year() - 1980).unwrap_or_default();
    (time, (year << 9) | (u16::from(u8::from(at.month())) << 5) | u16::from(at.day()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::artifacts::zip::{Limits, unpack};

    const FILE: Attributes = Attributes { mode: 0o644, modified: 1_700_000_000, is_link: false };

    fn spool() -> Spool {
        Spool::new(std::env::temp_dir())
    }

    fn bytes(stored: &Stored) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(stored.length()).unwrap()];
        stored.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    #[test]
    fn others_read_what_was_packed() {
        let mut packer = Packer::new(&spool()).unwrap();
        let large = vec![7_u8; 300_000];
        packer.add("dir/ü.txt", FILE, &mut &b"text"[..]).unwrap();
        packer.add("run", Attributes { mode: 0o755, ..FILE }, &mut &large[..]).unwrap();
        packer.add("empty", FILE, &mut &b""[..]).unwrap();
        packer.add("link", Attributes { mode: 0o777, is_link: true, ..FILE }, &mut &b"run"[..]).unwrap();
        assert_eq!(packer.files(), 4);
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes(&packer.finish().unwrap()))).unwrap();
        let mut read = |name: &str| {
            let mut file = archive.by_name(name).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (content, file.unix_mode().unwrap())
        };
        assert_eq!(read("dir/ü.txt"), (b"text".to_vec(), 0o100_644));
        assert_eq!(read("run"), (large.clone(), 0o100_755));
        assert_eq!(read("empty").0, b"");
        assert_eq!(read("link"), (b"run".to_vec(), 0o120_777));
    }

    #[tokio::test]
    async fn we_read_what_was_packed_also_when_it_is_more_than_16_bits_count() {
        for count in [0, 3, 70_000] {
            let mut packer = Packer::new(&spool()).unwrap();
            for number in 0..count {
                packer.add(&number.to_string(), FILE, &mut &b"text"[..]).unwrap();
            }
            let mut files = unpack(packer.finish().unwrap(), Limits::default(), spool());
            let mut read = 0;
            while let Some(file) = files.recv().await {
                assert_eq!(file.unwrap().content.length(), 4);
                read += 1;
            }
            assert_eq!(read, count);
        }
    }

    #[test]
    fn a_file_that_comes_again_takes_the_place_of_the_first() {
        let mut packer = Packer::new(&spool()).unwrap();
        packer.add("a", FILE, &mut &b"first"[..]).unwrap();
        packer.add("a", FILE, &mut &b"second"[..]).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes(&packer.finish().unwrap()))).unwrap();
        assert_eq!(archive.len(), 1);
        let mut content = String::new();
        archive.by_index(0).unwrap().read_to_string(&mut content).unwrap();
        assert_eq!(content, "second");
    }

    #[test]
    fn paths_that_fit_in_no_zip_are_errors() {
        let mut packer = Packer::new(&spool()).unwrap();
        assert!(packer.add("", FILE, &mut &b""[..]).is_err());
        assert!(packer.add(&"x".repeat(70_000), FILE, &mut &b""[..]).is_err());
    }

    #[test]
    fn times_before_and_after_dos_are_its_first() {
        assert_eq!(dos_time(0), (0, 33));
        assert_eq!(dos_time(u64::MAX), (0, 33));
        assert_eq!(dos_time(1_700_000_000), ((22 << 11) | (13 << 5) | 10, (43 << 9) | (11 << 5) | 14));
    }
}
