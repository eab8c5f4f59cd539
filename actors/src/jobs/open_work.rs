//! The jobs that wait for a worker. In memory only: actions offer theirs again when they begin, and whoever was
//! shown a job before a restart is shown it again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use penstock_engine::action::Work;
use penstock_engine::declaration::action::ActionTypeId;
use penstock_engine::time::Timestamp;
use uuid::Uuid;

/// How long a job that was shown to a worker is kept from the others, unless it is acknowledged; AWS does not
/// say.
const LEASE_MILLIS: u64 = 60_000;

/// Which jobs a worker asks for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) action_type: ActionTypeId,
    /// A configuration property and its value.
    pub(crate) query: Option<(String, String)>,
    pub(crate) at_most: usize,
}

/// A job as a worker is shown it. What is to be done is read from the action's record: many jobs may wait for
/// long, and few are shown.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) job: Arc<str>,
    pub(crate) nonce: String,
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct OpenWork(Arc<Mutex<Jobs>>);

#[derive(Default)]
struct Jobs {
    offers: HashMap<Arc<str>, Offer>,
    /// What each type's workers may find, oldest action first.
    queues: HashMap<Arc<Queue>, BTreeMap<JobPlace, Arc<str>>>,
    offered: u64,
}

/// Since when its action is under way, and which offer it is.
type JobPlace = (Timestamp, u64);

/// Account, Region and type.
type Queue = (String, String, ActionTypeId);

struct Offer {
    queue: Arc<Queue>,
    /// What workers may ask for.
    configuration: BTreeMap<String, String>,
    place: JobPlace,
    /// The latest one that was given out.
    nonce: Option<String>,
    hidden_until: Timestamp,
}

impl OpenWork {
    /// Offers a job.
    pub(crate) fn offer(&self, work: Work) {
        let Some(job) = work.job.map(Arc::from) else { return };
        let mut jobs = self.jobs();
        jobs.withdraw(&job);
        jobs.offered += 1;
        let place = (work.started, jobs.offered);
        let queue = (work.pipeline.account, work.pipeline.region, work.action_type);
        let queue =
            jobs.queues.get_key_value(&queue).map_or_else(|| Arc::new(queue), |(known, _)| Arc::clone(known));
        jobs.queues.entry(Arc::clone(&queue)).or_default().insert(place, Arc::clone(&job));
        let (configuration, hidden_until) = (work.configuration, Timestamp(0));
        jobs.offers.insert(job, Offer { queue, configuration, place, nonce: None, hidden_until });
    }

    /// The job is no longer to be had.
    pub(crate) fn withdraw(&self, job: &str) {
        self.jobs().withdraw(job);
    }

    /// Shows jobs to a worker, each with a nonce of its own, and hides them from the others for a while.
    pub(crate) fn show(&self, wanted: &Wanted, now: Timestamp) -> Vec<Shown> {
        let mut jobs = self.jobs();
        let Jobs { offers, queues, .. } = &mut *jobs;
        let queue = (wanted.account.clone(), wanted.region.clone(), wanted.action_type.clone());
        let mut shown = Vec::new();
        for job in queues.get(&queue).into_iter().flat_map(BTreeMap::values) {
            if shown.len() >= wanted.at_most {
                break;
            }
            let Some(offer) = offers.get_mut(job) else { continue };
            let fits = wanted
                .query
                .as_ref()
                .is_none_or(|(name, value)| offer.configuration.get(name) == Some(value));
            if fits && offer.hidden_until <= now {
                let nonce = Uuid::new_v4().simple().to_string();
                offer.nonce = Some(nonce.clone());
                offer.hidden_until = now.plus_millis(LEASE_MILLIS);
                shown.push(Shown { job: Arc::clone(job), nonce });
            }
        }
        shown
    }

    /// Another nonce for a job that is still to be had; it is hidden from others for a while again.
    pub(crate) fn renew(&self, job: &str, now: Timestamp) -> Option<String> {
        let mut jobs = self.jobs();
        let offer = jobs.offers.get_mut(job)?;
        let nonce = Uuid::new_v4().simple().to_string();
        offer.nonce = Some(nonce.clone());
        offer.hidden_until = now.plus_millis(LEASE_MILLIS);
        Some(nonce)
    }

    /// Whether that is the nonce with which the job was shown last.
    pub(crate) fn is_latest(&self, job: &str, nonce: &str) -> bool {
        self.jobs().offers.get(job).is_some_and(|offer| offer.nonce.as_deref() == Some(nonce))
    }

    /// The worker was not shown the job after all.
    pub(crate) fn unhide(&self, job: &str, nonce: &str) {
        if let Some(offer) =
            self.jobs().offers.get_mut(job).filter(|offer| offer.nonce.as_deref() == Some(nonce))
        {
            offer.hidden_until = Timestamp(0);
        }
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Jobs {
    fn withdraw(&mut self, job: &str) {
        let Some(offer) = self.offers.remove(job) else { return };
        if let Some(queue) = self.queues.get_mut(&offer.queue) {
            queue.remove(&offer.place);
            if queue.is_empty() {
                self.queues.remove(&offer.queue);
            }
        }
    }
}

#[cfg(test)]
mod tests;
