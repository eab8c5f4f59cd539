//! Between actix-web and our dispatch: heads copied, bodies passed on piece by piece.
//!
//! actix-web's payloads stay on their thread, so that a local task feeds a body that may move. Its end is
//! said: a feeder that has vanished is an error and never looks like the end of a body.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{HeaderName as ActixName, HeaderValue as ActixValue};
use actix_web::http::{StatusCode as ActixStatus, header as actix_header};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use s3s::Body;
use tokio::sync::mpsc;

use crate::incoming::Peer;

/// Pieces on their way between the two threads of a body.
const PIECES: usize = 4;

/// A request's head in the terms of `http` 1; nothing when it has no such terms.
pub(crate) fn head(request: &HttpRequest) -> Option<Parts> {
    // Of an address in absolute form only path and query count: the Host header is required anyway.
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut head = Request::new(()).into_parts().0;
    head.method = Method::from_bytes(request.method().as_str().as_bytes()).ok()?;
    head.uri = target.parse::<Uri>().ok()?;
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        head.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    if let Some(peer) = request.peer_addr() {
        head.extensions.insert(Peer(peer.ip()));
    }
    Some(head)
}

/// A payload of any length as a body that may move between threads. `length` is what was announced.
pub(crate) fn feed(mut payload: web::Payload, length: Option<u64>) -> Body {
    if length == Some(0) {
        return Body::empty();
    }
    let (sender, receiver) = mpsc::channel(PIECES);
    actix_web::rt::spawn(async move {
        while let Some(piece) = payload.next().await {
            let piece = piece.map(Some).map_err(io::Error::other);
            let failed = piece.is_err();
            if sender.send(piece).await.is_err() || failed {
                return;
            }
        }
        let _ = sender.send(Ok(None)).await;
    });
    Body::http_body_unsync(Fed { receiver, left: length, done: false })
}

/// A body whose pieces another task sends; `None` is its end.
pub(crate) fn stream(receiver: mpsc::Receiver<io::Result<Option<Bytes>>>) -> Body {
    Body::http_body_unsync(Fed { receiver, left: None, done: false })
}

/// An answer in actix-web's terms.
pub(crate) fn answer(response: Response<Body>) -> HttpResponse<Outgoing> {
    let (head, body) = response.into_parts();
    let announced = head.headers.get(http::header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let status = ActixStatus::from_u16(head.status.as_u16()).unwrap_or(ActixStatus::INTERNAL_SERVER_ERROR);
    // A HEAD's answer has a length and no body, and actix-web keeps the header only for a body of that size.
    let size = match (body.size_hint().exact(), announced) {
        (Some(0) | None, Some(length)) => BodySize::Sized(length),
        (Some(length), _) => BodySize::Sized(length),
        (None, None) => BodySize::Stream,
    };
    let mut answer = HttpResponse::with_body(status, Outgoing { body, size });
    for (name, value) in &head.headers {
        let converted =
            (ActixName::from_bytes(name.as_str().as_bytes()), ActixValue::from_bytes(value.as_bytes()));
        if let (Ok(name), Ok(value)) = converted
            && name != actix_header::CONTENT_LENGTH
        {
            answer.headers_mut().append(name, value);
        }
    }
    answer
}

/// A body whose pieces another task sends.
struct Fed {
    receiver: mpsc::Receiver<io::Result<Option<Bytes>>>,
    left: Option<u64>,
    done: bool,
}

impl HttpBody for Fed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let gone = || Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the client went away"));
        match ready!(self.receiver.poll_recv(cx)).unwrap_or_else(gone) {
            Ok(Some(piece)) => {
                if let Some(left) = &mut self.left {
                    *left = left.saturating_sub(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                }
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Ok(None) => {
                self.done = true;
                Poll::Ready(None)
            }
            Err(error) => {
                self.done = true;
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map(SizeHint::with_exact).unwrap_or_default()
    }
}

/// An answer's body on its way out.
pub(crate) struct Outgoing {
    body: Body,
    size: BodySize,
}

impl MessageBody for Outgoing {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "an answer broke off");
                    return Poll::Ready(Some(Err(io::Error::other(error))));
                }
                None => return Poll::Ready(None),
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_feeder_that_vanishes_is_an_error_and_not_the_end() {
        let (sender, receiver) = mpsc::channel(1);
        sender.send(Ok(Some(Bytes::from_static(b"half")))).await.unwrap();
        drop(sender);
        let read = Fed { receiver, left: Some(8), done: false }.collect().await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn a_body_ends_when_its_end_is_said() {
        let (sender, receiver) = mpsc::channel(2);
        sender.send(Ok(Some(Bytes::from_static(b"all")))).await.unwrap();
        sender.send(Ok(None)).await.unwrap();
        let body = Fed { receiver, left: Some(3), done: false };
        assert_eq!(body.size_hint().exact(), Some(3));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "all");
    }

    #[test]
    fn an_empty_body_with_an_announced_length_keeps_it() {
        let response = Response::builder().header("content-length", "42").body(Body::empty()).unwrap();
        assert_eq!(answer(response).body().size(), BodySize::Sized(42));
        let response = Response::new(Body::from("text".to_owned()));
        assert_eq!(answer(response).body().size(), BodySize::Sized(4));
    }
}
