//! CopyObject and UploadPartCopy.

use penstock_actors::companions::s3::checksums::Algorithm;
use penstock_actors::companions::s3::copying::{CopyObject, Directive};
use penstock_actors::companions::s3::reading::{Extent, GetObject};
use penstock_actors::companions::s3::refusal::Refusal;
use penstock_actors::companions::s3::service::S3;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::attributes::{attributes_from, refuse_unsupported};
use super::errors::refuse;
use super::grants::access_from;
use super::objects::with_access;
use super::seam::requester;
use super::sums::{SumFields, sums_into};
use super::{conditions, dates};

/// Bucket, key and version of a copy's source.
fn source(source: CopySource) -> S3Result<(String, String, Option<String>)> {
    match source {
        CopySource::Bucket { bucket, key, version_id } => {
            Ok((bucket.into(), key.into(), version_id.map(Into::into)))
        }
        CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => {
            Err(refuse(Refusal::not_implemented("Copy sources that are access points are not implemented.")))
        }
    }
}

pub(super) async fn object(
    s3: &S3,
    mut request: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = &mut request.input;
    let locked = input.object_lock_mode.is_some() || input.object_lock_legal_hold_status.is_some();
    let customer =
        input.sse_customer_algorithm.is_some() || input.copy_source_sse_customer_algorithm.is_some();
    refuse_unsupported(customer, locked)?;
    let (source_bucket, key, version) = source(input.copy_source.clone())?;
    let attributes = attributes_from!(input);
    let attributes = with_access(s3, &requester, &input.bucket, attributes, access_from!(input)).await?;
    let conditions = conditions::read(
        input.copy_source_if_match.take(),
        input.copy_source_if_modified_since.take(),
        input.copy_source_if_none_match.take(),
        input.copy_source_if_unmodified_since.take(),
    );
    let directive = |name: Option<&str>| match name {
        Some("REPLACE") => Directive::Replace,
        _ => Directive::Copy,
    };
    let copy = CopyObject {
        source_bucket,
        source: GetObject { key, version, conditions, part: Extent::Whole },
        source_owner: input.expected_source_bucket_owner.take(),
        key: input.key.clone(),
        attributes,
        metadata: directive(input.metadata_directive.as_ref().map(MetadataDirective::as_str)),
        tagging: directive(input.tagging_directive.as_ref().map(TaggingDirective::as_str)),
        algorithm: input.checksum_algorithm.take().and_then(|name| Algorithm::from_name(name.as_str())),
    };
    let copied = s3.copy_object(&requester, &input.bucket, copy).await.map_err(refuse)?;
    let stored = copied.stored;
    let fields = SumFields::of(stored.object.checksum.as_ref());
    let mut result = CopyObjectResult {
        e_tag: Some(conditions::etag(&stored.object.etag)),
        last_modified: Some(dates::to_wire(stored.record.modified)),
        checksum_type: fields.kind.clone(),
        ..Default::default()
    };
    sums_into!(fields, result);
    let mut output = CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: copied.source_version,
        version_id: stored.version,
        ..Default::default()
    };
    if let Some(encryption) = stored.object.attributes.encryption {
        output.server_side_encryption = Some(ServerSideEncryption::from(encryption.algorithm));
        output.ssekms_key_id = encryption.kms_key_id;
        output.bucket_key_enabled = encryption.bucket_key;
    }
    Ok(S3Response::new(output))
}

pub(super) async fn part(
    s3: &S3,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let customer =
        input.sse_customer_algorithm.is_some() || input.copy_source_sse_customer_algorithm.is_some();
    refuse_unsupported(customer, false)?;
    let (bucket, key, version) = source(input.copy_source)?;
    let conditions = conditions::read(
        input.copy_source_if_match,
        input.copy_source_if_modified_since,
        input.copy_source_if_none_match,
        input.copy_source_if_unmodified_since,
    );
    let part = match input.copy_source_range.as_deref() {
        None => Extent::Whole,
        Some(text) => range(text)?,
    };
    let number = u32::try_from(input.part_number).unwrap_or(0);
    let source = GetObject { key, version, conditions, part };
    let owner = input.expected_source_bucket_owner;
    let stored = s3
        .upload_part_copy(
            &requester,
            &input.bucket,
            &input.key,
            &input.upload_id,
            number,
            &bucket,
            owner,
            source,
        )
        .await
        .map_err(refuse)?;
    let mut result = CopyPartResult {
        e_tag: Some(conditions::etag(&stored.etag)),
        last_modified: Some(dates::to_wire(stored.modified)),
        ..Default::default()
    };
    sums_into!(SumFields::of_all(&stored.sums), result);
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: stored.source_version,
        ..Default::default()
    }))
}

/// `bytes=first-last`, both there.
fn range(text: &str) -> S3Result<Extent> {
    match Range::parse(text) {
        Ok(Range::Int { first, last: Some(last) }) => Ok(Extent::Range(first, Some(last))),
        _ => Err(refuse(Refusal::invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are \
             the zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            text,
        ))),
    }
}
