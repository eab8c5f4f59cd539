//! The conditions around a stage's actions, as far as a stage execution has come in them (user guide, "Stage
//! conditions").

use serde::{Deserialize, Serialize};

use crate::action::ActionExecutionStatus;
use crate::declaration::stage::ConditionType;
use crate::ids::ActionExecutionId;
use crate::time::Timestamp;

use super::state::End;

/// The conditions of one stage execution; those that were not reached are not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConditionExecutions {
    #[serde(skip_serializing_if = "Option::is_none")]
    before_entry: Option<ConditionExecution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_success: Option<ConditionExecution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_failure: Option<ConditionExecution>,
}

/// One condition: its rules are looked at together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionExecution {
    /// How it stands.
    pub status: ConditionStatus,
    /// Since when.
    pub changed: Timestamp,
    /// In the order of the declaration.
    pub rules: Vec<RuleSlot>,
}

/// API reference: `ConditionExecutionStatus`. `Errored` is none of these: to the stage a rule that could not be evaluated
/// has failed, and it is for the view to say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum ConditionStatus {
    InProgress,
    Failed,
    Succeeded,
    Cancelled,
    Abandoned,
    Overridden,
}

impl ConditionStatus {
    /// Whether the stage goes on as if there had been no condition.
    pub fn is_met(self) -> bool {
        matches!(self, Self::Succeeded | Self::Overridden)
    }
}

/// One rule of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleSlot {
    /// The rule's name.
    pub rule: String,
    /// Its execution.
    pub id: ActionExecutionId,
    /// When that was born: part of its record's key.
    pub started: Timestamp,
    /// How it stands.
    pub status: ActionExecutionStatus,
}

impl RuleSlot {
    fn runs(&self) -> bool {
        self.status == ActionExecutionStatus::InProgress
    }
}

impl ConditionExecution {
    /// Whether it still waits for one of its rules, also when its outcome no longer depends on them.
    pub fn runs(&self) -> bool {
        self.running().next().is_some()
    }

    /// Its rules that have not been seen to end.
    pub fn running(&self) -> impl Iterator<Item = &RuleSlot> {
        self.rules.iter().filter(|rule| rule.runs())
    }

    /// The names of the rules that failed.
    pub fn rules_that_failed(&self) -> Vec<&str> {
        let failed = self.rules.iter().filter(|rule| rule.status == ActionExecutionStatus::Failed);
        failed.map(|rule| rule.rule.as_str()).collect()
    }

    /// All rules have ended: it is met if all of them succeeded. Who overrode it has the last word; of one that was cut
    /// short the status says why.
    pub(super) fn settle(&mut self, end: Option<End>, now: Timestamp) {
        let all = |status| self.rules.iter().all(|rule| rule.status == status);
        let any = |status| self.rules.iter().any(|rule| rule.status == status);
        let status = match (self.status, end) {
            (ConditionStatus::Overridden, _) => return,
            _ if all(ActionExecutionStatus::Succeeded) => ConditionStatus::Succeeded,
            (_, Some(End::Cancelled)) if any(ActionExecutionStatus::Abandoned) => ConditionStatus::Cancelled,
            (_, Some(End::Stopped)) if any(ActionExecutionStatus::Abandoned) => ConditionStatus::Abandoned,
            _ => ConditionStatus::Failed,
        };
        self.change(status, now);
    }

    pub(super) fn change(&mut self, status: ConditionStatus, now: Timestamp) {
        self.status = status;
        self.changed = now;
    }
}

impl ConditionExecutions {
    /// The condition of that type, if it was reached.
    pub fn get(&self, condition: ConditionType) -> Option<&ConditionExecution> {
        match condition {
            ConditionType::BeforeEntry => self.before_entry.as_ref(),
            ConditionType::OnSuccess => self.on_success.as_ref(),
            ConditionType::OnFailure => self.on_failure.as_ref(),
        }
    }

    pub(super) fn slot(&mut self, condition: ConditionType) -> &mut Option<ConditionExecution> {
        match condition {
            ConditionType::BeforeEntry => &mut self.before_entry,
            ConditionType::OnSuccess => &mut self.on_success,
            ConditionType::OnFailure => &mut self.on_failure,
        }
    }

    /// Those that were reached, in the order in which they are.
    pub fn iter(&self) -> impl Iterator<Item = (ConditionType, &ConditionExecution)> {
        let all = [ConditionType::BeforeEntry, ConditionType::OnSuccess, ConditionType::OnFailure];
        all.into_iter().filter_map(|condition| Some((condition, self.get(condition)?)))
    }

    /// Whether none was reached.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Notes the end of a rule that runs: of which condition it is.
    pub(super) fn rule_ended(
        &mut self,
        ended: &ActionExecutionId,
        status: ActionExecutionStatus,
    ) -> Option<ConditionType> {
        let all = [ConditionType::BeforeEntry, ConditionType::OnSuccess, ConditionType::OnFailure];
        all.into_iter().find(|condition| {
            let mut rules = self.slot(*condition).iter_mut().flat_map(|condition| &mut condition.rules);
            let rule = rules.find(|rule| rule.runs() && rule.id == *ended);
            rule.map(|rule| rule.status = status).is_some()
        })
    }
}
