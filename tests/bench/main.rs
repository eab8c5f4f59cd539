//! How fast and how small the daemon is, beside what the disk and a bare HTTP answer cost in the same run.
//!
//! ```sh
//! cargo bench -p penstock-tests --bench load
//! ```
//!
//! builds the daemon for release, measures for about four minutes, and prints a table.
//! `PENSTOCK_BENCH_FULL=1` goes on until 200,000 executions have run. `PENSTOCK_BENCH_ONLY=jobs`, `=large` or `=builds` measures
//! that part alone; with `PENSTOCK_BENCH_SMALL=1` parts are short, to see whether they work and not how fast.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark: what is not as it should be ends it, there and then"
)]

mod builds;
mod client;
mod disk;
mod executions;
mod jobs;
mod large;
mod process;
mod report;
mod silence;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use penstock_tests::binary::{penstock, target};
use penstock_tests::pipelines::Ground;
use serde_json::json;

use crate::client::{Connection, codepipeline, get, rate};
use crate::disk::Disk;
use crate::executions::{Between, Moment, create, keep_busy, latencies, settle, tutorial};
use crate::process::Daemon;
use crate::report::{Aim, Report};

/// Clients at once, where nothing else is said.
const CONNECTIONS: usize = 8;
const BUSY: usize = 50;
const PIPELINES: usize = 1000;
const PAST: u32 = 10_000;
const FULL: u32 = 200_000;
/// Past executions have to be made, which a slow machine may not manage in the time of a benchmark.
const LONGEST: Duration = Duration::from_secs(75);
const NONE: [&str; 0] = [];

fn main() {
    // `cargo test --benches` and the like pass flags for a test runner; there is nothing here to choose.
    let begin = Instant::now();
    eprintln!("building {}", penstock().display());
    let folder = tempfile::tempdir_in(target()).expect("the build folder can be written to");
    let mut report = Report::default();
    let mut disk = Disk::of(folder.path());
    disk.now();
    let only = std::env::var("PENSTOCK_BENCH_ONLY").ok();
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wanted("past") {
        starts(folder.path(), &mut report);
        running(folder.path(), &mut disk, &mut report);
        unfinished(folder.path(), &mut report);
    }
    let small = std::env::var_os("PENSTOCK_BENCH_SMALL").is_some();
    let lasting = Duration::from_secs(if small { 1 } else { 4 });
    if wanted("jobs") {
        let waiting = if small { 200 } else { 5_000 };
        jobs::measure(folder.path(), &jobs::Size { lasting, waiting }, &mut report);
    }
    if wanted("large") {
        let executions = if small { 300 } else { 10_000 };
        large::measure(folder.path(), &large::Size { lasting, executions }, &mut report);
    }
    if wanted("builds") {
        let (builds, artifact) = if small { (3, 64 << 20) } else { (20, 1 << 30) };
        builds::measure(folder.path(), &builds::Size { builds, artifact }, &mut report);
    }
    disk.now();
    let (median, least, most) = disk.summary();
    let beside = format!("median over the run, {least:.0} to {most:.0}");
    report.row("the disk: 1 KiB appended and synced, 1 writer", median, "/s", Aim::None, &beside);
    let processors = thread::available_parallelism().map_or(0, usize::from);
    let (took, load) = (begin.elapsed().as_secs(), load_average());
    println!("\n{}\n{processors} processors, load average {load} at the end, {took} s", report.table());
}

fn load_average() -> String {
    let read = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    read.split(' ').next().unwrap_or_default().to_owned()
}

/// From nothing to the first answer.
fn starts(folder: &Path, report: &mut Report) {
    let mut took: Vec<f64> = (0..10)
        .map(|n| millis(Daemon::start(&folder.join(format!("empty-{n}")), &NONE).first_answer))
        .collect();
    took.sort_by(f64::total_cmp);
    let beside = format!("median of 10, slowest {:.0}", took[9]);
    report.row("process start to first answer", took[5], "ms", Aim::AtMost(100.0), &beside);
    let daemon = Daemon::start(&folder.join("empty-0"), &NONE);
    thread::sleep(Duration::from_secs(1));
    report.row("memory, idle", daemon.memory(), "MiB", Aim::AtMost(30.0), "");
}

fn running(folder: &Path, disk: &mut Disk<'_>, report: &mut Report) {
    let data = folder.join("running");
    let daemon = Daemon::start(&data, &NONE);
    let ground = Ground::prepare(&daemon.caller(), b"This is the source.\n");
    create(&daemon, "us-east-1", &[tutorial(&ground, "single"), tutorial(&ground, "hot")], 1);
    settle(&daemon);
    requests(&daemon, disk.now(), report);
    single(&daemon, disk.now(), report);

    let busy: Vec<String> = (0..BUSY).map(|n| format!("busy-{n}")).collect();
    let inputs: Vec<_> = busy.iter().map(|name| tutorial(&ground, name)).collect();
    create(&daemon, "us-east-1", &inputs, CONNECTIONS);
    settle(&daemon);
    let now = disk.now();
    let moments = keep_busy(&daemon, &busy, PAST, LONGEST);
    throughput(&moments, now, report);
    let past = moments.last().map_or(0, |last| last.succeeded);

    let others: Vec<_> =
        (busy.len() + 2..PIPELINES).map(|n| tutorial(&ground, &format!("idle-{n}"))).collect();
    create(&daemon, "us-east-1", &others, CONNECTIONS);
    settle(&daemon);
    let what = format!("memory, {PIPELINES} pipelines, {past} past executions");
    let peak = format!("peak {:.0}", daemon.peak_memory());
    report.row(&what, daemon.memory(), "MiB", Aim::None, &peak);
    drop(daemon);
    let mut daemon = restarted(&data, &format!("restart with {PIPELINES} pipelines, {past} past"), report);

    if std::env::var_os("PENSTOCK_BENCH_FULL").is_some() {
        let now = disk.now();
        let moments = keep_busy(&daemon, &busy, FULL - past, Duration::from_secs(3600));
        throughput(&moments, now, report);
        let past = past + moments.last().map_or(0, |last| last.succeeded);
        let peak = format!("peak {:.0}", daemon.peak_memory());
        report.row(&format!("memory, {past} past executions"), daemon.memory(), "MiB", Aim::None, &peak);
        drop(daemon);
        daemon = restarted(&data, &format!("restart with {PIPELINES} pipelines, {past} past"), report);
    }
    drop(daemon);
}

fn requests(daemon: &Daemon, disk: f64, report: &mut Report) {
    let address = daemon.address();
    let mut measure = |what: &str, request: &[u8], aim, beside: &dyn Fn(f64) -> String| {
        let before = daemon.processor_time();
        let rate = rate(address, CONNECTIONS, Duration::from_secs(4), request);
        let spent = (daemon.processor_time() - before).as_secs_f64() * 1e6 / f64::from(rate.answered.max(1));
        let beside = format!("{}{spent:.0} µs of processor each", beside(rate.per_second()));
        report.row(what, rate.per_second(), "/s", aim, &beside);
        rate.per_second()
    };
    let health = get(address, "/_penstock/health");
    let floor =
        measure("bare HTTP: GET /_penstock/health, 8 connections", &health, Aim::None, &|_| String::new());
    let input = json!({"name": "single"});
    let read = codepipeline(address, "us-east-1", "GetPipeline", &input);
    let beside = |rate: f64| format!("{:.2} of bare HTTP, ", rate / floor);
    measure("GetPipeline, 8 connections", &read, Aim::AtLeast(20_000.0), &beside);
    let start = codepipeline(address, "us-east-1", "StartPipelineExecution", &json!({"name": "hot"}));
    let beside = |rate: f64| format!("{:.1} × the disk's synced writes, ", rate / disk);
    measure("StartPipelineExecution on one pipeline, 8 connections", &start, Aim::AtLeast(2000.0), &beside);
    settle(daemon);
}

fn single(daemon: &Daemon, disk: f64, report: &mut Report) {
    let all = latencies(daemon, "single", 200);
    let at = |share: usize| all.get(all.len() * share / 100).copied().map_or(f64::NAN, millis);
    let beside = |took: f64| format!("{:.0} synced writes long", took / 1000.0 * disk);
    let what = "S3 to S3 execution, start to Succeeded,";
    report.row(&format!("{what} median"), at(50), "ms", Aim::AtMost(25.0), &beside(at(50)));
    report.row(&format!("{what} p99"), at(99), "ms", Aim::None, &beside(at(99)));
}

fn throughput(moments: &[Moment], disk: f64, report: &mut Report) {
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else { return };
    let all = Between::of(first, last);
    let beside = format!(
        "{} in all, {:.2} per synced write of the disk, {:.1} ms of processor each",
        all.succeeded,
        all.per_second / disk,
        all.processor
    );
    report.row("S3 to S3 executions, 50 pipelines", all.per_second, "/s", Aim::AtLeast(300.0), &beside);
    let reached = |share: u32| {
        let count = first.succeeded + all.succeeded / 10 * share;
        moments.iter().find(|moment| moment.succeeded >= count).unwrap_or(last)
    };
    let early = Between::of(reached(1), reached(2));
    let late = Between::of(reached(9), last);
    let beside =
        format!("{:.1} ms in the second tenth: {:.2} ×", early.processor, late.processor / early.processor);
    report.row("processor per execution, last tenth", late.processor, "ms", Aim::None, &beside);
}

/// Starts again what was killed.
fn restarted(data: &Path, what: &str, report: &mut Report) -> Daemon {
    let daemon = Daemon::start(data, &NONE);
    let memory = format!("{:.0} MiB", daemon.memory());
    report.row(what, millis(daemon.first_answer), "ms", Aim::None, &memory);
    daemon
}

/// 5,000 pipelines whose source action calls an S3 that never answers, each with a second execution waiting
/// behind it.
fn unfinished(folder: &Path, report: &mut Report) {
    const REGIONS: [&str; 5] = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1"];
    let data = folder.join("unfinished");
    let ground = Ground {
        role: "".to_owned(),
        source: "source".to_owned(),
        target: "target".to_owned(),
        store: "store".to_owned(),
    };
    let flags = ["--endpoint-url-s3".to_owned(), silence::listen()];
    let daemon = Daemon::start(&data, &flags);
    let role = daemon.caller().make_role("pipelines", "codepipeline.amazonaws.com");
    let ground = Ground { role, ..ground };
    let names: Vec<String> = (0..PIPELINES).map(|n| format!("stuck-{n}")).collect();
    let inputs: Vec<_> = names.iter().map(|name| tutorial(&ground, name)).collect();
    let address = daemon.address();
    for region in REGIONS {
        create(&daemon, region, &inputs, CONNECTIONS);
        thread::scope(|scope| {
            for names in names.chunks(PIPELINES / CONNECTIONS) {
                scope.spawn(move || {
                    let mut connection = Connection::open(address).expect("the daemon listens");
                    for name in names {
                        let input = json!({"name": name});
                        connection.good(&codepipeline(address, region, "StartPipelineExecution", &input));
                    }
                });
            }
        });
    }
    let count = names.len() * REGIONS.len() * 2;
    let before = daemon.memory();
    drop(daemon);
    let daemon = Daemon::start(&data, &flags);
    let what = format!("restart with {count} unfinished executions");
    report.row(
        &what,
        millis(daemon.first_answer),
        "ms",
        Aim::None,
        "half of them wait behind the other half",
    );
    // All of them are taken up when each pipeline, its stage and its action have an actor.
    let begin = Instant::now();
    let mut connection = Connection::open(daemon.address()).expect("the daemon listens");
    let actors = u32::try_from(names.len() * REGIONS.len() * 3).unwrap_or(u32::MAX);
    while daemon.metric(&mut connection, "penstock_actors") < actors && begin.elapsed() < LONGEST {
        thread::sleep(Duration::from_millis(5));
    }
    let took = millis(daemon.first_answer + begin.elapsed());
    report.row("… until all are taken up", took, "ms", Aim::None, "");
    let beside = format!("{before:.0} before the kill");
    report.row("… memory's peak", daemon.peak_memory(), "MiB", Aim::None, &beside);
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
