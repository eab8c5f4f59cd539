//! PutObject, GetObject, HeadObject, GetObjectAttributes.

use penstock_actors::companions::s3::conditions::ReadConditions;
use penstock_actors::companions::s3::reading::{Extent, Found, GetObject};
use penstock_actors::companions::s3::records::Attributes;
use penstock_actors::companions::s3::service::{Requester, S3};
use penstock_actors::companions::s3::writing::PutObject;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::attributes::{attributes_from, describe, refuse_unsupported};
use super::bodies::{self, Sent};
use super::errors::refuse;
use super::gateway::with_status;
use super::grants::{Access, access_from};
use super::permitted::hidden;
use super::seam::requester;
use super::sums::{SumFields, sums_from, sums_into};
use super::{conditions, dates};

/// Adds the access list that a request asks for.
pub(super) async fn with_access(
    s3: &S3,
    requester: &Requester,
    bucket: &str,
    attributes: Attributes,
    access: Access,
) -> S3Result<Attributes> {
    let owner = s3.bucket(requester, bucket).await.map_err(refuse)?.owner;
    let grants = access.grants(&requester.account, &owner).map_err(refuse)?;
    Ok(Attributes { grants, ..attributes })
}

pub(super) async fn put(
    s3: &S3,
    mut request: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = &mut request.input;
    let locked = input.object_lock_mode.is_some() || input.object_lock_legal_hold_status.is_some();
    refuse_unsupported(input.sse_customer_algorithm.is_some(), locked)?;
    let attributes = attributes_from!(input);
    let attributes = with_access(s3, &requester, &input.bucket, attributes, access_from!(input)).await?;
    let sent = Sent {
        body: input.body.take(),
        length: input.content_length,
        content_md5: input.content_md5.take(),
        algorithm: input.checksum_algorithm.take().map(|name| name.as_str().to_owned()),
        sums: sums_from!(input).into_sums(),
    };
    let put = PutObject {
        key: input.key.clone(),
        conditions: conditions::write(input.if_match.take(), input.if_none_match.take()),
        attributes,
        incoming: bodies::incoming(sent, &request.headers, &request.extensions),
    };
    let stored = s3.put_object(&requester, &request.input.bucket, put).await.map_err(refuse)?;
    let mut output = PutObjectOutput {
        e_tag: Some(conditions::etag(&stored.object.etag)),
        version_id: stored.version,
        ..Default::default()
    };
    let fields = SumFields::of(stored.object.checksum.as_ref());
    output.checksum_type = fields.kind.clone();
    sums_into!(fields, output);
    if let Some(encryption) = stored.object.attributes.encryption {
        output.server_side_encryption = Some(ServerSideEncryption::from(encryption.algorithm));
        output.ssekms_key_id = encryption.kms_key_id;
        output.bucket_key_enabled = encryption.bucket_key;
    }
    Ok(S3Response::new(output))
}

pub(super) async fn get(
    s3: &S3,
    request: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    refuse_unsupported(input.sse_customer_algorithm.is_some(), false)?;
    let conditions = conditions::read(
        input.if_match,
        input.if_modified_since,
        input.if_none_match,
        input.if_unmodified_since,
    );
    let part = extent(input.range, input.part_number);
    let get = GetObject { key: input.key, version: input.version_id, conditions, part };
    let got = s3.get_object(&requester, &input.bucket, get).await;
    let (found, body) = got.map_err(|refusal| refuse(hidden(&request.extensions, refusal)))?;
    let mut output = GetObjectOutput::default();
    let enabled = input.checksum_mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
    describe!(&found, enabled && found.range.is_none(), output);
    output.parts_count = parts_count(&found, input.part_number);
    let tags = i32::try_from(found.object.attributes.tags.len()).unwrap_or(i32::MAX);
    output.tag_count = Some(tags).filter(|count| *count > 0);
    output.body = Some(bodies::outgoing(body, found.length()));
    Ok(S3Response::new(output))
}

pub(super) async fn head(
    s3: &S3,
    request: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    refuse_unsupported(input.sse_customer_algorithm.is_some(), false)?;
    let conditions = conditions::read(
        input.if_match,
        input.if_modified_since,
        input.if_none_match,
        input.if_unmodified_since,
    );
    let part = extent(input.range, input.part_number);
    let get = GetObject { key: input.key, version: input.version_id, conditions, part };
    let found = s3.head_object(&requester, &input.bucket, get).await;
    let found = found.map_err(|refusal| refuse(hidden(&request.extensions, refusal)))?;
    let mut output = HeadObjectOutput::default();
    let enabled = input.checksum_mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
    describe!(&found, enabled && found.range.is_none(), output);
    output.parts_count = parts_count(&found, input.part_number);
    Ok(match found.range {
        Some(_) => with_status(output, http::StatusCode::PARTIAL_CONTENT),
        None => S3Response::new(output),
    })
}

pub(super) async fn attributes(
    s3: &S3,
    request: S3Request<GetObjectAttributesInput>,
) -> S3Result<S3Response<GetObjectAttributesOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let get = GetObject {
        key: input.key.clone(),
        version: input.version_id.clone(),
        conditions: ReadConditions::default(),
        part: Extent::Whole,
    };
    let (found, pieces) = s3.object_pieces(&requester, &input.bucket, get).await.map_err(refuse)?;
    let wanted = |name: &str| {
        let listed = input.object_attributes.iter().flat_map(|list| list.as_str().split(','));
        listed.map(str::trim).any(|listed| listed == name)
    };
    let object = &found.object;
    let mut output = GetObjectAttributesOutput {
        last_modified: Some(dates::to_wire(found.record.modified)),
        version_id: found.version.clone(),
        ..Default::default()
    };
    if wanted(ObjectAttributes::ETAG) {
        output.e_tag = Some(conditions::etag(&object.etag));
    }
    if wanted(ObjectAttributes::OBJECT_SIZE) {
        output.object_size = i64::try_from(object.size).ok();
    }
    if wanted(ObjectAttributes::STORAGE_CLASS) {
        let class = object.attributes.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned());
        output.storage_class = Some(StorageClass::from(class));
    }
    if wanted(ObjectAttributes::CHECKSUM) && object.checksum.is_some() {
        let fields = SumFields::of(object.checksum.as_ref());
        let mut checksum = Checksum { checksum_type: fields.kind.clone(), ..Default::default() };
        sums_into!(fields, checksum);
        output.checksum = Some(checksum);
    }
    if wanted(ObjectAttributes::OBJECT_PARTS)
        && let Some(count) = object.parts
    {
        let after = input.part_number_marker.and_then(|marker| u32::try_from(marker).ok()).unwrap_or(0);
        let most = input.max_parts.and_then(|most| usize::try_from(most).ok()).unwrap_or(1000).min(1000);
        let mut rest = pieces.into_iter().zip(1..).filter(|(_, number)| *number > after);
        let page: Vec<_> = rest.by_ref().take(most).collect();
        let last = page.last().map_or(after, |(_, number)| *number);
        let parts = page.into_iter().map(|(piece, number)| {
            let mut part = ObjectPart {
                part_number: i32::try_from(number).ok(),
                size: i64::try_from(piece.size).ok(),
                ..Default::default()
            };
            sums_into!(SumFields::of_all(&piece.sums), part);
            part
        });
        output.object_parts = Some(GetObjectAttributesParts {
            parts: Some(parts.collect()),
            is_truncated: Some(rest.next().is_some()),
            max_parts: i32::try_from(most).ok(),
            part_number_marker: i32::try_from(after).ok(),
            next_part_number_marker: i32::try_from(last).ok(),
            total_parts_count: i32::try_from(count).ok(),
        });
    }
    Ok(S3Response::new(output))
}

/// `bytes 0-4/10`, when a part of the object was asked for.
pub(super) fn content_range(found: &Found) -> Option<String> {
    let (start, length) = found.range?;
    let last = (start + length).saturating_sub(1);
    Some(format!("bytes {start}-{last}/{}", found.object.size))
}

fn parts_count(found: &Found, asked: Option<PartNumber>) -> Option<PartsCount> {
    asked.and(found.object.parts).and_then(|count| i32::try_from(count).ok())
}

fn extent(range: Option<Range>, part: Option<PartNumber>) -> Extent {
    match (range, part.and_then(|part| u32::try_from(part).ok())) {
        (Some(Range::Int { first, last }), _) => Extent::Range(first, last),
        (Some(Range::Suffix { length }), _) => Extent::Suffix(length),
        (None, Some(part)) => Extent::Part(part),
        (None, None) => Extent::Whole,
    }
}
