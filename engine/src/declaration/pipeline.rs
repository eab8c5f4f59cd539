//! The whole: name, role, artifact stores, stages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{stage::StageDeclaration, trigger::PipelineTriggerDeclaration};

/// API reference: `PipelineDeclaration`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct PipelineDeclaration {
    pub name: String,
    pub role_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_store: Option<ArtifactStore>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_stores: Option<BTreeMap<String, ArtifactStore>>,
    pub stages: Vec<StageDeclaration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_mode: Option<ExecutionMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_type: Option<PipelineType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<PipelineVariableDeclaration>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Vec<PipelineTriggerDeclaration>>,
}

impl PipelineDeclaration {
    /// The artifact store that serves actions of this Region.
    pub fn artifact_store_in(&self, region: &str) -> Option<&ArtifactStore> {
        self.artifact_store.as_ref().or_else(|| self.artifact_stores.as_ref()?.get(region))
    }

    /// The stage of that name.
    pub fn stage(&self, name: &str) -> Option<&StageDeclaration> {
        self.stages.iter().find(|stage| stage.name == name)
    }
}

/// API reference: `ArtifactStore`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct ArtifactStore {
    #[serde(rename = "type")]
    pub store_type: String,
    pub location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<EncryptionKey>,
}

/// API reference: `EncryptionKey`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct EncryptionKey {
    pub id: String,
    #[serde(rename = "type")]
    pub key_type: String,
}

/// How executions of one pipeline share its stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum ExecutionMode {
    Queued,
    #[default]
    Superseded,
    Parallel,
}

/// V1 or V2: which features a declaration may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum PipelineType {
    #[default]
    V1,
    V2,
}

/// API reference: `PipelineVariableDeclaration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct PipelineVariableDeclaration {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}
