//! Group commit: one thread gathers the batches that wait, applies them as one, makes them durable once,
//! and wakes all who wait. So throughput grows with load instead of being bound to the disk's sync rate.
//!
//! Batches become durable in the order in which they were queued, and each of them wholly or not at all:
//! after a crash the store holds a prefix of the queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::batch::{Batch, Write};
use crate::error::StoreError;
use crate::keys::codepipeline;
use crate::recent::Recent;
use crate::record::Record;
use crate::records::Records;
use crate::ticket::{Progress, Ticket};
use crate::view::View;

/// What to do when a write or sync failed, or may have failed: the sentence is for the log, and the
/// process must end. Going on is unsound, since readers would see what is not on disk.
pub(crate) type Fatal = Arc<dyn Fn(String) + Send + Sync>;

/// The queue, the thread that empties it, and how far that is.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    applied: RwLock<Applied>,
    queue: Mutex<Queue>,
    filled: Condvar,
    progress: Arc<Progress>,
    /// The number of the last event that is durable.
    events: watch::Sender<u64>,
    fatal: Fatal,
}

struct Applied {
    records: Records,
    /// Of the last group.
    recent: Recent,
}

struct Queue {
    writes: Vec<Write>,
    /// The number of the last batch queued.
    last: u64,
    /// The number of the last batch that the thread has taken.
    taken: u64,
    last_event: u64,
    closed: bool,
}

impl Committer {
    /// `make_durable` returns when everything applied before is durable.
    pub(crate) fn start(
        records: Records,
        make_durable: impl Fn() -> Result<(), StoreError> + Send + 'static,
        fatal: Fatal,
    ) -> Result<Self, StoreError> {
        let last_event = last_event(&records)?;
        let shared = Arc::new(Shared {
            applied: RwLock::new(Applied { records, recent: Recent::default() }),
            queue: Mutex::new(Queue { writes: Vec::new(), last: 0, taken: 0, last_event, closed: false }),
            filled: Condvar::new(),
            progress: Arc::default(),
            events: watch::Sender::new(last_event),
            fatal,
        });
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("penstock-commit".to_owned()).spawn(move || {
            let ended = catch_unwind(AssertUnwindSafe(|| of_thread.run(&make_durable)));
            let sentence = match ended {
                Ok(Ok(())) => return,
                Ok(Err(error)) => format!("a write to the data folder failed: {error}"),
                // The panic itself was reported by the panic hook.
                Err(_) => "a write to the data folder failed: the committer panicked".to_owned(),
            };
            (of_thread.fatal)(format!("{sentence}; the next start recovers what was acknowledged"));
        });
        let thread = thread.map_err(StoreError::io("starting the committer's thread"))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(crate) fn queue(&self, batch: Batch) -> Ticket {
        if let Some(reason) = batch.unwritable {
            (self.shared.fatal)(format!("a write to the data folder failed: {reason}"));
            return self.ticket(u64::MAX);
        }
        let mut queue = self.shared.queue();
        if !batch.writes.is_empty() || !batch.events.is_empty() {
            queue.last += 1;
            queue.writes.extend(batch.writes);
            queue.number(batch.events);
            self.shared.filled.notify_one();
        }
        self.ticket(queue.last)
    }

    pub(crate) fn barrier(&self) -> Ticket {
        self.ticket(self.shared.queue().last)
    }

    pub(crate) fn events(&self) -> watch::Receiver<u64> {
        self.shared.events.subscribe()
    }

    /// Runs the closure between two batches, and says with what ticket all that it saw is durable: at once,
    /// unless it came across what the last group wrote. So who reads what others are not just writing does
    /// not wait for their syncs.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&View<'_>) -> T) -> (T, Ticket) {
        let applied = self.shared.applied.read().unwrap_or_else(PoisonError::into_inner);
        let view = View::new(&applied.records, &applied.recent);
        let seen = look(&view);
        let last = if view.saw_recent() { self.shared.progress.applied.load(Ordering::Acquire) } else { 0 };
        (seen, self.ticket(last))
    }

    fn ticket(&self, seq: u64) -> Ticket {
        Ticket::new(seq, Arc::clone(&self.shared.progress))
    }
}

impl Drop for Committer {
    /// Commits what is queued, then closes the records.
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.filled.notify_one();
        // A task woken by the committer may hold the last store and end right there.
        if let Some(thread) = self.thread.take().filter(|it| it.thread().id() != thread::current().id()) {
            // Its panic has been caught and reported inside.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, make_durable: &dyn Fn() -> Result<(), StoreError>) -> Result<(), StoreError> {
        while let Some((writes, last, last_event)) = self.gather() {
            {
                let recent = Recent::of(&writes);
                let mut applied = self.applied.write().unwrap_or_else(PoisonError::into_inner);
                applied.recent = recent;
                applied.records.apply(writes)?;
                self.progress.applied.store(last, Ordering::Release);
            }
            make_durable()?;
            // First, so that whoever was let go with an event knows its number.
            self.events.send_if_modified(|known| std::mem::replace(known, last_event) != last_event);
            self.progress.durable_up_to(last);
        }
        Ok(())
    }

    /// All that waits, as soon as anything does. `None`: nothing more will come.
    fn gather(&self) -> Option<(Vec<Write>, u64, u64)> {
        let idle = |queue: &mut Queue| queue.last == queue.taken && !queue.closed;
        let mut queue = self.filled.wait_while(self.queue(), idle).unwrap_or_else(PoisonError::into_inner);
        if queue.last == queue.taken {
            return None;
        }
        queue.taken = queue.last;
        Some((std::mem::take(&mut queue.writes), queue.last, queue.last_event))
    }
}

impl Queue {
    /// Events get their numbers here, so that their order is the order of the queue.
    fn number(&mut self, events: Vec<Vec<u8>>) {
        if events.is_empty() {
            return;
        }
        for event in events {
            self.last_event += 1;
            self.writes.push((codepipeline::event(self.last_event), Some(event)));
        }
        let mut last = vec![LastEvent::VERSION];
        // A number is its own JSON.
        last.extend_from_slice(self.last_event.to_string().as_bytes());
        self.writes.push((codepipeline::event_last(), Some(last)));
    }
}

/// The number of the last event ever queued: it outlives the events, so that no number comes twice.
#[derive(Serialize, Deserialize)]
struct LastEvent(u64);

impl Record for LastEvent {
    const VERSION: u8 = 1;
}

fn last_event(records: &Records) -> Result<u64, StoreError> {
    let last = View::new(records, &Recent::default()).get::<LastEvent>(&codepipeline::event_last())?;
    Ok(last.map_or(0, |LastEvent(number)| number))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::ops::Bound;
    use std::sync::mpsc;

    use super::*;
    use crate::keys::codepipeline::event;
    use crate::records::Direction;

    struct Fixture {
        committer: Committer,
        /// Heard whenever the committer begins to sync.
        syncing: mpsc::Receiver<()>,
        /// Lets one sync end, well or badly.
        end_sync: mpsc::Sender<Result<(), StoreError>>,
        sentences: mpsc::Receiver<String>,
    }

    fn start() -> Fixture {
        let (begun, syncing) = mpsc::channel();
        let (end_sync, end) = mpsc::channel();
        let (said, sentences) = mpsc::channel();
        let make_durable = move || {
            begun.send(()).ok();
            end.recv().unwrap_or(Ok(()))
        };
        let fatal: Fatal = Arc::new(move |sentence| said.send(sentence).unwrap());
        let records = Records::Memory(Default::default());
        let committer = Committer::start(records, make_durable, fatal).unwrap();
        Fixture { committer, syncing, end_sync, sentences }
    }

    fn write(n: u64) -> Batch {
        let mut batch = Batch::new();
        batch.put(event(n), &LastEvent(n));
        batch
    }

    fn count(view: &View<'_>) -> usize {
        view.scan_keys(&codepipeline::events(), Bound::Unbounded, Direction::Forward).count()
    }

    #[tokio::test]
    async fn what_is_seen_before_it_is_durable_is_not_answered_before_it_is() {
        let Fixture { committer, syncing, end_sync, .. } = start();
        let (seen, before) = committer.look(count);
        assert_eq!((seen, before.is_durable()), (0, true));

        let first = committer.queue(write(1));
        syncing.recv().unwrap();
        let (seen, of_look) = committer.look(count);
        assert_eq!((seen, of_look.is_durable(), first.is_durable()), (1, false, false));
        // What is queued meanwhile is neither seen nor waited for by who looks.
        let second = committer.queue(write(2));
        let (seen, of_later_look) = committer.look(count);
        assert_eq!(seen, 1);

        end_sync.send(Ok(())).unwrap();
        of_look.await;
        of_later_look.await;
        assert!(first.is_durable());
        syncing.recv().unwrap();
        assert!(!second.is_durable() && !committer.barrier().is_durable());
        end_sync.send(Ok(())).unwrap();
        second.await;
    }

    #[tokio::test]
    async fn a_look_at_what_is_not_being_written_is_answered_at_once() {
        let Fixture { committer, syncing, end_sync, .. } = start();
        drop(committer.queue(write(1)));
        syncing.recv().unwrap();
        end_sync.send(Ok(())).unwrap();
        drop(committer.queue(write(2)));
        syncing.recv().unwrap();
        let is_durable = |number| {
            let (found, seen) =
                committer.look(|view| view.get::<LastEvent>(&event(number)).unwrap().is_some());
            (found, seen.is_durable())
        };
        assert_eq!([1, 2, 3].map(is_durable), [(true, true), (true, false), (false, true)]);
        let (_, of_scan) = committer.look(count);
        assert!(!of_scan.is_durable());
        end_sync.send(Ok(())).unwrap();
        of_scan.await;
        assert_eq!(is_durable(2), (true, true));
    }

    #[tokio::test]
    async fn all_that_waits_shares_one_sync() {
        let Fixture { committer, syncing, end_sync, .. } = start();
        drop(committer.queue(write(1)));
        syncing.recv().unwrap();
        let waiting: Vec<Ticket> = (2..100).map(|n| committer.queue(write(n))).collect();
        end_sync.send(Ok(())).unwrap();
        end_sync.send(Ok(())).unwrap();
        for ticket in waiting {
            ticket.await;
        }
        assert_eq!(syncing.try_iter().count(), 1);
    }

    #[test]
    fn after_a_failed_sync_nothing_is_ever_acknowledged() {
        let Fixture { committer, syncing, end_sync, sentences } = start();
        let ticket = committer.queue(write(1));
        syncing.recv().unwrap();
        end_sync.send(Err(StoreError::Database("the disk is on fire".to_owned()))).unwrap();
        assert_eq!(
            sentences.recv().unwrap(),
            "a write to the data folder failed: the record database failed: the disk is on fire; \
             the next start recovers what was acknowledged"
        );
        let later = committer.queue(write(2));
        let (_, of_look) = committer.look(count);
        assert!(!ticket.is_durable() && !later.is_durable() && !of_look.is_durable());
    }

    #[test]
    fn a_record_without_a_json_form_is_a_failed_write() {
        #[derive(Serialize, Deserialize)]
        struct Odd(std::collections::BTreeMap<(u8, u8), u8>);
        impl Record for Odd {
            const VERSION: u8 = 1;
        }
        let Fixture { committer, sentences, .. } = start();
        let mut batch = Batch::new();
        batch.put(event(1), &Odd([((1, 2), 3)].into()));
        assert!(!batch.is_empty());
        assert!(!committer.queue(batch).is_durable());
        let sentence = sentences.recv().unwrap();
        assert!(sentence.contains("record event/0000000000000001 has no JSON form"), "{sentence}");
    }
}
