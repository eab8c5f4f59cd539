//! Blobs: bytes in files, for what is too large for a record.
//!
//! ```text
//! blobs/tmp/<id>           being written; removed when its writer goes, and at every start
//! blobs/<2 digits>/<id>    whole and synced
//! ```
//!
//! A blob is written aside, synced, renamed, and its folder synced, before anybody uses it; so a record
//! never points to a blob that a crash took. Whoever writes and deletes blobs keeps, in records, what a
//! crash may leave without a record that points to it.

mod reader;
mod writer;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::reader::BlobReader;
pub use self::writer::BlobWriter;
use crate::data_dir::DataDir;
use crate::error::StoreError;

/// A blob's name: random, made when it is written, never taken from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobId(Uuid);

impl BlobId {
    fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl std::fmt::Display for BlobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.as_simple())
    }
}

/// The blobs of a store. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    home: Home,
}

#[derive(Clone)]
enum Home {
    Memory(Arc<Mutex<HashMap<BlobId, Bytes>>>),
    Disk(Folders),
}

/// Where the files are.
#[derive(Clone)]
struct Folders {
    blobs: PathBuf,
    tmp: PathBuf,
    /// The folder stays locked while anybody can still write to it.
    _data_dir: Arc<DataDir>,
}

impl Blobs {
    pub(crate) fn in_memory() -> Self {
        Self { home: Home::Memory(Arc::default()) }
    }

    /// Makes the folders if need be, and removes what writers of an earlier process left.
    pub(crate) fn on_disk(data_dir: Arc<DataDir>) -> io::Result<Self> {
        let blobs = data_dir.blobs();
        let tmp = blobs.join("tmp");
        fs::create_dir_all(&tmp)?;
        for entry in fs::read_dir(&tmp)? {
            fs::remove_file(entry?.path())?;
        }
        File::open(&blobs)?.sync_all()?;
        File::open(data_dir.folder())?.sync_all()?;
        Ok(Self { home: Home::Disk(Folders { blobs, tmp, _data_dir: data_dir }) })
    }

    /// Begins a blob.
    pub async fn create(&self) -> Result<BlobWriter, StoreError> {
        let id = BlobId::random();
        match &self.home {
            Home::Memory(_) => Ok(BlobWriter::in_memory(self.clone(), id)),
            Home::Disk(folders) => {
                let path = folders.tmp.join(id.to_string());
                let what = format!("making {}", path.display());
                let (file, path) = blocking(what, move || {
                    // Made within the task: whoever no longer waits for it still cleans up.
                    let path = writer::Unfinished(path);
                    let file = File::options().write(true).create_new(true).open(&path.0)?;
                    Ok((file, path))
                })
                .await?;
                Ok(BlobWriter::on_disk(self.clone(), id, file, path))
            }
        }
    }

    /// Opens a blob. What is open stays readable, whatever happens to the blob.
    pub async fn open(&self, id: &BlobId) -> Result<BlobReader, StoreError> {
        match &self.home {
            Home::Memory(blobs) => {
                let found = lock(blobs).get(id).cloned();
                found.map(BlobReader::in_memory).ok_or(StoreError::NoBlob(*id))
            }
            Home::Disk(folders) => {
                let path = folders.place(*id);
                let what = format!("opening {}", path.display());
                let opened = blocking(what, move || {
                    let file = File::open(path)?;
                    let len = file.metadata()?.len();
                    Ok((file, len))
                })
                .await;
                match opened {
                    Ok((file, len)) => Ok(BlobReader::on_disk(file, len)),
                    Err(error) if is_not_found(&error) => Err(StoreError::NoBlob(*id)),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Removes a blob for good, if there is one. First remove, durably, the record that points to it.
    pub async fn delete(&self, id: &BlobId) -> Result<(), StoreError> {
        match &self.home {
            Home::Memory(blobs) => {
                lock(blobs).remove(id);
                Ok(())
            }
            Home::Disk(folders) => {
                let path = folders.place(*id);
                let what = format!("removing {}", path.display());
                let removed = blocking(what, move || {
                    fs::remove_file(&path)?;
                    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
                });
                match removed.await {
                    Err(error) if !is_not_found(&error) => Err(error),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Removes the blobs that nobody points to, and says how many there were. For who alone uses the blobs: one
    /// that is finished meanwhile may go, too.
    pub async fn sweep(
        &self,
        is_referenced: impl Fn(&BlobId) -> bool + Send + 'static,
    ) -> Result<u64, StoreError> {
        let Home::Disk(folders) = &self.home else { return Ok(0) };
        let folders = folders.clone();
        let what = format!("sweeping {}", folders.blobs.display());
        blocking(what, move || {
            let mut removed = 0;
            for (id, path) in folders.list()? {
                if !is_referenced(&id) {
                    fs::remove_file(path)?;
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
    }
}

impl Folders {
    fn place(&self, id: BlobId) -> PathBuf {
        let name = id.to_string();
        let (first_two, _) = name.split_at(2);
        self.blobs.join(first_two).join(name)
    }

    /// Gives a whole and synced file its place. The folders are synced, too.
    fn adopt(&self, id: BlobId, unfinished: &Path) -> io::Result<()> {
        let place = self.place(id);
        let folder = place.parent().unwrap_or(&self.blobs);
        match fs::create_dir(folder) {
            Ok(()) => File::open(&self.blobs)?.sync_all()?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        fs::rename(unfinished, &place)?;
        File::open(folder)?.sync_all()
    }

    fn list(&self) -> io::Result<Vec<(BlobId, PathBuf)>> {
        let mut found = Vec::new();
        for folder in fs::read_dir(&self.blobs)? {
            let folder = folder?.path();
            if folder == self.tmp || !folder.is_dir() {
                continue;
            }
            for blob in fs::read_dir(folder)? {
                let blob = blob?;
                // What does not bear a blob's name is not ours to remove.
                if let Some(id) = blob.file_name().to_str().and_then(|name| Uuid::try_parse(name).ok()) {
                    found.push((BlobId(id), blob.path()));
                }
            }
        }
        Ok(found)
    }
}

/// Runs file work where it holds up nobody.
async fn blocking<T: Send + 'static>(
    what: String,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other).flatten().map_err(StoreError::io(what))
}

fn is_not_found(error: &StoreError) -> bool {
    matches!(error, StoreError::Io { source, .. } if source.kind() == ErrorKind::NotFound)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
