//! The folder of a daemon that keeps nothing. It goes with the daemon; where that was killed, the next start of any
//! daemon of the same user removes it, and the processes of the builds in it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use penstock_actors::build::runner::{Choice, Process, Runner, Settings};
use tempfile::TempDir;

const PREFIX: &str = "penstock-ephemeral-";
/// Says whose folder it is.
const PROCESS: &str = "process";
/// Where builds on the host have their directories.
pub(crate) const BUILDS: &str = "builds";

/// A folder for this process, among the temporary files.
pub(crate) fn folder() -> std::io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
    if let Some(process) = Process::own() {
        fs::write(folder.path().join(PROCESS), process.to_string())?;
    }
    Ok(folder)
}

/// Removes the folders whose processes are gone.
pub(crate) async fn sweep() {
    for folder in abandoned(&std::env::temp_dir()) {
        let builds = Runner::new(Settings {
            choice: Choice::Host,
            folder: folder.join(BUILDS),
            ..Settings::default()
        });
        for id in builds.left().await.unwrap_or_default() {
            if let Err(error) = builds.remove(&id).await {
                tracing::warn!(build = id, %error, "what is left of a killed daemon's build stays");
            }
        }
        let place = folder.clone();
        let removed = tokio::task::spawn_blocking(move || fs::remove_dir_all(place)).await;
        match removed.map_err(std::io::Error::other).flatten() {
            Ok(()) => tracing::info!(folder = %folder.display(), "removed what a killed daemon left"),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "what a killed daemon left stays");
            }
        }
    }
}

/// Where anybody may write, only what this user made counts.
fn abandoned(temporary: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(temporary) else { return Vec::new() };
    let user = rustix::process::geteuid().as_raw();
    let is_abandoned = |path: &PathBuf| {
        let is_ours = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == user);
        let process = || Process::parse(&fs::read_to_string(path.join(PROCESS)).ok()?);
        is_ours && process().is_some_and(|process| process.is_gone())
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .filter(is_abandoned)
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_processes_that_are_gone_are_abandoned() {
        let temporary = tempfile::tempdir().unwrap();
        let made = |name: &str, process: &str| {
            let folder = temporary.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join(PROCESS), process).unwrap();
            folder
        };
        let own = Process::own().unwrap().to_string();
        made("penstock-ephemeral-alive", &own);
        made("penstock-ephemeral-odd", "?");
        let (before, _) = own.rsplit_once(' ').unwrap();
        made("other-gone", &format!("{before} 1"));
        let gone = made("penstock-ephemeral-gone", &format!("{before} 1"));
        std::os::unix::fs::symlink(&gone, temporary.path().join("penstock-ephemeral-link")).unwrap();
        assert_eq!(abandoned(temporary.path()), [gone]);
    }
}
