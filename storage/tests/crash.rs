//! Crashes: this binary runs itself as a child that writes and says what was acknowledged; the parent
//! kills it at random moments, opens the folder, and checks that all of that is there.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::ops::Bound;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use penstock_engine::ids::Incarnation;
use penstock_storage::keys::codepipeline;
use penstock_storage::{Batch, BlobId, Direction, OpenOptions, Record, Store, View};
use serde::{Deserialize, Serialize};

/// Batches kept; older ones are deleted by newer ones, so that the database cleans up all the while.
const KEPT: u64 = 100;
const RECORDS_PER_BATCH: u32 = 5;
const BLOB_EVERY: u64 = 40;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Piece {
    batch: u64,
    blob: Option<BlobId>,
    padding: String,
}

impl Record for Piece {
    const VERSION: u8 = 1;
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Last(u64);

impl Record for Last {
    const VERSION: u8 = 1;
}

fn inc() -> Incarnation {
    Incarnation("crash".into())
}

/// Half a KiB to four, other for every piece, and known to who checks.
fn padding(batch: u64, piece: u32) -> String {
    let len = 500 + (batch * 7919 + u64::from(piece) * 104_729) % 3500;
    format!("{batch}-{piece}-").repeat(usize::try_from(len / 6).unwrap())
}

fn blob_content(batch: u64) -> Bytes {
    Bytes::from(batch.to_le_bytes().repeat(5_000))
}

fn batch(n: u64, blob: Option<BlobId>) -> Batch {
    let mut batch = Batch::new();
    for piece in 0..RECORDS_PER_BATCH {
        let padding = padding(n, piece);
        batch.put(codepipeline::stage(&inc(), n, "stage", piece), &Piece { batch: n, blob, padding });
        if n > KEPT {
            batch.delete(codepipeline::stage(&inc(), n - KEPT, "stage", piece));
        }
    }
    batch.put(codepipeline::head(&inc()), &Last(n));
    batch
}

fn last(view: &View<'_>) -> u64 {
    view.get::<Last>(&codepipeline::head(&inc())).unwrap().map_or(0, |Last(n)| n)
}

fn say(line: String) {
    // One write per line, so that a kill never mixes two.
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Not a test of its own: what the parents below start. Writes until it is killed or a write fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(folder) = std::env::var_os("PENSTOCK_CRASH_FOLDER") else { return };
    let mut options = OpenOptions::default();
    if std::env::var_os("PENSTOCK_CRASH_SPEAK").is_some() {
        options = options.fatal(|sentence| {
            say(format!("fatal {sentence}"));
            std::process::exit(3);
        });
    }
    let store = Store::open(Path::new(&folder), options).unwrap();
    let mut n = store.read(|view| Ok(last(view))).await.unwrap();
    let reader = store.clone();
    tokio::spawn(async move {
        loop {
            let seen = reader.read(|view| Ok(last(view))).await.unwrap();
            say(format!("seen {seen}"));
        }
    });
    // Many in flight, as a loaded daemon has them.
    let in_flight = std::sync::Arc::new(tokio::sync::Semaphore::new(64));
    loop {
        n += 1;
        let blob = if n.is_multiple_of(BLOB_EVERY) {
            let mut writer = store.blobs().create().await.unwrap();
            writer.write(blob_content(n)).await.unwrap();
            Some(writer.finish().await.unwrap())
        } else {
            None
        };
        let permit = std::sync::Arc::clone(&in_flight).acquire_owned().await.unwrap();
        let ticket = store.queue(batch(n, blob));
        tokio::spawn(async move {
            ticket.await;
            say(format!("acknowledged {n}"));
            drop(permit);
        });
    }
}

fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("PENSTOCK_CRASH_FOLDER", folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start_child(folder: &Path) -> Child {
    let this = std::env::current_exe().unwrap();
    command(this.to_str().unwrap(), folder).args(["child", "--exact", "--nocapture"]).spawn().unwrap()
}

/// What the child said last of what it may say: the highest batch acknowledged, and the highest seen.
fn highest(output: &str, word: &str) -> u64 {
    let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().filter_map(|line| line.strip_prefix(word)?.trim().parse().ok()).max().unwrap_or(0)
}

/// Checks that the folder holds exactly the batches up to some moment, and says up to which.
async fn check(folder: &Path) -> u64 {
    let store = Store::open(folder, OpenOptions::default()).unwrap();
    let (last, pieces) = store
        .read(|view| {
            let prefix = codepipeline::all_stages(&inc());
            let pieces: Result<Vec<_>, _> =
                view.scan::<Piece>(&prefix, Bound::Unbounded, Direction::Forward).collect();
            Ok((last(view), pieces?))
        })
        .await
        .unwrap();
    let expected: Vec<(u64, u32)> = (last.saturating_sub(KEPT) + 1..=last)
        .flat_map(|n| (0..RECORDS_PER_BATCH).map(move |piece| (n, piece)))
        .collect();
    let found: Vec<(u64, u32)> = pieces
        .iter()
        .map(|(key, _)| {
            let (n, _, piece) = codepipeline::parse_stage(key).unwrap();
            (n, piece)
        })
        .collect();
    assert_eq!(found, expected);
    let mut referenced = std::collections::HashSet::new();
    for ((n, piece), (_, record)) in found.into_iter().zip(pieces) {
        assert_eq!((record.batch, &record.padding), (n, &padding(n, piece)));
        assert_eq!(record.blob.is_some(), n.is_multiple_of(BLOB_EVERY));
        if let Some(id) = record.blob.filter(|id| referenced.insert(*id)) {
            let content = store.blobs().open(&id).await.unwrap().bytes().await.unwrap();
            assert_eq!(content, blob_content(n));
        }
    }
    store.blobs().sweep(move |id| referenced.contains(id)).await.unwrap();
    last
}

#[tokio::test]
async fn all_that_was_acknowledged_or_shown_survives_kills_at_any_moment() {
    if std::env::var_os("PENSTOCK_CRASH_FOLDER").is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut total = 0;
    for round in 0..14 {
        let mut child = start_child(folder.path());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        // Every third one, the very first start included, is killed about when it opens the folder.
        let during_open = round % 3 == 0;
        while !during_open && !first.ends_with("seen 0\n") && !first.contains("acknowledged") {
            assert!(stdout.read_line(&mut first).unwrap() > 0, "round {round}: {}", errors(&mut child));
        }
        let moment = Duration::from_micros(u64::from(uuid::Uuid::new_v4().as_u128() as u16));
        let drain = std::thread::spawn(move || {
            let mut rest = String::new();
            stdout.read_to_string(&mut rest).unwrap();
            rest
        });
        std::thread::sleep(moment * if during_open { 1 } else { 3 });
        child.kill().unwrap();
        child.wait().unwrap();
        let output = first + &drain.join().unwrap();
        assert_eq!(errors(&mut child), "");

        let there = check(folder.path()).await;
        for word in ["acknowledged", "seen"] {
            let promised = highest(&output, word);
            assert!(there >= promised, "round {round}, after {moment:?}: {word} {promised}, found {there}");
        }
        assert!(there >= total);
        total = there;
    }
    assert!(total > 100, "only {total} batches in all rounds");
}

fn errors(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn a_write_that_fails_ends_the_process_with_a_sentence_and_takes_nothing_back() {
    if std::env::var_os("PENSTOCK_CRASH_FOLDER").is_some() {
        return;
    }
    for speak in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let this = std::env::current_exe().unwrap();
        let mut command = command("sh", folder.path());
        // Files may not outgrow some MiB, and the signal that comes with it is ignored, so that the
        // write itself fails.
        command
            .args(["-c", "trap '' XFSZ; ulimit -f 16384; exec \"$0\" child --exact --nocapture"])
            .arg(this);
        if speak {
            command.env("PENSTOCK_CRASH_SPEAK", "1");
        }
        let child = command.spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        if speak {
            assert_eq!(output.status.code(), Some(3));
            let sentence = said.lines().find_map(|line| line.strip_prefix("fatal ")).unwrap();
            assert!(sentence.starts_with("a write to the data folder failed: "), "{sentence}");
        } else {
            assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let there = check(folder.path()).await;
        assert!(there >= highest(&said, "acknowledged"));
        assert!(there > 0);
    }
}
