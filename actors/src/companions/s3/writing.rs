//! PutObject: stage the bytes, then put a version in front.

use std::sync::Arc;

use penstock_storage::{Batch, BlobId};

use super::checksums::{Algorithm, Checksum, Kind};
use super::conditions::WriteConditions;
use super::event;
use super::names;
use super::records::{
    Attributes, BucketRecord, Content, ObjectRecord, Piece, State, VersionRecord, Versioning,
};
use super::refusal::Refusal;
use super::service::{Requester, S3, Shared};
use super::staging::{self, Incoming, Staged};
use super::versions::{self, Arrival};

/// Bytes of all names and values of `x-amz-meta-*` together.
const LARGEST_METADATA: usize = 2048;

/// What PutObject is given.
pub struct PutObject {
    /// The object's key.
    pub key: String,
    /// What it must meet at the key.
    pub conditions: WriteConditions,
    /// All that is said of it.
    pub attributes: Attributes,
    /// Its bytes.
    pub incoming: Incoming,
}

/// A version that was stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its record.
    pub record: VersionRecord,
    /// The object in it.
    pub object: ObjectRecord,
    /// Its id, if the bucket has ever had versioning.
    pub version: Option<String>,
}

impl S3 {
    /// PutObject.
    pub async fn put_object(
        &self,
        requester: &Requester,
        bucket: &str,
        request: PutObject,
    ) -> Result<Stored, Refusal> {
        names::check_key(&request.key)?;
        check_attributes(&request.attributes)?;
        // Refused before the body is read; what is decided here is asked again when the body is there.
        drop(self.shared(requester, bucket).await?);
        let algorithm = request.incoming.algorithm.unwrap_or(Algorithm::Crc64nvme);
        let staged = staging::stage(&self.store, request.incoming, [algorithm]).await?;
        let checksum = staged.sums.get(&algorithm).map(|value| Checksum {
            algorithm,
            value: value.clone(),
            kind: Kind::FullObject,
        });
        let held = self.shared(requester, bucket).await?;
        let object = ObjectRecord {
            owner: requester.account.clone(),
            size: staged.size,
            etag: staged.md5.clone(),
            content: Content::Empty,
            checksum,
            parts: None,
            attributes: complete(request.attributes, &held),
        };
        self.store_object(held, &request.key, &request.conditions, object, Source::Staged(staged)).await
    }

    /// Puts an object in front of whatever is at its key.
    pub(super) async fn store_object(
        &self,
        held: Shared,
        key: &str,
        conditions: &WriteConditions,
        mut object: ObjectRecord,
        source: Source,
    ) -> Result<Stored, Refusal> {
        let bucket = held.name.clone();
        let versioned = held.versioning.is_some();
        let arrival = Arrival::into(&held);
        let lock = self.key_lock(&bucket, key);
        let blind = conditions.is_empty() && arrival == Arrival::Beside;
        let (guard, removed) = if blind {
            (KeyGuard::Shared(lock.read_owned().await), (Batch::new(), Vec::new()))
        } else {
            let guard = KeyGuard::Alone(lock.write_owned().await);
            (guard, self.make_room(&bucket, key, arrival, conditions).await?)
        };
        let (mut removals, mut doomed) = removed;
        let mut uploading = None;
        let reason = source.operation();
        let (content, pieces) = match source {
            Source::Staged(staged) | Source::Copied(staged) => {
                let size = staged.size;
                let settled = staged.settle(&self.store).await?;
                versions::place(size, settled.keep(&mut removals))
            }
            Source::Parts { pieces, consumed, unused, upload } => {
                removals.append(consumed);
                doomed.extend(unused);
                uploading = Some(upload);
                (Content::Record, Some(pieces))
            }
        };
        // No waiting from here to the commit: until its record is queued, nobody else knows the blob.
        object.content = content;
        let state = State::Object(Box::new(object.clone()));
        let (record, mut batch) = self.arrive(&bucket, key, arrival, state, pieces);
        batch.append(removals);
        // Told by the commit's own task: the client may go away before it is durable.
        let emitted = event::created(&held, &record, &object, reason).map(|event| event.put(&mut batch));
        let bell = emitted.and_then(|_| self.event_bell.get().cloned());
        let (observer, of) = (Arc::clone(&self.observer), key.to_owned());
        let durable = self.commit_then(batch, (held, uploading, guard), doomed, move |_| {
            if let Some(observer) = observer.get() {
                observer(&bucket, &of);
            }
            if let Some(bell) = bell {
                bell.notify_one();
            }
        });
        durable.await?;
        let version = versioned.then(|| record.version.clone());
        Ok(Stored { record, object, version })
    }

    /// Checks the conditions and removes what a new `null` version replaces.
    pub(super) async fn make_room(
        &self,
        bucket: &str,
        key: &str,
        arrival: Arrival,
        conditions: &WriteConditions,
    ) -> Result<(Batch, Vec<BlobId>), Refusal> {
        self.store
            .read(|view| {
                let newest = versions::newest(view, bucket, key)?;
                if let Err(refusal) = conditions.check(key, newest.as_ref()) {
                    return Ok(Err(refusal));
                }
                let mut batch = Batch::new();
                let replaced = match arrival {
                    Arrival::Beside => None,
                    Arrival::ReplacingNull => versions::null(view, bucket, key, newest)?,
                };
                let doomed = match replaced {
                    Some(version) => versions::remove(view, bucket, &version, &mut batch)?,
                    None => Vec::new(),
                };
                Ok(Ok((batch, doomed)))
            })
            .await?
    }
}

/// Where a new object's bytes come from.
pub(super) enum Source {
    /// A request's body.
    Staged(Staged),
    /// Another object.
    Copied(Staged),
    /// Parts that are stored already.
    Parts {
        /// Those that make the object.
        pieces: Vec<Piece>,
        /// The removal of the records that name them until now.
        consumed: Batch,
        /// The blobs of those that do not.
        unused: Vec<BlobId>,
        /// The upload, held alone.
        upload: tokio::sync::OwnedRwLockWriteGuard<()>,
    },
}

impl Source {
    /// Which operation brings the object.
    fn operation(&self) -> &'static str {
        match self {
            Self::Staged(_) => "PutObject",
            Self::Copied(_) => "CopyObject",
            Self::Parts { .. } => "CompleteMultipartUpload",
        }
    }
}

/// Holds a key.
#[expect(dead_code, reason = "held for its drop")]
pub(super) enum KeyGuard {
    Shared(tokio::sync::OwnedRwLockReadGuard<()>),
    Alone(tokio::sync::OwnedRwLockWriteGuard<()>),
}

/// What the writer did not say is as the bucket has it.
pub(super) fn complete(mut attributes: Attributes, bucket: &BucketRecord) -> Attributes {
    attributes.encryption.get_or_insert_with(|| bucket.default_encryption.clone());
    attributes.content_type.get_or_insert_with(|| "binary/octet-stream".into());
    attributes
}

/// AWS's limits on what is said of an object.
pub(super) fn check_attributes(attributes: &Attributes) -> Result<(), Refusal> {
    let size: usize = attributes.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > LARGEST_METADATA {
        return Err(Refusal::new(
            "MetadataTooLarge",
            400,
            "Your metadata headers exceed the maximum allowed metadata size",
        )
        .with("Size", size.to_string())
        .with("MaxSizeAllowed", LARGEST_METADATA.to_string()));
    }
    if let Some(class) = &attributes.storage_class
        && !STORAGE_CLASSES.contains(&class.as_str())
    {
        return Err(Refusal::new("InvalidStorageClass", 400, "The storage class you specified is not valid")
            .with("StorageClassRequested", class));
    }
    if let Some(encryption) = &attributes.encryption {
        check_encryption(&encryption.algorithm)?;
    }
    super::tagging::check(&attributes.tags, super::tagging::OBJECT_TAGS)
}

/// AWS's server-side encryptions.
pub fn check_encryption(algorithm: &str) -> Result<(), Refusal> {
    if ["AES256", "aws:kms", "aws:kms:dsse"].contains(&algorithm) {
        return Ok(());
    }
    Err(Refusal::new(
        "InvalidEncryptionAlgorithmError",
        400,
        "The encryption method specified is not supported",
    ))
}

const STORAGE_CLASSES: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
];

/// Whether the bucket shows version ids.
pub(super) fn shown_version(bucket: &BucketRecord, record: &VersionRecord) -> Option<String> {
    match bucket.versioning {
        Some(Versioning::Enabled | Versioning::Suspended) => Some(record.version.clone()),
        None => None,
    }
}
