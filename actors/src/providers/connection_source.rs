//! Source/AWS/CodeStarSourceConnection: a commit of a repository becomes an artifact (user guide,
//! action-reference-CodestarConnectionSource).
//!
//! The repository is one that the person mapped to a git repository at hand, else one at GitHub. Any connection
//! will do, also one of another account: whether the repository can be read is up to the mapping or the token.

use async_trait::async_trait;
use penstock_engine::action::{Failure, Progress, SourceRevision, Success, Work};
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use penstock_engine::source::{SourceRevisionType, overridden};
use penstock_engine::time::Timestamp;
use penstock_engine::triggers::{CONNECTION, Commit, GitChange, GitSubject};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

use crate::artifacts::stored::{Spool, Stored};
use crate::artifacts::transfer::{self, Headers, Target};
use crate::aws::clients::AwsClients;
use crate::aws::role::Access;
use crate::git::commit::cut;
use crate::git::fetch::{Fetched, Part, fetch};
use crate::git::mapping::{Mappings, Place};
use crate::git::names::{ObjectId, is_ref_name};
use crate::git::repository::Repository;
use crate::github::client::GitHub;
use crate::github::repack::repack;

use super::configuration::{output, required, store_key};
use super::failures;
use super::git_source::{Format, clone_reference};
use super::provider::{Provider, Reporter};
use super::size_limits::{GIT_GIGABYTES, check_source_size};

/// What may stand in a parameter of the console's URLs as it is.
const PARAMETER: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b':');

/// The longest message that a summary shows: AWS's summaries are bounded.
const LONGEST_SUMMARY: usize = 1500;

/// From where sources are taken.
#[derive(Clone, Debug)]
pub struct Origins {
    /// Repositories at hand.
    pub mappings: Mappings,
    /// Where all others are.
    pub github: GitHub,
}

/// Source/AWS/CodeStarSourceConnection.
///
/// The commit is recorded before its files are read: run again after a restart, the action takes the same one.
#[derive(Debug)]
pub struct ConnectionSource {
    clients: AwsClients,
    spool: Spool,
    origins: Origins,
}

impl ConnectionSource {
    /// Takes sources from there.
    pub fn new(clients: AwsClients, spool: Spool, origins: Origins) -> Self {
        Self { clients, spool, origins }
    }
}

#[async_trait]
impl Provider for ConnectionSource {
    fn action_type(&self) -> ActionTypeId {
        ActionTypeId {
            category: ActionCategory::Source,
            owner: ActionOwner::Aws,
            provider: CONNECTION.to_owned(),
            version: "1".to_owned(),
        }
    }

    async fn run(&self, work: Work, reporter: &dyn Reporter) -> Result<Success, Failure> {
        let connection = required(&work, "ConnectionArn")?;
        check_connection(connection)?;
        let wanted = Wanted::of(&work)?;
        let format = Format::of(&work)?;
        let artifact = output(&work)?;
        let access = Access::from(&work);
        let s3 = self.clients.s3(&access).await.map_err(|refusal| failures::of_access(&access, &refusal))?;

        self.may_use(&access, connection, &wanted).await?;

        let source = self.find(&wanted).await?;
        let change = change(&work, &wanted, source.commit.clone());
        let success = found(&work, connection, &wanted, &change, source.committed);
        reporter.progress(success.progress.clone()).await;

        let body = match format {
            Format::Zip => self.pack(&source, &wanted).await?,
            Format::CloneReference => {
                let url = self.clone_url(&wanted).await?;
                clone_reference(
                    &work,
                    wanted.repository,
                    &url,
                    &source.commit.id,
                    wanted.branch,
                    Some(connection),
                )
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

/// What the action looks for.
struct Wanted<'a> {
    repository: &'a str,
    branch: &'a str,
    /// Instead of the branch's newest: what an earlier run of the action took, what the start named, what the
    /// change was that started the execution.
    commit: Option<ObjectId>,
}

impl<'a> Wanted<'a> {
    fn of(work: &'a Work) -> Result<Self, Failure> {
        let (repository, branch) = (required(work, "FullRepositoryId")?, required(work, "BranchName")?);
        let is_name = repository.split('/').count() > 1
            && repository.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !is_name {
            return Err(failures::configuration(format!(
                "'{repository}' is not the full id of a repository, such as owner/name. Choose another one in the \
                 action's configuration, and then try again."
            )));
        }
        if !is_ref_name(branch) {
            return Err(no_branch(repository, branch, "no branch can have such a name"));
        }
        let told = overridden(&work.overrides, SourceRevisionType::CommitId);
        let changed = work.change.as_ref().map(|change| change.commit.id.as_str());
        let commit = work.resume.as_deref().or(told).or(changed);
        let commit = commit.map(|id| {
            ObjectId::parse(id).ok_or_else(|| {
                failures::configuration(format!(
                    "'{id}' is not the id of a commit: give all of its digits, and then start the pipeline again."
                ))
            })
        });
        Ok(Self { repository, branch, commit: commit.transpose()? })
    }
}

/// What was found.
struct Source {
    origin: Origin,
    commit: Commit,
    id: ObjectId,
    committed: Timestamp,
}

enum Origin {
    Here(Repository),
    Fetched(Fetched),
    GitHub,
}

impl ConnectionSource {
    /// The connection is used under the action's role.
    async fn may_use(&self, access: &Access, connection: &str, wanted: &Wanted<'_>) -> Result<(), Failure> {
        let session = self.clients.permits(access).await;
        let session = session.map_err(|refusal| failures::of_access(access, &refusal))?;
        let permitted = session.may_use_connection(connection, wanted.repository, wanted.branch).await;
        permitted.map_err(|refusal| {
            failures::permission(format!(
                "Unable to use Connection: {connection}. The provided role does not have sufficient permissions. Error: \
                 {refusal}"
            ))
        })
    }

    async fn find(&self, wanted: &Wanted<'_>) -> Result<Source, Failure> {
        let Wanted { repository, branch, commit } = wanted;
        match self.origins.mappings.place(repository) {
            Some(place @ Place::Folder(folder)) => {
                let found = Repository::at(folder).map_err(|error| of_mapping(wanted, place, &error))?;
                let head = match commit {
                    Some(id) => Some(id.clone()),
                    None => found.branch(branch).await.map_err(|error| of_mapping(wanted, place, &error))?,
                };
                read(wanted, place, Origin::Here(found), head).await
            }
            Some(place @ Place::Url(url)) => {
                let part = if commit.is_some() { Part::All } else { Part::Newest(branch) };
                let fetched = fetch(url, part, &self.spool).await;
                let fetched = fetched.map_err(|error| of_mapping(wanted, place, &error))?;
                let newest = fetched.repository.branch(branch).await;
                let newest = newest.map_err(|error| of_mapping(wanted, place, &error))?;
                let head = commit.clone().or(newest);
                read(wanted, place, Origin::Fetched(fetched), head).await
            }
            None => {
                let answer = match commit {
                    Some(id) => self.origins.github.commit(repository, id).await,
                    None => self.origins.github.branch(repository, branch).await,
                };
                let found = answer.map_err(|error| of_github(wanted, &error))?;
                let id = ObjectId::parse(&found.commit.id)
                    .ok_or_else(|| of_github(wanted, &"it named no commit"))?;
                let committed = timestamp(&found.committed);
                Ok(Source { origin: Origin::GitHub, commit: found.commit, id, committed })
            }
        }
    }

    async fn pack(&self, source: &Source, wanted: &Wanted<'_>) -> Result<Stored, Failure> {
        let repository = match &source.origin {
            Origin::Here(repository) => repository,
            Origin::Fetched(fetched) => &fetched.repository,
            Origin::GitHub => {
                let archive = self.origins.github.archive(wanted.repository, &source.id, &self.spool).await;
                let archive = archive.map_err(|error| of_github(wanted, &error))?;
                let packed = repack(archive, source.committed, self.spool.clone()).await;
                return packed.map_err(|error| of_github(wanted, &error));
            }
        };
        let packed = repository.pack(&source.id, source.committed, &self.spool).await;
        packed.map_err(|error| {
            failures::job(format!(
                "The commit {} of {} cannot be packed: {error}.",
                source.id, wanted.repository
            ))
        })
    }

    async fn clone_url(&self, wanted: &Wanted<'_>) -> Result<String, Failure> {
        match self.origins.mappings.place(wanted.repository) {
            Some(Place::Folder(folder)) => Ok(folder.display().to_string()),
            Some(Place::Url(url)) => Ok(url.clone()),
            None => {
                let url = self.origins.github.clone_url(wanted.repository).await;
                url.map_err(|error| of_github(wanted, &error))
            }
        }
    }
}

async fn read(
    wanted: &Wanted<'_>,
    place: &Place,
    origin: Origin,
    head: Option<ObjectId>,
) -> Result<Source, Failure> {
    let Some(id) = head else {
        let why = format!("the repository is mapped to {place}, which has no such branch");
        return Err(no_branch(wanted.repository, wanted.branch, &why));
    };
    let repository = match &origin {
        Origin::Fetched(fetched) => &fetched.repository,
        Origin::Here(repository) => repository,
        Origin::GitHub => return Err(of_mapping(wanted, place, &"it is not mapped")),
    };
    let commit = repository.commit(&id).await.map_err(|error| of_mapping(wanted, place, &error))?;
    let commit = commit.ok_or_else(|| {
        failures::configuration(format!(
            "No commit {id} was found in the repository {}, which is mapped to {place}. Start the pipeline with a commit \
             that is there.",
            wanted.repository
        ))
    })?;
    Ok(Source { commit: commit.facts(), committed: commit.committer.at, id, origin })
}

/// The change that the variables tell of: the one that started the execution, if it is the one that was taken.
fn change(work: &Work, wanted: &Wanted<'_>, commit: Commit) -> GitChange {
    let started = work.change.as_ref().filter(|change| change.commit.id == commit.id);
    GitChange {
        provider: started.map_or_else(|| "GitHub".to_owned(), |change| change.provider.clone()),
        subject: started
            .map_or_else(|| GitSubject::Branch(wanted.branch.to_owned()), |change| change.subject.clone()),
        commit,
    }
}

fn found(
    work: &Work,
    connection: &str,
    wanted: &Wanted<'_>,
    change: &GitChange,
    committed: Timestamp,
) -> Success {
    let GitChange { provider, commit, .. } = change;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let variables = change.variables(wanted.repository, connection);
    let message = cut(&commit.message, LONGEST_SUMMARY);
    let summary = format!(r#"{{"ProviderType":{},"CommitMessage":{}}}"#, json!(provider), json!(message));
    let encoded = |text: &str| utf8_percent_encode(text, PARAMETER).to_string();
    let url = format!(
        "https://{region}.console.aws.amazon.com/codesuite/settings/connections/redirect?connectionArn={}&referenceType=\
         COMMIT&FullRepositoryId={}&Commit={}",
        encoded(connection),
        encoded(wanted.repository),
        commit.id,
        region = work.pipeline.region,
    );
    Success {
        progress: Progress {
            external_id: Some(commit.id.clone()),
            summary: Some(summary.clone()),
            url: Some(url.clone()),
            ..Progress::default()
        },
        output_variables: variables.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        revision: Some(SourceRevision {
            action: work.action.clone(),
            artifact: work.outputs.first().map(|artifact| artifact.name.clone()).unwrap_or_default(),
            revision_id: commit.id.clone(),
            change_identifier: Some(commit.id.clone()),
            summary: Some(summary),
            url: Some(url),
            created: Some(committed),
        }),
    }
}

/// Both services' names are in use. AWS has one text for a connection that is not there and for one that the role
/// may not use.
fn check_connection(arn: &str) -> Result<(), Failure> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    if let [_, partition, "codestar-connections" | "codeconnections", _, _, resource] = parts.as_slice()
        && arn.starts_with("arn:")
        && partition.starts_with("aws")
        && resource.strip_prefix("connection/").is_some_and(|id| !id.is_empty())
    {
        return Ok(());
    }
    let text = format!(
        "Unable to use Connection: {arn}. The provided role does not have sufficient permissions. It is not the ARN of \
         a connection."
    );
    Err(Failure::new("PermissionError", text))
}

fn no_branch(repository: &str, branch: &str, why: &str) -> Failure {
    failures::configuration(format!(
        "No branch [{branch}] was found in the repository [{repository}]: {why}. Choose another branch in the action's \
         configuration, and then try again."
    ))
}

fn of_mapping(wanted: &Wanted<'_>, place: &Place, error: &dyn std::fmt::Display) -> Failure {
    failures::configuration(format!(
        "The repository {} is mapped to {place} and cannot be read there: {error}. Map it with --map-repository {}=PATH \
         to a git repository, and then try again.",
        wanted.repository, wanted.repository
    ))
}

fn of_github(wanted: &Wanted<'_>, error: &dyn std::fmt::Display) -> Failure {
    let Wanted { repository, branch, .. } = wanted;
    failures::job(format!(
        "The branch {branch} of the repository {repository} cannot be read: {error}. To use a git repository at hand \
         instead, start the daemon with --map-repository {repository}=PATH, and then try again."
    ))
}

fn timestamp(iso: &str) -> Timestamp {
    let moment = OffsetDateTime::parse(iso, &Iso8601::DEFAULT).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    Timestamp(u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap_or_default())
}
