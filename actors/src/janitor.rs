//! Empties the trash: what is left of expired executions and of deleted pipelines, a chunk at a time.

use std::future::Future;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::Arc;

use penstock_engine::action::{ActionExecution, ArtifactLocation};
use penstock_engine::ids::{ExecutionNumber, Incarnation};
use penstock_engine::pipeline::Execution;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{ActionPointer, Batch, Direction, Key, Prefix, Record, Store, StoreError};
use tokio::sync::{Notify, watch};

/// How many keys one batch removes.
const CHUNK: usize = 512;

/// How many events are kept for those who follow them.
const EVENTS_KEPT: u64 = 20_000;

/// After how many events more it is looked whether some can go.
const EVENTS_AT_ONCE: u64 = 2_000;

/// How many entries of the trash are removed together.
const ENTRIES_AT_ONCE: usize = 64;

/// Removes an expired execution's artifact from the store of artifacts.
pub type RemoveArtifact =
    Arc<dyn Fn(ArtifactLocation) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Called when something was put into the trash.
#[derive(Clone)]
pub(crate) struct Janitor {
    bell: Arc<Notify>,
}

impl Janitor {
    /// Starts the janitor, who looks at once for what a crash left.
    pub(crate) fn start(store: Store, remove_artifact: Option<RemoveArtifact>) -> Self {
        let bell = Arc::new(Notify::new());
        bell.notify_one();
        let rounds = Rounds { store, remove_artifact };
        let heard = Arc::clone(&bell);
        let mut events = rounds.store.last_event();
        actix_rt::spawn(async move {
            let mut trimmed = 0;
            loop {
                tokio::select! {
                    () = heard.notified() => rounds.go().await,
                    () = reached(&mut events, trimmed + EVENTS_AT_ONCE) => rounds.trim().await,
                }
                trimmed = *events.borrow();
            }
        });
        Self { bell }
    }

    pub(crate) fn call(&self) {
        self.bell.notify_one();
    }
}

#[derive(Clone)]
struct Rounds {
    store: Store,
    remove_artifact: Option<RemoveArtifact>,
}

impl Rounds {
    /// Once through the trash. What cannot be removed stays for the next time and holds up nothing else.
    async fn go(&self) {
        // Backwards, a deleted pipeline's expired executions come before itself, with their artifacts.
        let mut from = Bound::Unbounded;
        loop {
            let found = self.store.peek(|view| {
                let entries = view.scan_keys(&keys::all_trash(), from.as_ref(), Direction::Backward);
                entries.take(ENTRIES_AT_ONCE).collect::<Result<Vec<Key>, StoreError>>()
            });
            let entries = match found {
                Ok(entries) => entries,
                Err(error) => return tracing::error!(%error, "the trash cannot be read; it waits"),
            };
            let Some(last) = entries.last() else { break };
            from = Bound::Excluded(last.clone());
            self.remove(entries).await;
        }
        self.trim().await;
    }

    async fn trim(&self) {
        let rounds = self.clone();
        attempt(async move { rounds.trim_events().await }).await;
    }

    async fn remove(&self, entries: Vec<Key>) {
        let mut executions = Vec::new();
        let mut pipelines = Vec::new();
        for entry in entries {
            match keys::parse_trash(&entry) {
                Some((inc, Some(number))) => executions.push((inc, number, entry)),
                Some((inc, None)) => pipelines.push((inc, entry)),
                None => tracing::warn!(key = %entry, "not a trash entry"),
            }
        }
        let rounds = self.clone();
        attempt(async move { rounds.remove_executions(executions).await }).await;
        for (inc, entry) in pipelines {
            let rounds = self.clone();
            attempt(async move { rounds.remove_incarnation(&inc, entry).await }).await;
        }
    }

    /// Many at once, so that removing keeps up with starting: each of them waits for the disk.
    async fn remove_executions(
        &self,
        executions: Vec<(Incarnation, ExecutionNumber, Key)>,
    ) -> Result<(), StoreError> {
        let mut all = Batch::new();
        let mut artifacts = Vec::new();
        for (inc, number, entry) in executions {
            match self.rest_of(&inc, number) {
                Ok((rest, outputs)) => {
                    all.append(rest).delete(entry);
                    artifacts.extend(outputs);
                }
                Err(error) => tracing::error!(%error, "an expired execution cannot be removed; it waits"),
            }
            tokio::task::yield_now().await;
        }
        self.remove_artifacts(artifacts).await;
        self.store.queue(all).await;
        Ok(())
    }

    /// What is left of an expired execution: the batch that removes it, and its artifacts.
    fn rest_of(
        &self,
        inc: &Incarnation,
        number: ExecutionNumber,
    ) -> Result<(Batch, Vec<ArtifactLocation>), StoreError> {
        let mut batch = Batch::new();
        let mut artifacts = Vec::new();
        self.store.peek(|view| {
            let pointers = keys::actions_of(inc, number);
            for found in view.scan::<ActionPointer>(&pointers, Bound::Unbounded, Direction::Forward) {
                let (key, ActionPointer(action)) = found?;
                let at = keys::action(inc, action.started, &action.id);
                if let Some(action) = view.get::<ActionExecution>(&at)? {
                    for id in action.work_ids() {
                        batch.delete(keys::work(&id));
                    }
                    if action.rule_of.is_some() {
                        batch.delete(keys::rule(inc, action.reference.started, &action.reference.id));
                    }
                    artifacts.extend(action.into_artifacts());
                }
                batch.delete(at).delete(key);
            }
            for prefix in [keys::stages_of(inc, number), keys::context_of(inc, number)] {
                for key in view.scan_keys(&prefix, Bound::Unbounded, Direction::Forward) {
                    batch.delete(key?);
                }
            }
            Ok((batch, artifacts))
        })
    }

    /// Everything of a deleted pipeline, once nothing of it runs any more. AWS leaves its artifacts in their
    /// bucket, and so do we.
    async fn remove_incarnation(&self, inc: &Incarnation, entry: Key) -> Result<(), StoreError> {
        self.store.barrier().await;
        if self.store.peek(|view| view.contains(&keys::live(inc)))? {
            return Ok(());
        }
        self.remove_execution_ids(inc).await?;
        self.remove_work_ids(inc).await?;
        let families = [
            keys::versions(inc),
            keys::executions(inc),
            keys::tokens(inc),
            keys::all_succeeded(inc),
            keys::all_stages(inc),
            keys::actions(inc),
            keys::rules(inc),
            keys::all_actions_of(inc),
            keys::all_context(inc),
            keys::states(inc),
        ];
        for family in families {
            self.remove_all(&family).await?;
        }
        let mut last = Batch::new();
        last.delete(keys::head(inc)).delete(keys::tags(inc)).delete(entry);
        self.store.queue(last).await;
        Ok(())
    }

    /// A family that is keyed by the execution's id instead of the incarnation.
    async fn remove_execution_ids(&self, inc: &Incarnation) -> Result<(), StoreError> {
        self.remove_ids(&keys::executions(inc), |execution: Execution, batch| {
            batch.delete(keys::execution_id(&execution.id));
        })
        .await
    }

    /// The other one: job ids and approval tokens.
    async fn remove_work_ids(&self, inc: &Incarnation) -> Result<(), StoreError> {
        self.remove_ids(&keys::actions(inc), |action: ActionExecution, batch| {
            for id in action.work_ids() {
                batch.delete(keys::work(&id));
            }
        })
        .await
    }

    async fn remove_ids<R: Record>(
        &self,
        prefix: &Prefix,
        remove: impl Fn(R, &mut Batch),
    ) -> Result<(), StoreError> {
        let mut from = Bound::Unbounded;
        loop {
            let mut batch = Batch::new();
            let mut last = None;
            self.store.peek(|view| {
                for found in view.scan::<R>(prefix, from.as_ref(), Direction::Forward).take(CHUNK) {
                    let (key, record) = found?;
                    remove(record, &mut batch);
                    last = Some(key);
                }
                Ok(())
            })?;
            let Some(last) = last else { return Ok(()) };
            from = Bound::Excluded(last);
            self.store.queue(batch).await;
        }
    }

    async fn remove_all(&self, prefix: &Prefix) -> Result<(), StoreError> {
        loop {
            let keys = self.keys(prefix, CHUNK)?;
            if keys.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new();
            for key in keys {
                batch.delete(key);
            }
            self.store.queue(batch).await;
        }
    }

    async fn remove_artifacts(&self, artifacts: Vec<ArtifactLocation>) {
        let Some(remove) = &self.remove_artifact else { return };
        let removals: Vec<_> = artifacts
            .into_iter()
            .map(|artifact| {
                let remove = Arc::clone(remove);
                actix_rt::spawn(async move { remove(artifact).await })
            })
            .collect();
        for removal in removals {
            if let Err(error) = removal.await {
                tracing::error!(%error, "removing an artifact panicked; it stays");
            }
        }
    }

    /// Events are numbered without gaps, so that the ends say which there are.
    async fn trim_events(&self) -> Result<(), StoreError> {
        let (oldest, newest) = self.store.peek(|view| {
            let end = |direction| {
                let key = view.scan_keys(&keys::events(), Bound::Unbounded, direction).next().transpose();
                key.map(|key| key.as_ref().and_then(keys::parse_event))
            };
            Ok((end(Direction::Forward)?, end(Direction::Backward)?))
        })?;
        let (Some(oldest), Some(newest)) = (oldest, newest) else { return Ok(()) };
        let mut batch = Batch::new();
        for (nth, number) in (oldest..=newest.saturating_sub(EVENTS_KEPT)).enumerate() {
            batch.delete(keys::event(number));
            if nth % CHUNK == CHUNK - 1 {
                self.store.queue(std::mem::take(&mut batch)).await;
            }
        }
        if !batch.is_empty() {
            self.store.queue(batch).await;
        }
        Ok(())
    }

    fn keys(&self, prefix: &Prefix, limit: usize) -> Result<Vec<Key>, StoreError> {
        self.store
            .peek(|view| view.scan_keys(prefix, Bound::Unbounded, Direction::Forward).take(limit).collect())
    }
}

/// Waits for that event. What the wait ends with is let go in here: while it is held, nothing is committed.
async fn reached(events: &mut watch::Receiver<u64>, number: u64) {
    if events.wait_for(|last| *last >= number).await.is_err() {
        // The store has closed.
        std::future::pending::<()>().await;
    }
}

/// Does a part of the work so that neither its error nor its panic keeps the janitor from the rest.
async fn attempt(part: impl Future<Output = Result<(), StoreError>> + 'static) {
    match actix_rt::spawn(part).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "a part of the trash cannot be removed; it waits"),
        Err(error) => tracing::error!(%error, "the janitor panicked; a part of the trash waits"),
    }
}
