//! IAM's and STS's refusals: code and status of each.
//!
//! Source: API models of IAM and STS; "Common errors" of both API references.

use penstock_actors::companions::iam::{Refusal, RefusalKind};

use crate::error::AwsError;

impl From<Refusal> for AwsError {
    fn from(refusal: Refusal) -> Self {
        let (code, status) = match refusal.kind {
            RefusalKind::NoSuchEntity => ("NoSuchEntity", 404),
            RefusalKind::EntityAlreadyExists => ("EntityAlreadyExists", 409),
            RefusalKind::MalformedPolicyDocument => ("MalformedPolicyDocument", 400),
            RefusalKind::DeleteConflict => ("DeleteConflict", 409),
            RefusalKind::InvalidInput => ("InvalidInput", 400),
            RefusalKind::LimitExceeded => ("LimitExceeded", 409),
            RefusalKind::ValidationError => ("ValidationError", 400),
            RefusalKind::AccessDenied => ("AccessDenied", 403),
            RefusalKind::InvalidClientTokenId => ("InvalidClientTokenId", 403),
            RefusalKind::PackedPolicyTooLarge => ("PackedPolicyTooLarge", 400),
            RefusalKind::NotSupportedService => ("NotSupportedService", 404),
            RefusalKind::ServiceUnavailable => ("ServiceUnavailable", 503),
            RefusalKind::ServiceFailure => {
                tracing::error!(cause = %refusal.message, "IAM or STS failed");
                return Self::internal();
            }
        };
        Self::new(code, status, refusal.message)
    }
}
