//! Bytes on their way in: hashed as they come, in memory while small, aside in a file when not. Nothing of
//! an upload that fails, or whose client goes away, stays.

use std::io;
use std::pin::Pin;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use penstock_storage::{Batch, BlobWriter, Store, StoreError};

use super::checksums::{Algorithm, Hasher, Sums};
use super::loose;
use super::records::Data;
use super::refusal::Refusal;

/// Bytes in order; an error is a client that went away.
pub type Body = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Looks up the checksum that came behind the body.
pub type Trailer = Box<dyn FnOnce() -> Option<String> + Send>;

/// Up to this size the bytes lie in a record: two syncs of a file and its folder cost more.
pub(super) const INLINE: usize = 16 * 1024;

/// The largest body of one request: 5 GiB.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// Bytes that somebody sends, and what they are said to be.
pub struct Incoming {
    /// The bytes.
    pub body: Body,
    /// How many, if said.
    pub length: Option<u64>,
    /// `Content-MD5`: base64.
    pub content_md5: Option<String>,
    /// The algorithm of the checksum that was sent or asked for.
    pub algorithm: Option<Algorithm>,
    /// The checksum, when it came ahead of the body.
    pub checksum: Option<String>,
    /// Where it will be, when it comes behind.
    pub trailer: Option<Trailer>,
}

impl Incoming {
    /// Those bytes, nothing said of them.
    pub fn unchecked(body: Body) -> Self {
        Self { body, length: None, content_md5: None, algorithm: None, checksum: None, trailer: None }
    }

    fn check_claims(&self) -> Result<(), Refusal> {
        let md5 = |text: &String| STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == 16);
        if self.content_md5.as_ref().is_some_and(|text| !md5(text)) {
            return Err(Refusal::new("InvalidDigest", 400, "The Content-MD5 you specified was invalid."));
        }
        if let (Some(algorithm), Some(value)) = (self.algorithm, &self.checksum)
            && !algorithm.is_well_formed(value)
        {
            return Err(Refusal::invalid_request(format!(
                "Value for x-amz-checksum-{} header is invalid.",
                algorithm.name().to_lowercase()
            )));
        }
        if self.length.is_some_and(|length| length > LARGEST) {
            return Err(too_large(self.length.unwrap_or_default()));
        }
        Ok(())
    }
}

/// Bytes that have come and were what they claimed to be.
pub(super) struct Staged {
    place: Place,
    pub(super) size: u64,
    /// MD5, hexadecimal.
    pub(super) md5: String,
    pub(super) sums: Sums,
}

enum Place {
    Memory(BytesMut),
    File(Box<BlobWriter>),
}

impl Staged {
    /// Makes the bytes lasting. They go again unless the caller [keeps](Settled::keep) them.
    pub(super) async fn settle(self, store: &Store) -> Result<Settled, Refusal> {
        let mut writer = match self.place {
            Place::Memory(bytes) => {
                return Ok(Settled { data: Some(Data::Inline(bytes.freeze())), store: store.clone() });
            }
            Place::File(writer) => writer,
        };
        let store = store.clone();
        // A task of its own: a client that goes away now must not leave a blob behind.
        let finished = tokio::spawn(async move {
            let mut batch = Batch::new();
            loose::list(&mut batch, writer.id());
            let listed = store.queue(batch);
            writer.sync().await?;
            listed.await;
            let blob = writer.finish().await?;
            Ok::<_, StoreError>(Settled { data: Some(Data::Blob(blob)), store })
        });
        Ok(finished.await.map_err(Refusal::internal)??)
    }
}

/// Lasting bytes that no record names yet.
pub(super) struct Settled {
    data: Option<Data>,
    store: Store,
}

impl Settled {
    /// From here on a record names the bytes: it is put into this batch, which is queued before anything is awaited.
    pub(super) fn keep(mut self, batch: &mut Batch) -> Data {
        let data = self.data.take().unwrap_or_else(|| Data::Inline(Bytes::new()));
        if let Some(blob) = data.blob() {
            loose::name(batch, blob);
        }
        data
    }
}

impl Drop for Settled {
    fn drop(&mut self) {
        let blob = self.data.as_ref().and_then(Data::blob).copied();
        // Outside a runtime the process is ending: the next start removes it.
        if let (Some(blob), Ok(runtime)) = (blob, tokio::runtime::Handle::try_current()) {
            let store = self.store.clone();
            runtime.spawn(async move { loose::remove(&store, &blob).await });
        }
    }
}

/// Takes a body in. `also` are checksums to compute besides the claimed one.
pub(super) async fn stage(
    store: &Store,
    mut incoming: Incoming,
    also: impl IntoIterator<Item = Algorithm>,
) -> Result<Staged, Refusal> {
    incoming.check_claims()?;
    store.accepts_data().map_err(|_| Refusal::no_space())?;
    let mut hasher = Hasher::new(incoming.algorithm.into_iter().chain(also));
    let mut place = Place::Memory(BytesMut::new());
    let mut size: u64 = 0;
    while let Some(chunk) = incoming.body.next().await {
        let chunk = chunk.map_err(|_| incomplete())?;
        size = size.saturating_add(chunk.len() as u64);
        if size > LARGEST {
            return Err(too_large(size));
        }
        hasher.update(&chunk);
        place = add(store, place, chunk).await?;
    }
    if incoming.length.is_some_and(|length| length != size) {
        return Err(incomplete());
    }
    let (md5, sums) = hasher.finish();
    verify(&mut incoming, &md5, &sums)?;
    Ok(Staged { place, size, md5: hex::encode(md5), sums })
}

async fn add(store: &Store, place: Place, chunk: Bytes) -> Result<Place, Refusal> {
    match place {
        Place::Memory(mut bytes) if bytes.len() + chunk.len() <= INLINE => {
            bytes.extend_from_slice(&chunk);
            Ok(Place::Memory(bytes))
        }
        Place::Memory(bytes) => {
            let mut writer = store.blobs().create().await?;
            if !bytes.is_empty() {
                writer.write(bytes.freeze()).await?;
            }
            writer.write(chunk).await?;
            Ok(Place::File(Box::new(writer)))
        }
        Place::File(mut writer) => {
            writer.write(chunk).await?;
            Ok(Place::File(writer))
        }
    }
}

fn verify(incoming: &mut Incoming, md5: &[u8; 16], sums: &Sums) -> Result<(), Refusal> {
    if incoming.content_md5.as_ref().is_some_and(|claimed| *claimed != STANDARD.encode(md5)) {
        return Err(Refusal::new(
            "BadDigest",
            400,
            "The Content-MD5 you specified did not match what we received.",
        ));
    }
    let Some(algorithm) = incoming.algorithm else { return Ok(()) };
    let claimed = incoming.checksum.take().or_else(|| incoming.trailer.take().and_then(|trailer| trailer()));
    if claimed.is_some_and(|claimed| sums.get(&algorithm) != Some(&claimed)) {
        return Err(Refusal::new(
            "BadDigest",
            400,
            format!("The {} you specified did not match the calculated checksum.", algorithm.name()),
        ));
    }
    Ok(())
}

fn incomplete() -> Refusal {
    Refusal::new(
        "IncompleteBody",
        400,
        "You did not provide the number of bytes specified by the Content-Length HTTP header.",
    )
}

fn too_large(size: u64) -> Refusal {
    Refusal::new("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
        .with("ProposedSize", size.to_string())
        .with("MaxSizeAllowed", LARGEST.to_string())
}
