//! Counters for operators.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use penstock_engine::pipeline::ExecutionStatus;

/// Counted since the process started.
#[derive(Debug, Default)]
pub struct Metrics {
    ended: Mutex<BTreeMap<ExecutionStatus, u64>>,
    /// Live actors: pipelines, stages and actions.
    pub actors: AtomicU64,
    /// Actors that died of a panic and were begun again.
    pub restarts: AtomicU64,
    /// Actors that died again and again and were set aside.
    pub set_aside: AtomicU64,
    /// Events that a destination took.
    pub events_delivered: AtomicU64,
    /// Events that no destination took, in the end.
    pub events_given_up: AtomicU64,
    /// Targets of EventBridge's rules that an event did not start.
    pub invocations_failed: AtomicU64,
}

impl Metrics {
    /// An execution ended.
    pub(crate) fn execution_ended(&self, status: ExecutionStatus) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
    }

    /// How many executions have ended as what.
    pub fn ended(&self) -> BTreeMap<ExecutionStatus, u64> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
