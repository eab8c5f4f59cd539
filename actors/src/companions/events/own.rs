//! CodePipeline's own state changes on the default bus, each once: an event and how far they were read are written in one
//! batch.
//!
//! Without rules nobody is told anything, so nothing is read: the first rule notes from where on.

use std::ops::Bound;
use std::sync::Arc;

use penstock_storage::keys::events as keys;
use penstock_storage::{Batch, Direction, Record, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pattern::Pattern;
use super::records::{DueEvent, RuleRecord};
use super::service::{Events, Owner};
use crate::Handle;
use crate::events::{News, Place, Sent};
use crate::golden::form;

/// How far the state changes were read.
#[derive(Serialize, Deserialize)]
struct ReadRecord(Place);

impl Record for ReadRecord {
    const VERSION: u8 = 1;
}

form!(events_read_keeps_its_form: ReadRecord);

impl Events {
    /// Begins to put state changes on the bus, for as long as the daemon lives: from where an earlier one ended, if there
    /// are rules.
    pub fn follow(self: &Arc<Self>, handle: Handle) {
        let events = Arc::clone(self);
        actix_rt::spawn(async move {
            if let Err(error) = events.begin_reading().await {
                return tracing::error!(%error, "events cannot be read; rules see nothing of pipelines");
            }
            loop {
                match events.follow_while_ruled(&handle).await {
                    Ok(true) => events.ruled.notified().await,
                    Ok(false) => return,
                    Err(error) => {
                        return tracing::error!(%error, "events cannot be read; rules see no more of pipelines");
                    }
                }
            }
        });
    }

    /// Rules of a daemon that did not read these events yet see them from now on.
    async fn begin_reading(&self) -> Result<(), StoreError> {
        if self.is_ruled().await? {
            let mut batch = Batch::new();
            self.read_from_now(&mut batch).await?;
            self.store.queue(batch).await;
        }
        Ok(())
    }

    /// False when the store has closed.
    async fn follow_while_ruled(&self, handle: &Handle) -> Result<bool, StoreError> {
        let read = self.store.read(|view| view.get::<ReadRecord>(&keys::read())).await?;
        let Some(ReadRecord(after)) = read else { return Ok(true) };
        let mut feed = handle.events(Some(after));
        loop {
            let news = feed.next().await?;
            if news.is_empty() {
                return Ok(false);
            }
            if !self.is_ruled().await? {
                return Ok(true);
            }
            let mut batch = Batch::new();
            let mut any = false;
            for item in news {
                match item {
                    News::Event(sent) => {
                        any |= self.take(&sent, &mut batch).await?;
                        batch.put(keys::read(), &ReadRecord(sent.place));
                    }
                    News::Gap(after) => {
                        tracing::warn!(%after, "events were removed before rules could see them");
                    }
                }
            }
            self.store.queue(batch).await;
            if any {
                self.bell.notify_one();
            }
        }
    }

    /// Puts an event on the bus that a rule waits for.
    async fn take(&self, sent: &Sent, batch: &mut Batch) -> Result<bool, StoreError> {
        let owner = Owner { account: sent.pipeline.account.clone(), region: sent.pipeline.region.clone() };
        let is_awaited = !self.waiting_for(&owner, &sent.body).await?.is_empty();
        if is_awaited {
            // The id is the same each time that the event is read.
            let id = sent.body.get("id").and_then(Value::as_str).unwrap_or_default();
            batch.put(keys::due(sent.at.0, id), &DueEvent { event: sent.body.clone(), rule: None });
        }
        Ok(is_awaited)
    }

    /// Whether there is any rule. Where there is none any more, it is forgotten how far events were read.
    async fn is_ruled(&self) -> Result<bool, StoreError> {
        let _turn = self.turn.lock().await;
        let found = self.store.read(|view| {
            view.scan_keys(&keys::all_rules(), Bound::Unbounded, Direction::Forward).next().transpose()
        });
        let is_ruled = found.await?.is_some();
        if !is_ruled {
            let mut batch = Batch::new();
            batch.delete(keys::read());
            self.store.queue(batch).await;
        }
        Ok(is_ruled)
    }

    /// With a rule that is made: what happens from now on is read, unless it is read already.
    pub(super) async fn read_from_now(&self, batch: &mut Batch) -> Result<(), StoreError> {
        if !self.store.read(|view| view.contains(&keys::read())).await? {
            let last = *self.store.last_event().borrow();
            batch.put(keys::read(), &ReadRecord(Place::behind(last)));
        }
        Ok(())
    }

    /// The rules that are enabled and whose patterns match the event.
    pub(super) async fn waiting_for(
        &self,
        owner: &Owner,
        event: &Value,
    ) -> Result<Vec<RuleRecord>, StoreError> {
        let prefix = keys::rules(&owner.account, &owner.region);
        let read = self.store.read(|view| {
            let rules = view.scan::<RuleRecord>(&prefix, Bound::Unbounded, Direction::Forward);
            rules.map(|entry| entry.map(|(_, rule)| rule)).collect::<Result<Vec<_>, _>>()
        });
        let mut rules = read.await?;
        rules.retain(|rule| {
            let pattern = rule.pattern.as_deref().and_then(|pattern| Pattern::parse(pattern).ok());
            rule.enabled && pattern.is_some_and(|pattern| pattern.matches(event))
        });
        Ok(rules)
    }
}
