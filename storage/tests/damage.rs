//! A folder that something else has damaged: a sentence or what is left of it, never a hang or a crash.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use penstock_storage::keys::codepipeline;
use penstock_storage::{Batch, OpenOptions, Record, Store};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Row(String);

impl Record for Row {
    const VERSION: u8 = 1;
}

async fn filled(folder: &Path) {
    let store = Store::open(folder, OpenOptions::default()).unwrap();
    for n in 0..500 {
        let mut batch = Batch::new();
        batch.put(codepipeline::event(n), &Row("x".repeat(3000)));
        drop(store.queue(batch));
    }
    store.barrier().await;
}

fn damage(file: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    how(&mut bytes);
    fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn damage_is_survived_or_named() {
    type Damage = fn(&Path);
    let kinds: [(&str, Damage); 8] = [
        ("database emptied", |records| damage(&records.join("db"), Vec::clear)),
        ("database cut", |records| damage(&records.join("db"), |bytes| bytes.truncate(bytes.len() / 2 + 13))),
        ("database's begin", |records| damage(&records.join("db"), |bytes| bytes[..4096].fill(0xff))),
        ("database's middle", |records| {
            damage(&records.join("db"), |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle..middle + 4096].fill(0xaa);
            });
        }),
        ("database scattered", |records| {
            damage(&records.join("db"), |bytes| bytes.iter_mut().step_by(10_007).for_each(|byte| *byte ^= 1));
        }),
        ("database gone", |records| fs::remove_file(records.join("db")).unwrap()),
        ("settings cleared", |records| damage(&records.join("conf"), Vec::clear)),
        ("settings garbled", |records| damage(&records.join("conf"), |bytes| bytes.fill(0xff))),
    ];
    for (name, how) in kinds {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path()).await;
        how(&folder.path().join("records"));
        match Store::open(folder.path(), OpenOptions::default()) {
            // What sled can still read of it.
            Ok(_) => assert!(!name.ends_with("emptied") && !name.ends_with("gone"), "{name}"),
            Err(error) => {
                let sentence = error.to_string();
                assert!(sentence.contains("cannot be opened"), "{name}: {sentence}");
            }
        }
    }
}
