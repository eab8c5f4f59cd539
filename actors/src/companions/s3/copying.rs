//! CopyObject: read one, write another.

use super::checksums::{Algorithm, Checksum, Kind};
use super::conditions::WriteConditions;
use super::names;
use super::reading::{Found, GetObject};
use super::records::{Attributes, Content, ObjectRecord, Tag};
use super::refusal::Refusal;
use super::service::{Requester, S3};
use super::staging::{self, Incoming};
use super::writing::{self, Source, Stored};

/// The largest object that one CopyObject copies: 5 GiB.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// What CopyObject is given.
pub struct CopyObject {
    /// The bucket to read.
    pub source_bucket: String,
    /// What to read there, and its conditions.
    pub source: GetObject,
    /// What the copy's reader expects of the source bucket's owner.
    pub source_owner: Option<String>,
    /// The key of the copy.
    pub key: String,
    /// What is said of the copy; its tags and most else count only if replaced.
    pub attributes: Attributes,
    /// Whether headers and metadata are the request's or the source's.
    pub metadata: Directive,
    /// The same for tags.
    pub tagging: Directive,
    /// The checksum that the copy shall have, if not the source's.
    pub algorithm: Option<Algorithm>,
}

/// AWS's `x-amz-metadata-directive` and `x-amz-tagging-directive`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's names")]
pub enum Directive {
    Copy,
    Replace,
}

/// A copy that was made.
pub struct Copied {
    /// The copy.
    pub stored: Stored,
    /// The source's version id, if its bucket has ever had versioning.
    pub source_version: Option<String>,
}

impl S3 {
    /// CopyObject.
    pub async fn copy_object(
        &self,
        requester: &Requester,
        bucket: &str,
        request: CopyObject,
    ) -> Result<Copied, Refusal> {
        names::check_key(&request.key)?;
        writing::check_attributes(&request.attributes)?;
        let onto_itself = request.source_bucket == bucket
            && request.source.key == request.key
            && request.source.version.is_none();
        if onto_itself && changes_nothing(&request) {
            return Err(Refusal::invalid_request(
                "This copy request is illegal because it is trying to copy an object to itself without changing \
                 the object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        drop(self.shared(requester, bucket).await?);
        let (found, body) =
            self.copy_source(requester, request.source_owner, &request.source_bucket, request.source).await?;
        if found.object.size > LARGEST {
            return Err(Refusal::invalid_request(
                "The specified copy source is larger than the maximum allowable size for a copy source: \
                 5368709120",
            ));
        }
        let of_source = found.object.checksum.as_ref().map(|checksum| checksum.algorithm);
        let algorithm = request.algorithm.or(of_source).unwrap_or(Algorithm::Crc64nvme);
        let staged = staging::stage(&self.store, Incoming::unchecked(body), [algorithm]).await?;
        let checksum = staged.sums.get(&algorithm).map(|value| Checksum {
            algorithm,
            value: value.clone(),
            kind: Kind::FullObject,
        });
        let attributes = merge(&found, request.attributes, request.metadata, request.tagging);
        let held = self.shared(requester, bucket).await?;
        let object = ObjectRecord {
            owner: requester.account.clone(),
            size: staged.size,
            etag: staged.md5.clone(),
            content: Content::Empty,
            checksum,
            parts: None,
            attributes: writing::complete(attributes, &held),
        };
        let conditions = WriteConditions::default();
        let stored =
            self.store_object(held, &request.key, &conditions, object, Source::Copied(staged)).await?;
        Ok(Copied { stored, source_version: found.version })
    }

    /// Reads a copy's source: an unmet condition is always 412 there, never 304.
    pub(super) async fn copy_source(
        &self,
        requester: &Requester,
        owner: Option<String>,
        bucket: &str,
        source: GetObject,
    ) -> Result<(Found, staging::Body), Refusal> {
        let reader = Requester { expected_owner: owner, ..requester.clone() };
        let versioned = source.version.is_some();
        self.get_object(&reader, bucket, source).await.map_err(|refusal| match refusal.code {
            "NotModified" => Refusal::precondition_failed("x-amz-copy-source-If-None-Match"),
            "MethodNotAllowed" if versioned => Refusal::invalid_request(
                "The source of a copy request may not specifically refer to a delete marker by version id.",
            ),
            _ => refusal,
        })
    }
}

fn changes_nothing(request: &CopyObject) -> bool {
    let said = &request.attributes;
    request.metadata == Directive::Copy
        && said.storage_class.is_none()
        && said.website_redirect.is_none()
        && said.encryption.is_none()
        && request.algorithm.is_none()
}

/// What is said of the copy: access lists, encryption and storage class are never the source's.
fn merge(found: &Found, said: Attributes, metadata: Directive, tagging: Directive) -> Attributes {
    let source = found.object.attributes.clone();
    let tags: Vec<Tag> = if tagging == Directive::Copy { source.tags.clone() } else { said.tags.clone() };
    match metadata {
        Directive::Replace => Attributes { tags, ..said },
        Directive::Copy => Attributes {
            tags,
            storage_class: said.storage_class,
            website_redirect: said.website_redirect,
            encryption: said.encryption,
            grants: said.grants,
            ..source
        },
    }
}
