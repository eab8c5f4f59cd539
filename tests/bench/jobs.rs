//! Executions through job workers, and what it costs that work waits for them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use penstock_tests::pipelines::{Ground, stage};
use serde_json::{Value, json};

use crate::client::{Connection, codepipeline, rate};
use crate::executions::{Between, create, keep_busy, settle};
use crate::process::Daemon;
use crate::report::{Aim, Report};
use crate::{CONNECTIONS, NONE};

/// Pipelines that are kept busy, and workers that do their jobs.
const BUSY: usize = 50;
const WORKERS: usize = 4;
const IDLE_POLLERS: usize = 100;
/// Waiting executions: a pipeline has 50 at most.
const IN_EACH: usize = 50;

/// How much is measured.
pub(crate) struct Size {
    /// For how long each rate is taken.
    pub(crate) lasting: Duration,
    /// How many executions are left waiting.
    pub(crate) waiting: usize,
}

fn action_type(category: &str, provider: &str) -> Value {
    json!({"category": category, "owner": "Custom", "provider": provider, "version": "1"})
}

fn make_type(daemon: &Daemon, category: &str, provider: &str) {
    let artifacts = json!({"minimumCount": 0, "maximumCount": u8::from(category == "Source")});
    let none = json!({"minimumCount": 0, "maximumCount": 0});
    let input = json!({"category": category, "provider": provider, "version": "1",
        "inputArtifactDetails": none, "outputArtifactDetails": artifacts});
    daemon.caller().call("CreateCustomActionType", &input);
}

/// Three stages with five actions, all of them jobs.
fn worked(ground: &Ground, name: &str, mode: &str, provider: &str) -> Value {
    let source = json!({"name": "Source", "actionTypeId": action_type("Source", provider),
        "outputArtifacts": [{"name": "Source"}]});
    let job = |name: &str| json!({"name": name, "actionTypeId": action_type("Test", provider)});
    let mut pipeline = ground
        .pipeline(name, &[stage("Build", &[job("A"), job("B")]), stage("Deploy", &[job("C"), job("D")])]);
    pipeline["stages"][0] = stage("Source", &[source]);
    pipeline["pipelineType"] = json!("V2");
    pipeline["executionMode"] = json!(mode);
    json!({ "pipeline": pipeline })
}

pub(crate) fn measure(folder: &Path, size: &Size, report: &mut Report) {
    let daemon = Daemon::start(&folder.join("jobs"), &NONE);
    let ground = Ground::prepare(&daemon.caller(), b"This is the source.\n");
    for (category, provider) in [("Source", "Busy"), ("Test", "Busy"), ("Source", "Never"), ("Test", "Never")]
    {
        make_type(&daemon, category, provider);
    }
    through_workers(&daemon, &ground, size, report);
    idle_pollers(&daemon, size, report);
    waiting(&daemon, &ground, size, report);
}

fn through_workers(daemon: &Daemon, ground: &Ground, size: &Size, report: &mut Report) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (over, address) = (&over, daemon.address());
            // Half of them do source actions' jobs.
            let category = if worker % 2 == 0 { "Source" } else { "Test" };
            scope.spawn(move || work(address, category, over));
        }
        let names: Vec<String> = (0..BUSY).map(|n| format!("worked-{n}")).collect();
        let inputs: Vec<_> = names.iter().map(|name| worked(ground, name, "SUPERSEDED", "Busy")).collect();
        create(daemon, "us-east-1", &inputs, CONNECTIONS);
        settle(daemon);
        let moments = keep_busy(daemon, &names, u32::MAX, size.lasting * 4);
        over.store(true, Ordering::Relaxed);
        let (Some(first), Some(last)) = (moments.first(), moments.last()) else { return };
        let all = Between::of(first, last);
        let what = format!("executions of 3 stages and 5 jobs, {WORKERS} workers, {BUSY} pipelines");
        let beside = format!("{} in all, {:.1} ms of processor each", all.succeeded, all.processor);
        report.row(&what, all.per_second, "/s", Aim::None, &beside);
    });
}

fn work(address: SocketAddr, category: &str, over: &AtomicBool) {
    let mut connection = Connection::open(address).expect("the daemon listens");
    let poll = json!({"actionTypeId": action_type(category, "Busy"), "maxBatchSize": 10});
    let poll = codepipeline(address, "us-east-1", "PollForJobs", &poll);
    while !over.load(Ordering::Relaxed) {
        let answer: Value = serde_json::from_slice(connection.good(&poll)).unwrap_or_default();
        let jobs = answer["jobs"].as_array().cloned().unwrap_or_default();
        if jobs.is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        for job in jobs {
            let acknowledge = json!({"jobId": job["id"], "nonce": job["nonce"]});
            connection.good(&codepipeline(address, "us-east-1", "AcknowledgeJob", &acknowledge));
            let mut success = json!({"jobId": job["id"]});
            if category == "Source" {
                success["currentRevision"] = json!({"revision": "1", "changeIdentifier": "1"});
            }
            connection.good(&codepipeline(address, "us-east-1", "PutJobSuccessResult", &success));
        }
    }
}

/// As the SDKs' workers do: each asks ten times a second and gets nothing, while one more asks as fast as it can.
fn idle_pollers(daemon: &Daemon, size: &Size, report: &mut Report) {
    let address = daemon.address();
    let input = json!({"actionTypeId": action_type("Test", "Never"), "maxBatchSize": 1});
    let poll = codepipeline(address, "us-east-1", "PollForJobs", &input);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..IDLE_POLLERS {
            scope.spawn(|| {
                let mut connection = Connection::open(address).expect("the daemon listens");
                while !over.load(Ordering::Relaxed) {
                    connection.good(&poll);
                    thread::sleep(Duration::from_millis(100));
                }
            });
        }
        let rate = rate(address, 1, size.lasting, &poll);
        over.store(true, Ordering::Relaxed);
        let each = 1000.0 / rate.per_second();
        let what = format!("PollForJobs, 1 connection beside {IDLE_POLLERS} idle pollers");
        report.row(&what, rate.per_second(), "/s", Aim::None, &format!("{each:.2} ms each"));
    });
}

/// Executions that wait for a job which nobody does. Each has a stage and an action in memory.
fn waiting(daemon: &Daemon, ground: &Ground, size: &Size, report: &mut Report) {
    let address = daemon.address();
    let names: Vec<String> = (0..size.waiting / IN_EACH).map(|n| format!("waiting-{n}")).collect();
    let inputs: Vec<_> = names.iter().map(|name| worked(ground, name, "PARALLEL", "Never")).collect();
    let before = daemon.memory();
    create(daemon, "us-east-1", &inputs, CONNECTIONS);
    let starts = IN_EACH - 1;
    thread::scope(|scope| {
        for names in names.chunks(names.len().div_ceil(CONNECTIONS).max(1)) {
            scope.spawn(move || {
                let mut connection = Connection::open(address).expect("the daemon listens");
                for name in names {
                    let start = json!({"name": name});
                    let start = codepipeline(address, "us-east-1", "StartPipelineExecution", &start);
                    for _ in 0..starts {
                        connection.good(&start);
                    }
                }
            });
        }
    });
    settle(daemon);
    let count = u32::try_from(names.len() * IN_EACH).unwrap_or(u32::MAX);
    let each = (daemon.memory() - before) * 1024.0 / f64::from(count.max(1));
    let beside = format!("{count} of them, {:.0} MiB in all", daemon.memory());
    report.row("memory per execution that waits for a job", each, "KiB", Aim::AtMost(8.0), &beside);
}
