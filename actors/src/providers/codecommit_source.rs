//! Source/AWS/CodeCommit: a commit of a branch becomes an artifact (user guide, action-reference-CodeCommit).

use std::collections::BTreeMap;

use async_trait::async_trait;
use penstock_engine::action::{Failure, Progress, SourceRevision, Success, Work};
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use penstock_engine::source::{SourceRevisionType, overridden};

use crate::artifacts::stored::Spool;
use crate::artifacts::transfer::{self, Headers, Target};
use crate::aws::clients::AwsClients;
use crate::aws::permits::NotPermitted;
use crate::aws::role::Access;
use crate::companions::codecommit::refusal::Refusal;
use crate::companions::codecommit::service::CodeCommit;
use crate::companions::place::Place;
use crate::git::commit::{Commit, cut};

use super::configuration::{output, required, store_key};
use super::failures;
use super::git_source::{Format, clone_reference};
use super::provider::{Provider, Reporter};
use super::size_limits::{GIT_GIGABYTES, check_source_size};

/// The longest message that a summary shows: AWS's summaries are bounded.
const LONGEST_SUMMARY: usize = 2000;

/// Source/AWS/CodeCommit.
///
/// The commit is recorded before its files are read: run again after a restart, the action takes the same one.
#[derive(Debug)]
pub struct CodeCommitSource {
    clients: AwsClients,
    spool: Spool,
    codecommit: CodeCommit,
}

impl CodeCommitSource {
    /// Takes sources from that service.
    pub fn new(clients: AwsClients, spool: Spool, codecommit: CodeCommit) -> Self {
        Self { clients, spool, codecommit }
    }
}

#[async_trait]
impl Provider for CodeCommitSource {
    fn action_type(&self) -> ActionTypeId {
        ActionTypeId {
            category: ActionCategory::Source,
            owner: ActionOwner::Aws,
            provider: "CodeCommit".to_owned(),
            version: "1".to_owned(),
        }
    }

    async fn run(&self, work: Work, reporter: &dyn Reporter) -> Result<Success, Failure> {
        let (name, branch) = (required(&work, "RepositoryName")?, required(&work, "BranchName")?);
        let format = Format::of(&work)?;
        let artifact = output(&work)?;
        let access = Access::from(&work);
        let s3 = self.clients.s3(&access).await.map_err(|refusal| failures::of_access(&access, &refusal))?;

        let session = self.clients.permits(&access).await;
        let session = session.map_err(|refusal| failures::of_access(&access, &refusal))?;
        let arn = format!("arn:aws:codecommit:{}:{}:{name}", work.region, work.pipeline.account);
        let may = async |operation: &str| {
            let permitted = session.may(&format!("codecommit:{operation}"), &arn).await;
            permitted.map_err(|refusal| of_permission(name, &refusal))
        };

        let place = Place { account: &work.pipeline.account, region: &work.region };
        let record =
            self.codecommit.get(place, name).await.map_err(|refusal| of_repository(name, &refusal))?;
        let told = work.resume.as_deref().or(overridden(&work.overrides, SourceRevisionType::CommitId));
        let id = match told {
            Some(id) => id.to_owned(),
            None => {
                may("GetBranch").await?;
                let head = self.codecommit.branch(place, name, branch).await;
                head.map_err(|refusal| of_branch(name, branch, &refusal))?.to_string()
            }
        };
        may("GetCommit").await?;
        let commit = self.codecommit.commit(place, name, &id).await;
        let commit = commit.map_err(|refusal| of_commit(name, &id, &refusal))?;
        let success = found(&work, name, branch, &commit);
        reporter.progress(success.progress.clone()).await;

        let body = match format {
            Format::Zip => {
                // Only policies know these operations: the service has a repository packed by them.
                may("UploadArchive").await?;
                may("GetUploadArchiveStatus").await?;
                let contents = self.codecommit.contents(&record);
                let contents = contents.map_err(|refusal| of_repository(name, &refusal))?;
                let packed = contents.pack(&commit.id, commit.committer.at, &self.spool).await;
                packed.map_err(|error| {
                    failures::job(format!(
                        "The commit {id} of the repository {name} cannot be packed: {error}."
                    ))
                })?
            }
            Format::CloneReference => {
                may("GetRepository").await?;
                let url = self.codecommit.clone_url(name);
                clone_reference(&work, name, &url, commit.id.as_str(), branch, None)
            }
        };
        let headers = Headers::of_artifact(&s3, store_key(&work));
        let to = Target { bucket: &artifact.bucket, key: &artifact.key, headers: &headers };
        check_source_size(body.length(), GIT_GIGABYTES)?;
        transfer::put(&s3, &body, to)
            .await
            .map_err(|refusal| failures::of_output(&access, artifact, &refusal))?;
        Ok(success)
    }
}

fn found(work: &Work, name: &str, branch: &str, commit: &Commit) -> Success {
    let id = commit.id.to_string();
    let summary = cut(&commit.message, LONGEST_SUMMARY).to_owned();
    let url = format!(
        "https://{}.console.aws.amazon.com/codecommit/home#/repository/{name}/commit/{id}",
        work.region
    );
    let variables = [
        ("AuthorDate", commit.author.date()),
        ("BranchName", branch.to_owned()),
        ("CommitId", id.clone()),
        ("CommitMessage", commit.message.clone()),
        ("CommitterDate", commit.committer.date()),
        ("RepositoryName", name.to_owned()),
    ];
    Success {
        progress: Progress {
            external_id: Some(id.clone()),
            summary: Some(summary.clone()),
            url: Some(url.clone()),
            ..Progress::default()
        },
        output_variables: BTreeMap::from(variables.map(|(name, value)| (name.to_owned(), value))),
        revision: Some(SourceRevision {
            action: work.action.clone(),
            artifact: work.outputs.first().map(|artifact| artifact.name.clone()).unwrap_or_default(),
            revision_id: id.clone(),
            change_identifier: Some(id),
            summary: Some(summary),
            url: Some(url),
            created: Some(commit.committer.at),
        }),
    }
}

fn of_permission(name: &str, refusal: &NotPermitted) -> Failure {
    failures::permission(format!(
        "The service role or action role doesn’t have the permissions required to access the AWS CodeCommit repository \
         named {name}. Update the IAM role permissions, and then try again. Error: {refusal} (Service: AWSCodeCommit; \
         Status Code: 400; Error Code: AccessDeniedException)"
    ))
}

fn of_repository(name: &str, refusal: &Refusal) -> Failure {
    failures::configuration(format!(
        "Could not access the CodeCommit repository {name}. Make sure that the pipeline IAM role has sufficient \
         permissions to access the repository. Error: {refusal}"
    ))
}

fn of_branch(name: &str, branch: &str, refusal: &Refusal) -> Failure {
    failures::configuration(format!(
        "No branch {branch} was found in the CodeCommit repository {name}. Push the branch, or choose another one in the \
         action's configuration, and then try again. Error: {refusal}"
    ))
}

fn of_commit(name: &str, id: &str, refusal: &Refusal) -> Failure {
    failures::configuration(format!(
        "No commit {id} was found in the CodeCommit repository {name}. Start the pipeline with a commit that is there. \
         Error: {refusal}"
    ))
}
