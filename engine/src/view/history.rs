//! ListActionExecutions.

use serde_json::{Value, json};

use crate::action::{ActionExecution, ActionExecutionStatus, ArtifactLocation};
use crate::action_type::Catalogue;

use super::execution::without_nulls;
use super::urls;

/// API reference: `ActionExecutionDetail`. Of an action that has not begun, the input artifacts and the
/// resolved configuration are not known yet. An approval's token is its external id: of a PARALLEL pipeline it is
/// shown nowhere else. Output artifacts are there once it has succeeded (user guide, "View pipelines and details": the sample of
/// a failed action has none).
pub fn action_execution_detail(action: &ActionExecution, catalogue: &Catalogue) -> Value {
    let declaration = &action.declaration;
    let input = without_nulls(json!({
        "actionTypeId": declaration.action_type_id,
        "configuration": declaration.configuration,
        "resolvedConfiguration": action.resolved_configuration.clone().unwrap_or_default(),
        "roleArn": declaration.role_arn,
        "region": action.region,
        "inputArtifacts": locations(&action.inputs),
        "namespace": declaration.namespace,
    }));
    let result = without_nulls(json!({
        "externalExecutionId": action.external.id.clone().or_else(|| action.approval_token()),
        "externalExecutionSummary": action.external.summary,
        "externalExecutionUrl": urls::execution(action, catalogue),
        "errorDetails": action.error,
        "logStreamARN": action.external.log_stream,
    }));
    let empty = result.as_object().is_none_or(serde_json::Map::is_empty);
    let made = (action.status == ActionExecutionStatus::Succeeded).then_some(&*action.outputs);
    let output = without_nulls(json!({
        "outputArtifacts": locations(made.unwrap_or_default()),
        "executionResult": (!empty).then_some(result),
        "outputVariables": action.output_variables,
    }));
    without_nulls(json!({
        "pipelineExecutionId": action.execution,
        "actionExecutionId": action.reference.id,
        "pipelineVersion": action.version,
        "stageName": action.reference.stage.stage,
        "actionName": declaration.name,
        "startTime": action.reference.started.epoch_seconds(),
        "lastUpdateTime": action.updated.epoch_seconds(),
        "updatedBy": action.last_updated_by,
        "status": action.status,
        "input": input,
        "output": output,
    }))
}

/// API reference: `ArtifactDetail`, whose location is spelt `s3location` here and nowhere else.
pub(super) fn locations(artifacts: &[ArtifactLocation]) -> Value {
    let details = artifacts.iter().map(|artifact| {
        json!({
            "name": artifact.name,
            "s3location": { "bucket": artifact.bucket, "key": artifact.key },
        })
    });
    details.collect()
}
