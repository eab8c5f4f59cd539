//! State changes as others may follow them. The words are those of the service's EventBridge events (user
//! guide, "Monitoring CodePipeline events"); sending them is the actors' business.

use serde::{Deserialize, Serialize};

use crate::declaration::action::ActionTypeId;
use crate::ids::{ActionExecutionId, ExecutionId, PipelineKey};
use crate::time::Timestamp;

/// One state change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When it was decided.
    pub at: Timestamp,
    /// The pipeline.
    pub pipeline: PipelineKey,
    /// The declaration's version that the execution runs.
    pub version: u32,
    /// The execution.
    pub execution: ExecutionId,
    /// What changed.
    pub subject: Subject,
    /// Into which state.
    pub state: EventState,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Subject {
    /// `CodePipeline Pipeline Execution State Change`.
    Pipeline,
    /// `CodePipeline Stage Execution State Change`.
    Stage {
        /// The stage's name.
        stage: String,
    },
    /// `CodePipeline Action Execution State Change`.
    #[serde(rename_all = "camelCase")]
    Action {
        /// The stage's name.
        stage: String,
        /// The action's name.
        action: String,
        /// The action execution.
        id: ActionExecutionId,
        /// Its type.
        action_type: ActionTypeId,
    },
    /// Of rules the service sends no events.
    #[serde(rename_all = "camelCase")]
    Rule {
        /// The stage's name.
        stage: String,
        /// The rule's name.
        rule: String,
        /// The rule execution.
        id: ActionExecutionId,
    },
}

/// EventBridge's vocabulary, which is not the API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum EventState {
    Started,
    Resumed,
    Stopping,
    Stopped,
    Succeeded,
    Failed,
    /// Of a stage; the service's events have no such state (inferred).
    Skipped,
    Superseded,
    Canceled,
    Abandoned,
}
