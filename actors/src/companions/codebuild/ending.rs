//! How builds end: by themselves, because somebody wishes it, or for want of time or room. Nothing of them stays.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::environment::access;
use super::phases::{Context, Status};
use super::records::BuildRecord;
use super::running::Run;
use super::service::{CodeBuild, Inner};
use crate::build::runner::RunnerError;
use crate::companions::wall_clock;

/// How often a build looks whether it is still wanted; whoever is in a hurry asks it to look.
const LOOK: Duration = Duration::from_secs(1);
/// How often whether the disk has room: a quick writer fills some hundred megabytes in this time.
const LOOK_AT_DISK: Duration = Duration::from_millis(50);
/// What builds leave to the daemon, which cannot go on when the disk of its data is full.
const RESERVE: u64 = 256 << 20;

/// How long a runner may take for ending a build.
const PATIENCE: Duration = Duration::from_secs(10);
/// When it is asked again after it did not.
const LATER: Duration = Duration::from_secs(5);

/// Why a build ends before its work is done.
pub(super) enum Interruption {
    Stopped,
    TimedOut,
    NoRoom,
}

impl Interruption {
    fn status(&self) -> Status {
        match self {
            Self::Stopped => Status::Stopped,
            Self::TimedOut => Status::TimedOut,
            Self::NoRoom => Status::Failed,
        }
    }

    fn context(&self) -> Option<Context> {
        let (code, message) = match self {
            Self::Stopped => return None,
            Self::TimedOut => ("BUILD_TIMED_OUT", "Build has timed out. ".to_owned()),
            Self::NoRoom => (
                "CLIENT_ERROR",
                format!(
                    "the disk of the daemon's data has less than {} MiB left, so the builds on it were ended",
                    RESERVE >> 20
                ),
            ),
        };
        Some(Context { code: code.to_owned(), message })
    }
}

impl CodeBuild {
    /// Ends all builds, and begins no more: for a daemon that nobody comes after.
    pub async fn end_all(&self) {
        let all = self.0.close();
        for running in &all {
            running.stop.store(true, Ordering::Relaxed);
            running.look.notify_one();
        }
        for mut running in all {
            // It ended, or nobody is there any more who could end it.
            let _ = running.ended.wait_for(|ended| *ended).await;
        }
    }
}

impl Inner {
    /// Waits until a build has to end.
    pub(super) async fn interruption(
        &self,
        build: &BuildRecord,
        look: &Notify,
        stop: &AtomicBool,
    ) -> Interruption {
        let minutes = build.project.timeout_in_minutes.unwrap_or(60);
        let deadline = build.started.plus_millis(minutes.saturating_mul(60_000));
        let unwanted = async {
            loop {
                let is_wanted = build.owner.as_ref().is_none_or(|owner| self.is_wanted(owner));
                if stop.load(Ordering::Relaxed) || !is_wanted {
                    return Interruption::Stopped;
                }
                if wall_clock::now() >= deadline {
                    return Interruption::TimedOut;
                }
                let _ = tokio::time::timeout(LOOK, look.notified()).await;
            }
        };
        let no_room = async {
            let (group, stream) = build.log();
            let log = self.setup.logs.path(&build.account, &build.region, &group, &stream);
            while has_room(&log) {
                tokio::time::sleep(LOOK_AT_DISK).await;
            }
            Interruption::NoRoom
        };
        tokio::select! {
            interruption = unwanted => interruption,
            interruption = no_room => interruption,
        }
    }

    /// Ends a build's processes, as far as its runner does that in its time.
    pub(super) async fn kill(&self, id: &str) {
        let _ = tokio::time::timeout(PATIENCE, self.setup.runner.kill(id)).await;
    }

    /// Removes what is left of a build; again and again, where that does not work at once.
    pub(super) async fn remove(self: &Arc<Self>, id: &str) {
        let why = match self.removed(id).await {
            // Where no runner is, nothing was left.
            Ok(()) | Err(RunnerError::Nobody(_)) => return,
            Err(error) => error,
        };
        tracing::warn!(build = id, error = %why, "what is left of a build cannot be removed yet");
        let (inner, id) = (Arc::clone(self), id.to_owned());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LATER).await;
                if inner.removed(&id).await.is_ok() {
                    tracing::info!(build = id, "what was left of a build is removed");
                    return;
                }
            }
        });
    }

    async fn removed(&self, id: &str) -> Result<(), RunnerError> {
        let removed = tokio::time::timeout(PATIENCE, self.setup.runner.remove(id)).await;
        removed
            .unwrap_or_else(|_| Err(RunnerError::Failed("the container engine does not answer".to_owned())))
    }
}

/// Whether the disk of a file that is there has room for builds. Not knowing is no reason to end one.
fn has_room(file: &Path) -> bool {
    let Ok(disk) = rustix::fs::statvfs(file) else { return true };
    disk.f_bavail.saturating_mul(disk.f_frsize) >= RESERVE
}

impl Run {
    /// The last phases; nothing is left behind.
    pub(super) async fn finish(mut self, interrupted: Option<Interruption>) {
        let status = match &interrupted {
            Some(interruption) => interruption.status(),
            None if self.record.phases.failed().is_some() => Status::Failed,
            None => Status::Succeeded,
        };
        if let Some(interruption) = interrupted {
            self.inner.kill(&self.record.id).await;
            self.record.phases.end(status, interruption.context(), wall_clock::now());
            self.say_phase();
        }
        self.record.phases.begin("FINALIZING", wall_clock::now());
        let now = wall_clock::now();
        self.record.phases.end(Status::Succeeded, None, now);
        self.record.phases.begin("COMPLETED", now);
        self.record.status = status;
        self.record.ended = Some(now);
        let next = self.inner.ended(&mut self.record).await;
        tracing::info!(build = self.record.build_id(), status = status.word(), "build ended");
        if let Some(next) = next {
            CodeBuild(Arc::clone(&self.inner)).run(next);
        }
        self.inner.clients(&self.record).forget(&access(&self.record));
        // Only now: a container that is gone tells nothing of its build. A kill before this leaves it to the next start.
        self.inner.remove(&self.record.id).await;
    }
}
