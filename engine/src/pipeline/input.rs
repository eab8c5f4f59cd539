//! What can happen to a pipeline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::declaration::pipeline::PipelineDeclaration;
use crate::declaration::stage::{ConditionType, RetryMode};
use crate::ids::ExecutionId;
use crate::rejection::Rejection;
use crate::source::SourceRevisionOverride;
use crate::stage::{self, Level, StageId};
use crate::step::ReplyId;
use crate::time::Timestamp;

use super::news::SourceNews;
use super::recall::Recalled;
use super::state::{Execution, StartedByChange, Trigger};

/// An input of the pipeline machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// StartPipelineExecution.
    Start(Box<StartRequest>, ReplyId),
    /// PutActionRevision.
    Announce(Box<RevisionAnnouncement>, ReplyId),
    /// A source that the pipeline may follow has changed.
    Hear(Box<SourceNews>, ReplyId),
    /// StopPipelineExecution.
    Stop {
        /// Which.
        execution: ExecutionId,
        /// End what runs ([`Level::Abandon`]) or let it finish ([`Level::Finish`]).
        level: Level,
        /// The caller's comment.
        reason: Option<String>,
        /// Who waits.
        reply: ReplyId,
    },
    /// UpdatePipeline with a declaration that was validated and has its defaults filled in.
    Update(Box<PipelineDeclaration>, ReplyId),
    /// DeletePipeline.
    Delete(ReplyId),
    /// DisableStageTransition and EnableStageTransition.
    Transition(Box<TransitionChange>, ReplyId),
    /// RetryStageExecution.
    Retry(Box<RetryRequest>, ReplyId),
    /// RollbackStage.
    Rollback(Box<RollbackRequest>, ReplyId),
    /// OverrideStageCondition.
    Override(Box<OverrideRequest>, ReplyId),
    /// A stage execution has decided on what it was asked, and committed it.
    Decided {
        /// Which.
        stage: StageId,
        /// Who waits.
        reply: ReplyId,
        /// Done, or why not.
        decided: Result<(), Rejection>,
    },
    /// What [`crate::step::Effect::Recall`] asked for.
    Recalled(Box<Recalled>),
    /// TagResource: the given tags are added to the present ones.
    Tag(BTreeMap<String, String>, ReplyId),
    /// UntagResource: unknown keys are ignored.
    Untag(Vec<String>, ReplyId),
    /// A stage execution has committed that nothing beyond this level starts in it.
    WishTaken {
        /// Which.
        stage: StageId,
        /// The level it took.
        level: Level,
    },
    /// A stage execution ended. Ignored unless its execution is inside it.
    StageEnded {
        /// Which.
        stage: StageId,
        /// How.
        outcome: stage::Outcome,
    },
    /// The oldest ended executions, proposed for removal; the machine refuses those still needed.
    Expire(Vec<Execution>),
}

/// StartPipelineExecution, with all that chance and the store contribute.
#[derive(Clone, Debug, PartialEq)]
pub struct StartRequest {
    /// The new execution's id, drawn by the caller.
    pub id: ExecutionId,
    /// The client's idempotency token.
    pub token: Option<String>,
    /// The execution that this token started before, if the store knows one.
    pub known: Option<ExecutionId>,
    /// Overrides of the pipeline's variables, by name.
    pub variables: Vec<(String, String)>,
    /// What source actions take instead of the newest revision.
    pub overrides: Vec<SourceRevisionOverride>,
    /// The new revisions that start it, if that is what does.
    pub revisions: Vec<NewRevision>,
    /// The change of a repository that starts it, if that is what does.
    pub change: Option<StartedByChange>,
    /// What starts it.
    pub trigger: Trigger,
}

/// A revision of a source that the pipeline has not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRevision {
    /// The source action's name.
    pub action: String,
    /// Such as a version id.
    pub revision_id: String,
    /// An S3 ETag, or what the announcer said.
    pub change_id: Option<String>,
    /// When the revision was made.
    pub created: Timestamp,
    /// Where the action looks for revisions, if that is watched.
    pub location: Option<String>,
}

/// PutActionRevision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionAnnouncement {
    /// The stage's name.
    pub stage: String,
    /// The source action's name.
    pub action: String,
    /// `revisionId`.
    pub revision_id: String,
    /// `revisionChangeId`.
    pub change_id: String,
    /// `created`.
    pub created: Timestamp,
    /// The new execution's id, drawn by the caller.
    pub id: ExecutionId,
}

/// Which stage of which execution is to be retried, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryRequest {
    /// The stage.
    pub stage: String,
    /// The execution.
    pub execution: ExecutionId,
    /// Which actions run again.
    pub mode: RetryMode,
}

/// Which condition of which stage of which execution is to count as met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideRequest {
    /// The stage.
    pub stage: String,
    /// The execution.
    pub execution: ExecutionId,
    /// The condition.
    pub condition: ConditionType,
}

/// Which stage is to be rolled back to which execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackRequest {
    /// The stage.
    pub stage: String,
    /// The execution to which it leads back.
    pub target: ExecutionId,
    /// The new execution's id, drawn by the caller.
    pub id: ExecutionId,
    /// The caller's ARN.
    pub by: String,
}

/// A change of a transition, and who makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitionChange {
    /// The stage that the caller names.
    pub stage: String,
    /// Into that stage, or out of it.
    pub transition: TransitionType,
    /// To what.
    pub switch: Switch,
    /// The caller's ARN.
    pub by: String,
}

/// API reference: `StageTransitionType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransitionType {
    /// Into the named stage.
    Inbound,
    /// Out of it, into the one after it.
    Outbound,
}

/// What becomes of a transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Nobody enters any more, for that reason.
    Disable(String),
    /// Who waits may enter.
    Enable,
}
