//! The service itself: what builds are made with, and which run now.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use penstock_storage::{Batch, Store};
use tokio::sync::{Notify, Semaphore, watch};

use super::records::BuildRecord;
use crate::artifacts::stored::Spool;
use crate::aws::clients::AwsClients;
use crate::build::runner::Runner;
use crate::companions::codecommit::service::CodeCommit;
use crate::companions::logs::Logs;
use crate::companions::parameters::Parameters;
use crate::git::mapping::Mappings;
use penstock_storage::keys::builds as keys;

/// Builds that run at once; the others are queued.
const AT_ONCE: usize = 32;

/// What CodeBuild works with.
pub struct Setup {
    /// Records.
    pub store: Store,
    /// What builds say.
    pub logs: Logs,
    /// What builds read.
    pub parameters: Parameters,
    /// Calls as the service principal `codebuild.amazonaws.com`.
    pub clients: AwsClients,
    /// Calls as the service principal `codepipeline.amazonaws.com`, for builds without a project.
    pub codepipeline: AwsClients,
    /// Repositories that builds clone.
    pub codecommit: CodeCommit,
    /// Repositories at hand.
    pub mappings: Mappings,
    /// Files on their way.
    pub spool: Spool,
    /// Where builds run.
    pub runner: Runner,
    /// The daemon's own endpoint, for builds on the same machine.
    pub endpoint: Option<String>,
    /// How many builds of a project are kept.
    pub keep: usize,
}

/// CodeBuild. Cheap to clone.
#[derive(Clone)]
pub struct CodeBuild(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) setup: Setup,
    /// Changes follow each other.
    pub(super) change: tokio::sync::Mutex<()>,
    pub(super) places: Semaphore,
    running: Mutex<HashMap<String, Running>>,
    /// No build begins any more.
    closed: AtomicBool,
}

/// A build that runs.
#[derive(Clone)]
pub(super) struct Running {
    /// Its end.
    pub(super) ended: watch::Receiver<bool>,
    /// Look whether it is still wanted.
    pub(super) look: Arc<Notify>,
    /// Somebody asked for its end.
    pub(super) stop: Arc<AtomicBool>,
}

impl CodeBuild {
    /// The service; builds of a former process wait for [`CodeBuild::resume`].
    pub fn new(setup: Setup) -> Self {
        Self(Arc::new(Inner {
            setup,
            change: tokio::sync::Mutex::default(),
            places: Semaphore::new(AT_ONCE),
            running: Mutex::default(),
            closed: AtomicBool::new(false),
        }))
    }
}

impl Inner {
    /// Makes a build's record durable as it is.
    pub(super) async fn save(&self, record: &BuildRecord) {
        let mut batch = Batch::new();
        put(&mut batch, record);
        self.setup.store.queue(batch).await;
    }

    pub(super) fn running(&self, id: &str) -> Option<Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Lets no more builds begin; those that run.
    pub(super) fn close(&self) -> Vec<Running> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        self.closed.store(true, Ordering::Relaxed);
        running.drain().map(|(_, running)| running).collect()
    }

    /// Notes that a build runs; false when none may begin any more.
    pub(super) fn enter(&self, id: &str, entering: Running) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = !self.closed.load(Ordering::Relaxed);
        if is_open {
            running.insert(id.to_owned(), entering);
        }
        is_open
    }

    pub(super) fn leave(&self, id: &str) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// A build's record and whether it is among the unfinished.
pub(super) fn put(batch: &mut Batch, record: &BuildRecord) {
    let key = keys::build(&record.account, &record.region, &record.project.name, &record.id);
    batch.put(key.clone(), record);
    let unfinished = keys::unfinished_build(&record.id);
    if record.is_complete() {
        batch.delete(unfinished);
    } else {
        batch.put(
            unfinished,
            &Unfinished { place: [&record.account, &record.region, &record.project.name].map(Clone::clone) },
        );
    }
}

/// Where an unfinished build's record is.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Unfinished {
    /// Account, Region and project.
    pub(super) place: [String; 3],
}

impl penstock_storage::Record for Unfinished {
    const VERSION: u8 = 1;
}
