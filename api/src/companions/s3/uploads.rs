//! Multipart uploads.

use penstock_actors::companions::s3::checksums::{Algorithm, Kind};
use penstock_actors::companions::s3::completion::{CompleteUpload, ListedPart};
use penstock_actors::companions::s3::multipart::CreateUpload;
use penstock_actors::companions::s3::records::Encryption;
use penstock_actors::companions::s3::service::S3;
use penstock_actors::companions::s3::upload_lists::ListUploads;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::attributes::{attributes_from, refuse_unsupported};
use super::bodies::{self, Sent};
use super::errors::refuse;
use super::grants::{access_from, owner};
use super::lists::{Names, page_length};
use super::objects::with_access;
use super::seam::requester;
use super::sums::{SumFields, sums_from, sums_into};
use super::{conditions, dates};

fn kind(name: Option<&ChecksumType>) -> Option<Kind> {
    match name.map(ChecksumType::as_str) {
        Some("FULL_OBJECT") => Some(Kind::FullObject),
        Some("COMPOSITE") => Some(Kind::Composite),
        _ => None,
    }
}

/// Puts an upload's encryption into an output.
macro_rules! encrypt {
    ($encryption:expr, $output:expr) => {
        if let Some(Encryption { algorithm, kms_key_id, bucket_key }) = $encryption {
            $output.server_side_encryption = Some(ServerSideEncryption::from(algorithm));
            $output.ssekms_key_id = kms_key_id;
            $output.bucket_key_enabled = bucket_key;
        }
    };
}

pub(super) async fn create(
    s3: &S3,
    mut request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = &mut request.input;
    let locked = input.object_lock_mode.is_some() || input.object_lock_legal_hold_status.is_some();
    refuse_unsupported(input.sse_customer_algorithm.is_some(), locked)?;
    let attributes = attributes_from!(input);
    let attributes = with_access(s3, &requester, &input.bucket, attributes, access_from!(input)).await?;
    let algorithm = input.checksum_algorithm.as_ref().and_then(|name| Algorithm::from_name(name.as_str()));
    let kind = kind(input.checksum_type.as_ref());
    let create = CreateUpload { key: input.key.clone(), attributes, algorithm, kind };
    let upload = s3.create_upload(&requester, &input.bucket, create).await.map_err(refuse)?;
    let shown_kind =
        upload.algorithm.map(|algorithm| upload.kind.unwrap_or_else(|| algorithm.default_kind()));
    let mut output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(upload.key),
        upload_id: Some(upload.upload),
        checksum_algorithm: upload.algorithm.map(|name| ChecksumAlgorithm::from_static(name.name())),
        checksum_type: shown_kind.map(|kind| ChecksumType::from_static(kind.name())),
        ..Default::default()
    };
    encrypt!(upload.attributes.encryption, output);
    Ok(S3Response::new(output))
}

pub(super) async fn part(
    s3: &S3,
    mut request: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = &mut request.input;
    refuse_unsupported(input.sse_customer_algorithm.is_some(), false)?;
    let sent = Sent {
        body: input.body.take(),
        length: input.content_length,
        content_md5: input.content_md5.take(),
        algorithm: input.checksum_algorithm.take().map(|name| name.as_str().to_owned()),
        sums: sums_from!(input).into_sums(),
    };
    let incoming = bodies::incoming(sent, &request.headers, &request.extensions);
    let said = incoming.algorithm;
    let input = &request.input;
    let number = u32::try_from(input.part_number).unwrap_or(0);
    let upload = s3.upload_part(&requester, &input.bucket, &input.key, &input.upload_id, number, incoming);
    let stored = upload.await.map_err(refuse)?;
    let mut output = UploadPartOutput { e_tag: Some(conditions::etag(&stored.etag)), ..Default::default() };
    // Only the checksum that the client knows of is shown; ours for the whole object is not.
    let shown = said.or(stored.upload.algorithm);
    let sums = stored.sums.into_iter().filter(|(algorithm, _)| Some(*algorithm) == shown).collect();
    sums_into!(SumFields::of_all(&sums), output);
    encrypt!(stored.upload.attributes.encryption, output);
    Ok(S3Response::new(output))
}

pub(super) async fn complete(
    s3: &S3,
    mut request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = &mut request.input;
    let listed = input.multipart_upload.take().and_then(|upload| upload.parts).unwrap_or_default();
    let parts = listed.into_iter().map(|mut part| ListedPart {
        number: part.part_number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0),
        etag: part.e_tag.take().map(ETag::into_value).unwrap_or_default(),
        sums: sums_from!(part).into_sums(),
    });
    let complete = CompleteUpload {
        key: input.key.clone(),
        upload: input.upload_id.clone(),
        parts: parts.collect(),
        conditions: conditions::write(input.if_match.take(), input.if_none_match.take()),
        expected: sums_from!(input).into_sums(),
        size: input.mpu_object_size.and_then(|size| u64::try_from(size).ok()),
    };
    let stored = s3.complete_upload(&requester, &input.bucket, complete).await.map_err(refuse)?;
    let fields = SumFields::of(stored.object.checksum.as_ref());
    let mut output = CompleteMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        e_tag: Some(conditions::etag(&stored.object.etag)),
        version_id: stored.version,
        checksum_type: fields.kind.clone(),
        ..Default::default()
    };
    sums_into!(fields, output);
    encrypt!(stored.object.attributes.encryption, output);
    Ok(S3Response::new(output))
}

pub(super) async fn abort(
    s3: &S3,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    s3.abort_upload(&requester, &input.bucket, &input.key, &input.upload_id).await.map_err(refuse)?;
    let output = AbortMultipartUploadOutput::default();
    Ok(S3Response::new(output))
}

pub(super) async fn list_parts(
    s3: &S3,
    request: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let after = input.part_number_marker.and_then(|marker| u32::try_from(marker).ok()).unwrap_or(0);
    let most = page_length(input.max_parts, "max-parts")?;
    let list = s3.list_parts(&requester, &input.bucket, &input.key, &input.upload_id, after, most);
    let page = list.await.map_err(refuse)?;
    let algorithm = page.upload.algorithm;
    let parts = page.parts.into_iter().map(|stored| {
        let mut part = Part {
            part_number: i32::try_from(stored.piece.number).ok(),
            e_tag: Some(conditions::etag(&stored.etag)),
            size: i64::try_from(stored.piece.size).ok(),
            last_modified: Some(dates::to_wire(stored.modified)),
            ..Default::default()
        };
        let sums = stored.piece.sums.into_iter().filter(|(name, _)| Some(*name) == algorithm).collect();
        sums_into!(SumFields::of_all(&sums), part);
        part
    });
    let shown_owner = owner(&page.upload.owner);
    let class = page.upload.attributes.storage_class.unwrap_or_else(|| "STANDARD".to_owned());
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        parts: Some(parts.collect()),
        is_truncated: Some(page.next.is_some()),
        max_parts: i32::try_from(most).ok(),
        part_number_marker: i32::try_from(after).ok(),
        next_part_number_marker: page.next.and_then(|number| i32::try_from(number).ok()),
        initiator: Some(Initiator { id: shown_owner.id.clone(), display_name: None }),
        owner: Some(shown_owner),
        storage_class: Some(StorageClass::from(class)),
        checksum_algorithm: algorithm.map(|name| ChecksumAlgorithm::from_static(name.name())),
        ..Default::default()
    }))
}

pub(super) async fn list(
    s3: &S3,
    request: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let names = Names::of(input.encoding_type.as_ref())?;
    let most = page_length(input.max_uploads, "max-uploads")?;
    let list = ListUploads {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: input.key_marker.clone().filter(|marker| !marker.is_empty()),
        after_upload: input.upload_id_marker.clone(),
        max_uploads: most,
    };
    let page = s3.list_uploads(&requester, &input.bucket, list).await.map_err(refuse)?;
    let uploads = page.uploads.into_iter().map(|upload| {
        let shown_owner = owner(&upload.owner);
        let class = upload.attributes.storage_class.unwrap_or_else(|| "STANDARD".to_owned());
        MultipartUpload {
            key: Some(names.show(&upload.key)),
            upload_id: Some(upload.upload),
            initiated: Some(dates::to_wire(upload.initiated)),
            initiator: Some(Initiator { id: shown_owner.id.clone(), display_name: None }),
            owner: Some(shown_owner),
            storage_class: Some(StorageClass::from(class)),
            checksum_algorithm: upload.algorithm.map(|name| ChecksumAlgorithm::from_static(name.name())),
            checksum_type: upload.kind.map(|kind| ChecksumType::from_static(kind.name())),
        }
    });
    let is_truncated = Some(page.next.is_some());
    let (next_key, next_upload) = page.next.unzip();
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        uploads: Some(uploads.collect()),
        common_prefixes: Some(names.show_all(page.common_prefixes)),
        is_truncated,
        key_marker: Some(names.show(&input.key_marker.unwrap_or_default())),
        upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
        max_uploads: i32::try_from(most).ok(),
        prefix: input.prefix.map(|prefix| names.show(&prefix)),
        delimiter: input.delimiter.map(|delimiter| names.show(&delimiter)),
        encoding_type: input.encoding_type,
        next_key_marker: next_key.map(|key| names.show(&key)),
        next_upload_id_marker: next_upload,
        request_charged: None,
    }))
}
