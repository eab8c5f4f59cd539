//! CodeCommit's operations. What is in the repositories comes and goes by git itself, see `git_http`, or by files.

mod files;

use std::collections::BTreeMap;

use penstock_actors::companions::codecommit::records::RepositoryRecord;
use penstock_actors::companions::codecommit::refusal::Refusal;
use penstock_actors::companions::codecommit::service::NewRepository;
use penstock_actors::companions::place::Place;
use penstock_actors::companions::wall_clock;
use penstock_actors::git::commit::Person;
use penstock_engine::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, Handler, decode};
use crate::services::Services;

/// How many repositories or branches are listed at once.
const PAGE: usize = 1000;

/// The handler of an operation.
pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "BatchGetRepositories" => |services, caller, input| Box::pin(batch_get(services, caller, input)),
        "CreateBranch" => |services, caller, input| Box::pin(create_branch(services, caller, input)),
        "CreateCommit" => |services, caller, input| Box::pin(files::create_commit(services, caller, input)),
        "CreateRepository" => |services, caller, input| Box::pin(create(services, caller, input)),
        "DeleteBranch" => |services, caller, input| Box::pin(delete_branch(services, caller, input)),
        "DeleteFile" => |services, caller, input| Box::pin(files::delete_file(services, caller, input)),
        "DeleteRepository" => |services, caller, input| Box::pin(delete(services, caller, input)),
        "GetBranch" => |services, caller, input| Box::pin(get_branch(services, caller, input)),
        "GetCommit" => |services, caller, input| Box::pin(get_commit(services, caller, input)),
        "GetFile" => |services, caller, input| Box::pin(files::get_file(services, caller, input)),
        "GetFolder" => |services, caller, input| Box::pin(files::get_folder(services, caller, input)),
        "GetRepository" => |services, caller, input| Box::pin(get(services, caller, input)),
        "ListBranches" => |services, caller, input| Box::pin(list_branches(services, caller, input)),
        "ListRepositories" => |services, caller, input| Box::pin(list(services, caller, input)),
        "ListTagsForResource" => |services, caller, input| Box::pin(list_tags(services, caller, input)),
        "PutFile" => |services, caller, input| Box::pin(files::put_file(services, caller, input)),
        "TagResource" => |services, caller, input| Box::pin(tag(services, caller, input)),
        "UntagResource" => |services, caller, input| Box::pin(untag(services, caller, input)),
        "UpdateDefaultBranch" => {
            |services, caller, input| Box::pin(set_default_branch(services, caller, input))
        }
        "UpdateRepositoryDescription" => {
            |services, caller, input| Box::pin(describe(services, caller, input))
        }
        "UpdateRepositoryEncryptionKey" => {
            |services, caller, input| Box::pin(set_key(services, caller, input))
        }
        "UpdateRepositoryName" => |services, caller, input| Box::pin(rename(services, caller, input)),
        _ => return None,
    })
}

fn place(caller: &Caller) -> Place<'_> {
    Place { account: &caller.account, region: &caller.region }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    repository_name: String,
    repository_description: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    kms_key_id: Option<String>,
}

async fn create(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Create = decode(input)?;
    let new = NewRepository {
        name: input.repository_name,
        description: input.repository_description,
        kms_key: input.kms_key_id,
        tags: input.tags,
    };
    let made = services.codecommit.create(place(caller), new, wall_clock::now()).await?;
    Ok(Some(json!({ "repositoryMetadata": metadata(services, &made).await? })))
}

/// What most operations take, each its part.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfRepository {
    repository_name: String,
    #[serde(default)]
    branch_name: String,
    #[serde(default)]
    default_branch_name: String,
    #[serde(default)]
    commit_id: String,
    repository_description: Option<String>,
    next_token: Option<String>,
}

async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: OfRepository = decode(input)?;
    let found = services.codecommit.get(place(caller), &input.repository_name).await?;
    Ok(Some(json!({ "repositoryMetadata": metadata(services, &found).await? })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchGet {
    repository_names: Vec<String>,
}

async fn batch_get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let BatchGet { repository_names } = decode(input)?;
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in repository_names {
        match services.codecommit.get(place(caller), &name).await {
            Ok(record) => found.push(metadata(services, &record).await?),
            Err(refusal) if refusal.code == Some("RepositoryDoesNotExistException") => missing.push(name),
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(Some(json!({ "repositories": found, "repositoriesNotFound": missing })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    next_token: Option<String>,
    sort_by: Option<String>,
    order: Option<String>,
}

/// A token is the name of the last repository that was shown. A list in another order than by name is whole.
async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let List { next_token, sort_by, order } = decode(input)?;
    let mut found = services.codecommit.list(place(caller), next_token.as_deref()).await?;
    let by_date = sort_by.as_deref() == Some("lastModifiedDate");
    let descending = order.as_deref() == Some("descending");
    if by_date {
        found.sort_by_key(|record| record.modified);
    }
    if descending {
        found.reverse();
    }
    let is_more = found.len() > PAGE && !by_date && !descending;
    if is_more {
        found.truncate(PAGE);
    }
    let shown: Vec<Value> = found
        .iter()
        .map(|record| json!({ "repositoryName": record.name, "repositoryId": record.id }))
        .collect();
    let mut answer = json!({ "repositories": shown });
    if let Some(last) = found.last().filter(|_| is_more) {
        answer["nextToken"] = Value::from(last.name.as_str());
    }
    Ok(Some(answer))
}

async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: OfRepository = decode(input)?;
    let deleted = services.codecommit.delete(place(caller), &input.repository_name).await?;
    Ok(Some(deleted.map_or_else(|| json!({}), |id| json!({ "repositoryId": id }))))
}

async fn describe(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: OfRepository = decode(input)?;
    let description = input.repository_description.filter(|text| !text.is_empty());
    let now = wall_clock::now();
    services.codecommit.describe(place(caller), &input.repository_name, description, now).await?;
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rename {
    old_name: String,
    new_name: String,
}

async fn rename(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Rename { old_name, new_name } = decode(input)?;
    services.codecommit.rename(place(caller), &old_name, &new_name, wall_clock::now()).await?;
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetKey {
    repository_name: String,
    kms_key_id: String,
}

async fn set_key(services: &Services, caller: &Caller, input: Value) -> Answer {
    let SetKey { repository_name, kms_key_id } = decode(input)?;
    let (id, was) = services.codecommit.set_key(place(caller), &repository_name, kms_key_id.clone()).await?;
    let mut answer = json!({ "repositoryId": id, "kmsKeyId": kms_key_id });
    if let Some(was) = was {
        answer["originalKmsKeyId"] = was.into();
    }
    Ok(Some(answer))
}

async fn get_branch(services: &Services, caller: &Caller, input: Value) -> Answer {
    let OfRepository { repository_name, branch_name, .. } = decode(input)?;
    let id = services.codecommit.branch(place(caller), &repository_name, &branch_name).await?;
    Ok(Some(json!({ "branch": { "branchName": branch_name, "commitId": id.as_str() } })))
}

/// A token is the last branch that was shown.
async fn list_branches(services: &Services, caller: &Caller, input: Value) -> Answer {
    let OfRepository { repository_name, next_token, .. } = decode(input)?;
    let mut branches = services.codecommit.list_branches(place(caller), &repository_name).await?;
    branches.retain(|branch| next_token.as_ref().is_none_or(|after| branch > after));
    let is_more = branches.len() > PAGE;
    branches.truncate(PAGE);
    let last = branches.last().cloned().filter(|_| is_more);
    let mut answer = json!({ "branches": branches });
    if let Some(last) = last {
        answer["nextToken"] = Value::from(last);
    }
    Ok(Some(answer))
}

async fn create_branch(services: &Services, caller: &Caller, input: Value) -> Answer {
    let OfRepository { repository_name, branch_name, commit_id, .. } = decode(input)?;
    let codecommit = &services.codecommit;
    let record = codecommit.create_branch(place(caller), &repository_name, &branch_name, &commit_id).await?;
    services.pipelines()?.pushed(codecommit, &record).await;
    Ok(None)
}

async fn delete_branch(services: &Services, caller: &Caller, input: Value) -> Answer {
    let OfRepository { repository_name, branch_name, .. } = decode(input)?;
    let codecommit = &services.codecommit;
    let deleted = codecommit.delete_branch(place(caller), &repository_name, &branch_name).await?;
    let record = codecommit.get(place(caller), &repository_name).await?;
    services.pipelines()?.pushed(codecommit, &record).await;
    Ok(Some(deleted.map_or_else(
        || json!({}),
        |id| json!({ "deletedBranch": { "branchName": branch_name, "commitId": id.as_str() } }),
    )))
}

async fn set_default_branch(services: &Services, caller: &Caller, input: Value) -> Answer {
    let OfRepository { repository_name, default_branch_name, .. } = decode(input)?;
    services.codecommit.set_default_branch(place(caller), &repository_name, &default_branch_name).await?;
    Ok(None)
}

async fn get_commit(services: &Services, caller: &Caller, input: Value) -> Answer {
    let OfRepository { repository_name, commit_id, .. } = decode(input)?;
    let commit = services.codecommit.commit(place(caller), &repository_name, &commit_id).await?;
    Ok(Some(json!({ "commit": {
        "commitId": commit.id.as_str(),
        "treeId": commit.tree,
        "parents": commit.parents,
        "message": commit.message,
        "author": person(&commit.author),
        "committer": person(&commit.committer),
        "additionalData": "",
    } })))
}

/// The date is git's own: seconds and offset.
fn person(person: &Person) -> Value {
    json!({
        "name": person.name,
        "email": person.email,
        "date": format!("{} {}", person.at.0 / 1000, person.zone),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfResource {
    resource_arn: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

impl OfResource {
    /// The name of the caller's repository that it means.
    fn repository(&self, caller: &Caller) -> Result<String, AwsError> {
        let prefix = format!("arn:aws:codecommit:{}:{}:", caller.region, caller.account);
        let name = self.resource_arn.strip_prefix(&prefix).filter(|name| !name.is_empty());
        name.map(str::to_owned).ok_or_else(|| {
            AwsError::client("InvalidResourceArnException", "The specified resource ARN is not valid.")
        })
    }
}

async fn list_tags(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: OfResource = decode(input)?;
    let found = services.codecommit.get(place(caller), &input.repository(caller)?).await?;
    Ok(Some(json!({ "tags": found.tags })))
}

async fn tag(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: OfResource = decode(input)?;
    services.codecommit.tag(place(caller), &input.repository(caller)?, input.tags).await?;
    Ok(None)
}

async fn untag(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: OfResource = decode(input)?;
    services.codecommit.untag(place(caller), &input.repository(caller)?, &input.tag_keys).await?;
    Ok(None)
}

async fn metadata(services: &Services, record: &RepositoryRecord) -> Result<Value, AwsError> {
    let mut shown = Map::new();
    let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    set("accountId", record.account.as_str().into());
    set("repositoryId", record.id.as_str().into());
    set("repositoryName", record.name.as_str().into());
    if let Some(description) = &record.description {
        set("repositoryDescription", description.as_str().into());
    }
    if let Some(branch) = services.codecommit.default_branch(record).await? {
        set("defaultBranch", branch.into());
    }
    set("lastModifiedDate", seconds(record.modified));
    set("creationDate", seconds(record.created));
    set("cloneUrlHttp", services.codecommit.clone_url(&record.name).into());
    set("Arn", record.arn().into());
    if let Some(key) = &record.kms_key {
        set("kmsKeyId", key.as_str().into());
    }
    Ok(Value::Object(shown))
}

fn seconds(moment: Timestamp) -> Value {
    json!(moment.epoch_seconds())
}

impl From<Refusal> for AwsError {
    fn from(refusal: Refusal) -> Self {
        match refusal.code {
            Some("ServiceUnavailable") => Self::new("ServiceUnavailable", 503, refusal.message),
            Some(code) => Self::client(code, refusal.message),
            None => {
                tracing::error!(cause = refusal.message, "a request to CodeCommit failed");
                Self::internal()
            }
        }
    }
}
