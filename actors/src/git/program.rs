//! Running `git`: what it may see of the person's settings, how long it may take, and that it ends with us.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// Reading or writing some records of a repository on this machine takes milliseconds; a dead disk must not hold an action.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How much of what it says in error is told.
const MOST_SAID: usize = 1000;

/// Why a call of git gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no such program.
    #[error("the program 'git' cannot be run ({0}): install it, or put it on the daemon's PATH")]
    NoProgram(io::Error),
    /// There is no repository.
    #[error("'{0}' is not a git repository")]
    NoRepository(String),
    /// It ended badly.
    #[error("git {what} failed: {said}")]
    Failed {
        /// The sub-command.
        what: &'static str,
        /// Its own words.
        said: String,
    },
    /// It did not end.
    #[error("git {what} did not end within {seconds} s")]
    TimedOut {
        /// The sub-command.
        what: &'static str,
        /// So long.
        seconds: u64,
    },
    /// A path in the repository that no file may have.
    #[error("the commit holds the path '{0}', which no artifact can hold")]
    BadPath(String),
    /// Our own disk.
    #[error("the daemon cannot store it for the time being: {0}")]
    Disk(#[source] io::Error),
}

/// Git on a repository of this machine: it reads nobody's settings but the repository's own, and of those none that
/// would make it run another program or go to the network.
pub(super) fn local(git_dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear();
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env("PATH", path).envs([
        ("LC_ALL", "C"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        // A partial clone would fetch what it lacks, from wherever its settings say and by whatever program.
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_ALLOW_PROTOCOL", "none"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
    ]);
    command.args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"]);
    command.args([OsStr::new("--git-dir"), git_dir.as_os_str()]);
    command
}

/// Git that fetches from elsewhere with the person's own settings: keys, credential helpers, proxies.
pub(super) fn outward(git_dir: &Path) -> Command {
    let mut command = Command::new("git");
    for name in
        ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG_PARAMETERS"]
    {
        command.env_remove(name);
    }
    command.envs([
        ("LC_ALL", "C"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_ASKPASS", "true"),
        ("SSH_ASKPASS", "true"),
        ("GIT_ALLOW_PROTOCOL", "http:https:ssh:git:file"),
    ]);
    if std::env::var_os("GIT_SSH_COMMAND").is_none() {
        command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=15 -oServerAliveInterval=15");
    }
    command.args(["-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false"]);
    command.args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=30"]);
    command.args([OsStr::new("--git-dir"), git_dir.as_os_str()]);
    command
}

/// A process with all that it began, ended when this goes.
#[derive(Debug)]
pub(super) struct Running(pub(super) Child);

impl Running {
    /// Begins it in a group of its own.
    pub(super) fn begin(command: &mut Command) -> Result<Self, GitError> {
        command.process_group(0).stdout(Stdio::piped());
        Ok(Self(command.spawn().map_err(GitError::NoProgram)?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            end_group(self.0.id());
            let _ = self.0.wait();
        }
    }
}

fn end_group(id: u32) {
    let group = i32::try_from(id).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // It may have ended by itself.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Ends a group when the caller stops waiting for it.
struct EndGroup(Option<u32>);

impl Drop for EndGroup {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            end_group(id);
        }
    }
}

/// Runs it to its end and gives its output; `None` where it ended with the status 1 without a word, by which git
/// says no.
pub(super) async fn answer(
    command: Command,
    what: &'static str,
    patience: Duration,
) -> Result<Option<Vec<u8>>, GitError> {
    answer_to(command, what, patience, Vec::new()).await
}

/// The same with something to read. It answers with a few lines at most before it has read all.
pub(super) async fn answer_to(
    mut command: Command,
    what: &'static str,
    patience: Duration,
    input: Vec<u8>,
) -> Result<Option<Vec<u8>>, GitError> {
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(GitError::NoProgram)?;
    let mut end = EndGroup(Some(child.id()));
    // The thread ends with the process, and that at the latest when its group is ended.
    let waiting = tokio::task::spawn_blocking(move || {
        if let Some(mut stdin) = child.stdin.take() {
            // Who does not read it to its end says so by how it ends.
            let _ = stdin.write_all(&input);
        }
        child.wait_with_output()
    });
    let Ok(output) = tokio::time::timeout(patience, waiting).await else {
        return Err(GitError::TimedOut { what, seconds: patience.as_secs() });
    };
    // Its number may be another's from now on.
    end.0 = None;
    let output = output.map_err(io::Error::other).and_then(|output| output).map_err(GitError::Disk)?;
    match output.status.code() {
        Some(0) => Ok(Some(output.stdout)),
        Some(1) if output.stderr.is_empty() => Ok(None),
        _ => Err(GitError::Failed { what, said: said_in_one_line(&output.stderr) }),
    }
}

/// Git's words, fit for a message: without the secrets of a URL.
pub(super) fn said_in_one_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).take(6).collect();
    let said = super::mapping::without_secrets(&lines.join("; "));
    super::commit::cut(&said, MOST_SAID).to_owned()
}
