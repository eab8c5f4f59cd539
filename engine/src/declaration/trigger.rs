//! Git triggers of V2 pipelines.

use serde::{Deserialize, Serialize};

/// API reference: `PipelineTriggerDeclaration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct PipelineTriggerDeclaration {
    pub provider_type: String,
    pub git_configuration: GitConfiguration,
}

/// API reference: `GitConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct GitConfiguration {
    pub source_action_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<Vec<GitPushFilter>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<Vec<GitPullRequestFilter>>,
}

/// API reference: `GitPushFilter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct GitPushFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<FilterCriteria>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branches: Option<FilterCriteria>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_paths: Option<FilterCriteria>,
}

/// API reference: `GitPullRequestFilter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct GitPullRequestFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branches: Option<FilterCriteria>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_paths: Option<FilterCriteria>,
}

/// API reference: `GitBranchFilterCriteria` and its two twins, which have the same shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct FilterCriteria {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub includes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excludes: Option<Vec<String>>,
}
