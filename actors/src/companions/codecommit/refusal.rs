//! Every refusal of CodeCommit: AWS's error and its text (inferred where only the error is documented).

use penstock_storage::{NoSpace, StoreError};

use crate::git::program::GitError;

/// A request that was refused: nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// AWS's error; without one it is a fault of ours, whose text is for the log.
    pub code: Option<&'static str>,
    /// The text for the caller.
    pub message: String,
}

impl Refusal {
    /// That error with that text.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some(code), message: message.into() }
    }

    pub(super) fn no_repository(name: &str) -> Self {
        Self::new("RepositoryDoesNotExistException", format!("{name} does not exist"))
    }

    pub(super) fn no_branch(name: &str) -> Self {
        Self::new("BranchDoesNotExistException", format!("Branch {name} does not exist"))
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self { code: None, message: error.to_string() }
    }
}

impl From<GitError> for Refusal {
    fn from(error: GitError) -> Self {
        Self { code: None, message: error.to_string() }
    }
}

impl From<NoSpace> for Refusal {
    fn from(_: NoSpace) -> Self {
        let message =
            "The service cannot take new data at the moment: the disk that holds its data is nearly full.";
        Self::new("ServiceUnavailable", message)
    }
}
