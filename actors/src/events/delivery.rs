//! Events sent on to a destination: in order, each at least once, never twice behind one that came through and was
//! recorded. A destination that is away holds up nobody: its events wait in the store, as long as they are kept there.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

use penstock_storage::keys::daemon as keys;
use penstock_storage::{Batch, Record, Store, StoreError};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::Handle;
use crate::golden::form;

use super::destination::{Destination, NotTaken};
use super::feed::{News, Sent};
use super::place::Place;

/// The first wait after a failure; each next one is twice as long, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often an event is sent that is refused as such, before the next one is.
const TRIES_IF_REFUSED: u32 = 5;

/// How long an event is tried otherwise: as long as EventBridge tries its targets.
const TRIED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// How far a destination has come. What is sent twice after a crash is what came through since the last record.
#[derive(Serialize, Deserialize)]
struct DeliveredRecord(Place);

impl Record for DeliveredRecord {
    const VERSION: u8 = 1;
}

form!(events_delivered_keeps_its_form: DeliveredRecord);

/// How far the deliveries are cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("it cannot be told how far events were delivered: {0}")]
pub struct UnknownEnd(#[from] StoreError);

/// A destination and how far it has come.
#[derive(Debug)]
pub struct Delivery {
    destination: Destination,
    after: Place,
}

impl Delivery {
    /// Looks up how far the destination has come. To a new one, what happens from now on is sent: so this comes before
    /// the engine starts.
    pub async fn open(store: &Store, destination: Destination) -> Result<Self, UnknownEnd> {
        let key = keys::events_delivered(&destination.name());
        let known = store.read(|view| view.get::<DeliveredRecord>(&key)).await?;
        let after = match known {
            Some(DeliveredRecord(place)) => place,
            None => {
                let now = Place::behind(*store.last_event().borrow());
                record(store, &destination, now).await;
                now
            }
        };
        Ok(Self { destination, after })
    }
}

async fn record(store: &Store, destination: &Destination, place: Place) {
    let mut batch = Batch::new();
    batch.put(keys::events_delivered(&destination.name()), &DeliveredRecord(place));
    store.queue(batch).await;
}

impl Handle {
    /// Begins to deliver, beside everything else. Called within an actix system.
    pub fn deliver_events(&self, delivery: Delivery) {
        let handle = self.clone();
        actix_rt::spawn(async move {
            let Delivery { destination, after } = delivery;
            let mut feed = handle.events(Some(after));
            loop {
                match feed.next().await {
                    Ok(news) if news.is_empty() => return,
                    Ok(news) => handle.deliver(&destination, news).await,
                    Err(error) => return tracing::error!(%error, "events cannot be read; delivery stops"),
                }
            }
        });
    }

    async fn deliver(&self, destination: &Destination, news: Vec<News>) {
        let mut waiting = VecDeque::new();
        for item in news {
            match item {
                News::Event(event) => waiting.push_back(*event),
                News::Gap(after) => {
                    tracing::warn!(%destination, %after, "events were removed before they could be delivered");
                }
            }
        }
        let metrics = &self.shared.metrics;
        while !waiting.is_empty() {
            let came_through = persist(destination, waiting.make_contiguous()).await;
            let (count, counter) = match came_through {
                Ok(count) => (count.max(1), &metrics.events_delivered),
                Err(()) => (1, &metrics.events_given_up),
            };
            let last = waiting.drain(..count.min(waiting.len())).next_back();
            counter.fetch_add(u64::try_from(count).unwrap_or_default(), Ordering::Relaxed);
            if let Some(Sent { place, .. }) = last {
                record(&self.shared.store, destination, place).await;
            }
        }
    }
}

/// Sends until some came through; an error when the first one is given up.
async fn persist(destination: &Destination, events: &[Sent]) -> Result<usize, ()> {
    let begun = Instant::now();
    let (mut wait, mut refused) = (FIRST_WAIT, 0);
    let mut is_away = false;
    loop {
        let NotTaken { reason, for_good } = match destination.send(events).await {
            Ok(count) => {
                if is_away {
                    tracing::info!(%destination, "events are taken again");
                }
                return Ok(count);
            }
            Err(not_taken) => not_taken,
        };
        refused += u32::from(for_good);
        let event = events.first().map(|event| event.place.to_string());
        if refused >= TRIES_IF_REFUSED || begun.elapsed() >= TRIED_FOR {
            tracing::error!(%destination, event, reason, "an event is not taken and is given up");
            return Err(());
        }
        if !is_away {
            tracing::warn!(%destination, event, reason, "an event is not taken; it is tried again");
        }
        is_away = true;
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}
