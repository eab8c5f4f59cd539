//! Between archives that are read and written by blocking code and pieces that come and go asynchronously.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes, BytesMut};
use tokio::sync::mpsc;

/// How much is sent at once.
const PIECE: usize = 128 * 1024;

/// Reads pieces as they come. For threads that may block.
#[derive(Debug)]
pub struct PieceReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl PieceReader {
    /// Of those pieces.
    pub fn new(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { pieces, rest: Bytes::new() }
    }
}

impl Read for PieceReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.rest = piece?,
                None => return Ok(0),
            }
        }
        let length = self.rest.len().min(into.len());
        self.rest.copy_to_slice(into.get_mut(..length).unwrap_or_default());
        Ok(length)
    }
}

/// Sends what is written in pieces. For threads that may block.
#[derive(Debug)]
pub struct PieceWriter {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    begun: BytesMut,
}

impl PieceWriter {
    /// To there.
    pub fn new(pieces: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Self { pieces, begun: BytesMut::with_capacity(PIECE) }
    }
}

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        if self.begun.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = self.begun.split().freeze();
        if piece.is_empty() {
            return Ok(());
        }
        self.pieces.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Drop for PieceWriter {
    fn drop(&mut self) {
        // Whoever reads an archive that broke off finds out by itself.
        let _ = self.flush();
    }
}
