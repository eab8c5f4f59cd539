//! PutEvents, TestEventPattern.

use penstock_actors::clock::Clock;
use penstock_actors::companions::events::records::Happening;
use penstock_actors::companions::events::service::{Owner, test_pattern as tested};
use penstock_engine::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::handler::{Answer, decode};
use crate::services::Services;

use super::operations::{check_bus, refuse};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    time: Option<f64>,
    source: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
}

/// Each entry is taken or refused by itself. Sources that begin with `aws.` are AWS's own on AWS; here they let other
/// emulators pass theirs on.
pub(super) async fn put(services: &Services, owner: Owner, input: Value) -> Answer {
    let Put { entries } = decode(input)?;
    let read: Vec<Result<Happening, (&str, String)>> =
        entries.into_iter().map(|entry| happening(&owner, entry)).collect();
    let good: Vec<Happening> = read.iter().filter_map(|entry| entry.as_ref().ok().cloned()).collect();
    let mut ids = services.events.put_events(good).await.map_err(refuse)?.into_iter();
    let mut failed = 0;
    let shown: Vec<Value> = read
        .into_iter()
        .map(|entry| match entry {
            Ok(_) => json!({ "EventId": ids.next() }),
            Err((code, message)) => {
                failed += 1;
                json!({ "ErrorCode": code, "ErrorMessage": message })
            }
        })
        .collect();
    Ok(Some(json!({ "FailedEntryCount": failed, "Entries": shown })))
}

fn happening(owner: &Owner, entry: Entry) -> Result<Happening, (&'static str, String)> {
    let given = |value: Option<String>, name: &str| {
        value.filter(|value| !value.is_empty()).ok_or_else(|| {
            (
                "InvalidArgument",
                format!("Parameter {name} is not valid. Reason: {name} is a required argument."),
            )
        })
    };
    if let Err(error) = check_bus(entry.event_bus_name.as_ref()) {
        return Err(("ResourceNotFoundException", error.message));
    }
    let source = given(entry.source, "Source")?;
    let detail_type = given(entry.detail_type, "DetailType")?;
    let detail = given(entry.detail, "Detail")?;
    let detail = serde_json::from_str::<Value>(&detail).ok().filter(Value::is_object);
    let detail = detail.ok_or_else(|| ("MalformedDetail", "Detail is malformed.".to_owned()))?;
    Ok(Happening {
        account: owner.account.clone(),
        region: owner.region.clone(),
        source,
        detail_type,
        time: entry.time.map_or_else(|| Clock::system().now(), Timestamp::of_epoch_seconds),
        resources: entry.resources,
        detail,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TestPattern {
    event_pattern: String,
    event: String,
}

pub(super) async fn test_pattern(_: &Services, _: Owner, input: Value) -> Answer {
    let TestPattern { event_pattern, event } = decode(input)?;
    Ok(Some(json!({ "Result": tested(&event_pattern, &event).map_err(refuse)? })))
}
