//! Conditions are looked at inside the stage's lock: before its actions, when they have all succeeded, and when some
//! have failed (user guide, "Stage conditions"). All rules of a condition run at once; it is met if all succeed.
//!
//! When a condition is *not* met its result follows, for failure conditions, too: there the guide says both, and an
//! alarm that fires, or a function that fails, rolls back in either reading.

use crate::action::{ActionExecution, ActionExecutionStatus, RulePlace};
use crate::declaration::pipeline::PipelineDeclaration;
use crate::declaration::stage::{ConditionResult, ConditionType};
use crate::event::EventState;
use crate::step::{Effect, Step, Write};
use crate::time::Timestamp;

use super::condition::{ConditionExecution, ConditionStatus, RuleSlot};
use super::machine::Stage;
use super::state::{StageExecution, StageExecutionStatus};

impl StageExecution {
    /// Births the rules of the condition of that type; false if there is nothing to wait for.
    pub(super) fn judge(
        &mut self,
        condition: ConditionType,
        declaration: &PipelineDeclaration,
        now: Timestamp,
        step: &mut Step,
    ) -> bool {
        let declared = declaration.stage(&self.id.stage).and_then(|stage| stage.condition(condition));
        let Some(declared) = declared else { return false };
        let mode = declaration.execution_mode.unwrap_or_default();
        let mut rules = Vec::new();
        for (index, rule) in declared.rules.iter().flatten().enumerate() {
            let place = RulePlace { condition, index };
            let (pipeline, execution) = (&self.pipeline, &self.execution);
            let born =
                ActionExecution::born_rule(&self.id, place, pipeline, execution, declaration, rule, now);
            rules.push(RuleSlot {
                rule: rule.name.clone(),
                id: born.reference.id.clone(),
                started: now,
                status: ActionExecutionStatus::InProgress,
            });
            step.writes.push(Write::Event(born.event(EventState::Started, now)));
            step.writes.push(Write::ActionBorn(Box::new(born), mode));
        }
        let mut judged = ConditionExecution { status: ConditionStatus::InProgress, changed: now, rules };
        let waits = judged.runs();
        if !waits {
            // Without rules there is nothing that could fail.
            judged.settle(None, now);
        }
        *self.conditions.slot(condition) = Some(judged);
        waits
    }
}

impl Stage {
    /// Looks at the condition of that type; false if there is nothing to wait for.
    pub(super) fn judges(&mut self, condition: ConditionType, now: Timestamp, step: &mut Step) -> bool {
        let waits = self.record.judge(condition, &self.version.declaration, now, step);
        let rules = self.record.rules_running();
        step.effects.extend(rules.map(|(rule, wish)| Effect::SeeToAction(rule, wish)));
        waits
    }

    /// A rule of that condition ended: when all have, the stage goes on as it has to.
    pub(super) fn judged(&mut self, condition: ConditionType, now: Timestamp, step: &mut Step) {
        let Some(judged) = self.record.conditions.slot(condition) else { return };
        if judged.runs() {
            return;
        }
        judged.settle(self.record.wish.end, now);
        let met = judged.status.is_met();
        let result = self.declared().map_or(ConditionResult::Fail, |stage| stage.result_of(condition));
        match condition {
            ConditionType::BeforeEntry if met && self.may_proceed() => {
                if !self.goes_on(now, step) {
                    self.actions_done(now, step);
                }
            }
            ConditionType::BeforeEntry if result == ConditionResult::Skip && !met => {
                self.end(StageExecutionStatus::Skipped, now, step);
            }
            ConditionType::OnSuccess if met => self.end(StageExecutionStatus::Succeeded, now, step),
            ConditionType::OnFailure if !met && result == ConditionResult::Retry => {
                if !self.retries_by_itself(now, step) {
                    self.end(StageExecutionStatus::Failed, now, step);
                }
            }
            _ => {
                self.record.wants_rollback =
                    !met && result == ConditionResult::Rollback && self.may_proceed();
                self.record.failed_by = (!met && condition != ConditionType::OnFailure).then_some(condition);
                self.end(StageExecutionStatus::Failed, now, step);
            }
        }
    }
}
