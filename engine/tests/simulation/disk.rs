//! The committer's queue: what is queued becomes durable in that order, batch by batch, and any prefix of it
//! may survive the process.

use std::collections::VecDeque;

use penstock_engine::step::Write;

use crate::records::{Records, Trash};

/// One atomic batch.
#[derive(Clone, Debug)]
enum Batch {
    Step(Vec<Write>),
    Emptied(Vec<Trash>),
}

/// What is durable, and what waits to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    /// What a reader sees, and what a crash leaves at least.
    pub(crate) durable: Records,
    /// What the disk will hold when everything queued is durable.
    pub(crate) queued: Records,
    queue: VecDeque<Batch>,
    /// How many batches were queued so far.
    pub(crate) tail: u64,
    /// How many of them are durable.
    pub(crate) durable_to: u64,
}

impl Disk {
    /// Queues a machine's batch; the caller has applied its writes to `queued`.
    pub(crate) fn queue(&mut self, writes: Vec<Write>) {
        self.queue.push_back(Batch::Step(writes));
        self.tail += 1;
    }

    /// Queues what the janitor does: removing what the durable trash names.
    pub(crate) fn empty_trash(&mut self) -> bool {
        let trash: Vec<Trash> = self.durable.trash.intersection(&self.queued.trash).cloned().collect();
        if trash.is_empty() {
            return false;
        }
        trash.iter().for_each(|entry| self.queued.empty(entry));
        self.queue.push_back(Batch::Emptied(trash));
        self.tail += 1;
        true
    }

    /// How many batches wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The oldest batches become durable.
    pub(crate) fn flush(&mut self, count: usize) {
        for batch in self.queue.drain(..count.min(self.queue.len())) {
            self.durable_to += 1;
            match batch {
                Batch::Step(writes) => writes.iter().for_each(|write| self.durable.apply(write)),
                Batch::Emptied(trash) => trash.iter().for_each(|entry| self.durable.empty(entry)),
            }
        }
    }

    /// The process stops: so many of the waiting batches survive, the others never were.
    pub(crate) fn crash(&mut self, survive: usize) {
        self.flush(survive);
        self.queue.clear();
        self.tail = self.durable_to;
        self.queued = self.durable.clone();
    }
}
