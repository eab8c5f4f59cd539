//! DisableStageTransition and EnableStageTransition (user guide, "Working with stage transitions").

use crate::ids::ExecutionNumber;
use crate::rejection::{Rejection, RejectionKind};
use crate::step::{Answer, Effect, ReplyId, Step};
use crate::time::Timestamp;

use super::input::{Switch, TransitionChange, TransitionType};
use super::machine::Pipeline;
use super::state::{Disabled, ExecutionStatus, Transition};

/// A transition that was disabled for longer does not let in who waited.
const PATIENCE_MILLIS: u64 = 30 * 24 * 60 * 60 * 1000;

impl Pipeline {
    /// Disabling concerns nobody who is inside already; enabling lets in who waits, in the same batch. To
    /// disable again gives another reason, to enable again changes nothing (both inferred).
    pub(super) fn change_transition(
        &mut self,
        change: TransitionChange,
        reply: ReplyId,
        now: Timestamp,
    ) -> Step {
        let stage = match self.leads_into(&change) {
            Ok(stage) => stage,
            Err(rejection) => return Step::refuse(reply, rejection),
        };
        let old = self.head.stages.get(&stage).and_then(|head| head.transition.as_ref());
        let since = old.and_then(|old| old.disabled.as_ref()).map(|old| old.since);
        let (disabled, opened) = match (change.switch, since) {
            (Switch::Enable, None) => return Step::answer(reply, Ok(Answer::Done)),
            (Switch::Enable, Some(since)) => (None, Some(since)),
            (Switch::Disable(reason), since) => {
                (Some(Disabled { reason, since: since.unwrap_or(now) }), None)
            }
        };
        let head = self.head.stages.entry(stage.clone()).or_default();
        head.transition = Some(Transition { disabled, changed_by: change.by, changed_at: now });
        let mut step = Step::default();
        if let Some(since) = opened {
            if now > since.plus_millis(PATIENCE_MILLIS) {
                self.give_up_waiting(&stage, now, &mut step);
            } else {
                self.admit(&stage, now, &mut step);
            }
        }
        self.write_head(now, &mut step);
        step.effects.insert(0, Effect::Answer { reply, answer: Ok(Answer::Done) });
        step
    }

    /// The stage whose entry is meant: an outbound transition is the next stage's inbound one. AWS is silent
    /// on the last stage's.
    fn leads_into(&self, change: &TransitionChange) -> Result<String, Rejection> {
        let stages = self.current().map(|version| version.declaration.stages.as_slice()).unwrap_or_default();
        // PARALLEL executions of an earlier version may wait before a stage that is no more.
        let head = self.head.stages.get(&change.stage);
        if change.transition == TransitionType::Inbound && head.is_some_and(|head| head.transition.is_some())
        {
            return Ok(change.stage.clone());
        }
        let mut from_it = stages.iter().map(|stage| &stage.name).skip_while(|name| **name != change.stage);
        let named = from_it.next().ok_or_else(|| self.stage_not_found(&change.stage))?;
        let meant = match change.transition {
            TransitionType::Inbound => Some(named),
            TransitionType::Outbound => from_it.next(),
        };
        meant.cloned().ok_or_else(|| {
            let text = format!("The stage '{named}' is the last one: no transition leads out of it");
            Rejection::new(RejectionKind::Validation, text)
        })
    }

    /// As what they end is not documented.
    fn give_up_waiting(&mut self, stage: &str, now: Timestamp, step: &mut Step) {
        let waiting = self.head.stages.get(stage).map(|head| head.waiting.clone()).unwrap_or_default();
        for number in waiting {
            self.say(
                number,
                format!("The transition into stage {stage} was disabled for more than 30 days."),
            );
            self.end(number, ExecutionStatus::Stopped, now, step);
        }
    }

    fn say(&mut self, number: ExecutionNumber, summary: String) {
        if let Some(execution) = self.executions.get_mut(&number) {
            execution.status_summary = Some(summary);
        }
    }
}
