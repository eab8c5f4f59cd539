//! Every refusal in the domain: AWS's error name and text.

use serde::{Deserialize, Serialize};

/// AWS's error shapes that the domain itself raises; the wire's own errors (malformed JSON, unknown
/// operation) belong to the API. Names are AWS's without the suffix `Exception`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the AWS error of the same name; the API model documents them")]
pub enum RejectionKind {
    ActionExecutionNotFound,
    ActionNotFound,
    ActionTypeNotFound,
    ApprovalAlreadyCompleted,
    ConcurrentModification,
    ConcurrentPipelineExecutionsLimitExceeded,
    ConditionNotOverridable,
    Conflict,
    DuplicatedStopRequest,
    InvalidActionDeclaration,
    InvalidApprovalToken,
    InvalidArn,
    InvalidBlockerDeclaration,
    InvalidClientToken,
    InvalidJob,
    InvalidJobState,
    InvalidNextToken,
    InvalidNonce,
    InvalidStageDeclaration,
    InvalidStructure,
    InvalidTags,
    InvalidWebhookAuthenticationParameters,
    InvalidWebhookFilterPattern,
    JobNotFound,
    LimitExceeded,
    OutputVariablesSizeExceeded,
    NotLatestPipelineExecution,
    PipelineExecutionNotFound,
    PipelineExecutionNotStoppable,
    PipelineExecutionOutdated,
    PipelineNameInUse,
    PipelineNotFound,
    PipelineVersionNotFound,
    RequestFailed,
    ResourceNotFound,
    StageNotFound,
    StageNotRetryable,
    TooManyTags,
    UnableToRollbackStage,
    Validation,
    WebhookNotFound,
    /// More commands under way than the daemon admits: AWS's `ThrottlingException`.
    Throttling,
    /// The daemon cannot take data at the moment (disk nearly full): `ServiceUnavailable`, 503.
    ServiceUnavailable,
    /// A fault of ours: `InternalFailure`, 500. The cause is in the log only.
    Internal,
}

/// A request that was refused: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind:?}: {message}")]
pub struct Rejection {
    /// Which of AWS's errors.
    pub kind: RejectionKind,
    /// The text for the caller, in AWS's words where they are known.
    pub message: String,
}

impl Rejection {
    /// A refusal of that kind with that text.
    pub fn new(kind: RejectionKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Whether the same request may be accepted later.
    pub fn is_passing(&self) -> bool {
        matches!(
            self.kind,
            RejectionKind::Throttling
                | RejectionKind::ServiceUnavailable
                | RejectionKind::Internal
                | RejectionKind::ConcurrentPipelineExecutionsLimitExceeded
        )
    }
}
