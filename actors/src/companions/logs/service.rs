//! Log groups and streams: their records, and where their files are.

use std::ops::Bound;
use std::path::PathBuf;

use penstock_engine::time::Timestamp;
use penstock_storage::keys::builds as keys;
use penstock_storage::{Batch, Direction, Record, Store, StoreError, View};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::golden::form;

/// AWS's errors that Logs raises here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the AWS error of the same name; the API reference documents them")]
pub enum RefusalKind {
    ResourceNotFound,
    InvalidParameter,
    /// A fault of ours; the message is for the log only.
    Internal,
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Which of AWS's errors.
    pub kind: RefusalKind,
    /// The text for the caller.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(RefusalKind::Internal, error.to_string())
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::new(RefusalKind::Internal, format!("a log file: {error}"))
    }
}

/// A log group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
}

impl Record for Group {
    const VERSION: u8 = 1;
}

form!(log_group_keeps_its_form: Group);

/// A log stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
}

impl Record for Stream {
    const VERSION: u8 = 1;
}

form!(log_stream_keeps_its_form: Stream);

/// CloudWatch Logs.
#[derive(Clone)]
pub struct Logs {
    store: Store,
    folder: PathBuf,
}

impl Logs {
    /// With records in that store and files in that folder.
    pub fn new(store: Store, folder: PathBuf) -> Self {
        Self { store, folder }
    }

    /// Where a stream's events are. Names may be as long as no file's name can be.
    pub fn path(&self, account: &str, region: &str, group: &str, stream: &str) -> PathBuf {
        let hashed = |text: String| hex::encode(Sha256::digest(text.as_bytes()));
        self.folder.join(hashed(format!("{account}/{region}/{group}"))).join(hashed(stream.to_owned()))
    }

    /// The records of a new stream, and of its group if there is none.
    pub fn add_stream(
        &self,
        view: &View<'_>,
        batch: &mut Batch,
        place: (&str, &str),
        group: &str,
        stream: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (account, region) = place;
        let key = keys::log_group(account, region, group);
        if !view.contains(&key)? {
            batch.put(key, &Group { name: group.to_owned(), created: now });
        }
        let key = keys::log_stream(account, region, group, stream);
        if !view.contains(&key)? {
            batch.put(key, &Stream { name: stream.to_owned(), created: now });
        }
        Ok(())
    }

    /// Whether there is that group.
    pub async fn has_group(&self, account: &str, region: &str, name: &str) -> Result<bool, StoreError> {
        self.store.read(|view| view.contains(&keys::log_group(account, region, name))).await
    }

    /// The groups whose names begin so.
    pub async fn groups(&self, account: &str, region: &str, prefix: &str) -> Result<Vec<Group>, Refusal> {
        let scanned = self.store.read(|view| {
            view.scan::<Group>(&keys::log_groups(account, region), Bound::Unbounded, Direction::Forward)
                .map(|entry| entry.map(|(_, group)| group))
                .filter(|group| group.as_ref().map_or(true, |group| group.name.starts_with(prefix)))
                .collect::<Result<Vec<_>, _>>()
        });
        let mut groups = scanned.await?;
        groups.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(groups)
    }

    /// The streams of a group whose names begin so.
    pub async fn streams(
        &self,
        account: &str,
        region: &str,
        group: &str,
        prefix: &str,
    ) -> Result<Vec<Stream>, Refusal> {
        let scanned = self.store.read(|view| {
            if !view.contains(&keys::log_group(account, region, group))? {
                return Ok(None);
            }
            view.scan::<Stream>(
                &keys::log_streams(account, region, group),
                Bound::Unbounded,
                Direction::Forward,
            )
            .map(|entry| entry.map(|(_, stream)| stream))
            .filter(|stream| stream.as_ref().map_or(true, |stream| stream.name.starts_with(prefix)))
            .collect::<Result<Vec<_>, StoreError>>()
            .map(Some)
        });
        let mut streams: Vec<Stream> = scanned.await?.ok_or_else(no_group)?;
        streams.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(streams)
    }

    /// That a stream is there.
    pub(super) async fn require(
        &self,
        account: &str,
        region: &str,
        group: &str,
        stream: &str,
    ) -> Result<(), Refusal> {
        let look = self.store.read(|view| {
            Ok::<_, StoreError>((
                view.contains(&keys::log_group(account, region, group))?,
                view.contains(&keys::log_stream(account, region, group, stream))?,
            ))
        });
        match look.await? {
            (true, true) => Ok(()),
            (false, _) => Err(no_group()),
            (true, false) => {
                Err(Refusal::new(RefusalKind::ResourceNotFound, "The specified log stream does not exist."))
            }
        }
    }
}

fn no_group() -> Refusal {
    Refusal::new(RefusalKind::ResourceNotFound, "The specified log group does not exist.")
}
