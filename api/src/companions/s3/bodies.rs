//! Bodies on their way in and out, never collected.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Extensions, HeaderMap};
use http_body::{Frame, SizeHint};
use penstock_actors::companions::s3::checksums::{Algorithm, Sums};
use penstock_actors::companions::s3::staging::{Body, Incoming};
use s3s::dto::StreamingBlob;

use super::seam;

/// What came with a body.
pub(super) struct Sent {
    pub(super) body: Option<StreamingBlob>,
    pub(super) length: Option<i64>,
    pub(super) content_md5: Option<String>,
    pub(super) algorithm: Option<String>,
    pub(super) sums: Sums,
}

/// The body with what is said of it: checksums ahead of it, or behind it in its trailing headers.
pub(super) fn incoming(sent: Sent, headers: &HeaderMap, extensions: &Extensions) -> Incoming {
    let body: Body = match sent.body {
        Some(body) => Box::pin(body.map(|chunk| chunk.map_err(io::Error::other))),
        None => Box::pin(stream::empty()),
    };
    let ahead = sent.sums.into_iter().next();
    let behind = headers
        .get("x-amz-trailer")
        .and_then(|name| name.to_str().ok()?.trim().strip_prefix("x-amz-checksum-"))
        .and_then(Algorithm::from_name);
    let asked = sent.algorithm.as_deref().and_then(Algorithm::from_name);
    let algorithm = ahead.as_ref().map(|(algorithm, _)| *algorithm).or(behind).or(asked);
    let trailing = seam::trailing(extensions);
    let trailer = behind.zip(trailing).map(|(algorithm, trailing)| {
        let name = format!("x-amz-checksum-{}", algorithm.name().to_lowercase());
        let look = move || Some((trailing.0)()?.get(name)?.to_str().ok()?.to_owned());
        Box::new(look) as Box<dyn FnOnce() -> Option<String> + Send>
    });
    Incoming {
        body,
        length: sent.length.and_then(|length| u64::try_from(length).ok()),
        content_md5: sent.content_md5,
        algorithm,
        checksum: ahead.map(|(_, value)| value),
        trailer,
    }
}

/// A body of known length for s3s.
pub(super) fn outgoing(body: Body, length: u64) -> StreamingBlob {
    StreamingBlob::from(s3s::Body::http_body_unsync(Outgoing { body, left: length }))
}

struct Outgoing {
    body: Body,
    left: u64,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = ready!(self.body.as_mut().poll_next(cx));
        Poll::Ready(match chunk {
            Some(Ok(chunk)) => {
                self.left = self.left.saturating_sub(chunk.len() as u64);
                Some(Ok(Frame::data(chunk)))
            }
            Some(Err(error)) => Some(Err(error)),
            None if self.left > 0 => Some(Err(io::ErrorKind::UnexpectedEof.into())),
            None => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }
}
