//! The transitions of one stage execution.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::action::{self, ActionExecution, ActionExecutionStatus, ActionRef};
use crate::declaration::stage::{ConditionResult, ConditionType, StageDeclaration};
use crate::event::EventState;
use crate::ids::ActionExecutionId;
use crate::pipeline::{self, Version};
use crate::step::{Effect, Step, Tell, Write};
use crate::time::Timestamp;

use super::input::Input;
use super::state::{End, Level, Outcome, SlotState, StageExecution, StageExecutionStatus, Wish};

/// One stage execution: its record, and the version that it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub(super) record: StageExecution,
    pub(super) version: Arc<Version>,
}

impl Stage {
    /// Loads the machine from its record and the version that the record names.
    pub fn load(record: StageExecution, version: Arc<Version>) -> Self {
        Self { record, version }
    }

    /// The record as it stands.
    pub fn record(&self) -> &StageExecution {
        &self.record
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.record.outcome()
    }

    /// What this state owes the world: its unended actions and rules must be seen to.
    pub fn outstanding(&self) -> Vec<Effect> {
        if self.outcome().is_some() {
            return Vec::new();
        }
        let actions = self.record.running().map(|action| (action, self.record.wish));
        let children = actions.chain(self.record.rules_running());
        children.map(|(child, wish)| Effect::SeeToAction(child, wish)).collect()
    }

    /// One input, one step.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Step {
        let now = now.max(self.record.updated);
        if self.outcome().is_some() {
            // Its end may not have arrived: a parent that asks is told again, all else comes too late.
            return match input {
                Input::Wish(_) => self.tell_end(Step::default()),
                Input::Ask { asked, reply } => self.ask(asked, reply, now),
                _ => Step::default(),
            };
        }
        match input {
            Input::Wish(wish) => self.take(wish, now),
            Input::Ask { asked, reply } => self.ask(asked, reply, now),
            Input::ActionEnded { id, outcome } => self.action_ended(&id, outcome, now, Step::default()),
            Input::ActionLost(action) => self.action_lost(*action, now),
        }
    }

    fn take(&mut self, wish: Wish, now: Timestamp) -> Step {
        let mut step = Step::default();
        let raised = self.record.wish.raised_to(wish);
        let is_stopped = |wish: &Wish| wish.end == Some(End::Stopped);
        if is_stopped(&raised) && !is_stopped(&self.record.wish) {
            step.writes.push(Write::Event(self.record.event(EventState::Stopping, now)));
        }
        if raised != self.record.wish {
            self.record.wish = raised;
            self.record.status = StageExecutionStatus::Stopping;
            self.record.updated = now;
            step.writes.push(Write::Stage(Box::new(self.record.clone())));
            step.effects.extend(self.outstanding());
        }
        let taken =
            pipeline::Input::WishTaken { stage: self.record.id.clone(), level: self.record.wish.level };
        step.tells.push(Tell::Pipeline(self.record.id.incarnation.clone(), taken));
        step
    }

    fn action_lost(&mut self, action: ActionExecution, now: Timestamp) -> Step {
        let id = action.reference.id.clone();
        if let Some(outcome) = action.outcome() {
            return self.action_ended(&id, outcome, now, Step::default());
        }
        let action = action.lost(now);
        let Some(outcome) = action.outcome() else { return Step::default() };
        let event = action.event(EventState::Failed, now);
        let writes = vec![Write::Action(Box::new(action)), Write::Event(event)];
        self.action_ended(&id, outcome, now, Step { writes, ..Step::default() })
    }

    fn action_ended(
        &mut self,
        ended: &ActionExecutionId,
        outcome: action::Outcome,
        now: Timestamp,
        mut step: Step,
    ) -> Step {
        if let Some(condition) = self.record.conditions.rule_ended(ended, outcome.status) {
            self.record.updated = now;
            self.judged(condition, now, &mut step);
            return self.write(step);
        }
        let current = |state: &SlotState| matches!(state, SlotState::Running { id, .. } if id == ended);
        let Some(slot) = self.record.slots.iter_mut().find(|slot| current(&slot.state)) else {
            return Step::default();
        };
        slot.state = SlotState::Ended { id: ended.clone(), outcome };
        self.record.updated = now;
        if !self.goes_on(now, &mut step) {
            self.actions_done(now, &mut step);
        }
        self.write(step)
    }

    fn write(&self, mut step: Step) -> Step {
        step.writes.push(Write::Stage(Box::new(self.record.clone())));
        if self.outcome().is_some() { self.tell_end(step) } else { step }
    }

    /// No action runs and none will start: the conditions that follow are looked at, or the stage ends.
    pub(super) fn actions_done(&mut self, now: Timestamp, step: &mut Step) {
        let failed = !self.all_succeeded();
        let next = if failed { ConditionType::OnFailure } else { ConditionType::OnSuccess };
        let declared = self.declared().is_some_and(|stage| stage.condition(next).is_some());
        if !declared && failed && self.retries_by_itself(now, step) {
            return;
        }
        if declared && self.may_be_judged(next) && self.judges(next, now, step) {
            return;
        }
        // What was not looked at before the execution was to end has not been met.
        let met = self.record.conditions.get(next).is_some_and(|judged| judged.status.is_met());
        if failed || declared && !met {
            let result = self.declared().map(|stage| stage.result_of(next));
            self.record.wants_rollback =
                !declared && result == Some(ConditionResult::Rollback) && self.may_proceed();
            self.end(StageExecutionStatus::Failed, now, step);
        } else {
            self.end(StageExecutionStatus::Succeeded, now, step);
        }
    }

    /// Not if the execution is to end, and not if its result could no longer follow: a stage retries itself once.
    fn may_be_judged(&self, condition: ConditionType) -> bool {
        self.may_proceed() && self.record.conditions.get(condition).is_none()
    }

    /// Starts what may start now; false if nothing runs any more.
    pub(super) fn goes_on(&mut self, now: Timestamp, step: &mut Step) -> bool {
        if self.may_proceed() && !self.any_failed() {
            let before: BTreeSet<ActionRef> = self.record.running().collect();
            self.record.start_what_may(&self.version.declaration, now, step);
            let born = self.record.running().filter(|action| !before.contains(action));
            step.effects.extend(born.map(|action| Effect::SeeToAction(action, self.record.wish)));
        }
        self.record.running().next().is_some()
    }

    /// A wish to end outweighs what the actions did: the client was told that the execution is being stopped
    /// (AWS is silent on a stopped stage of which an action failed).
    pub(super) fn end(&mut self, done: StageExecutionStatus, now: Timestamp, step: &mut Step) {
        let status = match self.record.wish.end {
            _ if self.may_proceed() => done,
            // An update lets a stage whose last action succeeded have its success.
            Some(End::Cancelled) if done == StageExecutionStatus::Succeeded => done,
            Some(End::Cancelled) => StageExecutionStatus::Cancelled,
            _ => StageExecutionStatus::Stopped,
        };
        if status != StageExecutionStatus::Failed {
            self.record.failed_by = None;
        }
        self.record.status = status;
        let state = match status {
            StageExecutionStatus::Succeeded => EventState::Succeeded,
            StageExecutionStatus::Skipped => EventState::Skipped,
            StageExecutionStatus::Cancelled => EventState::Canceled,
            StageExecutionStatus::Stopped => EventState::Stopped,
            _ => EventState::Failed,
        };
        step.writes.push(Write::Event(self.record.event(state, now)));
    }

    pub(super) fn may_proceed(&self) -> bool {
        self.record.wish.level == Level::Proceed
    }

    pub(super) fn declared(&self) -> Option<&StageDeclaration> {
        self.version.declaration.stage(&self.record.id.stage)
    }

    pub(super) fn any_failed(&self) -> bool {
        self.record.slots.iter().any(|slot| {
            slot.ended_as(ActionExecutionStatus::Failed) || slot.ended_as(ActionExecutionStatus::Abandoned)
        })
    }

    fn all_succeeded(&self) -> bool {
        self.record.slots.iter().all(|slot| slot.ended_as(ActionExecutionStatus::Succeeded))
    }

    fn tell_end(&self, mut step: Step) -> Step {
        if let Some(outcome) = self.outcome() {
            let ended = pipeline::Input::StageEnded { stage: self.record.id.clone(), outcome };
            step.tells.push(Tell::Pipeline(self.record.id.incarnation.clone(), ended));
        }
        step
    }
}
