//! CreateBucket, HeadBucket, ListBuckets, DeleteBucket, GetBucketLocation, versioning.

use penstock_actors::companions::s3::buckets::{CLASSIC_REGION, CreateBucket};
use penstock_actors::companions::s3::records::{Configuration, Versioning};
use penstock_actors::companions::s3::refusal::Refusal;
use penstock_actors::companions::s3::service::S3;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::configurations::to_text;
use super::dates;
use super::errors::refuse;
use super::grants::{Access, owner};
use super::seam::requester;

pub(super) async fn create(
    s3: &S3,
    request: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
    let requester = requester(&request, None);
    let input = request.input;
    let access = Access {
        canned: input.acl.map(|acl| acl.as_str().to_owned()),
        headers: [
            ("FULL_CONTROL", input.grant_full_control),
            ("READ", input.grant_read),
            ("READ_ACP", input.grant_read_acp),
            ("WRITE_ACP", input.grant_write_acp),
            ("WRITE", input.grant_write),
        ],
        document: None,
    };
    let grants = access.grants(&requester.account, &requester.account).map_err(refuse)?;
    let mut configurations = Vec::new();
    if let Some(object_ownership) = input.object_ownership {
        let controls = OwnershipControls { rules: vec![OwnershipControlsRule { object_ownership }] };
        configurations.push((Configuration::OwnershipControls, to_text(&controls)?));
    }
    let locked = input.object_lock_enabled_for_bucket.unwrap_or(false);
    if locked {
        let enabled = ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED);
        let lock = ObjectLockConfiguration { object_lock_enabled: Some(enabled), rule: None };
        configurations.push((Configuration::ObjectLock, to_text(&lock)?));
    }
    let location =
        input.create_bucket_configuration.and_then(|configuration| configuration.location_constraint);
    let create = CreateBucket {
        name: input.bucket.clone(),
        location: location.map(|location| location.as_str().to_owned()),
        grants,
        configurations,
        versioned: locked,
    };
    s3.create_bucket(&requester, create).await.map_err(refuse)?;
    Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) }))
}

pub(super) async fn head(
    s3: &S3,
    request: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let bucket = s3.bucket(&requester, &request.input.bucket).await.map_err(refuse)?;
    Ok(S3Response::new(HeadBucketOutput { bucket_region: Some(bucket.region), ..Default::default() }))
}

pub(super) async fn list(
    s3: &S3,
    request: S3Request<ListBucketsInput>,
) -> S3Result<S3Response<ListBucketsOutput>> {
    let requester = requester(&request, None);
    let input = request.input;
    let most = input.max_buckets.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let after = input.continuation_token.unwrap_or_default();
    let prefix = input.prefix.clone().unwrap_or_default();
    let mut owned = s3
        .owned_by(&requester.account)
        .await
        .into_iter()
        .filter(|bucket| bucket.name.starts_with(&prefix) && (after.is_empty() || bucket.name > after))
        .filter(|bucket| input.bucket_region.as_ref().is_none_or(|region| *region == bucket.region));
    let page: Vec<_> = owned.by_ref().take(most).collect();
    let more = owned.next().is_some();
    let continuation_token = page.last().map(|bucket| bucket.name.clone()).filter(|_| more);
    let buckets = page.into_iter().map(|bucket| Bucket {
        creation_date: Some(dates::to_wire(bucket.created)),
        name: Some(bucket.name),
        bucket_region: Some(bucket.region),
    });
    Ok(S3Response::new(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        continuation_token,
        owner: Some(owner(&requester.account)),
        prefix: input.prefix,
    }))
}

pub(super) async fn delete(
    s3: &S3,
    request: S3Request<DeleteBucketInput>,
) -> S3Result<S3Response<DeleteBucketOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    s3.delete_bucket(&requester, &request.input.bucket).await.map_err(refuse)?;
    Ok(S3Response::new(DeleteBucketOutput::default()))
}

pub(super) async fn location(
    s3: &S3,
    request: S3Request<GetBucketLocationInput>,
) -> S3Result<S3Response<GetBucketLocationOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let bucket = s3.bucket(&requester, &request.input.bucket).await.map_err(refuse)?;
    let constraint = Some(bucket.region).filter(|region| region != CLASSIC_REGION);
    Ok(S3Response::new(GetBucketLocationOutput {
        location_constraint: constraint.map(BucketLocationConstraint::from),
    }))
}

pub(super) async fn get_versioning(
    s3: &S3,
    request: S3Request<GetBucketVersioningInput>,
) -> S3Result<S3Response<GetBucketVersioningOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let bucket = s3.bucket(&requester, &request.input.bucket).await.map_err(refuse)?;
    let status = bucket.versioning.map(|versioning| match versioning {
        Versioning::Enabled => BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED),
        Versioning::Suspended => BucketVersioningStatus::from_static(BucketVersioningStatus::SUSPENDED),
    });
    Ok(S3Response::new(GetBucketVersioningOutput { status, mfa_delete: None }))
}

pub(super) async fn put_versioning(
    s3: &S3,
    request: S3Request<PutBucketVersioningInput>,
) -> S3Result<S3Response<PutBucketVersioningOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    if input.versioning_configuration.mfa_delete.is_some_and(|mfa| mfa.as_str() == MFADelete::ENABLED) {
        return Err(refuse(Refusal::not_implemented("MFA delete is not implemented.")));
    }
    let versioning = match input.versioning_configuration.status.as_ref().map(BucketVersioningStatus::as_str)
    {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        _ => {
            return Err(refuse(Refusal::new(
                "IllegalVersioningConfigurationException",
                400,
                "The Versioning element must be specified",
            )));
        }
    };
    s3.put_versioning(&requester, &input.bucket, versioning).await.map_err(refuse)?;
    Ok(S3Response::new(PutBucketVersioningOutput {}))
}
