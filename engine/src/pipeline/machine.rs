//! The pipeline machine: its state, and which input goes where.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::{ExecutionNumber, PipelineKey};
use crate::rejection::{Rejection, RejectionKind};
use crate::stage::{Level, StageId};
use crate::step::{Answer, Effect, ReplyId, Step, Write};
use crate::time::Timestamp;

use super::asking::Asking;
use super::input::Input;
use super::state::{Execution, Head, Place, StageHead, Version};

/// One pipeline: its head, its unfinished executions, and the versions that these run.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    pub(super) head: Head,
    /// Boxed, since the map's nodes are half empty.
    pub(super) executions: BTreeMap<ExecutionNumber, Box<Execution>>,
    pub(super) versions: BTreeMap<u32, Arc<Version>>,
    pub(super) tags: BTreeMap<String, String>,
    /// How many ended executions are kept.
    pub(super) keep: u64,
    /// Answers that wait until stage executions have taken a wish. In memory only: a client that loses its
    /// answer to a crash repeats the request, and repeating is safe.
    pub(super) owed: Vec<Owed>,
    /// How many looks at ended executions are under way.
    pub(super) recalling: u32,
    /// What stage executions were asked to decide.
    pub(super) asking: Vec<Asking>,
    /// Removal of old executions was proposed and has not come back yet.
    pub(super) expiring: bool,
}

/// An answer that promises "nothing more starts", given when that is committed everywhere.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Owed {
    pub(super) waits_for: BTreeSet<ExecutionNumber>,
    pub(super) level: Level,
    pub(super) reply: ReplyId,
    pub(super) answer: Answer,
}

impl Pipeline {
    /// Loads the machine from its records: the head, the executions and versions that [`Head::unfinished`]
    /// and [`Head::version`] name. `keep` is how many ended executions are kept.
    pub fn load(
        head: Head,
        executions: Vec<Execution>,
        versions: Vec<Version>,
        tags: BTreeMap<String, String>,
        keep: u64,
    ) -> Self {
        let executions =
            executions.into_iter().map(|execution| (execution.number, Box::new(execution))).collect();
        let number = |version: &Version| version.declaration.version.unwrap_or(1);
        let versions = versions.into_iter().map(|version| (number(&version), Arc::new(version))).collect();
        let (owed, asking) = (Vec::new(), Vec::new());
        // Fewer may be wanted than before.
        let expiring = !head.deleted && head.keeps_more_than(keep);
        Self { head, executions, versions, tags, keep, owed, recalling: 0, asking, expiring }
    }

    /// The machine's own record.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The unfinished executions, oldest first.
    pub fn executions(&self) -> impl Iterator<Item = &Execution> {
        self.executions.values().map(Box::as_ref)
    }

    /// Whether nothing is under way and nobody waits for an answer: its actor may sleep.
    pub fn is_idle(&self) -> bool {
        self.executions.is_empty() && self.owed.is_empty() && self.recalling == 0 && !self.expiring
    }

    /// The unfinished execution that this client token started, if there is one.
    pub fn started_by(&self, token: &str) -> Option<&Execution> {
        self.executions().find(|execution| execution.token.as_deref() == Some(token))
    }

    /// What this state owes the world: its stage executions must be seen to, and told again what they were asked; and
    /// what is too much of its history goes.
    pub fn outstanding(&self) -> Vec<Effect> {
        let inside = self.executions.values().filter_map(|execution| match &execution.place {
            Some(Place::Inside(stage)) => Some(Effect::SeeToStage(stage.clone(), execution.wish)),
            _ => None,
        });
        let asking = self.asking.iter().filter_map(|asking| self.ask_effect(asking));
        let mut effects: Vec<Effect> = inside.chain(asking).collect();
        if self.head.deleted && self.executions.is_empty() {
            effects.push(Effect::EmptyTrash);
        }
        if self.expiring {
            effects.push(Effect::ProposeExpiry(self.head.finished.saturating_sub(self.keep)));
        }
        effects
    }

    /// One input, one step.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Step {
        let now = now.max(self.head.last_step);
        let step = match input {
            Input::WishTaken { stage, level } => self.wish_taken(&stage, level),
            Input::StageEnded { stage, outcome } => self.stage_ended(&stage, outcome, now),
            Input::Expire(candidates) => self.expire(candidates),
            Input::Recalled(recalled) => self.recalled(*recalled, now),
            Input::Decided { reply, decided, .. } => self.decided(reply, decided),
            Input::Start(_, reply)
            | Input::Announce(_, reply)
            | Input::Hear(_, reply)
            | Input::Stop { reply, .. }
            | Input::Delete(reply)
            | Input::Transition(_, reply)
            | Input::Retry(_, reply)
            | Input::Rollback(_, reply)
            | Input::Override(_, reply)
                if self.head.deleted =>
            {
                Step::refuse(reply, self.not_found())
            }
            Input::Update(_, reply) | Input::Tag(_, reply) | Input::Untag(_, reply) if self.head.deleted => {
                Step::refuse(reply, resource_not_found(&self.head.pipeline))
            }
            Input::Start(request, reply) => self.start(*request, reply, now),
            Input::Announce(announced, reply) => self.put_action_revision(*announced, reply, now),
            Input::Hear(news, reply) => self.hear(*news, reply, now),
            Input::Stop { execution, level, reason, reply } => {
                self.stop(&execution, level, reason, reply, now)
            }
            Input::Update(declaration, reply) => self.update(*declaration, reply, now),
            Input::Delete(reply) => self.delete(reply, now),
            Input::Transition(change, reply) => self.change_transition(*change, reply, now),
            Input::Rollback(request, reply) => self.rollback(*request, reply),
            Input::Retry(request, reply) => self.retry(*request, reply),
            Input::Override(request, reply) => self.override_condition(*request, reply),
            Input::Tag(tags, reply) => self.tag(tags, reply),
            Input::Untag(keys, reply) => self.untag(&keys, reply),
        };
        debug_assert_eq!(self.check(), Ok(()), "after a step");
        step
    }

    /// `PipelineNotFoundException` in AWS's words.
    pub fn not_found(&self) -> Rejection {
        not_found(&self.head.pipeline.account, &self.head.pipeline.name)
    }

    /// The version that new executions run.
    pub(super) fn current(&self) -> Option<&Arc<Version>> {
        self.versions.get(&self.head.version)
    }

    /// Adds the head to a batch, stamped with the time of the step.
    pub(super) fn write_head(&mut self, now: Timestamp, step: &mut Step) {
        self.head.last_step = now;
        step.writes.push(Write::Head(Box::new(self.head.clone())));
    }

    /// Adds an execution's record to a batch.
    pub(super) fn write_execution(&self, number: ExecutionNumber, step: &mut Step) {
        if let Some(execution) = self.executions.get(&number) {
            step.writes.push(Write::Execution(self.head.incarnation.clone(), execution.clone()));
        }
    }

    /// `StageNotFoundException`; the text is inferred.
    pub(super) fn stage_not_found(&self, stage: &str) -> Rejection {
        let text =
            format!("Pipeline '{}' does not have a stage with name '{stage}'", self.head.pipeline.name);
        Rejection::new(RejectionKind::StageNotFound, text)
    }

    fn wish_taken(&mut self, stage: &StageId, level: Level) -> Step {
        let inside = Some(Place::Inside(stage.clone()));
        let mut step = Step::default();
        if self.executions.get(&stage.execution).is_some_and(|execution| execution.place == inside) {
            self.release_answers(stage.execution, level, &mut step);
        }
        step
    }

    /// Gives the answers that waited for this execution only.
    pub(super) fn release_answers(&mut self, number: ExecutionNumber, level: Level, step: &mut Step) {
        for owed in self.owed.iter_mut().filter(|owed| owed.level <= level) {
            owed.waits_for.remove(&number);
        }
        self.give_ready_answers(step);
    }

    /// Gives the answers that wait for nobody any more.
    pub(super) fn give_ready_answers(&mut self, step: &mut Step) {
        let ready = self.owed.extract_if(.., |owed| owed.waits_for.is_empty());
        step.effects.extend(ready.map(|owed| Effect::Answer { reply: owed.reply, answer: Ok(owed.answer) }));
    }

    /// What must hold between any two steps, in words that a failing test can show.
    pub fn check(&self) -> Result<(), String> {
        let known: BTreeSet<_> = self.executions.keys().copied().collect();
        if known != self.head.unfinished {
            return Err(format!("unfinished {:?}, but in memory {known:?}", self.head.unfinished));
        }
        for execution in self.executions.values() {
            let held = match &execution.place {
                None => false,
                Some(Place::Waiting(stage)) => {
                    let head = self.head.stages.get(stage);
                    let blocked = |head: &StageHead| !head.may_be_entered(execution.mode);
                    head.is_some_and(|head| head.waiting.contains(&execution.number) && blocked(head))
                }
                Some(Place::Inside(_)) if !execution.takes_locks() => true,
                Some(Place::Inside(id)) => {
                    let head = self.head.stages.get(&id.stage);
                    head.is_some_and(|head| head.inside.as_ref() == Some(id))
                }
            };
            if !held || execution.status.has_ended() {
                return Err(format!("execution {} is not in its place: {execution:?}", execution.number));
            }
        }
        for (name, stage) in &self.head.stages {
            let present = |number: &ExecutionNumber| self.executions.contains_key(number);
            let inside = stage.inside.as_ref().map(|id| id.execution);
            if !inside.iter().chain(&stage.waiting).all(present) {
                return Err(format!("stage {name} holds an execution that has ended: {stage:?}"));
            }
        }
        Ok(())
    }
}

/// `ResourceNotFoundException`, which the tagging operations and UpdatePipeline answer for an unknown pipeline.
/// UpdatePipeline's list of errors has neither; moto's test, whose text is the tagging operations', says which (inferred).
pub fn resource_not_found(pipeline: &PipelineKey) -> Rejection {
    let PipelineKey { account, name, .. } = pipeline;
    let text = format!("The account with id '{account}' does not include a pipeline with the name '{name}'");
    Rejection::new(RejectionKind::ResourceNotFound, text)
}

/// `PipelineNotFoundException` in AWS's words.
pub fn not_found(account: &str, name: &str) -> Rejection {
    let text = format!("Account '{account}' does not have a pipeline with name '{name}'");
    Rejection::new(RejectionKind::PipelineNotFound, text)
}
