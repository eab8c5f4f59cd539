//! GetPipelineState.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::action::ActionExecution;
use crate::action_type::Catalogue;
use crate::declaration::action::ActionDeclaration;
use crate::declaration::pipeline::ExecutionMode;
use crate::declaration::stage::{ConditionType, StageDeclaration};
use crate::ids::{ActionExecutionId, ExecutionId};
use crate::pipeline::{ExecutionStatus, ExecutionType, Head, KnownRevision, Transition, TurnedAway, Version};
use crate::stage::{Retries, StageExecution};

use super::condition_state::condition_state;
use super::execution::without_nulls;
use super::urls;

/// What the state shows of one stage.
#[derive(Debug, Default)]
pub struct LastOfStage {
    /// The stage execution that entered last.
    pub entered: Option<StageExecution>,
    /// The executions that wait before it, the first to enter first.
    pub waiting: Vec<ExecutionId>,
    /// The latest execution of each action, by name.
    pub actions: BTreeMap<String, ActionExecution>,
    /// The rule executions of the conditions of the stage execution that entered last.
    pub rules: BTreeMap<ActionExecutionId, ActionExecution>,
}

/// API reference: `GetPipelineStateOutput`. In PARALLEL mode stages show nothing of executions: there is no one
/// that is the latest (user guide, "Execution modes").
pub fn pipeline_state(
    head: &Head,
    current: &Version,
    mut stages: BTreeMap<String, LastOfStage>,
    catalogue: &Catalogue,
) -> Value {
    let parallel = current.declaration.execution_mode == Some(ExecutionMode::Parallel);
    let first = current.declaration.stages.first().map(|stage| &stage.name);
    let states = current.declaration.stages.iter().map(|stage| {
        let known = (!parallel && Some(&stage.name) == first).then_some(&head.sources);
        let last = stages.remove(&stage.name).filter(|_| !parallel).unwrap_or_default();
        let of_stage = head.stages.get(&stage.name);
        let transition = of_stage.and_then(|head| head.transition.as_ref());
        let turned_away = of_stage.and_then(|head| head.turned_away.as_ref()).filter(|_| !parallel);
        stage_state(&head.pipeline.region, stage, &last, (turned_away, transition), known, catalogue)
    });
    json!({
        "pipelineName": head.pipeline.name,
        "pipelineVersion": head.version,
        "stageStates": states.collect::<Vec<Value>>(),
        "created": head.created.epoch_seconds(),
        "updated": head.updated.epoch_seconds(),
    })
}

fn stage_state(
    region: &str,
    stage: &StageDeclaration,
    last: &LastOfStage,
    (turned_away, transition): (Option<&TurnedAway>, Option<&Transition>),
    sources: Option<&BTreeMap<String, KnownRevision>>,
    catalogue: &Catalogue,
) -> Value {
    let actions = stage.actions.iter().map(|action| {
        let known = sources.and_then(|sources| sources.get(&action.name));
        action_state(region, action, last.actions.get(&action.name), known, catalogue)
    });
    // What waits has begun and not ended: the service shows it as in progress. Where nobody waits, who did is shown as
    // it ended.
    let waiting = last.waiting.iter().map(|id| (id, ExecutionStatus::InProgress));
    let ended = turned_away.filter(|_| last.waiting.is_empty()).map(|away| (&away.execution, away.status));
    let inbound = waiting.chain(ended);
    let inbound = inbound.map(|(id, status)| json!({ "pipelineExecutionId": id, "status": status }));
    let inbound: Vec<Value> = inbound.collect();
    let latest = last.entered.as_ref().map(|entered| {
        let rollback = entered.execution_type == ExecutionType::Rollback;
        without_nulls(json!({
            "pipelineExecutionId": entered.execution,
            "status": entered.status,
            "type": rollback.then_some(entered.execution_type),
        }))
    });
    without_nulls(json!({
        "stageName": stage.name,
        "inboundExecution": inbound.first(),
        "inboundExecutions": inbound,
        "inboundTransitionState": transition_state(transition),
        "actionStates": actions.collect::<Vec<Value>>(),
        "latestExecution": latest,
        "beforeEntryConditionState": condition_state(stage, last, ConditionType::BeforeEntry),
        "onSuccessConditionState": condition_state(stage, last, ConditionType::OnSuccess),
        "onFailureConditionState": condition_state(stage, last, ConditionType::OnFailure),
        "retryStageMetadata": last.entered.as_ref().and_then(|entered| retry_metadata(&entered.retries)),
    }))
}

/// API reference: `TransitionState`; of a transition that nobody has touched the samples show only that it is
/// enabled.
fn transition_state(transition: Option<&Transition>) -> Value {
    let disabled = transition.and_then(|transition| transition.disabled.as_ref());
    without_nulls(json!({
        "enabled": disabled.is_none(),
        "lastChangedBy": transition.map(|transition| &transition.changed_by),
        "lastChangedAt": transition.map(|transition| transition.changed_at.epoch_seconds()),
        "disabledReason": disabled.map(|disabled| &disabled.reason),
    }))
}

/// API reference: `RetryStageMetadata`; absent before the first retry.
fn retry_metadata(retries: &Retries) -> Option<Value> {
    let attempts = |count: u32| (count > 0).then_some(count);
    retries.latest.map(|latest| {
        without_nulls(json!({
            "autoStageRetryAttempt": attempts(retries.automatic),
            "manualStageRetryAttempt": attempts(retries.manual),
            "latestRetryTrigger": latest,
        }))
    })
}

fn action_state(
    region: &str,
    declared: &ActionDeclaration,
    last: Option<&ActionExecution>,
    known: Option<&KnownRevision>,
    catalogue: &Catalogue,
) -> Value {
    let found = last.and_then(|action| {
        let revision = action.revision.as_ref()?;
        Some((&revision.revision_id, &revision.change_identifier, revision.created))
    });
    // One that was announced is newer than what an earlier execution has found.
    let newer = known.filter(|known| {
        let at = last.map(|last| last.reference.stage.execution);
        at.is_none_or(|at| at < known.number || (at == known.number && found.is_none()))
    });
    let newer = newer.map(|known| (&known.revision_id, &known.change_id, known.created));
    without_nulls(json!({
        "actionName": declared.name,
        "currentRevision": newer.or(found).map(|(revision, change, created)| without_nulls(json!({
            "revisionId": revision,
            "revisionChangeId": change,
            "created": created.map(|created| created.epoch_seconds()),
        }))),
        "latestExecution": last.map(|action| latest_execution(action, catalogue)),
        "entityUrl": urls::entity(region, declared, last, catalogue),
        "revisionUrl": urls::revision(declared, last, catalogue),
    }))
}

fn latest_execution(action: &ActionExecution, catalogue: &Catalogue) -> Value {
    without_nulls(json!({
        "actionExecutionId": action.reference.id,
        "status": action.status,
        "summary": action.external.summary,
        "lastStatusChange": action.updated.epoch_seconds(),
        "externalExecutionId": action.external.id,
        "externalExecutionUrl": urls::execution(action, catalogue),
        "percentComplete": action.external.percent,
        "errorDetails": action.error,
        "logStreamARN": action.external.log_stream,
        "lastUpdatedBy": action.last_updated_by,
        "token": action.approval_token().filter(|_| action.outcome().is_none()),
    }))
}
