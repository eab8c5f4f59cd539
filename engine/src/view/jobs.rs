//! PollForJobs and GetJobDetails.

use serde_json::{Value, json};

use crate::action::{ArtifactLocation, Work};

use super::execution::without_nulls;

/// API reference: `JobData`, without the credentials.
pub fn job_data(work: &Work) -> Value {
    without_nulls(json!({
        "actionTypeId": work.action_type,
        "actionConfiguration": { "configuration": work.configuration },
        "pipelineContext": {
            "pipelineName": work.pipeline.name,
            "pipelineArn": work.pipeline.arn(),
            "pipelineExecutionId": work.execution,
            "stage": { "name": work.stage },
            "action": { "name": work.action, "actionExecutionId": work.id },
        },
        "inputArtifacts": artifacts(&work.inputs),
        "outputArtifacts": artifacts(&work.outputs),
        "continuationToken": work.continuation,
        "encryptionKey": work.encryption_key,
    }))
}

/// API reference, `PipelineContext`: partners do not learn which pipeline it is beyond its name.
pub fn without_pipeline_identity(data: &mut Value) {
    if let Some(context) = data.pointer_mut("/pipelineContext").and_then(Value::as_object_mut) {
        context.remove("pipelineArn");
        context.remove("pipelineExecutionId");
    }
}

/// API reference: `Artifact`; its location is spelt otherwise than in the history.
fn artifacts(artifacts: &[ArtifactLocation]) -> Value {
    let artifacts = artifacts.iter().map(|artifact| {
        let location = json!({ "bucketName": artifact.bucket, "objectKey": artifact.key });
        without_nulls(json!({
            "name": artifact.name,
            "revision": artifact.revision,
            "location": { "type": "S3", "s3Location": location },
        }))
    });
    artifacts.collect()
}
