//! GitHub's webhook events, in the terms of triggers.

use std::collections::BTreeSet;

use penstock_engine::triggers::{Commit, GitChange, GitEvent, GitSubject, PullRequest, PullRequestEvent};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::AwsError;

/// The event of that kind; nothing for kinds that start no pipeline. Deleted branches and tags are none.
pub(crate) fn event(kind: &str, body: &[u8]) -> Result<Option<GitEvent>, AwsError> {
    match kind {
        "push" => Ok(push(read(body)?)),
        "pull_request" => Ok(pull_request(read(body)?)),
        "" => Err(AwsError::validation("The header X-GitHub-Event is missing.")),
        _ => Ok(None),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, AwsError> {
    serde_json::from_slice(body).map_err(|error| {
        AwsError::validation(format!("The request body is no such event of GitHub: {error}."))
    })
}

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    name: String,
    after: String,
    #[serde(default)]
    created: bool,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    commits: Vec<PushedCommit>,
    head_commit: Option<PushedCommit>,
    repository: Repository,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct PushedCommit {
    #[serde(default)]
    message: String,
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    author: Author,
    #[serde(default)]
    added: Vec<String>,
    #[serde(default)]
    modified: Vec<String>,
    #[serde(default)]
    removed: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Author {
    name: String,
    email: Option<String>,
    username: Option<String>,
}

fn push(push: Push) -> Option<GitEvent> {
    let subject = match push.name.strip_prefix("refs/heads/") {
        Some(branch) => GitSubject::Branch(branch.to_owned()),
        None => GitSubject::Tag(push.name.strip_prefix("refs/tags/")?.to_owned()),
    };
    if push.deleted {
        return None;
    }
    let changed = push.commits.iter().flat_map(|commit| {
        let PushedCommit { added, modified, removed, .. } = commit;
        added.iter().chain(modified).chain(removed).cloned()
    });
    // What a new branch has is not a change of anything.
    let files = (!push.created).then(|| changed.collect::<BTreeSet<String>>().into_iter().collect());
    let head = push.head_commit;
    let (author, message, date) =
        head.map(|head| (head.author, head.message, head.timestamp)).unwrap_or_default();
    let sender = push.sender.map(|sender| sender.login);
    let commit = Commit {
        id: push.after,
        message,
        author_name: author.name,
        author_email: author.email.unwrap_or_default(),
        author_id: author.username.or(sender).unwrap_or_default(),
        date,
    };
    let change = GitChange { provider: "GitHub".to_owned(), subject, commit };
    Some(GitEvent { repository: push.repository.full_name, change, files })
}

#[derive(Deserialize)]
struct PullRequestBody {
    action: String,
    number: u64,
    pull_request: Request,
    repository: Repository,
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    title: String,
    head: Head,
    base: Base,
    user: Option<User>,
    #[serde(default)]
    updated_at: String,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "ref")]
    name: String,
    sha: String,
}

#[derive(Deserialize)]
struct Base {
    #[serde(rename = "ref")]
    name: String,
}

/// GitHub does not say in the event which files a pull request changes: who needs them asks for them.
fn pull_request(body: PullRequestBody) -> Option<GitEvent> {
    let event = match body.action.as_str() {
        "opened" | "reopened" => PullRequestEvent::Open,
        "synchronize" => PullRequestEvent::Updated,
        "closed" => PullRequestEvent::Closed,
        _ => return None,
    };
    let Request { title, head, base, user, updated_at } = body.pull_request;
    let author = user.map(|user| user.login).unwrap_or_default();
    let commit = Commit {
        id: head.sha,
        message: title.clone(),
        author_name: author.clone(),
        author_id: author,
        date: updated_at,
        ..Commit::default()
    };
    let request = PullRequest {
        event,
        id: body.number.to_string(),
        title,
        source_branch: head.name,
        destination_branch: base.name,
    };
    let subject = GitSubject::PullRequest(request);
    let change = GitChange { provider: "GitHub".to_owned(), subject, commit };
    Some(GitEvent { repository: body.repository.full_name, change, files: None })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;

    fn of(kind: &str, body: &Value) -> Option<GitEvent> {
        event(kind, body.to_string().as_bytes()).unwrap()
    }

    fn pushed() -> Value {
        let commit = json!({"id": "c2", "message": "Fix", "timestamp": "2026-01-02T03:04:05Z",
            "author": {"name": "Ana", "email": "ana@example.com", "username": "ana"},
            "added": ["a"], "modified": ["b"], "removed": []});
        json!({"ref": "refs/heads/feature/x", "before": "c0", "after": "c2", "created": false, "deleted": false,
            "commits": [{"id": "c1", "added": [], "modified": ["b"], "removed": ["c"]}, commit],
            "head_commit": commit, "repository": {"full_name": "acme/shop"}, "sender": {"login": "bot"}})
    }

    #[test]
    fn a_push_names_its_branch_its_head_and_all_changed_files() {
        let event = of("push", &pushed()).unwrap();
        assert_eq!(event.repository, "acme/shop");
        assert_eq!(event.change.subject, GitSubject::Branch("feature/x".to_owned()));
        assert_eq!(event.files, Some(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
        let Commit { id, message, author_id, date, .. } = event.change.commit;
        assert_eq!([id, message, author_id, date], ["c2", "Fix", "ana", "2026-01-02T03:04:05Z"]);
    }

    #[test]
    fn a_new_branch_has_no_changed_files_and_a_deleted_one_is_no_event() {
        let mut push = pushed();
        push["created"] = json!(true);
        assert_eq!(of("push", &push).unwrap().files, None);
        push["deleted"] = json!(true);
        push["head_commit"] = Value::Null;
        assert_eq!(of("push", &push), None);
    }

    #[test]
    fn a_tag_is_told_from_a_branch() {
        let mut push = pushed();
        push["ref"] = json!("refs/tags/v1");
        assert_eq!(of("push", &push).unwrap().change.subject, GitSubject::Tag("v1".to_owned()));
        push["ref"] = json!("refs/notes/x");
        assert_eq!(of("push", &push), None);
    }

    #[test]
    fn a_pull_requests_actions_are_awss_events() {
        let body = |action: &str| {
            json!({"action": action, "number": 7, "repository": {"full_name": "acme/shop"},
                "pull_request": {"title": "Tax", "head": {"ref": "fix", "sha": "c1"}, "base": {"ref": "main"}}})
        };
        for (action, expected) in [
            ("opened", Some(PullRequestEvent::Open)),
            ("reopened", Some(PullRequestEvent::Open)),
            ("synchronize", Some(PullRequestEvent::Updated)),
            ("closed", Some(PullRequestEvent::Closed)),
            ("labeled", None),
        ] {
            let event = of("pull_request", &body(action));
            let found = event.map(|event| match event.change.subject {
                GitSubject::PullRequest(request) => request.event,
                other => unreachable!("{other:?}"),
            });
            assert_eq!(found, expected, "{action}");
        }
    }

    #[test]
    fn what_is_no_event_is_refused_and_other_kinds_are_ignored() {
        for (kind, body) in [("push", "{}"), ("push", "no json"), ("pull_request", "[]"), ("", "{}")] {
            assert_eq!(
                event(kind, body.as_bytes()).unwrap_err().code,
                "ValidationException",
                "{kind} {body}"
            );
        }
        assert_eq!(of("ping", &json!({"zen": "calm"})), None);
    }
}
