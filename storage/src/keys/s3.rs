//! The keys of the S3 companion.
//!
//! S3 lists a bucket in the byte order of the objects' keys, which are any Unicode text, `/` and NUL
//! included. So an object's key stands here as it is, but for two bytes, and ends with a NUL, which sorts
//! before everything: `00` becomes `01 01`, `01` becomes `01 02`. All bytes keep their order, and the
//! beginning of an object's key is the beginning of its record's key.

use super::layout::{Layout, Segments, hex_digits, parse_hex};
use super::{Key, Prefix};
use crate::blobs::BlobId;

const TERMINATOR: u8 = 0;
const ESCAPE: u8 = 1;

/// A bucket.
pub fn bucket(bucket: &str) -> Key {
    Layout::family("s3-bucket").text(bucket).key()
}

/// All buckets, by name.
pub fn buckets() -> Prefix {
    Layout::family("s3-bucket").prefix()
}

/// The name of a [`bucket`].
pub fn parse_bucket(key: &Key) -> Option<String> {
    let mut segments = Segments::of(key, "s3-bucket")?;
    let name = segments.text()?;
    segments.end()?;
    Some(name)
}

/// One version of an object. `seq` rises with every version written.
pub fn object(bucket: &str, object: &str, seq: u64) -> Key {
    versions_layout(bucket, object).bytes(hex_digits(u64::MAX - seq, 16)).key()
}

/// The versions of one object, newest first.
pub fn versions(bucket: &str, object: &str) -> Prefix {
    versions_layout(bucket, object).prefix()
}

/// The versions of all objects whose keys begin so: objects in the byte order of their keys, each one's
/// newest version first. An empty beginning means the whole bucket.
pub fn objects(bucket: &str, beginning: &str) -> Prefix {
    Layout::family("s3-object").text(bucket).bytes(escape(beginning)).prefix()
}

/// Object key and version sequence of an [`object`].
pub fn parse_object(key: &Key) -> Option<(String, u64)> {
    let (object, behind) = parse_escaped(key, "s3-object")?;
    Some((object, u64::MAX - parse_hex(behind, 16)?))
}

/// A multipart upload under way.
pub fn upload(bucket: &str, object: &str, upload: &str) -> Key {
    Layout::family("s3-upload").text(bucket).bytes(escape(object)).bytes([TERMINATOR]).text(upload).key()
}

/// The uploads to keys that begin so.
pub fn uploads(bucket: &str, beginning: &str) -> Prefix {
    Layout::family("s3-upload").text(bucket).bytes(escape(beginning)).prefix()
}

/// Every upload of every bucket.
pub fn all_uploads() -> Prefix {
    Layout::family("s3-upload").prefix()
}

/// The bytes of the version with that sequence number, or where they are, when its own record is not the
/// place for that. Sequence numbers are unique over all buckets.
pub fn content(seq: u64) -> Key {
    Layout::family("s3-content").number(seq).key()
}

/// Every [`content`].
pub fn contents() -> Prefix {
    Layout::family("s3-content").prefix()
}

/// Every version of every object of every bucket.
pub fn all_objects() -> Prefix {
    Layout::family("s3-object").prefix()
}

/// Object key and upload id of an [`upload`].
pub fn parse_upload(key: &Key) -> Option<(String, String)> {
    let (object, behind) = parse_escaped(key, "s3-upload")?;
    Some((object, Segments::rest_of(behind).text()?))
}

/// A part of a multipart upload.
pub fn part(upload: &str, number: u32) -> Key {
    Layout::family("s3-part").text(upload).small(number).key()
}

/// The parts of an upload in the order of their numbers.
pub fn parts(upload: &str) -> Prefix {
    Layout::family("s3-part").text(upload).prefix()
}

/// Every part of every upload.
pub fn all_parts() -> Prefix {
    Layout::family("s3-part").prefix()
}

/// A blob that no record names: still to be, or not any more.
pub fn loose(blob: &BlobId) -> Key {
    Layout::family("s3-loose").text(&blob.to_string()).key()
}

/// Every [`loose`] blob.
pub fn all_loose() -> Prefix {
    Layout::family("s3-loose").prefix()
}

/// A number that no version's sequence has reached yet.
pub fn sequence() -> Key {
    Layout::family("s3-sequence").key()
}

/// Upload id and part number of a [`part`].
pub fn parse_part(key: &Key) -> Option<(String, u32)> {
    let mut segments = Segments::of(key, "s3-part")?;
    let parts = (segments.text()?, segments.small()?);
    segments.end()?;
    Some(parts)
}

fn versions_layout(bucket: &str, object: &str) -> Layout {
    Layout::family("s3-object").text(bucket).bytes(escape(object)).bytes([TERMINATOR])
}

fn escape(object: &str) -> impl Iterator<Item = u8> {
    object
        .bytes()
        .flat_map(|byte| match byte {
            TERMINATOR | ESCAPE => [Some(ESCAPE), Some(byte + 1)],
            byte => [Some(byte), None],
        })
        .flatten()
}

/// Splits what follows the bucket at the terminator, and takes the escapes off what stands before it.
fn parse_escaped<'a>(key: &'a Key, family: &str) -> Option<(String, &'a [u8])> {
    let mut segments = Segments::of(key, family)?;
    segments.text()?;
    let rest = segments.rest()?;
    let (escaped, behind) = rest.split_at_checked(rest.iter().position(|byte| *byte == TERMINATOR)?)?;
    let mut object = Vec::with_capacity(escaped.len());
    let mut bytes = escaped.iter();
    while let Some(&byte) = bytes.next() {
        object.push(match byte {
            ESCAPE => bytes.next()?.checked_sub(1)?,
            byte => byte,
        });
    }
    Some((String::from_utf8(object).ok()?, behind.get(1..)?))
}
