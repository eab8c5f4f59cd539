//! CloudWatch Logs: what builds say, written to files and read while it is being written.

mod file;
mod reading;
mod service;

pub use file::{Event, LogWriter};
pub use reading::{Events, Filter, FilteredEvent, Query};
pub use service::{Group, Logs, Refusal, RefusalKind, Stream};
