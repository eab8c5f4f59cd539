//! DisableStageTransition, EnableStageTransition, RetryStageExecution, RollbackStage, OverrideStageCondition.

use penstock_engine::declaration::stage::{ConditionType, RetryMode};
use penstock_engine::ids::ExecutionId;
use penstock_engine::pipeline::{OverrideRequest, RetryRequest, Switch, TransitionChange, TransitionType};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::handler::{Answer, decode};
use crate::services::Services;

use super::input::pipeline;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transition {
    pipeline_name: String,
    stage_name: String,
    transition_type: TransitionType,
    /// Only when disabling.
    #[serde(default)]
    reason: String,
}

pub(super) async fn disable_transition(services: &Services, caller: &Caller, input: Value) -> Answer {
    let transition: Transition = decode(input)?;
    let reason = transition.reason.clone();
    change(services, caller, transition, Switch::Disable(reason)).await
}

pub(super) async fn enable_transition(services: &Services, caller: &Caller, input: Value) -> Answer {
    change(services, caller, decode(input)?, Switch::Enable).await
}

async fn change(services: &Services, caller: &Caller, transition: Transition, switch: Switch) -> Answer {
    let name = pipeline(caller, transition.pipeline_name);
    let change = TransitionChange {
        stage: transition.stage_name,
        transition: transition.transition_type,
        switch,
        by: caller.arn(),
    };
    services.pipelines()?.change_transition(name, change).await?;
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Retry {
    pipeline_name: String,
    stage_name: String,
    pipeline_execution_id: ExecutionId,
    retry_mode: RetryMode,
}

pub(super) async fn retry(services: &Services, caller: &Caller, input: Value) -> Answer {
    let retry: Retry = decode(input)?;
    let name = pipeline(caller, retry.pipeline_name);
    let request = RetryRequest {
        stage: retry.stage_name,
        execution: retry.pipeline_execution_id,
        mode: retry.retry_mode,
    };
    let id = services.pipelines()?.retry_stage(name, request).await?;
    Ok(Some(json!({ "pipelineExecutionId": id })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rollback {
    pipeline_name: String,
    stage_name: String,
    target_pipeline_execution_id: ExecutionId,
}

pub(super) async fn rollback(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Rollback { pipeline_name, stage_name, target_pipeline_execution_id: target } = decode(input)?;
    let name = pipeline(caller, pipeline_name);
    let id = services.pipelines()?.rollback_stage(name, stage_name, target, caller.arn()).await?;
    Ok(Some(json!({ "pipelineExecutionId": id })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Override {
    pipeline_name: String,
    stage_name: String,
    pipeline_execution_id: ExecutionId,
    condition_type: ConditionType,
}

pub(super) async fn override_condition(services: &Services, caller: &Caller, input: Value) -> Answer {
    let wanted: Override = decode(input)?;
    let name = pipeline(caller, wanted.pipeline_name);
    let request = OverrideRequest {
        stage: wanted.stage_name,
        execution: wanted.pipeline_execution_id,
        condition: wanted.condition_type,
    };
    services.pipelines()?.override_condition(name, request).await?;
    Ok(None)
}
