//! Records on disk: sled, and the discipline without which it loses writes.
//!
//! Measured with 0.34.7 against power cuts simulated from recorded file operations, and against SIGKILL:
//!
//! - Several trees or transactions cost two thirds of the throughput, so there is **one tree** with key
//!   prefixes, and one committer that merges all waiting batches into **one** sled batch.
//! - What is applied but not flushed is lost by a SIGKILL (16 rounds of 20), and readers see it before:
//!   nothing is acknowledged, and no read answered, before [`Disk::make_durable`] returned.
//! - sled's flush is `sync_file_range`, which leaves data in the drive's cache and metadata in memory: a
//!   power cut loses or corrupts. So **flush, then fdatasync of its file**.
//! - Even so some images did not open again where a restart had followed a kill, because recovery builds
//!   on what the dead process had written but not synced. So **everything in the folder, and the folder
//!   itself, is fsynced before and after opening**.
//! - What is larger than a quarter of a segment (a page: up to sixteen records) goes into a file of its
//!   own that sled never syncs. So segments are larger than sled's half MiB, to make that rare, and such
//!   files are synced here before the pointers to them.
//! - Its cache is 1 GiB unless told otherwise, and its flush timer would sync at odd times.
//!
//! 1.0's alphas are safe by themselves and forty times slower with one writer; redb and fjall need a
//! third of the speed or five times the disk. Look again when sled 1.0 is out.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::batch::Write;
use crate::data_dir::DataDir;
use crate::error::{OpenError, StoreError};
use crate::keys;
use crate::records::{Direction, Entries, Entry};

/// Pages below a quarter of this lie in sled's one file.
const SEGMENT_BYTES: usize = 2 << 20;

/// How long sled may take to let go of its file.
const PATIENCE: Duration = Duration::from_secs(10);

/// What every record database holds: a record of version 1 like any other.
const HERE: &[u8] = b"\x01true";

/// The record database of a data folder.
pub(crate) struct Disk {
    tree: sled::Db,
    /// sled's file, opened once more: a sync concerns the file, not the handle.
    file: File,
    /// sled's folder of files for large pages.
    large: PathBuf,
    synced_large: Mutex<HashSet<OsString>>,
    /// Dropped last: the folder is ours until sled has closed.
    _data_dir: Arc<DataDir>,
}

impl Disk {
    pub(crate) fn open(data_dir: Arc<DataDir>, cache_bytes: u64) -> Result<Self, OpenError> {
        let folder = &data_dir.records();
        let not_writable = |source| OpenError::NotWritable { folder: folder.clone(), source };
        let damaged =
            |error: sled::Error| OpenError::Damaged { folder: folder.clone(), reason: error.to_string() };
        fs::create_dir_all(folder).map_err(not_writable)?;
        sync_all(folder).map_err(not_writable)?;
        wait_until_closed(folder);
        let config = sled::Config::new()
            .path(folder)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(cache_bytes)
            .flush_every_ms(None);
        // Of some damage sled reports nothing but panics.
        let tree = catch_unwind(AssertUnwindSafe(|| config.open()))
            .map_err(|_| OpenError::Damaged {
                folder: folder.clone(),
                reason: "the database gave up on them".to_owned(),
            })?
            .map_err(damaged)?;
        // sled opens a database that is gone, or lost its beginning, as an empty one.
        let here = keys::format();
        if data_dir.is_new() {
            tree.insert(here.as_bytes(), HERE).map_err(damaged)?;
        } else if !tree.contains_key(here.as_bytes()).map_err(damaged)? {
            let reason = "what was in them is gone".to_owned();
            return Err(OpenError::Damaged { folder: folder.clone(), reason });
        }
        tree.flush().map_err(damaged)?;
        sync_all(folder).map_err(not_writable)?;
        data_dir.finish().map_err(not_writable)?;
        let file = File::open(folder.join("db")).map_err(not_writable)?;
        let large = folder.join("blobs");
        Ok(Self { tree, file, large, synced_large: Mutex::default(), _data_dir: data_dir })
    }

    pub(crate) fn apply(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(key.into_bytes(), value),
                None => batch.remove(key.into_bytes()),
            }
        }
        self.tree.apply_batch(batch).map_err(database)
    }

    /// Returns when everything applied before is on disk and stays there.
    pub(crate) fn make_durable(&self) -> Result<(), StoreError> {
        self.tree.flush().map_err(database)?;
        self.sync_large_pages().map_err(StoreError::io("syncing the record database's large pages"))?;
        self.file.sync_data().map_err(StoreError::io("syncing the record database"))
    }

    fn sync_large_pages(&self) -> io::Result<()> {
        let mut synced = self.synced_large.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = HashSet::new();
        let mut any_new = false;
        for entry in fs::read_dir(&self.large)? {
            let name = entry?.file_name();
            if !synced.contains(&name) {
                // sled removes files of pages that it has written anew, at any time.
                match File::open(self.large.join(&name)).and_then(|file| file.sync_all()) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    done => done?,
                }
                any_new = true;
            }
            present.insert(name);
        }
        if any_new {
            File::open(&self.large)?.sync_all()?;
        }
        *synced = present;
        Ok(())
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tree.get(key).map_err(database)?.map(|value| value.to_vec()))
    }

    pub(crate) fn range(
        &self,
        bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>),
        direction: Direction,
    ) -> Entries<'_> {
        let entries = self.tree.range(bounds);
        match direction {
            Direction::Forward => Box::new(entries.map(entry)),
            Direction::Backward => Box::new(entries.rev().map(entry)),
        }
    }
}

fn entry<'a>(found: sled::Result<(sled::IVec, sled::IVec)>) -> Result<Entry<'a>, StoreError> {
    let (key, value) = found.map_err(database)?;
    Ok((key.to_vec(), Cow::Owned(value.to_vec())))
}

fn database(error: sled::Error) -> StoreError {
    StoreError::Database(error.to_string())
}

/// Threads of sled's keep its file locked for a moment after it was closed in this process. It is nobody else's: the
/// folder is ours by now.
fn wait_until_closed(folder: &Path) {
    let Ok(file) = File::open(folder.join("db")) else { return };
    let begun = Instant::now();
    while matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
    }
}

/// fsyncs every file and folder below, then the folder itself.
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}
