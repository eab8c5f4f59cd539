//! What an action asks of its provider, and what the provider answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::declaration::action::{ActionTypeId, EnvironmentVariable};
use crate::declaration::pipeline::EncryptionKey;
use crate::ids::{ActionExecutionId, ExecutionId, PipelineKey};
use crate::source::SourceRevisionOverride;
use crate::time::Timestamp;
use crate::triggers::GitChange;

use super::state::{ArtifactLocation, SourceRevision};

/// Everything a provider needs to run one action execution, or to go on with it after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The pipeline.
    pub pipeline: PipelineKey,
    /// The pipeline execution.
    pub execution: ExecutionId,
    /// This action execution: also the idempotency token for services that take one.
    pub id: ActionExecutionId,
    /// The stage's name.
    pub stage: String,
    /// The action's name.
    pub action: String,
    /// Which run of the action in this pipeline execution it is, from 1.
    pub attempt: u32,
    /// Its type.
    pub action_type: ActionTypeId,
    /// The Region in which it runs.
    pub region: String,
    /// The pipeline's role, assumed by the service.
    pub pipeline_role: String,
    /// The action's own role, assumed by the pipeline's role.
    pub action_role: Option<String>,
    /// The configuration with every reference replaced.
    pub configuration: BTreeMap<String, String>,
    /// What a Commands action or rule runs.
    pub compute: Option<Box<Compute>>,
    /// What a source action takes instead of the newest revision.
    pub overrides: Vec<SourceRevisionOverride>,
    /// The change of a source action's repository that started the execution: which branch, tag or pull request.
    pub change: Option<Box<GitChange>>,
    /// Where its input artifacts are.
    pub inputs: Vec<ArtifactLocation>,
    /// Where those of them lie that are copied from another Region's artifact store first.
    pub copied_from: Vec<ArtifactLocation>,
    /// Where its output artifacts go.
    pub outputs: Vec<ArtifactLocation>,
    /// The artifact store's key.
    pub encryption_key: Option<EncryptionKey>,
    /// When the action execution was born: what `{datetime}` and the like are made of.
    pub started: Timestamp,
    /// The work's id at the provider, if one was recorded: resume it instead of starting anew.
    pub resume: Option<String>,
    /// The job's id, where the work is done by whoever asks for jobs.
    pub job: Option<String>,
    /// What the worker of the job before left for this one.
    pub continuation: Option<String>,
}

/// What the service runs on compute of its own, with every reference replaced (API reference: `ActionDeclaration`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Compute {
    /// One after the other, until one fails.
    pub commands: Vec<String>,
    /// What they find in their environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment_variables: Vec<EnvironmentVariable>,
    /// The names of what is left in their environment for later actions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_variables: Vec<String>,
    /// Patterns of the files that become the output artifact; none where the declaration has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// What a provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The work goes on.
    Progress(Progress),
    /// The approvers were told that they are asked.
    Notified,
    /// It succeeded.
    Succeeded(Box<Success>),
    /// It failed.
    Failed(Failure),
}

/// News of work that goes on; members left out keep what was said before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The work's id at the provider, committed before the provider is waited for any further.
    pub external_id: Option<String>,
    /// One line for people.
    pub summary: Option<String>,
    /// Where to look at it.
    pub url: Option<String>,
    /// 0 to 100.
    pub percent: Option<u8>,
    /// The ARN of the log stream to which the work on the service's own compute writes.
    pub log_stream: Option<String>,
}

/// The work is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Success {
    /// As in [`Progress`].
    pub progress: Progress,
    /// What later actions may refer to.
    pub output_variables: BTreeMap<String, String>,
    /// What a source action found.
    pub revision: Option<SourceRevision>,
}

/// The work failed (API reference: `ErrorDetails`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Such as `JobFailed`, `ConfigurationError`, `PermissionError`.
    pub code: String,
    /// What was wrong and what to do.
    pub message: String,
    /// The work's id at the provider, if there is one.
    pub external_id: Option<String>,
}

impl Failure {
    /// A failure of that code with that text.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), external_id: None }
    }
}
