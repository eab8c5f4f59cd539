//! Writing a blob, flat in memory whatever its size.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};

use super::{BlobId, Blobs, Home, blocking, lock};
use crate::error::StoreError;

/// What is gathered before it goes to the disk: a turn of the blocking pool per small chunk would cost
/// more than the write.
const GATHERED: usize = 512 * 1024;

/// A blob being written. Dropped before [`finish`](Self::finish), it leaves nothing behind.
pub struct BlobWriter {
    blobs: Blobs,
    id: BlobId,
    target: Target,
    len: u64,
}

enum Target {
    Memory(BytesMut),
    /// `None` while a write is under way: if nobody waits for that one any more, what the file holds is
    /// unknown.
    Disk(Option<Box<DiskTarget>>),
}

struct DiskTarget {
    file: File,
    path: Unfinished,
    gathered: Vec<Bytes>,
    gathered_len: usize,
}

/// A file that goes when this goes, unless it has been moved away by then.
pub(super) struct Unfinished(pub(super) PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Not there any more when finished; and what cannot be removed, the next start removes.
        let _ = fs::remove_file(&self.0);
    }
}

impl BlobWriter {
    pub(super) fn in_memory(blobs: Blobs, id: BlobId) -> Self {
        Self { blobs, id, target: Target::Memory(BytesMut::new()), len: 0 }
    }

    pub(super) fn on_disk(blobs: Blobs, id: BlobId, file: File, path: Unfinished) -> Self {
        let target = DiskTarget { file, path, gathered: Vec::new(), gathered_len: 0 };
        Self { blobs, id, target: Target::Disk(Some(Box::new(target))), len: 0 }
    }

    /// Appends a chunk. If the returned future is dropped before its end, the blob can no longer be
    /// finished.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError> {
        self.len += chunk.len() as u64;
        match &mut self.target {
            Target::Memory(bytes) => {
                bytes.extend_from_slice(&chunk);
                Ok(())
            }
            Target::Disk(slot) => {
                let mut disk = slot.take().ok_or(StoreError::Interrupted)?;
                disk.gathered_len += chunk.len();
                disk.gathered.push(chunk);
                if disk.gathered_len >= GATHERED {
                    let what = format!("writing {}", disk.path.0.display());
                    disk = blocking(what, move || {
                        disk.write_gathered()?;
                        Ok(disk)
                    })
                    .await?;
                }
                *slot = Some(disk);
                Ok(())
            }
        }
    }

    /// The id that the blob will have.
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// Makes durable what was written so far, so that [`finish`](Self::finish) is short. If the returned future is
    /// dropped before its end, the blob can no longer be finished.
    pub async fn sync(&mut self) -> Result<(), StoreError> {
        let Target::Disk(slot) = &mut self.target else { return Ok(()) };
        let mut disk = slot.take().ok_or(StoreError::Interrupted)?;
        let what = format!("writing {}", disk.path.0.display());
        let disk = blocking(what, move || {
            disk.write_gathered()?;
            disk.file.sync_all()?;
            Ok(disk)
        });
        *slot = Some(disk.await?);
        Ok(())
    }

    /// Bytes written so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was written so far.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes the blob whole and durable, and says its id.
    pub async fn finish(self) -> Result<BlobId, StoreError> {
        let id = self.id;
        match (self.target, &self.blobs.home) {
            (Target::Memory(bytes), Home::Memory(blobs)) => {
                lock(blobs).insert(id, bytes.freeze());
            }
            (Target::Disk(Some(mut disk)), Home::Disk(folders)) => {
                let folders = folders.clone();
                let what = format!("finishing {}", disk.path.0.display());
                blocking(what, move || {
                    disk.write_gathered()?;
                    disk.file.sync_all()?;
                    folders.adopt(id, &disk.path.0)
                })
                .await?;
            }
            _ => return Err(StoreError::Interrupted),
        }
        Ok(id)
    }
}

impl DiskTarget {
    fn write_gathered(&mut self) -> io::Result<()> {
        for chunk in self.gathered.drain(..) {
            self.file.write_all(&chunk)?;
        }
        self.gathered_len = 0;
        Ok(())
    }
}
