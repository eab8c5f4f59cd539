//! ListRuleTypes and ListRuleExecutions.

use serde_json::{Value, json};

use crate::action::ActionExecution;
use crate::rule_type::RuleType;

use super::execution::without_nulls;
use super::history::locations;

/// API reference: `RuleType`.
pub fn rule_type(rule_type: &RuleType) -> Value {
    let properties: Vec<_> = rule_type.properties().collect();
    json!({
        "id": { "category": "Rule", "owner": "AWS", "provider": rule_type.provider, "version": "1" },
        "ruleConfigurationProperties": properties,
        "inputArtifactDetails": rule_type.input_bounds(),
    })
}

/// API reference: `RuleExecutionDetail`. Nothing in it tells of which condition the rule is.
pub fn rule_execution_detail(rule: &ActionExecution) -> Value {
    let declaration = &rule.declaration;
    let input = without_nulls(json!({
        "ruleTypeId": declaration.action_type_id,
        "configuration": declaration.configuration,
        "resolvedConfiguration": rule.resolved_configuration.clone().unwrap_or_default(),
        "roleArn": declaration.role_arn,
        "region": rule.region,
        "inputArtifacts": locations(&rule.inputs),
    }));
    let result = without_nulls(json!({
        "externalExecutionId": rule.external.id,
        "externalExecutionSummary": rule.external.summary,
        "externalExecutionUrl": rule.external.url,
        "errorDetails": rule.error,
    }));
    let empty = result.as_object().is_none_or(serde_json::Map::is_empty);
    without_nulls(json!({
        "pipelineExecutionId": rule.execution,
        "ruleExecutionId": rule.reference.id,
        "pipelineVersion": rule.version,
        "stageName": rule.reference.stage.stage,
        "ruleName": declaration.name,
        "startTime": rule.reference.started.epoch_seconds(),
        "lastUpdateTime": rule.updated.epoch_seconds(),
        "updatedBy": rule.last_updated_by,
        "status": rule.status,
        "input": input,
        "output": without_nulls(json!({ "executionResult": (!empty).then_some(result) })),
    }))
}
