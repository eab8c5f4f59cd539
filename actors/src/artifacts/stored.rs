//! Bytes on their way: in memory while they are few, otherwise in a file that has no name.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tempfile::TempDir;
use tokio::task::{JoinHandle, spawn_blocking};

/// How much is kept in memory before it goes to a file.
pub const IN_MEMORY: usize = 256 * 1024;

/// How much of a file is read at once.
const PIECE: usize = 128 * 1024;

/// Where files are made whose content is on its way. They have no names: the system takes them back when they
/// are closed, even if the daemon is killed.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// A spool in that folder, which must exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// A new, empty file.
    pub(crate) fn file(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.folder)
    }

    /// A new, empty folder whose name begins so. It goes with what is returned; what a killed daemon leaves
    /// behind is removed at the next start.
    pub(crate) fn folder(&self, prefix: &str) -> io::Result<TempDir> {
        tempfile::Builder::new().prefix(prefix).tempdir_in(&self.folder)
    }

    /// Removes the folders of that prefix that a killed daemon left behind.
    pub fn clear(&self, prefix: &str) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(prefix) && entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Bytes that are all there. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Stored {
    /// In memory.
    Memory(Bytes),
    /// In a file.
    File {
        /// The file.
        file: Arc<File>,
        /// Its length.
        length: u64,
    },
}

impl Stored {
    /// How many bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }

    /// Fills `into` from that offset; an error if there is not so much.
    pub(crate) fn read_exact_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).map_err(io::Error::other)?;
                let part = start.checked_add(into.len()).and_then(|end| bytes.get(start..end));
                into.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Self::File { file, .. } => file.read_exact_at(into, offset),
        }
    }

    /// As the body of a request, which can be sent again.
    pub fn body(&self) -> ByteStream {
        match self {
            Self::Memory(bytes) => ByteStream::from(bytes.clone()),
            Self::File { file, length } => {
                let (file, left) = (Arc::clone(file), *length);
                ByteStream::new(SdkBody::retryable(move || {
                    SdkBody::from_body_1_x(FileBody { file: Arc::clone(&file), at: 0, left, reading: None })
                }))
            }
        }
    }
}

/// A file as a request's body. Reading by offset lets several attempts read the same file.
struct FileBody {
    file: Arc<File>,
    at: u64,
    left: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let (file, at) = (Arc::clone(&self.file), self.at);
        let wanted = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        let mut reading = self.reading.take().unwrap_or_else(|| {
            spawn_blocking(move || {
                let mut piece = vec![0; wanted];
                file.read_exact_at(&mut piece, at)?;
                Ok(Bytes::from(piece))
            })
        });
        let Poll::Ready(read) = Pin::new(&mut reading).poll(cx) else {
            self.reading = Some(reading);
            return Poll::Pending;
        };
        let piece = read.map_err(io::Error::other)??;
        self.at += piece.len() as u64;
        self.left -= piece.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
