//! Blobs: whole or not there, flat in memory, and nothing left behind.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;
use std::path::Path;

use bytes::Bytes;
use futures_util::TryStreamExt;
use penstock_storage::{BlobId, Blobs, OpenOptions, Store, StoreError};
use tempfile::TempDir;

fn open(folder: &TempDir) -> Store {
    Store::open(folder.path(), OpenOptions::default()).unwrap()
}

fn stores() -> Vec<(Store, Option<TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    vec![(Store::in_memory(), None), (open(&folder), Some(folder))]
}

/// All files below, as paths.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found
}

async fn put(blobs: &Blobs, bytes: &'static [u8]) -> BlobId {
    let mut writer = blobs.create().await.unwrap();
    writer.write(Bytes::from_static(bytes)).await.unwrap();
    writer.finish().await.unwrap()
}

async fn get(blobs: &Blobs, id: &BlobId) -> Vec<u8> {
    blobs.open(id).await.unwrap().bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn a_blob_comes_back_whole_and_in_ranges() {
    let content: Vec<u8> = (0..3_000_000u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
    for (store, _folder) in stores() {
        let mut writer = store.blobs().create().await.unwrap();
        assert!(writer.is_empty());
        for chunk in content.chunks(70_001) {
            writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
        }
        assert_eq!(writer.len(), 3_000_000);
        let id = writer.finish().await.unwrap();

        let reader = store.blobs().open(&id).await.unwrap();
        assert_eq!(reader.len(), 3_000_000);
        for range in [0..3_000_000, 0..u64::MAX, 1..2, 262_143..262_145, 2_999_999..3_000_001, 5..5] {
            let read: Vec<Bytes> = reader.stream(range.clone()).try_collect().await.unwrap();
            assert!(read.iter().all(|chunk| chunk.len() <= 256 * 1024));
            let (from, to) = (range.start as usize, range.end.min(3_000_000) as usize);
            assert_eq!(read.concat(), content[from..to], "{range:?}");
        }
        let backwards = std::ops::Range { start: 9, end: 3 };
        assert_eq!(reader.stream(backwards).try_collect::<Vec<_>>().await.unwrap(), [] as [Bytes; 0]);
        assert_eq!(
            reader.stream(4_000_000..5_000_000).try_collect::<Vec<_>>().await.unwrap(),
            [] as [Bytes; 0]
        );
    }
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    for (store, _folder) in stores() {
        let id = put(store.blobs(), b"").await;
        let reader = store.blobs().open(&id).await.unwrap();
        assert!(reader.is_empty());
        assert_eq!(reader.bytes().await.unwrap(), Bytes::new());
    }
}

#[tokio::test]
async fn a_blob_is_there_after_a_restart_under_the_id_that_a_record_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let id = serde_json::to_string(&put(open(&folder).blobs(), b"hello").await).unwrap();
    let id: BlobId = serde_json::from_str(&id).unwrap();
    assert_eq!(get(open(&folder).blobs(), &id).await, b"hello");
    serde_json::from_str::<BlobId>("\"../../etc/passwd\"").unwrap_err();
}

#[tokio::test]
async fn what_is_deleted_is_gone_but_readable_to_who_had_it_open() {
    for (store, _folder) in stores() {
        let id = put(store.blobs(), b"hello").await;
        let reader = store.blobs().open(&id).await.unwrap();
        store.blobs().delete(&id).await.unwrap();
        assert_eq!(reader.bytes().await.unwrap(), "hello");
        assert!(matches!(store.blobs().open(&id).await, Err(StoreError::NoBlob(gone)) if gone == id));
        // Twice is once.
        store.blobs().delete(&id).await.unwrap();
    }
}

#[tokio::test]
async fn a_writer_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut writer = store.blobs().create().await.unwrap();
    for _ in 0..10 {
        writer.write(Bytes::from(vec![7; 300_000])).await.unwrap();
    }
    assert_eq!(files(&folder.path().join("blobs")).len(), 1);
    drop(writer);
    assert_eq!(files(&folder.path().join("blobs")), [] as [String; 0]);
}

#[test]
fn a_blob_whose_write_was_given_up_halfway_cannot_be_finished() {
    // One thread for file work, and that one is held up, so that the write cannot end.
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let mut writer = store.blobs().create().await.unwrap();
        let (go_on, held_up) = std::sync::mpsc::channel::<()>();
        let holding = tokio::task::spawn_blocking(move || held_up.recv());
        {
            let write = writer.write(Bytes::from(vec![7; 1_000_000]));
            tokio::select! { biased; _ = write => {}, () = std::future::ready(()) => {} }
        }
        drop(go_on);
        holding.await.unwrap().unwrap_err();
        assert!(matches!(writer.write(Bytes::from_static(b"x")).await, Err(StoreError::Interrupted)));
        assert!(matches!(writer.finish().await, Err(StoreError::Interrupted)));
    });
}

#[tokio::test]
async fn what_a_killed_process_was_writing_is_removed_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder));
    let left = folder.path().join("blobs/tmp/0123456789abcdef0123456789abcdef");
    std::fs::write(&left, "half").unwrap();
    let _store = open(&folder);
    assert!(!left.exists());
}

#[tokio::test]
async fn a_sweep_removes_what_no_record_points_to() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, orphan) = {
        let store = open(&folder);
        (put(store.blobs(), b"kept").await, put(store.blobs(), b"orphan").await)
    };
    let stranger = folder.path().join("blobs/readme.txt");
    std::fs::write(&stranger, "").unwrap();

    let store = open(&folder);
    let referenced = HashSet::from([kept]);
    let removed = store.blobs().sweep(move |id| referenced.contains(id)).await.unwrap();
    assert_eq!(removed, 1);
    assert_eq!(get(store.blobs(), &kept).await, b"kept");
    assert!(matches!(store.blobs().open(&orphan).await, Err(StoreError::NoBlob(_))));
    assert!(stranger.exists());
}

#[tokio::test]
async fn a_blob_that_is_synced_early_goes_on_and_has_the_id_that_was_said() {
    for (store, _folder) in stores() {
        let mut writer = store.blobs().create().await.unwrap();
        let said = writer.id();
        writer.write(Bytes::from_static(b"hel")).await.unwrap();
        writer.sync().await.unwrap();
        writer.write(Bytes::from_static(b"lo")).await.unwrap();
        assert!(matches!(store.blobs().open(&said).await, Err(StoreError::NoBlob(_))));
        assert_eq!(writer.finish().await.unwrap(), said);
        assert_eq!(get(store.blobs(), &said).await, b"hello");
    }
}

#[tokio::test]
async fn a_folder_stays_locked_while_a_blob_is_being_written() {
    let folder = tempfile::tempdir().unwrap();
    let writer = open(&folder).blobs().create().await.unwrap();
    assert!(Store::open(folder.path(), OpenOptions::default()).is_err());
    drop(writer);
    open(&folder);
}

#[tokio::test]
async fn a_large_blob_passes_with_flat_memory() {
    let resident = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let chunk = Bytes::from(vec![7; 64 * 1024]);
    let before = resident();
    let mut writer = store.blobs().create().await.unwrap();
    for _ in 0..4096 {
        writer.write(chunk.clone()).await.unwrap();
    }
    let id = writer.finish().await.unwrap();
    let mut stream = store.blobs().open(&id).await.unwrap().stream(0..u64::MAX);
    let mut len = 0;
    while let Some(chunk) = stream.try_next().await.unwrap() {
        len += chunk.len();
    }
    assert_eq!(len, 256 << 20);
    // Other tests of this file run beside this one, hence no less.
    let grown = resident() - before;
    assert!(grown < 100 << 10, "grew by {grown} KiB");
}
