//! `/_penstock/events`: state changes as server-sent events, for as long as the client listens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use penstock_actors::events::{Feed, News, NoPlace, Place};
use s3s::Body;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::credential::parameter;
use crate::error::AwsError;
use crate::services::Services;

/// After how long a silence there is a line that says nothing, so that both sides know that the other is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The stream: events after the last seen one, or else those that come from now on.
pub(super) fn follow(services: &Services, head: &Parts) -> Result<Response<Body>, AwsError> {
    let after = after(head)?;
    let pipeline = head.uri.query().and_then(|query| parameter(query, "pipeline"));
    let lines = Lines {
        feed: services.pipelines()?.events(after),
        pipeline,
        stopping: services.stopping.subscribe(),
        ready: VecDeque::from([Bytes::from_static(b"retry: 1000\n\n")]),
    };
    let mut response = Response::new(Body::http_body_unsync(StreamBody::new(lines.stream())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Browsers send the last id when they connect again, to the same URL: so the header goes before the query.
fn after(head: &Parts) -> Result<Option<Place>, AwsError> {
    let header =
        head.headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let query = || head.uri.query().and_then(|query| parameter(query, "after"));
    let Some(id) = header.or_else(query) else { return Ok(None) };
    id.trim().parse().map(Some).map_err(|error: NoPlace| AwsError::validation(error.to_string()))
}

struct Lines {
    feed: Feed,
    pipeline: Option<String>,
    stopping: watch::Receiver<bool>,
    ready: VecDeque<Bytes>,
}

impl Lines {
    fn stream(self) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send {
        stream::unfold(self, |mut lines| async move {
            let line = lines.next().await?;
            Some((Ok(Frame::data(line)), lines))
        })
    }

    /// Nothing when the daemon stops. Only what the client has taken makes room for more.
    async fn next(&mut self) -> Option<Bytes> {
        while self.ready.is_empty() {
            let news = tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                news = timeout(HEARTBEAT, self.feed.next()) => news,
            };
            match news {
                Err(_) => self.ready.push_back(Bytes::from_static(b": nothing new\n\n")),
                Ok(Ok(news)) if news.is_empty() => return None,
                Ok(Ok(news)) => self.ready.extend(news.iter().filter_map(|news| line(news, &self.pipeline))),
                Ok(Err(error)) => {
                    tracing::error!(%error, "events cannot be read; a stream of them ends");
                    return None;
                }
            }
        }
        self.ready.pop_front()
    }
}

fn line(news: &News, pipeline: &Option<String>) -> Option<Bytes> {
    let text = match news {
        News::Event(event) => {
            if pipeline.as_ref().is_some_and(|wanted| event.pipeline.name != *wanted) {
                return None;
            }
            format!("id: {}\ndata: {}\n\n", event.place, event.body)
        }
        News::Gap(after) => {
            let data =
                json!({ "after": after.to_string(), "message": "events behind this one are no longer kept" });
            format!("event: gap\ndata: {data}\n\n")
        }
    };
    Some(Bytes::from(text))
}
