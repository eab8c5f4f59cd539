//! The record of an action execution.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::declaration::action::ActionDeclaration;
use crate::declaration::pipeline::{EncryptionKey, PipelineDeclaration};
use crate::declaration::stage::ConditionType;
use crate::event::first_attempt;
use crate::ids::{ActionExecutionId, ExecutionId, PipelineKey};
use crate::source::SourceRevisionOverride;
use crate::stage::{StageId, Wish};
use crate::time::Timestamp;
use crate::triggers::GitChange;

use super::context::artifact_key;
use super::job::Job;
use super::regional::RegionalStore;
use super::work::Compute;

/// Finds an action execution's record: its start time is part of the key, so that lists are newest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionRef {
    /// The stage execution it belongs to.
    pub stage: StageId,
    /// Its id.
    pub id: ActionExecutionId,
    /// When it was born.
    pub started: Timestamp,
}

/// An action execution, from its birth (written by its stage's or pipeline's batch) to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionExecution {
    /// Where this record is.
    pub reference: ActionRef,
    /// The pipeline.
    pub pipeline: PipelineKey,
    /// The pipeline execution.
    pub execution: ExecutionId,
    /// The declaration's version that the execution runs.
    pub version: u32,
    /// Which run of the action in this pipeline execution it is, from 1: every retry of the stage, be it by itself or
    /// by somebody, is the next.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub attempt: u32,
    /// The attempt at which the execution is.
    #[serde(default = "first_attempt")]
    pub execution_attempt: u32,
    /// The action as declared in that version; a rule as the action as which it runs.
    pub declaration: ActionDeclaration,
    /// Of which condition of its stage it is a rule; an action is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_of: Option<ConditionType>,
    /// The pipeline's role.
    pub pipeline_role: String,
    /// The Region in which the action runs.
    pub region: String,
    /// The key of the artifact store, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<EncryptionKey>,
    /// The artifact store of its Region, where the pipeline has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regional: Option<Box<RegionalStore>>,
    /// Where its outputs go; decided at birth, so that every start of the provider writes the same objects.
    pub outputs: Vec<ArtifactLocation>,
    /// Where its inputs were found, known from its begin on.
    pub inputs: Vec<ArtifactLocation>,
    /// What it takes instead of the newest revision, known from its begin on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<SourceRevisionOverride>,
    /// The change of its repository that started the execution, known from its begin on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Box<GitChange>>,
    /// The configuration with every reference replaced, known from its begin on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_configuration: Option<BTreeMap<String, String>>,
    /// What a Commands action or rule runs, known from its begin on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute: Option<Box<Compute>>,
    /// Its status.
    pub status: ActionExecutionStatus,
    /// When the record last changed.
    pub updated: Timestamp,
    /// What may still happen.
    pub wish: Wish,
    /// What the provider said of the work outside.
    #[serde(default)]
    pub external: External,
    /// The work of a custom action.
    #[serde(default, skip_serializing_if = "Job::is_first")]
    pub job: Job,
    /// The ARN of who approved or rejected it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated_by: Option<String>,
    /// Its approvers were told that they are asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub notified: bool,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetails>,
    /// What it hands to later actions.
    #[serde(default)]
    pub output_variables: BTreeMap<String, String>,
    /// What a source action found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Box<SourceRevision>>,
}

impl ActionExecution {
    /// A new action execution. Its id and its artifacts' keys follow from its place alone, so that deciding
    /// on the same birth again after a crash gives the same ones. `round` counts the retries within its
    /// stage execution.
    pub(crate) fn born(
        stage: &StageId,
        round: u32,
        pipeline: &PipelineKey,
        execution: &ExecutionId,
        version: &PipelineDeclaration,
        declaration: &ActionDeclaration,
        now: Timestamp,
    ) -> Self {
        let id = derived_id(execution, stage, round, &declaration.name);
        let attempt = stage.attempt.saturating_add(round);
        Self { attempt, ..Self::with_id(id, stage, pipeline, execution, version, declaration, now) }
    }

    pub(super) fn with_id(
        id: ActionExecutionId,
        stage: &StageId,
        pipeline: &PipelineKey,
        execution: &ExecutionId,
        version: &PipelineDeclaration,
        declaration: &ActionDeclaration,
        now: Timestamp,
    ) -> Self {
        let region = declaration.region.clone().unwrap_or_else(|| pipeline.region.clone());
        let store = version.artifact_store_in(&region);
        let outputs = declaration.output_artifacts.iter().map(|artifact| ArtifactLocation {
            name: artifact.name.clone(),
            bucket: store.map(|store| store.location.clone()).unwrap_or_default(),
            key: artifact_key(&pipeline.name, &artifact.name, &id),
            revision: None,
        });
        let has_several = version.artifact_stores.as_ref().is_some_and(|stores| stores.len() > 1);
        let regional = store
            .filter(|_| has_several)
            .map(|store| Box::new(RegionalStore { bucket: store.location.clone(), copied_from: Vec::new() }));
        Self {
            outputs: outputs.collect(),
            regional,
            encryption_key: store.and_then(|store| store.encryption_key.clone()),
            reference: ActionRef { stage: stage.clone(), id, started: now },
            pipeline: pipeline.clone(),
            execution: execution.clone(),
            version: version.version.unwrap_or(1),
            attempt: stage.attempt,
            execution_attempt: 1,
            declaration: declaration.clone(),
            rule_of: None,
            pipeline_role: version.role_arn.clone(),
            region,
            inputs: Vec::new(),
            overrides: Vec::new(),
            change: None,
            resolved_configuration: None,
            compute: None,
            status: ActionExecutionStatus::InProgress,
            updated: now,
            wish: Wish::PROCEED,
            external: External::default(),
            job: Job::default(),
            last_updated_by: None,
            notified: false,
            error: None,
            output_variables: BTreeMap::new(),
            revision: None,
        }
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<Outcome> {
        (self.status != ActionExecutionStatus::InProgress)
            .then(|| Outcome { status: self.status, revision: self.revision.clone() })
    }
}

fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_first(attempt: &u32) -> bool {
    *attempt == first()
}

/// A name-based UUID within the execution's own: unique as the execution's is, and the same each time.
fn derived_id(execution: &ExecutionId, stage: &StageId, round: u32, action: &str) -> ActionExecutionId {
    let namespace = Uuid::parse_str(execution.as_str()).unwrap_or(Uuid::NAMESPACE_OID);
    let round = if round == 0 { String::new() } else { format!("/{round}") };
    let place = format!("{}/{}/{}{round}/{action}", stage.incarnation, stage.stage, stage.attempt);
    ActionExecutionId(Uuid::new_v5(&namespace, place.as_bytes()).to_string())
}

/// API reference: `ActionExecutionStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum ActionExecutionStatus {
    InProgress,
    Abandoned,
    Succeeded,
    Failed,
}

/// Where an artifact's object lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactLocation {
    /// The artifact's name in the declaration.
    pub name: String,
    /// The S3 bucket.
    pub bucket: String,
    /// The S3 key.
    pub key: String,
    /// Of what a source action made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// What the provider reported of the work outside (API reference: `ActionExecutionResult`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// The work's id at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// One line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Where to look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// The ARN of the log stream to which the work on the service's own compute writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_stream: Option<String>,
}

/// API reference: `ErrorDetails`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetails {
    /// Such as `JobFailed`, `ConfigurationError`, `PermissionError`.
    pub code: String,
    /// What was wrong and what to do.
    pub message: String,
}

/// What a source action found (API reference: `SourceRevision`, `ArtifactRevision`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceRevision {
    /// The source action's name.
    pub action: String,
    /// Its output artifact's name.
    pub artifact: String,
    /// Such as a version id or a commit id.
    pub revision_id: String,
    /// An S3 ETag, or a commit's date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_identifier: Option<String>,
    /// One line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Where to look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When the revision was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
}

impl SourceRevision {
    /// Whether both were found by the same action for the same artifact.
    pub(crate) fn is_of_same_source(&self, other: &Self) -> bool {
        (&self.action, &self.artifact) == (&other.action, &other.artifact)
    }
}

/// What a stage needs to know of an ended action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Never `InProgress`.
    pub status: ActionExecutionStatus,
    /// A source action's revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Box<SourceRevision>>,
}
