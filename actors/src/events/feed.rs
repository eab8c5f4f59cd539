//! All events after a place, as they become durable. A feed holds no more than a handful of them: who follows slowly
//! costs nothing but being told what is no longer kept.

use std::ops::Bound;

use penstock_engine::action::ActionExecution;
use penstock_engine::event::{Event, EventState, Subject};
use penstock_engine::ids::PipelineKey;
use penstock_engine::time::Timestamp;
use penstock_engine::view;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Direction, EventsRecord, Store, StoreError, View};
use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

use crate::Handle;
use crate::catalogues::Catalogues;
use crate::reads::begun;

use super::place::Place;

/// How many transitions' events are read at once.
const AT_ONCE: usize = 16;

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An event.
    Event(Box<Sent>),
    /// Events after that place are no longer kept, or that place is none of this store's: what comes next is the oldest
    /// event there is.
    Gap(Place),
}

/// An event on its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Where it stands.
    pub place: Place,
    /// The pipeline.
    pub pipeline: PipelineKey,
    /// When it was decided.
    pub at: Timestamp,
    /// It, as EventBridge has it.
    pub body: Value,
}

/// Follows the events.
pub struct Feed {
    store: Store,
    catalogues: Catalogues,
    after: Place,
    last: watch::Receiver<u64>,
}

impl Handle {
    /// The events after that place, or else those that come from now on.
    pub fn events(&self, after: Option<Place>) -> Feed {
        let last = self.shared.store.last_event();
        let after = after.unwrap_or_else(|| Place::behind(*last.borrow()));
        Feed { store: self.shared.store.clone(), catalogues: self.shared.catalogues.clone(), after, last }
    }
}

impl Feed {
    /// What comes next: something, as soon as there is something, or nothing when the store has closed.
    pub async fn next(&mut self) -> Result<Vec<News>, StoreError> {
        loop {
            // Before reading, so that what comes in between wakes the wait below.
            let last = *self.last.borrow_and_update();
            let news = self.read(last).await?;
            if !news.is_empty() || self.last.changed().await.is_err() {
                return Ok(news);
            }
        }
    }

    async fn read(&mut self, last: u64) -> Result<Vec<News>, StoreError> {
        let is_foreign = self.after.transition > last;
        let after = if is_foreign { Place::beginning() } else { self.after };
        let found = self.store.read(|view| found_after(view, after)).await?;
        // Nothing is waited for from here on: what is read is also told.
        let mut news = Vec::new();
        if is_foreign || found.first().is_some_and(|(oldest, _)| is_gap(after, *oldest)) {
            news.push(News::Gap(self.after));
        }
        self.after = after;
        for (transition, events) in found {
            for (nth, (event, action)) in (0..).zip(events) {
                let place = Place { transition, nth };
                if place > after {
                    let sent = self.sent(place, &event, action.as_ref())?;
                    news.extend(sent.map(|sent| News::Event(Box::new(sent))));
                }
            }
            self.after = Place::behind(transition);
        }
        Ok(news)
    }

    fn sent(
        &self,
        place: Place,
        event: &Event,
        action: Option<&ActionExecution>,
    ) -> Result<Option<Sent>, StoreError> {
        let PipelineKey { account, region, .. } = &event.pipeline;
        let catalogue = self.catalogues.of(account, region)?;
        let id = event_id(event, place);
        let body = view::event(event, &id, action.map(|action| (action, &*catalogue)));
        Ok(body.map(|body| Sent { place, pipeline: event.pipeline.clone(), at: event.at, body }))
    }
}

/// The same each time that the event is sent, and no other event's.
fn event_id(event: &Event, place: Place) -> String {
    let namespace = Uuid::parse_str(event.execution.as_str()).unwrap_or(Uuid::NAMESPACE_OID);
    Uuid::new_v5(&namespace, format!("event/{place}").as_bytes()).to_string()
}

/// Whether something may lie between: of a transition that is no longer kept, nobody knows how many events it had.
fn is_gap(after: Place, oldest: u64) -> bool {
    let whole = after.nth == u32::MAX;
    oldest > after.transition.saturating_add(1) || oldest > after.transition && !whole
}

type Found = Vec<(u64, Vec<(Event, Option<ActionExecution>)>)>;

fn found_after(view: &View<'_>, after: Place) -> Result<Found, StoreError> {
    let from = keys::event(after.transition);
    let from = if after.nth == u32::MAX { Bound::Excluded(&from) } else { Bound::Included(&from) };
    let records = view.scan::<EventsRecord>(&keys::events(), from, Direction::Forward).take(AT_ONCE);
    records
        .map(|found| {
            let (key, EventsRecord(events)) = found?;
            let number = keys::parse_event(&key).unwrap_or_default();
            let events = events.into_iter().map(|event| {
                let action = action_of(view, &event)?;
                Ok((event, action))
            });
            Ok((number, events.collect::<Result<_, StoreError>>()?))
        })
        .collect()
}

/// The record of the action that the event is about, as long as it is kept.
fn action_of(view: &View<'_>, event: &Event) -> Result<Option<ActionExecution>, StoreError> {
    let Subject::Action { reference: Some(reference), .. } = &event.subject else { return Ok(None) };
    let key = keys::action(&reference.stage.incarnation, reference.started, &reference.id);
    let action = view.get::<ActionExecution>(&key)?;
    match event.state {
        EventState::Started => action.map(|action| begun(view, action)).transpose(),
        _ => Ok(action),
    }
}
