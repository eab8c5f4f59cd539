//! Source/AWS/S3: the newest version of an object, or the one that the execution was told to take, becomes an
//! artifact (user guide, action-reference-S3).

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use penstock_engine::action::{Failure, Progress, SourceRevision, Success, Work};
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use penstock_engine::source::{SourceRevisionType, overridden};
use penstock_engine::time::Timestamp;

use crate::artifacts::transfer::{self, Headers, Metadata, Source, Target};
use crate::aws::clients::AwsClients;
use crate::aws::refusal::AwsRefusal;
use crate::aws::role::Access;
use crate::aws::s3::S3;

use super::configuration::{output, required, store_key};
use super::failures;
use super::provider::{Provider, Reporter};
use super::size_limits::{S3_GIGABYTES, check_source_size};

/// The object metadata that stands in for the revision's summary.
const SUMMARY: &str = "codepipeline-artifact-revision-summary";

/// The version id of objects from before their bucket had versioning.
const UNVERSIONED: &str = "null";

/// Source/AWS/S3.
///
/// Run again after a restart it looks for the newest version again, and may find another one: nothing of the
/// first run was recorded, and the artifact is overwritten. Recording the version first would cost every
/// execution a commit.
#[derive(Debug)]
pub struct S3Source {
    clients: AwsClients,
}

impl S3Source {
    /// Calls S3 through these.
    pub fn new(clients: AwsClients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl Provider for S3Source {
    fn action_type(&self) -> ActionTypeId {
        ActionTypeId {
            category: ActionCategory::Source,
            owner: ActionOwner::Aws,
            provider: "S3".to_owned(),
            version: "1".to_owned(),
        }
    }

    async fn run(&self, work: Work, _: &dyn Reporter) -> Result<Success, Failure> {
        let bucket = required(&work, "S3Bucket")?;
        let key = match overridden(&work.overrides, SourceRevisionType::S3ObjectKey) {
            Some(key) => key,
            None => required(&work, "S3ObjectKey")?,
        };
        let artifact = output(&work)?;
        let access = Access::from(&work);
        let s3 = self.clients.s3(&access).await.map_err(|refusal| failures::of_access(&access, &refusal))?;

        check_versioning(&s3, &access, bucket).await?;
        let told = overridden(&work.overrides, SourceRevisionType::S3ObjectVersionId);
        let object = find(&s3, &access, bucket, key, told).await?;
        let bytes = object.content_length().and_then(|bytes| u64::try_from(bytes).ok());
        check_source_size(bytes.unwrap_or_default(), S3_GIGABYTES)?;
        let version = object.version_id().unwrap_or(UNVERSIONED);

        let from = Source { bucket, key, version: Some(version) };
        let headers = Headers::of_artifact(&s3, store_key(&work));
        let to = Target { bucket: &artifact.bucket, key: &artifact.key, headers: &headers };
        if let Err(refusal) = transfer::copy(&s3, from, to, Metadata::Kept).await {
            return Err(blamed(&s3, &access, &work, from, refusal).await);
        }
        Ok(found(&work, bucket, key, version, &object))
    }
}

async fn check_versioning(s3: &S3, access: &Access, bucket: &str) -> Result<(), Failure> {
    let versioned = s3.is_versioned(bucket).await;
    if versioned.map_err(|refusal| failures::of_bucket(access, bucket, &refusal))? {
        return Ok(());
    }
    Err(failures::configuration(format!(
        "Versioning is not enabled for the Amazon S3 bucket named {bucket}, and an Amazon S3 source action needs it. \
         Enable versioning for the bucket, and then try again."
    )))
}

/// That version of the object, or else the newest.
async fn find(
    s3: &S3,
    access: &Access,
    bucket: &str,
    key: &str,
    version: Option<&str>,
) -> Result<HeadObjectOutput, Failure> {
    let look = s3.client.head_object().bucket(bucket).key(key).set_version_id(version.map(str::to_owned));
    let answer = look.send().await;
    let answer = match answer.map_err(|error| s3.refusal(&error)) {
        Ok(object) => s3.expected(object.e_tag().map(drop)).map(|()| object),
        // The answer to a HEAD has no text: a GET's says what is missing.
        Err(refusal) if refusal.is_denied() => {
            Err(refused_in_words(s3, bucket, key, version).await.unwrap_or(refusal))
        }
        Err(refusal) => Err(refusal),
    };
    answer.map_err(|refusal| match (refusal, version) {
        // What is no version id at all is a bad request, and a HEAD has no body to say so.
        (refusal, Some(version)) if refusal.is_absent() || refusal.is_bad_request() => {
            failures::configuration(format!(
                "No version {version} of the object with the key {key} was found in the Amazon S3 bucket named \
                 {bucket}. Start the pipeline with a version that is there."
            ))
        }
        (refusal, _) if refusal.is_absent() => failures::configuration(format!(
            "No object with the key {key} was found in the Amazon S3 bucket named {bucket}. Upload the object, or \
             choose another one in the action's configuration, and then try again."
        )),
        (refusal, _) => failures::of_bucket(access, bucket, &refusal),
    })
}

/// Who is to blame for a copy that was refused: S3 does not say whether it was the source or the target.
async fn blamed(s3: &S3, access: &Access, work: &Work, from: Source<'_>, refusal: AwsRefusal) -> Failure {
    let Source { bucket, key, version } = from;
    match refused_in_words(s3, bucket, key, version).await {
        Some(cause) if cause.is_denied() || cause.is_absent() => failures::of_bucket(access, bucket, &cause),
        _ => match output(work) {
            Ok(artifact) => failures::of_output(access, artifact, &refusal),
            Err(failure) => failure,
        },
    }
}

/// Why an object cannot be read, if it cannot.
async fn refused_in_words(s3: &S3, bucket: &str, key: &str, version: Option<&str>) -> Option<AwsRefusal> {
    let look = s3.client.get_object().bucket(bucket).key(key).set_version_id(version.map(str::to_owned));
    look.range("bytes=0-0").send().await.err().map(|error| s3.refusal(&error))
}

fn found(work: &Work, bucket: &str, key: &str, version: &str, object: &HeadObjectOutput) -> Success {
    // Clients of S3 know an ETag without the quotes that HTTP puts around it.
    let etag = object.e_tag().unwrap_or_default().trim_matches('"');
    let told = object.metadata().and_then(|metadata| metadata.get(SUMMARY)).filter(|told| !told.is_empty());
    let summary = told.cloned().unwrap_or_else(|| format!("Amazon S3 version id: {version}"));
    let created = object.last_modified().and_then(|when| when.to_millis().ok());
    let variables = [("BucketName", bucket), ("ETag", etag), ("ObjectKey", key), ("VersionId", version)];
    Success {
        progress: Progress {
            external_id: Some(version.to_owned()),
            summary: Some(summary.clone()),
            ..Progress::default()
        },
        output_variables: BTreeMap::from(variables.map(|(name, value)| (name.to_owned(), value.to_owned()))),
        revision: Some(SourceRevision {
            action: work.action.clone(),
            artifact: work.outputs.first().map(|artifact| artifact.name.clone()).unwrap_or_default(),
            revision_id: version.to_owned(),
            change_identifier: Some(etag.to_owned()),
            summary: Some(summary),
            url: None,
            created: created.and_then(|millis| u64::try_from(millis).ok()).map(Timestamp),
        }),
    }
}
