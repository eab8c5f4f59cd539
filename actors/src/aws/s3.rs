//! S3 under one role session.

use std::error::Error;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::BucketVersioningStatus;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::endpoint::Endpoint;
use super::refusal::AwsRefusal;
use super::xml::texts;

/// An S3 client, and where it calls.
#[derive(Clone, Debug)]
pub struct S3 {
    /// The SDK's client.
    pub client: Client,
    pub(super) endpoint: Endpoint,
}

impl S3 {
    /// Whether that is the S3 in this process.
    pub fn is_embedded(&self) -> bool {
        self.endpoint == Endpoint::Embedded
    }

    /// What became of a call that did not succeed.
    pub fn refusal<E>(&self, error: &SdkError<E, HttpResponse>) -> AwsRefusal
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        AwsRefusal::of_s3(&self.endpoint, error)
    }

    /// Whether a bucket's versioning is enabled.
    ///
    /// The SDK's Rust client, alone among its siblings, minds the name of the answer's outermost element, and
    /// moto writes another than AWS: what it could not read is read here once more.
    pub async fn is_versioned(&self, bucket: &str) -> Result<bool, AwsRefusal> {
        match self.client.get_bucket_versioning().bucket(bucket).send().await {
            Ok(answer) => Ok(answer.status() == Some(&BucketVersioningStatus::Enabled)),
            Err(error) => {
                let answer = error.raw_response().filter(|answer| answer.status().is_success());
                let body = answer.and_then(|answer| std::str::from_utf8(answer.body().bytes()?).ok());
                match body.and_then(|body| texts(body, "GetBucketVersioningResponse", ["Status"])) {
                    Some([status]) => Ok(status.as_deref() == Some("Enabled")),
                    None => Err(self.refusal(&error)),
                }
            }
        }
    }

    /// What S3 always says in an answer like this one, and whoever gave this answer did not.
    pub fn expected<T>(&self, told: Option<T>) -> Result<T, AwsRefusal> {
        told.ok_or_else(|| self.broken_off("its answer (status 200) is not one of S3"))
    }

    /// An answer that began well and broke off.
    pub fn broken_off(&self, reason: impl Into<String>) -> AwsRefusal {
        let service = super::endpoint::Service::S3;
        AwsRefusal::NoAnswer { service, endpoint: self.endpoint.clone(), reason: reason.into() }
    }
}
