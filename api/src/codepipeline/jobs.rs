//! PollForJobs, AcknowledgeJob, GetJobDetails, PutJobSuccessResult, PutJobFailureResult.

use std::collections::BTreeMap;

use penstock_actors::JobQuery;
use penstock_engine::action::{CurrentRevision, Failure, JobSuccess, Progress};
use penstock_engine::declaration::action::ActionTypeId;
use penstock_engine::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::services::Services;

use super::action_types::place;
use super::input::decode;
use super::operations::Answer;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Poll {
    action_type_id: ActionTypeId,
    /// One where nothing is said (inferred).
    max_batch_size: Option<usize>,
    #[serde(default)]
    query_param: BTreeMap<String, String>,
}

pub(super) async fn poll(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Poll { action_type_id, max_batch_size, query_param } = decode(input)?;
    let query = JobQuery {
        action_type: action_type_id,
        property: query_param.into_iter().next(),
        at_most: max_batch_size.unwrap_or(1),
    };
    Ok(Some(services.pipelines()?.poll_for_jobs(&services.aws, &place(caller), query).await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Acknowledge {
    job_id: String,
    nonce: String,
}

pub(super) async fn acknowledge(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Acknowledge { job_id, nonce } = decode(input)?;
    services.pipelines()?.acknowledge_job(&place(caller), job_id, &nonce).await?;
    Ok(Some(json!({ "status": "InProgress" })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Get {
    job_id: String,
}

pub(super) async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Get { job_id } = decode(input)?;
    Ok(Some(services.pipelines()?.get_job_details(&services.aws, &place(caller), &job_id).await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Success {
    job_id: String,
    current_revision: Option<Revision>,
    continuation_token: Option<String>,
    #[serde(default)]
    execution_details: Details,
    #[serde(default)]
    output_variables: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Revision {
    revision: String,
    change_identifier: String,
    created: Option<f64>,
    revision_summary: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    summary: Option<String>,
    external_execution_id: Option<String>,
    percent_complete: Option<u8>,
}

pub(super) async fn put_success(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Success { job_id, current_revision, continuation_token, execution_details, output_variables } =
        decode(input)?;
    let success = JobSuccess {
        revision: current_revision.map(|found| CurrentRevision {
            revision: found.revision,
            change_identifier: found.change_identifier,
            created: found.created.map(Timestamp::of_epoch_seconds),
            revision_summary: found.revision_summary,
        }),
        continuation: continuation_token,
        progress: Progress {
            external_id: execution_details.external_execution_id,
            summary: execution_details.summary,
            url: None,
            percent: execution_details.percent_complete,
        },
        output_variables,
    };
    services.pipelines()?.put_job_success(&place(caller), job_id, success).await?;
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    job_id: String,
    failure_details: FailureDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailureDetails {
    #[serde(rename = "type")]
    failure_type: String,
    message: String,
    external_execution_id: Option<String>,
}

pub(super) async fn put_failure(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Failed { job_id, failure_details: details } = decode(input)?;
    let failure = Failure {
        external_id: details.external_execution_id,
        ..Failure::new(&details.failure_type, details.message)
    };
    services.pipelines()?.put_job_failure(&place(caller), job_id, failure).await?;
    Ok(None)
}
