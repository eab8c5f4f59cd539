//! The one table: a refusal in the domain becomes AWS's error code and status.

use penstock_engine::rejection::{Rejection, RejectionKind};

/// An error as a client sees it, whatever the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} ({status}): {message}")]
pub(crate) struct AwsError {
    /// AWS's name of the error: the bare shape name.
    pub(crate) code: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The text for the caller.
    pub(crate) message: String,
}

impl AwsError {
    /// An error with this code, status and text.
    pub(crate) fn new(code: impl Into<String>, status: u16, message: impl Into<String>) -> Self {
        Self { code: code.into(), status, message: message.into() }
    }

    /// The caller's fault in a JSON protocol: status 400, as all of them have.
    pub(crate) fn client(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(code, 400, message)
    }

    /// A value that breaks the API model's constraints, or a rule with no error of its own.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::client("ValidationException", message)
    }

    /// A body that is not what the protocol expects.
    pub(crate) fn serialization(message: impl Into<String>) -> Self {
        Self::client("SerializationException", message)
    }

    /// A fault of ours. The cause goes to the log, with the request id; the caller learns only the id.
    pub(crate) fn internal() -> Self {
        Self::new(
            "InternalFailure",
            500,
            "The request processing has failed because of an unknown error, exception or failure.",
        )
    }
}

impl From<Rejection> for AwsError {
    fn from(rejection: Rejection) -> Self {
        if rejection.kind == RejectionKind::Internal {
            tracing::error!(cause = %rejection.message, "a command failed");
            return Self::internal();
        }
        let (code, status) = code_and_status(rejection.kind);
        Self::new(code, status, rejection.message)
    }
}

/// Every modelled error of CodePipeline is status 400; only the daemon's own condition is not.
fn code_and_status(kind: RejectionKind) -> (&'static str, u16) {
    let code = match kind {
        RejectionKind::ActionNotFound => "ActionNotFoundException",
        RejectionKind::ActionTypeNotFound => "ActionTypeNotFoundException",
        RejectionKind::ApprovalAlreadyCompleted => "ApprovalAlreadyCompletedException",
        RejectionKind::ConcurrentModification => "ConcurrentModificationException",
        RejectionKind::ConcurrentPipelineExecutionsLimitExceeded => {
            "ConcurrentPipelineExecutionsLimitExceededException"
        }
        RejectionKind::ConditionNotOverridable => "ConditionNotOverridableException",
        RejectionKind::Conflict => "ConflictException",
        RejectionKind::DuplicatedStopRequest => "DuplicatedStopRequestException",
        RejectionKind::InvalidActionDeclaration => "InvalidActionDeclarationException",
        RejectionKind::InvalidApprovalToken => "InvalidApprovalTokenException",
        RejectionKind::InvalidArn => "InvalidArnException",
        RejectionKind::InvalidBlockerDeclaration => "InvalidBlockerDeclarationException",
        RejectionKind::ActionExecutionNotFound => "ActionExecutionNotFoundException",
        RejectionKind::InvalidClientToken => "InvalidClientTokenException",
        RejectionKind::InvalidJob => "InvalidJobException",
        RejectionKind::RequestFailed => "RequestFailedException",
        RejectionKind::InvalidJobState => "InvalidJobStateException",
        RejectionKind::InvalidNextToken => "InvalidNextTokenException",
        RejectionKind::InvalidNonce => "InvalidNonceException",
        RejectionKind::InvalidStageDeclaration => "InvalidStageDeclarationException",
        RejectionKind::InvalidStructure => "InvalidStructureException",
        RejectionKind::InvalidTags => "InvalidTagsException",
        RejectionKind::InvalidWebhookAuthenticationParameters => {
            "InvalidWebhookAuthenticationParametersException"
        }
        RejectionKind::InvalidWebhookFilterPattern => "InvalidWebhookFilterPatternException",
        RejectionKind::JobNotFound => "JobNotFoundException",
        RejectionKind::LimitExceeded => "LimitExceededException",
        RejectionKind::OutputVariablesSizeExceeded => "OutputVariablesSizeExceededException",
        RejectionKind::NotLatestPipelineExecution => "NotLatestPipelineExecutionException",
        RejectionKind::PipelineExecutionNotFound => "PipelineExecutionNotFoundException",
        RejectionKind::PipelineExecutionNotStoppable => "PipelineExecutionNotStoppableException",
        RejectionKind::PipelineExecutionOutdated => "PipelineExecutionOutdatedException",
        RejectionKind::PipelineNameInUse => "PipelineNameInUseException",
        RejectionKind::PipelineNotFound => "PipelineNotFoundException",
        RejectionKind::PipelineVersionNotFound => "PipelineVersionNotFoundException",
        RejectionKind::ResourceNotFound => "ResourceNotFoundException",
        RejectionKind::StageNotFound => "StageNotFoundException",
        RejectionKind::StageNotRetryable => "StageNotRetryableException",
        RejectionKind::TooManyTags => "TooManyTagsException",
        RejectionKind::UnableToRollbackStage => "UnableToRollbackStageException",
        RejectionKind::Validation => "ValidationException",
        RejectionKind::WebhookNotFound => "WebhookNotFoundException",
        RejectionKind::Throttling => "ThrottlingException",
        RejectionKind::ServiceUnavailable => return ("ServiceUnavailable", 503),
        RejectionKind::Internal => return ("InternalFailure", 500),
    };
    (code, 400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_text_and_takes_the_models_name() {
        let refused = Rejection::new(RejectionKind::PipelineNotFound, "no such pipeline");
        assert_eq!(
            AwsError::from(refused),
            AwsError::new("PipelineNotFoundException", 400, "no such pipeline")
        );
    }

    #[test]
    fn the_cause_of_a_fault_of_ours_never_reaches_the_caller() {
        let refused = Rejection::new(RejectionKind::Internal, "record 7 unreadable");
        let error = AwsError::from(refused);
        assert_eq!(error.status, 500);
        assert!(!error.message.contains("record 7"));
    }

    #[test]
    fn a_full_disk_is_the_only_refusal_that_clients_should_retry_as_503() {
        assert_eq!(code_and_status(RejectionKind::ServiceUnavailable), ("ServiceUnavailable", 503));
        assert_eq!(code_and_status(RejectionKind::Throttling), ("ThrottlingException", 400));
    }

    #[test]
    fn every_domain_error_but_the_frameworks_own_is_in_the_api_model() {
        let names = [
            RejectionKind::ActionNotFound,
            RejectionKind::ActionTypeNotFound,
            RejectionKind::ApprovalAlreadyCompleted,
            RejectionKind::ConcurrentModification,
            RejectionKind::ConcurrentPipelineExecutionsLimitExceeded,
            RejectionKind::ConditionNotOverridable,
            RejectionKind::Conflict,
            RejectionKind::DuplicatedStopRequest,
            RejectionKind::InvalidActionDeclaration,
            RejectionKind::InvalidApprovalToken,
            RejectionKind::InvalidArn,
            RejectionKind::InvalidBlockerDeclaration,
            RejectionKind::ActionExecutionNotFound,
            RejectionKind::InvalidClientToken,
            RejectionKind::InvalidJob,
            RejectionKind::RequestFailed,
            RejectionKind::InvalidJobState,
            RejectionKind::InvalidNextToken,
            RejectionKind::InvalidNonce,
            RejectionKind::InvalidStageDeclaration,
            RejectionKind::InvalidStructure,
            RejectionKind::InvalidTags,
            RejectionKind::JobNotFound,
            RejectionKind::LimitExceeded,
            RejectionKind::OutputVariablesSizeExceeded,
            RejectionKind::NotLatestPipelineExecution,
            RejectionKind::PipelineExecutionNotFound,
            RejectionKind::PipelineExecutionNotStoppable,
            RejectionKind::PipelineExecutionOutdated,
            RejectionKind::PipelineNameInUse,
            RejectionKind::PipelineNotFound,
            RejectionKind::PipelineVersionNotFound,
            RejectionKind::ResourceNotFound,
            RejectionKind::StageNotFound,
            RejectionKind::StageNotRetryable,
            RejectionKind::TooManyTags,
            RejectionKind::UnableToRollbackStage,
            RejectionKind::Validation,
        ];
        for kind in names {
            let (code, status) = code_and_status(kind);
            assert!(crate::model::codepipeline().shape(code).is_some(), "{code} is not in the model");
            assert_eq!(status, 400);
        }
    }
}
