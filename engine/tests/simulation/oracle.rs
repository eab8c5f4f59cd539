//! What clients were told, and so must stay true. An unanswered request may have happened or not.

use std::collections::{BTreeMap, BTreeSet};

use penstock_engine::declaration::stage::{ConditionType, StageDeclaration};
use penstock_engine::ids::{ExecutionId, Incarnation, PipelineKey};
use penstock_engine::pipeline::{Execution, ExecutionStatus};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::stage::{ConditionStatus, End};
use penstock_engine::step::{Answer, ReplyId};

use crate::law::{Checked, broken, hold};
use crate::people::{Spoken, Told};
use crate::records::{Key, Records};

const ACKNOWLEDGED: &str = "acknowledged";

/// What a client asked for, of which pipeline.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Create(Incarnation, PipelineKey),
    Start(Incarnation, Option<String>),
    Stop(Incarnation, ExecutionId),
    Update(Incarnation, Vec<StageDeclaration>),
    Tag(Incarnation),
    Delete(Incarnation),
    Retry(Incarnation, ExecutionId),
    Rollback(Incarnation, ExecutionId),
    Override {
        incarnation: Incarnation,
        id: ExecutionId,
        stage: String,
        condition: ConditionType,
    },
    /// `None` for the stage: the one after some other.
    Transition {
        incarnation: Incarnation,
        stage: Option<String>,
        disables: bool,
    },
    /// An approver or a worker said something.
    Word(Spoken),
    /// Nobody had the name.
    Nobody,
}

impl Asked {
    /// Whether the other one's promise does not hold if this one is handled after it.
    fn undoes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Retry(_, id), Self::Stop(_, stopped)) => id == stopped,
            (
                Self::Transition { incarnation, stage, disables: false },
                Self::Transition { incarnation: of, stage: closed, disables: true },
            ) => incarnation == of && (stage.is_none() || closed.is_none() || stage == closed),
            _ => false,
        }
    }
}

/// The requests that wait for an answer, and what the answers so far promise.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    waiting: BTreeMap<ReplyId, (Asked, Option<u64>)>,
    /// Lives that are over: their answers may still come, or not.
    dead: BTreeSet<u64>,
    answered: BTreeSet<ReplyId>,
    created: BTreeMap<Incarnation, PipelineKey>,
    /// Somebody asked for it, so it may have happened.
    delete_asked: BTreeSet<Incarnation>,
    deleted: BTreeSet<Incarnation>,
    started: BTreeMap<ExecutionId, Key>,
    /// Others asked for the opposite while these waited, so nobody knows which of them came last.
    undone: BTreeSet<ReplyId>,
    /// Stops of executions whose start had been acknowledged.
    started_before: BTreeSet<ReplyId>,
    tokens: BTreeMap<(Incarnation, String), ExecutionId>,
    versions: BTreeMap<(Incarnation, u32), Vec<StageDeclaration>>,
    stopped: BTreeSet<ExecutionId>,
    told: Told,
    /// Of these nothing may be born any more: single executions, and those below a version.
    quiet: BTreeMap<Key, ExecutionId>,
    quiet_below: BTreeMap<Incarnation, u32>,
    /// Somebody asked to retry it, so it may be under way again.
    retried: BTreeSet<ExecutionId>,
    /// Somebody asked to override that condition, so it may be.
    override_asked: BTreeSet<(ExecutionId, String, ConditionType)>,
    overridden: BTreeSet<(Key, String, ConditionType)>,
    /// Transitions that were disabled, and that nobody asked to enable since.
    closed: BTreeSet<(Incarnation, String)>,
}

impl Oracle {
    pub(crate) fn asked(&mut self, reply: ReplyId, asked: Asked) {
        if let Asked::Delete(incarnation) = &asked {
            self.delete_asked.insert(incarnation.clone());
        }
        if let Asked::Transition { incarnation, stage, disables: false } = &asked {
            let may_open = |other: &String| stage.as_ref().is_none_or(|stage| stage == other);
            self.closed.retain(|(other, closed)| other != incarnation || !may_open(closed));
        }
        if let Asked::Retry(_, id) = &asked {
            self.retried.insert(id.clone());
            self.stopped.remove(id);
            self.quiet.retain(|_, quiet| quiet != id);
        }
        if let Asked::Override { id, stage, condition, .. } = &asked {
            self.retried.insert(id.clone());
            self.override_asked.insert((id.clone(), stage.clone(), *condition));
        }
        if matches!(&asked, Asked::Stop(_, id) if self.started.contains_key(id)) {
            self.started_before.insert(reply);
        }
        for (other, (waiting, _)) in &self.waiting {
            if asked.undoes(waiting) {
                self.undone.insert(*other);
            }
            if waiting.undoes(&asked) {
                self.undone.insert(reply);
            }
        }
        self.waiting.insert(reply, (asked, None));
    }

    /// The request reached that life of its pipeline's actor, and dies with it.
    pub(crate) fn handed_over(&mut self, reply: ReplyId, to: u64) {
        if let Some((_, life)) = self.waiting.get_mut(&reply) {
            *life = Some(to);
        }
    }

    pub(crate) fn died(&mut self, dead: u64) {
        self.dead.insert(dead);
    }

    pub(crate) fn forget_unanswered(&mut self) {
        self.waiting.clear();
    }

    pub(crate) fn was_answered(&self, reply: ReplyId) -> bool {
        self.answered.contains(&reply)
    }

    /// Whether an acknowledged stop or delete forbids births in that execution.
    pub(crate) fn is_quiet(&self, key: &Key) -> bool {
        self.quiet.contains_key(key) || self.deleted.contains(&key.0)
    }

    /// Whether an acknowledged update replaced that version.
    pub(crate) fn is_outdated(&self, incarnation: &Incarnation, version: u32) -> bool {
        self.quiet_below.get(incarnation).is_some_and(|below| version < *below)
    }

    /// Whether nobody may enter that stage: it was closed, and nobody asked to open it since.
    pub(crate) fn is_closed(&self, incarnation: &Incarnation, stage: &str) -> bool {
        self.closed.contains(&(incarnation.clone(), stage.to_owned()))
    }

    /// Whether somebody asked to retry that execution, at any time.
    pub(crate) fn was_retried(&self, id: &ExecutionId) -> bool {
        self.retried.contains(id)
    }

    /// Whether somebody asked to override that condition, at any time.
    pub(crate) fn was_override_asked(&self, id: &ExecutionId, stage: &str, condition: ConditionType) -> bool {
        self.override_asked.contains(&(id.clone(), stage.to_owned(), condition))
    }

    /// A client is told something. What it is told must be true of what is durable.
    pub(crate) fn answered(
        &mut self,
        reply: ReplyId,
        answer: Result<Answer, Rejection>,
        disk: &Records,
    ) -> Checked {
        hold(ACKNOWLEDGED, self.answered.insert(reply), || format!("{} is answered twice", reply.0))?;
        let Some((asked, _)) = self.waiting.remove(&reply) else { return Ok(()) };
        if let Asked::Word(spoken) = &asked {
            self.told.answered(reply, spoken, &answer, disk)?;
            return self.check(disk);
        }
        let wrong = || format!("{asked:?} is answered {answer:?}");
        match (&asked, &answer) {
            (Asked::Create(incarnation, key), Ok(Answer::Declaration(_))) => {
                self.created.insert(incarnation.clone(), key.clone());
            }
            (Asked::Start(incarnation, token), Ok(Answer::Execution(id))) => {
                let gone = disk.expired.contains(id) || disk.erased.contains(incarnation);
                let found = disk.ids.get(id);
                hold(ACKNOWLEDGED, gone || found.is_some(), wrong)?;
                if let Some(key) = found {
                    self.started.insert(id.clone(), key.clone());
                }
                if let Some(token) = token {
                    let before = self.tokens.insert((incarnation.clone(), token.clone()), id.clone());
                    let same = before.is_none_or(|before| before == *id || disk.expired.contains(&before));
                    hold(ACKNOWLEDGED, same, || format!("{token} started another execution: {id}"))?;
                }
            }
            (Asked::Stop(_, id), Ok(Answer::Execution(same))) if id == same => {
                if !self.undone.contains(&reply) {
                    self.stopped.insert(id.clone());
                    self.quiet.extend(disk.ids.get(id).map(|key| (key.clone(), id.clone())));
                }
            }
            (Asked::Rollback(incarnation, id), Ok(Answer::Execution(same))) if id == same => {
                let gone = disk.expired.contains(id) || disk.erased.contains(incarnation);
                let found = disk.ids.get(id);
                hold(ACKNOWLEDGED, gone || found.is_some(), wrong)?;
                self.started.extend(found.map(|key| (id.clone(), key.clone())));
            }
            (Asked::Retry(incarnation, id), Ok(Answer::Execution(same))) if id == same => {
                let key = disk.ids.get(id);
                let gone = disk.expired.contains(id) || disk.erased.contains(incarnation);
                let mut attempts = key.into_iter().flat_map(|key| disk.stages_of(key));
                hold(ACKNOWLEDGED, gone || attempts.any(|stage| stage.retries.manual > 0), wrong)?;
            }
            (Asked::Override { id, stage, condition, .. }, Ok(Answer::Done)) => {
                self.overridden.extend(disk.ids.get(id).map(|key| (key.clone(), stage.clone(), *condition)));
            }
            (Asked::Update(incarnation, stages), Ok(Answer::Declaration(declaration))) => {
                let number = declaration.version.unwrap_or(1);
                hold(ACKNOWLEDGED, declaration.stages == *stages, wrong)?;
                let other = self.versions.insert((incarnation.clone(), number), stages.clone());
                hold(ACKNOWLEDGED, other.is_none(), || format!("version {number} was given out twice"))?;
                let below = self.quiet_below.entry(incarnation.clone()).or_default();
                *below = number.max(*below);
            }
            (Asked::Tag(incarnation), Ok(Answer::Done)) => {
                let there = disk.tags.contains_key(incarnation) || disk.erased.contains(incarnation);
                hold(ACKNOWLEDGED, there, wrong)?;
            }
            (Asked::Transition { incarnation, stage, disables }, Ok(Answer::Done)) => {
                let stays = *disables && !self.undone.contains(&reply);
                if let Some(stage) = stage.clone().filter(|_| stays) {
                    self.closed.insert((incarnation.clone(), stage));
                }
            }
            (Asked::Delete(incarnation), Ok(Answer::Done)) => {
                self.deleted.insert(incarnation.clone());
            }
            (_, Err(rejection)) => self.refused(reply, &asked, rejection, disk)?,
            _ => hold(ACKNOWLEDGED, false, wrong)?,
        }
        self.check(disk)
    }

    /// A refusal tells what was decided before, so that must be durable, too.
    fn refused(&self, reply: ReplyId, asked: &Asked, rejection: &Rejection, disk: &Records) -> Checked {
        // One of an earlier pipeline of that name is unknown to this one.
        let execution = |incarnation: &Incarnation, id: &ExecutionId| {
            disk.ids.get(id).filter(|key| key.0 == *incarnation).and_then(|key| disk.executions.get(key))
        };
        let holds = match (asked, rejection.kind) {
            (Asked::Stop(incarnation, id), RejectionKind::PipelineExecutionNotStoppable) => {
                // It may have been asked before the start that makes the execution was handled.
                !self.started_before.contains(&reply)
                    || self.was_retried(id)
                    || execution(incarnation, id).is_none_or(|execution| execution.status.has_ended())
            }
            (Asked::Stop(incarnation, id), RejectionKind::DuplicatedStopRequest) => {
                let asked_before = |execution: &Execution| execution.wish.end == Some(End::Stopped);
                self.was_retried(id) || execution(incarnation, id).is_none_or(asked_before)
            }
            (Asked::Start(..), RejectionKind::Validation) => true,
            (Asked::Create(..), _) => false,
            (
                Asked::Start(incarnation, _)
                | Asked::Stop(incarnation, ..)
                | Asked::Retry(incarnation, _)
                | Asked::Rollback(incarnation, _)
                | Asked::Override { incarnation, .. }
                | Asked::Transition { incarnation, .. }
                | Asked::Delete(incarnation),
                RejectionKind::PipelineNotFound,
            )
            | (
                Asked::Update(incarnation, _) | Asked::Tag(incarnation, ..),
                RejectionKind::ResourceNotFound,
            ) => disk.names.values().all(|other| other != incarnation),
            (Asked::Transition { incarnation, stage: Some(stage), .. }, RejectionKind::StageNotFound) => {
                // Some version did not have it.
                let mut versions = disk.versions.iter().filter(|((of, _), _)| of == incarnation);
                disk.erased.contains(incarnation)
                    || versions.any(|(_, version)| version.declaration.stage(stage).is_none())
            }
            (
                Asked::Transition { stage: None, .. },
                RejectionKind::StageNotFound | RejectionKind::Validation,
            ) => true,
            (
                Asked::Retry(..),
                RejectionKind::StageNotFound
                | RejectionKind::StageNotRetryable
                | RejectionKind::Conflict
                | RejectionKind::NotLatestPipelineExecution,
            ) => true,
            (
                Asked::Rollback(..),
                RejectionKind::StageNotFound
                | RejectionKind::PipelineExecutionNotFound
                | RejectionKind::PipelineExecutionOutdated
                | RejectionKind::UnableToRollbackStage,
            ) => true,
            (
                Asked::Override { .. },
                RejectionKind::StageNotFound
                | RejectionKind::ConditionNotOverridable
                | RejectionKind::NotLatestPipelineExecution
                | RejectionKind::Conflict,
            ) => true,
            (Asked::Nobody, RejectionKind::PipelineNotFound) => true,
            _ => false,
        };
        hold(ACKNOWLEDGED, holds, || format!("{asked:?} is refused: {rejection}"))
    }

    /// Whatever was acknowledged is on that disk.
    pub(crate) fn check(&self, disk: &Records) -> Checked {
        self.told.check(disk)?;
        for (incarnation, key) in &self.created {
            let there = disk.names.get(key) == Some(incarnation) || self.delete_asked.contains(incarnation);
            hold(ACKNOWLEDGED, there, || format!("{key} was created and is gone"))?;
        }
        for incarnation in &self.deleted {
            let gone = disk.names.values().all(|other| other != incarnation);
            hold("delete_leaves_nothing", gone, || format!("{incarnation} was deleted and is back"))?;
        }
        for (id, key) in &self.started {
            let gone = disk.expired.contains(id) || disk.erased.contains(&key.0);
            let found = disk.executions.get(key);
            hold(ACKNOWLEDGED, gone || found.is_some_and(|execution| execution.id == *id), || {
                format!("execution {} ({id}) was started and is gone", key.1)
            })?;
        }
        for ((incarnation, number), stages) in &self.versions {
            let found = disk.versions.get(&(incarnation.clone(), *number));
            let same = found.is_some_and(|version| version.declaration.stages == *stages);
            hold(ACKNOWLEDGED, same || disk.erased.contains(incarnation), || {
                format!("version {number} of {incarnation} was accepted and is gone")
            })?;
        }
        for (key, stage, condition) in &self.overridden {
            let mut attempts = disk.stages_of(key).filter(|attempt| attempt.id.stage == *stage);
            let counts = attempts.any(|attempt| {
                let judged = attempt.conditions.get(*condition);
                judged.is_some_and(|judged| judged.status == ConditionStatus::Overridden)
            });
            let gone = !disk.executions.contains_key(key) || disk.erased.contains(&key.0);
            hold(ACKNOWLEDGED, counts || gone, || {
                format!("{condition:?} of {stage} was overridden in execution {} and is not", key.1)
            })?;
        }
        for (incarnation, stage) in &self.closed {
            let head = disk.heads.get(incarnation).and_then(|head| head.stages.get(stage));
            let closed = head.is_some_and(|head| !head.is_open()) || disk.erased.contains(incarnation);
            hold(ACKNOWLEDGED, closed, || format!("{stage} of {incarnation} was disabled and is enabled"))?;
        }
        for id in &self.stopped {
            let execution = disk.ids.get(id).and_then(|key| disk.executions.get(key));
            let stops = |execution: &Execution| {
                execution.status == ExecutionStatus::Stopped
                    || !execution.status.has_ended() && execution.wish.end == Some(End::Stopped)
            };
            hold(ACKNOWLEDGED, execution.is_none_or(stops), || {
                format!(
                    "a stop was answered, yet: {}",
                    execution.map(ToString::to_string).unwrap_or_default()
                )
            })?;
        }
        Ok(())
    }

    /// Nobody who still listens waits for an answer.
    pub(crate) fn everybody_answered(&self) -> Checked {
        let mut listens =
            self.waiting.values().filter(|(_, life)| life.is_none_or(|life| !self.dead.contains(&life)));
        match listens.next() {
            None => Ok(()),
            Some((asked, _)) => Err(broken("everything_ends", format!("{asked:?} is never answered"))),
        }
    }
}
