//! Durable commits per second at 1, 16 and 256 writers, as a ratio to what the disk allows in the same
//! run: a plain file that is appended to and synced, grouped in the same way.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::fs::File;
use std::future::Future;
use std::io::Write;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use penstock_engine::ids::Incarnation;
use penstock_storage::keys::codepipeline;
use penstock_storage::{Batch, OpenOptions, Record, Store};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

const MEASURED: Duration = Duration::from_secs(1);
const ROUNDS: u32 = 3;
/// Records stay bounded, as with retention.
const KEPT: u64 = 2_000;

#[derive(Serialize, Deserialize)]
struct Row(String);

impl Record for Row {
    const VERSION: u8 = 1;
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // Not the folder for temporary files, which may lie in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let floor = Floor::start(File::create(folder.path().join("floor")).unwrap());
    let store = Store::open(&folder.path().join("data"), OpenOptions::default()).unwrap();
    println!("writers  plain/s  store/s  ratio   (medians of {ROUNDS}, alternating)");
    for writers in [1, 16, 256] {
        let (mut plain, mut stored) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let floor = floor.clone();
            plain.push(runtime.block_on(per_second(writers, move |_, _| floor.append())));
            let store = store.clone();
            stored
                .push(runtime.block_on(per_second(writers, move |writer, n| store.queue(batch(writer, n)))));
        }
        let (plain, stored) = (median(plain), median(stored));
        println!("{writers:7}  {plain:7.0}  {stored:7.0}  {:5.2}", stored / plain);
    }
}

/// Two records of a KiB, and one deleted: about what a transition writes.
fn batch(writer: u64, n: u64) -> Batch {
    let inc = Incarnation(format!("writer{writer}"));
    let row = Row("x".repeat(1000));
    let mut batch = Batch::new();
    batch.put(codepipeline::head(&inc), &row).put(codepipeline::execution(&inc, n), &row);
    if n > KEPT {
        batch.delete(codepipeline::execution(&inc, n - KEPT));
    }
    batch
}

async fn per_second<F>(writers: u64, commit: impl Fn(u64, u64) -> F + Clone + Send + 'static) -> f64
where
    F: Future<Output = ()> + Send,
{
    let begin = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let commit = commit.clone();
            tokio::spawn(async move {
                let mut n = 0;
                while begin.elapsed() < MEASURED {
                    n += 1;
                    commit(writer, n).await;
                }
                n
            })
        })
        .collect();
    let mut commits = 0;
    for task in tasks {
        commits += task.await.unwrap();
    }
    f64::from(u32::try_from(commits).unwrap()) / begin.elapsed().as_secs_f64()
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// A file that is appended to and synced once for all who wait.
#[derive(Clone)]
struct Floor(mpsc::Sender<oneshot::Sender<()>>);

impl Floor {
    fn start(mut file: File) -> Self {
        let (sender, waiting) = mpsc::channel::<oneshot::Sender<()>>();
        std::thread::spawn(move || {
            while let Ok(first) = waiting.recv() {
                let group: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
                file.write_all(&vec![b'x'; group.len() * 2000]).unwrap();
                file.sync_data().unwrap();
                for one in group {
                    let _ = one.send(());
                }
            }
        });
        Self(sender)
    }

    fn append(&self) -> impl Future<Output = ()> + Send + use<> {
        let (done, wait) = oneshot::channel();
        self.0.send(done).unwrap();
        async move { wait.await.unwrap() }
    }
}
