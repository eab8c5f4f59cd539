//! The record of a stage execution.

use serde::{Deserialize, Serialize};

use crate::action::{self, ActionExecution, ActionExecutionStatus, ActionRef, SourceRevision};
use crate::declaration::pipeline::{ExecutionMode, PipelineDeclaration};
use crate::declaration::stage::{ConditionType, RetryMode, StageDeclaration};
use crate::event::{Event, EventState, Subject, first_attempt};
use crate::ids::{ActionExecutionId, ExecutionId, ExecutionNumber, Incarnation, PipelineKey};
use crate::pipeline::ExecutionType;
use crate::step::{Effect, Step, Write};
use crate::time::Timestamp;

use super::condition::{ConditionExecutions, ConditionStatus};

/// How many actions of one execution run at once in PARALLEL mode (user guide, "Quotas").
const PLACES_IN_PARALLEL: usize = 5;

/// Finds a stage execution's record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageId {
    /// The pipeline's incarnation.
    pub incarnation: Incarnation,
    /// The execution.
    pub execution: ExecutionNumber,
    /// The stage's name.
    pub stage: String,
    /// From 1; a retry of the stage is the next attempt.
    pub attempt: u32,
}

/// How much may still happen in an execution, a stage execution or an action; it only ever rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Everything.
    #[default]
    Proceed,
    /// What runs may finish; nothing new starts.
    Finish,
    /// What runs is abandoned.
    Abandon,
}

/// As what an execution ends that may not proceed: a stop outweighs an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum End {
    /// Its declaration was replaced.
    Cancelled,
    /// Somebody stopped it.
    Stopped,
}

/// A parent's wish for its child: a level, and as what it ends. Kept in the parent's record and told again
/// whenever the child begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// How much may still happen.
    pub level: Level,
    /// As what it ends; `None` under [`Level::Proceed`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

impl Wish {
    /// Go on.
    pub const PROCEED: Self = Self { level: Level::Proceed, end: None };

    /// This wish, or the other where it asks for more.
    #[must_use]
    pub fn raised_to(self, other: Self) -> Self {
        Self { level: self.level.max(other.level), end: self.end.max(other.end) }
    }
}

/// API reference: `StageExecutionStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum StageExecutionStatus {
    Cancelled,
    InProgress,
    Failed,
    Stopped,
    Stopping,
    Succeeded,
    Skipped,
}

/// A stage execution, from its birth (in the batch in which the pipeline lets the execution in) to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageExecution {
    /// Where this record is.
    pub id: StageId,
    /// The pipeline.
    pub pipeline: PipelineKey,
    /// The pipeline execution.
    pub execution: ExecutionId,
    /// The declaration's version that the execution runs.
    pub version: u32,
    /// The attempt at which the execution is: a retry of the stage is the next one.
    #[serde(default = "first_attempt")]
    pub execution_attempt: u32,
    /// Its status.
    pub status: StageExecutionStatus,
    /// When it was born.
    pub started: Timestamp,
    /// When the record last changed.
    pub updated: Timestamp,
    /// What may still happen.
    pub wish: Wish,
    /// The type of its execution.
    #[serde(default)]
    pub execution_type: ExecutionType,
    /// It failed, and is to be rolled back.
    #[serde(default)]
    pub wants_rollback: bool,
    /// It failed because this condition was not met, and not by its actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_by: Option<ConditionType>,
    /// The conditions around the actions, as far as it has come.
    #[serde(default, skip_serializing_if = "ConditionExecutions::is_empty")]
    pub conditions: ConditionExecutions,
    /// The stage's actions in declaration order.
    pub slots: Vec<ActionSlot>,
    /// How often this execution's passage through the stage was retried, this attempt and those before it.
    #[serde(default)]
    pub retries: Retries,
}

/// API reference: `RetryStageMetadata`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    /// By itself: once at most.
    pub automatic: u32,
    /// By RetryStageExecution.
    pub manual: u32,
    /// How many of these were asked for while other actions of the stage were in progress.
    #[serde(default, skip_serializing_if = "is_none")]
    pub under_way: u32,
    /// Which of them was the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<RetryTrigger>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_at: Option<Timestamp>,
}

impl Retries {
    /// How often actions were born again without a new attempt of the stage: tells their executions apart.
    fn rounds(&self) -> u32 {
        self.automatic.saturating_add(self.under_way)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// API reference: `RetryTrigger`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum RetryTrigger {
    AutomatedStageRetry,
    ManualStageRetry,
}

/// One action of the stage, in this stage execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionSlot {
    /// The action's name.
    pub action: String,
    /// Actions with equal numbers run together, groups in ascending order.
    pub run_order: u32,
    /// How far it is.
    pub state: SlotState,
}

/// How far an action of the stage is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SlotState {
    /// Its group has not been reached.
    Waiting,
    /// Its execution was born.
    #[serde(rename_all = "camelCase")]
    Running {
        /// Which.
        id: ActionExecutionId,
        /// When: part of its record's key.
        started: Timestamp,
    },
    /// Its execution ended.
    Ended {
        /// Which.
        id: ActionExecutionId,
        /// How.
        outcome: action::Outcome,
    },
}

impl ActionSlot {
    /// Whether its execution has ended with that status.
    pub fn ended_as(&self, status: ActionExecutionStatus) -> bool {
        matches!(&self.state, SlotState::Ended { outcome, .. } if outcome.status == status)
    }
}

/// What the pipeline needs to know of an ended stage execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `Succeeded`, `Skipped`, `Failed`, `Stopped` or `Cancelled`.
    pub status: StageExecutionStatus,
    /// What its source actions found.
    pub revisions: Vec<SourceRevision>,
    /// It failed, and its declaration asks for a rollback.
    pub wants_rollback: bool,
    /// The execution's attempt, raised by retries of the stage's own.
    pub execution_attempt: u32,
}

/// Why a stage is attempted again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Again {
    /// RetryStageExecution: these actions run again.
    Retried(RetryMode),
    /// OverrideStageCondition: this condition, which failed the stage, counts as met.
    Overridden(ConditionType),
}

/// What a birth needs to know of the execution.
#[derive(Clone, Copy, Debug)]
pub struct Birth<'a> {
    /// The pipeline.
    pub pipeline: &'a PipelineKey,
    /// The pipeline execution.
    pub execution: &'a ExecutionId,
    /// Its type.
    pub execution_type: ExecutionType,
    /// Its attempt.
    pub attempt: u32,
    /// The declaration that it runs.
    pub declaration: &'a PipelineDeclaration,
}

impl StageExecution {
    /// Adds a stage execution to the batch that decides on it, with the rules of its entry condition or else its first
    /// group of actions.
    pub(crate) fn born(
        id: StageId,
        stage: &StageDeclaration,
        birth: Birth<'_>,
        now: Timestamp,
        step: &mut Step,
    ) {
        let slots = stage.actions.iter().map(|action| ActionSlot {
            action: action.name.clone(),
            run_order: action.run_order,
            state: SlotState::Waiting,
        });
        let mut record = Self {
            pipeline: birth.pipeline.clone(),
            execution: birth.execution.clone(),
            version: birth.declaration.version.unwrap_or(1),
            execution_attempt: birth.attempt,
            status: StageExecutionStatus::InProgress,
            started: now,
            updated: now,
            wish: Wish::PROCEED,
            execution_type: birth.execution_type,
            wants_rollback: false,
            failed_by: None,
            conditions: ConditionExecutions::default(),
            slots: slots.collect(),
            retries: Retries::default(),
            id,
        };
        step.writes.push(Write::Event(record.event(EventState::Started, now)));
        record.enter(birth.declaration, now, step);
        step.effects.push(Effect::SeeToStage(record.id.clone(), record.wish));
        step.writes.push(Write::Stage(Box::new(record)));
    }

    /// The entry condition comes first, unless an attempt before has passed it.
    fn enter(&mut self, declaration: &PipelineDeclaration, now: Timestamp, step: &mut Step) {
        let passed =
            self.conditions.get(ConditionType::BeforeEntry).is_some_and(|entry| entry.status.is_met());
        if passed || !self.judge(ConditionType::BeforeEntry, declaration, now, step) {
            self.start_what_may(declaration, now, step);
        }
    }

    /// Adds the next attempt after a failed or stopped one, with the results that it keeps. If nothing is left
    /// to wait for (it was stopped while its last actions succeeded, or its success condition is overridden) it is
    /// born ended.
    pub(crate) fn born_again(
        id: StageId,
        before: Self,
        again: Again,
        birth: Birth<'_>,
        now: Timestamp,
        step: &mut Step,
    ) {
        let retries = match again {
            Again::Retried(_) => {
                let manual = before.retries.manual + 1;
                let latest = Some(RetryTrigger::ManualStageRetry);
                Retries { manual, latest, latest_at: Some(now), ..before.retries.clone() }
            }
            Again::Overridden(_) => before.retries.clone(),
        };
        let mut record = Self {
            id,
            execution_attempt: birth.attempt,
            status: StageExecutionStatus::InProgress,
            started: now,
            updated: now,
            wish: Wish::PROCEED,
            wants_rollback: false,
            failed_by: None,
            retries,
            ..before
        };
        match again {
            Again::Retried(mode) => {
                record.forget_results(mode);
                *record.conditions.slot(ConditionType::OnSuccess) = None;
                *record.conditions.slot(ConditionType::OnFailure) = None;
            }
            Again::Overridden(condition) => {
                if let Some(judged) = record.conditions.slot(condition) {
                    judged.change(ConditionStatus::Overridden, now);
                }
            }
        }
        step.writes.push(Write::Event(record.event(EventState::Resumed, now)));
        record.enter(birth.declaration, now, step);
        let waits =
            |record: &Self| record.running().next().is_some() || record.rules_running().next().is_some();
        let success = record.conditions.get(ConditionType::OnSuccess);
        if !waits(&record) && success.is_none() {
            record.judge(ConditionType::OnSuccess, birth.declaration, now, step);
        }
        if !waits(&record) {
            record.status = StageExecutionStatus::Succeeded;
            step.writes.push(Write::Event(record.event(EventState::Succeeded, now)));
        }
        step.effects.push(Effect::SeeToStage(record.id.clone(), record.wish));
        step.writes.push(Write::Stage(Box::new(record)));
    }

    /// What is to run again waits again.
    pub(crate) fn forget_results(&mut self, mode: RetryMode) {
        for slot in &mut self.slots {
            if mode == RetryMode::AllActions || !slot.ended_as(ActionExecutionStatus::Succeeded) {
                slot.state = SlotState::Waiting;
            }
        }
    }

    /// The id of the attempt after this one.
    pub(crate) fn next_attempt(&self) -> StageId {
        StageId { attempt: self.id.attempt + 1, ..self.id.clone() }
    }

    /// Births the actions of the lowest run order that has not ended, as many as there are places for.
    pub(crate) fn start_what_may(
        &mut self,
        declaration: &PipelineDeclaration,
        now: Timestamp,
        step: &mut Step,
    ) {
        let unended = self.slots.iter().filter(|slot| !matches!(slot.state, SlotState::Ended { .. }));
        let Some(group) = unended.map(|slot| slot.run_order).min() else { return };
        let mode = declaration.execution_mode.unwrap_or_default();
        let places = if mode == ExecutionMode::Parallel { PLACES_IN_PARALLEL } else { usize::MAX };
        let free = places.saturating_sub(self.running().count());
        let stage = declaration.stage(&self.id.stage);
        let waiting = |slot: &&mut ActionSlot| slot.run_order == group && slot.state == SlotState::Waiting;
        for slot in self.slots.iter_mut().filter(waiting).take(free) {
            let Some(action) =
                stage.and_then(|stage| stage.actions.iter().find(|action| action.name == slot.action))
            else {
                continue;
            };
            let action = ActionExecution::born(
                &self.id,
                self.retries.rounds(),
                &self.pipeline,
                &self.execution,
                declaration,
                action,
                now,
            );
            let action = ActionExecution { execution_attempt: self.execution_attempt, ..action };
            slot.state = SlotState::Running { id: action.reference.id.clone(), started: now };
            step.writes.push(Write::Event(action.event(EventState::Started, now)));
            step.writes.push(Write::ActionBorn(Box::new(action), mode));
        }
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<Outcome> {
        if matches!(self.status, StageExecutionStatus::InProgress | StageExecutionStatus::Stopping) {
            return None;
        }
        let revisions = self.slots.iter().filter_map(|slot| match &slot.state {
            SlotState::Ended { outcome, .. } => outcome.revision.as_deref().cloned(),
            _ => None,
        });
        Some(Outcome {
            status: self.status,
            revisions: revisions.collect(),
            wants_rollback: self.wants_rollback,
            execution_attempt: self.execution_attempt,
        })
    }

    /// The action executions that have not been seen to end.
    pub fn running(&self) -> impl Iterator<Item = ActionRef> + '_ {
        self.slots.iter().filter_map(|slot| match &slot.state {
            SlotState::Running { id, started } => {
                Some(ActionRef { stage: self.id.clone(), id: id.clone(), started: *started })
            }
            _ => None,
        })
    }

    /// The rule executions that have not been seen to end, and what may still happen in them: where their word no longer
    /// counts they are abandoned at once, for they may wait for long.
    pub fn rules_running(&self) -> impl Iterator<Item = (ActionRef, Wish)> + '_ {
        self.conditions.iter().flat_map(move |(_, condition)| {
            let counts = condition.status == ConditionStatus::InProgress && self.wish.level == Level::Proceed;
            let level = if counts { Level::Proceed } else { Level::Abandon };
            let wish = Wish { level, end: self.wish.end };
            condition.running().map(move |rule| {
                let (id, started) = (rule.id.clone(), rule.started);
                (ActionRef { stage: self.id.clone(), id, started }, wish)
            })
        })
    }

    /// A state change of this stage execution.
    pub(crate) fn event(&self, state: EventState, at: Timestamp) -> Event {
        Event {
            at,
            pipeline: self.pipeline.clone(),
            version: self.version,
            execution: self.execution.clone(),
            attempt: self.execution_attempt,
            // The guide's sample of a resumed stage has none.
            started: Some(self.started).filter(|_| state != EventState::Resumed),
            subject: Subject::Stage { stage: self.id.stage.clone(), last_retry: self.retries.latest_at },
            state,
        }
    }
}
