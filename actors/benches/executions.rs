//! What the engine does on a disk with providers that take no time: executions started per second on one
//! pipeline by 8 callers, and executions completed per second over 50 pipelines; beside the store's own
//! durable commits per second in the same run, since disks differ.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::join_all;
use penstock_actors::providers::provider::{Provider, Reporter};
use penstock_actors::providers::table::Providers;
use penstock_actors::{Handle, Settings, StartOrder, clock::Clock, start};
use penstock_engine::action::{Failure, Success, Work};
use penstock_engine::action_type::Catalogue;
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use penstock_engine::ids::{Incarnation, PipelineKey};
use penstock_engine::pipeline::ExecutionStatus;
use penstock_engine::validation::normalise::normalise;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Batch, OpenOptions, Store, TagsRecord};
use serde_json::json;
use tokio::sync::Notify;

const MEASURED: Duration = Duration::from_secs(5);
const PIPELINES: usize = 50;

fn main() {
    // Not the folder for temporary files, which may lie in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = Store::open(folder.path(), OpenOptions::default()).unwrap();
    actix::System::new().block_on(async {
        for writers in [1, 8] {
            println!(
                "store alone, {writers} writers: {:6.0} durable commits/s",
                commits(&store, writers).await
            );
        }
        let done: Arc<HashMap<String, Notify>> =
            Arc::new((0..PIPELINES).map(|n| (format!("many-{n}"), Notify::new())).collect());
        let engine = engine(store.clone(), &done);
        println!("one pipeline, 8 callers: {:6.0} executions started/s", starts(&engine).await);
        println!("{PIPELINES} pipelines: {:6.0} executions completed/s", completions(&engine, &done).await);
        println!(
            "{} actors, {} MiB resident",
            engine.metrics().actors.load(std::sync::atomic::Ordering::Relaxed),
            resident()
        );
        for writers in [1, 8] {
            println!(
                "store alone, {writers} writers: {:6.0} durable commits/s",
                commits(&store, writers).await
            );
        }
    });
}

struct Instantly {
    category: ActionCategory,
    done: Arc<HashMap<String, Notify>>,
}

#[async_trait]
impl Provider for Instantly {
    fn action_type(&self) -> ActionTypeId {
        ActionTypeId {
            category: self.category,
            owner: ActionOwner::Aws,
            provider: "S3".into(),
            version: "1".into(),
        }
    }

    async fn run(&self, work: Work, _: &dyn Reporter) -> Result<Success, Failure> {
        if let Some(done) =
            self.done.get(&work.pipeline.name).filter(|_| self.category == ActionCategory::Deploy)
        {
            done.notify_one();
        }
        let output_variables = BTreeMap::from([("VersionId".to_owned(), "1".to_owned())]);
        Ok(Success { output_variables, ..Success::default() })
    }
}

fn engine(store: Store, done: &Arc<HashMap<String, Notify>>) -> Handle {
    let provider =
        |category| -> Box<dyn Provider> { Box::new(Instantly { category, done: Arc::clone(done) }) };
    let kinds = [ActionCategory::Source, ActionCategory::Deploy];
    let providers = Providers::of(kinds.map(|category| (provider(category), 64)));
    let settings = Settings { keep_executions: 1000, arbiters: 2, ..Settings::default() };
    start(store, Clock::system(), Arc::new(Catalogue::builtin()), providers, None, settings)
}

/// Two records of a KiB each: about what a transition writes.
async fn commits(store: &Store, writers: u64) -> f64 {
    let record = TagsRecord(BTreeMap::from([("padding".to_owned(), "x".repeat(1000))]));
    let begin = Instant::now();
    let written = join_all((0..writers).map(|writer| {
        let record = &record;
        async move {
            let mut n = 0u32;
            while begin.elapsed() < MEASURED / 5 {
                let inc = Incarnation(format!("bench-{writer}-{}", n % 500));
                let mut batch = Batch::new();
                batch.put(keys::tags(&inc), record).put(keys::head(&inc), record);
                store.queue(batch).await;
                n += 1;
            }
            n
        }
    }));
    f64::from(written.await.iter().sum::<u32>()) / begin.elapsed().as_secs_f64()
}

async fn create(engine: &Handle, name: &str) -> PipelineKey {
    let action = |name: &str, category: &str| {
        json!({
            "name": name, "actionTypeId": {"category": category, "owner": "AWS", "provider": "S3", "version": "1"},
            "inputArtifacts": if category == "Deploy" { json!([{"name": "app"}]) } else { json!([]) },
            "outputArtifacts": if category == "Source" { json!([{"name": "app"}]) } else { json!([]) },
            "configuration": if category == "Source" {
                json!({"S3Bucket": "sources", "S3ObjectKey": "app.zip", "PollForSourceChanges": "false"})
            } else {
                json!({"BucketName": "site", "Extract": "true"})
            },
        })
    };
    let declared = json!({
        "name": name, "roleArn": "arn:aws:iam::000000000000:role/pipelines",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": "Source", "actions": [action("get", "Source")]},
            {"name": "Deploy", "actions": [action("put", "Deploy")]},
        ],
    });
    let declaration = normalise(serde_json::from_value(declared).unwrap(), 1);
    let key = PipelineKey { account: "000000000000".into(), region: "us-east-1".into(), name: name.into() };
    engine.create(key.clone(), declaration, BTreeMap::new(), "arn".into()).await.unwrap();
    key
}

async fn starts(engine: &Handle) -> f64 {
    let pipeline = create(engine, "one").await;
    let begin = Instant::now();
    let started = join_all((0..8).map(|caller| {
        let pipeline = &pipeline;
        async move {
            let mut n = 0u32;
            while begin.elapsed() < MEASURED {
                let order = StartOrder { token: Some(format!("{caller}-{n}")), ..StartOrder::default() };
                engine.start_execution(pipeline.clone(), order).await.unwrap();
                n += 1;
            }
            n
        }
    }));
    f64::from(started.await.iter().sum::<u32>()) / begin.elapsed().as_secs_f64()
}

/// Each pipeline starts its next execution when the last action of the one before has run.
async fn completions(engine: &Handle, done: &HashMap<String, Notify>) -> f64 {
    let pipelines = join_all(done.keys().map(|name| create(engine, name))).await;
    let succeeded = || engine.metrics().ended().get(&ExecutionStatus::Succeeded).copied().unwrap_or_default();
    let (begin, before) = (Instant::now(), succeeded());
    join_all(pipelines.iter().map(|pipeline| async move {
        while begin.elapsed() < MEASURED {
            done[&pipeline.name].notified().await;
            engine.start_execution(pipeline.clone(), StartOrder::default()).await.unwrap();
        }
    }))
    .await;
    let ended = u32::try_from(succeeded() - before).unwrap();
    f64::from(ended) / begin.elapsed().as_secs_f64()
}

fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4 / 1024
}
