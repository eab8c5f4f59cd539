//! The S3 companion itself: its buckets, its locks, and the one way in which it commits.
//!
//! Locks are taken in this order: the bucket (objects share it; its settings and its end have it alone),
//! then an upload, then a key. Only a task of its own waits for durability while it holds them, so that a
//! client that goes away in between cannot let go of a key whose write is still under way.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, PoisonError};
use std::task::{Context, Poll};

use penstock_storage::keys::{Prefix, s3 as keys};
use penstock_storage::{Batch, BlobId, Direction, Record, Store, StoreError, View};
use tokio::sync::{Mutex, Notify, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, oneshot};

use super::identity::{Reserved, Sequence};
use super::leases::Leases;
use super::loose;
use super::names;
use super::records::BucketRecord;
use super::refusal::Refusal;

const STRIPES: usize = 1024;

/// Who asks.
#[derive(Clone, Debug)]
pub struct Requester {
    /// Twelve digits.
    pub account: String,
    /// The Region that the request was made to.
    pub region: String,
    /// `x-amz-expected-bucket-owner`.
    pub expected_owner: Option<String>,
}

impl Requester {
    /// That account, with no expectations.
    pub fn new(account: impl Into<String>, region: impl Into<String>) -> Self {
        Self { account: account.into(), region: region.into(), expected_owner: None }
    }
}

/// A bucket in memory; `None` once it is deleted.
type Slot = Arc<RwLock<Option<BucketRecord>>>;

/// A bucket that stays as it is while this is held.
pub(super) type Shared = OwnedRwLockReadGuard<Option<BucketRecord>, BucketRecord>;

/// A bucket that nobody else uses while this is held.
pub(super) type Exclusive = OwnedRwLockWriteGuard<Option<BucketRecord>>;

/// The embedded S3.
pub struct S3 {
    pub(super) store: Store,
    pub(super) sequence: Sequence,
    pub(super) leases: Arc<Leases>,
    buckets: std::sync::RwLock<BTreeMap<String, Slot>>,
    /// Held while a bucket is being made.
    pub(super) making: Mutex<()>,
    hash: RandomState,
    keys: Vec<Arc<RwLock<()>>>,
    uploads: Vec<Arc<RwLock<()>>>,
    pub(super) observer: Arc<OnceLock<Observer>>,
    pub(super) event_bell: Arc<OnceLock<Arc<Notify>>>,
}

/// Told the bucket and the key of every new object, once it is durable.
pub(super) type Observer = Box<dyn Fn(&str, &str) + Send + Sync>;

impl S3 {
    /// Loads the buckets, and removes the blobs that an earlier process left without a record.
    pub async fn open(store: Store) -> Result<Arc<Self>, StoreError> {
        let reserved = match store.read(|view| view.get::<Reserved>(&keys::sequence())).await? {
            Some(Reserved(reserved)) => reserved,
            None => loose::begin_list(&store).await?,
        };
        let mut buckets = BTreeMap::new();
        for bucket in store.read(|view| all::<BucketRecord>(view, &keys::buckets())).await? {
            buckets.insert(bucket.name.clone(), Arc::new(RwLock::new(Some(bucket))));
        }
        let (leases, left) = (Leases::new(store.clone()), loose::left(&store).await?);
        let discarding = Arc::clone(&leases);
        // Beside everything else: nobody will ever name what is on the list by now.
        tokio::spawn(async move { discarding.discard(left).await });
        let stripes = || (0..STRIPES).map(|_| Arc::default()).collect();
        Ok(Arc::new(Self {
            sequence: Sequence::above(store.clone(), reserved),
            leases,
            buckets: std::sync::RwLock::new(buckets),
            making: Mutex::default(),
            hash: RandomState::new(),
            keys: stripes(),
            uploads: stripes(),
            observer: Arc::default(),
            event_bell: Arc::default(),
            store,
        }))
    }

    /// Lets somebody know of every new object from now on; the first one stays.
    pub fn observe(&self, observer: impl Fn(&str, &str) + Send + Sync + 'static) {
        let _ = self.observer.set(Box::new(observer));
    }

    /// From now on buckets that are set so put their events into the store, and ring.
    pub fn emit_events(&self, bell: Arc<Notify>) {
        let _ = self.event_bell.set(bell);
    }

    /// All buckets there are, by name.
    pub(super) fn slots(&self) -> Vec<Slot> {
        self.buckets.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(super) fn slot(&self, name: &str) -> Option<Slot> {
        self.buckets.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(super) fn add_slot(&self, bucket: BucketRecord) {
        let name = bucket.name.clone();
        let slot = Arc::new(RwLock::new(Some(bucket)));
        self.buckets.write().unwrap_or_else(PoisonError::into_inner).insert(name, slot);
    }

    pub(super) fn remove_slot(&self, name: &str) {
        self.buckets.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// The bucket, for work on its objects. Never take a second bucket while holding one.
    pub(super) async fn shared(&self, requester: &Requester, bucket: &str) -> Result<Shared, Refusal> {
        names::check_bucket_name(bucket)?;
        let missing = || Refusal::no_such_bucket(bucket);
        let guard = self.slot(bucket).ok_or_else(missing)?.read_owned().await;
        let shared = OwnedRwLockReadGuard::try_map(guard, Option::as_ref).map_err(|_| missing())?;
        check_access(requester, &shared)?;
        Ok(shared)
    }

    /// The bucket alone, and its record to change. Waits for all work on its objects.
    pub(super) async fn exclusive(
        &self,
        requester: &Requester,
        bucket: &str,
    ) -> Result<(Exclusive, BucketRecord), Refusal> {
        names::check_bucket_name(bucket)?;
        let missing = || Refusal::no_such_bucket(bucket);
        let guard = self.slot(bucket).ok_or_else(missing)?.write_owned().await;
        let record = guard.clone().ok_or_else(missing)?;
        check_access(requester, &record)?;
        Ok((guard, record))
    }

    /// The lock of one object: shared by writers that need not know what is there.
    pub(super) fn key_lock(&self, bucket: &str, key: &str) -> Arc<RwLock<()>> {
        self.stripe(&self.keys, (bucket, key))
    }

    /// The lock of one multipart upload: shared by its parts.
    pub(super) fn upload_lock(&self, upload: &str) -> Arc<RwLock<()>> {
        self.stripe(&self.uploads, ("", upload))
    }

    fn stripe(&self, stripes: &[Arc<RwLock<()>>], name: (&str, &str)) -> Arc<RwLock<()>> {
        let hash = usize::try_from(self.hash.hash_one(name) % STRIPES as u64).unwrap_or_default();
        stripes.get(hash).cloned().unwrap_or_default()
    }

    /// Queues the batch at once; `held` is let go when it is durable, then `doomed` blobs are deleted.
    /// The answer to the client waits for what this returns.
    pub(super) fn commit(&self, batch: Batch, held: impl Send + 'static, doomed: Vec<BlobId>) -> Durable {
        self.commit_then(batch, held, doomed, |_| {})
    }

    /// The same, and does one more thing with what is held as soon as the batch is durable.
    pub(super) fn commit_then<H: Send + 'static>(
        &self,
        mut batch: Batch,
        mut held: H,
        doomed: Vec<BlobId>,
        then: impl FnOnce(&mut H) + Send + 'static,
    ) -> Durable {
        doomed.iter().for_each(|blob| loose::list(&mut batch, *blob));
        let ticket = self.store.queue(batch);
        let leases = Arc::clone(&self.leases);
        let (durable, wait) = oneshot::channel();
        tokio::spawn(async move {
            ticket.await;
            then(&mut held);
            drop(held);
            let _ = durable.send(());
            leases.discard(doomed).await;
        });
        Durable(wait)
    }
}

/// Resolves when the batch is durable; dropping it stops nothing.
pub(super) struct Durable(oneshot::Receiver<()>);

impl Future for Durable {
    type Output = Result<(), Refusal>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stopping = |_| Refusal::internal("the daemon is stopping");
        Pin::new(&mut self.0).poll(cx).map_err(stopping)
    }
}

/// Whether the requester may use the bucket: it is theirs, or its policy or access list opens it to them.
pub(super) fn check_access(requester: &Requester, bucket: &BucketRecord) -> Result<(), Refusal> {
    let expected = requester.expected_owner.as_ref().is_none_or(|owner| *owner == bucket.owner);
    let theirs = requester.account == bucket.owner || super::sharing::is_open_to(bucket, &requester.account);
    if expected && theirs { Ok(()) } else { Err(Refusal::access_denied()) }
}

fn all<R: Record>(view: &View<'_>, prefix: &Prefix) -> Result<Vec<R>, StoreError> {
    view.scan(prefix, Bound::Unbounded, Direction::Forward).map(|entry| Ok(entry?.1)).collect()
}
