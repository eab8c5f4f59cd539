//! Source/AWS/S3 when all is well, or not.

use penstock_engine::action::SourceRevision;
use penstock_engine::declaration::pipeline::EncryptionKey;
use penstock_engine::source::{SourceRevisionOverride, SourceRevisionType};

use crate::aws::scripted::{Answer, answer, s3_error};

use super::*;

const VERSIONED: &str = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
const COPIED: &str = "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>";

fn head() -> Answer {
    answer(200, "")
        .header("x-amz-version-id", "v.1/+=")
        .header("etag", "\"abc\"")
        .header("last-modified", "Mon, 06 May 2024 07:08:09 GMT")
}

fn script() -> Script {
    Script::new()
        .on("GET /source/?versioning", answer(200, VERSIONED))
        .on("HEAD /source/", head())
        .on("PUT /store/pipeline/source_out/abcdefg", answer(200, COPIED))
}

fn work() -> Work {
    s3_work(ActionCategory::Source, &[("S3Bucket", "source"), ("S3ObjectKey", "dir/ü +.zip")])
}

#[tokio::test]
async fn the_newest_version_is_copied_as_it_is_and_recorded_as_the_revision() {
    let script = script();
    let success = run(&script, work()).await.unwrap();
    assert_eq!(
        script.s3_lines(),
        [
            "GET /source/?versioning",
            "HEAD /source/dir/%C3%BC%20%2B.zip",
            "PUT /store/pipeline/source_out/abcdefg"
        ]
    );
    let copy = script.one("PUT /store/");
    assert_eq!(copy.header("x-amz-copy-source"), "source/dir/%C3%BC%20%2B.zip?versionId=v.1/%2B%3D");
    assert_eq!(copy.header("x-amz-server-side-encryption"), "aws:kms");
    assert_eq!(copy.header("x-amz-server-side-encryption-aws-kms-key-id"), "");
    assert_eq!(
        variables(&success),
        BTreeMap::from([
            ("BucketName", "source"),
            ("ETag", "abc"),
            ("ObjectKey", "dir/ü +.zip"),
            ("VersionId", "v.1/+=")
        ])
    );
    assert_eq!(success.progress.external_id.as_deref(), Some("v.1/+="));
    assert_eq!(success.progress.summary.as_deref(), Some("Amazon S3 version id: v.1/+="));
    assert_eq!(
        success.revision,
        Some(SourceRevision {
            action: "action".to_owned(),
            artifact: "source_output".to_owned(),
            revision_id: "v.1/+=".to_owned(),
            change_identifier: Some("abc".to_owned()),
            summary: Some("Amazon S3 version id: v.1/+=".to_owned()),
            url: None,
            created: Some(Timestamp(1_714_979_289_000)),
        })
    );
}

fn told(kind: SourceRevisionType, value: &str) -> SourceRevisionOverride {
    SourceRevisionOverride {
        action_name: "action".to_owned(),
        revision_type: kind,
        revision_value: value.to_owned(),
    }
}

#[tokio::test]
async fn an_execution_may_name_the_version_and_the_key() {
    let script = script();
    let overrides = vec![
        told(SourceRevisionType::S3ObjectVersionId, "v0"),
        told(SourceRevisionType::S3ObjectKey, "other"),
    ];
    run(&script, Work { overrides, ..work() }).await.unwrap();
    assert_eq!(script.one("HEAD /source/").line, "HEAD /source/other?versionId=v0");
}

#[tokio::test]
async fn a_version_that_is_not_there_is_named() {
    for status in [400, 404] {
        let overrides = vec![told(SourceRevisionType::S3ObjectVersionId, "v0")];
        let script = script().on("HEAD /source", answer(status, ""));
        let (code, message) = failed(&script, Work { overrides, ..work() }).await;
        assert_eq!(code, "ConfigurationError");
        assert!(
            message.starts_with("No version v0 of the object with the key dir/ü +.zip was found"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn the_objects_metadata_may_give_the_summary() {
    let head = head().header("x-amz-meta-codepipeline-artifact-revision-summary", "Fixed it");
    let success = run(&script().on("HEAD /source/", head), work()).await.unwrap();
    assert_eq!(success.progress.summary.as_deref(), Some("Fixed it"));
    assert_eq!(success.revision.unwrap().summary.as_deref(), Some("Fixed it"));
}

#[tokio::test]
async fn the_artifact_is_encrypted_with_the_stores_key() {
    let script = script();
    let key = EncryptionKey { id: "arn:aws:kms:k".to_owned(), key_type: "KMS".to_owned() };
    run(&script, Work { encryption_key: Some(key), ..work() }).await.unwrap();
    let copy = script.one("PUT /store/");
    assert_eq!(copy.header("x-amz-server-side-encryption"), "aws:kms");
    assert_eq!(copy.header("x-amz-server-side-encryption-aws-kms-key-id"), "arn:aws:kms:k");
}

#[tokio::test]
async fn a_bucket_without_versioning_is_refused() {
    let suspended = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    for body in ["<VersioningConfiguration/>", suspended] {
        let (code, message) = failed(&script().on("GET /source", answer(200, body)), work()).await;
        assert_eq!(code, "ConfigurationError");
        assert!(
            message.starts_with("Versioning is not enabled for the Amazon S3 bucket named source"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn an_s3_that_names_its_answers_otherwise_is_understood() {
    let other =
        "<GetBucketVersioningResponse xmlns=\"x\"><Status>Enabled</Status></GetBucketVersioningResponse>";
    run(&script().on("GET /source", answer(200, other)), work()).await.unwrap();
    let other = "<GetBucketVersioningResponse xmlns=\"x\"/>";
    let (_, message) = failed(&script().on("GET /source", answer(200, other)), work()).await;
    assert!(message.starts_with("Versioning is not enabled"), "{message}");
}

#[tokio::test]
async fn a_missing_bucket_and_a_missing_key_are_told_apart() {
    let no_bucket = s3_error(404, "NoSuchBucket", "The specified bucket does not exist");
    let (code, message) = failed(&script().on("GET /source", no_bucket), work()).await;
    assert_eq!(code, "ConfigurationError");
    assert!(message.starts_with("No bucket with the name source was found."), "{message}");

    let (code, message) = failed(&script().on("HEAD /source", answer(404, "")), work()).await;
    assert_eq!(code, "ConfigurationError");
    assert!(message.starts_with("No object with the key dir/ü +.zip was found in"), "{message}");
}

#[tokio::test]
async fn a_denial_is_told_in_the_words_of_aws() {
    let denied = || s3_error(403, "AccessDenied", "Access Denied");
    let (code, message) = failed(&script().on("GET /source", denied()), work()).await;
    assert_eq!(code, "PermissionError");
    assert_eq!(
        message,
        "The service role or action role doesn’t have the permissions required to access the Amazon S3 bucket named \
         source. Update the IAM role permissions, and then try again. Error: Amazon S3:AccessDenied:Access Denied \
         (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: REQUEST1)"
    );
    let in_words = script().on("HEAD /source", answer(403, "")).on("GET /source/dir", denied());
    assert_eq!(failed(&in_words, work()).await, (code, message));
}

#[tokio::test]
async fn a_bucket_in_another_region_is_named_as_such() {
    let elsewhere = s3_error(301, "PermanentRedirect", "The bucket must be addressed elsewhere");
    let (code, message) = failed(&script().on("GET /source", elsewhere), work()).await;
    assert_eq!(code, "ConfigurationError");
    assert_eq!(message, "The bucket named source is not located in the us-west-2 AWS region");
}

#[tokio::test]
async fn a_copy_that_is_refused_is_blamed_on_the_end_that_refused_it() {
    let denied = || s3_error(403, "AccessDenied", "Access Denied");
    let readable = script().on("PUT /store", denied()).on("GET /source/dir", answer(206, "P"));
    let (code, message) = failed(&readable, work()).await;
    assert_eq!(code, "PermissionError");
    assert!(
        message.starts_with(&format!(
            "CodePipeline service role \"{PIPELINE_ROLE}\" is getting S3 access denied for the S3 bucket \"store\""
        )),
        "{message}"
    );
    let unreadable = script().on("PUT /store", denied()).on("GET /source/dir", denied());
    let (_, message) = failed(&unreadable, work()).await;
    assert!(message.contains("access the Amazon S3 bucket named source"), "{message}");

    let no_store = s3_error(404, "NoSuchBucket", "The specified bucket does not exist");
    let no_store = script().on("PUT /store", no_store).on("GET /source/dir", answer(206, "P"));
    let (code, message) = failed(&no_store, work()).await;
    assert_eq!(code, "ConfigurationError");
    assert!(message.starts_with("The artifact bucket store was not found."), "{message}");
}

#[tokio::test]
async fn an_object_from_before_versioning_has_the_version_null() {
    let script = script().on("HEAD /source/", answer(200, "").header("etag", "\"abc\""));
    let success = run(&script, work()).await.unwrap();
    assert_eq!(variables(&success).get("VersionId"), Some(&"null"));
    assert!(script.one("PUT /store/").header("x-amz-copy-source").ends_with("?versionId=null"));
}

#[tokio::test]
async fn a_key_without_a_value_is_named() {
    for key in ["S3Bucket", "S3ObjectKey"] {
        let mut work = work();
        work.configuration.insert(key.to_owned(), String::new());
        let (code, message) = failed(&script(), work).await;
        assert_eq!(code, "ConfigurationError");
        assert!(message.contains(&format!("has no value for '{key}'")), "{message}");
    }
}
