//! What a failed action says: AWS's words where they are known, otherwise what is wrong and what to do.

use penstock_engine::action::{ArtifactLocation, Failure};

use crate::aws::endpoint::{Endpoint, Service};
use crate::aws::refusal::AwsRefusal;
use crate::aws::role::Access;

const CONFIGURATION: &str = "ConfigurationError";
const PERMISSION: &str = "PermissionError";
const JOB: &str = "JobFailed";

pub(super) fn configuration(message: impl Into<String>) -> Failure {
    Failure::new(CONFIGURATION, message)
}

pub(super) fn permission(message: impl Into<String>) -> Failure {
    Failure::new(PERMISSION, message)
}

pub(super) fn job(message: impl Into<String>) -> Failure {
    Failure::new(JOB, message)
}

/// No session could be had.
pub(crate) fn of_access(access: &Access, refusal: &AwsRefusal) -> Failure {
    let AwsRefusal::Role { role, by, cause } = refusal else {
        return of_service(refusal);
    };
    let who = if by.is_some() { access.pipeline_role.as_str() } else { "codepipeline.amazonaws.com" };
    Failure::new(
        PERMISSION,
        format!(
            "{refusal}. Make sure that the role {role} exists and that its trust policy allows {who} to assume \
             it, and then try again. Error: {cause}"
        ),
    )
}

/// A bucket that the person named in the action's configuration (reference: the texts of S3 actions).
pub(super) fn of_bucket(access: &Access, bucket: &str, refusal: &AwsRefusal) -> Failure {
    match refusal {
        AwsRefusal::Role { .. } => of_access(access, refusal),
        AwsRefusal::Refused(refused) if refusal.is_denied() => Failure::new(
            PERMISSION,
            format!(
                "The service role or action role doesn’t have the permissions required to access the Amazon S3 \
                 bucket named {bucket}. Update the IAM role permissions, and then try again. Error: \
                 {}:{}:{refused}",
                refused.service.name(),
                refused.code
            ),
        ),
        AwsRefusal::Refused(_) if refusal.is_elsewhere() => configuration(format!(
            "The bucket named {bucket} is not located in the {} AWS region",
            access.region
        )),
        AwsRefusal::Refused(refused) if refused.code == "NoSuchBucket" => configuration(format!(
            "No bucket with the name {bucket} was found. Create the bucket, or choose another one in the action's \
             configuration, and then try again. Error: {refused}"
        )),
        AwsRefusal::Refused(refused) => {
            job(format!("Amazon S3 refused a request for the bucket named {bucket}. Error: {refused}"))
        }
        AwsRefusal::NoAnswer { .. } => of_service(refusal),
    }
}

/// A service that the daemon does not have and that nobody has said where it is.
pub(super) fn not_configured(service: Service) -> Failure {
    configuration(format!(
        "No endpoint of {} is configured, and this daemon has none of its own. Set {} (or AWS_ENDPOINT_URL, for all \
         services) to where one is, start the daemon again, and then try again.",
        service.name(),
        service.variable()
    ))
}

/// A function that cannot be invoked. The text is inferred.
pub(super) fn of_function(function: &str, refusal: &AwsRefusal) -> Failure {
    match refusal {
        AwsRefusal::Refused(refused) if refusal.is_denied() => Failure::new(
            PERMISSION,
            format!("The role is not allowed to invoke the AWS Lambda function {function}. Error: {refused}"),
        ),
        AwsRefusal::Refused(_) if refusal.is_absent() => configuration(format!(
            "No AWS Lambda function with the name {function} was found. Create the function, or name another one in \
             the configuration, and then try again."
        )),
        other => of_service(other),
    }
}

/// An alarm that cannot be looked at. The text is inferred.
pub(super) fn of_alarm(alarm: &str, refusal: &AwsRefusal) -> Failure {
    match refusal {
        AwsRefusal::Refused(refused) if refusal.is_denied() => Failure::new(
            PERMISSION,
            format!(
                "The role is not allowed to look at the Amazon CloudWatch alarm {alarm}. Error: {refused}"
            ),
        ),
        other => of_service(other),
    }
}

/// The artifact store, when it is written to.
pub(super) fn of_output(access: &Access, artifact: &ArtifactLocation, refusal: &AwsRefusal) -> Failure {
    let bucket = &artifact.bucket;
    match refusal {
        AwsRefusal::Refused(refused) if refusal.is_denied() => Failure::new(
            PERMISSION,
            format!(
                "CodePipeline service role \"{}\" is getting S3 access denied for the S3 bucket \"{bucket}\". Error: \
                 {refused}",
                access.action_role.as_ref().unwrap_or(&access.pipeline_role)
            ),
        ),
        AwsRefusal::Refused(refused) if refused.code == "NoSuchBucket" => configuration(format!(
            "The artifact bucket {bucket} was not found. Create it again, or choose another one as the pipeline's \
             artifact store, and then try again. Error: {refused}"
        )),
        other => of_bucket(access, bucket, other),
    }
}

/// An input artifact that cannot be read. S3 tells whoever may not list a bucket that a missing key is denied,
/// and so AWS has one text for both.
pub(super) fn of_input(access: &Access, artifact: &ArtifactLocation, refusal: &AwsRefusal) -> Failure {
    let ArtifactLocation { bucket, key, name, .. } = artifact;
    let unable = format!(
        "Unable to access the artifact with Amazon S3 object key '{key}' located in the Amazon S3 artifact bucket \
         '{bucket}'."
    );
    match refusal {
        AwsRefusal::Refused(refused) if refusal.is_denied() => Failure::new(
            PERMISSION,
            format!("{unable} The provided role does not have sufficient permissions. Error: {refused}"),
        ),
        AwsRefusal::Refused(refused) if refusal.is_absent() => job(format!(
            "{unable} The artifact '{name}' is not there: start the pipeline again, so that it is made anew. \
             Error: {refused}"
        )),
        other => of_bucket(access, bucket, other),
    }
}

fn of_service(refusal: &AwsRefusal) -> Failure {
    match refusal {
        AwsRefusal::NoAnswer { endpoint: Endpoint::Embedded, .. } => {
            job(format!("There is {refusal}. Its log says more; start the pipeline again."))
        }
        AwsRefusal::NoAnswer { service, endpoint, .. } => job(format!(
            "There is {refusal}. Make sure that {endpoint} is up and is an endpoint of {}, and then try again.",
            service.name()
        )),
        other => job(format!("A request was refused. Error: {other}")),
    }
}
