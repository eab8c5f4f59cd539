//! Where builds run: in a container each, or on the host when that was asked for.
//!
//! A runner knows a build by its id alone, so that a daemon that comes back finds what its predecessor began:
//! the container bears the id as its name, the directory as well. What a build said is told again from any
//! position on.

mod docker;
mod engine;
mod host;
mod lines;
mod process;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::script::Told;

pub use docker::Docker;
pub use host::Host;
pub use process::Process;

/// A tar archive on its way, piece by piece.
pub type Pieces = mpsc::Receiver<io::Result<Bytes>>;

/// No log keeps more than this, in bytes.
pub const LONGEST_LOG: u64 = 64 << 20;

/// Who takes what a build says.
#[derive(Debug)]
pub struct Listener {
    /// The way to him.
    pub news: mpsc::Sender<News>,
    /// Set when he has no use for more lines.
    pub is_full: Arc<AtomicBool>,
}

/// Who runs builds.
#[derive(Debug)]
pub enum Runner {
    /// Docker or Podman.
    Docker(Box<Docker>),
    /// The daemon's own machine.
    Host(Host),
    /// Nobody; why, and what to do about it.
    Nobody(String),
}

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Order {
    /// Unique, and fit for a file name.
    pub id: String,
    /// The image, as the project names it.
    pub image: String,
    /// All environment variables.
    pub environment: Vec<(String, String)>,
    /// Memory in MiB, at most.
    pub memory: i64,
    /// Processors, at most.
    pub cpus: i64,
    /// `privilegedMode`.
    pub privileged: bool,
    /// The control folder, absolute.
    pub control: String,
}

/// What becomes of a build, as its runner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is known of it.
    Absent,
    /// It can be started.
    Prepared,
    /// It was started, and may have ended.
    Started,
}

/// What a running build says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A line of its log.
    Line {
        /// Milliseconds since 1970.
        at: u64,
        /// From where to go on after this line.
        position: u64,
        /// The line, without its end.
        text: String,
    },
    /// The script tells something. It may be told again.
    Told(Told),
}

/// Why a build cannot run, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunnerError {
    /// There is no runner.
    #[error("{0}")]
    Nobody(String),
    /// The image cannot be had.
    #[error("{0}")]
    Image(String),
    /// The engine or the system refused or failed.
    #[error("{0}")]
    Failed(String),
}

impl RunnerError {
    fn io(what: &str, error: &io::Error) -> Self {
        Self::Failed(format!("{what}: {error}"))
    }
}

/// How builds run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// By whom.
    pub choice: Choice,
    /// Images that stand in for others, by the name that projects use.
    pub images: BTreeMap<String, String>,
    /// Whose builds these are, among all that the engine runs.
    pub owner: String,
    /// The daemon, if its builds are nobody's when it is gone.
    pub process: Option<Process>,
    /// Where builds on the host have their directories.
    pub folder: PathBuf,
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
}

/// Who runs builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// A container engine.
    #[default]
    Docker,
    /// The host.
    Host,
    /// Nobody.
    Nobody,
}

impl Runner {
    /// The runner that was chosen.
    pub fn new(settings: Settings) -> Self {
        match settings.choice {
            Choice::Docker => Self::Docker(Box::new(Docker::new(settings))),
            Choice::Host => Self::Host(Host::new(settings.folder)),
            Choice::Nobody => Self::Nobody(
                "No build can run: the daemon was started with --build-runner none. Start it with --build-runner \
                 docker, or with --build-runner host to run builds on this machine itself."
                    .to_owned(),
            ),
        }
    }

    /// What stands before all paths of a build.
    pub fn root(&self, id: &str) -> String {
        match self {
            Self::Docker(_) | Self::Nobody(_) => String::new(),
            Self::Host(host) => host.root(id).display().to_string(),
        }
    }

    /// Variables that a build has from where it runs.
    pub fn own_environment(&self) -> Vec<(String, String)> {
        match self {
            Self::Host(_) => host::environment(),
            Self::Docker(_) | Self::Nobody(_) => vec![("HOME".to_owned(), "/root".to_owned())],
        }
    }

    /// Makes room for a build: nothing runs yet. What was left of an earlier try is removed.
    pub async fn prepare(&self, order: &Order) -> Result<(), RunnerError> {
        match self {
            Self::Docker(docker) => docker.prepare(order).await,
            Self::Host(host) => host.prepare(order).await,
            Self::Nobody(why) => Err(RunnerError::Nobody(why.clone())),
        }
    }

    /// Puts the files of an archive into a build's root.
    pub async fn put(&self, id: &str, archive: Pieces) -> Result<(), RunnerError> {
        match self {
            Self::Docker(docker) => docker.put(id, archive).await,
            Self::Host(host) => host.put(id, archive).await,
            Self::Nobody(why) => Err(RunnerError::Nobody(why.clone())),
        }
    }

    /// Starts it.
    pub async fn start(&self, order: &Order) -> Result<(), RunnerError> {
        match self {
            Self::Docker(docker) => docker.start(&order.id).await,
            Self::Host(host) => host.start(order).await,
            Self::Nobody(why) => Err(RunnerError::Nobody(why.clone())),
        }
    }

    /// What became of it.
    pub async fn state(&self, id: &str) -> Result<State, RunnerError> {
        match self {
            Self::Docker(docker) => docker.state(id).await,
            Self::Host(host) => Ok(host.state(id)),
            Self::Nobody(_) => Ok(State::Absent),
        }
    }

    /// The environment that a running build was started with, as far as that can be seen.
    pub async fn environment(&self, id: &str) -> Vec<(String, String)> {
        match self {
            Self::Docker(docker) => docker.environment(id).await,
            Self::Host(host) => host.environment(id),
            Self::Nobody(_) => Vec::new(),
        }
    }

    /// Tells what it says from a position on, until it has ended. `control` is its control folder.
    pub async fn watch(
        &self,
        id: &str,
        control: &str,
        from: u64,
        listener: &Listener,
    ) -> Result<(), RunnerError> {
        match self {
            Self::Docker(docker) => docker.watch(id, control, from, listener).await,
            Self::Host(host) => host.watch(id, control, from, listener).await,
            Self::Nobody(why) => Err(RunnerError::Nobody(why.clone())),
        }
    }

    /// A file or directory of a build that has ended, as tar in which its own name comes first. `None` if it is
    /// not there.
    pub async fn fetch(&self, id: &str, path: &str) -> Result<Option<Pieces>, RunnerError> {
        match self {
            Self::Docker(docker) => docker.fetch(id, path).await,
            Self::Host(host) => host.fetch(id, path),
            Self::Nobody(why) => Err(RunnerError::Nobody(why.clone())),
        }
    }

    /// Ends it at once.
    pub async fn kill(&self, id: &str) {
        match self {
            Self::Docker(docker) => docker.kill(id).await,
            Self::Host(host) => host.kill(id),
            Self::Nobody(_) => {}
        }
    }

    /// Ends it and removes all that is left of it.
    pub async fn remove(&self, id: &str) -> Result<(), RunnerError> {
        match self {
            Self::Docker(docker) => docker.remove(id).await,
            Self::Host(host) => host.remove(id).await,
            Self::Nobody(_) => Ok(()),
        }
    }

    /// The builds of which something is left: one's own, and those of daemons that are gone for good.
    pub async fn left(&self) -> Result<Vec<String>, RunnerError> {
        match self {
            Self::Docker(docker) => docker.left().await,
            Self::Host(host) => host.left(),
            Self::Nobody(_) => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests;
