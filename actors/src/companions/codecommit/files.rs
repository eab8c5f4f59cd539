//! Files and folders of a repository: read, and changed by commits that nobody pushes.

use std::collections::BTreeMap;

use penstock_engine::time::Timestamp;

use crate::companions::place::Place;
use crate::git::import::Import;
use crate::git::names::ObjectId;
use crate::git::repository::Repository;
use crate::git::tree::{Entry, Kind};

use super::branches::check_branch;
use super::edits::{Edits, no_file, relative};
use super::records::RepositoryRecord;
use super::refusal::Refusal;
use super::service::CodeCommit;

/// The largest file that GetFile shows, in bytes.
const LARGEST_SHOWN: u64 = 6 << 20;

/// A commit that is to be made.
#[derive(Clone, Debug)]
pub struct NewCommit {
    /// Of which branch.
    pub branch: String,
    /// What the caller takes for the branch's newest commit.
    pub parent: Option<String>,
    /// Who makes it.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What it says of itself.
    pub message: String,
    /// What is different.
    pub edits: Edits,
}

/// A commit that was made.
#[derive(Clone, Debug)]
pub struct Committed {
    /// In which repository.
    pub repository: RepositoryRecord,
    /// Its id.
    pub commit: ObjectId,
    /// Its tree's.
    pub tree: String,
    /// What there was before, by path.
    pub before: BTreeMap<String, Entry>,
    /// What there is now.
    pub after: BTreeMap<String, Entry>,
}

/// A file of a commit.
#[derive(Clone, Debug)]
pub struct FoundFile {
    /// Which commit.
    pub commit: ObjectId,
    /// Its path.
    pub path: String,
    /// What it is.
    pub entry: Entry,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// A folder of a commit.
#[derive(Clone, Debug)]
pub struct FoundFolder {
    /// Which commit.
    pub commit: ObjectId,
    /// Its path; empty is the root.
    pub path: String,
    /// Its tree.
    pub tree: ObjectId,
    /// What is directly in it, by name.
    pub entries: BTreeMap<String, Entry>,
}

impl CodeCommit {
    /// CreateCommit, PutFile and DeleteFile; nothing if the commit would change nothing.
    pub async fn make_commit(
        &self,
        place: Place<'_>,
        name: &str,
        new: &NewCommit,
        now: Timestamp,
    ) -> Result<Option<Committed>, Refusal> {
        self.accepts_data()?;
        check_branch(&new.branch)?;
        let _changing = self.changing().await;
        let repository = self.get(place, name).await?;
        let contents = self.contents(&repository)?;
        let parent = parent(&contents, new).await?;
        let before = match &parent {
            Some(id) => contents.files(id).await?,
            None => BTreeMap::new(),
        };
        let edits = new.edits.of(&before)?;
        if edits.is_empty() {
            return Ok(None);
        }
        let NewCommit { branch, name, email, message, .. } = new;
        let import = Import { branch, parent: parent.as_ref(), name, email, at: now, message, edits };
        let commit = contents.import(&import).await?.ok_or_else(|| outdated(branch))?;
        drop(import);
        let tree = contents.commit(&commit).await?.map(|made| made.tree).unwrap_or_default();
        let after = contents.files(&commit).await?;
        Ok(Some(Committed { repository, commit, tree, before, after }))
    }

    /// GetFile.
    pub async fn file(
        &self,
        place: Place<'_>,
        name: &str,
        commit: Option<&str>,
        path: &str,
    ) -> Result<FoundFile, Refusal> {
        let contents = self.contents(&self.get(place, name).await?)?;
        let commit = resolve(&contents, commit).await?;
        let path = relative(path);
        let found = contents.files(&commit).await?.remove(&path);
        let entry = found.filter(|entry| entry.kind != Kind::Submodule).ok_or_else(|| no_file(&path))?;
        if contents.size(&entry.id).await? > LARGEST_SHOWN {
            let text = format!("{path} is larger than 6 MB: clone the repository.");
            return Err(Refusal::new("FileTooLargeException", text));
        }
        let content = contents.content(&entry.id).await?;
        Ok(FoundFile { commit, path, entry, content })
    }

    /// GetFolder.
    pub async fn folder_of(
        &self,
        place: Place<'_>,
        name: &str,
        commit: Option<&str>,
        path: &str,
    ) -> Result<FoundFolder, Refusal> {
        let contents = self.contents(&self.get(place, name).await?)?;
        let commit = resolve(&contents, commit).await?;
        let path = relative(path).trim_end_matches('/').to_owned();
        let found = contents.folder(&commit, &path).await?;
        let absent = || Refusal::new("FolderDoesNotExistException", format!("{path} does not exist"));
        let (tree, entries) = found.ok_or_else(absent)?;
        Ok(FoundFolder { commit, tree, entries, path })
    }
}

/// The commit before the new one: the branch's newest, which the caller has to know.
async fn parent(contents: &Repository, new: &NewCommit) -> Result<Option<ObjectId>, Refusal> {
    let head = contents.branch(&new.branch).await?;
    let Some(head) = head else {
        return match new.parent {
            _ if !contents.refs().await?.is_empty() => Err(Refusal::no_branch(&new.branch)),
            Some(_) => Err(no_parent()),
            None => Ok(None),
        };
    };
    let Some(told) = &new.parent else {
        let text = format!(
            "The parent commit ID is required because the branch {} has commits: it is {head}.",
            new.branch
        );
        return Err(Refusal::new("ParentCommitIdRequiredException", text));
    };
    let told = ObjectId::parse(told).ok_or_else(|| {
        Refusal::new("InvalidParentCommitIdException", "The specified parent commit ID is not valid.")
    })?;
    if told == head {
        return Ok(Some(head));
    }
    if contents.commit(&told).await?.is_none() { Err(no_parent()) } else { Err(outdated(&new.branch)) }
}

fn no_parent() -> Refusal {
    Refusal::new("ParentCommitDoesNotExistException", "The specified parent commit ID does not exist.")
}

fn outdated(branch: &str) -> Refusal {
    let text = format!("The specified parent commit ID is not the newest commit of the branch {branch}.");
    Refusal::new("ParentCommitIdOutdatedException", text)
}

/// The commit that a caller means; without a word the default branch's newest.
async fn resolve(contents: &Repository, named: Option<&str>) -> Result<ObjectId, Refusal> {
    let named = named.unwrap_or("HEAD");
    let found = contents.resolve(named).await?;
    found.ok_or_else(|| {
        Refusal::new("CommitDoesNotExistException", format!("The commit {named} does not exist"))
    })
}
