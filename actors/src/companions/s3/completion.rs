//! CompleteMultipartUpload: the parts become one object without their bytes being moved.

use penstock_storage::keys::s3 as keys;

use super::checksums::{self, Checksum, Kind, Sums};
use super::conditions::WriteConditions;
use super::multipart;
use super::records::{Content, ObjectRecord, PartRecord, UploadRecord};
use super::refusal::Refusal;
use super::service::{Requester, S3};
use super::writing::{Source, Stored};

/// The smallest part that is not the last one.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;

/// What CompleteMultipartUpload is given.
#[derive(Clone, Debug, Default)]
pub struct CompleteUpload {
    /// The object's key.
    pub key: String,
    /// The upload.
    pub upload: String,
    /// The parts that make the object.
    pub parts: Vec<ListedPart>,
    /// What the object must meet at its key.
    pub conditions: WriteConditions,
    /// Checksums that the client expects of the object.
    pub expected: Sums,
    /// The size that the client expects of the object.
    pub size: Option<u64>,
}

/// A part as the client lists it.
#[derive(Clone, Debug, Default)]
pub struct ListedPart {
    /// Its number.
    pub number: u32,
    /// Its ETag without the quotes.
    pub etag: String,
    /// Its checksums as far as the client says them.
    pub sums: Sums,
}

impl S3 {
    /// CompleteMultipartUpload.
    pub async fn complete_upload(
        &self,
        requester: &Requester,
        bucket: &str,
        request: CompleteUpload,
    ) -> Result<Stored, Refusal> {
        check_order(&request.parts)?;
        let held = self.shared(requester, bucket).await?;
        let alone = self.upload_lock(&request.upload).write_owned().await;
        let upload = self.upload(bucket, &request.key, &request.upload).await?;
        let (mut consumed, blobs, stored) =
            self.store.read(|view| multipart::take_parts(view, &request.upload)).await?;
        consumed.delete(keys::upload(bucket, &request.key, &request.upload));
        let parts = choose(&request, stored)?;
        let object = assemble(&upload, &request, &parts)?;
        let pieces: Vec<_> = parts.into_iter().map(|part| part.piece).collect();
        let unused = blobs
            .into_iter()
            .filter(|blob| !pieces.iter().any(|piece| piece.data.blob() == Some(blob)))
            .collect();
        let source = Source::Parts { pieces, consumed, unused, upload: alone };
        self.store_object(held, &request.key, &request.conditions, object, source).await
    }
}

fn check_order(parts: &[ListedPart]) -> Result<(), Refusal> {
    if parts.is_empty() {
        return Err(Refusal::new(
            "MalformedXML",
            400,
            "The XML you provided was not well-formed or did not validate against our published schema",
        ));
    }
    let ascending = parts.iter().zip(parts.iter().skip(1)).all(|(part, next)| part.number < next.number);
    if ascending {
        return Ok(());
    }
    Err(Refusal::new(
        "InvalidPartOrder",
        400,
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
    ))
}

/// The stored parts that the client lists, if they are what it says.
fn choose(request: &CompleteUpload, stored: Vec<PartRecord>) -> Result<Vec<PartRecord>, Refusal> {
    let mut stored = stored.into_iter().peekable();
    let mut chosen: Vec<PartRecord> = Vec::with_capacity(request.parts.len());
    for listed in &request.parts {
        while stored.next_if(|part| part.piece.number < listed.number).is_some() {}
        let part = stored.next_if(|part| part.piece.number == listed.number);
        let part = part.filter(|part| part.etag == listed.etag).filter(|part| {
            listed.sums.iter().all(|(algorithm, sum)| part.piece.sums.get(algorithm).is_none_or(|s| s == sum))
        });
        let part = part.ok_or_else(|| {
            Refusal::new(
                "InvalidPart",
                400,
                "One or more of the specified parts could not be found.  The part may not have been uploaded, \
                 or the specified entity tag may not match the part's entity tag.",
            )
            .with("UploadId", &request.upload)
            .with("PartNumber", listed.number.to_string())
            .with("ETag", &listed.etag)
        })?;
        if let Some(before) = chosen.last()
            && before.piece.size < SMALLEST_PART
        {
            return Err(too_small(before));
        }
        chosen.push(part);
    }
    Ok(chosen)
}

fn too_small(part: &PartRecord) -> Refusal {
    Refusal::new("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size")
        .with("ProposedSize", part.piece.size.to_string())
        .with("MinSizeAllowed", SMALLEST_PART.to_string())
        .with("PartNumber", part.piece.number.to_string())
        .with("ETag", &part.etag)
}

fn assemble(
    upload: &UploadRecord,
    request: &CompleteUpload,
    parts: &[PartRecord],
) -> Result<ObjectRecord, Refusal> {
    let size = parts.iter().map(|part| part.piece.size).sum();
    if request.size.is_some_and(|expected| expected != size) {
        return Err(Refusal::invalid_request(
            "The provided 'x-amz-mp-object-size' header value does not match what was computed",
        ));
    }
    let mut md5 = checksums::Hasher::new([]);
    for part in parts {
        md5.update(&hex::decode(&part.etag).map_err(Refusal::internal)?);
    }
    let etag = format!("{}-{}", hex::encode(md5.finish().0), parts.len());
    let algorithm = multipart::computed(upload);
    let kind = upload.kind.unwrap_or_else(|| algorithm.default_kind());
    let checksum = checksum(algorithm, kind, parts);
    for (claimed, value) in &request.expected {
        let whole = checksums_match(*claimed, value, checksum.as_ref(), parts);
        if !whole {
            return Err(Refusal::new(
                "BadDigest",
                400,
                format!("The {} you specified did not match the calculated checksum.", claimed.name()),
            ));
        }
    }
    Ok(ObjectRecord {
        owner: upload.owner.clone(),
        size,
        etag,
        content: Content::Empty,
        checksum,
        parts: u32::try_from(parts.len()).ok(),
        attributes: upload.attributes.clone(),
    })
}

fn checksum(algorithm: checksums::Algorithm, kind: Kind, parts: &[PartRecord]) -> Option<Checksum> {
    let sums: Option<Vec<(&str, u64)>> =
        parts.iter().map(|part| Some((part.piece.sums.get(&algorithm)?.as_str(), part.piece.size))).collect();
    checksums::of_parts(algorithm, kind, sums?)
}

/// Whether a checksum that the client expects is the object's: its own kind, or of the whole object.
fn checksums_match(
    algorithm: checksums::Algorithm,
    value: &str,
    own: Option<&Checksum>,
    parts: &[PartRecord],
) -> bool {
    let same = |checksum: &Checksum| checksum.algorithm == algorithm && checksum.value == value;
    own.is_some_and(same) || checksum(algorithm, Kind::FullObject, parts).as_ref().is_some_and(same)
}
