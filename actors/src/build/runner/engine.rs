//! Where the container engine is, and what it says when something fails.

use std::time::Duration;

use bollard::API_DEFAULT_VERSION;
use bollard::errors::Error;

use super::RunnerError;

/// How long the engine may take for an answer, in seconds.
const PATIENCE: u64 = 60;

/// Looks where engines usually are, as their own clients do.
pub(super) async fn find(host: Option<&str>) -> Result<bollard::Docker, RunnerError> {
    let mut tried = Vec::new();
    for place in places(host) {
        let connected = match place.strip_prefix("unix://") {
            Some(path) => bollard::Docker::connect_with_unix(path, PATIENCE, API_DEFAULT_VERSION),
            None => bollard::Docker::connect_with_http(&place, PATIENCE, API_DEFAULT_VERSION),
        };
        let answered = match connected {
            Ok(engine) => tokio::time::timeout(Duration::from_secs(5), engine.negotiate_version()).await,
            Err(error) => Ok(Err(error)),
        };
        match answered {
            Ok(Ok(engine)) => return Ok(engine),
            Ok(Err(error)) => tried.push(format!("{place}: {}", text(&error))),
            Err(_) => tried.push(format!("{place}: no answer")),
        }
    }
    Err(RunnerError::Nobody(format!(
        "No build can run: no container engine was found ({}). Start Docker or Podman, name its socket in DOCKER_HOST, \
         or start the daemon with --build-runner host to run builds on this machine itself.",
        tried.join("; ")
    )))
}

fn places(host: Option<&str>) -> Vec<String> {
    if let Some(host) = host.filter(|host| !host.is_empty()) {
        return vec![host.to_owned()];
    }
    let runtime = std::env::var("XDG_RUNTIME_DIR").ok();
    let home = std::env::var("HOME").ok();
    let mut paths = vec!["/var/run/docker.sock".to_owned()];
    paths.extend(runtime.iter().map(|runtime| format!("{runtime}/docker.sock")));
    paths.extend(home.iter().map(|home| format!("{home}/.docker/run/docker.sock")));
    paths.extend(runtime.iter().map(|runtime| format!("{runtime}/podman/podman.sock")));
    paths.push("/run/podman/podman.sock".to_owned());
    paths.into_iter().map(|path| format!("unix://{path}")).collect()
}

/// The HTTP status of its answer, if it was one.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// What it said.
pub(super) fn text(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        other => causes(other),
    }
}

/// An error with its causes: the outermost says little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// That something did not work, and what the engine said of it.
pub(super) fn failed(what: &str, error: &Error) -> RunnerError {
    RunnerError::Failed(format!("{what}: {}", text(error)))
}
