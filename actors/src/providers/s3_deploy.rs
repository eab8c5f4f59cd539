//! Deploy/AWS/S3: an artifact, or the files in it, become objects of a bucket (user guide,
//! action-reference-S3Deploy).

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::types::ObjectCannedAcl;
use futures_util::stream::{self, TryStreamExt};
use penstock_engine::action::{ArtifactLocation, Failure, Progress, Success, Work};
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use penstock_engine::ids::ActionExecutionId;
use penstock_engine::time::Timestamp;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::artifacts::stored::Spool;
use crate::artifacts::transfer::{self, DownloadError, Headers, Metadata, Source, Target};
use crate::artifacts::zip::{Limits, Unpacked, unpack};
use crate::aws::clients::AwsClients;
use crate::aws::refusal::AwsRefusal;
use crate::aws::role::Access;
use crate::aws::s3::S3;

use super::configuration::{input, optional, required, required_boolean};
use super::failures;
use super::provider::{Provider, Reporter};

/// Files of one artifact that are uploaded at once.
const UPLOADS: usize = 8;

/// Artifacts that are unpacked at once: each holds up to [`UPLOADS`] files in memory or spooled.
const UNPACKING: usize = 8;

/// The content type of what has no better one, as S3's own default.
const ANY: &str = "binary/octet-stream";

/// Deploy/AWS/S3. Run again after a restart it writes the same bytes under the same keys again.
#[derive(Debug)]
pub struct S3Deploy {
    clients: AwsClients,
    spool: Spool,
    unpacking: Arc<Semaphore>,
}

impl S3Deploy {
    /// Calls S3 through these clients, and keeps files on their way in that spool.
    pub fn new(clients: AwsClients, spool: Spool) -> Self {
        Self { clients, spool, unpacking: Arc::new(Semaphore::new(UNPACKING)) }
    }
}

#[async_trait]
impl Provider for S3Deploy {
    fn action_type(&self) -> ActionTypeId {
        ActionTypeId {
            category: ActionCategory::Deploy,
            owner: ActionOwner::Aws,
            provider: "S3".to_owned(),
            version: "1".to_owned(),
        }
    }

    async fn run(&self, work: Work, _: &dyn Reporter) -> Result<Success, Failure> {
        let extract = required_boolean(&work, "Extract")?;
        let deployment = Deployment::of(&work)?;
        if extract {
            let _permit = self.unpacking.acquire().await;
            let s3 = deployment.s3(&self.clients).await?;
            deployment.files(&s3, &self.spool).await?;
        } else {
            let s3 = deployment.s3(&self.clients).await?;
            deployment.whole(&s3, required(&work, "ObjectKey")?).await?;
        }
        Ok(Success {
            progress: Progress {
                external_id: Some(short_id(&work.id)),
                summary: Some("Deployment Succeeded".to_owned()),
                ..Progress::default()
            },
            ..Success::default()
        })
    }
}

/// What is deployed where.
struct Deployment<'a> {
    work: &'a Work,
    access: Access,
    bucket: &'a str,
    artifact: &'a ArtifactLocation,
    headers: Headers,
}

impl<'a> Deployment<'a> {
    fn of(work: &'a Work) -> Result<Self, Failure> {
        let owned = |key| optional(work, key).map(str::to_owned);
        Ok(Self {
            access: Access::from(work),
            bucket: required(work, "BucketName")?,
            artifact: input(work)?,
            headers: Headers {
                content_type: None,
                cache_control: owned("CacheControl"),
                acl: optional(work, "CannedACL").map(canned_acl).transpose()?,
                kms_key: owned("KMSEncryptionKeyARN"),
                by_kms: false,
            },
            work,
        })
    }

    async fn s3(&self, clients: &AwsClients) -> Result<S3, Failure> {
        clients.s3(&self.access).await.map_err(|refusal| failures::of_access(&self.access, &refusal))
    }

    fn source(&self) -> Source<'a> {
        Source { bucket: &self.artifact.bucket, key: &self.artifact.key, version: None }
    }

    fn headers_for(&self, key: &str) -> Headers {
        let guess = mime_guess::from_path(key).first_raw().unwrap_or(ANY);
        Headers { content_type: Some(guess.to_owned()), ..self.headers.clone() }
    }

    /// The artifact as it is, under one key.
    async fn whole(&self, s3: &S3, template: &str) -> Result<(), Failure> {
        let key = filled_in(template, self.work);
        let headers = self.headers_for(&key);
        let to = Target { bucket: self.bucket, key: &key, headers: &headers };
        match transfer::copy(s3, self.source(), to, Metadata::Replaced).await {
            Ok(()) => Ok(()),
            Err(refusal) => Err(self.blamed(s3, &refusal).await),
        }
    }

    /// Who is to blame for a copy that was refused: S3 does not say whether it was the artifact or the target.
    async fn blamed(&self, s3: &S3, refusal: &AwsRefusal) -> Failure {
        let Source { bucket, key, .. } = self.source();
        let look = s3.client.get_object().bucket(bucket).key(key).range("bytes=0-0").send().await;
        match look.map_err(|error| s3.refusal(&error)) {
            Err(cause) if cause.is_denied() || cause.is_absent() => {
                failures::of_input(&self.access, self.artifact, &cause)
            }
            _ => failures::of_bucket(&self.access, self.bucket, refusal),
        }
    }

    /// Every file of the artifact under a key of its own.
    async fn files(&self, s3: &S3, spool: &Spool) -> Result<(), Failure> {
        let prefix = optional(self.work, "ObjectKey").map(|template| filled_in(template, self.work));
        let archive = transfer::download(s3, self.source(), spool).await.map_err(|error| match error {
            DownloadError::Aws(refusal) => failures::of_input(&self.access, self.artifact, &refusal),
            DownloadError::Disk(_) => {
                failures::job(format!("The artifact '{}' cannot be unpacked: {error}.", self.artifact.name))
            }
        })?;
        let files = unpack(archive, Limits::default(), spool.clone());
        let files = stream::unfold(files, async |mut files| files.recv().await.map(|file| (file, files)));
        files
            .map_err(|error| {
                failures::job(format!("The artifact '{}' cannot be unpacked: {error}.", self.artifact.name))
            })
            .try_for_each_concurrent(UPLOADS, |file| self.upload(s3, prefix.as_deref(), file))
            .await
    }

    async fn upload(&self, s3: &S3, prefix: Option<&str>, file: Unpacked) -> Result<(), Failure> {
        let key = joined(prefix, &file.path);
        let headers = self.headers_for(&key);
        let to = Target { bucket: self.bucket, key: &key, headers: &headers };
        transfer::put(s3, &file.content, to)
            .await
            .map_err(|refusal| failures::of_bucket(&self.access, self.bucket, &refusal))
    }
}

fn canned_acl(name: &str) -> Result<ObjectCannedAcl, Failure> {
    if ObjectCannedAcl::values().contains(&name) {
        return Ok(ObjectCannedAcl::from(name));
    }
    Err(failures::configuration(format!(
        "The value '{name}' of 'CannedACL' is not a canned ACL for objects. Choose one of {}, and then try again.",
        ObjectCannedAcl::values().join(", ")
    )))
}

/// `{datetime}` is when the action began, `{uuid}` follows from its id: one that runs again writes the same keys.
fn filled_in(template: &str, work: &Work) -> String {
    template.replace("{datetime}", &date_and_time(work.started)).replace("{uuid}", &name_of(&work.id))
}

/// UTC, as `2024-05-06_07-08-09`.
fn date_and_time(moment: Timestamp) -> String {
    let seconds = i64::try_from(moment.0 / 1000).unwrap_or_default();
    let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let format = format_description!("[year]-[month]-[day]_[hour]-[minute]-[second]");
    moment.format(&format).unwrap_or_default()
}

fn name_of(id: &ActionExecutionId) -> String {
    let namespace = Uuid::parse_str(id.as_str()).unwrap_or(Uuid::NAMESPACE_OID);
    Uuid::new_v5(&namespace, b"{uuid}").to_string()
}

/// Eight letters and digits, the form seen at AWS.
fn short_id(id: &ActionExecutionId) -> String {
    id.as_str().chars().filter(char::is_ascii_alphanumeric).take(8).collect()
}

fn joined(prefix: Option<&str>, path: &str) -> String {
    match prefix {
        Some(prefix) if prefix.ends_with('/') => format!("{prefix}{path}"),
        Some(prefix) => format!("{prefix}/{path}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_without_colons() {
        assert_eq!(date_and_time(Timestamp(1_714_979_289_999)), "2024-05-06_07-08-09");
    }

    #[test]
    fn paths_are_joined_with_one_slash() {
        assert_eq!(joined(None, "a/b"), "a/b");
        assert_eq!(joined(Some("site"), "a/b"), "site/a/b");
        assert_eq!(joined(Some("site/"), "a/b"), "site/a/b");
    }

    #[test]
    fn a_canned_acl_is_one_that_s3_knows() {
        assert_eq!(canned_acl("public-read"), Ok(ObjectCannedAcl::PublicRead));
        let refused = canned_acl("public").map_err(|failure| failure.message);
        assert!(refused.is_err_and(|text| text.contains("'public'") && text.contains("bucket-owner-read")));
    }
}
