//! Unpacks a zip that somebody else made, trusting nothing that it says.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::directory::{self, Fields, Listed, Method};
use super::stored::{IN_MEMORY, Spool, Stored};

const LOCAL_HEADER: &[u8; 4] = b"PK\x03\x04";
const LOCAL_HEADER_LENGTH: usize = 30;

/// What an archive may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files and folders (AWS's limit for S3 deploy is 100,000).
    pub entries: u64,
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Bytes unpacked for each byte of the archive. Program text packs about 1 to 5, logs 1 to 20.
    pub ratio: u64,
    /// Up to so many bytes, any ratio is harmless.
    pub harmless: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 100_000, bytes: 20 << 30, ratio: 200, harmless: 64 << 20 }
    }
}

impl Limits {
    /// How much an archive of that length may unpack to.
    fn of(&self, archive: u64) -> u64 {
        archive.saturating_mul(self.ratio).max(self.harmless).min(self.bytes)
    }
}

/// A file of an archive.
#[derive(Clone, Debug)]
pub struct Unpacked {
    /// A relative path with `/`, without `.`, `..` or empty segments.
    pub path: String,
    /// Its content.
    pub content: Stored,
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// Why an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says it in its text")]
pub enum ZipError {
    #[error("it is not a zip file")]
    NotAZip,
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    #[error("it holds more than {most} files, the most that can be deployed at once")]
    TooManyFiles { most: u64 },
    #[error("it unpacks to more than {most} bytes, far more than its own size explains")]
    TooLarge { most: u64 },
    #[error("its entry '{name}' would be stored outside the target: leave '..' out of its path")]
    ClimbsOut { name: String },
    #[error("its entry '{name}' has an absolute path: use a relative one")]
    Absolute { name: String },
    #[error("its entry '{name}' has a backslash in its path: separate folders with '/'")]
    Backslash { name: String },
    #[error("its entry '{name}' has a name that no file can have")]
    BadName { name: String },
    #[error("its entry '{name}…' has a name of more than 1024 bytes, the most that an S3 key can have")]
    LongName { name: String },
    #[error("its entry '{name}' has a name that is not UTF-8: zip it with UTF-8 names")]
    NotUtf8 { name: String },
    #[error("its entry '{path}' is there twice")]
    Twice { path: String },
    #[error("its entry '{name}' is a symbolic link: zip the file that it points to")]
    Link { name: String },
    #[error("its entry '{name}' is neither a file nor a folder")]
    Special { name: String },
    #[error("its entry '{name}' is encrypted: zip it without a password")]
    Encrypted { name: String },
    #[error("its entry '{name}' is compressed by another method than deflate")]
    Method { name: String },
    #[error("its entry '{path}' is damaged: {why}")]
    DamagedFile { path: String, why: &'static str },
    #[error("the daemon cannot unpack it: {0}")]
    Disk(io::Error),
}

/// Unpacks an archive beside the caller, who receives one file after the other. Nothing is sent unless every
/// name in the archive is a safe one. Unpacking ends soon after the receiver is dropped.
pub fn unpack(archive: Stored, limits: Limits, spool: Spool) -> mpsc::Receiver<Result<Unpacked, ZipError>> {
    let (sender, receiver) = mpsc::channel(2);
    spawn_blocking(move || {
        if let Err(error) = unpack_all(&archive, &limits, &spool, &sender) {
            // Without a receiver nobody wants to know.
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}

type Sender = mpsc::Sender<Result<Unpacked, ZipError>>;

fn unpack_all(archive: &Stored, limits: &Limits, spool: &Spool, sender: &Sender) -> Result<(), ZipError> {
    let (files, directory) = directory::files(archive, limits.entries)?;
    let most = limits.of(archive.length());
    if files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.length)) > most {
        return Err(ZipError::TooLarge { most });
    }
    let mut left = most;
    for file in files {
        let mut target = Target { spool, kept: Vec::new(), file: None, length: 0 };
        unpack_one(archive, &file, directory, &mut left, &mut target, sender).map_err(
            |error| match error {
                Trouble::Zip(error) => error,
                Trouble::Disk(error) => ZipError::Disk(error),
                Trouble::File(why) => ZipError::DamagedFile { path: file.path.clone(), why },
                Trouble::TooLarge => ZipError::TooLarge { most },
            },
        )?;
        let content = target.finish().map_err(ZipError::Disk)?;
        if sender
            .blocking_send(Ok(Unpacked { path: file.path, content, executable: file.executable }))
            .is_err()
        {
            return Ok(());
        }
    }
    Ok(())
}

enum Trouble {
    Zip(ZipError),
    Disk(io::Error),
    File(&'static str),
    TooLarge,
}

/// Unpacks one file; what the archive says of its length is not believed, only compared.
fn unpack_one(
    archive: &Stored,
    file: &Listed,
    directory: u64,
    left: &mut u64,
    target: &mut Target<'_>,
    sender: &Sender,
) -> Result<(), Trouble> {
    let packed = BufReader::with_capacity(64 * 1024, section(archive, file, directory)?);
    let mut bytes: Box<dyn BufRead + '_> = match file.method {
        Method::Stored => Box::new(packed),
        Method::Deflated => Box::new(BufReader::with_capacity(64 * 1024, DeflateDecoder::new(packed))),
    };
    let mut crc = Crc::new();
    loop {
        // The archive was all there before: what fails to be read now is its content.
        let piece = bytes.fill_buf().map_err(|_| Trouble::File("it cannot be decompressed"))?;
        let read = piece.len();
        if read == 0 {
            break;
        }
        if sender.is_closed() {
            return Ok(());
        }
        *left = left.checked_sub(read as u64).ok_or(Trouble::TooLarge)?;
        if target.length + read as u64 > file.length {
            return Err(Trouble::File("it is longer than the archive says"));
        }
        crc.update(piece);
        target.write(piece).map_err(Trouble::Disk)?;
        bytes.consume(read);
    }
    if target.length != file.length {
        return Err(Trouble::File("it is shorter than the archive says"));
    }
    if crc.sum() != file.crc {
        return Err(Trouble::File("its checksum is wrong"));
    }
    Ok(())
}

/// The packed bytes of a file, which lie before the directory.
fn section<'a>(archive: &'a Stored, file: &Listed, directory: u64) -> Result<Section<'a>, Trouble> {
    let mut header = [0; LOCAL_HEADER_LENGTH];
    archive.read_exact_at(&mut header, file.header).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Trouble::Zip(ZipError::Damaged("it breaks off")),
        _ => Trouble::Disk(error),
    })?;
    if !header.starts_with(LOCAL_HEADER) {
        return Err(Trouble::File("it is not where it should be"));
    }
    let fields = Fields(&header);
    let names = u64::from(fields.u16(26)) + u64::from(fields.u16(28));
    let at = file.header.saturating_add(LOCAL_HEADER_LENGTH as u64 + names);
    if at.saturating_add(file.packed) > directory {
        return Err(Trouble::File("it is not where it should be"));
    }
    Ok(Section { archive, at, left: file.packed })
}

struct Section<'a> {
    archive: &'a Stored,
    at: u64,
    left: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let Some(into) = into.get_mut(..wanted) else { return Ok(0) };
        self.archive.read_exact_at(into, self.at)?;
        self.at += wanted as u64;
        self.left -= wanted as u64;
        Ok(wanted)
    }
}

/// Takes a file's bytes, into memory until they are too many.
struct Target<'a> {
    spool: &'a Spool,
    kept: Vec<u8>,
    file: Option<std::fs::File>,
    length: u64,
}

impl Target<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.length += piece.len() as u64;
        if let Some(file) = &mut self.file {
            return file.write_all(piece);
        }
        self.kept.extend_from_slice(piece);
        if self.kept.len() > IN_MEMORY {
            let mut file = self.spool.file()?;
            file.write_all(&std::mem::take(&mut self.kept))?;
            self.file = Some(file);
        }
        Ok(())
    }

    fn finish(self) -> io::Result<Stored> {
        Ok(match self.file {
            Some(file) => Stored::File { file: Arc::new(file), length: self.length },
            None => Stored::Memory(Bytes::from(self.kept)),
        })
    }
}

#[cfg(test)]
mod tests;
