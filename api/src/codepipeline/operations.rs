//! The table of CodePipeline's operations: a name and its handler, one row each.

use crate::authorization;
use crate::caller::Caller;
use crate::constraints;
use crate::error::AwsError;
use crate::handler::{self, Answer, Handler};
use crate::model;
use crate::protocol::json;
use crate::services::Services;

use super::{
    action_types, approvals, executions, jobs, pipelines, revisions, stages, tags, third_party_jobs, webhooks,
};

/// A handler is an `async fn(&Services, &Caller, Value) -> Answer`; its input keeps to the model's types and
/// constraints, and has no `null` in it.
macro_rules! operations {
    ($($name:literal => $handler:path,)*) => {
        const OPERATIONS: &[(&str, Handler)] =
            &[$(($name, |services, caller, input| Box::pin($handler(services, caller, input))),)*];
    };
}

operations! {
    "AcknowledgeJob" => jobs::acknowledge,
    "AcknowledgeThirdPartyJob" => third_party_jobs::acknowledge,
    "CreateCustomActionType" => action_types::create,
    "CreatePipeline" => pipelines::create,
    "DeleteCustomActionType" => action_types::delete,
    "DeletePipeline" => pipelines::delete,
    "DeleteWebhook" => webhooks::delete,
    "DeregisterWebhookWithThirdParty" => webhooks::deregister,
    "DisableStageTransition" => stages::disable_transition,
    "EnableStageTransition" => stages::enable_transition,
    "GetActionType" => action_types::get,
    "GetJobDetails" => jobs::get,
    "GetPipeline" => pipelines::get,
    "GetPipelineExecution" => executions::get,
    "GetPipelineState" => pipelines::state,
    "GetThirdPartyJobDetails" => third_party_jobs::get,
    "ListActionExecutions" => executions::list_actions,
    "ListActionTypes" => action_types::list,
    "ListDeployActionExecutionTargets" => executions::list_targets,
    "ListPipelineExecutions" => executions::list,
    "ListPipelines" => pipelines::list,
    "ListRuleExecutions" => executions::list_rules,
    "ListRuleTypes" => action_types::list_rules,
    "ListTagsForResource" => tags::list,
    "ListWebhooks" => webhooks::list,
    "OverrideStageCondition" => stages::override_condition,
    "PollForJobs" => jobs::poll,
    "PollForThirdPartyJobs" => third_party_jobs::poll,
    "PutActionRevision" => revisions::put,
    "PutApprovalResult" => approvals::put,
    "PutJobFailureResult" => jobs::put_failure,
    "PutJobSuccessResult" => jobs::put_success,
    "PutThirdPartyJobFailureResult" => third_party_jobs::put_failure,
    "PutThirdPartyJobSuccessResult" => third_party_jobs::put_success,
    "PutWebhook" => webhooks::put,
    "RegisterWebhookWithThirdParty" => webhooks::register,
    "RetryStageExecution" => stages::retry,
    "RollbackStage" => stages::rollback,
    "StartPipelineExecution" => executions::start,
    "StopPipelineExecution" => executions::stop,
    "TagResource" => tags::tag,
    "UntagResource" => tags::untag,
    "UpdateActionType" => action_types::update,
    "UpdatePipeline" => pipelines::update,
}

/// The operation's name, when that is one of the API's operations.
pub(crate) fn known(operation: &str) -> Option<&'static str> {
    OPERATIONS.iter().map(|(name, _)| *name).find(|name| *name == operation)
}

/// Decodes and checks the input, and lets the operation's handler answer.
pub(crate) async fn call(services: &Services, caller: &Caller, operation: &str, body: &[u8]) -> Answer {
    let model = model::codepipeline();
    let row = OPERATIONS.iter().find(|(name, _)| *name == operation);
    let (Some((_, handle)), Some(shape)) = (row, model.operation(operation)) else {
        tracing::info!(
            operation = operation.escape_debug().to_string(),
            "CodePipeline has no such operation"
        );
        return Err(unknown(format!("CodePipeline has no operation {operation}")));
    };
    let input = json::decode(body)?;
    constraints::validate(model, &shape.input, &input)?;
    authorization::codepipeline::check(services, caller, operation, &input).await?;
    let output = handle(services, caller, json::without_nulls(input)).await?;
    Ok(handler::shaped(shape, output))
}

fn unknown(message: String) -> AwsError {
    AwsError::client("UnknownOperationException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_operation_of_the_model_once_and_no_other() {
        let named: Vec<&str> = OPERATIONS.iter().map(|(name, _)| *name).collect();
        let modelled: Vec<&str> = model::codepipeline().operations().map(|(name, _)| name).collect();
        assert_eq!(named, modelled);
    }

    #[test]
    fn names_are_told_apart_by_case() {
        assert_eq!(known("ListPipelines"), Some("ListPipelines"));
        assert_eq!(known("listpipelines"), None);
    }
}
