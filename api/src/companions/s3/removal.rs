//! DeleteObject and DeleteObjects.

use penstock_actors::companions::s3::deletion::{DeleteObject, Deleted};
use penstock_actors::companions::s3::refusal::Refusal;
use penstock_actors::companions::s3::service::S3;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use crate::authorization::Authority;

use super::conditions;
use super::errors::refuse;
use super::permitted::may_delete;
use super::seam::requester;

/// Objects of one request.
const MOST: usize = 1000;

pub(super) async fn one(
    s3: &S3,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let conditions = conditions::write(input.if_match, None);
    let object = DeleteObject { key: input.key, version: input.version_id, conditions };
    let deleted = s3.delete_object(&requester, &input.bucket, object).await.map_err(refuse)?;
    Ok(S3Response::new(DeleteObjectOutput {
        delete_marker: deleted.delete_marker.then_some(true),
        version_id: deleted.version,
        ..Default::default()
    }))
}

pub(super) async fn several(
    s3: &S3,
    authority: &Authority,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let requester = requester(&request, request.input.expected_bucket_owner.clone());
    let input = request.input;
    let quiet = input.delete.quiet.unwrap_or(false);
    if input.delete.objects.is_empty() || input.delete.objects.len() > MOST {
        return Err(refuse(Refusal::new(
            "MalformedXML",
            400,
            "The XML you provided was not well-formed or did not validate against our published schema",
        )));
    }
    let (mut objects, mut errors) = (Vec::new(), Vec::new());
    for object in input.delete.objects {
        let (key, version) = (&object.key, object.version_id.as_deref());
        match may_delete(authority, &request.extensions, &input.bucket, key, version).await {
            Ok(()) => objects.push(DeleteObject {
                key: object.key,
                version: object.version_id,
                conditions: conditions::write(object.e_tag.map(ETagCondition::ETag), None),
            }),
            Err(refusal) => errors.push(failed(object.key, object.version_id, refusal)),
        }
    }
    let asked: Vec<(String, Option<String>)> =
        objects.iter().map(|object| (object.key.clone(), object.version.clone())).collect();
    let outcomes = s3.delete_objects(&requester, &input.bucket, objects).await.map_err(refuse)?;
    let mut deleted = Vec::new();
    for ((key, version), outcome) in asked.into_iter().zip(outcomes) {
        match outcome {
            Ok(outcome) if !quiet => deleted.push(shown(key, version, outcome)),
            Ok(_) => {}
            Err(refusal) => errors.push(failed(key, version, refusal)),
        }
    }
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: Some(deleted),
        errors: Some(errors),
        ..Default::default()
    }))
}

fn failed(key: String, version: Option<String>, refusal: Refusal) -> Error {
    Error {
        code: Some(refusal.code.to_owned()),
        key: Some(key),
        message: Some(refusal.message.into_owned()),
        version_id: version,
    }
}

fn shown(key: String, version: Option<String>, outcome: Deleted) -> DeletedObject {
    DeletedObject {
        key: Some(key),
        delete_marker: outcome.delete_marker.then_some(true),
        delete_marker_version_id: outcome.version.filter(|_| outcome.delete_marker),
        version_id: version,
    }
}
