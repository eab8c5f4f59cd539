//! OverrideStageCondition on a stage execution that has not ended (user guide, "Stage conditions").

use crate::declaration::stage::{ConditionResult, ConditionType};
use crate::rejection::{Rejection, RejectionKind};
use crate::step::{Effect, Step, Write};
use crate::time::Timestamp;

use super::condition::ConditionStatus;
use super::machine::Stage;

impl Stage {
    /// The condition counts as met, whatever its rules say: those that still run are abandoned, and when they have
    /// ended the stage goes on.
    pub(super) fn override_condition(
        &mut self,
        condition: ConditionType,
        now: Timestamp,
        step: &mut Step,
    ) -> Result<(), Rejection> {
        self.may_be_overridden(condition)?;
        if let Some(judged) = self.record.conditions.slot(condition) {
            judged.change(ConditionStatus::Overridden, now);
        }
        self.record.updated = now;
        step.writes.push(Write::Stage(Box::new(self.record.clone())));
        let rules = self.record.rules_running();
        step.effects.extend(rules.map(|(rule, wish)| Effect::SeeToAction(rule, wish)));
        Ok(())
    }

    fn may_be_overridden(&self, condition: ConditionType) -> Result<(), Rejection> {
        let refuse = |why: &str| Err(not_overridable(condition, &self.record.id.stage, why));
        if !self.may_proceed() {
            return refuse("the execution is being stopped");
        }
        if skips(self.declared().map(|stage| stage.result_of(condition)), condition) {
            return refuse("a condition with the result SKIP cannot be overridden");
        }
        match self.record.conditions.get(condition).map(|judged| judged.status) {
            Some(ConditionStatus::InProgress) => Ok(()),
            Some(ConditionStatus::Overridden) => refuse("it has been overridden already"),
            _ => refuse("it is neither being evaluated nor has it failed"),
        }
    }
}

/// Whether a stage whose condition was not met is skipped by it.
pub(crate) fn skips(result: Option<ConditionResult>, condition: ConditionType) -> bool {
    condition == ConditionType::BeforeEntry && result == Some(ConditionResult::Skip)
}

/// `ConditionNotOverridableException`; the text is inferred.
pub(crate) fn not_overridable(condition: ConditionType, stage: &str, why: &str) -> Rejection {
    let member = condition.member();
    let text = format!("Unable to override the {member} condition of stage '{stage}': {why}.");
    Rejection::new(RejectionKind::ConditionNotOverridable, text)
}
