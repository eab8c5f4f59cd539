//! PollForThirdPartyJobs, GetThirdPartyJobDetails, AcknowledgeThirdPartyJob, PutThirdPartyJobSuccessResult,
//! PutThirdPartyJobFailureResult.
//!
//! At AWS a partner gets a customer's client token when the customer signs up. Here all customers have the one that
//! the daemon was started with.

use penstock_actors::JobKind;
use penstock_engine::declaration::action::ActionTypeId;
use penstock_engine::rejection::{Rejection, RejectionKind};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::services::Services;

use super::action_types::place;
use super::jobs::{Failed, Success};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Poll {
    action_type_id: ActionTypeId,
    /// One where nothing is said (inferred).
    max_batch_size: Option<usize>,
}

pub(super) async fn poll(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Poll { action_type_id, max_batch_size } = decode(input)?;
    let at_most = max_batch_size.unwrap_or(1);
    let place = place(caller);
    let polled = services.pipelines()?.poll_for_third_party_jobs(&place, action_type_id, at_most);
    Ok(Some(polled.await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    job_id: String,
    client_token: String,
    nonce: Option<String>,
}

pub(super) async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Job { job_id, client_token, .. } = decode(input)?;
    check_token(services, &client_token)?;
    let place = place(caller);
    let details = services.pipelines()?.get_third_party_job_details(&services.aws, &place, &job_id);
    Ok(Some(details.await?))
}

pub(super) async fn acknowledge(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Job { job_id, client_token, nonce } = decode(input)?;
    check_token(services, &client_token)?;
    let nonce = nonce.unwrap_or_default();
    services.pipelines()?.acknowledge_job(JobKind::ThirdParty, &place(caller), job_id, &nonce).await?;
    Ok(Some(json!({ "status": "InProgress" })))
}

pub(super) async fn put_success(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Job { client_token, .. } = decode(input.clone())?;
    check_token(services, &client_token)?;
    let (job, success) = decode::<Success>(input)?.into_success();
    services.pipelines()?.put_job_success(JobKind::ThirdParty, &place(caller), job, success).await?;
    Ok(None)
}

pub(super) async fn put_failure(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Job { client_token, .. } = decode(input.clone())?;
    check_token(services, &client_token)?;
    let (job, failure) = decode::<Failed>(input)?.into_failure();
    services.pipelines()?.put_job_failure(JobKind::ThirdParty, &place(caller), job, failure).await?;
    Ok(None)
}

/// The text is inferred.
fn check_token(services: &Services, token: &str) -> Result<(), AwsError> {
    if services.client_token == token {
        return Ok(());
    }
    Err(Rejection::new(RejectionKind::InvalidClientToken, "The client token is not valid.").into())
}
