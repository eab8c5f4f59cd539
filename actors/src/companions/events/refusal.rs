//! EventBridge's errors.

use std::fmt;

use penstock_storage::StoreError;

/// A refusal in AWS's words where they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error's name.
    pub code: &'static str,
    /// What is said.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFoundException", message)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "rules or events cannot be read");
        Self::new("InternalException", "This exception occurs due to unexpected causes.")
    }
}
