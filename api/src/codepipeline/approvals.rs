//! PutApprovalResult.

use penstock_actors::ApprovalPlace;
use penstock_engine::action::Verdict;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::handler::{Answer, decode};
use crate::services::Services;

use super::input::pipeline;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Put {
    pipeline_name: String,
    stage_name: String,
    action_name: String,
    result: ApprovalResult,
    token: String,
}

#[derive(Deserialize)]
struct ApprovalResult {
    summary: String,
    status: ApprovalStatus,
}

#[derive(Deserialize, PartialEq)]
enum ApprovalStatus {
    Approved,
    Rejected,
}

pub(super) async fn put(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Put { pipeline_name, stage_name, action_name, result, token } = decode(input)?;
    let place =
        ApprovalPlace { pipeline: pipeline(caller, pipeline_name), stage: stage_name, action: action_name };
    let verdict = Verdict {
        approved: result.status == ApprovalStatus::Approved,
        summary: result.summary,
        by: caller.arn(),
    };
    let approved_at = services.pipelines()?.put_approval_result(&place, token, verdict).await?;
    Ok(Some(json!({ "approvedAt": approved_at.epoch_seconds() })))
}
