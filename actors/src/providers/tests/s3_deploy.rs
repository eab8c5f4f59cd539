//! Deploy/AWS/S3 when all is well, or not.

use std::io::{Cursor, Write};

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::aws::scripted::{answer, s3_error};

use super::*;

const COPIED: &str = "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>";
const ARTIFACT: &str = "/store/pipeline/source_out/abcdefg";

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn work(configuration: &[(&str, &str)]) -> Work {
    let mut work = s3_work(ActionCategory::Deploy, configuration);
    work.configuration.insert("BucketName".to_owned(), "target".to_owned());
    work
}

fn extracting(artifact: Vec<u8>) -> Script {
    Script::new()
        .on(&format!("GET {ARTIFACT}"), answer(200, artifact))
        .on("PUT /target/", answer(200, "").header("etag", "\"e\""))
}

fn copying() -> Script {
    Script::new().on("PUT /target/", answer(200, COPIED))
}

#[tokio::test]
async fn a_whole_artifact_goes_under_one_key() {
    let script = copying();
    let success = run(&script, work(&[("Extract", "false"), ("ObjectKey", "output-file")])).await.unwrap();
    assert_eq!(script.s3_lines(), ["PUT /target/output-file"]);
    let copy = script.one("PUT /target/");
    assert_eq!(copy.header("x-amz-copy-source"), "store/pipeline/source_out/abcdefg");
    assert_eq!(copy.header("x-amz-metadata-directive"), "REPLACE");
    assert_eq!(copy.header("content-type"), "binary/octet-stream");
    assert_eq!(success.progress.external_id.as_deref(), Some("bcff0781"));
    assert_eq!(success.progress.summary.as_deref(), Some("Deployment Succeeded"));
    assert!(success.output_variables.is_empty() && success.revision.is_none());
}

#[tokio::test]
async fn the_objects_get_the_headers_that_were_asked_for() {
    let script = copying();
    let configuration = [
        ("Extract", "false"),
        ("ObjectKey", "page.html"),
        ("CannedACL", "public-read"),
        ("CacheControl", "public, max-age=0, no-transform"),
        ("KMSEncryptionKeyARN", "alias/key"),
    ];
    run(&script, work(&configuration)).await.unwrap();
    let copy = script.one("PUT /target/page.html");
    assert_eq!(copy.header("x-amz-acl"), "public-read");
    assert_eq!(copy.header("cache-control"), "public, max-age=0, no-transform");
    assert_eq!(copy.header("x-amz-server-side-encryption"), "aws:kms");
    assert_eq!(copy.header("x-amz-server-side-encryption-aws-kms-key-id"), "alias/key");
    assert_eq!(copy.header("content-type"), "text/html");
}

#[tokio::test]
async fn a_key_with_date_and_uuid_is_the_same_when_the_action_runs_again() {
    let script = copying();
    let work = work(&[("Extract", "false"), ("ObjectKey", "{datetime}/{uuid}-{uuid}/{other}")]);
    run(&script, work.clone()).await.unwrap();
    run(&script, work).await.unwrap();
    let lines = script.s3_lines();
    let [first, second] = lines.as_slice() else { unreachable!("{lines:?}") };
    assert_eq!(first, second);
    let uuids = first.strip_prefix("PUT /target/2024-05-06_07-08-09/").unwrap();
    let (uuids, other) = uuids.split_once('/').unwrap();
    let (one, two) = uuids.split_at(36);
    assert!(uuid::Uuid::parse_str(one).is_ok() && two == format!("-{one}"), "{uuids}");
    assert_eq!(other, "%7Bother%7D");
}

#[tokio::test]
async fn every_file_of_the_artifact_goes_under_the_prefix_with_a_type_of_its_own() {
    let large = vec![b'x'; 1 << 20];
    let files: [(&str, &[u8]); 4] =
        [("index.html", b"<p>"), ("css/site.css", b"a{}"), ("data/blob", &large), ("a b/ü+.JS", b"1")];
    for (prefix, keys) in [
        (None, ["a%20b/%C3%BC%2B.JS", "css/site.css", "data/blob", "index.html"].map(str::to_owned)),
        (
            Some("web/{datetime}"),
            ["a%20b/%C3%BC%2B.JS", "css/site.css", "data/blob", "index.html"]
                .map(|key| format!("web/2024-05-06_07-08-09/{key}")),
        ),
    ] {
        let script = extracting(archive(&files));
        let mut work = work(&[("Extract", "true"), ("CacheControl", "no-cache")]);
        work.configuration.extend(prefix.map(|prefix| ("ObjectKey".to_owned(), prefix.to_owned())));
        run(&script, work).await.unwrap();
        let mut lines = script.s3_lines();
        assert_eq!(lines.remove(0), format!("GET {ARTIFACT}"));
        lines.sort();
        assert_eq!(lines, keys.map(|key| format!("PUT /target/{key}")));
        let asked = script.asked();
        let of = |end: &str| {
            asked.iter().find(|asked| asked.line.split('?').any(|part| part.ends_with(end))).unwrap()
        };
        assert_eq!(of("index.html").header("content-type"), "text/html");
        assert_eq!(of("site.css").header("content-type"), "text/css");
        assert_eq!(of(".JS").header("content-type"), "text/javascript");
        assert_eq!(of("blob").header("content-type"), "binary/octet-stream");
        assert_eq!(of("blob").header("cache-control"), "no-cache");
        assert_eq!(of("blob").body.len(), large.len());
        assert_eq!(of("blob").header("content-length"), large.len().to_string());
    }
}

#[tokio::test]
async fn an_artifact_that_is_no_zip_cannot_be_extracted() {
    let (code, message) = failed(&extracting(b"just text".to_vec()), work(&[("Extract", "true")])).await;
    assert_eq!(code, "JobFailed");
    assert_eq!(message, "The artifact 'source_output' cannot be unpacked: it is not a zip file.");
}

#[tokio::test]
async fn a_zip_that_climbs_out_deploys_nothing() {
    let script = extracting(archive(&[("good", b"1"), ("../evil", b"2")]));
    let (code, message) = failed(&script, work(&[("Extract", "true")])).await;
    assert_eq!(code, "JobFailed");
    assert!(message.contains("its entry '../evil' would be stored outside the target"), "{message}");
    assert_eq!(script.s3_lines(), [format!("GET {ARTIFACT}")]);
}

#[tokio::test]
async fn a_missing_target_and_a_missing_artifact_are_told_apart() {
    let no_bucket = || s3_error(404, "NoSuchBucket", "The specified bucket does not exist");
    let no_key = || s3_error(404, "NoSuchKey", "The specified key does not exist.");
    let whole = [("Extract", "false"), ("ObjectKey", "k")];
    let get = format!("GET {ARTIFACT}");

    let no_target = copying().on("PUT /target/", no_bucket()).on(&get, answer(206, "P"));
    let (code, message) = failed(&no_target, work(&whole)).await;
    assert_eq!(code, "ConfigurationError");
    assert!(message.starts_with("No bucket with the name target was found."), "{message}");

    let no_target = extracting(archive(&[("a", b"1")])).on("PUT /target/", no_bucket());
    let (_, message) = failed(&no_target, work(&[("Extract", "true")])).await;
    assert!(message.starts_with("No bucket with the name target was found."), "{message}");

    let unable = "Unable to access the artifact with Amazon S3 object key 'pipeline/source_out/abcdefg' located in \
                  the Amazon S3 artifact bucket 'store'.";
    let no_artifact = copying().on("PUT /target/", no_key()).on(&get, no_key());
    let (code, message) = failed(&no_artifact, work(&whole)).await;
    assert_eq!(code, "JobFailed");
    assert!(message.starts_with(unable), "{message}");

    let (code, message) = failed(&Script::new().on(&get, no_key()), work(&[("Extract", "true")])).await;
    assert_eq!(code, "JobFailed");
    assert!(message.starts_with(unable), "{message}");

    let denied = s3_error(403, "AccessDenied", "Access Denied");
    let (code, message) = failed(&Script::new().on(&get, denied), work(&[("Extract", "true")])).await;
    assert_eq!(code, "PermissionError");
    assert!(message.contains("The provided role does not have sufficient permissions."), "{message}");
}

#[tokio::test]
async fn a_target_that_denies_is_named() {
    let denied = s3_error(403, "AccessDenied", "Access Denied");
    let get = format!("GET {ARTIFACT}");
    let script = copying().on("PUT /target/", denied).on(&get, answer(206, "P"));
    let (code, message) = failed(&script, work(&[("Extract", "false"), ("ObjectKey", "k")])).await;
    assert_eq!(code, "PermissionError");
    assert!(message.contains("access the Amazon S3 bucket named target"), "{message}");
}

#[tokio::test]
async fn an_artifact_that_breaks_off_is_not_taken_for_whole() {
    let whole = archive(&[("a", b"1")]);
    let get = format!("GET {ARTIFACT}");
    let longer = (whole.len() + 1).to_string();
    let script = Script::new().on(&get, answer(200, whole).header("content-length", &longer));
    let (code, message) = failed(&script, work(&[("Extract", "true")])).await;
    assert_eq!(code, "JobFailed");
    assert!(message.contains("no usable answer from Amazon S3"), "{message}");
}

#[tokio::test]
async fn a_configuration_that_makes_no_sense_is_refused_before_anything_is_called() {
    for (configuration, text) in [
        (&[("Extract", "perhaps")][..], "The value 'perhaps' of 'Extract'"),
        (&[], "has no value for 'Extract'"),
        (&[("Extract", "true"), ("CannedACL", "public")], "The value 'public' of 'CannedACL'"),
        (&[("Extract", "true"), ("BucketName", "")], "has no value for 'BucketName'"),
    ] {
        let script = Script::new();
        let mut work = work(&[]);
        work.configuration
            .extend(configuration.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let (code, message) = failed(&script, work).await;
        assert_eq!(code, "ConfigurationError");
        assert!(message.contains(text), "{message}");
        assert!(script.asked().is_empty());
    }
}
