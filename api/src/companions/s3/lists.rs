//! ListObjects, ListObjectsV2, ListObjectVersions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use penstock_actors::companions::s3::listing::{LONGEST_PAGE, ListRequest};
use penstock_actors::companions::s3::records::{ObjectRecord, VersionRecord};
use penstock_actors::companions::s3::refusal::Refusal;
use penstock_actors::companions::s3::service::S3;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::errors::refuse;
use super::grants::owner;
use super::seam::requester;
use super::{conditions, dates};

/// What AWS leaves as it is under `encoding-type=url`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

/// Writes names as the request wants them.
#[derive(Clone, Copy)]
pub(super) struct Names {
    url: bool,
}

impl Names {
    pub(super) fn of(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self { url: false }),
            Some("url") => Ok(Self { url: true }),
            Some(other) => Err(refuse(Refusal::invalid_argument(
                "Invalid Encoding Method specified in Request",
                "encoding-type",
                other,
            ))),
        }
    }

    pub(super) fn show(self, name: &str) -> String {
        if self.url { utf8_percent_encode(name, ENCODED).to_string() } else { name.to_owned() }
    }

    pub(super) fn show_all(self, names: Vec<String>) -> Vec<CommonPrefix> {
        names.into_iter().map(|name| CommonPrefix { prefix: Some(self.show(&name)) }).collect()
    }
}

/// A page's length: 1,000 at most and when nothing is said.
pub(super) fn page_length(asked: Option<i32>, argument: &str) -> S3Result<usize> {
    let Some(asked) = asked else { return Ok(LONGEST_PAGE) };
    let length = usize::try_from(asked).map_err(|_| {
        refuse(Refusal::invalid_argument(
            format!("Argument {argument} must be an integer between 0 and 2147483647"),
            argument,
            &asked.to_string(),
        ))
    })?;
    Ok(length.min(LONGEST_PAGE))
}

pub(super) async fn objects(
    s3: &S3,
    request: S3Request<ListObjectsInput>,
) -> S3Result<S3Response<ListObjectsOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let names = Names::of(input.encoding_type.as_ref())?;
    let max_keys = page_length(input.max_keys, "max-keys")?;
    let list = ListRequest {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: input.marker.clone(),
        after_version: None,
        max_keys,
    };
    let page = s3.list_objects(&requester, &input.bucket, list).await.map_err(refuse)?;
    let next_marker =
        page.next.as_ref().filter(|_| input.delimiter.is_some()).map(|next| names.show(&next.key));
    Ok(S3Response::new(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(names.show(&input.prefix.unwrap_or_default())),
        marker: Some(names.show(&input.marker.unwrap_or_default())),
        max_keys: i32::try_from(max_keys).ok(),
        is_truncated: Some(page.next.is_some()),
        contents: Some(contents(page.versions, names, true)),
        common_prefixes: Some(names.show_all(page.common_prefixes)),
        delimiter: input.delimiter.map(|delimiter| names.show(&delimiter)),
        next_marker,
        encoding_type: input.encoding_type,
        request_charged: None,
    }))
}

pub(super) async fn objects_v2(
    s3: &S3,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let names = Names::of(input.encoding_type.as_ref())?;
    let max_keys = page_length(input.max_keys, "max-keys")?;
    let after = match input.continuation_token.as_deref() {
        Some(token) => Some(from_token(token)?),
        None => input.start_after.clone(),
    };
    let list = ListRequest {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after,
        after_version: None,
        max_keys,
    };
    let page = s3.list_objects(&requester, &input.bucket, list).await.map_err(refuse)?;
    let count = page.versions.len() + page.common_prefixes.len();
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(names.show(&input.prefix.unwrap_or_default())),
        max_keys: i32::try_from(max_keys).ok(),
        key_count: i32::try_from(count).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|next| URL_SAFE_NO_PAD.encode(next.key)),
        contents: Some(contents(page.versions, names, input.fetch_owner.unwrap_or(false))),
        common_prefixes: Some(names.show_all(page.common_prefixes)),
        delimiter: input.delimiter.map(|delimiter| names.show(&delimiter)),
        encoding_type: input.encoding_type,
        start_after: input.start_after.map(|start| names.show(&start)),
        request_charged: None,
    }))
}

fn from_token(token: &str) -> S3Result<String> {
    let key = URL_SAFE_NO_PAD.decode(token).ok().and_then(|key| String::from_utf8(key).ok());
    key.ok_or_else(|| {
        refuse(Refusal::invalid_argument(
            "The continuation token provided is incorrect",
            "continuation-token",
            token,
        ))
    })
}

fn contents(versions: Vec<(VersionRecord, bool)>, names: Names, with_owner: bool) -> Vec<Object> {
    let objects = versions.iter().filter_map(|(version, _)| Some((version, version.object()?)));
    objects
        .map(|(version, object)| Object {
            key: Some(names.show(&version.key)),
            last_modified: Some(dates::to_wire(version.modified)),
            e_tag: Some(conditions::etag(&object.etag)),
            size: i64::try_from(object.size).ok(),
            storage_class: Some(ObjectStorageClass::from(class(object))),
            owner: with_owner.then(|| owner(&object.owner)),
            checksum_algorithm: object
                .checksum
                .as_ref()
                .map(|checksum| vec![ChecksumAlgorithm::from_static(checksum.algorithm.name())]),
            checksum_type: object
                .checksum
                .as_ref()
                .map(|checksum| ChecksumType::from_static(checksum.kind.name())),
            restore_status: None,
        })
        .collect()
}

fn class(object: &ObjectRecord) -> String {
    object.attributes.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned())
}

pub(super) async fn versions(
    s3: &S3,
    request: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let names = Names::of(input.encoding_type.as_ref())?;
    let max_keys = page_length(input.max_keys, "max-keys")?;
    let list = ListRequest {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: input.key_marker.clone(),
        after_version: input.version_id_marker.clone(),
        max_keys,
    };
    let page = s3.list_versions(&requester, &input.bucket, list).await.map_err(refuse)?;
    let bucket_owner = s3.bucket(&requester, &input.bucket).await.map_err(refuse)?.owner;
    let (mut versions, mut delete_markers) = (Vec::new(), Vec::new());
    for (version, is_latest) in page.versions {
        let key = Some(names.show(&version.key));
        let last_modified = Some(dates::to_wire(version.modified));
        match version.object() {
            Some(object) => versions.push(ObjectVersion {
                key,
                last_modified,
                is_latest: Some(is_latest),
                e_tag: Some(conditions::etag(&object.etag)),
                size: i64::try_from(object.size).ok(),
                storage_class: Some(ObjectVersionStorageClass::from(class(object))),
                owner: Some(owner(&object.owner)),
                version_id: Some(version.version.clone()),
                ..Default::default()
            }),
            None => delete_markers.push(DeleteMarkerEntry {
                key,
                last_modified,
                is_latest: Some(is_latest),
                owner: Some(owner(&bucket_owner)),
                version_id: Some(version.version),
            }),
        }
    }
    let is_truncated = Some(page.next.is_some());
    let (next_key, next_version) = page.next.map(|next| (next.key, next.version)).unzip();
    Ok(S3Response::new(ListObjectVersionsOutput {
        name: Some(input.bucket),
        prefix: Some(names.show(&input.prefix.unwrap_or_default())),
        key_marker: Some(names.show(&input.key_marker.unwrap_or_default())),
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        max_keys: i32::try_from(max_keys).ok(),
        is_truncated,
        versions: Some(versions),
        delete_markers: Some(delete_markers),
        common_prefixes: Some(names.show_all(page.common_prefixes)),
        delimiter: input.delimiter.map(|delimiter| names.show(&delimiter)),
        encoding_type: input.encoding_type,
        next_key_marker: next_key.map(|key| names.show(&key)),
        next_version_id_marker: next_version.flatten(),
        request_charged: None,
    }))
}
