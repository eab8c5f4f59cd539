//! A commit of a repository elsewhere, fetched for one action and forgotten with it.

use std::time::Duration;

use tempfile::TempDir;

use crate::artifacts::stored::Spool;

use super::names::{ObjectId, is_ref_name};
use super::program::{GitError, answer, local, outward};
use super::repository::Repository;

/// A repository of a gigabyte over a slow line.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
const QUICK: Duration = Duration::from_secs(60);

/// How the folders begin that hold what was fetched.
pub const FETCHED: &str = "penstock-git-";

/// What was fetched; gone when this goes.
#[derive(Debug)]
pub struct Fetched {
    _folder: TempDir,
    /// The repository with what was fetched.
    pub repository: Repository,
    /// The newest commit of the branch; nothing if there is no such branch.
    pub head: Option<ObjectId>,
}

/// Fetches a branch: only its newest commit, or all of it where another one is wanted.
pub async fn fetch(
    url: &str,
    branch: &str,
    commit: Option<&ObjectId>,
    spool: &Spool,
) -> Result<Fetched, GitError> {
    let folder = spool.folder(FETCHED).map_err(GitError::Disk)?;
    let git_dir = folder.path().join("fetched.git");
    let mut init = local(&git_dir);
    init.args(["init", "--quiet", "--bare", "--template="]);
    answer(init, "init", QUICK).await?;
    let mut head = None;
    if is_ref_name(branch) && is_there(url, branch, &git_dir).await? {
        let mut fetch = outward(&git_dir);
        fetch.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]);
        if commit.is_none() {
            fetch.arg("--depth=1");
        }
        fetch.args(["--end-of-options", url]).arg(format!("+refs/heads/{branch}:refs/heads/{branch}"));
        answer(fetch, "fetch", PATIENCE).await?;
        head = Repository::at(&git_dir)?.branch(branch).await?;
    }
    let repository = Repository::at(&git_dir)?;
    Ok(Fetched { _folder: folder, repository, head })
}

/// Whether there is such a branch: a fetch would say so in words only.
async fn is_there(url: &str, branch: &str, git_dir: &std::path::Path) -> Result<bool, GitError> {
    let mut list = outward(git_dir);
    list.args(["ls-remote", "--quiet", "--heads", "--end-of-options", url])
        .arg(format!("refs/heads/{branch}"));
    let listed = answer(list, "ls-remote", PATIENCE).await?;
    Ok(listed.is_some_and(|listed| !listed.is_empty()))
}
