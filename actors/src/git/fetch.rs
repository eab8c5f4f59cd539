//! A repository elsewhere: its refs, and what of it is fetched for one purpose and forgotten with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
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
}

/// What of a repository is fetched.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// The newest commit of a branch; nothing if there is no such branch.
    Newest(&'a str),
    /// All branches and tags: a commit may be on any of them.
    All,
    /// All of their history without the files' bytes, where the other side can leave them out.
    History,
}

/// Fetches that much of a repository.
pub async fn fetch(url: &str, part: Part<'_>, spool: &Spool) -> Result<Fetched, GitError> {
    let folder = spool.folder(FETCHED).map_err(GitError::Disk)?;
    let git_dir = folder.path().join("fetched.git");
    let mut init = local(&git_dir);
    init.args(["init", "--quiet", "--bare", "--template="]);
    answer(init, "init", QUICK).await?;
    let repository = Repository::at(&git_dir)?;
    let mut fetch = outward(&git_dir);
    fetch.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]);
    match part {
        Part::Newest(branch) => {
            // A fetch would say only in words that there is no such branch.
            if !is_ref_name(branch)
                || listed(url, &format!("refs/heads/{branch}"), &git_dir).await?.is_empty()
            {
                return Ok(Fetched { _folder: folder, repository });
            }
            fetch.args(["--depth=1", "--end-of-options", url]);
            fetch.arg(format!("+refs/heads/{branch}:refs/heads/{branch}"));
        }
        Part::All => {
            // Whoever says nothing at all is not waited for as long as a fetch may take.
            listed(url, "HEAD", &git_dir).await?;
            fetch_all(&mut fetch, url);
        }
        Part::History => {
            fetch.arg("--filter=blob:none");
            fetch_all(&mut fetch, url);
        }
    }
    answer(fetch, "fetch", PATIENCE).await?;
    Ok(Fetched { _folder: folder, repository })
}

fn fetch_all(fetch: &mut Command, url: &str) {
    fetch.args(["--end-of-options", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]);
}

/// All branches and tags of a repository with the commits that they point to, by their full names.
pub async fn refs(url: &str) -> Result<BTreeMap<String, ObjectId>, GitError> {
    let mut refs = BTreeMap::new();
    for line in listed(url, "", Path::new("/dev/null")).await?.lines() {
        let Some((id, name)) = line.split_once('\t') else { continue };
        let Some(id) = ObjectId::parse(id) else { continue };
        // Of an annotated tag the line that follows it has the commit.
        refs.insert(name.strip_suffix("^{}").unwrap_or(name).to_owned(), id);
    }
    Ok(refs)
}

async fn listed(url: &str, name: &str, git_dir: &Path) -> Result<String, GitError> {
    let mut list = outward(git_dir);
    list.args(["ls-remote", "--quiet", "--heads", "--tags", "--end-of-options", url]);
    if !name.is_empty() {
        list.arg(name);
    }
    let listed = answer(list, "ls-remote", QUICK).await?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&listed).into_owned())
}
