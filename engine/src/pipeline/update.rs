//! UpdatePipeline and DeletePipeline: what they do to executions under way.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::declaration::pipeline::PipelineDeclaration;
use crate::ids::ExecutionNumber;
use crate::stage::{End, Level, Wish};
use crate::step::{Answer, Effect, ReplyId, Step, Write};
use crate::time::Timestamp;

use super::machine::{Owed, Pipeline};
use super::state::{Execution, ExecutionStatus, Place, Version};

impl Pipeline {
    /// The next version. Waiting executions end as `Cancelled`; those inside a stage finish their running
    /// actions and then end, but in PARALLEL mode they go on (user guide, "Edit a pipeline").
    pub(super) fn update(
        &mut self,
        mut declaration: PipelineDeclaration,
        reply: ReplyId,
        now: Timestamp,
    ) -> Step {
        let mut step = Step::default();
        self.head.version += 1;
        self.head.updated = now;
        self.head.active = Some(now);
        self.head.polling_disabled = None;
        declaration.version = Some(self.head.version);
        let version = Version { declaration: declaration.clone(), created: now };
        step.writes.push(Write::Version(self.head.incarnation.clone(), Box::new(version.clone())));
        self.versions.insert(self.head.version, Arc::new(version));
        let answer = Answer::Declaration(Box::new(declaration));
        let wish = Wish { level: Level::Finish, end: Some(End::Cancelled) };
        let concerns = |execution: &Execution| {
            execution.takes_locks() || !matches!(execution.place, Some(Place::Inside(_)))
        };
        self.end_all(concerns, wish, answer, reply, now, &mut step);
        self.forget_versions();
        self.write_head(now, &mut step);
        step
    }

    /// The name is free at once; what runs is abandoned, and when nothing runs any more everything of this
    /// incarnation is removed. AWS does not document what happens to running executions.
    pub(super) fn delete(&mut self, reply: ReplyId, now: Timestamp) -> Step {
        let mut step = Step::default();
        self.head.deleted = true;
        step.writes.push(Write::NameGone(self.head.pipeline.clone()));
        if self.executions.is_empty() {
            self.discard(&mut step);
        }
        let wish = Wish { level: Level::Abandon, end: Some(End::Cancelled) };
        self.end_all(|_| true, wish, Answer::Done, reply, now, &mut step);
        self.write_head(now, &mut step);
        step
    }

    /// Everything of this incarnation may be removed. Not before its last execution has ended: whoever empties
    /// the trash asks no further.
    pub(super) fn discard(&self, step: &mut Step) {
        step.writes.push(Write::Trash(self.head.incarnation.clone()));
        step.effects.push(Effect::EmptyTrash);
    }

    /// Ends what waits, tells the wish to what is inside, and answers when all inside have taken it.
    fn end_all(
        &mut self,
        concerns: impl Fn(&Execution) -> bool,
        wish: Wish,
        answer: Answer,
        reply: ReplyId,
        now: Timestamp,
        step: &mut Step,
    ) {
        let concerned = self.executions.values().filter(|execution| concerns(execution));
        let numbers: Vec<ExecutionNumber> = concerned.map(|execution| execution.number).collect();
        let mut waits_for = BTreeSet::new();
        for number in numbers {
            let Some(execution) = self.executions.get_mut(&number) else { continue };
            if let Some(Place::Inside(stage)) = &execution.place {
                execution.wish = execution.wish.raised_to(wish);
                execution.updated = now;
                step.effects.push(Effect::SeeToStage(stage.clone(), execution.wish));
                waits_for.insert(number);
                self.write_execution(number, step);
            } else {
                self.end(number, ExecutionStatus::Cancelled, now, step);
            }
        }
        self.owed.push(Owed { waits_for, level: wish.level, reply, answer });
        self.give_ready_answers(step);
    }
}
