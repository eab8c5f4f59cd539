//! Reading a blob, flat in memory whatever its size.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};

/// How much is read at a time.
const CHUNK: u64 = 256 * 1024;

/// An open blob.
#[derive(Clone)]
pub struct BlobReader {
    source: Source,
    len: u64,
}

#[derive(Clone)]
enum Source {
    Memory(Bytes),
    Disk(Arc<File>),
}

impl BlobReader {
    pub(super) fn in_memory(bytes: Bytes) -> Self {
        Self { len: bytes.len() as u64, source: Source::Memory(bytes) }
    }

    pub(super) fn on_disk(file: File, len: u64) -> Self {
        Self { len, source: Source::Disk(Arc::new(file)) }
    }

    /// The blob's size in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the blob has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes of a range, cut to the blob's end, in chunks of moderate size. Needs a tokio runtime.
    pub fn stream(
        &self,
        range: Range<u64>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + Unpin + use<> {
        let end = range.end.min(self.len);
        let source = self.source.clone();
        Box::pin(stream::try_unfold(range.start, move |at| {
            let source = source.clone();
            async move {
                if at >= end {
                    return Ok(None);
                }
                let chunk = source.read(at..end.min(at + CHUNK)).await?;
                let next = at + chunk.len() as u64;
                Ok(Some((chunk, next)))
            }
        }))
    }

    /// The whole blob at once: only for what is known to be small.
    pub async fn bytes(&self) -> io::Result<Bytes> {
        self.source.read(0..self.len).await
    }
}

impl Source {
    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => {
                let (from, to) = (index(range.start)?, index(range.end)?);
                Ok(bytes.slice(from..to))
            }
            Self::Disk(file) => {
                let file = Arc::clone(file);
                let read = tokio::task::spawn_blocking(move || {
                    let mut chunk = BytesMut::zeroed(index(range.end - range.start)?);
                    file.read_exact_at(&mut chunk, range.start)?;
                    Ok(chunk.freeze())
                });
                read.await.map_err(io::Error::other)?
            }
        }
    }
}

fn index(at: u64) -> io::Result<usize> {
    usize::try_from(at).map_err(io::Error::other)
}
