//! OverrideStageCondition (user guide, "Stage conditions"): of a stage execution that has not ended the stage decides,
//! of one that a condition failed the pipeline does.

use crate::declaration::stage::StageDeclaration;
use crate::ids::ExecutionNumber;
use crate::rejection::{Rejection, RejectionKind};
use crate::stage::{Again, Asked, StageId, not_overridable, skips};
use crate::step::{ReplyId, Step};
use crate::time::Timestamp;

use super::asking::Asking;
use super::input::OverrideRequest;
use super::machine::Pipeline;
use super::recall::{Found, Purpose, Recall, Which};
use super::state::{ExecutionStatus, Place};

impl Pipeline {
    /// Hands it on to the stage execution, or asks for the ended execution.
    pub(super) fn override_condition(&mut self, request: OverrideRequest, reply: ReplyId) -> Step {
        let living = self.executions.values().find(|execution| execution.id == request.execution);
        if let Some(Place::Inside(stage)) = living.and_then(|execution| execution.place.as_ref())
            && stage.stage == request.stage
        {
            let (stage, condition) = (stage.clone(), request.condition);
            return self.ask(Asking {
                stage,
                asked: Asked::Override(condition),
                of: request.execution,
                reply,
            });
        }
        if self.current().is_none_or(|version| version.declaration.stage(&request.stage).is_none()) {
            return Step::refuse(reply, self.stage_not_found(&request.stage));
        }
        self.recall(Recall {
            execution: Which::Id(request.execution.clone()),
            stage: request.stage.clone(),
            purpose: Purpose::Override(request, reply),
        })
    }

    /// The execution that the condition failed is under way again, in its next attempt at the stage, in which the
    /// condition is overridden: of an entry condition the actions start, of a success condition the stage has
    /// succeeded. Like a retry it takes up the last entered execution only.
    pub(super) fn override_found(
        &mut self,
        request: &OverrideRequest,
        found: Option<Found>,
        now: Timestamp,
    ) -> Result<Step, Rejection> {
        let no = |why: &str| Err(not_overridable(request.condition, &request.stage, why));
        let Some(Found { execution, stage }) = found else {
            return no("the pipeline does not have the execution");
        };
        if execution.version != self.head.version {
            return no("the pipeline's structure has changed since");
        }
        let Some(stage) = stage else { return no("the execution has not entered the stage") };
        let declared = self.current().and_then(|version| version.declaration.stage(&request.stage));
        let Some(result) = declared.map(|declared: &StageDeclaration| declared.result_of(request.condition))
        else {
            return Err(self.stage_not_found(&request.stage));
        };
        self.is_latest(execution.takes_locks(), &stage.id)?;
        if self.is_living(execution.number) || execution.status != ExecutionStatus::Failed {
            return no("it is neither being evaluated nor has it failed the execution");
        }
        if skips(Some(result), request.condition) {
            return no("a condition with the result SKIP cannot be overridden");
        }
        if stage.failed_by != Some(request.condition) {
            return no("it is not what failed the stage");
        }
        self.has_room()?;
        Ok(self.take_up(execution, stage, Again::Overridden(request.condition), now))
    }

    fn is_living(&self, number: ExecutionNumber) -> bool {
        self.executions.contains_key(&number)
    }

    /// Whether no later execution has entered the stage.
    fn is_latest(&self, takes_locks: bool, stage: &StageId) -> Result<(), Rejection> {
        let entered = self.head.stages.get(&stage.stage).and_then(|head| head.last_entered.as_ref());
        if !takes_locks || entered == Some(stage) {
            return Ok(());
        }
        let text =
            format!("Unable to override in stage '{}': a later execution has entered it.", stage.stage);
        Err(Rejection::new(RejectionKind::NotLatestPipelineExecution, text))
    }
}
