//! What must hold through restarts, failures and races.
#![expect(clippy::unwrap_used, reason = "tests")]

mod loose;

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future, stream};
use penstock_storage::{OpenOptions, Store};
use tempfile::TempDir;

use super::buckets::CreateBucket;
use super::completion::{CompleteUpload, ListedPart};
use super::conditions::{EtagCondition, WriteConditions};
use super::deletion::DeleteObject;
use super::listing::ListRequest;
use super::multipart::CreateUpload;
use super::reading::GetObject;
use super::records::{Attributes, Versioning};
use super::refusal::Refusal;
use super::service::{Requester, S3};
use super::staging::{Body, Incoming};
use super::writing::{PutObject, Stored};

const MIB: usize = 1024 * 1024;

fn me() -> Requester {
    Requester::new("000000000000", "us-east-1")
}

async fn open(folder: &TempDir) -> Arc<S3> {
    S3::open(Store::open(folder.path(), OpenOptions::default()).unwrap()).await.unwrap()
}

async fn with_bucket(folder: &TempDir) -> Arc<S3> {
    let s3 = open(folder).await;
    let create = CreateBucket { name: "bucket".into(), ..Default::default() };
    s3.create_bucket(&me(), create).await.unwrap();
    s3
}

fn blobs(folder: &TempDir) -> usize {
    fn files(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
    }
    files(&folder.path().join("blobs"))
}

/// Waits for the clean-up behind an answer.
async fn until_blobs(s3: &S3, folder: &TempDir, count: usize) {
    let reached = async {
        while blobs(folder) != count || !super::loose::left(&s3.store).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(60), reached).await;
    assert!(waited.is_ok(), "{} blobs instead of {count}", blobs(folder));
}

fn body(data: Vec<u8>) -> Body {
    let chunks: Vec<_> = data.chunks(100_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    Box::pin(stream::iter(chunks))
}

fn data(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|place| (place / 7) as u8 ^ seed).collect()
}

fn request(key: &str, body: Body) -> PutObject {
    PutObject {
        key: key.into(),
        conditions: WriteConditions::default(),
        attributes: Attributes::default(),
        incoming: Incoming::unchecked(body),
    }
}

async fn put(s3: &S3, key: &str, data: Vec<u8>) -> Result<Stored, Refusal> {
    put_stream(s3, key, body(data)).await
}

async fn put_stream(s3: &S3, key: &str, body: Body) -> Result<Stored, Refusal> {
    s3.put_object(&me(), "bucket", request(key, body)).await
}

async fn get(s3: &S3, key: &str, version: Option<&str>) -> Result<Vec<u8>, Refusal> {
    let get = GetObject { key: key.into(), version: version.map(Into::into), ..Default::default() };
    let (_, body) = s3.get_object(&me(), "bucket", get).await?;
    let chunks: Vec<Bytes> = body.try_collect().await.unwrap();
    Ok(chunks.concat())
}

async fn delete(s3: &S3, key: &str) -> Result<(), Refusal> {
    s3.delete_object(&me(), "bucket", DeleteObject { key: key.into(), ..Default::default() })
        .await
        .map(|_| ())
}

async fn list(s3: &S3) -> Vec<String> {
    let all = ListRequest { max_keys: 1000, ..Default::default() };
    let page = s3.list_objects(&me(), "bucket", all).await.unwrap();
    page.versions.into_iter().map(|(version, _)| version.key).collect()
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = with_bucket(&folder).await;
    s3.put_versioning(&me(), "bucket", Versioning::Enabled).await.unwrap();
    let one = put(&s3, "k", data(10, 1)).await.unwrap().version;
    let two = put(&s3, "k", data(MIB, 2)).await.unwrap().version;
    let create = CreateUpload { key: "m".into(), ..Default::default() };
    let upload = s3.create_upload(&me(), "bucket", create).await.unwrap().upload;
    let part = Incoming::unchecked(body(data(6 * MIB, 3)));
    let first = s3.upload_part(&me(), "bucket", "m", &upload, 1, part).await.unwrap().etag;
    drop(s3);

    let s3 = open(&folder).await;
    assert_eq!(get(&s3, "k", one.as_deref()).await.unwrap(), data(10, 1));
    assert_eq!(get(&s3, "k", two.as_deref()).await.unwrap(), data(MIB, 2));
    let part = Incoming::unchecked(body(data(3, 4)));
    let last = s3.upload_part(&me(), "bucket", "m", &upload, 2, part).await.unwrap().etag;
    let listed = |number, etag| ListedPart { number, etag, ..Default::default() };
    let parts = vec![listed(1, first), listed(2, last)];
    let complete = CompleteUpload { key: "m".into(), upload, parts, ..Default::default() };
    s3.complete_upload(&me(), "bucket", complete).await.unwrap();
    drop(s3);

    let s3 = open(&folder).await;
    assert_eq!(get(&s3, "m", None).await.unwrap(), [data(6 * MIB, 3), data(3, 4)].concat());
    assert_eq!(blobs(&folder), 2, "the small ones lie in records");
    let three = put(&s3, "k", data(1, 5)).await.unwrap().version;
    assert_eq!(get(&s3, "k", None).await.unwrap(), data(1, 5), "newer than what an earlier process wrote");
    assert_ne!(three, two);
}

#[tokio::test]
async fn an_upload_whose_client_goes_away_leaves_nothing_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = with_bucket(&folder).await;
    put(&s3, "k", b"before".to_vec()).await.unwrap();
    let cut = body(data(MIB, 1)).chain(stream::once(async { Err(io::ErrorKind::ConnectionReset.into()) }));
    let refused = s3.put_object(&me(), "bucket", request("k", Box::pin(cut))).await;
    assert_eq!(refused.unwrap_err().code, "IncompleteBody");
    until_blobs(&s3, &folder, 0).await;

    let stalls = Arc::new(tokio::sync::Notify::new());
    let stalling = Arc::clone(&stalls);
    let stalled = body(data(MIB, 1)).chain(stream::once(async move {
        stalling.notify_one();
        future::pending().await
    }));
    tokio::select! {
        _ = put_stream(&s3, "k", Box::pin(stalled)) => unreachable!("the body never ends"),
        () = stalls.notified() => {}
    }
    until_blobs(&s3, &folder, 0).await;
    assert_eq!(get(&s3, "k", None).await.unwrap(), b"before");

    let mut short = request("k", body(data(MIB, 1)));
    short.incoming.length = Some(MIB as u64 + 1);
    assert_eq!(s3.put_object(&me(), "bucket", short).await.unwrap_err().code, "IncompleteBody");
    let mut unwanted = request("k", body(data(MIB, 1)));
    unwanted.conditions.if_none_match = Some(EtagCondition::Any);
    assert_eq!(s3.put_object(&me(), "bucket", unwanted).await.unwrap_err().code, "PreconditionFailed");
    until_blobs(&s3, &folder, 0).await;
    assert_eq!(get(&s3, "k", None).await.unwrap(), b"before");
}

#[tokio::test]
async fn what_is_overwritten_or_deleted_frees_the_disk_but_not_under_its_reader() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = with_bucket(&folder).await;
    put(&s3, "k", data(3 * MIB, 1)).await.unwrap();
    let whole = GetObject { key: "k".into(), ..Default::default() };
    let (_, mut reading) = s3.get_object(&me(), "bucket", whole).await.unwrap();
    let begin = reading.next().await.unwrap().unwrap();
    put(&s3, "k", data(MIB, 2)).await.unwrap();
    assert_eq!(blobs(&folder), 2, "one is still being read");
    let rest: Vec<Bytes> = reading.try_collect().await.unwrap();
    assert_eq!([begin, rest.concat().into()].concat(), data(3 * MIB, 1));
    until_blobs(&s3, &folder, 1).await;
    delete(&s3, "k").await.unwrap();
    until_blobs(&s3, &folder, 0).await;
    assert_eq!(get(&s3, "k", None).await.unwrap_err().code, "NoSuchKey");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_one_key_leave_one_object_and_one_blob() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = with_bucket(&folder).await;
    let writers = (0..32_u8).map(|seed| {
        let s3 = Arc::clone(&s3);
        tokio::spawn(async move { put(&s3, "k", data(20_000, seed)).await.map(|stored| stored.object.etag) })
    });
    let etags: Vec<String> =
        future::join_all(writers).await.into_iter().map(|etag| etag.unwrap().unwrap()).collect();
    until_blobs(&s3, &folder, 1).await;
    let newest = GetObject { key: "k".into(), ..Default::default() };
    let head = s3.head_object(&me(), "bucket", newest).await.unwrap();
    assert!(etags.contains(&head.object.etag));
    assert_eq!(get(&s3, "k", None).await.unwrap().len(), 20_000);
    let all = ListRequest { max_keys: 1000, ..Default::default() };
    assert_eq!(s3.list_versions(&me(), "bucket", all).await.unwrap().versions.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_deleted_while_objects_come_is_either_full_or_gone() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = open(&folder).await;
    for round in 0..20 {
        let create = CreateBucket { name: "bucket".into(), ..Default::default() };
        s3.create_bucket(&me(), create).await.unwrap();
        let writer = {
            let s3 = Arc::clone(&s3);
            tokio::spawn(async move { put(&s3, "k", data(20_000, round)).await })
        };
        let deleted = s3.delete_bucket(&me(), "bucket").await;
        let written = writer.await.unwrap();
        match deleted {
            Ok(()) => assert_eq!(written.unwrap_err().code, "NoSuchBucket"),
            Err(refusal) => {
                assert_eq!(refusal.code, "BucketNotEmpty");
                written.unwrap();
                delete(&s3, "k").await.unwrap();
                s3.delete_bucket(&me(), "bucket").await.unwrap();
            }
        }
    }
    until_blobs(&s3, &folder, 0).await;
}

#[tokio::test]
async fn a_deleted_bucket_takes_its_unfinished_uploads_along() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = with_bucket(&folder).await;
    let create = CreateUpload { key: "m".into(), ..Default::default() };
    let upload = s3.create_upload(&me(), "bucket", create).await.unwrap().upload;
    let part = Incoming::unchecked(body(data(MIB, 1)));
    s3.upload_part(&me(), "bucket", "m", &upload, 1, part).await.unwrap();
    s3.delete_bucket(&me(), "bucket").await.unwrap();
    until_blobs(&s3, &folder, 0).await;
}

#[tokio::test]
async fn retention_deletes_an_object_with_all_its_versions() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = with_bucket(&folder).await;
    s3.put_versioning(&me(), "bucket", Versioning::Enabled).await.unwrap();
    for seed in 0..3 {
        put(&s3, "k", data(20_000, seed)).await.unwrap();
    }
    put(&s3, "k2", data(1, 1)).await.unwrap();
    assert!(s3.object_exists("bucket", "k").await.unwrap());
    s3.delete_object_quietly("bucket", "k").await.unwrap();
    s3.delete_object_quietly("bucket", "k").await.unwrap();
    s3.delete_object_quietly("no-such-bucket", "k").await.unwrap();
    assert!(!s3.object_exists("bucket", "k").await.unwrap());
    until_blobs(&s3, &folder, 0).await;
    assert_eq!(list(&s3).await, ["k2"]);
}

#[tokio::test]
async fn a_listing_steps_over_many_old_versions_and_hidden_keys() {
    let s3 = S3::open(Store::in_memory()).await.unwrap();
    let create = CreateBucket { name: "bucket".into(), versioned: true, ..Default::default() };
    s3.create_bucket(&me(), create).await.unwrap();
    for key in ["a", "b", "c"] {
        for seed in 0..20 {
            put(&s3, key, data(1, seed)).await.unwrap();
        }
    }
    delete(&s3, "b").await.unwrap();
    assert_eq!(list(&s3).await, ["a", "c"]);
}
