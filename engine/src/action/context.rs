//! What earlier actions of the same execution left for later ones: artifacts and variables.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::ActionExecutionId;
use crate::source::SourceRevisionOverride;
use crate::triggers::GitChange;

use super::state::ArtifactLocation;

/// One thing that an action left, written in the batch of its success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContextEntry {
    /// An output artifact.
    Artifact(ArtifactLocation),
    /// The output variables of an action with a namespace.
    Namespace {
        /// The namespace.
        name: String,
        /// Its variables.
        variables: BTreeMap<String, String>,
    },
}

/// What an action's declaration refers to, as found when it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Input artifacts by name.
    pub artifacts: BTreeMap<String, ArtifactLocation>,
    /// The pipeline's variables, as the execution started with them.
    pub variables: BTreeMap<String, String>,
    /// Output variables of earlier actions, by namespace.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// A person has said how it ends, in place of whoever would do its work.
    pub is_scripted: bool,
    /// What it takes instead of the newest revision, if it is a source action.
    pub overrides: Vec<SourceRevisionOverride>,
    /// The change of its repository that started the execution.
    pub change: Option<Box<GitChange>>,
    /// Its type is a custom one that was deleted or never created.
    pub type_is_gone: bool,
}

/// The S3 key of an output artifact, in the form seen on AWS: the pipeline's name cut to 20 characters, the
/// artifact's cut to 10, and seven characters that tell action executions apart. They follow from the action
/// execution's id, so that a provider that runs again writes the same object.
pub fn artifact_key(pipeline: &str, artifact: &str, id: &ActionExecutionId) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let namespace = Uuid::parse_str(id.as_str()).unwrap_or(Uuid::NAMESPACE_OID);
    let mut rest = Uuid::new_v5(&namespace, artifact.as_bytes()).as_u128();
    let mut unique = String::with_capacity(7);
    for _ in 0..7 {
        let index = usize::try_from(rest % 62).unwrap_or_default();
        unique.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'A')));
        rest /= 62;
    }
    let pipeline: String = pipeline.chars().take(20).collect();
    let artifact: String = artifact.chars().take(10).collect();
    format!("{pipeline}/{artifact}/{unique}")
}
