//! What is deleted frees the disk: the folder's size follows what is kept, not what was ever written.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use bytes::Bytes;
use penstock_engine::ids::Incarnation;
use penstock_storage::keys::codepipeline;
use penstock_storage::{Batch, OpenOptions, Record, Store};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Row(String);

impl Record for Row {
    const VERSION: u8 = 1;
}

/// Bytes on disk below a folder.
fn size(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // sled removes files of its own meanwhile.
        let Ok(metadata) = path.metadata() else { continue };
        bytes += if path.is_dir() { size(&path) } else { metadata.blocks() * 512 };
    }
    bytes
}

#[tokio::test]
async fn records_written_over_and_deleted_give_their_space_back() {
    const KEPT: u64 = 500;
    let folder = tempfile::tempdir().unwrap();
    let inc = Incarnation("i".into());
    let row = Row("x".repeat(2000));
    let mut largest = 0;
    let mut written = 0;
    for run in 0..4u64 {
        let store = Store::open(folder.path(), OpenOptions::default()).unwrap();
        for n in run * 10_000..(run + 1) * 10_000 {
            let mut batch = Batch::new();
            batch.put(codepipeline::execution(&inc, n), &row).put(codepipeline::head(&inc), &row);
            written += 4000;
            if n >= KEPT {
                batch.delete(codepipeline::execution(&inc, n - KEPT));
            }
            let ticket = store.queue(batch);
            if n % 50 == 0 {
                ticket.await;
            }
            if n % 1000 == 0 {
                largest = largest.max(size(folder.path()));
            }
        }
    }
    assert!(written > 150 << 20);
    assert!(largest < 32 << 20, "1 MiB of records took {} MiB", largest >> 20);
}

#[tokio::test]
async fn records_larger_than_a_page_are_kept_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let inc = Incarnation("i".into());
    let mut largest = 0;
    for run in 0..3u64 {
        let store = Store::open(folder.path(), OpenOptions::default()).unwrap();
        for n in run * 50..(run + 1) * 50 {
            let mut batch = Batch::new();
            batch.put(codepipeline::version(&inc, n % 7), &Row("x".repeat(1_000_000)));
            store.queue(batch).await;
            largest = largest.max(size(folder.path()));
        }
        let found = store.read(|view| view.get::<Row>(&codepipeline::version(&inc, 3))).await.unwrap();
        assert_eq!(found.unwrap().0.len(), 1_000_000);
    }
    assert!(largest < 40 << 20, "7 MB of records took {} MiB", largest >> 20);
}

#[tokio::test]
async fn deleted_blobs_give_their_space_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), OpenOptions::default()).unwrap();
    let before = size(folder.path());
    for _ in 0..100 {
        let mut writer = store.blobs().create().await.unwrap();
        writer.write(Bytes::from(vec![7; 1 << 20])).await.unwrap();
        let id = writer.finish().await.unwrap();
        store.blobs().delete(&id).await.unwrap();
        // No more than its folders stay.
        assert!(size(folder.path()) < before + (2 << 20));
    }
}
