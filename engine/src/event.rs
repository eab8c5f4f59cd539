//! State changes as others may follow them. The words are those of the service's EventBridge events (user
//! guide, "Monitoring CodePipeline events"); sending them is the actors' business.

use serde::{Deserialize, Serialize};

use crate::action::{ActionRef, ArtifactLocation};
use crate::declaration::action::ActionTypeId;
use crate::ids::{ActionExecutionId, ExecutionId, PipelineKey};
use crate::pipeline::Trigger;
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
    /// From 1; every retry of a stage is the execution's next attempt.
    #[serde(default = "first_attempt")]
    pub attempt: u32,
    /// When the execution, stage execution or action execution began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// What changed.
    pub subject: Subject,
    /// Into which state.
    pub state: EventState,
}

/// The attempt of executions that were never retried, and of records that do not know it.
pub(crate) fn first_attempt() -> u32 {
    1
}

/// What an event is about. What is optional is so because older records lack it, or because it belongs to some
/// states only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
#[expect(clippy::large_enum_variant, reason = "most events are of actions")]
pub enum Subject {
    /// `CodePipeline Pipeline Execution State Change`.
    #[serde(rename_all = "camelCase")]
    Pipeline {
        /// What started the execution: when it starts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trigger: Option<Trigger>,
        /// The comment of the stop request: when it is being stopped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop_comments: Option<String>,
    },
    /// `CodePipeline Stage Execution State Change`.
    #[serde(rename_all = "camelCase")]
    Stage {
        /// The stage's name.
        stage: String,
        /// When the stage was retried last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_retry: Option<Timestamp>,
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
        /// Where its record is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<ActionRef>,
        /// The Region in which it runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// What it made: when it succeeded.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        outputs: Vec<ArtifactLocation>,
        /// What was said of the work outside: when it succeeded or failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<ExecutionResult>,
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

/// `execution-result`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionResult {
    /// The work's id at the provider, or a source's revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// One line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Where to look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
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
