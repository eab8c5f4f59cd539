//! Moves objects: within S3, and from S3 to here.

use std::io;
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{MetadataDirective, ObjectCannedAcl, ServerSideEncryption, TaggingDirective};
use bytes::{Bytes, BytesMut};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::aws::refusal::AwsRefusal;
use crate::aws::s3::S3;

use super::stored::{IN_MEMORY, Spool, Stored};

/// What may stand in a copy source as it is: the rest is encoded, as in a URL's path.
const COPY_SOURCE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// An object that is there.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its bucket.
    pub bucket: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Which version; otherwise the newest.
    pub version: Option<&'a str>,
}

/// An object to be written.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its bucket.
    pub bucket: &'a str,
    /// Its key.
    pub key: &'a str,
    /// What is said of it.
    pub headers: &'a Headers,
}

/// What is said of an object besides its bytes.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// A canned ACL.
    pub acl: Option<ObjectCannedAcl>,
    /// The KMS key that encrypts it.
    pub kms_key: Option<String>,
    /// Whether, where no key is named, KMS encrypts it with the account's own key for S3.
    pub by_kms: bool,
}

impl Headers {
    /// Those of an artifact, which KMS encrypts also where the pipeline names no key (user guide, "S3-artifact-encryption"):
    /// policies of artifact buckets ask for that. A store elsewhere may have no such key.
    pub fn of_artifact(s3: &S3, kms_key: Option<String>) -> Self {
        Self { kms_key, by_kms: s3.is_embedded(), ..Self::default() }
    }

    fn encryption(&self) -> Option<ServerSideEncryption> {
        (self.kms_key.is_some() || self.by_kms).then_some(ServerSideEncryption::AwsKms)
    }
}

/// Whether a copy keeps its source's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// It does.
    Kept,
    /// It gets what the target's headers say.
    Replaced,
}

/// Copies an object as it is, by one CopyObject.
///
/// Both ends are always in the same S3, so the bytes need not come here: one call instead of two, no memory, no
/// checksums on this side, and the same permissions (`s3:GetObject`, `s3:PutObject`). S3 copies up to 5 GiB at
/// once and says so itself beyond that. Tags stay behind, as they would with GetObject and PutObject: copying
/// them would take permissions that CodePipeline's documented roles lack.
pub async fn copy(s3: &S3, from: Source<'_>, to: Target<'_>, metadata: Metadata) -> Result<(), AwsRefusal> {
    let path = format!("{}/{}", from.bucket, from.key);
    let mut source = utf8_percent_encode(&path, COPY_SOURCE).to_string();
    if let Some(version) = from.version {
        source.push_str("?versionId=");
        source.extend(utf8_percent_encode(version, COPY_SOURCE));
    }
    let mut request = s3
        .client
        .copy_object()
        .copy_source(source)
        .bucket(to.bucket)
        .key(to.key)
        .tagging_directive(TaggingDirective::Replace)
        .set_acl(to.headers.acl.clone())
        .set_server_side_encryption(to.headers.encryption())
        .set_ssekms_key_id(to.headers.kms_key.clone());
    if metadata == Metadata::Replaced {
        request = request
            .metadata_directive(MetadataDirective::Replace)
            .set_content_type(to.headers.content_type.clone())
            .set_cache_control(to.headers.cache_control.clone());
    }
    let answer = request.send().await.map_err(|error| s3.refusal(&error))?;
    s3.expected(answer.copy_object_result).map(drop)
}

/// Writes an object.
pub async fn put(s3: &S3, content: &Stored, to: Target<'_>) -> Result<(), AwsRefusal> {
    let put = s3
        .client
        .put_object()
        .bucket(to.bucket)
        .key(to.key)
        .body(content.body())
        .content_length(i64::try_from(content.length()).unwrap_or(i64::MAX))
        .set_content_type(to.headers.content_type.clone())
        .set_cache_control(to.headers.cache_control.clone())
        .set_acl(to.headers.acl.clone())
        .set_server_side_encryption(to.headers.encryption())
        .set_ssekms_key_id(to.headers.kms_key.clone());
    let answer = put.send().await.map_err(|error| s3.refusal(&error))?;
    s3.expected(answer.e_tag).map(drop)
}

/// Why an object did not get here.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// S3's doing.
    #[error(transparent)]
    Aws(#[from] AwsRefusal),
    /// Our own disk's.
    #[error("the daemon cannot store it for the time being: {0}")]
    Disk(#[from] io::Error),
}

/// Fetches an object: a small one into memory, another into a file.
pub async fn download(s3: &S3, from: Source<'_>, spool: &Spool) -> Result<Stored, DownloadError> {
    let request = s3.client.get_object().bucket(from.bucket).key(from.key);
    let answer = request
        .set_version_id(from.version.map(str::to_owned))
        .send()
        .await
        .map_err(|error| s3.refusal(&error))?;
    let (mut body, announced) = (answer.body, answer.content_length);
    let stored = match collect(&mut body, s3).await? {
        Collected::All(bytes) => Stored::Memory(bytes),
        Collected::Begun(begun) => to_file(begun, &mut body, s3, spool).await?,
    };
    if announced.is_some_and(|announced| u64::try_from(announced) != Ok(stored.length())) {
        return Err(s3.broken_off("the object broke off").into());
    }
    Ok(stored)
}

enum Collected {
    All(Bytes),
    Begun(Bytes),
}

async fn collect(body: &mut ByteStream, s3: &S3) -> Result<Collected, DownloadError> {
    let mut kept = BytesMut::new();
    while let Some(piece) = next(body, s3).await? {
        kept.extend_from_slice(&piece);
        if kept.len() > IN_MEMORY {
            return Ok(Collected::Begun(kept.freeze()));
        }
    }
    Ok(Collected::All(kept.freeze()))
}

async fn to_file(
    begun: Bytes,
    body: &mut ByteStream,
    s3: &S3,
    spool: &Spool,
) -> Result<Stored, DownloadError> {
    let mut file = File::from_std(spool.file()?);
    let mut length = begun.len() as u64;
    file.write_all(&begun).await?;
    while let Some(piece) = next(body, s3).await? {
        length += piece.len() as u64;
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    Ok(Stored::File { file: Arc::new(file.into_std().await), length })
}

async fn next(body: &mut ByteStream, s3: &S3) -> Result<Option<Bytes>, AwsRefusal> {
    body.try_next().await.map_err(|error| s3.broken_off(crate::aws::refusal::causes(&error)))
}
