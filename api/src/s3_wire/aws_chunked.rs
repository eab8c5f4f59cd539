//! The `aws-chunked` encoding: a body in chunks that each may carry a signature, and trailing headers after
//! the last.
//!
//! ```text
//! <hex size>[;chunk-signature=<hex>]\r\n<data>\r\n … 0[;…]\r\n[<name>:<value>\r\n …]\r\n
//! ```
//! Source: S3 user guide, signature calculations for transfers in multiple chunks.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body as HttpBody, Frame, SizeHint};
use s3s::Body;

/// A line before a chunk is some hundred bytes at most; a trailer holds a checksum and a signature.
const LONGEST_LINE: usize = 1024;
const LONGEST_TRAILER: usize = 16 * 1024;

/// The trailing headers of a body, there once the body has been read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trailers(Arc<Mutex<Option<HeaderMap>>>);

impl Trailers {
    /// Takes the headers out; nothing before the body's end, and nothing the second time.
    pub(crate) fn take(&self) -> Option<HeaderMap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, headers: HeaderMap) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(headers);
    }
}

/// The body without its encoding. Reading it fails when the encoding is broken, ends too early, or does not
/// have as many bytes as were announced.
pub(crate) struct Decoded {
    inner: Body,
    pending: Bytes,
    decoder: Decoder,
    left: u64,
    trailers: Trailers,
    failed: bool,
}

impl Decoded {
    /// Decodes `inner`, which announced `length` bytes of content.
    pub(crate) fn new(inner: Body, length: u64, trailers: Trailers) -> Self {
        Self { inner, pending: Bytes::new(), decoder: Decoder::new(), left: length, trailers, failed: false }
    }

    fn take_from_left(&mut self, data: &Bytes) -> io::Result<()> {
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(length).ok_or_else(|| malformed("longer than announced"))?;
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        let headers = self.decoder.finish()?;
        if self.left > 0 {
            return Err(malformed("shorter than announced"));
        }
        self.trailers.set(headers);
        Ok(())
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            if let Some(data) = self.decoder.decode(&mut self.pending)? {
                self.take_from_left(&data)?;
                return Poll::Ready(Some(Ok(data)));
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => self.pending = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                None => return Poll::Ready(self.end().err().map(Err)),
            }
        }
    }
}

impl HttpBody for Decoded {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        let polled = ready!(self.poll_data(cx));
        self.failed = !matches!(polled, Some(Ok(_)));
        Poll::Ready(polled.map(|data| data.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// What comes next in the encoding.
enum State {
    /// The line before a chunk, as far as it is there.
    Line(Vec<u8>),
    /// This many bytes of the chunk.
    Data(u64),
    /// The line end after a chunk, as far as it is there.
    AfterData(usize),
    /// What follows the last chunk, as far as it is there.
    Trailer(Vec<u8>),
}

/// The encoding taken apart, piece by piece as it arrives.
struct Decoder {
    state: State,
}

impl Decoder {
    fn new() -> Self {
        Self { state: State::Line(Vec::new()) }
    }

    /// The next piece of content in the input; nothing when the input is used up.
    fn decode(&mut self, input: &mut Bytes) -> io::Result<Option<Bytes>> {
        while input.has_remaining() {
            match &mut self.state {
                State::Line(line) => {
                    let byte = input.get_u8();
                    if byte != b'\n' {
                        line.push(byte);
                        if line.len() > LONGEST_LINE {
                            return Err(malformed("a chunk's size is too long"));
                        }
                        continue;
                    }
                    self.state = match chunk_size(line)? {
                        0 => State::Trailer(Vec::new()),
                        size => State::Data(size),
                    };
                }
                State::Data(left) => {
                    let there = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                    let data = input.split_to(there);
                    *left -= u64::try_from(there).unwrap_or(*left);
                    if *left == 0 {
                        self.state = State::AfterData(0);
                    }
                    return Ok(Some(data));
                }
                State::AfterData(seen) => {
                    if b"\r\n".get(*seen) != Some(&input.get_u8()) {
                        return Err(malformed("a chunk is longer than its size"));
                    }
                    *seen += 1;
                    if *seen == 2 {
                        self.state = State::Line(Vec::new());
                    }
                }
                State::Trailer(trailer) => {
                    trailer.extend_from_slice(input);
                    input.clear();
                    if trailer.len() > LONGEST_TRAILER {
                        return Err(malformed("the trailer is too long"));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The trailing headers, once the input has ended; an error when it ended too early.
    fn finish(&self) -> io::Result<HeaderMap> {
        let State::Trailer(trailer) = &self.state else {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "aws-chunked body: it ends within a chunk",
            ));
        };
        let mut headers = HeaderMap::new();
        for line in
            trailer.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
        {
            let colon = line.iter().position(|byte| *byte == b':');
            let (name, value) =
                colon.map(|at| line.split_at(at)).ok_or_else(|| malformed("an odd trailer"))?;
            let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
            headers.append(
                HeaderName::from_bytes(name.trim_ascii()).map_err(|_| malformed("an odd trailer"))?,
                HeaderValue::from_bytes(value).map_err(|_| malformed("an odd trailer"))?,
            );
        }
        Ok(headers)
    }
}

fn chunk_size(line: &[u8]) -> io::Result<u64> {
    let size = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let text =
        std::str::from_utf8(size).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    text.and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or_else(|| malformed("a chunk's size is no number"))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("aws-chunked body: {what}"))
}

#[cfg(test)]
#[path = "aws_chunked_tests.rs"]
mod tests;
