//! RetryStageExecution with `FAILED_ACTIONS` of a stage in which other actions are still in progress: "all actions that are
//! still in progress continue working, and failed actions are triggered again" (API reference, "RetryStageExecution").

use crate::event::EventState;
use crate::ids::ExecutionId;
use crate::rejection::{Rejection, RejectionKind};
use crate::step::{Step, Write};
use crate::time::Timestamp;

use super::machine::Stage;
use super::state::{RetryTrigger, SlotState};
use crate::action::ActionExecutionStatus::Succeeded;

impl Stage {
    /// The stage was never free, so that its execution stays where it is.
    pub(super) fn retry_what_failed(&mut self, now: Timestamp, step: &mut Step) -> Result<(), Rejection> {
        let refuse = |why| Err(not_retryable(&self.record.id.stage, &self.record.execution, why));
        if !self.may_proceed() {
            return refuse("the execution is being stopped");
        }
        if !self.any_failed() {
            return refuse("it has no failed actions");
        }
        if self.record.running().next().is_none() {
            return refuse("its condition is being evaluated");
        }
        self.record.retries.manual += 1;
        self.record.retries.under_way += 1;
        self.record.retries.latest = Some(RetryTrigger::ManualStageRetry);
        self.record.retries.latest_at = Some(now);
        self.record.execution_attempt += 1;
        self.record.updated = now;
        for slot in &mut self.record.slots {
            if matches!(slot.state, SlotState::Ended { .. }) && !slot.ended_as(Succeeded) {
                slot.state = SlotState::Waiting;
            }
        }
        step.writes.push(Write::Event(self.record.event(EventState::Resumed, now)));
        self.goes_on(now, step);
        step.writes.push(Write::Stage(Box::new(self.record.clone())));
        Ok(())
    }
}

/// `StageNotRetryableException`; the text is inferred.
pub(crate) fn not_retryable(stage: &str, execution: &ExecutionId, why: &str) -> Rejection {
    let text = format!("Unable to retry stage '{stage}' of execution {execution}: {why}.");
    Rejection::new(RejectionKind::StageNotRetryable, text)
}
