//! The daemon's clock: the system's, or one that a test moves by hand.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use penstock_engine::time::Timestamp;
use tokio::sync::watch;

/// Tells the time and waits for a time. Deadlines go by it; credentials and signatures go by the wall clock.
#[derive(Clone, Debug)]
pub struct Clock {
    by_hand: Option<Arc<watch::Sender<Timestamp>>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self { by_hand: None }
    }

    /// A clock that stands still until it is moved.
    pub fn by_hand(start: Timestamp) -> Self {
        Self { by_hand: Some(Arc::new(watch::Sender::new(start))) }
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        if let Some(by_hand) = &self.by_hand {
            return *by_hand.borrow();
        }
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }

    /// Moves a clock that is moved by hand; of the system's clock it is nothing.
    pub fn advance(&self, millis: u64) {
        if let Some(by_hand) = &self.by_hand {
            by_hand.send_modify(|now| *now = now.plus_millis(millis));
        }
    }

    /// Waits until that time has come.
    pub async fn sleep_until(&self, until: Timestamp) {
        if let Some(by_hand) = &self.by_hand {
            let mut moved = by_hand.subscribe();
            // The sender lives in `self`, so that waiting can only end by the time's coming.
            let _ = moved.wait_for(|now| *now >= until).await;
            return;
        }
        // In steps, since the system's clock may be set while we wait.
        while let Some(left) = until.0.checked_sub(self.now().0).filter(|left| *left > 0) {
            tokio::time::sleep(Duration::from_millis(left.min(60_000))).await;
        }
    }
}
