//! What GetPipelineState shows of a stage's conditions.

use serde_json::{Value, json};

use crate::action::{ActionExecution, ActionExecutionStatus};
use crate::declaration::stage::{ConditionType, StageDeclaration};
use crate::stage::{ConditionExecution, ConditionStatus};

use super::execution::without_nulls;
use super::pipeline_state::LastOfStage;

/// API reference: `StageConditionState`; of a condition that was not reached the rules' names. There is never more than
/// one condition, so that the group stands as it does.
pub(super) fn condition_state(
    stage: &StageDeclaration,
    last: &LastOfStage,
    condition: ConditionType,
) -> Option<Value> {
    let reached = last.entered.as_ref().and_then(|entered| entered.conditions.get(condition));
    let Some(reached) = reached else {
        let rules = stage.condition(condition)?.rules.iter().flatten();
        let rules: Vec<Value> = rules.map(|rule| json!({ "ruleName": rule.name })).collect();
        return Some(json!({ "conditionStates": [{ "ruleStates": rules }] }));
    };
    let rules = reached.rules.iter().map(|slot| {
        let record = last.rules.get(&slot.id);
        without_nulls(json!({ "ruleName": slot.rule, "latestExecution": record.map(latest_execution) }))
    });
    let rules: Vec<Value> = rules.collect();
    let summary = summary(reached);
    let status = if is_errored(reached, last) { json!("Errored") } else { json!(reached.status) };
    let latest = without_nulls(json!({
        "status": status,
        "summary": summary,
        "lastStatusChange": reached.changed.epoch_seconds(),
    }));
    Some(json!({
        "latestExecution": without_nulls(json!({ "status": status, "summary": summary })),
        "conditionStates": [{ "latestExecution": latest, "ruleStates": rules }],
    }))
}

/// Whether the condition failed, and none of its rules by its verdict: they could not be evaluated, since their
/// configuration or their permissions are wrong (inferred).
fn is_errored(condition: &ConditionExecution, last: &LastOfStage) -> bool {
    let mut failed =
        condition.rules.iter().filter(|slot| slot.status == ActionExecutionStatus::Failed).peekable();
    let is_unjudged = |code: &str| matches!(code, "ConfigurationError" | "PermissionError");
    condition.status == ConditionStatus::Failed
        && failed.peek().is_some()
        && failed.all(|slot| {
            let error = last.rules.get(&slot.id).and_then(|rule| rule.error.as_ref());
            error.is_some_and(|error| is_unjudged(&error.code))
        })
}

/// The words are inferred.
fn summary(condition: &ConditionExecution) -> Option<String> {
    let bad = condition.rules_that_failed();
    (!bad.is_empty()).then(|| format!("Failed rules: {}", bad.join(", ")))
}

/// API reference: `RuleExecution`.
fn latest_execution(rule: &ActionExecution) -> Value {
    without_nulls(json!({
        "ruleExecutionId": rule.reference.id,
        "status": rule.status,
        "summary": rule.external.summary,
        "lastStatusChange": rule.updated.epoch_seconds(),
        "lastUpdatedBy": rule.last_updated_by,
        "externalExecutionId": rule.external.id,
        "externalExecutionUrl": rule.external.url,
        "errorDetails": rule.error,
    }))
}
