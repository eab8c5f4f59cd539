//! Why a call to an AWS service did not succeed, in the service's own words where there are any.

use std::error::Error;
use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::endpoint::{Endpoint, Service};

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsRefusal {
    /// The service said no.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// A role could not be assumed. The text is the one with which AWS refuses such a pipeline.
    #[error("{} is not authorized to perform AssumeRole on role {role}", by.as_deref().unwrap_or("CodePipeline"))]
    Role {
        /// The role that was asked for.
        role: String,
        /// The pipeline's role, where it was the one who asked; otherwise the service itself did.
        by: Option<String>,
        /// What STS said.
        cause: Box<Refused>,
    },
    /// Nobody answered, or nobody who speaks the service's language.
    #[error("no usable answer from {} at {endpoint}: {reason}", service.name())]
    NoAnswer {
        /// The service that was called.
        service: Service,
        /// Where it was looked for.
        endpoint: Endpoint,
        /// What happened.
        reason: String,
    },
}

/// A service's refusal. Shown as AWS's own texts quote one service's refusal in another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which service.
    pub service: Service,
    /// The HTTP status.
    pub status: u16,
    /// AWS's error code, such as `NoSuchKey`.
    pub code: String,
    /// The service's text.
    pub message: String,
    /// The request's id.
    pub request_id: Option<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, status, code, message, request_id } = self;
        let service = service.name();
        write!(f, "{message} (Service: {service}; Status Code: {status}; Error Code: {code}")?;
        match request_id {
            Some(id) => write!(f, "; Request ID: {id})"),
            None => f.write_str(")"),
        }
    }
}

impl AwsRefusal {
    /// AWS's error code, if a service refused.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refused) | Self::Role { cause: refused, .. } => Some(&refused.code),
            Self::NoAnswer { .. } => None,
        }
    }

    /// Whether permission was denied.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.status == 403)
    }

    /// Whether the thing that was asked for is not there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.status == 404)
    }

    /// Whether the request makes no sense to the service.
    pub fn is_bad_request(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.status == 400)
    }

    /// Whether the bucket is served elsewhere.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.status == 301 || refused.status == 307)
    }

    /// What an S3 call of the SDK came to.
    pub(super) fn of_s3<E>(endpoint: &Endpoint, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if let Some(refusal) = own_refusal(error) {
            return refusal.clone();
        }
        let no_answer = |reason| Self::NoAnswer { service: Service::S3, endpoint: endpoint.clone(), reason };
        let SdkError::ServiceError(answered) = error else {
            return no_answer(causes(error));
        };
        let status = answered.raw().status().as_u16();
        let has_text = answered.raw().body().bytes().is_some_and(|body| !body.is_empty());
        // Answers to HEAD have no body: their status alone counts.
        let by_status = || match status {
            _ if has_text => None,
            301 | 307 => Some(("PermanentRedirect", "Moved Permanently")),
            400 => Some(("BadRequest", "Bad Request")),
            403 => Some(("AccessDenied", "Access Denied")),
            404 => Some(("NotFound", "Not Found")),
            _ => None,
        };
        let meta = answered.err().meta();
        let (code, message) = match (meta.code(), by_status()) {
            (Some(code), by_status) => {
                (code, meta.message().or(by_status.map(|(_, text)| text)).unwrap_or(code))
            }
            (None, Some(told)) => told,
            (None, None) => return no_answer(format!("its answer (status {status}) is not one of S3")),
        };
        Self::Refused(Box::new(Refused {
            service: Service::S3,
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: error.request_id().map(str::to_owned),
        }))
    }
}

/// A refusal of ours among the causes: what the credentials provider met while the SDK asked it.
fn own_refusal<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a AwsRefusal> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(refusal) = error.downcast_ref() {
            return Some(refusal);
        }
        next = error.source();
    }
    None
}

/// An error and its causes in one line, each text once: many show their cause themselves.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_quoted_as_aws_quotes_one() {
        let mut refused = Refused {
            service: Service::S3,
            status: 403,
            code: "AccessDenied".to_owned(),
            message: "Access Denied".to_owned(),
            request_id: Some("ABC".to_owned()),
        };
        assert_eq!(
            refused.to_string(),
            "Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: ABC)"
        );
        refused.request_id = None;
        assert_eq!(
            refused.to_string(),
            "Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)"
        );
    }

    #[test]
    fn a_role_that_cannot_be_assumed_is_said_in_the_words_of_create_pipeline() {
        let cause = Box::new(Refused {
            service: Service::Sts,
            status: 403,
            code: "AccessDenied".to_owned(),
            message: "no".to_owned(),
            request_id: None,
        });
        let role = "arn:aws:iam::1:role/action".to_owned();
        let refusal = AwsRefusal::Role { role: role.clone(), by: None, cause: cause.clone() };
        assert_eq!(
            refusal.to_string(),
            "CodePipeline is not authorized to perform AssumeRole on role arn:aws:iam::1:role/action"
        );
        let refusal = AwsRefusal::Role { role, by: Some("arn:aws:iam::1:role/pipeline".to_owned()), cause };
        assert_eq!(
            refusal.to_string(),
            "arn:aws:iam::1:role/pipeline is not authorized to perform AssumeRole on role \
             arn:aws:iam::1:role/action"
        );
    }
}
