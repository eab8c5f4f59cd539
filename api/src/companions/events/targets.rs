//! PutTargets, RemoveTargets, ListTargetsByRule.

use std::collections::BTreeMap;

use penstock_actors::companions::events::service::Owner;
use penstock_engine::json_path::JsonPath;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::services::Services;

use super::operations::{check_bus, refuse};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    rule: String,
    event_bus_name: Option<String>,
    targets: Vec<Value>,
}

/// Pipelines are the only targets; another is refused by itself, as AWS refuses single targets.
pub(super) async fn put(services: &Services, owner: Owner, input: Value) -> Answer {
    let Put { rule, event_bus_name, targets } = decode(input)?;
    check_bus(event_bus_name.as_ref())?;
    let mut good = BTreeMap::new();
    let mut failed = Vec::new();
    for target in targets {
        check(&target)?;
        let text = |name: &str| target.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, arn) = (text("Id"), text("Arn"));
        if arn.split(':').nth(2) == Some("codepipeline") {
            good.insert(id, target);
            continue;
        }
        let why = format!("This version of Penstock takes events to pipelines only, not to {arn}.");
        failed.push(json!({ "TargetId": id, "ErrorCode": "ValidationException", "ErrorMessage": why }));
    }
    services.events.put_targets(&owner, &rule, good).await.map_err(refuse)?;
    Ok(Some(json!({ "FailedEntryCount": failed.len(), "FailedEntries": failed })))
}

/// What AWS refuses of a pipeline as target; the texts are inferred.
fn check(target: &Value) -> Result<(), AwsError> {
    let text = |name: &str| target.get(name).and_then(Value::as_str);
    let id = text("Id").unwrap_or_default();
    if text("RoleArn").is_none() {
        let arn = text("Arn").unwrap_or_default();
        return Err(AwsError::validation(format!("RoleArn is required for target {arn}.")));
    }
    let inputs = ["Input", "InputPath", "InputTransformer"];
    if inputs.iter().filter(|name| target.get(**name).is_some()).count() > 1 {
        let why = "Only one of Input, InputPath, or InputTransformer must be provided for target";
        return Err(AwsError::validation(format!("{why} {id}.")));
    }
    if text("Input").is_some_and(|input| serde_json::from_str::<Value>(input).is_err()) {
        return Err(AwsError::validation(format!("JSON syntax error in input for target {id}.")));
    }
    let paths = target.pointer("/InputTransformer/InputPathsMap").and_then(Value::as_object);
    let paths = paths.into_iter().flatten().filter_map(|(_, path)| path.as_str());
    if text("InputPath").into_iter().chain(paths).any(|path| JsonPath::parse(path).is_none()) {
        return Err(AwsError::validation(format!("Invalid InputPath for target {id}.")));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Remove {
    rule: String,
    event_bus_name: Option<String>,
    ids: Vec<String>,
}

pub(super) async fn remove(services: &Services, owner: Owner, input: Value) -> Answer {
    let Remove { rule, event_bus_name, ids } = decode(input)?;
    check_bus(event_bus_name.as_ref())?;
    services.events.remove_targets(&owner, &rule, &ids).await.map_err(refuse)?;
    Ok(Some(json!({ "FailedEntryCount": 0, "FailedEntries": [] })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    rule: String,
    event_bus_name: Option<String>,
}

/// A rule has so few targets that they are one page.
pub(super) async fn list(services: &Services, owner: Owner, input: Value) -> Answer {
    let List { rule, event_bus_name } = decode(input)?;
    check_bus(event_bus_name.as_ref())?;
    let rule = services.events.described(&owner, &rule).await.map_err(refuse)?;
    Ok(Some(json!({ "Targets": rule.targets.values().collect::<Vec<_>>() })))
}
