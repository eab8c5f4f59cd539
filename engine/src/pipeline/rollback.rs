//! RollbackStage, and stages that roll themselves back (user guide, "Configure stage rollback").

use uuid::Uuid;

use crate::declaration::pipeline::{ExecutionMode, PipelineType};
use crate::ids::{ExecutionId, ExecutionNumber};
use crate::rejection::{Rejection, RejectionKind};
use crate::stage::{self, Level, StageExecutionStatus, StageId, Wish};
use crate::step::{ReplyId, Step};
use crate::time::Timestamp;

use super::input::RollbackRequest;
use super::machine::Pipeline;
use super::recall::{Found, Purpose, Recall, Which};
use super::state::{Execution, ExecutionStatus, Place, Rollback, Trigger, TriggerType};

impl Pipeline {
    /// Refuses what can be refused at once, and asks for the target.
    pub(super) fn rollback(&mut self, request: RollbackRequest, reply: ReplyId) -> Step {
        if self.current().is_none_or(|version| version.declaration.stage(&request.stage).is_none()) {
            return Step::refuse(reply, self.stage_not_found(&request.stage));
        }
        self.recall(Recall {
            execution: Which::Id(request.target.clone()),
            stage: request.stage.clone(),
            purpose: Purpose::Rollback(request, reply),
        })
    }

    /// The rollback enters the free stage at once, though its transition be disabled; who waits keeps waiting
    /// (AWS is silent on both).
    pub(super) fn rollback_found(
        &mut self,
        request: &RollbackRequest,
        found: Option<Found>,
        now: Timestamp,
    ) -> Result<Step, Rejection> {
        let target = found.map(|found| found.execution).ok_or_else(|| {
            let RollbackRequest { target, .. } = request;
            let name = &self.head.pipeline.name;
            let text = format!("Pipeline '{name}' does not have an execution with ID '{target}'");
            Rejection::new(RejectionKind::PipelineExecutionNotFound, text)
        })?;
        // What the machine has in memory is newer than its record may be.
        let target = self.executions.get(&target.number).map_or(target, |living| living.as_ref().clone());
        self.may_roll_back(request, &target)?;
        let by = Some(request.by.clone());
        let trigger = Trigger { trigger_type: TriggerType::ManualRollback, trigger_detail: by };
        let mut step = Step::default();
        self.begin_rollback(request.id.clone(), &request.stage, &target, trigger, now, &mut step);
        self.write_head(now, &mut step);
        Ok(step)
    }

    fn may_roll_back(&self, request: &RollbackRequest, target: &Execution) -> Result<(), Rejection> {
        let refuse = |kind, why: &str| {
            let text = format!("Unable to roll back stage '{}' to {}: {why}.", request.stage, request.target);
            Err(Rejection::new(kind, text))
        };
        if target.version != self.head.version {
            let why = "the pipeline's structure has changed since that execution";
            return refuse(RejectionKind::PipelineExecutionOutdated, why);
        }
        let unable = |why| refuse(RejectionKind::UnableToRollbackStage, why);
        let Some(version) = self.current() else {
            return unable("the current version is not loaded");
        };
        let declaration = &version.declaration;
        if declaration.stage(&request.stage).is_none() {
            return Err(self.stage_not_found(&request.stage));
        }
        if declaration.pipeline_type != Some(PipelineType::V2) {
            return unable("only V2 pipelines can be rolled back");
        }
        if declaration.execution_mode == Some(ExecutionMode::Parallel) {
            return unable("a pipeline in PARALLEL mode cannot be rolled back");
        }
        if declaration.stages.first().is_some_and(|first| first.name == request.stage) {
            return unable("the source stage cannot be rolled back");
        }
        if target.rollback.is_some() {
            return unable("that execution is a rollback itself");
        }
        if !target.succeeded_in.contains(&request.stage) {
            return unable("that execution has not succeeded in the stage");
        }
        if self.head.stages.get(&request.stage).is_some_and(|stage| stage.inside.is_some()) {
            return unable("an execution is in progress in the stage");
        }
        // The operation has no error of its own for this.
        if let Err(Rejection { message, .. }) = self.has_room() {
            return Err(Rejection::new(RejectionKind::UnableToRollbackStage, message));
        }
        Ok(())
    }

    /// A new execution that runs this one stage with what the target had.
    fn begin_rollback(
        &mut self,
        id: ExecutionId,
        stage: &str,
        target: &Execution,
        trigger: Trigger,
        now: Timestamp,
        step: &mut Step,
    ) {
        let execution = Execution {
            number: self.head.next_execution,
            id,
            version: self.head.version,
            mode: target.mode,
            status: ExecutionStatus::InProgress,
            place: None,
            rollback: Some(Rollback { target: target.id.clone(), number: target.number }),
            status_summary: None,
            wish: Wish::PROCEED,
            trigger,
            token: None,
            variables: target.variables.clone(),
            overrides: Vec::new(),
            change: None,
            revisions: target.revisions.clone(),
            started: now,
            updated: now,
            stop_reason: None,
            stop_requested: false,
            succeeded_in: Vec::new(),
            attempt: 1,
        };
        let number = self.register(execution, now, step);
        self.enter(number, stage, now, step);
        self.write_birth(number, step);
    }

    /// A stage execution ended. If it wants to be rolled back, its end waits until the target is there.
    pub(super) fn stage_ended(&mut self, ended: &StageId, outcome: stage::Outcome, now: Timestamp) -> Step {
        let Some(number) = self.rollback_target(ended, &outcome) else {
            return self.leave(ended, outcome, None, now);
        };
        if let Some(target) = self.executions.get(&number).cloned() {
            return self.leave(ended, outcome, Some(*target), now);
        }
        self.recall(Recall {
            execution: Which::Number(number),
            stage: ended.stage.clone(),
            purpose: Purpose::AutomaticRollback(ended.clone(), outcome),
        })
    }

    /// The execution that succeeded there last, if the stage execution is to be rolled back. The end of a
    /// rollback, or of one that is to end anyway, leads to none.
    fn rollback_target(&self, ended: &StageId, outcome: &stage::Outcome) -> Option<ExecutionNumber> {
        let execution = self.executions.get(&ended.execution)?;
        let wanted = outcome.wants_rollback
            && outcome.status == StageExecutionStatus::Failed
            && execution.place.as_ref() == Some(&Place::Inside(ended.clone()))
            && execution.wish.level == Level::Proceed
            && execution.rollback.is_none()
            && execution.takes_locks();
        let first = self.current()?.declaration.stages.first()?;
        if !wanted || first.name == ended.stage {
            return None;
        }
        self.head.stages.get(&ended.stage)?.last_succeeded
    }

    /// Whether that is the target, and of the current version.
    pub(super) fn rolls_back_to(
        &self,
        ended: &StageId,
        outcome: &stage::Outcome,
        target: &Execution,
    ) -> bool {
        self.rollback_target(ended, outcome) == Some(target.number) && target.version == self.head.version
    }

    /// The rollback takes the stage before anybody who waits. Its id follows from the failed stage execution, so
    /// that deciding again gives the same.
    pub(super) fn roll_back_by_itself(
        &mut self,
        ended: &StageId,
        failed: ExecutionId,
        target: &Execution,
        now: Timestamp,
        step: &mut Step,
    ) {
        let namespace = Uuid::parse_str(failed.as_str()).unwrap_or(Uuid::NAMESPACE_OID);
        let place = format!("rollback/{}/{}/{}", ended.incarnation, ended.stage, ended.attempt);
        let id = ExecutionId(Uuid::new_v5(&namespace, place.as_bytes()).to_string());
        let detail = serde_json::json!({ "FailedPipelineExecutionId": failed }).to_string();
        let trigger = Trigger { trigger_type: TriggerType::AutomatedRollback, trigger_detail: Some(detail) };
        self.begin_rollback(id, &ended.stage, target, trigger, now, step);
    }
}
