//! `CodeCommit Repository State Change` events (user guide, "Monitoring CodeCommit events in Amazon EventBridge").

use serde_json::json;

use crate::companions::events::records::Happening;
use crate::companions::wall_clock;
use crate::git::names::ObjectId;

use super::records::RepositoryRecord;

/// A branch or a tag that is not as it was: what it was, and what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed<'a> {
    /// `branch` or `tag`.
    pub(crate) kind: &'static str,
    /// Without `refs/heads/` or `refs/tags/`.
    pub(crate) name: &'a str,
    /// None where it is new.
    pub(crate) old: Option<&'a ObjectId>,
    /// None where it is gone.
    pub(crate) new: Option<&'a ObjectId>,
}

/// The event of that change.
pub(crate) fn changed(repository: &RepositoryRecord, change: Changed<'_>) -> Happening {
    let Changed { kind, name, old, new } = change;
    let event = match (old, new) {
        (None, _) => "referenceCreated",
        (Some(_), None) => "referenceDeleted",
        (Some(_), Some(_)) => "referenceUpdated",
    };
    let folder = if kind == "branch" { "heads" } else { "tags" };
    let mut detail = json!({
        "event": event,
        "repositoryName": repository.name,
        "repositoryId": repository.id,
        "referenceType": kind,
        "referenceName": name,
        "referenceFullName": format!("refs/{folder}/{name}"),
        // Nobody signs in to push here.
        "callerUserArn": format!("arn:aws:iam::{}:root", repository.account),
    });
    if let Some(commit) = new {
        detail["commitId"] = json!(commit.to_string());
    }
    if let Some(commit) = old {
        detail["oldCommitId"] = json!(commit.to_string());
    }
    Happening {
        account: repository.account.clone(),
        region: repository.region.clone(),
        source: "aws.codecommit".to_owned(),
        detail_type: "CodeCommit Repository State Change".to_owned(),
        time: wall_clock::now(),
        resources: vec![repository.arn()],
        detail,
    }
}
