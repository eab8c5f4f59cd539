//! RetryStageExecution (user guide, "Configure stage retry"): of a stage in which actions are in progress the stage decides, of
//! an ended execution the pipeline does.

use crate::declaration::stage::RetryMode;
use crate::event::EventState;
use crate::rejection::{Rejection, RejectionKind};
use crate::stage::{self, Again, Asked, Birth, StageExecution, StageExecutionStatus, Wish};
use crate::step::{ReplyId, Step, Write};
use crate::time::Timestamp;

use super::asking::Asking;
use super::input::RetryRequest;
use super::machine::Pipeline;
use super::recall::{Found, Purpose, Recall, Which};
use super::state::{Execution, ExecutionStatus, Place};

impl Pipeline {
    /// Refuses what can be refused at once, and asks for the ended execution.
    pub(super) fn retry(&mut self, request: RetryRequest, reply: ReplyId) -> Step {
        if self.current().is_none_or(|version| version.declaration.stage(&request.stage).is_none()) {
            return Step::refuse(reply, self.stage_not_found(&request.stage));
        }
        if let Some(living) = self.executions.values().find(|execution| execution.id == request.execution) {
            let refuse = |why: &str| Step::refuse(reply, not_retryable(&request, why));
            return match &living.place {
                Some(Place::Inside(stage)) if stage.stage == request.stage => match request.mode {
                    _ if living.version != self.head.version => {
                        refuse("the pipeline's structure has changed since")
                    }
                    RetryMode::AllActions => refuse("the execution is still in progress"),
                    RetryMode::FailedActions => {
                        let stage = stage.clone();
                        self.ask(Asking { stage, asked: Asked::Retry, of: request.execution, reply })
                    }
                },
                _ => refuse("the execution is still in progress"),
            };
        }
        self.recall(Recall {
            execution: Which::Id(request.execution.clone()),
            stage: request.stage.clone(),
            purpose: Purpose::Retry(request, reply),
        })
    }

    /// The execution is under way again in its next attempt at the stage. Only the execution that entered the stage
    /// last can be taken up, and so nobody else is inside; who waits before it keeps waiting.
    pub(super) fn retry_found(
        &mut self,
        request: &RetryRequest,
        found: Option<Found>,
        now: Timestamp,
    ) -> Result<Step, Rejection> {
        let no = |why: &str| not_retryable(request, why);
        let Some(Found { execution, stage }) = found else {
            return Err(no("the pipeline does not have the execution"));
        };
        if execution.version != self.head.version {
            return Err(no("the pipeline's structure has changed since"));
        }
        let Some(version) = self.current() else {
            return Err(Rejection::new(RejectionKind::Internal, "the current version is not loaded"));
        };
        if version.declaration.stage(&request.stage).is_none() {
            return Err(self.stage_not_found(&request.stage));
        }
        let Some(failed) = stage else { return Err(no("the execution never entered it")) };
        if self.executions.contains_key(&execution.number) {
            return Err(no("the execution is still in progress"));
        }
        let entered = self.head.stages.get(&request.stage).and_then(|head| head.last_entered.as_ref());
        if execution.takes_locks() && entered != Some(&failed.id) {
            let text = format!(
                "Unable to retry stage '{}' of execution {}: a later execution has entered it.",
                request.stage, request.execution
            );
            return Err(Rejection::new(RejectionKind::NotLatestPipelineExecution, text));
        }
        if !matches!(execution.status, ExecutionStatus::Failed | ExecutionStatus::Stopped) {
            return Err(no("the execution has neither failed nor been stopped"));
        }
        if !matches!(failed.status, StageExecutionStatus::Failed | StageExecutionStatus::Stopped) {
            return Err(no("it has no failed actions"));
        }
        if let Some(condition) = failed.failed_by {
            return Err(no(&format!(
                "it has no failed actions, its {} condition failed it: override the condition, or start the pipeline \
                 again",
                condition.member()
            )));
        }
        self.has_room()?;
        Ok(self.take_up(execution, failed, Again::Retried(request.mode), now))
    }

    /// An ended execution is under way again, in the attempt after that one at its stage.
    pub(super) fn take_up(
        &mut self,
        mut execution: Execution,
        before: StageExecution,
        again: Again,
        now: Timestamp,
    ) -> Step {
        let mut step = Step::default();
        let Some(version) = self.versions.get(&execution.version).cloned() else { return step };
        let number = execution.number;
        let id = before.next_attempt();
        execution.status = ExecutionStatus::InProgress;
        execution.wish = Wish::PROCEED;
        execution.stop_requested = false;
        execution.stop_reason = None;
        execution.status_summary = None;
        execution.place = Some(Place::Inside(id.clone()));
        execution.attempt += 1;
        execution.updated = now;
        self.note_idleness(now);
        if self.head.unfinished.is_empty() {
            step.writes.push(Write::Live(self.head.incarnation.clone()));
        }
        self.head.unfinished.insert(number);
        self.head.finished = self.head.finished.saturating_sub(1);
        self.head.history += 1;
        if execution.takes_locks() {
            let head = self.head.stages.entry(id.stage.clone()).or_default();
            head.inside = Some(id.clone());
            head.last_entered = Some(id.clone());
        }
        step.writes.push(Write::Event(execution.event(&self.head.pipeline, EventState::Resumed, now)));
        let birth = Birth {
            pipeline: &self.head.pipeline,
            execution: &execution.id,
            execution_type: execution.execution_type(),
            attempt: execution.attempt,
            declaration: &version.declaration,
        };
        StageExecution::born_again(id, before, again, birth, now, &mut step);
        self.executions.insert(number, Box::new(execution));
        self.write_execution(number, &mut step);
        self.write_head(now, &mut step);
        step
    }
}

fn not_retryable(request: &RetryRequest, why: &str) -> Rejection {
    stage::not_retryable(&request.stage, &request.execution, why)
}
