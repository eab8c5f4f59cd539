//! Every refusal of CodeBuild: AWS's error and its text.

use penstock_storage::{NoSpace, StoreError};

/// AWS's errors that CodeBuild raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the AWS error of the same name; the API reference documents them")]
pub enum RefusalKind {
    InvalidInput,
    ResourceNotFound,
    ResourceAlreadyExists,
    /// The disk is nearly full.
    ServiceUnavailable,
    /// A fault of ours; the message is for the log only.
    Internal,
}

/// A request that was refused: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Which of AWS's errors.
    pub kind: RefusalKind,
    /// The text for the caller.
    pub message: String,
}

impl Refusal {
    /// A refusal of that kind with that text.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(RefusalKind::InvalidInput, message)
    }

    pub(super) fn no_project(arn: &str) -> Self {
        Self::new(RefusalKind::ResourceNotFound, format!("Project cannot be found: {arn}"))
    }

    /// AWS's name of the error.
    pub fn code(&self) -> &'static str {
        match self.kind {
            RefusalKind::InvalidInput => "InvalidInputException",
            RefusalKind::ResourceNotFound => "ResourceNotFoundException",
            RefusalKind::ResourceAlreadyExists => "ResourceAlreadyExistsException",
            RefusalKind::ServiceUnavailable => "ServiceUnavailable",
            RefusalKind::Internal => "InternalFailure",
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(RefusalKind::Internal, error.to_string())
    }
}

impl From<NoSpace> for Refusal {
    fn from(full: NoSpace) -> Self {
        Self::new(RefusalKind::ServiceUnavailable, full.to_string())
    }
}
