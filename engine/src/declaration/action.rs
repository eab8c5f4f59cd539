//! An action: its type, configuration and artifacts.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// API reference: `ActionDeclaration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct ActionDeclaration {
    pub name: String,
    pub action_type_id: ActionTypeId,
    /// Read back as 1 where it was left out.
    #[serde(default = "first")]
    pub run_order: u32,
    /// Read back as `{}` where it was left out, like the two artifact lists as `[]`.
    #[serde(default)]
    pub configuration: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commands: Option<Vec<String>>,
    #[serde(default)]
    pub output_artifacts: Vec<OutputArtifact>,
    #[serde(default)]
    pub input_artifacts: Vec<ArtifactName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_variables: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_in_minutes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_variables: Option<Vec<EnvironmentVariable>>,
}

impl ActionDeclaration {
    /// All texts in which references are replaced when the action begins.
    pub fn texts(&self) -> impl Iterator<Item = &String> {
        let variables = self.environment_variables.iter().flatten().map(|variable| &variable.value);
        self.configuration.values().chain(self.commands.iter().flatten()).chain(variables)
    }
}

fn first() -> u32 {
    1
}

/// API reference: `ActionTypeId`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct ActionTypeId {
    pub category: ActionCategory,
    pub owner: ActionOwner,
    pub provider: String,
    pub version: String,
}

impl ActionTypeId {
    /// The service's words for a type that does not exist, or no longer does.
    pub fn not_available(&self) -> String {
        let Self { category, owner, provider, version } = self;
        format!(
            "ActionType (Category: '{category}', Owner: '{owner}', Provider: '{provider}', Version: '{version}') is \
             not available"
        )
    }
}

/// API reference: `ActionCategory`, and `RuleCategory`: rules are run as actions are, but no action can be declared
/// as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum ActionCategory {
    Source,
    Build,
    Deploy,
    Test,
    Invoke,
    Approval,
    Compute,
    Rule,
}

impl fmt::Display for ActionCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// API reference: `ActionOwner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum ActionOwner {
    #[serde(rename = "AWS")]
    Aws,
    ThirdParty,
    Custom,
}

impl fmt::Display for ActionOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aws => "AWS",
            Self::ThirdParty => "ThirdParty",
            Self::Custom => "Custom",
        })
    }
}

/// API reference: `InputArtifact`; rules use it too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct ArtifactName {
    pub name: String,
}

/// API reference: `OutputArtifact`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct OutputArtifact {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
}

/// API reference: `EnvironmentVariable`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct EnvironmentVariable {
    pub name: String,
    pub value: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub variable_type: Option<String>,
}
