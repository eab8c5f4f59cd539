//! State changes as others follow them: numbered by the store, shown only when durable, in EventBridge's form.
//!
//! Read in this order: `place` (where an event stands), `feed` (all events after a place), `delivery` (a feed that is
//! sent on to a `destination`, at least once each).

mod place;

mod feed;

mod delivery;
mod destination;

pub use delivery::{Delivery, UnknownEnd};
pub use destination::Destination;
pub use feed::{Feed, News, Sent};
pub use place::{NoPlace, Place};
