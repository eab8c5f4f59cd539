//! A clone with its history and a commit checked out, for a build; gone when it goes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::fetch::FETCHED;
use super::mapping::{Place, without_secrets};
use super::names::ObjectId;
use super::program::{GitError, answer, local, outward};
use crate::artifacts::stored::Spool;

/// A repository of a gigabyte over a slow line.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
const QUICK: Duration = Duration::from_secs(60);

/// A working tree with its `.git`.
#[derive(Debug)]
pub struct Clone {
    folder: TempDir,
    /// What is checked out.
    pub commit: ObjectId,
}

impl Clone {
    /// Clones all branches and tags, and checks the commit out. Neither hooks nor filters are run; what its settings say
    /// about where it came from holds no password.
    pub async fn of(place: &Place, commit: ObjectId, spool: &Spool) -> Result<Self, GitError> {
        let folder = spool.folder(FETCHED).map_err(GitError::Disk)?;
        let tree = folder.path().join("tree");
        fs::create_dir(&tree).map_err(GitError::Disk)?;
        let git_dir = tree.join(".git");
        let here = |mut command: Command| {
            command.current_dir(&tree);
            command
        };
        let mut init = here(local(&git_dir));
        init.args(["init", "--quiet", "--template="]);
        answer(init, "init", QUICK).await?;
        let mut fetch = here(match place {
            Place::Folder(_) => from_folder(&git_dir, folder.path())?,
            Place::Url(_) => outward(&git_dir),
        });
        fetch.args(["fetch", "--quiet", "--tags", "--no-write-fetch-head", "--no-recurse-submodules"]);
        fetch.arg("--end-of-options");
        match place {
            Place::Folder(from) => fetch.arg(from),
            Place::Url(url) => fetch.arg(url),
        };
        fetch.arg("+refs/heads/*:refs/remotes/origin/*");
        answer(fetch, "fetch", PATIENCE).await?;
        for (name, value) in [
            ("remote.origin.url", without_secrets(&address(place))),
            ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*".to_owned()),
        ] {
            let mut config = here(local(&git_dir));
            config.args(["config", name, &value]);
            answer(config, "config", QUICK).await?;
        }
        let mut checkout = here(local(&git_dir));
        checkout.arg("--work-tree").arg(&tree);
        checkout.args(["checkout", "--quiet", "--force", "--detach", commit.as_str()]);
        answer(checkout, "checkout", PATIENCE).await?;
        Ok(Self { folder, commit })
    }

    /// Where it is.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("tree")
    }
}

fn address(place: &Place) -> String {
    match place {
        Place::Folder(folder) => folder.display().to_string(),
        Place::Url(url) => url.clone(),
    }
}

/// Git that reads a repository on this machine, also one of another user: who mapped it wants that.
fn from_folder(git_dir: &Path, spare: &Path) -> Result<Command, GitError> {
    let settings = spare.join("settings");
    fs::write(&settings, "[safe]\n\tdirectory = *\n").map_err(GitError::Disk)?;
    let mut command = local(git_dir);
    command.env("GIT_CONFIG_GLOBAL", settings).env("GIT_ALLOW_PROTOCOL", "file");
    Ok(command)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        let names = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
        command.args(arguments).current_dir(folder).envs(names.map(|name| (name, "a@b")));
        let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[tokio::test]
    async fn a_clone_has_the_history_and_the_commit_and_runs_nothing() {
        let from = tempfile::tempdir().unwrap();
        git(from.path(), &["init", "--quiet", "--initial-branch=main"]);
        for content in ["one", "two"] {
            fs::write(from.path().join("file"), content).unwrap();
            git(from.path(), &["add", "--all"]);
            git(from.path(), &["commit", "--quiet", "-m", content]);
            git(from.path(), &["tag", content]);
        }
        let first = ObjectId::parse(&git(from.path(), &["rev-parse", "one"])).unwrap();
        let spool = tempfile::tempdir().unwrap();
        let place = Place::Folder(from.path().to_owned());
        let clone = Clone::of(&place, first.clone(), &Spool::new(spool.path())).await.unwrap();
        let folder = clone.folder();
        assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "one");
        assert_eq!(git(&folder, &["rev-parse", "HEAD"]), first.to_string());
        assert_eq!(git(&folder, &["log", "--format=%s", "origin/main"]), "two\none");
        assert_eq!(git(&folder, &["status", "--porcelain"]), "");
        assert_eq!(git(&folder, &["config", "remote.origin.url"]), from.path().display().to_string());
        drop(clone);
        assert!(!folder.exists());
        let none = ObjectId::parse(&"1".repeat(40)).unwrap();
        let error = Clone::of(&place, none, &Spool::new(spool.path())).await.unwrap_err();
        assert!(error.to_string().starts_with("git checkout failed: "), "{error}");
    }
}
