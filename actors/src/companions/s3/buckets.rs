//! Buckets: made, listed, looked at, deleted, and their settings.

use std::ops::Bound;

use penstock_storage::keys::s3 as keys;
use penstock_storage::{Batch, BlobId, Direction, StoreError, View};

use crate::companions::wall_clock;

use super::names;
use super::records::{BucketRecord, Configuration, Encryption, Grant, PartRecord, UploadRecord, Versioning};
use super::refusal::Refusal;
use super::service::{Requester, S3};
use super::sharing;

/// The Region whose buckets have no location constraint.
pub const CLASSIC_REGION: &str = "us-east-1";

/// Buckets of one account: 10,000 as on AWS.
const MOST_BUCKETS: usize = 10_000;

/// What CreateBucket is given.
#[derive(Clone, Debug, Default)]
pub struct CreateBucket {
    /// The name.
    pub name: String,
    /// `LocationConstraint`.
    pub location: Option<String>,
    /// The access list, if not the owner alone.
    pub grants: Option<Vec<Grant>>,
    /// Settings to begin with.
    pub configurations: Vec<(Configuration, String)>,
    /// Whether its objects can be locked, which needs versions.
    pub versioned: bool,
}

/// Who may use a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketAccess {
    /// The account that it belongs to.
    pub owner: String,
    /// Its policy, as it was sent.
    pub policy: Option<String>,
    /// Whether its access list opens it to everybody.
    pub is_listed: bool,
}

impl S3 {
    /// CreateBucket. Making one's own bucket again is no error in us-east-1, and one everywhere else.
    pub async fn create_bucket(&self, requester: &Requester, request: CreateBucket) -> Result<(), Refusal> {
        names::check_bucket_name(&request.name)?;
        let region = location(requester, request.location.as_deref())?;
        let making = self.making.lock().await;
        if let Some(slot) = self.slot(&request.name)
            && let Some(existing) = slot.read().await.as_ref()
        {
            return again(requester, existing);
        }
        self.store.accepts_data().map_err(|_| Refusal::no_space())?;
        if self.owned_by(&requester.account).await.len() >= MOST_BUCKETS {
            return Err(Refusal::new(
                "TooManyBuckets",
                400,
                "You have attempted to create more buckets than allowed",
            ));
        }
        let bucket = BucketRecord {
            name: request.name,
            owner: requester.account.clone(),
            region,
            created: wall_clock::now(),
            versioning: request.versioned.then_some(Versioning::Enabled),
            grants: request.grants,
            default_encryption: Encryption::default(),
            configurations: request.configurations.into_iter().collect(),
        };
        let mut batch = Batch::new();
        batch.put(keys::bucket(&bucket.name), &bucket);
        self.store.queue(batch).await;
        self.add_slot(bucket);
        drop(making);
        Ok(())
    }

    /// HeadBucket, and what every look at a bucket's settings begins with.
    pub async fn bucket(&self, requester: &Requester, name: &str) -> Result<BucketRecord, Refusal> {
        Ok(self.shared(requester, name).await?.clone())
    }

    /// The Region of a bucket, whoever owns it.
    pub async fn bucket_region(&self, name: &str) -> Option<String> {
        let slot = self.slot(name)?;
        let bucket = slot.read().await;
        bucket.as_ref().map(|bucket| bucket.region.clone())
    }

    /// Who may use a bucket, whoever asks; nothing for one that is not there.
    pub async fn access_to(&self, name: &str) -> Option<BucketAccess> {
        let slot = self.slot(name)?;
        let bucket = slot.read().await;
        bucket.as_ref().map(|bucket| BucketAccess {
            owner: bucket.owner.clone(),
            policy: bucket.configurations.get(&Configuration::Policy).cloned(),
            is_listed: sharing::is_open_by_list(bucket),
        })
    }

    /// The account's buckets, by name.
    pub async fn owned_by(&self, account: &str) -> Vec<BucketRecord> {
        let mut owned = Vec::new();
        for slot in self.slots() {
            if let Some(bucket) = slot.read().await.as_ref()
                && bucket.owner == account
            {
                owned.push(bucket.clone());
            }
        }
        owned
    }

    /// DeleteBucket: only when nothing is in it, old versions and delete markers included. Uploads under
    /// way end with it.
    pub async fn delete_bucket(&self, requester: &Requester, name: &str) -> Result<(), Refusal> {
        let (held, _) = self.exclusive(requester, name).await?;
        let (batch, doomed) = self
            .store
            .read(|view| {
                let prefix = keys::objects(name, "");
                if view.scan_keys(&prefix, Bound::Unbounded, Direction::Forward).next().is_some() {
                    return Ok(None);
                }
                Ok(Some(remove_uploads(view, name)?))
            })
            .await?
            .ok_or_else(|| {
                Refusal::new("BucketNotEmpty", 409, "The bucket you tried to delete is not empty")
                    .with("BucketName", name)
            })?;
        let mut removal = Batch::new();
        removal.delete(keys::bucket(name)).append(batch);
        // Nobody may make it anew between the end of the old one and its leaving the list.
        let making = self.making.lock().await;
        self.commit_then(removal, held, doomed, |held| **held = None).await?;
        self.remove_slot(name);
        drop(making);
        Ok(())
    }

    /// Changes a bucket's settings; readers see it once it is durable.
    pub async fn change_bucket(
        &self,
        requester: &Requester,
        name: &str,
        change: impl FnOnce(&mut BucketRecord) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let (held, mut bucket) = self.exclusive(requester, name).await?;
        change(&mut bucket)?;
        let mut batch = Batch::new();
        batch.put(keys::bucket(name), &bucket);
        self.commit_then(batch, held, Vec::new(), |held| **held = Some(bucket)).await
    }

    /// PutBucketVersioning.
    pub async fn put_versioning(
        &self,
        requester: &Requester,
        name: &str,
        versioning: Versioning,
    ) -> Result<(), Refusal> {
        self.change_bucket(requester, name, |bucket| {
            let locked = bucket.configurations.contains_key(&Configuration::ObjectLock);
            if versioning == Versioning::Suspended && locked {
                return Err(Refusal::new(
                    "InvalidBucketState",
                    409,
                    "An Object Lock configuration is present on this bucket, so the versioning state cannot be \
                     changed.",
                ));
            }
            bucket.versioning = Some(versioning);
            Ok(())
        })
        .await
    }

    /// Keeps a setting as it was sent.
    pub async fn put_configuration(
        &self,
        requester: &Requester,
        name: &str,
        configuration: Configuration,
        text: String,
    ) -> Result<(), Refusal> {
        self.change_bucket(requester, name, |bucket| {
            bucket.configurations.insert(configuration, text);
            Ok(())
        })
        .await
    }

    /// Forgets a setting; one that was never made is forgotten already.
    pub async fn delete_configuration(
        &self,
        requester: &Requester,
        name: &str,
        configuration: Configuration,
    ) -> Result<(), Refusal> {
        self.change_bucket(requester, name, |bucket| {
            bucket.configurations.remove(&configuration);
            if configuration == Configuration::Encryption {
                bucket.default_encryption = Encryption::default();
            }
            Ok(())
        })
        .await
    }
}

fn again(requester: &Requester, existing: &BucketRecord) -> Result<(), Refusal> {
    if existing.owner != requester.account {
        return Err(Refusal::new(
            "BucketAlreadyExists",
            409,
            "The requested bucket name is not available. The bucket namespace is shared by all users of the \
             system. Please select a different name and try again.",
        )
        .with("BucketName", &existing.name));
    }
    if existing.region == CLASSIC_REGION && requester.region == CLASSIC_REGION {
        return Ok(());
    }
    Err(Refusal::new(
        "BucketAlreadyOwnedByYou",
        409,
        "Your previous request to create the named bucket succeeded and you already own it.",
    )
    .with("BucketName", &existing.name))
}

/// The Region of a new bucket. Requests to a Region make buckets there; us-east-1 makes them anywhere.
fn location(requester: &Requester, constraint: Option<&str>) -> Result<String, Refusal> {
    let plausible = |region: &str| {
        let parts: Vec<&str> = region.split('-').collect();
        parts.len() >= 3
            && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
            && parts.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
    };
    let illegal = |constraint: &str| {
        Err(Refusal::new(
            "IllegalLocationConstraintException",
            400,
            format!(
                "The {constraint} location constraint is incompatible for the region specific endpoint this \
                 request was sent to."
            ),
        ))
    };
    match constraint.filter(|text| !text.is_empty()) {
        None if requester.region == CLASSIC_REGION => Ok(CLASSIC_REGION.into()),
        None => illegal("unspecified"),
        Some("EU") => Ok("eu-west-1".into()),
        Some(region) if !plausible(region) || region == CLASSIC_REGION => Err(Refusal::new(
            "InvalidLocationConstraint",
            400,
            "The specified location-constraint is not valid",
        )
        .with("LocationConstraint", region)),
        Some(region) if requester.region == CLASSIC_REGION || requester.region == region => Ok(region.into()),
        Some(region) => illegal(region),
    }
}

fn remove_uploads(view: &View<'_>, bucket: &str) -> Result<(Batch, Vec<BlobId>), StoreError> {
    let (mut batch, mut doomed) = (Batch::new(), Vec::new());
    let uploads = keys::uploads(bucket, "");
    for entry in view.scan::<UploadRecord>(&uploads, Bound::Unbounded, Direction::Forward) {
        let (key, upload) = entry?;
        batch.delete(key);
        let parts = keys::parts(&upload.upload);
        for entry in view.scan::<PartRecord>(&parts, Bound::Unbounded, Direction::Forward) {
            let (key, part) = entry?;
            batch.delete(key);
            doomed.extend(part.piece.data.blob().copied());
        }
    }
    Ok((batch, doomed))
}
