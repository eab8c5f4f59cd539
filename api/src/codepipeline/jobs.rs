//! PollForJobs, AcknowledgeJob, GetJobDetails, PutJobSuccessResult, PutJobFailureResult.

use std::collections::BTreeMap;

use penstock_actors::{JobKind, JobQuery};
use penstock_engine::action::{CurrentRevision, Failure, JobSuccess, Progress};
use penstock_engine::declaration::action::ActionTypeId;
use penstock_engine::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::handler::{Answer, decode};
use crate::services::Services;

use super::action_types::place;

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
    services.pipelines()?.acknowledge_job(JobKind::Custom, &place(caller), job_id, &nonce).await?;
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
pub(super) struct Success {
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

impl Success {
    /// Of which job, and what it says.
    pub(super) fn into_success(self) -> (String, JobSuccess) {
        let success = JobSuccess {
            revision: self.current_revision.map(|found| CurrentRevision {
                revision: found.revision,
                change_identifier: found.change_identifier,
                created: found.created.map(Timestamp::of_epoch_seconds),
                revision_summary: found.revision_summary,
            }),
            continuation: self.continuation_token,
            progress: Progress {
                external_id: self.execution_details.external_execution_id,
                summary: self.execution_details.summary,
                percent: self.execution_details.percent_complete,
                ..Progress::default()
            },
            output_variables: self.output_variables,
        };
        (self.job_id, success)
    }
}

pub(super) async fn put_success(services: &Services, caller: &Caller, input: Value) -> Answer {
    let (job, success) = decode::<Success>(input)?.into_success();
    services.pipelines()?.put_job_success(JobKind::Custom, &place(caller), job, success).await?;
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failed {
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

impl Failed {
    /// Of which job, and what it says.
    pub(super) fn into_failure(self) -> (String, Failure) {
        let FailureDetails { failure_type, message, external_execution_id } = self.failure_details;
        let failure = Failure { external_id: external_execution_id, ..Failure::new(&failure_type, message) };
        (self.job_id, failure)
    }
}

pub(super) async fn put_failure(services: &Services, caller: &Caller, input: Value) -> Answer {
    let (job, failure) = decode::<Failed>(input)?.into_failure();
    services.pipelines()?.put_job_failure(JobKind::Custom, &place(caller), job, failure).await?;
    Ok(None)
}
