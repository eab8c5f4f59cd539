//! The transitions of one stage execution.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::action::{self, ActionExecution, ActionExecutionStatus, ActionRef};
use crate::declaration::stage::ConditionResult;
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

    /// What this state owes the world: its unended actions must be seen to.
    pub fn outstanding(&self) -> Vec<Effect> {
        if self.outcome().is_some() {
            return Vec::new();
        }
        self.record.running().map(|action| Effect::SeeToAction(action, self.record.wish)).collect()
    }

    /// One input, one step.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Step {
        let now = now.max(self.record.updated);
        if self.outcome().is_some() {
            // Its end may not have arrived: a parent that asks is told again, all else comes too late.
            return match input {
                Input::Wish(_) => self.tell_end(Step::default()),
                _ => Step::default(),
            };
        }
        match input {
            Input::Wish(wish) => self.take(wish, now),
            Input::ActionEnded { id, outcome } => self.action_ended(&id, outcome, now, Step::default()),
            Input::ActionLost(action) => self.action_lost(*action, now),
        }
    }

    fn take(&mut self, wish: Wish, now: Timestamp) -> Step {
        let mut step = Step::default();
        let raised = self.record.wish.raised_to(wish);
        if raised != self.record.wish {
            self.record.wish = raised;
            self.record.status = StageExecutionStatus::Stopping;
            self.record.updated = now;
            step.writes.push(Write::Stage(Box::new(self.record.clone())));
            let running = self.record.running();
            step.effects.extend(running.map(|action| Effect::SeeToAction(action, raised)));
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
        let current = |state: &SlotState| matches!(state, SlotState::Running { id, .. } if id == ended);
        let Some(slot) = self.record.slots.iter_mut().find(|slot| current(&slot.state)) else {
            return Step::default();
        };
        slot.state = SlotState::Ended { id: ended.clone(), outcome };
        self.record.updated = now;
        if !self.goes_on(now, &mut step) && !self.retries_by_itself(now, &mut step) {
            self.end(now, &mut step);
        }
        step.writes.push(Write::Stage(Box::new(self.record.clone())));
        if self.outcome().is_some() { self.tell_end(step) } else { step }
    }

    /// Starts what may start now; false if nothing runs any more.
    pub(super) fn goes_on(&mut self, now: Timestamp, step: &mut Step) -> bool {
        if self.record.wish.level == Level::Proceed && !self.any_failed() {
            let before: BTreeSet<ActionRef> = self.record.running().collect();
            self.record.start_what_may(&self.version.declaration, now, step);
            let born = self.record.running().filter(|action| !before.contains(action));
            step.effects.extend(born.map(|action| Effect::SeeToAction(action, self.record.wish)));
        }
        self.record.running().next().is_some()
    }

    /// A wish to end outweighs what the actions did: the client was told that the execution is being stopped
    /// (AWS is silent on a stopped stage of which an action failed).
    fn end(&mut self, now: Timestamp, step: &mut Step) {
        let (status, state) = if self.record.wish.level > Level::Proceed {
            match self.record.wish.end {
                // An update lets a stage whose last action succeeded have its success.
                Some(End::Cancelled) if self.all_succeeded() => {
                    (StageExecutionStatus::Succeeded, EventState::Succeeded)
                }
                Some(End::Cancelled) => (StageExecutionStatus::Cancelled, EventState::Canceled),
                _ => (StageExecutionStatus::Stopped, EventState::Stopped),
            }
        } else if self.any_failed() {
            self.record.wants_rollback = self.result_of_failure() == Some(ConditionResult::Rollback);
            (StageExecutionStatus::Failed, EventState::Failed)
        } else {
            (StageExecutionStatus::Succeeded, EventState::Succeeded)
        };
        self.record.status = status;
        step.writes.push(Write::Event(self.record.event(state, now)));
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
