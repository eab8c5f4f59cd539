//! Multipart uploads from their beginning to their parts; [`super::completion`] ends them.

use std::ops::Bound;

use penstock_engine::time::Timestamp;
use penstock_storage::keys::s3 as keys;
use penstock_storage::{Batch, BlobId, Direction, StoreError, View};

use super::checksums::{Algorithm, Kind, Sums};
use crate::companions::wall_clock;

use super::identity;
use super::names;
use super::reading::GetObject;
use super::records::{Attributes, PartRecord, Piece, UploadRecord};
use super::refusal::Refusal;
use super::service::{Requester, S3};
use super::staging::{self, Incoming};
use super::writing;

/// Parts that an upload may have.
pub const MOST_PARTS: u32 = 10_000;

/// What CreateMultipartUpload is given.
#[derive(Clone, Debug, Default)]
pub struct CreateUpload {
    /// The object that it will be.
    pub key: String,
    /// All that is said of the object.
    pub attributes: Attributes,
    /// The checksum that the parts will carry.
    pub algorithm: Option<Algorithm>,
    /// What the object's checksum shall cover.
    pub kind: Option<Kind>,
}

/// A part that was stored.
#[derive(Clone, Debug)]
pub struct StoredPart {
    /// The MD5 of its bytes, hexadecimal.
    pub etag: String,
    /// When.
    pub modified: Timestamp,
    /// Its checksums.
    pub sums: Sums,
    /// The upload that it belongs to.
    pub upload: UploadRecord,
    /// The version id of a copied part's source.
    pub source_version: Option<String>,
}

impl S3 {
    /// CreateMultipartUpload.
    pub async fn create_upload(
        &self,
        requester: &Requester,
        bucket: &str,
        request: CreateUpload,
    ) -> Result<UploadRecord, Refusal> {
        names::check_key(&request.key)?;
        writing::check_attributes(&request.attributes)?;
        check_kind(request.algorithm, request.kind)?;
        self.store.accepts_data().map_err(|_| Refusal::no_space())?;
        let held = self.shared(requester, bucket).await?;
        let upload = UploadRecord {
            key: request.key,
            upload: identity::opaque(self.sequence.next()),
            owner: requester.account.clone(),
            initiated: wall_clock::now(),
            algorithm: request.algorithm,
            kind: request.kind,
            attributes: writing::complete(request.attributes, &held),
        };
        let mut batch = Batch::new();
        batch.put(keys::upload(bucket, &upload.key, &upload.upload), &upload);
        self.commit(batch, held, Vec::new()).await?;
        Ok(upload)
    }

    /// UploadPart.
    pub async fn upload_part(
        &self,
        requester: &Requester,
        bucket: &str,
        key: &str,
        upload: &str,
        number: u32,
        incoming: Incoming,
    ) -> Result<StoredPart, Refusal> {
        check_number(number)?;
        let held = self.shared(requester, bucket).await?;
        let record = self.upload(bucket, key, upload).await?;
        drop(held);
        if let (Some(wanted), Some(sent)) = (record.algorithm, incoming.algorithm)
            && wanted != sent
        {
            return Err(Refusal::invalid_request(format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                wanted.name().to_lowercase(),
                sent.name().to_lowercase()
            )));
        }
        let staged = staging::stage(&self.store, incoming, [computed(&record)]).await?;
        let held = self.shared(requester, bucket).await?;
        let uploading = self.upload_lock(upload).read_owned().await;
        let part = self.key_lock(upload, &number.to_string()).write_owned().await;
        // It may have ended while the part came in.
        let (record, doomed) = self
            .store
            .read(|view| {
                let record = view.get::<UploadRecord>(&keys::upload(bucket, key, upload))?;
                let replaced = view.get::<PartRecord>(&keys::part(upload, number))?;
                Ok((record, replaced.and_then(|part| part.piece.data.blob().copied())))
            })
            .await?;
        let record = record.ok_or_else(|| Refusal::no_such_upload(upload))?;
        let (etag, size, sums) = (staged.md5.clone(), staged.size, staged.sums.clone());
        let mut batch = Batch::new();
        let data = staged.settle(&self.store).await?.keep(&mut batch);
        // No waiting from here to the commit, as in `store_object`.
        let piece = Piece { number, size, sums: sums.clone(), data };
        let stored = PartRecord { etag: etag.clone(), modified: wall_clock::now(), piece };
        batch.put(keys::part(upload, number), &stored);
        let durable = self.commit(batch, (held, uploading, part), doomed.into_iter().collect());
        durable.await?;
        Ok(StoredPart { etag, modified: stored.modified, sums, upload: record, source_version: None })
    }

    /// UploadPartCopy.
    #[expect(clippy::too_many_arguments, reason = "the operation has these parameters")]
    pub async fn upload_part_copy(
        &self,
        requester: &Requester,
        bucket: &str,
        key: &str,
        upload: &str,
        number: u32,
        source_bucket: &str,
        source_owner: Option<String>,
        source: GetObject,
    ) -> Result<StoredPart, Refusal> {
        check_number(number)?;
        let (found, body) = self.copy_source(requester, source_owner, source_bucket, source).await?;
        let incoming = Incoming::unchecked(body);
        let mut stored = self.upload_part(requester, bucket, key, upload, number, incoming).await?;
        stored.source_version = found.version;
        Ok(stored)
    }

    /// AbortMultipartUpload: nothing of it stays.
    pub async fn abort_upload(
        &self,
        requester: &Requester,
        bucket: &str,
        key: &str,
        upload: &str,
    ) -> Result<(), Refusal> {
        let held = self.shared(requester, bucket).await?;
        let alone = self.upload_lock(upload).write_owned().await;
        self.upload(bucket, key, upload).await?;
        let (mut batch, doomed, _) = self.store.read(|view| take_parts(view, upload)).await?;
        batch.delete(keys::upload(bucket, key, upload));
        self.commit(batch, (held, alone), doomed).await
    }

    /// The upload, for those who hold its bucket.
    pub(super) async fn upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
    ) -> Result<UploadRecord, Refusal> {
        names::check_key(key)?;
        let found = self.store.read(|view| view.get(&keys::upload(bucket, key, upload))).await?;
        found.ok_or_else(|| Refusal::no_such_upload(upload))
    }
}

/// All parts of an upload, the batch that removes their records, and their blobs.
pub(super) fn take_parts(
    view: &View<'_>,
    upload: &str,
) -> Result<(Batch, Vec<BlobId>, Vec<PartRecord>), StoreError> {
    let (mut batch, mut blobs, mut parts) = (Batch::new(), Vec::new(), Vec::new());
    for entry in view.scan::<PartRecord>(&keys::parts(upload), Bound::Unbounded, Direction::Forward) {
        let (key, part) = entry?;
        batch.delete(key);
        blobs.extend(part.piece.data.blob().copied());
        parts.push(part);
    }
    Ok((batch, blobs, parts))
}

/// The checksum that every part gets, so that the object can have one.
pub(super) fn computed(upload: &UploadRecord) -> Algorithm {
    upload.algorithm.unwrap_or(Algorithm::Crc64nvme)
}

fn check_number(number: u32) -> Result<(), Refusal> {
    if (1..=MOST_PARTS).contains(&number) {
        return Ok(());
    }
    Err(Refusal::invalid_argument(
        "Part number must be an integer between 1 and 10000, inclusive",
        "partNumber",
        &number.to_string(),
    ))
}

fn check_kind(algorithm: Option<Algorithm>, kind: Option<Kind>) -> Result<(), Refusal> {
    let refuse = |kind: Kind, algorithm: Algorithm| {
        Err(Refusal::invalid_request(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            kind.name(),
            algorithm.name().to_lowercase()
        )))
    };
    match (algorithm, kind) {
        (None, Some(_)) => Err(Refusal::invalid_request(
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
        )),
        (Some(algorithm), Some(Kind::FullObject)) if !algorithm.is_linear() => {
            refuse(Kind::FullObject, algorithm)
        }
        (Some(Algorithm::Crc64nvme), Some(Kind::Composite)) => refuse(Kind::Composite, Algorithm::Crc64nvme),
        _ => Ok(()),
    }
}
