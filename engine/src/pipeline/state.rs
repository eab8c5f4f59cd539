//! The records of the pipeline machine.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::action::SourceRevision;
use crate::declaration::pipeline::{ExecutionMode, PipelineDeclaration};
use crate::event::{Event, EventState, Subject, first_attempt};
use crate::ids::{ExecutionId, ExecutionNumber, Incarnation, PipelineKey};
use crate::source::SourceRevisionOverride;
use crate::stage::{StageId, Wish};
use crate::time::Timestamp;
use crate::triggers::GitChange;

/// What the pipeline machine knows besides its unfinished executions. Stays small: no history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The pipeline.
    pub pipeline: PipelineKey,
    /// This life of its name.
    pub incarnation: Incarnation,
    /// The current version's number.
    pub version: u32,
    /// When it was created.
    pub created: Timestamp,
    /// When its declaration was last changed.
    pub updated: Timestamp,
    /// The time of the last step that changed something: time never runs backwards in here.
    pub last_step: Timestamp,
    /// The number of the next execution.
    pub next_execution: ExecutionNumber,
    /// Who has not ended.
    pub unfinished: BTreeSet<ExecutionNumber>,
    /// How many ended executions are kept.
    pub finished: u64,
    /// How often an ended execution came, went or was taken up again: tells an outdated look at them.
    #[serde(default)]
    pub history: u64,
    /// By stage name; a stage of earlier versions stays as long as an execution of such a version is under way, or its
    /// transition is disabled.
    pub stages: BTreeMap<String, StageHead>,
    /// The newest known revision of each source, by the source action's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, KnownRevision>,
    /// When it was last declared, or an execution of it ended: unknown in old records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Timestamp>,
    /// Since when its sources are not polled, as far as that is written down; see [`Head::polling_disabled_at`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polling_disabled: Option<Timestamp>,
    /// Deleted: it only waits for what still runs.
    pub deleted: bool,
}

/// A revision that a source action found, that was announced, or that started an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownRevision {
    /// Such as a version id.
    pub revision_id: String,
    /// An S3 ETag, or what the announcer said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_id: Option<String>,
    /// When the revision was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Where the action looked for revisions, if that is watched: elsewhere this one means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The execution through which it is known.
    pub number: ExecutionNumber,
    /// Its id.
    pub execution: ExecutionId,
}

/// One stage as movement sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageHead {
    /// The stage execution that holds the stage's lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<StageId>,
    /// Who waits before it, in the order of arrival: in SUPERSEDED mode one at most. An update ends them all, so
    /// that they are of one mode, except for PARALLEL executions of earlier versions that arrive later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<ExecutionNumber>,
    /// Who waited here last and ended here: what the state shows as long as nobody else comes (user guide, "Stop an
    /// inbound execution"; how long it is shown is inferred).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turned_away: Option<TurnedAway>,
    /// The stage execution that entered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_entered: Option<StageId>,
    /// To what that one rolls the stage back, if it is a rollback: a retry of it needs the target again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_target: Option<ExecutionNumber>,
    /// The execution that succeeded here last and is no rollback: a rollback's target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_succeeded: Option<ExecutionNumber>,
    /// The transition into it, once somebody has changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
}

impl StageHead {
    /// The executions that must be kept for this stage's sake: the last entered, which its state shows and a retry
    /// takes up, its target, and the last succeeded, to which a rollback may lead.
    pub fn needed(&self) -> impl Iterator<Item = ExecutionNumber> + '_ {
        let entered = self.last_entered.as_ref().map(|entered| entered.execution);
        entered.into_iter().chain(self.last_target).chain(self.last_succeeded)
    }

    /// Whether the transition into it is enabled.
    pub fn is_open(&self) -> bool {
        self.transition.as_ref().is_none_or(|transition| transition.disabled.is_none())
    }

    /// Whether an execution of that mode that arrives now, or is the first to wait, can go in.
    pub fn may_be_entered(&self, mode: ExecutionMode) -> bool {
        self.is_open() && (mode == ExecutionMode::Parallel || self.inside.is_none())
    }
}

/// An execution that ended while it waited before a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnedAway {
    /// Its id.
    pub execution: ExecutionId,
    /// As what it ended.
    pub status: ExecutionStatus,
}

/// The transition into a stage, as somebody left it. It belongs to the stage's name; disabled, it survives an update
/// without the stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// Why nobody may enter; `None` when it is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    /// The ARN of who changed it last.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

/// A disabled transition's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Disabled {
    /// The caller's words.
    pub reason: String,
    /// Since when; another reason does not change that.
    pub since: Timestamp,
}

/// A version of the declaration, as the service returns it; never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// With `version`, defaults and empty containers filled in.
    pub declaration: PipelineDeclaration,
    /// When it became current.
    pub created: Timestamp,
}

/// A pipeline execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Its place in the order of starts.
    pub number: ExecutionNumber,
    /// Its id as clients see it.
    pub id: ExecutionId,
    /// The version that it runs, to the end.
    pub version: u32,
    /// The mode under which it started, to the end.
    pub mode: ExecutionMode,
    /// Its status.
    pub status: ExecutionStatus,
    /// Where it is; `None` once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The execution to which it leads back, if it is a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// Why it is in its status, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_summary: Option<String>,
    /// What may still happen.
    pub wish: Wish,
    /// What started it.
    pub trigger: Trigger,
    /// The client's idempotency token; lives as long as this record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The pipeline's variables, resolved at the start.
    #[serde(default)]
    pub variables: Vec<ResolvedVariable>,
    /// What its source actions take instead of the newest revision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<SourceRevisionOverride>,
    /// The change of a repository that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<StartedByChange>,
    /// What its source actions found.
    #[serde(default)]
    pub revisions: Vec<SourceRevision>,
    /// When it was started.
    pub started: Timestamp,
    /// When the record last changed.
    pub updated: Timestamp,
    /// The comment of the stop request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
    /// Whether a stop was requested, with a comment or without.
    #[serde(default)]
    pub stop_requested: bool,
    /// The stages in which it succeeded.
    #[serde(default)]
    pub succeeded_in: Vec<String>,
    /// From 1; every retry of one of its stages is the next one.
    #[serde(default = "first_attempt")]
    pub attempt: u32,
}

impl Execution {
    /// STANDARD, or the rollback of one stage.
    pub fn execution_type(&self) -> ExecutionType {
        if self.rollback.is_some() { ExecutionType::Rollback } else { ExecutionType::Standard }
    }

    /// Whether it has a stage for itself while it is inside; in PARALLEL mode it does not.
    pub fn takes_locks(&self) -> bool {
        self.mode != ExecutionMode::Parallel
    }

    /// With the start; of a change behind a connection also with what follows, unless the execution failed in its
    /// first stage (user guide, "Monitoring CodePipeline events").
    fn is_trigger_told(&self, state: EventState) -> bool {
        let failed_at_once = state == EventState::Failed && self.succeeded_in.is_empty();
        state == EventState::Started || self.trigger.change().is_some() && !failed_at_once
    }

    /// A state change of this execution.
    pub(crate) fn event(&self, pipeline: &PipelineKey, state: EventState, at: Timestamp) -> Event {
        Event {
            at,
            pipeline: pipeline.clone(),
            version: self.version,
            execution: self.id.clone(),
            attempt: self.attempt,
            started: Some(self.started),
            subject: Subject::Pipeline {
                trigger: self.is_trigger_told(state).then(|| self.trigger.clone()),
                stop_comments: self.stop_reason.clone().filter(|_| state == EventState::Stopping),
            },
            state,
        }
    }
}

/// API reference: `PipelineExecutionStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum ExecutionStatus {
    Cancelled,
    InProgress,
    Stopped,
    Stopping,
    Succeeded,
    Superseded,
    Failed,
}

impl ExecutionStatus {
    /// Whether it is an end.
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::InProgress | Self::Stopping)
    }
}

/// API reference: `ExecutionType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum ExecutionType {
    #[default]
    Standard,
    Rollback,
}

/// To what a rollback leads back: an execution whose variables, revisions, artifacts and namespaces it takes
/// over. It is kept as long as the rollback is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// The target's id as clients see it.
    pub target: ExecutionId,
    /// Its number.
    pub number: ExecutionNumber,
}

/// Where an unfinished execution is: always in exactly one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// Before that stage.
    Waiting(String),
    /// In that stage execution.
    Inside(StageId),
}

/// A change of a repository, and the source action that it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartedByChange {
    /// The source action's name.
    pub action: String,
    /// What happened.
    pub change: GitChange,
}

/// What started an execution (API reference: `ExecutionTrigger`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// Its kind.
    pub trigger_type: TriggerType,
    /// Such as the caller's ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_detail: Option<String>,
}

impl Trigger {
    /// The facts of the commit or pull request, where a change behind a connection started the execution.
    pub(crate) fn change(&self) -> Option<Map<String, Value>> {
        let of_git = matches!(self.trigger_type, TriggerType::Webhook | TriggerType::WebhookV2);
        let detail = self.trigger_detail.as_ref().filter(|_| of_git)?;
        serde_json::from_str(detail).ok()
    }
}

/// API reference: `TriggerType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum TriggerType {
    CreatePipeline,
    StartPipelineExecution,
    PollForSourceChanges,
    Webhook,
    WebhookV2,
    CloudWatchEvent,
    PutActionRevision,
    ManualRollback,
    AutomatedRollback,
}

/// API reference: `ResolvedPipelineVariable`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedVariable {
    /// Its name.
    pub name: String,
    /// The value given at the start, or the declared default.
    pub resolved_value: String,
}
