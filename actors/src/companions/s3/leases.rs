//! Blobs that are being read outlive their object.
//!
//! A reader takes its lease inside the consistent look in which it saw the record. Whoever replaces the
//! record asks here only after that is durable, and so sees every reader of the old one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use penstock_storage::{BlobId, Store};

use super::loose;

#[derive(Debug, Default)]
struct Reading {
    readers: usize,
    doomed: bool,
}

/// Who reads which blob.
pub(super) struct Leases {
    store: Store,
    reading: Mutex<HashMap<BlobId, Reading>>,
}

impl Leases {
    pub(super) fn new(store: Store) -> Arc<Self> {
        Arc::new(Self { store, reading: Mutex::default() })
    }

    /// Keeps these blobs until the lease is dropped.
    pub(super) fn take(self: &Arc<Self>, blobs: Vec<BlobId>) -> Lease {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        for blob in &blobs {
            reading.entry(*blob).or_default().readers += 1;
        }
        drop(reading);
        Lease { leases: Arc::clone(self), blobs }
    }

    /// Deletes the blobs that no record names any more, each as soon as nobody reads it.
    pub(super) async fn discard(&self, blobs: Vec<BlobId>) {
        for blob in blobs {
            if !self.postponed(&blob) {
                loose::remove(&self.store, &blob).await;
            }
        }
    }

    fn postponed(&self, blob: &BlobId) -> bool {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        reading.get_mut(blob).map(|entry| entry.doomed = true).is_some()
    }

    fn release(&self, blobs: &[BlobId]) -> Vec<BlobId> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = Vec::new();
        for blob in blobs {
            let Some(entry) = reading.get_mut(blob) else { continue };
            entry.readers = entry.readers.saturating_sub(1);
            if entry.readers == 0 {
                if entry.doomed {
                    free.push(*blob);
                }
                reading.remove(blob);
            }
        }
        free
    }
}

/// Holds blobs for a reader.
pub(super) struct Lease {
    leases: Arc<Leases>,
    blobs: Vec<BlobId>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let free = self.leases.release(&self.blobs);
        // Outside a runtime the process is ending: the next start removes them.
        if let (false, Ok(runtime)) = (free.is_empty(), tokio::runtime::Handle::try_current()) {
            let leases = Arc::clone(&self.leases);
            runtime.spawn(async move { leases.discard(free).await });
        }
    }
}
