//! The two homes of records, memory and disk, behind the few things that the store asks of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::batch::Write;
use crate::disk::Disk;
use crate::error::StoreError;

/// Everything that was applied.
pub(crate) enum Records {
    Memory(BTreeMap<Vec<u8>, Vec<u8>>),
    Disk(Arc<Disk>),
}

/// A key and a value as they lie there.
pub(crate) type Entry<'a> = (Vec<u8>, Cow<'a, [u8]>);
type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Entries in the order asked for, fetched one by one.
pub(crate) type Entries<'a> = Box<dyn Iterator<Item = Result<Entry<'a>, StoreError>> + 'a>;

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// In key order.
    Forward,
    /// Against it.
    Backward,
}

impl Records {
    /// Applies the writes in their order, later ones over earlier ones, all or none.
    pub(crate) fn apply(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        match self {
            Self::Memory(map) => {
                for (key, value) in writes {
                    match value {
                        Some(value) => map.insert(key.into_bytes(), value),
                        None => map.remove(key.as_bytes()),
                    };
                }
                Ok(())
            }
            Self::Disk(disk) => disk.apply(writes),
        }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, StoreError> {
        match self {
            Self::Memory(map) => Ok(map.get(key).map(|value| Cow::Borrowed(value.as_slice()))),
            Self::Disk(disk) => Ok(disk.get(key)?.map(Cow::Owned)),
        }
    }

    /// The entries within the bounds; the lower one must not lie above the upper one.
    pub(crate) fn range(&self, bounds: Bounds, direction: Direction) -> Entries<'_> {
        match self {
            Self::Memory(map) => {
                let entries =
                    map.range(bounds).map(|(key, value)| Ok((key.clone(), Cow::Borrowed(value.as_slice()))));
                match direction {
                    Direction::Forward => Box::new(entries),
                    Direction::Backward => Box::new(entries.rev()),
                }
            }
            Self::Disk(disk) => disk.range(bounds, direction),
        }
    }
}
