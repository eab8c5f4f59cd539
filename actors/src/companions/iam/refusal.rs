//! Every refusal of IAM and STS: AWS's error and its text.

use penstock_storage::{NoSpace, StoreError};

use crate::companions::policy::document::Malformed;

/// AWS's errors that IAM and STS raise; codes and statuses belong to the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the AWS error of the same name; the API reference documents them")]
pub enum RefusalKind {
    NoSuchEntity,
    EntityAlreadyExists,
    MalformedPolicyDocument,
    DeleteConflict,
    InvalidInput,
    LimitExceeded,
    ValidationError,
    AccessDenied,
    InvalidClientTokenId,
    PackedPolicyTooLarge,
    NotSupportedService,
    /// The disk is nearly full.
    ServiceUnavailable,
    /// A fault of ours; the message is for the log only.
    ServiceFailure,
}

/// A request that was refused: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?}: {message}")]
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

    pub(super) fn no_role(name: &str) -> Self {
        Self::new(RefusalKind::NoSuchEntity, format!("The role with name {name} cannot be found."))
    }

    pub(super) fn no_policy(arn: &str) -> Self {
        Self::new(RefusalKind::NoSuchEntity, format!("Policy {arn} was not found."))
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::new(RefusalKind::LimitExceeded, message)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(RefusalKind::ServiceFailure, error.to_string())
    }
}

impl From<NoSpace> for Refusal {
    fn from(_: NoSpace) -> Self {
        Self::new(
            RefusalKind::ServiceUnavailable,
            "The service cannot take new data at the moment: the disk that holds its data is nearly full.",
        )
    }
}

impl From<Malformed> for Refusal {
    fn from(Malformed(message): Malformed) -> Self {
        Self::new(RefusalKind::MalformedPolicyDocument, message)
    }
}
