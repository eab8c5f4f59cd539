//! Access lists of buckets.

use penstock_actors::companions::s3::service::S3;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::errors::refuse;
use super::grants::{self, Access};
use super::seam::requester;

pub(super) async fn get_acl(
    s3: &S3,
    request: S3Request<GetBucketAclInput>,
) -> S3Result<S3Response<GetBucketAclOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let list = s3.bucket_acl(&requester, &input.bucket).await.map_err(refuse)?;
    let (owner, grants) = grants::to_wire(list);
    Ok(S3Response::new(GetBucketAclOutput { owner: Some(owner), grants: Some(grants) }))
}

pub(super) async fn put_acl(
    s3: &S3,
    request: S3Request<PutBucketAclInput>,
) -> S3Result<S3Response<PutBucketAclOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
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
        document: input.access_control_policy,
    };
    let put = s3.put_bucket_acl(&requester, &input.bucket, |bucket| {
        access.grants(&bucket.owner, &bucket.owner)?.ok_or_else(grants::nothing_said)
    });
    put.await.map_err(refuse)?;
    Ok(S3Response::new(PutBucketAclOutput::default()))
}
