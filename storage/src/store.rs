//! The store as the other crates see it.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::batch::Batch;
use crate::blobs::Blobs;
use crate::committer::{Committer, Fatal};
use crate::data_dir::DataDir;
use crate::disk::Disk;
use crate::error::{NoSpace, OpenError, StoreError};
use crate::free_space::FreeSpace;
use crate::records::Records;
use crate::ticket::Ticket;
use crate::view::View;

/// How a data folder is opened. The defaults are right for a daemon.
#[derive(Clone)]
pub struct OpenOptions {
    reserve: u64,
    cache: u64,
    fatal: Fatal,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { reserve: 64 << 20, cache: 4 << 20, fatal: Arc::new(end_process) }
    }
}

impl OpenOptions {
    /// Bytes of the disk that stay free: below, [`Store::accepts_data`] says no. 64 MiB by default.
    #[must_use]
    pub fn reserve_bytes(mut self, reserve: u64) -> Self {
        self.reserve = reserve;
        self
    }

    /// Bytes of records that the database may keep in memory. 4 MiB by default.
    #[must_use]
    pub fn cache_bytes(mut self, cache: u64) -> Self {
        self.cache = cache;
        self
    }

    /// What to do, with a sentence for the log, when a write failed. The default logs it and ends the
    /// process with status 1; whoever replaces it must end the process, too, or never use the store again.
    #[must_use]
    pub fn fatal(mut self, fatal: impl Fn(String) + Send + Sync + 'static) -> Self {
        self.fatal = Arc::new(fatal);
        self
    }
}

fn end_process(sentence: String) {
    tracing::error!("{sentence}");
    std::process::exit(1);
}

/// Durable records and blobs. Cheap to clone; the last clone closes the folder when it goes, after all
/// that is queued is committed.
///
/// What this promises:
///
/// - A batch is written wholly or not at all.
/// - Batches become durable in the order in which they were queued: whatever happens to the machine, the
///   store then holds a prefix of the queue.
/// - A [`Ticket`] resolves only when its batch is durable, and a read answers only when all that it saw
///   is: nothing that was shown is ever taken back.
/// - A write or sync that failed ends the process.
#[derive(Clone)]
pub struct Store {
    // Fields are dropped in order, so that the committer ends before the folder is let go.
    committer: Arc<Committer>,
    blobs: Blobs,
    free_space: Option<Arc<FreeSpace>>,
}

impl Store {
    /// Opens a data folder, making it if there is none, and recovers what a crash left. Blocks.
    pub fn open(folder: &Path, options: OpenOptions) -> Result<Self, OpenError> {
        let data_dir = Arc::new(DataDir::open(folder)?);
        let failed =
            |error: StoreError| OpenError::Damaged { folder: folder.to_owned(), reason: error.to_string() };
        let disk = Arc::new(Disk::open(Arc::clone(&data_dir), options.cache)?);
        let blobs = Blobs::on_disk(Arc::clone(&data_dir))
            .map_err(|source| OpenError::NotWritable { folder: folder.to_owned(), source })?;
        let records = Records::Disk(Arc::clone(&disk));
        let committer =
            Committer::start(records, move || disk.make_durable(), options.fatal).map_err(failed)?;
        let free_space = Some(Arc::new(FreeSpace::new(data_dir, options.reserve)));
        Ok(Self { committer: Arc::new(committer), blobs, free_space })
    }

    /// A store that keeps nothing beyond the process and touches no disk.
    ///
    /// # Panics
    ///
    /// If the system has no thread left.
    pub fn in_memory() -> Self {
        let committer =
            Committer::start(Records::Memory(Default::default()), || Ok(()), Arc::new(end_process));
        #[expect(
            clippy::expect_used,
            reason = "nothing is read; a process that cannot start a thread is lost"
        )]
        let committer = committer.expect("an empty memory reads, and a thread starts");
        Self { committer: Arc::new(committer), blobs: Blobs::in_memory(), free_space: None }
    }

    /// Puts a batch behind all batches queued before. Never blocks. What is queued is not visible to
    /// [`read`](Self::read) until it is applied; an empty batch is a [`barrier`](Self::barrier).
    pub fn queue(&self, batch: Batch) -> Ticket {
        self.committer.queue(batch)
    }

    /// Resolves when everything queued so far is durable, and so visible.
    pub fn barrier(&self) -> Ticket {
        self.committer.barrier()
    }

    /// A consistent look between two batches: the closure sees all that was acknowledged before, and the
    /// answer is let go only when all that it saw is durable (of a scan: all that lies within its bounds).
    ///
    /// The committer waits while the closure runs, so it should look, copy and leave; reading within it
    /// again through the store would wait for itself.
    pub async fn read<T>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (answer, seen) = self.committer.look(look);
        seen.await;
        answer
    }

    /// The same look without the wait: what it saw may not be durable yet. For deciding only, by those who
    /// wait for a [`barrier`](Self::barrier) before anything shows outside.
    pub fn peek<T>(&self, look: impl FnOnce(&View<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.committer.look(look).0
    }

    /// The number of the last durable event, told as it rises. Who looks at it must let go at once: as long as a
    /// `Ref` is held, nothing is committed.
    pub fn last_event(&self) -> watch::Receiver<u64> {
        self.committer.events()
    }

    /// Bytes too large or too plain for a record.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Whether data may grow: asked before anything is queued or written that makes it grow, since a
    /// write that fails ends the process. Cheap.
    pub fn accepts_data(&self) -> Result<(), NoSpace> {
        self.free_space.as_deref().map_or(Ok(()), FreeSpace::check)
    }

    /// Bytes free on the data folder's disk; `None` in memory.
    pub fn free_space(&self) -> Result<Option<u64>, StoreError> {
        self.free_space.as_deref().map(FreeSpace::bytes).transpose()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}
