//! `POST /_penstock/events`: an event as another EventBridge, or another daemon, passes it on: the whole event as JSON.

use http::Response;
use penstock_actors::clock::Clock;
use penstock_actors::companions::events::records::{Happening, time_of};
use s3s::Body;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::json_text;
use crate::caller::DEFAULT_ACCOUNT;
use crate::dispatch::collect;
use crate::error::AwsError;
use crate::services::Services;

/// Ids are parts of keys.
const LONGEST_ID: usize = 256;

/// What is posted; members that are not needed are ignored.
#[derive(Deserialize)]
struct Event {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Map<String, Value>,
    id: Option<String>,
    account: Option<String>,
    region: Option<String>,
    time: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
}

/// Takes it: durable when this answers. With its own id it counts once, however often it is passed on.
pub(super) async fn take(services: &Services, body: Body) -> Result<Response<Body>, AwsError> {
    let event: Event = serde_json::from_slice(&collect(body).await?).map_err(|error| {
        let text = "expected an event of EventBridge's with source, detail-type and detail";
        AwsError::serialization(format!("{text}: {error}"))
    })?;
    if event.source.is_empty() || event.detail_type.is_empty() {
        return Err(AwsError::validation("'source' and 'detail-type' must not be empty"));
    }
    if event.id.as_ref().is_some_and(|id| id.is_empty() || id.len() > LONGEST_ID) {
        return Err(AwsError::validation(format!("'id' must have 1 to {LONGEST_ID} characters")));
    }
    let time = match &event.time {
        None => Clock::system().now(),
        Some(time) => time_of(time)
            .ok_or_else(|| AwsError::validation("'time' must be a time such as 2026-01-31T20:22:00Z"))?,
    };
    services.accepts_data().map_err(|full| AwsError::new("ServiceUnavailable", 503, full))?;
    let happening = Happening {
        account: event.account.unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned()),
        region: event.region.unwrap_or_else(|| services.default_region.clone()),
        source: event.source,
        detail_type: event.detail_type,
        time,
        resources: event.resources,
        detail: Value::Object(event.detail),
    };
    let id = services.events.pass_on(happening, event.id).await;
    Ok(json_text(&json!({ "EventId": id })))
}
