//! Tags and access lists of objects.

use penstock_actors::companions::s3::service::S3;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::errors::refuse;
use super::grants::{self, Access};
use super::seam::requester;
use super::tags;

pub(super) async fn get_tags(
    s3: &S3,
    request: S3Request<GetObjectTaggingInput>,
) -> S3Result<S3Response<GetObjectTaggingOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let version = input.version_id.as_deref();
    let (tags, version_id) =
        s3.object_tagging(&requester, &input.bucket, &input.key, version).await.map_err(refuse)?;
    Ok(S3Response::new(GetObjectTaggingOutput { tag_set: tags::to_wire(tags), version_id }))
}

pub(super) async fn put_tags(
    s3: &S3,
    request: S3Request<PutObjectTaggingInput>,
) -> S3Result<S3Response<PutObjectTaggingOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let (version, tags) = (input.version_id.as_deref(), tags::from_wire(input.tagging.tag_set));
    let put = s3.put_object_tagging(&requester, &input.bucket, &input.key, version, tags);
    Ok(S3Response::new(PutObjectTaggingOutput { version_id: put.await.map_err(refuse)? }))
}

pub(super) async fn delete_tags(
    s3: &S3,
    request: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let version = input.version_id.as_deref();
    let put = s3.put_object_tagging(&requester, &input.bucket, &input.key, version, Vec::new());
    let output = DeleteObjectTaggingOutput { version_id: put.await.map_err(refuse)? };
    Ok(S3Response::new(output))
}

pub(super) async fn get_acl(
    s3: &S3,
    request: S3Request<GetObjectAclInput>,
) -> S3Result<S3Response<GetObjectAclOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let version = input.version_id.as_deref();
    let list = s3.object_acl(&requester, &input.bucket, &input.key, version).await.map_err(refuse)?;
    let (owner, grants) = grants::to_wire(list);
    Ok(S3Response::new(GetObjectAclOutput { owner: Some(owner), grants: Some(grants), ..Default::default() }))
}

pub(super) async fn put_acl(
    s3: &S3,
    request: S3Request<PutObjectAclInput>,
) -> S3Result<S3Response<PutObjectAclOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let owner = s3.bucket(&requester, &input.bucket).await.map_err(refuse)?.owner;
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
    let said = access.grants(&requester.account, &owner).map_err(refuse)?;
    let grants = said.ok_or_else(|| refuse(grants::nothing_said()))?;
    let version = input.version_id.as_deref();
    s3.put_object_acl(&requester, &input.bucket, &input.key, version, grants).await.map_err(refuse)?;
    Ok(S3Response::new(PutObjectAclOutput::default()))
}
