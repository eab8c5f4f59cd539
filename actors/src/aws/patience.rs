//! An HTTP connector that gives up when nothing moves any more.
//!
//! A limit on a whole call would be too short for a large object or too long for a dead endpoint. So the wait
//! counts from the last sign of life: a piece of the request's body that was taken, the answer's head, a piece
//! of the answer's body.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::{Error, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Wraps a connector with a limit on silence.
#[derive(Clone, Debug)]
pub struct Patient {
    inner: SharedHttpConnector,
    patience: Duration,
}

impl Patient {
    /// Calls through `inner`, and gives up after so long a silence.
    pub fn new(inner: SharedHttpConnector, patience: Duration) -> Self {
        Self { inner, patience }
    }
}

impl HttpConnector for Patient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let patience = self.patience;
        let life = Life::begun_now();
        let request = request.map(|body| watched(body, |body| Sent { body, life: life.clone() }));
        let call = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            tokio::pin!(call);
            loop {
                let limit = life.last_sign() + patience;
                tokio::select! {
                    biased;
                    answer = &mut call => {
                        return Ok(answer?.map(|body| {
                            watched(body, |body| Received { body, patience, silence: None })
                        }));
                    }
                    () = sleep_until(limit) => {
                        if life.last_sign() + patience <= Instant::now() {
                            return Err(ConnectorError::timeout(silent_for(patience)));
                        }
                    }
                }
            }
        })
    }
}

/// Bodies that lie in memory need no watching, and the SDK likes to see their bytes.
fn watched<B>(body: SdkBody, watch: impl Fn(SdkBody) -> B) -> SdkBody
where
    B: Body<Data = Bytes, Error = Error> + Send + Sync + 'static,
{
    if body.bytes().is_some() { body } else { SdkBody::from_body_1_x(watch(body)) }
}

fn silent_for(patience: Duration) -> Error {
    format!("nothing came for {} s", patience.as_secs()).into()
}

#[derive(Clone)]
struct Life(Arc<Mutex<Instant>>);

impl Life {
    fn begun_now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn sign(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last_sign(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's body: every piece taken is a sign of life.
struct Sent {
    body: SdkBody,
    life: Life,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.life.sign();
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body: an error once it has been silent for too long.
struct Received {
    body: SdkBody,
    patience: Duration,
    silence: Option<Pin<Box<Sleep>>>,
}

impl Body for Received {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.silence = None;
            return polled;
        }
        let patience = self.patience;
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(patience)));
        silence.as_mut().poll(cx).map(|()| Some(Err(silent_for(patience))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::future::pending;

    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::http::StatusCode;
    use http_body_util::BodyExt;

    use super::*;

    #[derive(Debug)]
    struct Mute;

    impl HttpConnector for Mute {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::new(pending())
        }
    }

    /// Answers with a body that never comes.
    #[derive(Debug)]
    struct Stalling;

    struct Nothing;

    impl Body for Nothing {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            Poll::Pending
        }
    }

    impl HttpConnector for Stalling {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            let status = StatusCode::try_from(200).unwrap();
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from_body_1_x(Nothing))))
        }
    }

    /// Takes the request's body, then answers.
    #[derive(Debug)]
    struct Reading;

    impl HttpConnector for Reading {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::new(async move {
                let body = request.into_body().collect().await.map_err(ConnectorError::io)?;
                Ok(HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::from(body.to_bytes())))
            })
        }
    }

    /// A piece every 20 seconds.
    struct Slow {
        left: u8,
        next: Pin<Box<Sleep>>,
    }

    impl Body for Slow {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            std::task::ready!(self.next.as_mut().poll(cx));
            self.left -= 1;
            self.next = Box::pin(sleep(Duration::from_secs(20)));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"piece")))))
        }
    }

    fn patient(inner: impl HttpConnector + 'static) -> Patient {
        Patient::new(SharedHttpConnector::new(inner), Duration::from_secs(30))
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_never_answers_is_given_up() {
        let begun = Instant::now();
        let error = patient(Mute).call(HttpRequest::empty()).await.unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(begun.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_whose_body_stalls_is_given_up() {
        let answer = patient(Stalling).call(HttpRequest::empty()).await.unwrap();
        let error = answer.into_body().collect().await.unwrap_err();
        assert_eq!(error.to_string(), "nothing came for 30 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_upload_that_moves_is_waited_for() {
        let begun = Instant::now();
        let body = Slow { left: 5, next: Box::pin(sleep(Duration::from_secs(20))) };
        let request = HttpRequest::new(SdkBody::from_body_1_x(body));
        let answer = patient(Reading).call(request).await.unwrap();
        assert_eq!(answer.body().bytes().unwrap().len(), 25);
        assert_eq!(begun.elapsed().as_secs(), 100);
    }
}
