//! What the sources that are git repositories have in common: the two forms of their artifact.

use penstock_engine::action::{Failure, Work};
use serde_json::{Value, json};

use crate::artifacts::stored::Stored;

use super::configuration::optional;
use super::failures;

/// `OutputArtifactFormat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `CODE_ZIP`: the files.
    Zip,
    /// `CODEBUILD_CLONE_REF`: where a build clones the repository from, with its history.
    CloneReference,
}

impl Format {
    /// Of an action.
    pub(super) fn of(work: &Work) -> Result<Self, Failure> {
        match optional(work, "OutputArtifactFormat") {
            None | Some("CODE_ZIP") => Ok(Self::Zip),
            Some("CODEBUILD_CLONE_REF") => Ok(Self::CloneReference),
            Some(other) => Err(failures::configuration(format!(
                "The value '{other}' of 'OutputArtifactFormat' in the configuration of the action '{}' is neither \
                 'CODE_ZIP' nor 'CODEBUILD_CLONE_REF'.",
                work.action
            ))),
        }
    }
}

/// The artifact of a clone reference. The form was seen of CodeCommit; that a connection's has its ARN in addition is
/// inferred.
pub(super) fn clone_reference(
    work: &Work,
    repository: &str,
    url: &str,
    commit: &str,
    branch: &str,
    connection: Option<&str>,
) -> Stored {
    let mut reference = json!({
        "AccountId": work.pipeline.account,
        "FullRepositoryName": repository,
        "CloneUrl": url,
        "CommitId": commit,
        "BranchName": branch,
    });
    if let Some(connection) = connection {
        reference["ConnectionArn"] = Value::from(connection);
    }
    Stored::Memory(reference.to_string().into())
}
