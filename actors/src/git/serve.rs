//! Git's own servers, one process for each request, as its HTTP transport wants them (gitprotocol-http).

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use super::program::{GitError, PATIENCE, Running, answer, local, said_in_one_line};

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// A clone or a fetch.
    UploadPack,
    /// A push.
    ReceivePack,
}

impl Service {
    /// By the name that clients use.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::UploadPack),
            "git-receive-pack" => Some(Self::ReceivePack),
            _ => None,
        }
    }

    /// Without `git-`.
    fn command(self) -> &'static str {
        match self {
            Self::UploadPack => "upload-pack",
            Self::ReceivePack => "receive-pack",
        }
    }

    /// With it.
    pub fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// A request's answer in the making. The process ends with this.
#[derive(Debug)]
pub struct Session {
    running: Running,
    what: &'static str,
}

/// The refs of a repository, as a client is told of them before it asks for more.
pub async fn advertise(
    git_dir: &Path,
    service: Service,
    protocol: Option<&str>,
) -> Result<Vec<u8>, GitError> {
    let mut command = serving(git_dir, protocol);
    command.args([service.command(), "--stateless-rpc", "--advertise-refs"]).arg(git_dir);
    let told = answer(command, service.command(), PATIENCE).await?.unwrap_or_default();
    // The second version of the protocol needs no heading.
    if service == Service::UploadPack && protocol.is_some_and(|protocol| protocol.contains("version=2")) {
        return Ok(told);
    }
    let heading = format!("# service={}\n", service.name());
    let heading = format!("{:04x}{heading}0000", heading.len() + 4);
    Ok([heading.into_bytes(), told].concat())
}

/// Begins to answer. A push may bring so many bytes.
pub fn begin(
    git_dir: &Path,
    service: Service,
    protocol: Option<&str>,
    most: u64,
) -> Result<Session, GitError> {
    let mut command = serving(git_dir, protocol);
    command.args(["-c", &format!("receive.maxInputSize={most}"), "-c", "core.fsync=all"]);
    command.args(["-c", "receive.autogc=false", "-c", "transfer.fsckObjects=false"]);
    command.args([service.command(), "--stateless-rpc"]).arg(git_dir);
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    Ok(Session { running: Running::begin(&mut command)?, what: service.command() })
}

fn serving(git_dir: &Path, protocol: Option<&str>) -> Command {
    let mut command = local(git_dir);
    // The folder is our own, whoever the system says it belongs to.
    command.args(["-c", "safe.directory=*"]);
    if let Some(protocol) = protocol {
        command.env("GIT_PROTOCOL", protocol);
    }
    command
}

impl Session {
    /// Where the request's body goes; once.
    pub fn input(&mut self) -> Option<File> {
        self.running.0.stdin.take().map(|pipe| File::from(OwnedFd::from(pipe)))
    }

    /// Where the answer's body comes from; once.
    pub fn output(&mut self) -> Option<File> {
        self.running.0.stdout.take().map(|pipe| File::from(OwnedFd::from(pipe)))
    }

    /// Waits for its end, which is near when its output has ended. Blocks.
    pub fn finish(mut self) -> Result<(), GitError> {
        match self.running.0.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => {
                let said = said_in_one_line(status.to_string().as_bytes());
                Err(GitError::Failed { what: self.what, said })
            }
            Err(error) => Err(GitError::Disk(error)),
        }
    }
}
