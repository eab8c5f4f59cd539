//! The service itself: the store, and who may change what at a time.

use std::hash::{DefaultHasher, Hash, Hasher};

use penstock_storage::{Batch, Store, View};
use tokio::sync::{Mutex, MutexGuard};

use super::refusal::{Refusal, RefusalKind};

const LOCKS: usize = 16;

/// IAM. Changes of one account follow each other; every answer is durable before it is given.
pub struct Iam {
    store: Store,
    locks: [Mutex<()>; LOCKS],
}

impl Iam {
    /// On that store.
    pub fn new(store: Store) -> Self {
        Self { store, locks: std::array::from_fn(|_| Mutex::new(())) }
    }

    /// Begins a change of an account's entities: until the guard is dropped, nobody else changes them.
    pub(super) async fn change(&self, account: &str) -> Change<'_> {
        let mut hasher = DefaultHasher::new();
        account.hash(&mut hasher);
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is below the number of locks")]
        let index = (hasher.finish() % LOCKS as u64) as usize;
        #[expect(clippy::indexing_slicing, reason = "the remainder is below the number of locks")]
        let guard = self.locks[index].lock().await;
        // A change whose caller went away before it was applied would not be visible yet.
        self.store.barrier().await;
        Change { store: &self.store, _guard: guard }
    }

    /// A look that changes nothing.
    pub(super) async fn look<T>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.store.read(|view| Ok(look(view))).await?
    }
}

/// A change under way.
pub(super) struct Change<'a> {
    store: &'a Store,
    _guard: MutexGuard<'a, ()>,
}

impl Change<'_> {
    /// Looks at what the change is based on.
    pub(super) async fn look<T>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.store.read(|view| Ok(look(view))).await?
    }

    /// Refuses when the disk has no room for what the change would add.
    pub(super) fn grows(&self) -> Result<(), Refusal> {
        Ok(self.store.accepts_data()?)
    }

    /// Makes it durable, and ends it.
    pub(super) async fn commit(self, batch: Batch) {
        self.store.queue(batch).await;
    }
}

impl From<getrandom::Error> for Refusal {
    fn from(error: getrandom::Error) -> Self {
        Self::new(RefusalKind::ServiceFailure, format!("no random numbers: {error}"))
    }
}
