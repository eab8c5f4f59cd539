//! Following the events: what is no longer kept is said, and nothing else is ever missing.

use penstock_actors::events::{News, Place};
use penstock_engine::event::{Event, EventState, Subject};
use penstock_engine::ids::{ExecutionId, PipelineKey};
use penstock_engine::time::Timestamp;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Batch, EventsRecord, Store};

use crate::world::{Act, Setup, World, until};

fn event(number: u64) -> Event {
    Event {
        at: Timestamp(number),
        pipeline: PipelineKey {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            name: "p".to_owned(),
        },
        version: 1,
        execution: ExecutionId("00000000-0000-0000-0000-000000000001".to_owned()),
        attempt: 1,
        started: None,
        subject: Subject::Pipeline { trigger: None, stop_comments: None },
        state: EventState::Started,
    }
}

/// Transitions with two events each.
async fn happen(store: &Store, transitions: u64) {
    for number in 0..transitions {
        let mut batch = Batch::new();
        batch.put_event(&EventsRecord(vec![event(number), event(number)]));
        store.queue(batch).await;
    }
}

async fn forget(store: &Store, transitions: std::ops::RangeInclusive<u64>) {
    let mut batch = Batch::new();
    for number in transitions {
        batch.delete(keys::event(number));
    }
    store.queue(batch).await;
}

fn places(news: &[News]) -> Vec<String> {
    let place = |news: &News| match news {
        News::Event(event) => event.place.to_string(),
        News::Gap(after) => format!("gap after {after}"),
    };
    news.iter().map(place).collect()
}

fn world(store: &Store) -> World {
    World::start(Setup { store: store.clone(), ..Setup::default() }, |_| Act::Fail("no"))
}

fn at(text: &str) -> Option<Place> {
    text.parse().ok()
}

#[actix::test]
async fn a_follower_goes_on_behind_any_event_also_within_a_transition() {
    let store = Store::in_memory();
    happen(&store, 3).await;
    let world = world(&store);
    for (after, expected) in [
        ("0", &["1-0", "1-1", "2-0", "2-1", "3-0", "3-1"][..]),
        ("1-0", &["1-1", "2-0", "2-1", "3-0", "3-1"]),
        ("1-1", &["2-0", "2-1", "3-0", "3-1"]),
        ("2", &["3-0", "3-1"]),
    ] {
        assert_eq!(places(&world.handle.events(at(after)).next().await.unwrap()), expected, "{after}");
    }
}

#[actix::test]
async fn a_follower_waits_for_what_comes_and_hears_each_once() {
    let store = Store::in_memory();
    happen(&store, 1).await;
    let world = world(&store);
    let mut feed = world.handle.events(None);
    happen(&store, 1).await;
    assert_eq!(places(&feed.next().await.unwrap()), ["2-0", "2-1"]);
    let waiting = actix_rt::spawn(async move { places(&feed.next().await.unwrap()) });
    happen(&store, 1).await;
    assert_eq!(waiting.await.unwrap(), ["3-0", "3-1"]);
}

#[actix::test]
async fn what_is_no_longer_kept_is_said() {
    let store = Store::in_memory();
    happen(&store, 5).await;
    forget(&store, 1..=2).await;
    let world = world(&store);
    for (after, expected) in [
        ("0", &["gap after 0", "3-0"][..]),
        ("1-1", &["gap after 1-1", "3-0"]),
        // Whether there was a 2-2 cannot be told any more.
        ("2-1", &["gap after 2-1", "3-0"]),
        ("2", &["3-0"]),
        ("3-0", &["3-1"]),
        ("77-0", &["gap after 77-0", "3-0"]),
    ] {
        let news = world.handle.events(at(after)).next().await.unwrap();
        assert_eq!(places(&news)[..expected.len()], *expected, "{after}");
    }
}

#[actix::test]
async fn an_event_has_the_same_id_each_time_and_no_other_has_it() {
    let store = Store::in_memory();
    happen(&store, 3).await;
    let world = world(&store);
    let ids = async || -> Vec<String> {
        let news = world.handle.events(at("0")).next().await.unwrap();
        let id = |news: News| match news {
            News::Event(event) => event.body["id"].as_str().unwrap_or_default().to_owned(),
            News::Gap(_) => String::new(),
        };
        news.into_iter().map(id).collect()
    };
    let first = ids().await;
    assert_eq!(first, ids().await);
    let mut distinct = first.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 6);
}

#[actix::test]
async fn the_oldest_are_removed_while_others_happen() {
    let store = Store::in_memory();
    let world = world(&store);
    for number in 0..25_000 {
        let mut batch = Batch::new();
        batch.put_event(&EventsRecord(vec![event(number)]));
        let queued = store.queue(batch);
        if number % 100 == 0 {
            queued.await;
        }
    }
    until("the oldest are gone", async || {
        let news = world.handle.events(at("0")).next().await.unwrap();
        // They are looked at every 2,000.
        let is_trimmed = |place: &str| place.parse::<Place>().is_ok_and(|place| place.transition > 2_000);
        places(&news).get(..2).is_some_and(|two| two[0] == "gap after 0" && is_trimmed(&two[1]))
    })
    .await;
}
