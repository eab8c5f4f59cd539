//! Finding versions and putting new ones in front.

use std::ops::Bound;

use penstock_engine::pipeline::ObjectVersion;
use penstock_storage::keys::s3 as keys;
use penstock_storage::{Batch, BlobId, Direction, StoreError, View};

use crate::companions::wall_clock;

use super::identity::{self, NULL_VERSION};
use super::records::{
    BucketRecord, Content, ContentRecord, Data, ObjectRecord, Piece, State, VersionRecord, Versioning,
};
use super::refusal::Refusal;
use super::service::S3;

/// What lies at the key at the moment: an object, a delete marker, or nothing.
pub(super) fn newest(view: &View<'_>, bucket: &str, key: &str) -> Result<Option<VersionRecord>, StoreError> {
    view.scan(&keys::versions(bucket, key), Bound::Unbounded, Direction::Forward)
        .next()
        .transpose()
        .map(|entry| entry.map(|(_, version)| version))
}

/// The version with that id.
pub(super) fn by_id(
    view: &View<'_>,
    bucket: &str,
    key: &str,
    id: &str,
) -> Result<Option<VersionRecord>, StoreError> {
    if id == NULL_VERSION {
        for entry in
            view.scan::<VersionRecord>(&keys::versions(bucket, key), Bound::Unbounded, Direction::Forward)
        {
            let (_, version) = entry?;
            if version.version == NULL_VERSION {
                return Ok(Some(version));
            }
        }
        return Ok(None);
    }
    let Some(sequence) = identity::sequence_of(id) else { return Ok(None) };
    let found = view.get::<VersionRecord>(&keys::object(bucket, key, sequence))?;
    Ok(found.filter(|version| version.version == id))
}

/// Refuses ids that cannot be a version's.
pub(super) fn check_version_id(id: Option<&str>) -> Result<(), Refusal> {
    match id {
        Some(id) if id != NULL_VERSION && identity::sequence_of(id).is_none() => {
            Err(Refusal::invalid_argument("Invalid version id specified", "versionId", id))
        }
        _ => Ok(()),
    }
}

/// The version that a read is about, or AWS's refusal.
pub(super) fn wanted(
    found: Option<VersionRecord>,
    key: &str,
    id: Option<&str>,
) -> Result<(VersionRecord, ObjectRecord), Refusal> {
    let missing = || match id {
        Some(id) => Refusal::no_such_version(key, id),
        None => Refusal::no_such_key(key),
    };
    let version = found.ok_or_else(missing)?;
    match (&version.state, id) {
        (State::Object(object), _) => {
            let object = object.as_ref().clone();
            Ok((version, object))
        }
        (State::DeleteMarker, None) => Err(Refusal::no_such_key(key).from_delete_marker(version.version)),
        (State::DeleteMarker, Some(_)) => Err(Refusal::new(
            "MethodNotAllowed",
            405,
            "The specified method is not allowed against this resource.",
        )
        .with("Method", "GET")
        .with("ResourceType", "DeleteMarker")
        .from_delete_marker(version.version)),
    }
}

/// A version leaves: its record goes with the batch, its blobs once that is durable.
pub(super) fn remove(
    view: &View<'_>,
    bucket: &str,
    version: &VersionRecord,
    batch: &mut Batch,
) -> Result<Vec<BlobId>, StoreError> {
    batch.delete(keys::object(bucket, &version.key, version.sequence));
    match version.object().map(|object| &object.content) {
        Some(Content::Blob(blob)) => Ok(vec![*blob]),
        Some(Content::Record) => {
            let key = keys::content(version.sequence);
            let content = view.get::<ContentRecord>(&key)?.unwrap_or_default();
            batch.delete(key);
            Ok(content.pieces.into_iter().filter_map(|piece| piece.data.blob().copied()).collect())
        }
        Some(Content::Empty) | None => Ok(Vec::new()),
    }
}

/// How a new version comes into a bucket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Under an id of its own, beside whatever is there.
    Beside,
    /// As `null`, in the place of the `null` there is.
    ReplacingNull,
}

impl Arrival {
    pub(super) fn into(bucket: &BucketRecord) -> Self {
        match bucket.versioning {
            Some(Versioning::Enabled) => Self::Beside,
            Some(Versioning::Suspended) | None => Self::ReplacingNull,
        }
    }
}

impl S3 {
    /// The newest version of an object in a bucket that keeps versions, if that is not a delete marker.
    pub async fn newest_version(&self, bucket: &str, key: &str) -> Option<ObjectVersion> {
        let slot = self.slot(bucket)?;
        if slot.read().await.as_ref()?.versioning != Some(Versioning::Enabled) {
            return None;
        }
        let found = self.store.read(|view| newest(view, bucket, key)).await;
        let version =
            found.inspect_err(|error| tracing::error!(%error, "an object cannot be read")).ok()??;
        let etag = version.object()?.etag.clone();
        let is_versioned = version.version != NULL_VERSION;
        is_versioned.then(|| ObjectVersion {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version: version.version,
            etag,
            modified: version.modified,
        })
    }

    /// A new version in front of all others, and the batch that stores it.
    pub(super) fn arrive(
        &self,
        bucket: &str,
        key: &str,
        arrival: Arrival,
        state: State,
        pieces: Option<Vec<Piece>>,
    ) -> (VersionRecord, Batch) {
        let sequence = self.sequence.next();
        let version = match arrival {
            Arrival::Beside => identity::opaque(sequence),
            Arrival::ReplacingNull => NULL_VERSION.into(),
        };
        let record = VersionRecord { key: key.into(), version, sequence, modified: wall_clock::now(), state };
        let mut batch = Batch::new();
        batch.put(keys::object(bucket, key, sequence), &record);
        if let Some(pieces) = pieces {
            batch.put(keys::content(sequence), &ContentRecord { pieces });
        }
        (record, batch)
    }
}

/// Where an object's bytes are said to be, and the pieces to keep beside its record.
pub(super) fn place(size: u64, data: Data) -> (Content, Option<Vec<Piece>>) {
    match data {
        _ if size == 0 => (Content::Empty, None),
        Data::Blob(blob) => (Content::Blob(blob), None),
        data => (Content::Record, Some(vec![Piece { number: 1, size, sums: Default::default(), data }])),
    }
}

/// The `null` version, given what is newest: mostly that one itself.
pub(super) fn null(
    view: &View<'_>,
    bucket: &str,
    key: &str,
    newest: Option<VersionRecord>,
) -> Result<Option<VersionRecord>, StoreError> {
    match newest {
        None => Ok(None),
        Some(version) if version.version == NULL_VERSION => Ok(Some(version)),
        Some(_) => by_id(view, bucket, key, NULL_VERSION),
    }
}

/// Every version of a key leaves.
pub(super) fn remove_all(
    view: &View<'_>,
    bucket: &str,
    key: &str,
) -> Result<(Batch, Vec<BlobId>), StoreError> {
    let (mut batch, mut doomed) = (Batch::new(), Vec::new());
    for entry in
        view.scan::<VersionRecord>(&keys::versions(bucket, key), Bound::Unbounded, Direction::Forward)
    {
        let (_, version) = entry?;
        doomed.extend(remove(view, bucket, &version, &mut batch)?);
    }
    Ok((batch, doomed))
}
