//! StopPipelineExecution (user guide, "Stop a pipeline execution").

use std::collections::BTreeSet;

use crate::event::EventState;
use crate::ids::ExecutionId;
use crate::rejection::{Rejection, RejectionKind};
use crate::stage::{End, Level, Wish};
use crate::step::{Answer, Effect, ReplyId, Step, Write};
use crate::time::Timestamp;

use super::machine::{Owed, Pipeline};
use super::state::{ExecutionStatus, Place};

impl Pipeline {
    /// A waiting execution stops at once; one inside a stage when that stage execution has ended. The answer
    /// waits until it is committed that nothing more starts, because that is what it promises.
    pub(super) fn stop(
        &mut self,
        id: &ExecutionId,
        level: Level,
        reason: Option<String>,
        reply: ReplyId,
        now: Timestamp,
    ) -> Step {
        // AWS's operation has no error for an unknown id; it cannot be stopped either (inferred).
        let Some(execution) = self.executions.values_mut().find(|execution| execution.id == *id) else {
            let text = format!(
                "Unable to stop: {id}. The pipeline execution is already in a final state or does not exist."
            );
            return Step::refuse(reply, Rejection::new(RejectionKind::PipelineExecutionNotStoppable, text));
        };
        if execution.stop_requested && execution.wish.level >= level {
            let text = format!("The pipeline execution {id} is already being stopped.");
            return Step::refuse(reply, Rejection::new(RejectionKind::DuplicatedStopRequest, text));
        }
        let number = execution.number;
        execution.stop_requested = true;
        execution.stop_reason = reason.or(execution.stop_reason.take());
        execution.updated = now;
        execution.wish = execution.wish.raised_to(Wish { level, end: Some(End::Stopped) });
        let mut step = Step::default();
        let answer = Answer::Execution(id.clone());
        match &execution.place {
            Some(Place::Inside(stage)) => {
                step.effects.push(Effect::SeeToStage(stage.clone(), execution.wish));
                if execution.status != ExecutionStatus::Stopping {
                    execution.status = ExecutionStatus::Stopping;
                    let event = execution.event(&self.head.pipeline, EventState::Stopping, now);
                    step.writes.push(Write::Event(event));
                }
                self.write_execution(number, &mut step);
                self.owed.push(Owed { waits_for: BTreeSet::from([number]), level, reply, answer });
            }
            _ => {
                self.end(number, ExecutionStatus::Stopped, now, &mut step);
                step.effects.insert(0, Effect::Answer { reply, answer: Ok(answer) });
            }
        }
        self.write_head(now, &mut step);
        step
    }
}
