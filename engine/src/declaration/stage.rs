//! A stage: actions, and the conditions around them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::action::{ActionDeclaration, ArtifactName};

/// API reference: `StageDeclaration`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct StageDeclaration {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blockers: Option<Vec<BlockerDeclaration>>,
    pub actions: Vec<ActionDeclaration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<FailureConditions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_success: Option<Conditions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_entry: Option<Conditions>,
}

impl StageDeclaration {
    /// The condition of that type: there is never more than one.
    pub fn condition(&self, condition: ConditionType) -> Option<&Condition> {
        match condition {
            ConditionType::BeforeEntry => self.before_entry.as_ref()?.conditions.first(),
            ConditionType::OnSuccess => self.on_success.as_ref()?.conditions.first(),
            ConditionType::OnFailure => self.on_failure.as_ref()?.conditions.as_ref()?.first(),
        }
    }

    /// What follows when the condition of that type is not met. A condition that does not say has the result that
    /// stands beside it, as only failure conditions can; without any it fails the stage (both inferred).
    pub fn result_of(&self, condition: ConditionType) -> ConditionResult {
        let own = self.condition(condition).and_then(|condition| condition.result);
        let beside = self.on_failure.as_ref().filter(|_| condition == ConditionType::OnFailure);
        own.or_else(|| beside?.result).unwrap_or(ConditionResult::Fail)
    }
}

/// API reference: `ConditionType`, which leaves out failure conditions: no operation takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum ConditionType {
    BeforeEntry,
    OnSuccess,
    OnFailure,
}

impl ConditionType {
    /// The member of the declaration that holds such conditions.
    pub fn member(self) -> &'static str {
        match self {
            Self::BeforeEntry => "beforeEntry",
            Self::OnSuccess => "onSuccess",
            Self::OnFailure => "onFailure",
        }
    }
}

/// API reference: `BlockerDeclaration`; reserved by AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct BlockerDeclaration {
    pub name: String,
    #[serde(rename = "type")]
    pub blocker_type: String,
}

/// API reference: `BeforeEntryConditions` and `SuccessConditions`, which have the same shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct Conditions {
    pub conditions: Vec<Condition>,
}

/// API reference: `FailureConditions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct FailureConditions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ConditionResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_configuration: Option<RetryConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
}

/// API reference: `RetryConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct RetryConfiguration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_mode: Option<RetryMode>,
}

/// API reference: `StageRetryMode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum RetryMode {
    FailedActions,
    AllActions,
}

/// API reference: `Condition`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct Condition {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ConditionResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<RuleDeclaration>>,
}

/// API reference: `Result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum ConditionResult {
    Rollback,
    Fail,
    Retry,
    Skip,
}

/// API reference: `RuleDeclaration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct RuleDeclaration {
    pub name: String,
    pub rule_type_id: RuleTypeId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commands: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_artifacts: Option<Vec<ArtifactName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_in_minutes: Option<u32>,
}

/// API reference: `RuleTypeId`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct RuleTypeId {
    pub category: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    pub provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}
