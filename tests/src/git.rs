//! Git repositories of a test's own, made by the real program.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::clients::finished;

/// A repository with a working tree.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    /// An empty one, on the branch `main`.
    pub fn new() -> Self {
        let repository = Self { folder: TempDir::new().expect("a temporary folder") };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// As `--map-repository` wants it for `owner/name`.
    pub fn mapping(&self) -> String {
        format!("owner/name={}", self.path().display())
    }

    /// Writes a file.
    pub fn write(&self, path: &str, content: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a file that can be run.
    pub fn write_program(&self, path: &str, content: &str) {
        self.write(path, content);
        fs::set_permissions(self.path().join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes a symbolic link.
    pub fn link(&self, path: &str, target: &str) {
        symlink(target, self.path().join(path)).unwrap();
    }

    /// Commits all that there is: the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs git in it: what it says.
    pub fn git(&self, arguments: &[&str]) -> String {
        finished(git(self.path()).args(arguments), &format!("git {arguments:?}"))
    }

    /// Every file of its records with its content's length and time: tells whether anybody wrote there.
    pub fn records(&self) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
        let mut found = Vec::new();
        let mut folders = vec![self.path().join(".git")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let is = entry.metadata().unwrap();
                if is.is_dir() {
                    folders.push(entry.path());
                }
                found.push((entry.path(), is.len(), is.modified().unwrap()));
            }
        }
        found.sort();
        found
    }
}

impl Default for Repository {
    fn default() -> Self {
        Self::new()
    }
}

/// Git in that folder, without the person's settings, as somebody with a name.
pub fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(folder);
    command.envs([
        ("HOME", "/nonexistent"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "Ann Author"),
        ("GIT_AUTHOR_EMAIL", "ann@example.com"),
        ("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z"),
        ("GIT_COMMITTER_NAME", "Carl Committer"),
        ("GIT_COMMITTER_EMAIL", "carl@example.com"),
        ("GIT_COMMITTER_DATE", "2026-01-02T03:04:06Z"),
        ("GIT_TERMINAL_PROMPT", "0"),
    ]);
    command
}
