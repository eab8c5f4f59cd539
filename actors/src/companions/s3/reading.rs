//! GetObject and HeadObject.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use penstock_storage::keys::s3 as keys;
use penstock_storage::{BlobId, Store, View};

use super::conditions::ReadConditions;
use super::leases::Lease;
use super::names;
use super::records::{Content, ContentRecord, Data, ObjectRecord, Piece, VersionRecord};
use super::refusal::Refusal;
use super::service::{Requester, S3};
use super::staging::Body;
use super::versions;
use super::writing::shown_version;

/// What GetObject and HeadObject are given.
#[derive(Clone, Debug, Default)]
pub struct GetObject {
    /// The object's key.
    pub key: String,
    /// Which version; `None` is the newest.
    pub version: Option<String>,
    /// What it must meet.
    pub conditions: ReadConditions,
    /// Which bytes.
    pub part: Extent,
}

/// Which bytes of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// All.
    #[default]
    Whole,
    /// From the first to the last, inclusive; without a last one, to the end.
    Range(u64, Option<u64>),
    /// So many last ones.
    Suffix(u64),
    /// Those of one part of its upload.
    Part(u32),
}

/// A version as it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its record.
    pub record: VersionRecord,
    /// The object in it.
    pub object: ObjectRecord,
    /// Its id, if the bucket has ever had versioning.
    pub version: Option<String>,
    /// First byte and number of bytes that were asked for; `None` for the whole object.
    pub range: Option<(u64, u64)>,
}

impl Found {
    /// How many bytes the answer has.
    pub fn length(&self) -> u64 {
        self.range.map_or(self.object.size, |(_, length)| length)
    }
}

impl S3 {
    /// HeadObject.
    pub async fn head_object(
        &self,
        requester: &Requester,
        bucket: &str,
        request: GetObject,
    ) -> Result<Found, Refusal> {
        Ok(self.find(requester, bucket, request).await?.0)
    }

    /// GetObject: what it is, and its bytes.
    pub async fn get_object(
        &self,
        requester: &Requester,
        bucket: &str,
        request: GetObject,
    ) -> Result<(Found, Body), Refusal> {
        let (found, pieces, lease) = self.find(requester, bucket, request).await?;
        let (start, length) = found.range.unwrap_or((0, found.object.size));
        Ok((found, read(self.store.clone(), cut(pieces, start, length), lease)))
    }

    /// GetObjectAttributes: what it is, and the pieces that it came in.
    pub async fn object_pieces(
        &self,
        requester: &Requester,
        bucket: &str,
        request: GetObject,
    ) -> Result<(Found, Vec<Piece>), Refusal> {
        let (found, pieces, _) = self.find(requester, bucket, request).await?;
        Ok((found, pieces))
    }

    /// Whether there is an object at the key; asked by the daemon itself.
    pub async fn object_exists(&self, bucket: &str, key: &str) -> Result<bool, Refusal> {
        let found = self.store.read(|view| versions::newest(view, bucket, key)).await?;
        Ok(found.is_some_and(|version| version.object().is_some()))
    }

    /// The version, for those who hold its bucket.
    pub(super) async fn look_up(
        &self,
        bucket: &str,
        key: &str,
        id: Option<&str>,
    ) -> Result<(VersionRecord, ObjectRecord), Refusal> {
        let found = self.store.read(|view| select(view, bucket, key, id)).await?;
        versions::wanted(found, key, id)
    }

    async fn find(
        &self,
        requester: &Requester,
        bucket: &str,
        request: GetObject,
    ) -> Result<(Found, Vec<Piece>, Lease), Refusal> {
        names::check_key(&request.key)?;
        let id = request.version.as_deref();
        versions::check_version_id(id)?;
        let held = self.shared(requester, bucket).await?;
        let looked = self
            .store
            .read(|view| {
                let found = select(view, bucket, &request.key, id)?;
                let pieces = match found.as_ref().and_then(|version| Some((version, version.object()?))) {
                    Some((version, object)) => pieces(view, version, object)?,
                    None => Vec::new(),
                };
                // Still within the look: whoever deletes these blobs does so later, and sees the lease.
                let lease = self.leases.take(pieces.iter().filter_map(|p| p.data.blob().copied()).collect());
                Ok((found, pieces, lease))
            })
            .await?;
        let (found, pieces, lease) = looked;
        let (record, object) = versions::wanted(found, &request.key, id)?;
        request.conditions.check(&object.etag, record.modified)?;
        let range = resolve(request.part, object.size, &pieces)?;
        let version = shown_version(&held, &record);
        Ok((Found { record, object, version, range }, pieces, lease))
    }
}

fn select(
    view: &View<'_>,
    bucket: &str,
    key: &str,
    id: Option<&str>,
) -> Result<Option<VersionRecord>, penstock_storage::StoreError> {
    match id {
        Some(id) => versions::by_id(view, bucket, key, id),
        None => versions::newest(view, bucket, key),
    }
}

/// The pieces of an object, in order.
pub(super) fn pieces(
    view: &View<'_>,
    version: &VersionRecord,
    object: &ObjectRecord,
) -> Result<Vec<Piece>, penstock_storage::StoreError> {
    Ok(match &object.content {
        Content::Empty => Vec::new(),
        Content::Blob(blob) => vec![whole(object.size, *blob)],
        Content::Record => {
            view.get::<ContentRecord>(&keys::content(version.sequence))?.unwrap_or_default().pieces
        }
    })
}

fn whole(size: u64, blob: BlobId) -> Piece {
    Piece { number: 1, size, sums: Default::default(), data: Data::Blob(blob) }
}

/// First byte and length of what was asked for.
fn resolve(extent: Extent, size: u64, pieces: &[Piece]) -> Result<Option<(u64, u64)>, Refusal> {
    let unsatisfiable = |asked: String| {
        Refusal::new("InvalidRange", 416, "The requested range is not satisfiable")
            .with("RangeRequested", asked)
            .with("ActualObjectSize", size.to_string())
    };
    match extent {
        Extent::Whole => Ok(None),
        Extent::Range(first, last) => {
            if first >= size {
                let last = last.map(|last| last.to_string()).unwrap_or_default();
                return Err(unsatisfiable(format!("bytes={first}-{last}")));
            }
            let last = last.unwrap_or(u64::MAX).min(size - 1);
            Ok(Some((first, last.saturating_sub(first) + 1)))
        }
        Extent::Suffix(length) => {
            if length == 0 || size == 0 {
                return Err(unsatisfiable(format!("bytes=-{length}")));
            }
            let length = length.min(size);
            Ok(Some((size - length, length)))
        }
        Extent::Part(1) if pieces.is_empty() => Ok(None),
        Extent::Part(wanted) => {
            let mut start = 0;
            for (number, piece) in (1..).zip(pieces) {
                if number == wanted {
                    return Ok(Some((start, piece.size)));
                }
                start += piece.size;
            }
            Err(Refusal::new("InvalidPartNumber", 416, "The requested partnumber is not satisfiable")
                .with("ActualPartCount", pieces.len().max(1).to_string())
                .with("PartNumberRequested", wanted.to_string()))
        }
    }
}

/// What of each piece is needed: its data, where to begin, and how much.
fn cut(pieces: Vec<Piece>, start: u64, length: u64) -> Vec<(Data, u64, u64)> {
    let (mut skip, mut left) = (start, length);
    let mut cuts = Vec::new();
    for piece in pieces {
        let take = piece.size.saturating_sub(skip).min(left);
        if take > 0 {
            cuts.push((piece.data, skip, take));
        }
        left -= take;
        skip = skip.saturating_sub(piece.size);
    }
    cuts
}

fn read(store: Store, cuts: Vec<(Data, u64, u64)>, lease: Lease) -> Body {
    let pieces = stream::iter(cuts).then(move |(data, from, length)| {
        let store = store.clone();
        async move { open(&store, data, from, length).await }
    });
    Box::pin(Leased { bytes: Box::pin(pieces.try_flatten()), _lease: lease })
}

/// Keeps the blobs until the last byte is out or the reader has gone.
struct Leased {
    bytes: Body,
    _lease: Lease,
}

impl Stream for Leased {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.bytes.as_mut().poll_next(cx)
    }
}

async fn open(store: &Store, data: Data, from: u64, length: u64) -> io::Result<Body> {
    match data {
        Data::Inline(bytes) => {
            let place = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
            let part: Bytes = bytes.slice(place(from)..place(from.saturating_add(length)));
            Ok(Box::pin(stream::once(async move { Ok(part) })))
        }
        Data::Blob(blob) => {
            let reader = store.blobs().open(&blob).await.map_err(io::Error::other)?;
            Ok(Box::pin(reader.stream(from..from.saturating_add(length))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(number: u32, text: &'static str) -> Piece {
        let data = Data::Inline(Bytes::from_static(text.as_bytes()));
        Piece { number, size: text.len() as u64, sums: Default::default(), data }
    }

    #[test]
    fn ranges_are_cut_to_the_object_or_refused() {
        let pieces = [piece(1, "abc"), piece(7, "de")];
        let at = |extent| resolve(extent, 5, &pieces).map_err(|refusal| refusal.status);
        assert_eq!(at(Extent::Range(1, Some(2))), Ok(Some((1, 2))));
        assert_eq!(at(Extent::Range(1, None)), Ok(Some((1, 4))));
        assert_eq!(at(Extent::Range(4, Some(99))), Ok(Some((4, 1))));
        assert_eq!(at(Extent::Range(5, None)), Err(416));
        assert_eq!(at(Extent::Suffix(2)), Ok(Some((3, 2))));
        assert_eq!(at(Extent::Suffix(99)), Ok(Some((0, 5))));
        assert_eq!(at(Extent::Suffix(0)), Err(416));
        assert_eq!(at(Extent::Part(2)), Ok(Some((3, 2))));
        assert_eq!(at(Extent::Part(3)), Err(416));
        assert_eq!(resolve(Extent::Suffix(1), 0, &[]).map_err(|r| r.status), Err(416));
    }

    #[test]
    fn a_cut_takes_what_it_needs_of_each_piece() {
        let lengths = |start, length| -> Vec<(u64, u64)> {
            let pieces = vec![piece(1, "abc"), piece(2, "de"), piece(3, "fgh")];
            cut(pieces, start, length).into_iter().map(|(_, from, take)| (from, take)).collect()
        };
        assert_eq!(lengths(0, 8), [(0, 3), (0, 2), (0, 3)]);
        assert_eq!(lengths(2, 2), [(2, 1), (0, 1)]);
        assert_eq!(lengths(4, 3), [(1, 1), (0, 2)]);
        assert_eq!(lengths(5, 1), [(0, 1)]);
    }
}
