//! What can go wrong with a look, a blob or the folder. A failed write is not here: it ends the process.

use std::io;
use std::path::PathBuf;

use crate::blobs::BlobId;
use crate::keys::Key;

/// A read, or the work on a blob, that failed. Nothing that a client can cause.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A record of a newer Penstock.
    #[error(
        "record {key} has format {found}, this penstock knows formats up to {known}: \
         start the newer penstock that wrote it"
    )]
    Newer {
        /// Where it lies.
        key: Key,
        /// The format it has.
        found: u8,
        /// The newest format known here.
        known: u8,
    },
    /// A record that does not have the form it should have.
    #[error("record {key} cannot be read: {reason}")]
    Unreadable {
        /// Where it lies.
        key: Key,
        /// Why it cannot be read.
        reason: String,
    },
    /// A record that another one names is not there.
    #[error("record {key} is missing")]
    Missing {
        /// Where it should lie.
        key: Key,
    },
    /// The record database refused.
    #[error("the record database failed: {0}")]
    Database(String),
    /// There is no such blob.
    #[error("there is no blob {0}")]
    NoBlob(BlobId),
    /// A blob's writer whose last write was given up, so that nobody knows what it holds.
    #[error("the blob is incomplete: an earlier write to it did not end")]
    Interrupted,
    /// The file system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the path.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    /// A record that another one names is not there.
    pub fn missing(key: &Key) -> Self {
        Self::Missing { key: key.clone() }
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// Why a data folder was not opened. Each one is the whole sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another daemon has it.
    #[error(
        "data folder {} is in use by another penstock: stop that one, or give this one a folder of its own",
        .0.display()
    )]
    InUse(PathBuf),
    /// A newer Penstock made it.
    #[error(
        "data folder {} has format {found}, made by a newer penstock, and this one knows formats up to \
         {known}: start the newer penstock, or give this one a folder of its own", .folder.display()
    )]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// The format it has.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// Something else lives there.
    #[error(
        "folder {} is not empty and not a penstock data folder, so it is left alone: \
         give an empty folder or one that does not exist yet", .0.display()
    )]
    NotPenstock(PathBuf),
    /// The system does not let us write there.
    #[error(
        "cannot write to data folder {}: {source}: change its permissions or give another folder",
        .folder.display()
    )]
    NotWritable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database in it does not open.
    #[error(
        "the records in {} cannot be opened: {reason}: restore the folder from a copy, or give another folder",
        .folder.display()
    )]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What the database said.
        reason: String,
    },
}

/// The disk is nearly full, so nothing that grows is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "only {} MiB are free on the disk of data folder {}, and {} MiB are kept in reserve: free some space",
    .free >> 20, .folder.display(), .reserve >> 20
)]
pub struct NoSpace {
    /// The data folder.
    pub folder: PathBuf,
    /// Bytes that are free.
    pub free: u64,
    /// Bytes that have to stay free.
    pub reserve: u64,
}
