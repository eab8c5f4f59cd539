//! GitHub's archive of a commit as AWS hands it on: a zip without the outermost folder.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::bufread::GzDecoder;
use penstock_engine::time::Timestamp;
use tar::EntryType;
use tokio::task::spawn_blocking;

use crate::artifacts::directory::safe_path;
use crate::artifacts::packing::{Attributes, Packer};
use crate::artifacts::stored::{Spool, Stored};

/// What an archive may unpack to: more than twenty times what AWS admits of a git source.
const MOST_BYTES: u64 = 20 << 30;

/// Why an archive is not handed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RepackError {
    /// It is none.
    #[error("the archive that GitHub sent cannot be read: {0}")]
    Archive(io::Error),
    /// A path in it that no file may have.
    #[error("the commit holds the path '{0}', which no artifact can hold")]
    BadPath(String),
    /// Our own disk.
    #[error("the daemon cannot store it for the time being: {0}")]
    Disk(io::Error),
}

/// Packs on a thread of its own, which stops soon after the caller does.
pub(crate) async fn repack(archive: File, modified: Timestamp, spool: Spool) -> Result<Stored, RepackError> {
    let stop = StopOnDrop(Arc::default());
    let stopped = Arc::clone(&stop.0);
    let packed = spawn_blocking(move || repack_all(archive, modified, &spool, &stopped)).await;
    packed.map_err(|error| RepackError::Disk(io::Error::other(error)))?
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn repack_all(
    archive: File,
    modified: Timestamp,
    spool: &Spool,
    stopped: &AtomicBool,
) -> Result<Stored, RepackError> {
    let unpacked = GzDecoder::new(BufReader::with_capacity(128 * 1024, archive)).take(MOST_BYTES);
    let mut archive = tar::Archive::new(Watched { from: unpacked, stopped });
    let mut packer = Packer::new(spool).map_err(RepackError::Disk)?;
    let mut any = false;
    for entry in archive.entries().map_err(RepackError::Archive)? {
        let mut entry = entry.map_err(RepackError::Archive)?;
        let kind = entry.header().entry_type();
        any |= kind == EntryType::Directory;
        if !matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::Symlink) {
            continue;
        }
        let name = entry.path_bytes().into_owned();
        let bad = || RepackError::BadPath(String::from_utf8_lossy(&name).into_owned());
        let name = std::str::from_utf8(&name).map_err(|_| bad())?;
        let (_, path) = name.split_once('/').ok_or_else(bad)?;
        if !safe_path(path).is_ok_and(|safe| safe == path) {
            return Err(bad());
        }
        let mode = entry.header().mode().map_err(RepackError::Archive)?;
        let is_link = kind == EntryType::Symlink;
        let mode = if is_link || mode & 0o100 == 0 { 0o644 } else { 0o755 };
        let attributes = Attributes { mode, modified: modified.0 / 1000, is_link: false };
        if is_link {
            // As of a git repository at hand: see `git/pack.rs`.
            let target = entry.link_name_bytes().unwrap_or_default().into_owned();
            packer.add(path, attributes, &mut target.as_slice()).map_err(RepackError::Disk)?;
        } else {
            packer.add(path, attributes, &mut entry).map_err(RepackError::Archive)?;
        }
    }
    if any || packer.files() > 0 { packer.finish().map_err(RepackError::Disk) } else { Err(nothing()) }
}

fn nothing() -> RepackError {
    RepackError::Archive(io::Error::new(io::ErrorKind::UnexpectedEof, "it is empty"))
}

struct Watched<'a, R> {
    from: R,
    stopped: &'a AtomicBool,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        self.from.read(into)
    }
}
