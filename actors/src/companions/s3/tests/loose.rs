//! What a crash leaves at each step of a blob's life, and that a start finds it without reading the objects.

use penstock_storage::keys::s3 as keys;
use penstock_storage::{Batch, BlobId};

use super::super::identity::Reserved;
use super::super::{loose, staging};
use super::*;

/// Opens the folder and does that, and then ends as a killed process does: tasks end where they are, and what
/// was held cleans nothing up.
fn killed_after<T>(folder: &TempDir, step: impl AsyncFnOnce(Arc<S3>) -> T) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let held = runtime.block_on(async {
        let s3 = open(folder).await;
        until_nothing_is_listed(&s3).await;
        (step(Arc::clone(&s3)).await, s3)
    });
    drop(runtime);
    drop(held);
}

async fn until_nothing_is_listed(s3: &S3) {
    let reached = async {
        while !loose::left(&s3.store).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), reached).await.unwrap();
}

/// What a start makes of it: `k` is that, its blob is the only one, and the list is empty.
fn check(step: &str, folder: &TempDir, k: &[u8]) {
    killed_after(folder, async |s3| {
        assert_eq!(blobs(folder), 1, "{step}");
        assert_eq!(get(&s3, "k", None).await.unwrap(), k, "{step}");
    });
}

async fn put_orphan(s3: &S3) -> BlobId {
    let mut orphan = s3.store.blobs().create().await.unwrap();
    orphan.write(Bytes::from_static(b"a crash came before the record")).await.unwrap();
    orphan.finish().await.unwrap()
}

#[test]
fn a_crash_at_any_step_leaves_every_object_and_no_blob_besides() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (data(MIB, 1), data(MIB, 2));
    killed_after(&folder, async |s3| {
        let create = CreateBucket { name: "bucket".into(), ..Default::default() };
        s3.create_bucket(&me(), create).await.unwrap();
        put(&s3, "k", one.clone()).await.unwrap()
    });
    let stage = async |s3: &S3| {
        let incoming = Incoming::unchecked(body(two.clone()));
        staging::stage(&s3.store, incoming, []).await.unwrap()
    };
    killed_after(&folder, async |s3| stage(&s3).await);
    check("a blob aside", &folder, &one);

    killed_after(&folder, async |s3| {
        let mut batch = Batch::new();
        let staged = stage(&s3).await;
        loose::list(&mut batch, put_orphan(&s3).await);
        s3.store.queue(batch).await;
        staged
    });
    assert_eq!(blobs(&folder), 2);
    check("a blob that is listed and in its place", &folder, &one);

    killed_after(&folder, async |s3| stage(&s3).await.settle(&s3.store).await.unwrap());
    assert_eq!(blobs(&folder), 2);
    check("a blob in its place that no record names yet", &folder, &one);

    killed_after(&folder, async |s3| {
        drop(stage(&s3).await.settle(&s3.store).await.unwrap());
        until_nothing_is_listed(&s3).await;
    });
    assert_eq!(blobs(&folder), 1);
    check("a blob that was given up", &folder, &one);

    killed_after(&folder, async |s3| {
        let whole = GetObject { key: "k".into(), ..Default::default() };
        let (_, mut reading) = s3.get_object(&me(), "bucket", whole).await.unwrap();
        reading.next().await.unwrap().unwrap();
        put(&s3, "k", two.clone()).await.unwrap();
        reading
    });
    assert_eq!(blobs(&folder), 2);
    check("a replaced blob that is still being read", &folder, &two);

    killed_after(&folder, async |s3| {
        let gone = put_orphan(&s3).await;
        s3.store.blobs().delete(&gone).await.unwrap();
        let mut batch = Batch::new();
        loose::list(&mut batch, gone);
        s3.store.queue(batch).await;
    });
    check("a removed blob that is still on the list", &folder, &two);
}

#[tokio::test]
async fn a_crash_within_a_multipart_upload_keeps_its_parts_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = with_bucket(&folder).await;
    let create = CreateUpload { key: "k".into(), ..Default::default() };
    let upload = s3.create_upload(&me(), "bucket", create).await.unwrap().upload;
    let part = |seed| Incoming::unchecked(body(data(MIB, seed)));
    s3.upload_part(&me(), "bucket", "k", &upload, 1, part(1)).await.unwrap();
    let etag = s3.upload_part(&me(), "bucket", "k", &upload, 1, part(2)).await.unwrap().etag;
    s3.upload_part(&me(), "bucket", "k", &upload, 2, part(3)).await.unwrap();
    until_nothing_is_listed(&s3).await;
    drop(s3);

    let s3 = open(&folder).await;
    assert_eq!(blobs(&folder), 2);
    let parts = vec![ListedPart { number: 1, etag, ..Default::default() }];
    let complete = CompleteUpload { key: "k".into(), upload, parts, ..Default::default() };
    s3.complete_upload(&me(), "bucket", complete).await.unwrap();
    until_nothing_is_listed(&s3).await;
    assert_eq!(blobs(&folder), 1);
    assert_eq!(get(&s3, "k", None).await.unwrap(), data(MIB, 2));
}

#[tokio::test]
async fn a_start_reads_no_object() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = with_bucket(&folder).await;
    put(&s3, "k", data(MIB, 1)).await.unwrap();
    let mut batch = Batch::new();
    // Whoever reads these as an object, a content or a part fails.
    for key in [keys::object("bucket", "z", 1), keys::content(1), keys::part("z", 1)] {
        batch.put(key, &Reserved(1));
    }
    s3.store.queue(batch).await;
    put_orphan(&s3).await;
    drop(s3);
    let s3 = open(&folder).await;
    assert_eq!(get(&s3, "k", None).await.unwrap(), data(MIB, 1));
    until_nothing_is_listed(&s3).await;
    assert_eq!(blobs(&folder), 2, "nor does it look at blobs that are not on the list");
}

#[tokio::test]
async fn a_data_directory_without_the_list_gets_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = with_bucket(&folder).await;
    s3.put_versioning(&me(), "bucket", Versioning::Enabled).await.unwrap();
    let create = CreateUpload { key: "m".into(), ..Default::default() };
    let upload = s3.create_upload(&me(), "bucket", create).await.unwrap().upload;
    let part = Incoming::unchecked(body(data(MIB, 3)));
    s3.upload_part(&me(), "bucket", "m", &upload, 1, part).await.unwrap();
    let mut version = put(&s3, "k", data(MIB, 1)).await.unwrap().record;
    // As an earlier release left it, on a machine whose clock was ahead.
    let mut batch = Batch::new();
    batch.delete(keys::sequence());
    batch.delete(keys::object("bucket", "k", version.sequence));
    version.sequence += 3_600_000_000_000;
    batch.put(keys::object("bucket", "k", version.sequence), &version);
    s3.store.queue(batch).await;
    put_orphan(&s3).await;
    drop(s3);
    assert_eq!(blobs(&folder), 3);

    let s3 = open(&folder).await;
    assert_eq!(blobs(&folder), 2);
    assert_eq!(get(&s3, "k", None).await.unwrap(), data(MIB, 1));
    put_orphan(&s3).await;
    drop(s3);

    let s3 = open(&folder).await;
    assert_eq!(blobs(&folder), 3, "what is not on the list is not looked for again");
    put(&s3, "k", data(10, 2)).await.unwrap();
    assert_eq!(get(&s3, "k", None).await.unwrap(), data(10, 2), "newer than what was there");
}

#[tokio::test]
async fn versions_go_on_above_all_that_a_killed_process_may_have_given_out() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = with_bucket(&folder).await;
    s3.put_versioning(&me(), "bucket", Versioning::Enabled).await.unwrap();
    let mut batch = Batch::new();
    // The clock is set back by an hour.
    let ahead = s3.sequence.next() + 3_600_000_000_000;
    batch.put(keys::sequence(), &Reserved(ahead));
    s3.store.queue(batch).await;
    drop(s3);
    for round in 0..3 {
        let s3 = open(&folder).await;
        let stored = put(&s3, "k", data(10, round)).await.unwrap();
        assert!(stored.record.sequence > ahead);
        assert_eq!(get(&s3, "k", None).await.unwrap(), data(10, round));
        drop(s3);
    }
}
