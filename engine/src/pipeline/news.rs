//! What happened to a source: it starts the pipeline if the current version follows that source, and the pipeline
//! does not know it yet.

use crate::declaration::action::ActionDeclaration;
use crate::declaration::pipeline::ExecutionMode;
use crate::ids::ExecutionId;
use crate::source::{SourceRevisionOverride, SourceRevisionType, location, polls, source_actions, types_of};
use crate::step::{Answer, Effect, ReplyId, Step};
use crate::time::Timestamp;
use crate::triggers::{Detection, GitEvent, started_by};

use super::input::{NewRevision, StartRequest};
use super::machine::Pipeline;
use super::state::{StartedByChange, Trigger, TriggerType};

/// News of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceNews {
    /// The id of the execution that it may start, drawn by the caller.
    pub id: ExecutionId,
    /// Stands for the news themselves, so that hearing them twice starts one execution.
    pub token: Option<String>,
    /// The execution that this token started before, if the store knows one.
    pub known: Option<ExecutionId>,
    /// What happened.
    pub what: News,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// That is the newest version of an object.
    Object(ObjectVersion),
    /// That is the newest commit of a branch of a CodeCommit repository.
    Branch(BranchHead),
    /// A push, or something with a pull request.
    Git(Box<GitEvent>),
}

/// A version of an S3 object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    /// The bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// The version's id.
    pub version: String,
    /// Its ETag without quotes.
    pub etag: String,
    /// When it was stored.
    pub modified: Timestamp,
}

/// The newest commit of a branch of a CodeCommit repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchHead {
    /// The repository.
    pub repository: String,
    /// The branch.
    pub branch: String,
    /// The commit's id.
    pub commit: String,
    /// When it was pushed.
    pub pushed: Timestamp,
}

/// A revision at a place where a source action may look for it.
struct Found<'a> {
    place: String,
    revision_id: &'a str,
    change_id: Option<&'a str>,
    created: Timestamp,
    revision_type: SourceRevisionType,
}

impl Pipeline {
    /// Starts an execution, or does not, and says which.
    pub(super) fn hear(&mut self, news: SourceNews, reply: ReplyId, now: Timestamp) -> Step {
        let SourceNews { id, token, known, what } = news;
        let unfinished = token.as_deref().and_then(|token| self.started_by(token));
        if let Some(known) = unfinished.map(|execution| &execution.id).or(known.as_ref()) {
            return Step::answer(reply, Ok(Answer::Started(Some(known.clone()))));
        }
        let start = match what {
            News::Object(_) | News::Branch(_) if self.polling_disabled_at(now).is_some() => None,
            News::Object(object) => self.start_by_revision(
                &Found {
                    place: format!("{}/{}", object.bucket, object.key),
                    revision_id: &object.version,
                    change_id: Some(&object.etag),
                    created: object.modified,
                    revision_type: SourceRevisionType::S3ObjectVersionId,
                },
                id,
            ),
            News::Branch(head) => self.start_by_revision(
                &Found {
                    place: format!("{}/{}", head.repository, head.branch),
                    revision_id: &head.commit,
                    change_id: None,
                    created: head.pushed,
                    revision_type: SourceRevisionType::CommitId,
                },
                id,
            ),
            News::Git(event) => self.start_by_git(&event, id),
        };
        let Some(start) = start else { return Step::answer(reply, Ok(Answer::Started(None))) };
        let mut step = Step::default();
        match self.begin_execution(StartRequest { token, ..start }, now, &mut step) {
            Ok(id) => {
                let answer = Ok(Answer::Started(Some(id)));
                step.effects.insert(0, Effect::Answer { reply, answer });
                step
            }
            Err(rejection) => Step::refuse(reply, rejection),
        }
    }

    /// The revision is taken as it is, so that each is run once; but in PARALLEL mode executions take what is newest
    /// when their source action begins (guide: "concepts-how-it-works").
    fn start_by_revision(&self, found: &Found<'_>, id: ExecutionId) -> Option<StartRequest> {
        let declaration = &self.current()?.declaration;
        let follows = |action: &&ActionDeclaration| {
            polls(action)
                && location(action).as_ref() == Some(&found.place)
                && types_of(&action.action_type_id.provider).contains(&found.revision_type)
        };
        let news: Vec<&ActionDeclaration> = source_actions(declaration)
            .filter(follows)
            .filter(|action| self.is_news(action, found))
            .collect();
        let first = news.first()?;
        let pinned = declaration.execution_mode != Some(ExecutionMode::Parallel);
        let trigger_detail = Some(first.name.clone());
        Some(StartRequest {
            id,
            token: None,
            known: None,
            variables: Vec::new(),
            overrides: news.iter().filter(|_| pinned).map(|action| found.of(action)).collect(),
            revisions: news.iter().map(|action| found.known_to(action)).collect(),
            change: None,
            trigger: Trigger { trigger_type: TriggerType::PollForSourceChanges, trigger_detail },
        })
    }

    /// Where nothing is known of a source, what is older than the declaration is no change (inferred): the execution
    /// that creating the pipeline started was there to take it.
    fn is_news(&self, action: &ActionDeclaration, found: &Found<'_>) -> bool {
        let known = self.head.sources.get(&action.name);
        match known.filter(|known| known.location.as_ref() == Some(&found.place)) {
            Some(known) => known.revision_id != found.revision_id,
            None => found.created >= self.head.updated,
        }
    }

    fn start_by_git(&self, event: &GitEvent, id: ExecutionId) -> Option<StartRequest> {
        let (action, detection) = started_by(&self.current()?.declaration, event)?;
        let trigger_type = match detection {
            Detection::Filtered => TriggerType::WebhookV2,
            Detection::Plain => TriggerType::Webhook,
        };
        let connection = action.configuration.get("ConnectionArn").map(String::as_str).unwrap_or_default();
        let detail = event.change.detail(&event.repository, connection);
        let commit = SourceRevisionOverride {
            action_name: action.name.clone(),
            revision_type: SourceRevisionType::CommitId,
            revision_value: event.change.commit.id.clone(),
        };
        Some(StartRequest {
            id,
            token: None,
            known: None,
            variables: Vec::new(),
            overrides: vec![commit],
            revisions: Vec::new(),
            change: Some(StartedByChange { action: action.name.clone(), change: event.change.clone() }),
            trigger: Trigger { trigger_type, trigger_detail: Some(detail) },
        })
    }
}

impl Found<'_> {
    /// What that action takes.
    fn of(&self, action: &ActionDeclaration) -> SourceRevisionOverride {
        SourceRevisionOverride {
            action_name: action.name.clone(),
            revision_type: self.revision_type,
            revision_value: self.revision_id.to_owned(),
        }
    }

    /// What is known of the action's source from now on.
    fn known_to(&self, action: &ActionDeclaration) -> NewRevision {
        NewRevision {
            action: action.name.clone(),
            revision_id: self.revision_id.to_owned(),
            change_id: self.change_id.map(str::to_owned),
            created: self.created,
            location: Some(self.place.clone()),
        }
    }
}
