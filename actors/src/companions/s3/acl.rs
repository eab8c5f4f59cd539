//! Access control lists: the canned ones as grants.

use super::identity::canonical_user;
use super::records::{BucketRecord, Grant, Grantee};
use super::refusal::Refusal;
use super::service::{Requester, S3};
use super::versions;

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// An access control list and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessControl {
    /// The owner's canonical user id.
    pub owner: String,
    /// Who may do what.
    pub grants: Vec<Grant>,
}

/// The owner alone.
pub fn private(account: &str) -> Vec<Grant> {
    vec![Grant { grantee: Grantee::User(canonical_user(account)), permission: "FULL_CONTROL".into() }]
}

/// The grants of a canned list for what `owner` has in a bucket of `bucket_owner`.
pub fn canned(name: &str, owner: &str, bucket_owner: &str) -> Result<Vec<Grant>, Refusal> {
    let group = |uri: &str, permission: &str| Grant {
        grantee: Grantee::Group(uri.into()),
        permission: permission.into(),
    };
    let for_bucket_owner = |permission: &str| {
        (owner != bucket_owner).then(|| Grant {
            grantee: Grantee::User(canonical_user(bucket_owner)),
            permission: permission.into(),
        })
    };
    let more: Vec<Grant> = match name {
        "private" | "aws-exec-read" => Vec::new(),
        "public-read" => vec![group(ALL_USERS, "READ")],
        "public-read-write" => vec![group(ALL_USERS, "READ"), group(ALL_USERS, "WRITE")],
        "authenticated-read" => vec![group(AUTHENTICATED_USERS, "READ")],
        "log-delivery-write" => vec![group(LOG_DELIVERY, "WRITE"), group(LOG_DELIVERY, "READ_ACP")],
        "bucket-owner-read" => for_bucket_owner("READ").into_iter().collect(),
        "bucket-owner-full-control" => for_bucket_owner("FULL_CONTROL").into_iter().collect(),
        other => return Err(Refusal::invalid_argument("", "x-amz-acl", other)),
    };
    Ok(private(owner).into_iter().chain(more).collect())
}

/// Whether the list lets everybody, or every account, do that.
pub(super) fn is_public(grants: &[Grant], permission: &str) -> bool {
    grants.iter().any(|grant| {
        let all =
            matches!(&grant.grantee, Grantee::Group(uri) if uri == ALL_USERS || uri == AUTHENTICATED_USERS);
        all && (grant.permission == permission || grant.permission == "FULL_CONTROL")
    })
}

impl S3 {
    /// GetBucketAcl.
    pub async fn bucket_acl(&self, requester: &Requester, bucket: &str) -> Result<AccessControl, Refusal> {
        let bucket = self.bucket(requester, bucket).await?;
        Ok(of_bucket(&bucket))
    }

    /// PutBucketAcl.
    pub async fn put_bucket_acl(
        &self,
        requester: &Requester,
        bucket: &str,
        grants: impl FnOnce(&BucketRecord) -> Result<Vec<Grant>, Refusal>,
    ) -> Result<(), Refusal> {
        self.change_bucket(requester, bucket, |record| {
            record.grants = Some(grants(record)?);
            Ok(())
        })
        .await
    }

    /// GetObjectAcl.
    pub async fn object_acl(
        &self,
        requester: &Requester,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<AccessControl, Refusal> {
        versions::check_version_id(version)?;
        let held = self.shared(requester, bucket).await?;
        let (_, object) = self.look_up(bucket, key, version).await?;
        drop(held);
        let grants = object.attributes.grants.unwrap_or_else(|| private(&object.owner));
        Ok(AccessControl { owner: canonical_user(&object.owner), grants })
    }

    /// PutObjectAcl.
    pub async fn put_object_acl(
        &self,
        requester: &Requester,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        grants: Vec<Grant>,
    ) -> Result<(), Refusal> {
        let change = self.change_attributes(requester, bucket, key, version, |attributes| {
            attributes.grants = Some(grants);
        });
        change.await.map(|_| ())
    }
}

/// A bucket's list: the owner alone unless it says otherwise.
pub fn of_bucket(bucket: &BucketRecord) -> AccessControl {
    let grants = bucket.grants.clone().unwrap_or_else(|| private(&bucket.owner));
    AccessControl { owner: canonical_user(&bucket.owner), grants }
}
