//! Which events of a git repository start a pipeline: the filters of V2 triggers (guide: "pipelines-filter",
//! "pipelines-triggers"), and the plain change detection of connections.
//!
//! Filters of a list are alternatives, and so are the two lists; all criteria of one filter must hold. Of the
//! patterns of one criterion one is enough, and an excluded name is out, whatever includes it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::declaration::action::ActionDeclaration;
use crate::declaration::pipeline::PipelineDeclaration;
use crate::declaration::trigger::{FilterCriteria, GitConfiguration, GitPullRequestFilter, GitPushFilter};
use crate::source::source_actions;

use glob::Glob;

mod glob;

/// The provider of source actions that follow a repository through a connection.
pub const CONNECTION: &str = "CodeStarSourceConnection";

/// Only so many changed files are looked at.
const FILES: usize = 100;

/// API reference: `triggerDetail`, in characters.
const DETAIL: usize = 1024;

/// Something that happened in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitEvent {
    /// `owner/name`.
    pub repository: String,
    /// What happened.
    pub change: GitChange,
    /// The changed files; `None` where there is nothing to compare with, as for the first push of a branch.
    pub files: Option<Vec<String>>,
}

/// What happened, as the source action that it starts is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitChange {
    /// Such as `GitHub`.
    pub provider: String,
    /// To what it happened.
    pub subject: GitSubject,
    /// The commit to take: the head of the pushed branch or tag, or of the pull request's source branch.
    pub commit: Commit,
}

/// To what it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GitSubject {
    /// A push to that branch.
    Branch(String),
    /// A push of that tag.
    Tag(String),
    /// An event of a pull request.
    PullRequest(PullRequest),
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullRequest {
    /// What happened to it.
    pub event: PullRequestEvent,
    /// Its number.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The branch with the changes.
    pub source_branch: String,
    /// The branch that shall take them.
    pub destination_branch: String,
}

/// API reference: `GitPullRequestEventType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum PullRequestEvent {
    Open,
    Updated,
    Closed,
}

impl PullRequestEvent {
    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Updated => "UPDATED",
            Self::Closed => "CLOSED",
        }
    }
}

/// What is known of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Commit {
    pub id: String,
    pub message: String,
    pub author_name: String,
    pub author_email: String,
    pub author_id: String,
    /// ISO 8601.
    pub date: String,
}

/// Whether filters let the event through, or there were none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detection {
    /// A trigger's filter: `WebhookV2`.
    Filtered,
    /// The connection's own change detection: `Webhook`.
    Plain,
}

/// The source action that the event concerns, if it starts the pipeline. Of several the first one.
pub fn started_by<'a>(
    declaration: &'a PipelineDeclaration,
    event: &GitEvent,
) -> Option<(&'a ActionDeclaration, Detection)> {
    let follows = |action: &&ActionDeclaration| {
        action.action_type_id.provider == CONNECTION
            && action.configuration.get("FullRepositoryId") == Some(&event.repository)
    };
    source_actions(declaration).filter(follows).find_map(|action| {
        let triggers = declaration.triggers.as_deref().unwrap_or_default();
        let own = triggers.iter().map(|trigger| &trigger.git_configuration);
        let mut own = own.filter(|git| git.source_action_name == action.name);
        match own.next() {
            // A trigger takes the place of the action's own detection.
            Some(git) => passes(git, event).then_some((action, Detection::Filtered)),
            None => detects(action, event).then_some((action, Detection::Plain)),
        }
    })
}

/// Whether it depends on the files that a pull request changes whether the event starts the pipeline. GitHub's events do
/// not name them.
pub fn asks_for_files(declaration: &PipelineDeclaration, event: &GitEvent) -> bool {
    let GitSubject::PullRequest(request) = &event.change.subject else { return false };
    let follows = |action: &ActionDeclaration| {
        action.configuration.get("FullRepositoryId") == Some(&event.repository)
            && action.action_type_id.provider == CONNECTION
    };
    let followed = source_actions(declaration).filter(|action| follows(action));
    let followed: Vec<&String> = followed.map(|action| &action.name).collect();
    let triggers = declaration.triggers.iter().flatten().map(|trigger| &trigger.git_configuration);
    triggers
        .filter(|git| followed.contains(&&git.source_action_name))
        .flat_map(|git| git.pull_request.iter().flatten())
        .any(|filter| filter.file_paths.is_some() && is_about(filter, request))
}

/// Guide: "action-reference-CodestarConnectionSource". Pushes to the action's branch, unless it says otherwise.
fn detects(action: &ActionDeclaration, event: &GitEvent) -> bool {
    let value = |key: &str| action.configuration.get(key);
    let on = value("DetectChanges").is_none_or(|detects| !detects.eq_ignore_ascii_case("false"));
    on && matches!(&event.change.subject, GitSubject::Branch(name) if value("BranchName") == Some(name))
}

fn passes(git: &GitConfiguration, event: &GitEvent) -> bool {
    match &event.change.subject {
        GitSubject::PullRequest(request) => {
            let filters = git.pull_request.as_deref().unwrap_or_default();
            filters.iter().any(|filter| takes_pull_request(filter, request, event))
        }
        subject => {
            let filters = git.push.as_deref().unwrap_or_default();
            filters.iter().any(|filter| takes_push(filter, subject, event))
        }
    }
}

fn takes_push(filter: &GitPushFilter, subject: &GitSubject, event: &GitEvent) -> bool {
    match subject {
        GitSubject::Tag(name) => filter.tags.as_ref().is_some_and(|tags| takes(tags, name)),
        GitSubject::Branch(name) => {
            filter.tags.is_none()
                && filter.branches.as_ref().is_none_or(|branches| takes(branches, name))
                && takes_files(filter.file_paths.as_ref(), event)
        }
        GitSubject::PullRequest(_) => false,
    }
}

fn takes_pull_request(filter: &GitPullRequestFilter, request: &PullRequest, event: &GitEvent) -> bool {
    is_about(filter, request) && takes_files(filter.file_paths.as_ref(), event)
}

/// The branch is the destination's. Without `events` all of them count (inferred).
fn is_about(filter: &GitPullRequestFilter, request: &PullRequest) -> bool {
    let named = |events: &Vec<String>| events.iter().any(|named| named == request.event.as_str());
    filter.events.as_ref().is_none_or(named)
        && filter.branches.as_ref().is_none_or(|branches| takes(branches, &request.destination_branch))
}

/// Each file is judged alone, and one that passes is enough. Without a comparison none does.
fn takes_files(criteria: Option<&FilterCriteria>, event: &GitEvent) -> bool {
    let Some(criteria) = criteria else { return true };
    let files = event.files.as_deref().unwrap_or_default();
    let (includes, excludes) = globs(criteria);
    files.iter().take(FILES).any(|file| is_taken(&includes, &excludes, file))
}

fn takes(criteria: &FilterCriteria, name: &str) -> bool {
    let (includes, excludes) = globs(criteria);
    is_taken(&includes, &excludes, name)
}

/// With exclusions only, everything else passes (inferred).
fn is_taken(includes: &[Glob], excludes: &[Glob], name: &str) -> bool {
    let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name));
    (includes.is_empty() || any(includes)) && !any(excludes)
}

fn globs(criteria: &FilterCriteria) -> (Vec<Glob>, Vec<Glob>) {
    let compile = |patterns: &Option<Vec<String>>| {
        patterns.iter().flatten().map(|pattern| Glob::new(pattern)).collect::<Vec<_>>()
    };
    (compile(&criteria.includes), compile(&criteria.excludes))
}

impl GitChange {
    /// The names and values that the source action hands on (guide: "reference-variables").
    pub fn variables(&self, repository: &str, connection: &str) -> Map<String, Value> {
        let Commit { id, message, author_name, author_email, author_id, date } = &self.commit;
        let mut variables = Map::new();
        let mut set = |name: &str, value: &str| {
            if !value.is_empty() {
                variables.insert(name.to_owned(), Value::from(value));
            }
        };
        set("ProviderType", &self.provider);
        set("ConnectionArn", connection);
        set("FullRepositoryName", repository);
        set("CommitId", id);
        set("AuthorDate", date);
        set("AuthorDisplayName", author_name);
        set("AuthorEmail", author_email);
        set("AuthorId", author_id);
        match &self.subject {
            GitSubject::Branch(name) => set("BranchName", name),
            GitSubject::Tag(name) => set("TagName", name),
            GitSubject::PullRequest(request) => {
                set("PullRequestId", &request.id);
                set("PullRequestTitle", &request.title);
                set("SourceBranchName", &request.source_branch);
                set("DestinationBranchName", &request.destination_branch);
            }
        }
        set("CommitMessage", message);
        variables
    }

    /// The trigger's detail: the facts of the change as JSON (inferred), as many as there is room for.
    pub(crate) fn detail(&self, repository: &str, connection: &str) -> String {
        let mut facts = self.variables(repository, connection);
        loop {
            let detail = Value::Object(facts.clone()).to_string();
            // The longest goes first: a message or a title.
            let longest = facts.iter().max_by_key(|(_, value)| value.as_str().map_or(0, str::len));
            let Some((name, _)) = longest.filter(|_| detail.chars().count() > DETAIL) else { return detail };
            let name = name.clone();
            facts.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests;
