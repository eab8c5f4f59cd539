//! The store's promises, each on disk and in memory.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::ops::Bound;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};

use penstock_engine::ids::Incarnation;
use penstock_storage::keys::{codepipeline, s3};
use penstock_storage::{Batch, Direction, Key, OpenOptions, Prefix, Record, Store, StoreError};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note(String);

impl Record for Note {
    const VERSION: u8 = 1;
}

#[derive(Serialize, Deserialize)]
struct Other(u64);

impl Record for Other {
    const VERSION: u8 = 1;
}

fn note(text: &str) -> Note {
    Note(text.to_owned())
}

fn key(n: u64) -> Key {
    codepipeline::event(n)
}

fn open(folder: &TempDir) -> Store {
    Store::open(folder.path(), OpenOptions::default()).unwrap()
}

/// Both kinds of store, and what keeps the folder alive.
fn stores() -> Vec<(Store, Option<TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    vec![(Store::in_memory(), None), (open(&folder), Some(folder))]
}

async fn all(store: &Store, prefix: &Prefix) -> Vec<(Key, Note)> {
    store.read(|view| view.scan(prefix, Bound::Unbounded, Direction::Forward).collect()).await.unwrap()
}

#[tokio::test]
async fn what_a_ticket_vouches_for_is_there_to_read() {
    for (store, _folder) in stores() {
        let mut batch = Batch::new();
        batch.put(key(1), &note("a")).put(key(2), &note("b"));
        store.queue(batch).await;
        let mut batch = Batch::new();
        batch.delete(key(1)).put(key(2), &note("c"));
        store.queue(batch).await;

        let (one, two) =
            store.read(|view| Ok((view.get::<Note>(&key(1))?, view.get::<Note>(&key(2))?))).await.unwrap();
        assert_eq!((one, two), (None, Some(note("c"))));
    }
}

#[tokio::test]
async fn within_a_batch_the_last_write_of_a_key_counts() {
    for (store, _folder) in stores() {
        let mut first = Batch::new();
        first.put(key(1), &note("a")).delete(key(1)).put(key(1), &note("b"));
        let mut second = Batch::new();
        second.put(key(2), &note("c"));
        second.append(first).delete(key(2));
        store.queue(second).await;
        assert_eq!(all(&store, &codepipeline::events()).await, [(key(1), note("b"))]);
    }
}

#[tokio::test]
async fn an_empty_batch_and_a_barrier_wait_for_what_was_queued_before() {
    for (store, _folder) in stores() {
        assert!(Batch::new().is_empty());
        store.queue(Batch::new()).await;
        store.barrier().await;
        let mut batch = Batch::new();
        batch.put(key(1), &note("a"));
        let ticket = store.queue(batch);
        store.barrier().await;
        assert!(ticket.is_durable());
        let mut batch = Batch::new();
        batch.put(key(2), &note("a"));
        let ticket = store.queue(batch);
        store.queue(Batch::new()).await;
        assert!(ticket.is_durable());
    }
}

#[test]
fn a_ticket_resolves_on_a_bare_thread() {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    for (store, _folder) in stores() {
        let mut batch = Batch::new();
        batch.put(key(1), &note("a"));
        let mut ticket = pin!(store.queue(batch));
        let waker = Arc::new(Unpark(std::thread::current())).into();
        while ticket.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Pending {
            std::thread::park();
        }
    }
}

#[tokio::test]
async fn tickets_dropped_while_they_wait_disturb_nobody() {
    for (store, _folder) in stores() {
        for n in 0..200 {
            let mut batch = Batch::new();
            batch.put(key(n), &note("a"));
            let ticket = store.queue(batch);
            if n % 2 == 0 {
                // Polled once, then given up.
                tokio::select! { biased; () = ticket => {}, () = std::future::ready(()) => {} }
            }
        }
        store.barrier().await;
        assert_eq!(all(&store, &codepipeline::events()).await.len(), 200);
    }
}

#[tokio::test]
async fn when_a_ticket_resolves_all_that_was_queued_before_it_is_there() {
    for (store, _folder) in stores() {
        let waiting: Vec<_> = (0..300)
            .map(|n| {
                let mut batch = Batch::new();
                batch.put(key(n), &note("a"));
                let (ticket, store) = (store.queue(batch), store.clone());
                tokio::spawn(async move {
                    ticket.await;
                    let missing = |n: &u64| !store.peek(|view| view.contains(&key(*n))).unwrap();
                    assert_eq!((0..=n).find(missing), None);
                })
            })
            .collect();
        for each in waiting {
            each.await.unwrap();
        }
    }
}

#[tokio::test]
async fn batches_are_there_after_the_last_store_is_gone_though_nobody_waited() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let store = open(&folder);
        let before = all(&store, &codepipeline::events()).await;
        assert_eq!(before.len(), usize::try_from(round * 100).unwrap());
        for n in 0..100 {
            let mut batch = Batch::new();
            batch.put(key(round * 100 + n), &note("a"));
            drop(store.queue(batch));
        }
    }
}

#[tokio::test]
async fn events_get_rising_numbers_that_never_come_twice() {
    let folder = tempfile::tempdir().unwrap();
    let event = |text: &str| {
        let mut batch = Batch::new();
        batch.put_event(&note(text));
        batch
    };
    {
        let store = open(&folder);
        drop(store.queue(event("a")));
        store.queue(event("b")).await;
        assert_eq!(all(&store, &codepipeline::events()).await, [(key(1), note("a")), (key(2), note("b"))]);
        let mut batch = Batch::new();
        batch.delete(key(1)).delete(key(2));
        store.queue(batch).await;
    }
    let store = open(&folder);
    store.queue(event("c")).await;
    assert_eq!(all(&store, &codepipeline::events()).await, [(key(3), note("c"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_sees_whole_batches_only_and_in_their_order() {
    for (store, _folder) in stores() {
        let writer = {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..300 {
                    let mut batch = Batch::new();
                    for n in 0..10 {
                        batch.put(key(n), &note(&round.to_string()));
                    }
                    drop(store.queue(batch));
                    tokio::task::yield_now().await;
                }
                store.barrier().await;
            })
        };
        let mut last = 0;
        while !writer.is_finished() {
            let seen = all(&store, &codepipeline::events()).await;
            let Some((_, Note(round))) = seen.first() else { continue };
            assert!(seen.len() == 10 && seen.iter().all(|(_, it)| it.0 == *round), "torn: {seen:?}");
            let round: u64 = round.parse().unwrap();
            assert!(round >= last, "{round} after {last}");
            last = round;
        }
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn a_scan_goes_both_ways_from_any_place_and_stays_under_its_prefix() {
    let ours = Incarnation("b".into());
    let prefix = codepipeline::versions(&ours);
    for (store, _folder) in stores() {
        let mut batch = Batch::new();
        for inc in ["a", "b", "b0", "c"] {
            for n in 1..=5 {
                batch.put(codepipeline::version(&Incarnation(inc.into()), n), &note(inc));
            }
        }
        store.queue(batch).await;

        let model: BTreeMap<Key, u64> = (1..=5).map(|n| (codepipeline::version(&ours, n), n)).collect();
        let far = [codepipeline::head(&ours), prefix.past(), key(1), s3::bucket("z")];
        let places: Vec<Key> = (0..=6).map(|n| codepipeline::version(&ours, n)).chain(far).collect();
        let bounds = places
            .iter()
            .flat_map(|place| [Bound::Included(place), Bound::Excluded(place)])
            .chain([Bound::Unbounded]);
        for from in bounds {
            for direction in [Direction::Forward, Direction::Backward] {
                let scanned: Vec<u64> = store
                    .read(|view| {
                        view.scan::<Note>(&prefix, from, direction)
                            .map(|entry| Ok(codepipeline::parse_version(&entry?.0).unwrap()))
                            .collect()
                    })
                    .await
                    .unwrap();
                let mut expected: Vec<u64> = model
                    .iter()
                    .filter(|(key, _)| match (from, direction) {
                        (Bound::Included(from), Direction::Forward) => *key >= from,
                        (Bound::Excluded(from), Direction::Forward) => *key > from,
                        (Bound::Included(from), Direction::Backward) => *key <= from,
                        (Bound::Excluded(from), Direction::Backward) => *key < from,
                        (Bound::Unbounded, _) => true,
                    })
                    .map(|(_, n)| *n)
                    .collect();
                if direction == Direction::Backward {
                    expected.reverse();
                }
                assert_eq!(scanned, expected, "from {from:?} {direction:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_scan_reads_no_more_than_is_asked_for() {
    for (store, _folder) in stores() {
        let mut batch = Batch::new();
        batch.put(key(1), &note("a")).put(key(2), &Other(7));
        store.queue(batch).await;
        let events = codepipeline::events();
        let first = store
            .read(|view| view.scan::<Note>(&events, Bound::Unbounded, Direction::Forward).next().transpose())
            .await
            .unwrap();
        // The second record has another form, and would have failed.
        assert_eq!(first, Some((key(1), note("a"))));
        let keys: Vec<Key> = store
            .read(|view| view.scan_keys(&events, Bound::Unbounded, Direction::Backward).collect())
            .await
            .unwrap();
        assert_eq!(keys, [key(2), key(1)]);
        let wrong: Result<Option<Note>, StoreError> = store.read(|view| view.get(&key(2))).await;
        assert!(wrong.unwrap_err().to_string().starts_with("record event/0000000000000002 cannot be read:"));
    }
}

#[tokio::test]
async fn a_nearly_full_disk_accepts_no_data_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions::default().reserve_bytes(u64::MAX);
    let store = Store::open(folder.path(), options).unwrap();
    let sentence = store.accepts_data().unwrap_err().to_string();
    assert!(sentence.contains("are free on the disk of data folder"), "{sentence}");
    drop(store);
    let store = Store::open(folder.path(), OpenOptions::default().reserve_bytes(0)).unwrap();
    store.accepts_data().unwrap();
    assert!(store.free_space().unwrap().unwrap() > 0);
    assert_eq!(Store::in_memory().accepts_data(), Ok(()));
    assert_eq!(Store::in_memory().free_space().unwrap(), None);
}

#[test]
fn what_others_hold_across_threads_can_be_sent() {
    fn sendable<T: Send + 'static>(_: &T) {}
    let store = Store::in_memory();
    sendable(&store.barrier());
    sendable(&store);
    let of_read = {
        let store = store.clone();
        async move { store.read(|view| view.get::<Note>(&key(1))).await }
    };
    sendable(&of_read);
}
