//! Which permissions a request to S3 needs, and that nobody gets past without them (service authorization reference,
//! Amazon S3). s3s asks here once it knows the operation, before it reads the body.

use http::{Extensions, HeaderMap, Uri};
use penstock_actors::companions::policy::context::Context;
use penstock_actors::companions::s3::refusal::Refusal;
use percent_encoding::percent_decode_str;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::path::S3Path;
use s3s::{S3Result, s3_error};

use super::errors::refuse;
use crate::authorization::{Authority, Refused};
use crate::caller::Caller;
use crate::credential::parameter;

/// Requests get to s3s without a signature: who asks has been found out before.
pub(super) struct Unsigned;

#[async_trait::async_trait]
impl S3Auth for Unsigned {
    async fn get_secret_key(&self, _: &str) -> S3Result<SecretKey> {
        Err(s3_error!(InvalidAccessKeyId))
    }
}

/// Asks the authority about every request.
pub(super) struct Permitted {
    pub(super) authority: Authority,
}

#[async_trait::async_trait]
impl S3Access for Permitted {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(caller) = request.extensions_mut().get::<Caller>().cloned() else { return Ok(()) };
        if !self.authority.counts(&caller) && !self.authority.is_for_all() {
            return Ok(());
        }
        let operation = request.s3_op().name().to_owned();
        let version = request.uri().query().and_then(|query| parameter(query, "versionId"));
        let keys = keys_of(request.headers(), request.uri(), version.as_deref());
        for need in needs(&operation, request.s3_path(), request.headers(), version.is_some()) {
            let Need { action, place } = need;
            let arn = place.arn();
            let checked = match &place {
                Place::Everything => self.authority.check(&caller, &action, &arn, keys.clone()).await,
                Place::Bucket(bucket) | Place::Object(bucket, _) => {
                    self.authority.check_bucket(&caller, &action, bucket, &arn, keys.clone()).await
                }
            };
            checked.map_err(|refused| refuse(refusal(&refused)))?;
        }
        // Whoever may not list a bucket does not learn what is missing in it.
        if matches!(operation.as_str(), "GetObject" | "HeadObject" | "GetObjectAttributes")
            && let S3Path::Object { bucket, .. } = request.s3_path()
        {
            let arn = format!("arn:aws:s3:::{bucket}");
            let lists = self.authority.check_bucket(&caller, "s3:ListBucket", bucket, &arn, keys);
            if let Err(refused) = lists.await {
                request.extensions_mut().insert(MayNotList(refusal(&refused)));
            }
        }
        Ok(())
    }
}

/// Why the caller may not list the bucket; in the extensions of a request of such a one.
#[derive(Clone)]
struct MayNotList(Refusal);

/// A missing key, as those see it who may not list the bucket (API reference, GetObject).
pub(super) fn hidden(extensions: &Extensions, refusal: Refusal) -> Refusal {
    match extensions.get::<MayNotList>() {
        Some(MayNotList(denied)) if refusal.code == "NoSuchKey" => denied.clone(),
        _ => refusal,
    }
}

/// Whether one object of a DeleteObjects may go.
pub(super) async fn may_delete(
    authority: &Authority,
    extensions: &Extensions,
    bucket: &str,
    key: &str,
    version: Option<&str>,
) -> Result<(), Refusal> {
    let Some(caller) = extensions.get::<Caller>() else { return Ok(()) };
    let arn = Place::Object(bucket.to_owned(), key.to_owned()).arn();
    let mut keys = Context::default();
    keys.set_optional("s3:VersionId", version);
    let action = if version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
    let check = authority.check_bucket(caller, action, bucket, &arn, keys);
    check.await.map_err(|refused| refusal(&refused))
}

fn refusal(refused: &Refused) -> Refusal {
    match refused.in_s3_words() {
        Some(words) => Refusal::new("AccessDenied", 403, words),
        None => Refusal::internal("policies cannot be read"),
    }
}

/// A permission on something.
#[derive(Debug, PartialEq, Eq)]
struct Need {
    action: String,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Everything,
    Bucket(String),
    Object(String, String),
}

impl Place {
    fn arn(&self) -> String {
        match self {
            Self::Everything => "*".to_owned(),
            Self::Bucket(bucket) => format!("arn:aws:s3:::{bucket}"),
            Self::Object(bucket, key) => format!("arn:aws:s3:::{bucket}/{key}"),
        }
    }
}

/// What an operation needs; several permissions where it does several things.
fn needs(operation: &str, path: &S3Path, headers: &HeaderMap, of_version: bool) -> Vec<Need> {
    let place = match path {
        S3Path::Root => Place::Everything,
        S3Path::Bucket { bucket } => Place::Bucket(bucket.to_string()),
        S3Path::Object { bucket, key } => Place::Object(bucket.to_string(), key.to_string()),
    };
    let need = |name: &str| Need { action: format!("s3:{name}"), place: place.clone() };
    let versioned = |name: &str, of_version_name: &str| need(if of_version { of_version_name } else { name });
    let mut needs = match operation {
        "GetObject" | "HeadObject" => vec![versioned("GetObject", "GetObjectVersion")],
        "GetObjectAttributes" => vec![
            versioned("GetObject", "GetObjectVersion"),
            versioned("GetObjectAttributes", "GetObjectVersionAttributes"),
        ],
        "DeleteObject" => vec![versioned("DeleteObject", "DeleteObjectVersion")],
        "GetObjectTagging" => vec![versioned("GetObjectTagging", "GetObjectVersionTagging")],
        "PutObjectTagging" => vec![versioned("PutObjectTagging", "PutObjectVersionTagging")],
        "DeleteObjectTagging" => vec![versioned("DeleteObjectTagging", "DeleteObjectVersionTagging")],
        "GetObjectAcl" => vec![versioned("GetObjectAcl", "GetObjectVersionAcl")],
        "PutObjectAcl" => vec![versioned("PutObjectAcl", "PutObjectVersionAcl")],
        // Its objects are asked about one by one, when they are known.
        "DeleteObjects" => Vec::new(),
        other => vec![need(action_of(other))],
    };
    let writes = ["PutObject", "PostObject", "CopyObject", "CreateMultipartUpload"].contains(&operation);
    if writes && sets_access(headers) {
        needs.push(need("PutObjectAcl"));
    }
    if writes && headers.contains_key("x-amz-tagging") {
        needs.push(need("PutObjectTagging"));
    }
    if operation == "CreateBucket" && sets_access(headers) {
        needs.push(need("PutBucketAcl"));
    }
    if let Some((place, of_version)) = copied(headers) {
        let action = if of_version { "s3:GetObjectVersion" } else { "s3:GetObject" };
        needs.insert(0, Need { action: action.to_owned(), place });
    }
    needs
}

/// The permission that an operation of another name needs.
fn action_of(operation: &str) -> &str {
    match operation {
        "ListBuckets" => "ListAllMyBuckets",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "ListObjectVersions" => "ListBucketVersions",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListParts" => "ListMultipartUploadParts",
        "CopyObject"
        | "PostObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "UploadPartCopy"
        | "CompleteMultipartUpload" => "PutObject",
        "GetBucketAccelerateConfiguration" => "GetAccelerateConfiguration",
        "PutBucketAccelerateConfiguration" => "PutAccelerateConfiguration",
        "GetBucketCors" => "GetBucketCORS",
        "PutBucketCors" | "DeleteBucketCors" => "PutBucketCORS",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "PutBucketEncryption" | "DeleteBucketEncryption" => "PutEncryptionConfiguration",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => "PutLifecycleConfiguration",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "PutObjectLockConfiguration" => "PutBucketObjectLockConfiguration",
        "DeleteBucketOwnershipControls" => "PutBucketOwnershipControls",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => "PutBucketPublicAccessBlock",
        "GetBucketReplication" => "GetReplicationConfiguration",
        "PutBucketReplication" | "DeleteBucketReplication" => "PutReplicationConfiguration",
        "DeleteBucketTagging" => "PutBucketTagging",
        same => same,
    }
}

fn sets_access(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name == "x-amz-acl" || name.as_str().starts_with("x-amz-grant-"))
}

/// What a copy reads, and whether it is a version.
fn copied(headers: &HeaderMap) -> Option<(Place, bool)> {
    let source = headers.get("x-amz-copy-source")?.to_str().ok()?;
    let (path, query) = source.split_once('?').map_or((source, None), |(path, query)| (path, Some(query)));
    let path = percent_decode_str(path).decode_utf8_lossy();
    let (bucket, key) = path.trim_start_matches('/').split_once('/')?;
    let of_version = query.is_some_and(|query| parameter(query, "versionId").is_some());
    Some((Place::Object(bucket.to_owned(), key.to_owned()), of_version))
}

/// S3's condition keys (service authorization reference).
fn keys_of(headers: &HeaderMap, uri: &Uri, version: Option<&str>) -> Context {
    let mut keys = Context::default();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    for name in [
        "x-amz-acl",
        "x-amz-content-sha256",
        "x-amz-copy-source",
        "x-amz-grant-full-control",
        "x-amz-grant-read",
        "x-amz-grant-read-acp",
        "x-amz-grant-write",
        "x-amz-grant-write-acp",
        "x-amz-metadata-directive",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-server-side-encryption-customer-algorithm",
        "x-amz-storage-class",
        "x-amz-website-redirect-location",
    ] {
        keys.set_optional(&format!("s3:{name}"), header(name));
    }
    let query = uri.query().unwrap_or_default();
    for name in ["prefix", "delimiter", "max-keys"] {
        keys.set_optional(&format!("s3:{name}"), parameter(query, name));
    }
    keys.set_optional("s3:VersionId", version);
    keys.set_optional("aws:UserAgent", header("user-agent"));
    keys.set_optional("aws:Referer", header("referer"));
    keys.set("s3:authType", "REST-HEADER");
    keys.set("s3:signatureversion", "AWS4-HMAC-SHA256");
    keys.declare_family("s3:RequestObjectTag/");
    let tags = header("x-amz-tagging").unwrap_or_default();
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let tags: Vec<(String, String)> = tags
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decoded(key), decoded(value)))
        .collect();
    for (key, value) in &tags {
        keys.set(&format!("s3:RequestObjectTag/{key}"), value);
    }
    keys.set_many("s3:RequestObjectTagKeys", tags.into_iter().map(|(key, _)| key).collect());
    keys
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn needed(operation: &str, headers: &[(&'static str, &str)], of_version: bool) -> Vec<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let path = match operation {
            "ListBuckets" => S3Path::Root,
            name if name.contains("Bucket") || name.starts_with("List") => {
                S3Path::Bucket { bucket: "b".into() }
            }
            _ => S3Path::Object { bucket: "b".into(), key: "k/l".into() },
        };
        needs(operation, &path, &map, of_version)
            .into_iter()
            .map(|need| format!("{} {}", need.action, need.place.arn()))
            .collect()
    }

    #[test]
    fn operations_need_what_awss_reference_says() {
        let object = |action: &str| format!("s3:{action} arn:aws:s3:::b/k/l");
        for (operation, headers, of_version, expected) in [
            ("GetObject", &[][..], false, vec![object("GetObject")]),
            ("GetObject", &[], true, vec![object("GetObjectVersion")]),
            ("HeadObject", &[], false, vec![object("GetObject")]),
            ("PutObject", &[], false, vec![object("PutObject")]),
            (
                "PutObject",
                &[("x-amz-acl", "public-read"), ("x-amz-tagging", "a=b")],
                false,
                vec![object("PutObject"), object("PutObjectAcl"), object("PutObjectTagging")],
            ),
            (
                "CopyObject",
                &[("x-amz-copy-source", "other/a%20b?versionId=7")],
                false,
                vec!["s3:GetObjectVersion arn:aws:s3:::other/a b".to_owned(), object("PutObject")],
            ),
            ("CompleteMultipartUpload", &[], false, vec![object("PutObject")]),
            ("AbortMultipartUpload", &[], false, vec![object("AbortMultipartUpload")]),
            ("DeleteObject", &[], true, vec![object("DeleteObjectVersion")]),
            ("DeleteObjects", &[], false, vec![]),
            ("HeadBucket", &[], false, vec!["s3:ListBucket arn:aws:s3:::b".to_owned()]),
            ("GetBucketVersioning", &[], false, vec!["s3:GetBucketVersioning arn:aws:s3:::b".to_owned()]),
            ("DeleteBucketCors", &[], false, vec!["s3:PutBucketCORS arn:aws:s3:::b".to_owned()]),
            ("ListBuckets", &[], false, vec!["s3:ListAllMyBuckets *".to_owned()]),
        ] {
            assert_eq!(needed(operation, headers, of_version), expected, "{operation} {headers:?}");
        }
    }
}
