//! The embedded, persistent S3: what it keeps and decides. Its wire format is the API's.
//!
//! Start at [`service`] (locks and commits), then [`writing`] and [`reading`]. Buckets, versions and
//! uploads are records; bytes above 16 KiB are blobs that their record names. A record is queued right
//! after its blob is lasting, and a blob is deleted only after the record that named it is durably gone:
//! what a crash in between leaves is on the list of `loose` blobs, which the next start removes.

pub mod acl;
pub mod buckets;
pub mod checksums;
pub mod completion;
pub mod conditions;
pub mod copying;
pub mod deletion;
mod event;
pub mod identity;
mod leases;
pub mod listing;
mod loose;
pub mod multipart;
pub mod names;
pub mod reading;
pub mod records;
pub mod refusal;
pub mod service;
mod sharing;
pub mod staging;
pub mod tagging;
pub mod upload_lists;
mod versions;
pub mod writing;

#[cfg(test)]
mod tests;
