//! A repository on this machine: only ever read, unless it is one of our own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use penstock_engine::time::Timestamp;

use crate::artifacts::stored::{Spool, Stored};

use super::commit::Commit;
use super::names::{ObjectId, is_ref_name};
use super::pack;
use super::program::{GitError, PATIENCE, answer, local};

/// A repository, with or without a working tree. What is committed counts, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    git_dir: PathBuf,
}

impl Repository {
    /// The repository in that folder; the folders around it are not looked into.
    pub fn at(folder: &Path) -> Result<Self, GitError> {
        let inner = folder.join(".git");
        let git_dir = if inner.exists() { inner } else { folder.to_owned() };
        // A working tree of several has a file that says where the rest is.
        let is_one = git_dir.is_file() || git_dir.join("HEAD").is_file();
        if is_one { Ok(Self { git_dir }) } else { Err(GitError::NoRepository(folder.display().to_string())) }
    }

    /// Makes a bare one, of our own.
    pub async fn make(folder: &Path) -> Result<Self, GitError> {
        let mut command = local(folder);
        command.args(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"]);
        answer(command, "init", PATIENCE).await?;
        Self::at(folder)
    }

    /// The branch that a clone checks out, once there is such a branch.
    pub async fn default_branch(&self) -> Result<Option<String>, GitError> {
        let mut command = local(&self.git_dir);
        command.args(["symbolic-ref", "--quiet", "HEAD"]);
        let head = answer(command, "symbolic-ref", PATIENCE).await?.unwrap_or_default();
        let head = String::from_utf8_lossy(&head).trim().to_owned();
        let Some(branch) = head.strip_prefix("refs/heads/") else { return Ok(None) };
        Ok(self.branch(branch).await?.map(|_| branch.to_owned()))
    }

    /// Chooses the branch that a clone checks out, in a repository of our own.
    pub async fn set_default_branch(&self, branch: &str) -> Result<(), GitError> {
        let mut command = local(&self.git_dir);
        command.args(["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
        answer(command, "symbolic-ref", PATIENCE).await.map(drop)
    }

    /// Points a branch to a commit, or removes it, in a repository of our own. The name has been checked.
    pub async fn set_branch(&self, branch: &str, commit: Option<&ObjectId>) -> Result<(), GitError> {
        let mut command = local(&self.git_dir);
        command.args(["-c", "core.fsync=all", "update-ref"]);
        let name = format!("refs/heads/{branch}");
        match commit {
            Some(id) => command.args([&name, id.as_str()]),
            None => command.args(["-d", &name]),
        };
        answer(command, "update-ref", PATIENCE).await.map(drop)
    }

    /// Where its records are.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Where the records are that its working trees share.
    pub async fn common_dir(&self) -> Result<PathBuf, GitError> {
        if self.git_dir.is_dir() && !self.git_dir.join("commondir").exists() {
            return Ok(self.git_dir.clone());
        }
        let mut command = local(&self.git_dir);
        command.args(["rev-parse", "--path-format=absolute", "--git-common-dir"]);
        let found = answer(command, "rev-parse", PATIENCE).await?.unwrap_or_default();
        Ok(PathBuf::from(String::from_utf8_lossy(&found).trim_end_matches('\n')))
    }

    /// The newest commit of a branch, if there is such a branch.
    pub async fn branch(&self, name: &str) -> Result<Option<ObjectId>, GitError> {
        if !is_ref_name(name) {
            return Ok(None);
        }
        let mut command = local(&self.git_dir);
        command.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
        command.arg(format!("refs/heads/{name}^{{commit}}"));
        let found = answer(command, "rev-parse", PATIENCE).await?;
        Ok(found.and_then(|id| ObjectId::parse(&String::from_utf8_lossy(&id))))
    }

    /// All branches and tags (`refs/heads/…`, `refs/tags/…`) with the commits that they point to.
    pub async fn refs(&self) -> Result<BTreeMap<String, ObjectId>, GitError> {
        let mut command = local(&self.git_dir);
        command.args(["for-each-ref", "--format=%(objectname) %(*objectname) %(refname)"]);
        command.args(["refs/heads", "refs/tags"]);
        let listed = answer(command, "for-each-ref", PATIENCE).await?.unwrap_or_default();
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let read = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let (own, peeled, name) = (words.next()?, words.next()?, words.next()?);
            let id = ObjectId::parse(if peeled.is_empty() { own } else { peeled })?;
            Some((name.to_owned(), id))
        };
        Ok(listed.lines().filter_map(read).collect())
    }

    /// A commit; nothing if the repository does not have it.
    pub async fn commit(&self, id: &ObjectId) -> Result<Option<Commit>, GitError> {
        let mut look = local(&self.git_dir);
        look.args(["cat-file", "-t", id.as_str()]);
        match answer(look, "cat-file", PATIENCE).await {
            Ok(Some(kind)) if kind.trim_ascii() == b"commit" => {}
            Err(GitError::Failed { .. }) | Ok(_) => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut command = local(&self.git_dir);
        command.args(["cat-file", "commit", id.as_str()]);
        let bytes = answer(command, "cat-file", PATIENCE).await?.unwrap_or_default();
        Ok(Commit::parse(id.clone(), &bytes))
    }

    /// The files that differ between two commits, at most so many.
    pub async fn changed_files(
        &self,
        from: &ObjectId,
        to: &ObjectId,
        most: usize,
    ) -> Result<Vec<String>, GitError> {
        let mut command = local(&self.git_dir);
        command.args([
            "diff-tree",
            "-r",
            "-z",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            from.as_str(),
            to.as_str(),
        ]);
        let listed = answer(command, "diff-tree", PATIENCE).await?.unwrap_or_default();
        let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty()).take(most);
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// Whether the first commit is among what led to the second.
    pub async fn is_ancestor(&self, first: &ObjectId, second: &ObjectId) -> Result<bool, GitError> {
        let mut command = local(&self.git_dir);
        command.args(["merge-base", "--is-ancestor", first.as_str(), second.as_str()]);
        Ok(answer(command, "merge-base", PATIENCE).await?.is_some())
    }

    /// The files of a commit as a zip: the same bytes each time.
    pub async fn pack(&self, id: &ObjectId, modified: Timestamp, spool: &Spool) -> Result<Stored, GitError> {
        pack::pack(self.git_dir.clone(), id.clone(), modified, spool.clone()).await
    }
}
