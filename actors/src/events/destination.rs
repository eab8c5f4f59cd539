//! Where events are sent: a URL that takes each of them as a POST, or an EventBridge that is called as AWS's SDKs call
//! it (API reference: `PutEvents`).

use std::fmt;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::aws::connector::Outward;
use crate::aws::endpoint::SetupError;
use crate::aws::refusal::causes;
use crate::aws::signed::{self, Scope};

use super::feed::Sent;

/// How many events PutEvents takes at once.
const ENTRIES: usize = 10;

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Far more than any answer of PutEvents has.
const LONGEST_ANSWER: usize = 256 * 1024;

/// Takes events.
#[derive(Clone, Debug)]
pub struct Destination {
    kind: Kind,
    url: String,
    connector: SharedHttpConnector,
}

#[derive(Clone, Debug)]
enum Kind {
    /// One event a request, as JSON.
    Http,
    /// PutEvents, signed with these.
    EventBridge(Credentials),
}

/// Why events were not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotTaken {
    pub(crate) reason: String,
    /// The same again would be refused again.
    pub(crate) for_good: bool,
}

impl Destination {
    /// Every event as a POST to that URL.
    pub fn http(url: &str) -> Result<Self, SetupError> {
        Self::new(Kind::Http, url.to_owned())
    }

    /// The default event bus of the EventBridge at that URL.
    pub fn event_bridge(url: &str, credentials: Option<Credentials>) -> Result<Self, SetupError> {
        let credentials = credentials.ok_or(SetupError::NoCredentials)?;
        Self::new(Kind::EventBridge(credentials), format!("{}/", url.trim_end_matches('/')))
    }

    fn new(kind: Kind, url: String) -> Result<Self, SetupError> {
        Ok(Self { kind, url, connector: SharedHttpConnector::new(Outward::new()?) })
    }

    /// Under which name it is remembered how far it has come.
    pub(crate) fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Http => "http",
            Kind::EventBridge(_) => "eventbridge",
        };
        format!("{kind} {}", self.url)
    }

    /// Sends some of the first events; answers how many were taken, one at least.
    pub(crate) async fn send(&self, events: &[Sent]) -> Result<usize, NotTaken> {
        let call = async {
            match &self.kind {
                Kind::Http => self.post(events).await,
                Kind::EventBridge(credentials) => self.put_events(events, credentials).await,
            }
        };
        let late = |_| may_pass(format!("no answer for {} seconds", PATIENCE.as_secs()));
        tokio::time::timeout(PATIENCE, call).await.map_err(late)?
    }

    async fn post(&self, events: &[Sent]) -> Result<usize, NotTaken> {
        let Some(event) = events.first() else { return Ok(0) };
        let request = http::Request::post(&self.url)
            .header("content-type", "application/json")
            .header("x-penstock-event-id", event.place.to_string())
            .body(SdkBody::from(event.body.to_string()))
            .map_err(|error| may_pass(error.to_string()))?;
        self.call(HttpRequest::try_from(request).map_err(|error| may_pass(error.to_string()))?).await?;
        Ok(1)
    }

    async fn put_events(&self, events: &[Sent], by: &Credentials) -> Result<usize, NotTaken> {
        let Some(region) = events.first().map(|event| event.pipeline.region.as_str()) else { return Ok(0) };
        let of_region = events.iter().take(ENTRIES).take_while(|event| event.pipeline.region == region);
        let entries: Vec<Value> = of_region.map(entry).collect();
        let scope = Scope { service: "events", region };
        let headers =
            [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "AWSEvents.PutEvents")];
        let body = json!({ "Entries": entries }).to_string();
        let request = signed::post(by, scope, &self.url, &headers, &body);
        let answer = self.call(request.map_err(may_pass)?).await?;
        taken(entries.len(), &answer)
    }

    async fn call(&self, request: HttpRequest) -> Result<Bytes, NotTaken> {
        let answer: HttpResponse =
            self.connector.call(request).await.map_err(|error| may_pass(causes(&error)))?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await;
        let body = body.map_err(|error| may_pass(error.to_string()))?.to_bytes();
        if (200..300).contains(&status) {
            return Ok(body);
        }
        let for_good = (400..500).contains(&status) && !matches!(status, 408 | 425 | 429);
        Err(NotTaken { reason: format!("status {status}"), for_good })
    }
}

impl fmt::Display for Destination {
    /// Without what may be secret in a URL: its user and its query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.url.parse::<http::Uri>().unwrap_or_default();
        let place = uri.authority().map_or("", |authority| authority.as_str());
        let place = place.rsplit('@').next().unwrap_or_default();
        write!(f, "{}://{place}{}", uri.scheme_str().unwrap_or_default(), uri.path())
    }
}

fn may_pass(reason: String) -> NotTaken {
    NotTaken { reason, for_good: false }
}

/// API reference: `PutEventsRequestEntry`.
fn entry(event: &Sent) -> Value {
    json!({
        "Time": event.at.epoch_seconds(),
        "Source": event.body["source"],
        "Resources": event.body["resources"],
        "DetailType": event.body["detail-type"],
        "Detail": event.body["detail"].to_string(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEventsAnswer {
    #[serde(default)]
    failed_entry_count: u32,
    #[serde(default)]
    entries: Vec<EntryAnswer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EntryAnswer {
    error_code: Option<String>,
}

/// How many came through before the first that did not: those behind it are sent again, in order.
fn taken(sent: usize, answer: &[u8]) -> Result<usize, NotTaken> {
    let answer: PutEventsAnswer = serde_json::from_slice(answer)
        .map_err(|_| may_pass("its answer is not one of EventBridge".to_owned()))?;
    if answer.failed_entry_count == 0 {
        return Ok(sent);
    }
    let failed = |entry: &EntryAnswer| entry.error_code.is_some();
    match answer.entries.iter().position(failed) {
        Some(0) | None => {
            let code = answer.entries.into_iter().find_map(|entry| entry.error_code).unwrap_or_default();
            let passes = ["ThrottlingException", "InternalFailure", "InternalException", ""];
            let for_good = !passes.contains(&code.as_str());
            Err(NotTaken { reason: format!("an event was refused with {code}"), for_good })
        }
        Some(first) => Ok(first.min(sent)),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_failed_and_all_behind_it_is_sent_again() {
        let ok = json!({"EventId": "1"});
        let no = |code: &str| json!({"ErrorCode": code, "ErrorMessage": "no"});
        let answer = |count: u32, entries: &[&Value]| {
            taken(3, json!({"FailedEntryCount": count, "Entries": entries}).to_string().as_bytes())
        };
        assert_eq!(answer(0, &[&ok, &ok, &ok]), Ok(3));
        assert_eq!(answer(1, &[&ok, &no("InternalFailure"), &ok]), Ok(1));
        assert!(!answer(1, &[&no("ThrottlingException"), &ok, &ok]).unwrap_err().for_good);
        assert!(answer(1, &[&no("NotAuthorizedForSourceException"), &ok, &ok]).unwrap_err().for_good);
        for nonsense in ["", "<html>", "7"] {
            assert!(!taken(1, nonsense.as_bytes()).unwrap_err().for_good, "{nonsense}");
        }
    }

    #[test]
    fn a_destination_is_shown_without_secrets() {
        let shown = Destination::http("http://user:word@host:80/path?key=secret").unwrap().to_string();
        assert_eq!(shown, "http://host:80/path");
    }
}
