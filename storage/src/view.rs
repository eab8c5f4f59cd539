//! A look at the records between two batches.

use std::cell::Cell;
use std::ops::Bound;

use crate::error::StoreError;
use crate::keys::{Key, Prefix};
use crate::recent::Recent;
use crate::record::{self, Record};
use crate::records::{Direction, Entries, Records};

/// All records as they are between two batches. Lives as long as the closure of
/// [`Store::read`](crate::Store::read), and holds off the committer that long: look, copy, leave.
pub struct View<'a> {
    records: &'a Records,
    recent: &'a Recent,
    saw_recent: Cell<bool>,
}

impl<'a> View<'a> {
    pub(crate) fn new(records: &'a Records, recent: &'a Recent) -> Self {
        Self { records, recent, saw_recent: Cell::new(false) }
    }

    /// Whether anything that was looked at, be it in vain, may not be durable yet.
    pub(crate) fn saw_recent(&self) -> bool {
        self.saw_recent.get()
    }

    fn saw(&self, is_recent: bool) {
        self.saw_recent.set(self.saw_recent.get() || is_recent);
    }

    /// The record at a key.
    pub fn get<R: Record>(&self, key: &Key) -> Result<Option<R>, StoreError> {
        self.saw(self.recent.has(key.as_bytes()));
        self.records.get(key.as_bytes())?.map(|bytes| record::decode(key, &bytes)).transpose()
    }

    /// Whether there is a record at a key, of whatever form.
    pub fn contains(&self, key: &Key) -> Result<bool, StoreError> {
        self.saw(self.recent.has(key.as_bytes()));
        Ok(self.records.get(key.as_bytes())?.is_some())
    }

    /// The records under a prefix, from a key on (in the direction of the scan), read as they are asked
    /// for. A `from` outside the prefix stands for the end that it lies beyond.
    pub fn scan<R: Record>(
        &self,
        prefix: &Prefix,
        from: Bound<&Key>,
        direction: Direction,
    ) -> impl Iterator<Item = Result<(Key, R), StoreError>> + use<'a, R> {
        self.entries(prefix, from, direction).map(|entry| {
            let (key, bytes) = entry?;
            let key = Key::from_bytes(key);
            let record = record::decode(&key, &bytes)?;
            Ok((key, record))
        })
    }

    /// The same without looking at the records.
    pub fn scan_keys(
        &self,
        prefix: &Prefix,
        from: Bound<&Key>,
        direction: Direction,
    ) -> impl Iterator<Item = Result<Key, StoreError>> + use<'a> {
        self.entries(prefix, from, direction).map(|entry| Ok(Key::from_bytes(entry?.0)))
    }

    fn entries(&self, prefix: &Prefix, from: Bound<&Key>, direction: Direction) -> Entries<'a> {
        let past = prefix.past();
        let (start, end) = (prefix.as_bytes(), past.as_bytes());
        let from = from.map(Key::as_bytes);
        let bounds = match direction {
            Direction::Forward => {
                let lower = match from {
                    Bound::Included(key) | Bound::Excluded(key) if key < start => Bound::Included(start),
                    Bound::Included(key) | Bound::Excluded(key) if key >= end => return nothing(),
                    Bound::Unbounded => Bound::Included(start),
                    within => within,
                };
                (lower, Bound::Excluded(end))
            }
            Direction::Backward => {
                let upper = match from {
                    Bound::Included(key) | Bound::Excluded(key) if key >= end => Bound::Excluded(end),
                    Bound::Included(key) if key < start => return nothing(),
                    Bound::Excluded(key) if key <= start => return nothing(),
                    Bound::Unbounded => Bound::Excluded(end),
                    within => within,
                };
                (Bound::Included(start), upper)
            }
        };
        self.saw(self.recent.has_within(bounds.0, bounds.1));
        self.records.range((bounds.0.map(<[u8]>::to_vec), bounds.1.map(<[u8]>::to_vec)), direction)
    }
}

fn nothing<'a>() -> Entries<'a> {
    Box::new(std::iter::empty())
}
