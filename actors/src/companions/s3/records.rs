//! What S3 keeps: buckets, versions of objects, and multipart uploads with their parts.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use penstock_engine::time::Timestamp;
use penstock_storage::{BlobId, Record};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::checksums::{Algorithm, Checksum, Kind, Sums};
use crate::golden::form;

/// A bucket with all its settings. Names are unique over all accounts, as on AWS.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BucketRecord {
    /// Its name.
    pub name: String,
    /// The account that made it.
    pub owner: String,
    /// Where it is.
    pub region: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether versions are kept; never set is not the same as suspended.
    pub versioning: Option<Versioning>,
    /// Who may do what by access control list; `None` is the owner alone.
    pub grants: Option<Vec<Grant>>,
    /// How objects are encrypted whose writers do not say.
    pub default_encryption: Encryption,
    /// The settings that are only kept, each as the XML (the policy: JSON) that was sent.
    pub configurations: BTreeMap<Configuration, String>,
}

impl Record for BucketRecord {
    const VERSION: u8 = 1;
}

form!(bucket_keeps_its_form: BucketRecord);

/// AWS's `VersioningConfiguration/Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's names")]
pub enum Versioning {
    Enabled,
    Suspended,
}

/// A bucket's settings that are kept as they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the sub-resource of that name")]
pub enum Configuration {
    Accelerate,
    Cors,
    Encryption,
    Lifecycle,
    LifecycleTransitionSize,
    Logging,
    Notification,
    ObjectLock,
    OwnershipControls,
    Policy,
    PublicAccessBlock,
    Replication,
    RequestPayment,
    Tagging,
    Website,
}

/// One line of an access control list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub grantee: Grantee,
    /// `FULL_CONTROL`, `READ`, `WRITE`, `READ_ACP` or `WRITE_ACP`.
    pub permission: String,
}

/// Who a grant is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grantee {
    /// A canonical user id.
    User(String),
    /// A predefined group's URI.
    Group(String),
    /// An account by its e-mail address.
    Email(String),
}

/// Server-side encryption as asked for; the bytes on disk are not encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub algorithm: String,
    /// The KMS key, if one was named.
    pub kms_key_id: Option<String>,
    /// Whether a bucket key is used.
    pub bucket_key: Option<bool>,
}

impl Default for Encryption {
    fn default() -> Self {
        Self { algorithm: "AES256".into(), kms_key_id: None, bucket_key: None }
    }
}

/// One version of an object: the newest one is the object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VersionRecord {
    /// The object's key.
    pub key: String,
    /// Its id, or `null`.
    pub version: String,
    /// Its place in the order of versions.
    pub sequence: u64,
    /// When it was stored.
    pub modified: Timestamp,
    /// What it is.
    pub state: State,
}

impl Record for VersionRecord {
    const VERSION: u8 = 1;
}

form!(object_version_keeps_its_form: VersionRecord);

impl VersionRecord {
    /// The object, unless this is a delete marker.
    pub fn object(&self) -> Option<&ObjectRecord> {
        match &self.state {
            State::Object(object) => Some(object),
            State::DeleteMarker => None,
        }
    }
}

/// A version is data, or says that there is none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum State {
    Object(Box<ObjectRecord>),
    DeleteMarker,
}

/// What a version with data is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObjectRecord {
    /// The account that stored it.
    pub owner: String,
    /// Bytes.
    pub size: u64,
    /// The ETag without its quotes.
    pub etag: String,
    /// Where the bytes are.
    pub content: Content,
    /// The checksum that is shown.
    pub checksum: Option<Checksum>,
    /// How many parts it was uploaded in; `None` if in one request.
    pub parts: Option<u32>,
    /// All that its writer said of it.
    pub attributes: Attributes,
}

/// Where an object's bytes are. What is more than a name lies in a [`ContentRecord`], so that listings
/// read short records.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Content {
    Empty,
    Blob(BlobId),
    Record,
}

/// An object's bytes, or where they are, in order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ContentRecord {
    /// One piece per uploaded part, or one for a small object.
    pub pieces: Vec<Piece>,
}

impl Record for ContentRecord {
    const VERSION: u8 = 1;
}

form!(object_content_keeps_its_form: ContentRecord);

/// A run of bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Piece {
    /// The part's number in its upload.
    pub number: u32,
    /// Bytes.
    pub size: u64,
    /// The part's checksums.
    pub sums: Sums,
    /// The bytes.
    pub data: Data,
}

/// Bytes here or in a blob.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Data {
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    Inline(Bytes),
    Blob(BlobId),
}

impl Data {
    /// The blob, if the bytes are in one.
    pub fn blob(&self) -> Option<&BlobId> {
        match self {
            Self::Inline(_) => None,
            Self::Blob(id) => Some(id),
        }
    }
}

fn to_base64<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map(Bytes::from).map_err(serde::de::Error::custom)
}

/// What a writer says of an object beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the header of that name")]
pub struct Attributes {
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub content_disposition: Option<String>,
    pub cache_control: Option<String>,
    pub expires: Option<Timestamp>,
    pub metadata: BTreeMap<String, String>,
    pub tags: Vec<Tag>,
    pub storage_class: Option<String>,
    pub website_redirect: Option<String>,
    pub encryption: Option<Encryption>,
    pub grants: Option<Vec<Grant>>,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Tag {
    pub key: String,
    pub value: String,
}

/// A multipart upload under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UploadRecord {
    /// The object that it will be.
    pub key: String,
    /// Its id.
    pub upload: String,
    /// The account that began it.
    pub owner: String,
    /// When it was begun.
    pub initiated: Timestamp,
    /// The checksum that its parts carry, if the client named one.
    pub algorithm: Option<Algorithm>,
    /// What the object's checksum shall cover.
    pub kind: Option<Kind>,
    /// All that its beginner said of the object.
    pub attributes: Attributes,
}

impl Record for UploadRecord {
    const VERSION: u8 = 1;
}

form!(upload_keeps_its_form: UploadRecord);

/// A part of an upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PartRecord {
    /// The MD5 of its bytes, hexadecimal.
    pub etag: String,
    /// When it was stored.
    pub modified: Timestamp,
    /// Its number, size, checksums and bytes.
    pub piece: Piece,
}

impl Record for PartRecord {
    const VERSION: u8 = 1;
}

form!(upload_part_keeps_its_form: PartRecord);
