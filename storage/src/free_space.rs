//! How much the disk still takes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::data_dir::DataDir;
use crate::error::{NoSpace, StoreError};

/// Every call that grows data asks; the system is asked that often at most.
const VALID_FOR: Duration = Duration::from_secs(1);

/// Watches the disk that the data folder lies on.
pub(crate) struct FreeSpace {
    data_dir: Arc<DataDir>,
    reserve: u64,
    last: Mutex<Option<(Instant, u64)>>,
}

impl FreeSpace {
    pub(crate) fn new(data_dir: Arc<DataDir>, reserve: u64) -> Self {
        Self { data_dir, reserve, last: Mutex::default() }
    }

    /// Bytes that may still be written, at most a second old.
    pub(crate) fn bytes(&self) -> Result<u64, StoreError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((when, free)) = *last
            && when.elapsed() < VALID_FOR
        {
            return Ok(free);
        }
        let folder = self.data_dir.folder();
        let found = rustix::fs::statvfs(folder).map_err(|errno| {
            StoreError::io(format!("asking for the free space of {}", folder.display()))(errno.into())
        })?;
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        *last = Some((Instant::now(), free));
        Ok(free)
    }

    pub(crate) fn check(&self) -> Result<(), NoSpace> {
        match self.bytes() {
            Ok(free) if free < self.reserve => {
                let folder = self.data_dir.folder().to_owned();
                Err(NoSpace { folder, free, reserve: self.reserve })
            }
            Ok(_) => Ok(()),
            Err(error) => {
                // Not knowing is no reason to refuse: a write that fails is caught where it fails.
                tracing::debug!(%error, "free space unknown");
                Ok(())
            }
        }
    }
}
