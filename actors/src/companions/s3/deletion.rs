//! DeleteObject and DeleteObjects.

use futures_util::{StreamExt, stream};
use penstock_storage::Batch;

use super::conditions::WriteConditions;
use super::names;
use super::records::{State, Versioning};
use super::refusal::Refusal;
use super::service::{Requester, S3};
use super::versions::{self, Arrival};
use super::writing::KeyGuard;

/// Deletions of one request that are under way at the same time.
const AT_ONCE: usize = 64;

/// What a deletion did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The version that went, or the delete marker that came.
    pub version: Option<String>,
    /// Whether that version is a delete marker.
    pub delete_marker: bool,
}

/// One object to delete.
#[derive(Clone, Debug, Default)]
pub struct DeleteObject {
    /// The object's key.
    pub key: String,
    /// Which version shall go for good; `None` hides the object where versions are kept.
    pub version: Option<String>,
    /// What it must meet.
    pub conditions: WriteConditions,
}

impl S3 {
    /// DeleteObject. What is not there is deleted already.
    pub async fn delete_object(
        &self,
        requester: &Requester,
        bucket: &str,
        request: DeleteObject,
    ) -> Result<Deleted, Refusal> {
        names::check_key(&request.key)?;
        versions::check_version_id(request.version.as_deref())?;
        let held = self.shared(requester, bucket).await?;
        let key = request.key.as_str();
        let lock = self.key_lock(bucket, key);
        let versioning = held.versioning;
        match (&request.version, versioning) {
            (Some(id), _) => {
                let guard = lock.write_owned().await;
                let found = self
                    .store
                    .read(|view| {
                        let Some(version) = versions::by_id(view, bucket, key, id)? else { return Ok(None) };
                        let mut batch = Batch::new();
                        let doomed = versions::remove(view, bucket, &version, &mut batch)?;
                        Ok(Some((batch, doomed, version)))
                    })
                    .await?;
                let mut deleted = Deleted { version: Some(id.clone()), delete_marker: false };
                if let Some((batch, doomed, version)) = found {
                    request.conditions.check(key, Some(&version))?;
                    deleted.delete_marker = version.object().is_none();
                    self.commit(batch, (held, guard), doomed).await?;
                }
                Ok(deleted)
            }
            (None, None) => {
                let guard = lock.write_owned().await;
                let (batch, doomed) =
                    self.make_room(bucket, key, Arrival::ReplacingNull, &request.conditions).await?;
                if !batch.is_empty() {
                    self.commit(batch, (held, guard), doomed).await?;
                }
                Ok(Deleted::default())
            }
            (None, Some(versioning)) => {
                let arrival = match versioning {
                    Versioning::Enabled => Arrival::Beside,
                    Versioning::Suspended => Arrival::ReplacingNull,
                };
                let (guard, room) = if arrival == Arrival::Beside && request.conditions.is_empty() {
                    (KeyGuard::Shared(lock.read_owned().await), (Batch::new(), Vec::new()))
                } else {
                    let guard = KeyGuard::Alone(lock.write_owned().await);
                    (guard, self.make_room(bucket, key, arrival, &request.conditions).await?)
                };
                let (removals, doomed) = room;
                let (record, mut batch) = self.arrive(bucket, key, arrival, State::DeleteMarker, None);
                batch.append(removals);
                self.commit(batch, (held, guard), doomed).await?;
                Ok(Deleted { version: Some(record.version), delete_marker: true })
            }
        }
    }

    /// DeleteObjects: each on its own, the answers in the order of the request.
    pub async fn delete_objects(
        &self,
        requester: &Requester,
        bucket: &str,
        objects: Vec<DeleteObject>,
    ) -> Result<Vec<Result<Deleted, Refusal>>, Refusal> {
        drop(self.shared(requester, bucket).await?);
        let deletions = objects.into_iter().map(|object| self.delete_object(requester, bucket, object));
        Ok(stream::iter(deletions).buffered(AT_ONCE).collect().await)
    }

    /// Deletes an object with all its versions, if there is one; asked by the daemon itself, whose
    /// retention must free the disk.
    pub async fn delete_object_quietly(&self, bucket: &str, key: &str) -> Result<(), Refusal> {
        let Some(slot) = self.slot(bucket) else { return Ok(()) };
        let held = slot.read_owned().await;
        let guard = self.key_lock(bucket, key).write_owned().await;
        let (batch, doomed) = self.store.read(|view| versions::remove_all(view, bucket, key)).await?;
        if batch.is_empty() {
            return Ok(());
        }
        self.commit(batch, (held, guard), doomed).await
    }
}
