//! GetPipelineExecution and ListPipelineExecutions.

use serde_json::{Map, Value, json};

use crate::ids::PipelineKey;
use crate::pipeline::{Execution, Rollback};

/// API reference: `PipelineExecution`.
pub fn execution(pipeline: &PipelineKey, execution: &Execution) -> Value {
    let mut answer = json!({
        "pipelineName": pipeline.name,
        "pipelineVersion": execution.version,
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "artifactRevisions": artifact_revisions(execution),
        "trigger": execution.trigger,
        "executionMode": execution.mode,
    });
    if !execution.variables.is_empty() {
        answer["variables"] = json!(execution.variables);
    }
    if let Some(rollback) = &execution.rollback {
        answer["executionType"] = json!(execution.execution_type());
        answer["rollbackMetadata"] = rollback_metadata(rollback);
    }
    if let Some(summary) = &execution.status_summary {
        answer["statusSummary"] = json!(summary);
    }
    answer
}

/// API reference: `ArtifactRevision`, one per source artifact.
pub fn artifact_revisions(execution: &Execution) -> Value {
    let revisions = execution.revisions.iter().map(|revision| {
        without_nulls(json!({
            "name": revision.artifact,
            "revisionId": revision.revision_id,
            "revisionChangeIdentifier": revision.change_identifier,
            "revisionSummary": revision.summary,
            "created": revision.created.map(|created| created.epoch_seconds()),
            "revisionUrl": revision.url,
        }))
    });
    revisions.collect()
}

/// API reference: `PipelineExecutionSummary`. Empty lists are left out, as in the service's samples.
pub fn execution_summary(execution: &Execution) -> Value {
    let revisions = execution.revisions.iter().map(|revision| {
        without_nulls(json!({
            "actionName": revision.action,
            "revisionId": revision.revision_id,
            "revisionSummary": revision.summary,
            "revisionUrl": revision.url,
        }))
    });
    let revisions: Vec<Value> = revisions.collect();
    without_nulls(json!({
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "statusSummary": execution.status_summary,
        "startTime": execution.started.epoch_seconds(),
        "lastUpdateTime": execution.updated.epoch_seconds(),
        "sourceRevisions": (!revisions.is_empty()).then_some(revisions),
        "trigger": execution.trigger,
        "stopTrigger": execution.stop_requested.then(|| without_nulls(json!({ "reason": execution.stop_reason }))),
        "executionMode": execution.mode,
        // The samples have the type of rollbacks only.
        "executionType": execution.rollback.as_ref().map(|_| execution.execution_type()),
        "rollbackMetadata": execution.rollback.as_ref().map(rollback_metadata),
    }))
}

/// API reference: `PipelineRollbackMetadata`.
fn rollback_metadata(rollback: &Rollback) -> Value {
    json!({ "rollbackTargetPipelineExecutionId": rollback.target })
}

/// AWS leaves absent members out instead of sending null.
pub(super) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let present: Map<String, Value> =
                members.into_iter().filter(|(_, value)| !value.is_null()).collect();
            Value::Object(present)
        }
        other => other,
    }
}
