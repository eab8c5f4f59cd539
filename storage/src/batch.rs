//! What one transition writes: all of it, or nothing.

use crate::keys::Key;
use crate::record::{self, Record};

/// Writes that become durable together.
#[derive(Debug, Default)]
#[must_use = "a batch does nothing until it is queued"]
pub struct Batch {
    pub(crate) writes: Vec<Write>,
    pub(crate) events: Vec<Vec<u8>>,
    /// Why this batch cannot be written at all.
    pub(crate) unwritable: Option<String>,
}

/// A key and what shall lie there from now on.
pub(crate) type Write = (Key, Option<Vec<u8>>);

impl Batch {
    /// Without any write yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a record in the place of whatever is there.
    ///
    /// A record that has no JSON form (a map with keys that are no strings) ends the process when the
    /// batch is queued, as every failed write does.
    pub fn put<R: Record>(&mut self, key: Key, record: &R) -> &mut Self {
        match record::encode(record) {
            Ok(bytes) => self.writes.push((key, Some(bytes))),
            Err(error) => self.unwritable = Some(format!("record {key} has no JSON form: {error}")),
        }
        self
    }

    /// Removes a record, if there is one.
    pub fn delete(&mut self, key: Key) -> &mut Self {
        self.writes.push((key, None));
        self
    }

    /// Puts an event behind all events queued so far, under the next number.
    pub fn put_event<R: Record>(&mut self, event: &R) -> &mut Self {
        match record::encode(event) {
            Ok(bytes) => self.events.push(bytes),
            Err(error) => self.unwritable = Some(format!("an event has no JSON form: {error}")),
        }
        self
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.events.is_empty() && self.unwritable.is_none()
    }

    /// Takes in another batch, to be written after what is here already.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.writes.extend(other.writes);
        self.events.extend(other.events);
        self.unwritable = self.unwritable.take().or(other.unwritable);
        self
    }
}
