//! Entering, waiting, leaving, ending: the moves that all commands are made of.
//!
//! How executions wait is their mode's (user guide, "Execution modes"). SUPERSEDED: one slot before each stage; a
//! newer arrival replaces the one that waits, which becomes `Superseded`; nobody touches the one inside. QUEUED: a
//! queue before each stage, and nobody overtakes. PARALLEL: no locks; only a disabled transition makes wait, and
//! the head knows nothing of who is inside.

use crate::declaration::pipeline::ExecutionMode;
use crate::event::EventState;
use crate::ids::ExecutionNumber;
use crate::stage::{self, Birth, End, Level, StageExecution, StageExecutionStatus, StageId};
use crate::step::{Effect, Step, Write};
use crate::time::Timestamp;

use super::machine::Pipeline;
use super::state::{Execution, ExecutionStatus, Place, TurnedAway};

impl Pipeline {
    /// The execution comes to a stage: it enters if it may, else it waits, as its mode has it.
    pub(super) fn arrive(&mut self, number: ExecutionNumber, stage: &str, now: Timestamp, step: &mut Step) {
        let Some(execution) = self.executions.get(&number) else { return };
        let mode = execution.mode;
        if self.head.stages.get(stage).is_none_or(|head| head.may_be_entered(mode)) {
            self.enter(number, stage, now, step);
            return;
        }
        let replaces = |other: &ExecutionNumber| {
            mode == ExecutionMode::Superseded
                && self.executions.get(other).is_some_and(|other| other.mode == mode)
        };
        let head = self.head.stages.entry(stage.to_owned()).or_default();
        let replaced = head.waiting.iter().copied().find(replaces);
        head.waiting.push(number);
        head.turned_away = None;
        if let Some(execution) = self.executions.get_mut(&number) {
            execution.place = Some(Place::Waiting(stage.to_owned()));
            execution.updated = now;
        }
        if let Some(replaced) = replaced {
            self.end(replaced, ExecutionStatus::Superseded, now, step);
        }
    }

    /// The execution takes the stage's lock; its stage execution is born with its first actions.
    pub(super) fn enter(&mut self, number: ExecutionNumber, stage: &str, now: Timestamp, step: &mut Step) {
        let Some(execution) = self.executions.get_mut(&number) else { return };
        let Some(version) = self.versions.get(&execution.version) else { return };
        let Some(declared) = version.declaration.stage(stage) else { return };
        let id = StageId {
            incarnation: self.head.incarnation.clone(),
            execution: number,
            stage: stage.to_owned(),
            attempt: 1,
        };
        if execution.takes_locks() {
            let head = self.head.stages.entry(stage.to_owned()).or_default();
            head.inside = Some(id.clone());
            head.turned_away = None;
            head.last_entered = Some(id.clone());
            head.last_target = execution.rollback.as_ref().map(|rollback| rollback.number);
        }
        execution.place = Some(Place::Inside(id.clone()));
        execution.updated = now;
        let birth = Birth {
            pipeline: &self.head.pipeline,
            execution: &execution.id,
            execution_type: execution.execution_type(),
            attempt: execution.attempt,
            declaration: &version.declaration,
        };
        StageExecution::born(id, declared, birth, now, step);
    }

    /// A stage execution ended: its execution moves on or ends, a rollback to that target takes the stage, or else
    /// the freed stage takes who waits. One batch: nobody is ever between stages, and no stage stays empty while
    /// somebody may enter it.
    pub(super) fn leave(
        &mut self,
        ended: &StageId,
        outcome: stage::Outcome,
        target: Option<Execution>,
        now: Timestamp,
    ) -> Step {
        let mut step = Step::default();
        let number = ended.execution;
        let target = target.filter(|target| self.rolls_back_to(ended, &outcome, target));
        let Some(execution) = self.executions.get_mut(&number) else { return step };
        if execution.place != Some(Place::Inside(ended.clone())) {
            return step;
        }
        let succeeded = outcome.status == StageExecutionStatus::Succeeded;
        let passed = succeeded || outcome.status == StageExecutionStatus::Skipped;
        if execution.takes_locks() {
            let head = self.head.stages.entry(ended.stage.clone()).or_default();
            head.inside = None;
            if succeeded && execution.rollback.is_none() {
                head.last_succeeded = Some(number);
            }
        }
        // What was found again replaces what a retried attempt found before.
        let found = outcome.revisions;
        execution.revisions.retain(|old| !found.iter().any(|new| new.is_of_same_source(old)));
        let found_any = !found.is_empty();
        execution.revisions.extend(found);
        execution.attempt = execution.attempt.max(outcome.execution_attempt);
        execution.updated = now;
        if succeeded {
            execution.succeeded_in.push(ended.stage.clone());
            step.writes.push(Write::Succeeded {
                incarnation: self.head.incarnation.clone(),
                version: execution.version,
                stage: ended.stage.clone(),
                execution: number,
            });
        }
        let version = self.versions.get(&execution.version);
        let moves_on = execution.rollback.is_none();
        let next = version.filter(|_| moves_on).and_then(|version| {
            let mut stages = version.declaration.stages.iter().map(|stage| &stage.name);
            stages.find(|name| **name == ended.stage)?;
            stages.next().cloned()
        });
        let (wish, failed) = (execution.wish, execution.id.clone());
        if found_any {
            self.know_what_was_found(number);
        }
        match (wish.level, wish.end, next) {
            (Level::Proceed, _, Some(next)) if passed => {
                self.arrive(number, &next, now, &mut step);
                self.write_execution(number, &mut step);
            }
            // An update lets an execution that was in its last stage succeed.
            (Level::Proceed, _, None) | (_, Some(End::Cancelled), None) if passed => {
                self.end(number, ExecutionStatus::Succeeded, now, &mut step);
            }
            (Level::Proceed, _, _) => self.end(number, ExecutionStatus::Failed, now, &mut step),
            (_, Some(End::Cancelled), _) => self.end(number, ExecutionStatus::Cancelled, now, &mut step),
            // Even after the last stage: the client was told that the execution is being stopped.
            (_, _, _) => self.end(number, ExecutionStatus::Stopped, now, &mut step),
        }
        if let Some(target) = target {
            self.roll_back_by_itself(ended, failed, &target, now, &mut step);
        }
        self.admit(&ended.stage, now, &mut step);
        self.answer_asking(ended, &mut step);
        self.release_answers(number, Level::Abandon, &mut step);
        self.write_head(now, &mut step);
        step
    }

    /// Lets in who waits and may enter: the first one, or in PARALLEL mode all.
    pub(super) fn admit(&mut self, stage: &str, now: Timestamp, step: &mut Step) {
        while let Some(head) = self.head.stages.get_mut(stage) {
            let may = |number: &ExecutionNumber| {
                self.executions.get(number).is_some_and(|execution| head.may_be_entered(execution.mode))
            };
            let Some(next) = head.waiting.iter().position(may) else { return };
            let next = head.waiting.remove(next);
            self.enter(next, stage, now, step);
            self.write_execution(next, step);
        }
    }

    /// The execution ends with that status and is forgotten in memory; its record goes into the batch.
    pub(super) fn end(
        &mut self,
        number: ExecutionNumber,
        status: ExecutionStatus,
        now: Timestamp,
        step: &mut Step,
    ) {
        let Some(mut execution) = self.executions.remove(&number) else { return };
        if let Some(Place::Waiting(stage)) = &execution.place
            && let Some(head) = self.head.stages.get_mut(stage)
        {
            head.waiting.retain(|waiting| *waiting != number);
            // Who was superseded made room for somebody who is shown.
            if execution.takes_locks() && status != ExecutionStatus::Superseded {
                head.turned_away = Some(TurnedAway { execution: execution.id.clone(), status });
            }
        }
        self.head.active = Some(now);
        execution.status = status;
        execution.place = None;
        execution.updated = now;
        let state = match status {
            ExecutionStatus::Succeeded => EventState::Succeeded,
            ExecutionStatus::Superseded => EventState::Superseded,
            ExecutionStatus::Stopped => EventState::Stopped,
            ExecutionStatus::Cancelled => EventState::Canceled,
            _ => EventState::Failed,
        };
        step.writes.push(Write::Event(execution.event(&self.head.pipeline, state, now)));
        step.writes.push(Write::Execution(self.head.incarnation.clone(), execution));
        step.effects.push(Effect::ExecutionEnded(status));
        self.head.unfinished.remove(&number);
        self.head.finished += 1;
        self.head.history += 1;
        self.forget_versions();
        if self.head.unfinished.is_empty() {
            step.writes.push(Write::LiveGone(self.head.incarnation.clone()));
            if self.head.deleted {
                self.discard(step);
            }
        }
        self.propose_expiry(step);
    }

    /// Keeps the versions in memory that unfinished executions run, and the current one; and of the stages those that
    /// are in one of these. A disabled transition belongs to the stage's name and stays.
    pub(super) fn forget_versions(&mut self) {
        let current = self.head.version;
        let executions = &self.executions;
        let in_use = |version: u32| executions.values().any(|execution| execution.version == version);
        let before = self.versions.len();
        self.versions.retain(|version, _| *version == current || in_use(*version));
        if self.versions.len() < before {
            let versions = &self.versions;
            let declared =
                |name: &str| versions.values().any(|version| version.declaration.stage(name).is_some());
            self.head.stages.retain(|name, stage| declared(name) || !stage.is_open());
        }
    }
}
