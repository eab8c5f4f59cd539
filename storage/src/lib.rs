//! Durable records and blobs: nothing acknowledged is lost.
//!
//! Start reading at [`Store`], which says what is promised, and at [`keys`], which says where everything
//! lies. Below them: the committer (group commit), `disk` (sled, and the discipline that makes it safe),
//! `blobs` (files) and `data_dir` (whose folder it is). No type of the database shows through.

mod store;

mod batch;
pub mod keys;
mod record;
mod transition;
mod view;

mod committer;
mod recent;
mod ticket;

mod disk;
mod records;

mod blobs;
mod data_dir;
mod error;
mod free_space;
#[cfg(test)]
mod golden_tests;

pub use batch::Batch;
pub use blobs::{BlobId, BlobReader, BlobWriter, Blobs};
pub use error::{NoSpace, OpenError, StoreError};
pub use keys::{Key, Prefix};
pub use record::Record;
pub use records::Direction;
pub use store::{OpenOptions, Store};
pub use ticket::Ticket;
pub use transition::{
    ActionPointer, ContextRecord, EventsRecord, ExecutionEntry, LiveEntry, Mark, NameEntry, TagsRecord,
    TokenEntry,
};
pub use view::View;
