//! Change detection of S3 sources whose actions poll (`PollForSourceChanges`, AWS's default).
//!
//! A look finds the newest version of an object and tells the pipelines that follow it; each decides by what it
//! knows. So a look too many starts nothing, and one that was lost to a crash is made up for by the next: all
//! objects are looked at when the daemon begins. In the embedded store every put is followed by a look; a store
//! elsewhere is looked at time and again, by the daemon's clock.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use penstock_engine::ids::PipelineKey;
use penstock_engine::pipeline::{News, ObjectVersion};
use penstock_engine::rejection::RejectionKind;
use penstock_engine::time::Timestamp;
use tokio::sync::mpsc;

use super::sources::Origin;
use crate::Handle;
use crate::aws::clients::AwsClients;
use crate::aws::refusal::AwsRefusal;
use crate::aws::role::Access;
use crate::companions::s3::service::S3;

/// Looks at a store elsewhere that are under way at once.
const AT_ONCE: usize = 16;

/// Where the objects are.
pub enum Objects {
    /// In this daemon.
    Embedded(Arc<S3>),
    /// Elsewhere: asked under the pipelines' roles.
    External(AwsClients),
}

/// Begins to watch, for as long as the daemon lives. `interval` is the pause between looks at a store elsewhere, and
/// before something that could not be started is tried again.
pub fn watch(handle: Handle, objects: Objects, interval: Duration) {
    let (bell, rung) = mpsc::unbounded_channel();
    if let Objects::Embedded(s3) = &objects {
        let sources = handle.shared.sources.clone();
        s3.observe(move |bucket, key| {
            let origin = Origin::Object { bucket: bucket.to_owned(), key: key.to_owned() };
            if sources.is_followed(&origin) {
                // Fails only when the daemon ends.
                let _ = bell.send(origin);
            }
        });
    }
    let millis = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1);
    let watcher = Watcher { handle, objects, millis, again: HashSet::new() };
    actix_rt::spawn(watcher.go(rung));
}

struct Watcher {
    handle: Handle,
    objects: Objects,
    millis: u64,
    /// Objects whose news somebody could not take yet.
    again: HashSet<Origin>,
}

impl Watcher {
    async fn go(mut self, mut rung: mpsc::UnboundedReceiver<Origin>) {
        let (sources, store) = (self.handle.shared.sources.clone(), self.handle.shared.store.clone());
        if let Err(error) = sources.load(&store).await {
            tracing::error!(%error, "pipelines cannot be read; some sources are not watched");
        }
        self.look_at(sources.objects()).await;
        loop {
            let clock = self.handle.shared.clock.clone();
            let next = clock.now().plus_millis(self.millis);
            tokio::select! {
                Some(origin) = rung.recv() => self.look_at(vec![origin]).await,
                () = clock.sleep_until(next) => {
                    let due = match &self.objects {
                        Objects::Embedded(_) => self.again.drain().collect(),
                        Objects::External(_) => sources.objects(),
                    };
                    self.look_at(due).await;
                }
            }
        }
    }

    async fn look_at(&mut self, origins: Vec<Origin>) {
        let looks = origins.iter().flat_map(|origin| {
            let followers = self.handle.shared.sources.followers(origin);
            followers.into_iter().map(move |(pipeline, access)| (origin, pipeline, access))
        });
        let this = &*self;
        let looks: Vec<_> =
            looks.map(|(origin, pipeline, access)| this.tell(origin, pipeline, access)).collect();
        let unheard: Vec<Option<Origin>> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        self.again.extend(unheard.into_iter().flatten());
    }

    /// Tells a pipeline of the newest version; answers the object if it is to be told again.
    async fn tell(&self, origin: &Origin, pipeline: PipelineKey, access: Access) -> Option<Origin> {
        let Origin::Object { bucket, key } = origin else { return None };
        let version = match &self.objects {
            Objects::Embedded(s3) => s3.newest_version(bucket, key).await?,
            Objects::External(clients) => match newest(clients, &access, bucket, key).await {
                Ok(found) => found?,
                Err(refusal) => {
                    tracing::info!(pipeline = %pipeline.name, bucket, key, %refusal, "a source cannot be looked at");
                    return None;
                }
            },
        };
        let (name, sources) = (pipeline.name.clone(), &self.handle.shared.sources);
        let refused = self.handle.hear(pipeline.clone(), News::Object(version), None).await.err()?;
        match refused.kind {
            RejectionKind::PipelineNotFound => {
                sources.forget(&pipeline);
                None
            }
            RejectionKind::Throttling
            | RejectionKind::ServiceUnavailable
            | RejectionKind::Internal
            | RejectionKind::ConcurrentPipelineExecutionsLimitExceeded => Some(origin.clone()),
            _ => {
                tracing::info!(pipeline = %name, bucket, key, %refused, "a change of the source starts nothing");
                None
            }
        }
    }
}

/// The newest version of an object elsewhere; none where the bucket keeps no versions, since a source needs them.
async fn newest(
    clients: &AwsClients,
    access: &Access,
    bucket: &str,
    key: &str,
) -> Result<Option<ObjectVersion>, AwsRefusal> {
    let s3 = clients.s3(access).await?;
    let found = match s3.client.head_object().bucket(bucket).key(key).send().await {
        Ok(found) => found,
        Err(error) => match s3.refusal(&error) {
            refusal if refusal.is_absent() => return Ok(None),
            refusal => return Err(refusal),
        },
    };
    let Some(version) = found.version_id().filter(|version| *version != "null") else { return Ok(None) };
    // HTTP's dates have no fractions: the version may be as young as the second lets it be.
    let modified = found.last_modified().and_then(|when| u64::try_from(when.secs()).ok());
    Ok(Some(ObjectVersion {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version: version.to_owned(),
        etag: found.e_tag().unwrap_or_default().trim_matches('"').to_owned(),
        modified: Timestamp(modified.unwrap_or_default().saturating_mul(1000).saturating_add(999)),
    }))
}
