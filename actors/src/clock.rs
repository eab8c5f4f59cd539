//! The daemon's clock: the system's and how far people have moved it ahead, or one that a test moves by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use penstock_engine::time::Timestamp;
use penstock_storage::keys::daemon as keys;
use penstock_storage::{Batch, Record, Store, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::golden::form;

/// The farthest that a clock can be ahead in all: a hundred years. Every time that AWS's protocols can say is far
/// beyond it.
pub const FARTHEST_AHEAD_MILLIS: u64 = 100 * 366 * 24 * 60 * 60 * 1000;

/// The longest nap of who waits for a time, since the system's clock may be set meanwhile.
const NAP_MILLIS: u64 = 60_000;

/// Tells the time and waits for a time. Deadlines, windows, leases and retention go by it; credentials and
/// signatures go by the wall clock. Cheap to clone: all clones move together.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Where the clock stands but for being moved; without it, it runs with the system's.
    stands_at: Option<Timestamp>,
    /// How far it is ahead, in milliseconds.
    ahead: watch::Sender<u64>,
    /// How far it will be when all that was asked for is durable.
    decided: Mutex<u64>,
}

/// How far the clock is ahead, in milliseconds. It outlives the process: a time that was written into a record
/// must not lie in the future after a restart.
#[derive(Serialize, Deserialize)]
struct AheadRecord(u64);

impl Record for AheadRecord {
    const VERSION: u8 = 1;
}

form!(clock_ahead_keeps_its_form: AheadRecord);

/// A clock can only be ahead by so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock can be at most 100 years ahead of the system's")]
pub struct TooFarAhead;

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::new(None, 0)
    }

    /// The system's clock, as far ahead as it has been moved in this store's lifetime.
    pub fn of_store(store: &Store) -> Result<Self, StoreError> {
        let ahead = store.peek(|view| view.get::<AheadRecord>(&keys::clock_ahead()))?;
        Ok(Self::new(None, ahead.map_or(0, |AheadRecord(ahead)| ahead)))
    }

    /// A clock that stands still until it is moved.
    pub fn by_hand(start: Timestamp) -> Self {
        Self::new(Some(start), 0)
    }

    fn new(stands_at: Option<Timestamp>, ahead: u64) -> Self {
        Self(Arc::new(Shared { stands_at, ahead: watch::Sender::new(ahead), decided: Mutex::new(ahead) }))
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        let unmoved = self.0.stands_at.unwrap_or_else(|| {
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
        });
        unmoved.plus_millis(self.ahead_millis())
    }

    /// How far people have moved the clock ahead, in milliseconds.
    pub fn ahead_millis(&self) -> u64 {
        *self.0.ahead.borrow()
    }

    /// Moves the clock. It is forgotten with the process; see [`advance_durably`](Self::advance_durably).
    pub fn advance(&self, millis: u64) {
        self.0.ahead.send_modify(|ahead| *ahead = ahead.saturating_add(millis));
    }

    /// Moves the clock once that is durable, so that no restart moves it back.
    pub async fn advance_durably(&self, store: &Store, millis: u64) -> Result<(), TooFarAhead> {
        let (ahead, durable) = {
            let mut decided = self.0.decided.lock().unwrap_or_else(PoisonError::into_inner);
            let ahead = decided.saturating_add(millis);
            if ahead > FARTHEST_AHEAD_MILLIS {
                return Err(TooFarAhead);
            }
            *decided = ahead;
            let mut batch = Batch::new();
            batch.put(keys::clock_ahead(), &AheadRecord(ahead));
            // Queued under the lock, so that the farthest is also the last to be written.
            (ahead, store.queue(batch))
        };
        durable.await;
        self.0.ahead.send_modify(|now| *now = ahead.max(*now));
        Ok(())
    }

    /// Waits until that time has come.
    pub async fn sleep_until(&self, until: Timestamp) {
        let mut moved = self.0.ahead.subscribe();
        while let Some(left) = until.0.checked_sub(self.now().0).filter(|left| *left > 0) {
            let nap = if self.0.stands_at.is_some() { NAP_MILLIS } else { left.min(NAP_MILLIS) };
            // The sender lives in `self`: what comes first is either the time or a move.
            let _ = tokio::time::timeout(Duration::from_millis(nap), moved.changed()).await;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_moved_durably_is_ahead_in_the_stores_next_life() {
        let store = Store::in_memory();
        let clock = Clock::of_store(&store).unwrap();
        assert_eq!(clock.ahead_millis(), 0);
        clock.advance_durably(&store, 5_000).await.unwrap();
        clock.advance_durably(&store, 2_000).await.unwrap();
        assert_eq!(clock.ahead_millis(), 7_000);
        assert_eq!(Clock::of_store(&store).unwrap().ahead_millis(), 7_000);
    }

    #[tokio::test]
    async fn a_clock_is_not_moved_too_far() {
        let store = Store::in_memory();
        let clock = Clock::system();
        clock.advance_durably(&store, FARTHEST_AHEAD_MILLIS).await.unwrap();
        assert_eq!(clock.advance_durably(&store, 1).await, Err(TooFarAhead));
        assert_eq!(clock.advance_durably(&store, u64::MAX).await, Err(TooFarAhead));
        assert_eq!(clock.ahead_millis(), FARTHEST_AHEAD_MILLIS);
    }

    #[tokio::test]
    async fn who_waits_on_the_systems_clock_is_woken_by_a_move() {
        let clock = Clock::system();
        let until = clock.now().plus_millis(7 * 24 * 60 * 60 * 1000);
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(until).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(7 * 24 * 60 * 60 * 1000);
        waiting.await.unwrap();
        assert!(clock.now() >= until);
    }
}
