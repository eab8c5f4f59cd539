//! What the service sends by itself: its EventBridge events (user guide, "Monitoring CodePipeline events"), and the
//! message that asks approvers (user guide, "JSON data format for manual approval notifications").

use serde_json::{Value, json};

use crate::action::{ActionExecution, ArtifactLocation, Work};
use crate::action_type::Catalogue;
use crate::event::{Event, EventState, ExecutionResult, Subject};
use crate::pipeline::Trigger;
use crate::time::Timestamp;

use super::execution::without_nulls;
use super::urls;

/// An event with its envelope. `action` is the record of the action that it is about, as far as there still is one:
/// what its STARTED event says of its inputs was not known when the event was written. None for what the service says
/// nothing of.
pub fn event(event: &Event, id: &str, action: Option<(&ActionExecution, &Catalogue)>) -> Option<Value> {
    let detail_type = detail_type(&event.subject)?;
    Some(json!({
        "version": "0",
        "id": id,
        "detail-type": detail_type,
        "source": "aws.codepipeline",
        "account": event.pipeline.account,
        "time": event.at.to_the_second(),
        "region": event.pipeline.region,
        "resources": [event.pipeline.arn()],
        "detail": detail(event, action),
    }))
}

fn detail_type(subject: &Subject) -> Option<&'static str> {
    match subject {
        Subject::Pipeline { .. } => Some("CodePipeline Pipeline Execution State Change"),
        Subject::Stage { .. } => Some("CodePipeline Stage Execution State Change"),
        Subject::Action { .. } => Some("CodePipeline Action Execution State Change"),
        Subject::Rule { .. } => None,
    }
}

fn detail(event: &Event, action: Option<(&ActionExecution, &Catalogue)>) -> Value {
    let mut detail = json!({
        "pipeline": event.pipeline.name,
        "execution-id": event.execution,
        "start-time": event.started.map(Timestamp::to_the_millisecond),
        "state": event.state,
        // Numbers with a fraction, as the service sends them.
        "version": f64::from(event.version),
        "pipeline-execution-attempt": f64::from(event.attempt),
    });
    match &event.subject {
        Subject::Pipeline { trigger, stop_comments } => {
            detail["stop-execution-comments"] = json!(stop_comments);
            detail["execution-trigger"] = json!(trigger.as_ref().map(started_by));
        }
        Subject::Stage { stage, last_retry } => {
            detail["stage"] = json!(stage);
            detail["stage-last-retry-attempt-time"] = json!(last_retry.map(Timestamp::to_the_millisecond));
        }
        Subject::Action { stage, action: name, id, action_type, region, outputs, result, .. } => {
            let starts = event.state == EventState::Started;
            detail["stage"] = json!(stage);
            detail["action"] = json!(name);
            detail["action-execution-id"] = json!(id);
            detail["type"] = json!(action_type);
            // The guide's sample of a started action has no Region.
            detail["region"] = json!(region.as_ref().filter(|_| !starts));
            if starts {
                detail["input-artifacts"] = locations(action.map_or(&[], |(action, _)| &action.inputs));
            }
            detail["output-artifacts"] = locations(outputs);
            detail["execution-result"] = json!(result.as_ref().and_then(|result| said(result, action)));
        }
        Subject::Rule { .. } => {}
    }
    without_nulls(detail)
}

/// The facts of a change behind a connection, or else type and detail.
fn started_by(trigger: &Trigger) -> Value {
    match trigger.change() {
        Some(facts) => facts.into_iter().map(|(name, value)| (kebab_case(&name), value)).collect(),
        None => without_nulls(json!({
            "trigger-type": trigger.trigger_type,
            "trigger-detail": trigger.trigger_detail,
        })),
    }
}

/// `CommitId` as `commit-id`.
fn kebab_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// Null where there are none.
fn locations(artifacts: &[ArtifactLocation]) -> Value {
    let written = artifacts.iter().map(|artifact| {
        json!({ "name": artifact.name, "s3location": { "bucket": artifact.bucket, "key": artifact.key } })
    });
    if artifacts.is_empty() { Value::Null } else { written.collect() }
}

fn said(result: &ExecutionResult, action: Option<(&ActionExecution, &Catalogue)>) -> Option<Value> {
    let by_type = || action.and_then(|(action, catalogue)| urls::execution(action, catalogue));
    let said = without_nulls(json!({
        "external-execution-url": result.url.clone().or_else(by_type),
        "external-execution-summary": result.summary,
        "external-execution-id": result.id,
        "error-code": result.error_code,
    }));
    said.as_object().is_some_and(|members| !members.is_empty()).then_some(said)
}

/// What is published to the topic of an approval action. A member that is not configured is null (inferred).
pub fn approval_message(work: &Work, token: &str, expires: Timestamp) -> Value {
    let region = &work.pipeline.region;
    let console = format!(
        "https://console.aws.amazon.com/codepipeline/home?region={region}#/view/{}",
        work.pipeline.name
    );
    json!({
        "region": region,
        "consoleLink": console,
        "approval": {
            "pipelineName": work.pipeline.name,
            "stageName": work.stage,
            "actionName": work.action,
            "token": token,
            "expires": expires.to_the_minute(),
            "externalEntityLink": work.configuration.get("ExternalEntityLink"),
            "approvalReviewLink": format!("{console}/{}/{}/approve/{token}", work.stage, work.action),
            "customData": work.configuration.get("CustomData"),
        },
    })
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
