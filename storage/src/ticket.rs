//! The promise that something will be durable, and who waits for it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// How far the committer is. Batches are numbered from 1 in the order in which they were queued.
#[derive(Default)]
pub(crate) struct Progress {
    /// The last batch that is applied and so visible. Written with the records locked.
    pub(crate) applied: AtomicU64,
    durable: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next_slot: u64,
    /// By batch, then by who came first.
    wakers: BTreeMap<(u64, u64), Waker>,
}

impl Progress {
    /// Says that everything up to this batch is durable, and wakes who waited for that, in queue order.
    pub(crate) fn durable_up_to(&self, seq: u64) {
        self.durable.store(seq, Ordering::Release);
        let woken = {
            let mut waiting = self.waiting();
            let later = waiting.wakers.split_off(&(seq.saturating_add(1), 0));
            std::mem::replace(&mut waiting.wakers, later)
        };
        for waker in woken.into_values() {
            waker.wake();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves when what was queued is durable. If that fails, the process ends, and this never resolves.
///
/// Needs no runtime: any executor may poll it, on any thread.
#[must_use = "nothing may be shown outside before its ticket resolved"]
pub struct Ticket {
    seq: u64,
    slot: Option<u64>,
    progress: Arc<Progress>,
}

impl Ticket {
    pub(crate) fn new(seq: u64, progress: Arc<Progress>) -> Self {
        Self { seq, slot: None, progress }
    }

    /// Whether it has resolved already.
    pub fn is_durable(&self) -> bool {
        self.progress.durable.load(Ordering::Acquire) >= self.seq
    }
}

impl Future for Ticket {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.is_durable() {
            return Poll::Ready(());
        }
        let progress = Arc::clone(&self.progress);
        let mut waiting = progress.waiting();
        // Once more, now that nobody is being woken: else the wake-up could fall in between.
        if self.is_durable() {
            return Poll::Ready(());
        }
        let slot = *self.slot.get_or_insert_with(|| {
            waiting.next_slot += 1;
            waiting.next_slot
        });
        let earlier = waiting.wakers.insert((self.seq, slot), context.waker().clone());
        // Dropped after the lock: a waker's drop may drop a task, and that task more tickets.
        drop(waiting);
        drop(earlier);
        Poll::Pending
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            // The lock is let go at the end of this line, the waker after it.
            let waker = self.progress.waiting().wakers.remove(&(self.seq, slot));
            drop(waker);
        }
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticket({})", self.seq)
    }
}
