//! Loose blobs: those that no record names, because it is still to be written or was removed. Each is on a
//! durable list before it can be left behind, so that a start has only this list to look at and never the
//! objects, however many there are.
//!
//! | step | blob | list | record |
//! |---|---|---|---|
//! | listed | aside | listed | |
//! | finished | in its place | listed | |
//! | named: one batch | in its place | | names it |
//! | replaced or deleted: one batch | in its place | listed | |
//! | removed | gone for good | listed | |
//! | forgotten | gone for good | | |
//!
//! After a crash at any step a blob that is listed is named by no record and never will be.

use std::collections::HashSet;
use std::ops::Bound;

use penstock_storage::keys::s3 as keys;
use penstock_storage::{Batch, BlobId, Direction, Record, Store, StoreError};
use serde::{Deserialize, Serialize};

use super::identity::Reserved;
use super::records::{Content, ContentRecord, PartRecord, VersionRecord};
use crate::golden::form;

/// A blob that no record names.
#[derive(Debug, Serialize, Deserialize)]
struct Loose(BlobId);

impl Record for Loose {
    const VERSION: u8 = 1;
}

form!(loose_blob_keeps_its_form: Loose);

/// With this batch the blob is on the list.
pub(super) fn list(batch: &mut Batch, blob: BlobId) {
    batch.put(keys::loose(&blob), &Loose(blob));
}

/// With this batch a record names the blob.
pub(super) fn name(batch: &mut Batch, blob: &BlobId) {
    batch.delete(keys::loose(blob));
}

/// Removes a blob that is on the list.
pub(super) async fn remove(store: &Store, blob: &BlobId) {
    match store.blobs().delete(blob).await {
        Ok(()) => {
            let mut batch = Batch::new();
            batch.delete(keys::loose(blob));
            // Nobody needs to know when: until then the next start does it again.
            drop(store.queue(batch));
        }
        Err(error) => {
            tracing::warn!(%error, "a blob without an object could not be deleted; the next start tries again");
        }
    }
}

/// What an earlier process left.
pub(super) async fn left(store: &Store) -> Result<Vec<BlobId>, StoreError> {
    let all = |entry: Result<(_, Loose), _>| Ok(entry?.1.0);
    store
        .read(|view| view.scan(&keys::all_loose(), Bound::Unbounded, Direction::Forward).map(all).collect())
        .await
}

/// Brings a data directory of before the list to it, once: reads every record, removes the blobs that none
/// names, and says the highest sequence there is.
pub(super) async fn begin_list(store: &Store) -> Result<u64, StoreError> {
    let (named, highest) = store
        .read(|view| {
            let (mut named, mut highest) = (HashSet::new(), 0);
            for entry in
                view.scan::<VersionRecord>(&keys::all_objects(), Bound::Unbounded, Direction::Forward)
            {
                let (_, version) = entry?;
                highest = version.sequence.max(highest);
                if let Some(Content::Blob(blob)) = version.object().map(|object| &object.content) {
                    named.insert(*blob);
                }
            }
            for entry in view.scan::<ContentRecord>(&keys::contents(), Bound::Unbounded, Direction::Forward) {
                named.extend(entry?.1.pieces.iter().filter_map(|piece| piece.data.blob().copied()));
            }
            for entry in view.scan::<PartRecord>(&keys::all_parts(), Bound::Unbounded, Direction::Forward) {
                named.extend(entry?.1.piece.data.blob().copied());
            }
            Ok((named, highest))
        })
        .await?;
    store.blobs().sweep(move |blob| named.contains(blob)).await?;
    // Last, so that a crash before lets the next start begin again.
    let mut batch = Batch::new();
    batch.put(keys::sequence(), &Reserved(highest));
    store.queue(batch).await;
    Ok(highest)
}
