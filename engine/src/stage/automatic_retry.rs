//! A stage that retries itself (user guide, "Configure a stage for automatic retry on failure").

use crate::declaration::stage::{ConditionResult, ConditionType, RetryMode};
use crate::event::EventState;
use crate::step::{Step, Write};
use crate::time::Timestamp;

use super::machine::Stage;
use super::state::RetryTrigger;

impl Stage {
    /// A failed stage whose declaration says so runs again, once in an execution's passage, and not if it is to
    /// end. The pipeline is not asked: the stage was never free, so that nobody could slip in.
    pub(super) fn retries_by_itself(&mut self, now: Timestamp, step: &mut Step) -> bool {
        let may = self.may_proceed() && self.record.retries.automatic == 0;
        let Some(mode) = self.retry_mode().filter(|_| may && self.any_failed()) else { return false };
        self.record.retries.automatic += 1;
        self.record.retries.latest = Some(RetryTrigger::AutomatedStageRetry);
        self.record.retries.latest_at = Some(now);
        self.record.execution_attempt += 1;
        self.record.forget_results(mode);
        step.writes.push(Write::Event(self.record.event(EventState::Resumed, now)));
        self.goes_on(now, step)
    }

    /// The default of the mode is not documented; all actions are meant by the guide's sample (inferred).
    fn retry_mode(&self) -> Option<RetryMode> {
        let stage = self.declared()?;
        if stage.result_of(ConditionType::OnFailure) != ConditionResult::Retry {
            return None;
        }
        let declared = stage.on_failure.as_ref()?;
        let configured = declared.retry_configuration.as_ref().and_then(|retry| retry.retry_mode);
        Some(configured.unwrap_or(RetryMode::AllActions))
    }
}
