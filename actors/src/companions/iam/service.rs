//! The service itself: the store, and who may change what at a time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use penstock_storage::{Batch, Store, View};
use tokio::sync::{Mutex, MutexGuard};

use super::authorization::Granted;
use super::refusal::{Refusal, RefusalKind};

const LOCKS: usize = 16;

/// IAM. Changes of one account follow each other; every answer is durable before it is given.
pub struct Iam {
    store: Store,
    locks: [Mutex<()>; LOCKS],
    pub(super) granted: Arc<Granted>,
}

impl Iam {
    /// On that store.
    pub fn new(store: Store) -> Self {
        Self { store, locks: std::array::from_fn(|_| Mutex::new(())), granted: Arc::default() }
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
        Change { store: &self.store, granted: &self.granted, _guard: guard }
    }

    /// A look at what may not be durable yet, by those who cannot wait.
    pub(super) fn peek<T>(&self, look: impl FnOnce(&View<'_>) -> Result<T, Refusal>) -> Result<T, Refusal> {
        self.store.peek(|view| Ok(look(view)))?
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
    granted: &'a Arc<Granted>,
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

    /// Makes it durable, and ends it. What is remembered of roles is forgotten then, also where the caller has gone
    /// in between.
    pub(super) async fn commit(self, batch: Batch) {
        let (ticket, granted) = (self.store.queue(batch), Arc::clone(self.granted));
        let done = tokio::spawn(async move {
            ticket.await;
            granted.forget();
        });
        let _ = done.await;
    }
}

impl From<getrandom::Error> for Refusal {
    fn from(error: getrandom::Error) -> Self {
        Self::new(RefusalKind::ServiceFailure, format!("no random numbers: {error}"))
    }
}
