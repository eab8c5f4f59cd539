//! What S3 answers when it will not: AWS's code, status and words.

use std::borrow::Cow;

use penstock_storage::StoreError;

/// A request that was refused; nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// AWS's error code.
    pub code: &'static str,
    /// The HTTP status that AWS gives it.
    pub status: u16,
    /// AWS's words.
    pub message: Cow<'static, str>,
    /// The further elements of the error document, such as `Key` or `UploadId`.
    pub details: Vec<(&'static str, String)>,
    /// The version id of the delete marker that the request met.
    pub delete_marker: Option<String>,
}

impl Refusal {
    /// A refusal with that code, status and text.
    pub fn new(code: &'static str, status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, status, message: message.into(), details: Vec::new(), delete_marker: None }
    }

    /// The same, with one more element in its document.
    #[must_use]
    pub fn with(mut self, element: &'static str, value: impl Into<String>) -> Self {
        self.details.push((element, value.into()));
        self
    }

    /// The same, said by a delete marker of that version.
    #[must_use]
    pub fn from_delete_marker(mut self, version: impl Into<String>) -> Self {
        self.delete_marker = Some(version.into());
        self
    }

    /// 403: not yours.
    pub fn access_denied() -> Self {
        Self::new("AccessDenied", 403, "Access Denied")
    }

    /// 404 for a bucket.
    pub fn no_such_bucket(bucket: &str) -> Self {
        Self::new("NoSuchBucket", 404, "The specified bucket does not exist").with("BucketName", bucket)
    }

    /// 404 for a key.
    pub fn no_such_key(key: &str) -> Self {
        Self::new("NoSuchKey", 404, "The specified key does not exist.").with("Key", key)
    }

    /// 404 for a version.
    pub fn no_such_version(key: &str, version: &str) -> Self {
        Self::new("NoSuchVersion", 404, "The specified version does not exist.")
            .with("Key", key)
            .with("VersionId", version)
    }

    /// 404 for a multipart upload.
    pub fn no_such_upload(upload: &str) -> Self {
        Self::new(
            "NoSuchUpload",
            404,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
             aborted or completed.",
        )
        .with("UploadId", upload)
    }

    /// 400: an argument's value.
    pub fn invalid_argument(message: impl Into<Cow<'static, str>>, name: &str, value: &str) -> Self {
        Self::new("InvalidArgument", 400, message).with("ArgumentName", name).with("ArgumentValue", value)
    }

    /// 400: the request as a whole.
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("InvalidRequest", 400, message)
    }

    /// 412, naming the header that did not hold.
    pub fn precondition_failed(condition: &'static str) -> Self {
        Self::new("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
            .with("Condition", condition)
    }

    /// 304.
    pub fn not_modified() -> Self {
        Self::new("NotModified", 304, "Not Modified")
    }

    /// 501: a part of S3 that is not here.
    pub fn not_implemented(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("NotImplemented", 501, message)
    }

    /// 503: no room for data at the moment.
    pub fn no_space() -> Self {
        Self::new(
            "ServiceUnavailable",
            503,
            "The data directory's disk is nearly full: data cannot be accepted.",
        )
    }

    /// 500; the cause goes to the log only.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(cause = %cause, "S3 operation failed inside");
        Self::new("InternalError", 500, "We encountered an internal error. Please try again.")
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}
