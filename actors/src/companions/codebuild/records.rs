//! What is kept of projects and builds.

use std::collections::BTreeMap;

use penstock_engine::ids::PipelineKey;
use penstock_engine::time::Timestamp;
use penstock_storage::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::builds::Owner;
use super::phases::{Phases, Status};
use crate::build::buildspec::Artifacts;
use crate::build::script::Plan;
use crate::golden::form;

/// A project, as its maker described it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectRecord {
    /// The members of API reference `Project` that CreateProject and UpdateProject take.
    pub document: Value,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed.
    pub modified: Timestamp,
    /// How many builds it had.
    pub builds: u64,
}

impl Record for ProjectRecord {
    const VERSION: u8 = 1;
}

form!(build_project_keeps_its_form: ProjectRecord);

impl ProjectRecord {
    /// What of it concerns a build.
    pub fn project(&self) -> Project {
        serde_json::from_value(self.document.clone()).unwrap_or_default()
    }
}

/// What of a project concerns a build (API reference: `Project`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct Project {
    pub name: String,
    pub source: Source,
    pub artifacts: ProjectArtifacts,
    pub environment: ProjectEnvironment,
    pub service_role: String,
    pub encryption_key: Option<String>,
    pub timeout_in_minutes: Option<u64>,
    pub queued_timeout_in_minutes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_retry_limit: Option<u64>,
    pub logs_config: Option<Value>,
}

/// API reference: `ProjectSource`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct Source {
    #[serde(rename = "type")]
    pub kind: String,
    pub location: Option<String>,
    pub buildspec: Option<String>,
}

/// API reference: `ProjectArtifacts`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct ProjectArtifacts {
    #[serde(rename = "type")]
    pub kind: String,
    pub location: Option<String>,
    pub path: Option<String>,
    pub name: Option<String>,
    pub packaging: Option<String>,
    #[serde(rename = "namespaceType", skip_serializing_if = "Option::is_none")]
    pub namespace_type: Option<String>,
    #[serde(rename = "overrideArtifactName", skip_serializing_if = "std::ops::Not::not")]
    pub override_artifact_name: bool,
}

/// API reference: `ProjectEnvironment`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct ProjectEnvironment {
    #[serde(rename = "type")]
    pub kind: String,
    pub image: String,
    pub compute_type: String,
    pub privileged_mode: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_credentials_type: Option<String>,
    pub environment_variables: Vec<Variable>,
}

/// API reference: `EnvironmentVariable`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value, or where that is.
    pub value: String,
    /// Which of them.
    #[serde(rename = "type", default)]
    pub kind: VariableType,
}

/// API reference: `EnvironmentVariableType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum VariableType {
    #[default]
    Plaintext,
    ParameterStore,
    SecretsManager,
}

/// A source of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The artifact's name.
    pub name: String,
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Of what a source action made it; the version to take, of a source in S3 without a pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// Where an artifact of a build goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The artifact's name.
    pub name: String,
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
}

/// What a build runs that has no project: what CodePipeline lets run for a Commands action or rule. Such a build is in
/// no list of CodeBuild's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Commands {
    /// The pipeline, for which CodePipeline assumes its role: `serviceRole`.
    pub pipeline: PipelineKey,
    /// The action's own role, assumed by the pipeline's.
    pub action_role: Option<String>,
    /// One after the other, until one fails.
    pub commands: Vec<String>,
    /// Patterns of the files that become the output artifact.
    pub files: Vec<String>,
    /// The names of what it hands on.
    pub exported: Vec<String>,
}

/// A build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildRecord {
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
    /// The project as it was, with what was overridden.
    pub project: Project,
    /// A UUID: what follows the project's name in the build's id.
    pub id: String,
    /// Counts the builds of its project.
    pub number: u64,
    /// Who started it.
    pub initiator: String,
    /// Its sources: the first is the primary one.
    pub inputs: Vec<Input>,
    /// Its artifacts.
    pub outputs: Vec<Output>,
    /// Variables that count above the project's.
    pub overrides: Vec<Variable>,
    /// `sourceVersion`.
    pub source_version: Option<String>,
    /// `resolvedSourceVersion`, once the sources were fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<String>,
    /// Whose action it is.
    pub owner: Option<Owner>,
    /// In place of a buildspec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<Commands>,
    /// Its status.
    pub status: Status,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it went through.
    pub phases: Phases,
    /// Once it is ready to run: what it runs.
    pub launched: Option<Launched>,
    /// What the script told last.
    pub told: u64,
    /// What it hands on.
    pub exported: BTreeMap<String, String>,
    /// Which try it is.
    #[serde(default, skip_serializing_if = "AutoRetry::is_none")]
    pub auto_retry: AutoRetry,
}

/// API reference: `AutoRetryConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AutoRetry {
    /// How often the first build was tried again before this one.
    pub number: u64,
    /// The ARN of the build before it.
    pub previous: Option<String>,
    /// The ARN of the build after it.
    pub next: Option<String>,
}

impl AutoRetry {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Record for BuildRecord {
    const VERSION: u8 = 1;
}

form!(build_keeps_its_form: BuildRecord);

/// What a build runs, known once its buildspec was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Launched {
    /// When.
    pub at: Timestamp,
    /// The phases.
    pub plan: Plan,
    /// The control folder.
    pub control: String,
    /// The directory of the primary source.
    pub source: String,
    /// The primary artifact.
    pub artifacts: Option<Artifacts>,
    /// The others.
    pub secondary: BTreeMap<String, Artifacts>,
    /// The names of what it hands on.
    pub exported: Vec<String>,
    /// Where the values come from that its log must not show; the values themselves are on no disk.
    pub secrets: Vec<Variable>,
}

impl BuildRecord {
    /// `<project>:<uuid>`.
    pub fn build_id(&self) -> String {
        format!("{}:{}", self.project.name, self.id)
    }

    /// The build's ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:codebuild:{}:{}:build/{}", self.region, self.account, self.build_id())
    }

    /// Whether it has ended.
    pub fn is_complete(&self) -> bool {
        self.ended.is_some()
    }

    /// The log group and stream (`logsConfig` may name others).
    pub fn log(&self) -> (String, String) {
        let config = self.project.logs_config.as_ref().and_then(|config| config.get("cloudWatchLogs"));
        let named = |member: &str| config?.get(member)?.as_str().filter(|name| !name.is_empty());
        let group =
            named("groupName").map_or_else(|| format!("/aws/codebuild/{}", self.project.name), str::to_owned);
        let stream =
            named("streamName").map_or_else(|| self.id.clone(), |name| format!("{name}/{}", self.id));
        (group, stream)
    }

    /// `arn:aws:s3:::bucket/key` of a pipeline's primary artifact, else what was asked for.
    pub fn version(&self) -> Option<String> {
        let artifact = self.inputs.first().filter(|_| self.project.source.kind == "CODEPIPELINE");
        let artifact = artifact.map(|input| format!("arn:aws:s3:::{}/{}", input.bucket, input.key));
        self.source_version.clone().or(artifact)
    }

    /// Its log stream's ARN.
    pub fn log_arn(&self) -> String {
        let (group, stream) = self.log();
        let Self { region, account, .. } = self;
        format!("arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}")
    }

    /// Where people look at its log.
    pub fn log_url(&self) -> String {
        let (group, stream) = self.log();
        format!(
            "https://console.aws.amazon.com/cloudwatch/home?region={}#logsV2:log-groups/log-group/{}/log-events/{}",
            self.region,
            group.replace('/', "$252F"),
            stream.replace('/', "$252F")
        )
    }

    /// Whether its project sends no logs to CloudWatch. Here they are kept all the same.
    pub fn is_silent(&self) -> bool {
        let config = self.project.logs_config.as_ref();
        let status = config.and_then(|config| config.pointer("/cloudWatchLogs/status"));
        status.and_then(Value::as_str) == Some("DISABLED")
    }

    /// Why it did not succeed, as CodePipeline words it.
    pub fn failure(&self) -> String {
        let state = self.status.word();
        match self.phases.failed() {
            Some(phase) => {
                let context = phase.context.as_ref();
                format!(
                    "Build terminated with state: {state}. Phase: {}, Code: {}, Message: {}",
                    phase.name,
                    context.map_or("", |context| &context.code),
                    context.map_or("", |context| &context.message)
                )
            }
            None => format!("Build terminated with state: {state}"),
        }
    }
}
