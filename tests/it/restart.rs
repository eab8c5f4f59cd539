//! Killed at any moment, nothing lost; stopped, nothing ended.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use penstock_tests::aws::Caller;
use penstock_tests::clients::notice;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

const PIPELINES: usize = 3;
const CLIENTS: usize = 4;
const STAGES: usize = 6;

/// An execution that was acknowledged.
#[derive(Clone, Debug)]
struct Acknowledged {
    pipeline: String,
    token: String,
    execution: String,
}

/// What clients were told, over all rounds.
#[derive(Default)]
struct Told {
    acknowledged: Mutex<Vec<Acknowledged>>,
    /// Starts whose answer the kill took away: they may have happened, and their tokens may be sent again.
    unanswered: Mutex<Vec<(String, String)>>,
    retried: AtomicU64,
}

#[test]
fn nothing_acknowledged_is_lost_however_often_the_daemon_is_killed() {
    let rounds: usize =
        env::var("PENSTOCK_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(12);
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"through many stages");
    let pipelines: Vec<String> = (0..PIPELINES).map(|number| format!("pipeline-{number}")).collect();
    for pipeline in &pipelines {
        caller.call("CreatePipeline", &json!({"pipeline": many_stages(&ground, pipeline)}));
    }
    let told = Told::default();
    let mut order: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut under_way = 0;
    for round in 0..rounds {
        kill_amid_starts(&mut daemon, &pipelines, &told, round);
        daemon.start_again();
        under_way += everything_told_is_true(&daemon.caller(), &pipelines, &told, &mut order, round);
    }
    let acknowledged = told.acknowledged.lock().unwrap();
    let ends = the_right_ends(&daemon.caller(), &pipelines, &acknowledged);
    notice(&format!(
        "killed {rounds} times: {} executions acknowledged, {} starts unanswered of which {} sent again, \
         {under_way} under way at restarts, ends {ends:?}",
        acknowledged.len(),
        told.unanswered.lock().unwrap().len(),
        told.retried.load(Ordering::Relaxed),
    ));
    assert!(
        !acknowledged.is_empty() && under_way > 0,
        "the kills came too early or too late to say anything"
    );
}

fn many_stages(ground: &Ground, pipeline: &str) -> Value {
    let stages: Vec<Value> = (1..STAGES)
        .map(|number| {
            let key = |action: &str| format!("{pipeline}/{number}/{action}");
            stage(
                &format!("Deploy{number}"),
                &[
                    ground.deploy("First", 1, &key("first")),
                    ground.deploy("Beside", 1, &key("beside")),
                    ground.deploy("After", 2, &key("after")),
                ],
            )
        })
        .collect();
    ground.pipeline(pipeline, &stages)
}

/// Lets clients start executions, and kills the daemon at a moment that nobody chose.
fn kill_amid_starts(daemon: &mut Daemon, pipelines: &[String], told: &Told, round: usize) {
    let caller = daemon.caller();
    let killed = AtomicBool::new(false);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let pipeline = &pipelines[(client + round) % pipelines.len()];
            let (caller, killed) = (&caller, &killed);
            scope.spawn(move || start_until_killed(caller, pipeline, told, killed));
        }
        let chance = Uuid::new_v4().as_u128() % 400;
        thread::sleep(Duration::from_millis(20 + u64::try_from(chance).unwrap()));
        daemon.kill();
        killed.store(true, Ordering::Relaxed);
    });
}

fn start_until_killed(caller: &Caller, pipeline: &str, told: &Told, killed: &AtomicBool) {
    while !killed.load(Ordering::Relaxed) {
        let token = Uuid::new_v4().to_string();
        let input = json!({"name": pipeline, "clientRequestToken": token});
        match caller.try_codepipeline("StartPipelineExecution", &input) {
            Ok(answer) => {
                let answer = answer.unwrap_or_else(|refusal| panic!("{refusal:?}"));
                let execution = answer["pipelineExecutionId"].as_str().unwrap().to_owned();
                let pipeline = pipeline.to_owned();
                told.acknowledged.lock().unwrap().push(Acknowledged { pipeline, token, execution });
            }
            Err(_) => {
                told.unanswered.lock().unwrap().push((pipeline.to_owned(), token));
                return;
            }
        }
        // A client that takes a breath leaves the daemon something to do besides answering.
        thread::sleep(Duration::from_millis(15));
    }
}

/// Right after a restart: every acknowledged execution is there, its token still leads to it, and what was
/// listed before is listed in the same order. Answers how many executions had not ended.
fn everything_told_is_true(
    caller: &Caller,
    pipelines: &[String],
    told: &Told,
    order: &mut BTreeMap<String, Vec<String>>,
    round: usize,
) -> usize {
    let mut under_way = 0;
    let mut acknowledged = told.acknowledged.lock().unwrap();
    for pipeline in pipelines {
        let listed = caller.executions(pipeline);
        under_way += listed.iter().filter(|execution| execution["status"] == "InProgress").count();
        let ids: Vec<String> = listed
            .iter()
            .rev()
            .map(|execution| execution["pipelineExecutionId"].as_str().unwrap().to_owned())
            .collect();
        let known: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(known.len(), ids.len(), "round {round}: an execution is listed twice");
        for told in acknowledged.iter().filter(|told| told.pipeline == *pipeline) {
            assert!(known.contains(&told.execution), "round {round}: {told:?} is lost");
        }
        let before = order.insert(pipeline.clone(), ids.clone()).unwrap_or_default();
        assert_eq!(
            before,
            ids[..before.len()],
            "round {round}: the order of {pipeline}'s executions changed"
        );
    }
    let start = |pipeline: &str, token: &str| {
        let answer =
            caller.call("StartPipelineExecution", &json!({"name": pipeline, "clientRequestToken": token}));
        answer["pipelineExecutionId"].as_str().unwrap().to_owned()
    };
    if let Some(last) = acknowledged.last() {
        assert_eq!(
            start(&last.pipeline, &last.token),
            last.execution,
            "round {round}: a token was forgotten"
        );
    }
    if let Some((pipeline, token)) = told.unanswered.lock().unwrap().last().cloned() {
        let execution = start(&pipeline, &token);
        assert_eq!(start(&pipeline, &token), execution, "round {round}: a token started twice");
        told.retried.fetch_add(1, Ordering::Relaxed);
        acknowledged.push(Acknowledged { pipeline, token, execution });
    }
    under_way
}

/// Waits for all ends; answers how many ended how.
fn the_right_ends(
    caller: &Caller,
    pipelines: &[String],
    acknowledged: &[Acknowledged],
) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    for told in acknowledged {
        let end = caller.ended(&told.pipeline, &told.execution);
        assert!(end == "Succeeded" || end == "Superseded", "{told:?} ended as {end}");
        *ends.entry(end).or_default() += 1;
    }
    let mut attempts = BTreeSet::new();
    for pipeline in pipelines {
        let executions = caller.executions(pipeline);
        assert_eq!(
            executions[0]["status"], "Succeeded",
            "nothing can have superseded the last of {pipeline}"
        );
        for execution in executions {
            let id = execution["pipelineExecutionId"].as_str().unwrap();
            let mut succeeded = BTreeSet::new();
            for action in caller.actions(pipeline, id) {
                assert_eq!(action["status"], "Succeeded", "{action:#}");
                let attempt = action["actionExecutionId"].as_str().unwrap().to_owned();
                assert!(attempts.insert(attempt), "an action execution is listed twice: {action:#}");
                let place = (action["stageName"].to_string(), action["actionName"].to_string());
                assert!(succeeded.insert(place), "an action succeeded twice: {action:#}");
            }
            let all = 1 + (STAGES - 1) * 3;
            assert!(
                execution["status"] != "Succeeded" || succeeded.len() == all,
                "{execution:#}: {succeeded:?}"
            );
        }
    }
    ends
}

#[test]
fn what_s3_and_iam_acknowledged_survives_a_kill() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    caller.make_versioned_bucket("kept");
    let role = caller.make_role("kept", "codepipeline.amazonaws.com");
    let content = vec![7; 300_000];
    let version = caller.s3_done("PUT", "/kept/object", &content);
    let version = version.header("x-amz-version-id").unwrap().to_owned();
    daemon.kill();
    daemon.start_again();
    let object = caller.s3_done("GET", "/kept/object", b"");
    assert_eq!(object.header("x-amz-version-id"), Some(version.as_str()));
    assert_eq!(object.body, content);
    assert!(caller.iam("GetRole", &[("RoleName", "kept")]).contains(&role));
    assert!(caller.iam("GetRolePolicy", &[("RoleName", "kept"), ("PolicyName", "policy")]).contains("s3"));
}

#[test]
fn sigterm_and_ctrl_c_end_the_daemon_in_time_and_no_execution() {
    for signal in ["TERM", "INT"] {
        // Each time no execution may be lost; the machine may be busy with something else once or twice.
        let took: Vec<Duration> = std::iter::repeat_with(|| stopped_amid_work(signal)).take(3).collect();
        assert!(took.iter().any(|took| *took < IN_TIME), "{signal}: {took:?}");
    }
}

/// Two seconds, and half a second for the system to start and reap the processes.
const IN_TIME: Duration = Duration::from_millis(2500);

/// How long a stop took during an execution, which succeeded after the next start.
fn stopped_amid_work(signal: &str) -> Duration {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"goes on");
    caller.call("CreatePipeline", &json!({"pipeline": many_stages(&ground, "pipeline-0")}));
    let answer = caller.call("StartPipelineExecution", &json!({"name": "pipeline-0"}));
    let execution = answer["pipelineExecutionId"].as_str().unwrap();
    let (status, took) = daemon.stop(signal);
    assert!(status.success(), "{signal}: {status}");
    daemon.start_again();
    assert_eq!(caller.ended("pipeline-0", execution), "Succeeded");
    took
}

#[test]
fn a_stop_waits_for_no_idle_connection() {
    let mut daemon = Daemon::start();
    let idle = std::net::TcpStream::connect(daemon.address()).unwrap();
    let (status, took) = daemon.stop("TERM");
    assert!(status.success() && took < IN_TIME, "{status} {took:?}");
    drop(idle);
}

#[test]
fn a_second_daemon_on_the_same_folder_or_port_says_so_in_one_sentence() {
    let daemon = Daemon::start();
    let elsewhere = TempDir::new().unwrap();
    let free = "127.0.0.1:0".parse().unwrap();
    for (data, listen, word) in
        [(daemon.data(), free, "in use"), (elsewhere.path().join("data"), daemon.address(), "in use")]
    {
        let output = Daemon::run_to_its_end(&data, listen);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{said}");
        assert!(output.stdout.is_empty(), "nothing is announced that is not there");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(said.starts_with("penstock: ") && said.contains(word), "{said}");
    }
    assert!(daemon.is_healthy(), "the first one is not disturbed");
    assert!(!elsewhere.path().join("data").exists(), "a daemon without a port touches no folder");
}

#[test]
fn expired_and_overwritten_content_leaves_the_disk() {
    let daemon = Daemon::start_with(&["--keep-executions", "3"]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, &vec![b'x'; 1_000_000]);
    let pipeline = ground.pipeline("short-memory", &[stage("Deploy", &[ground.deploy("Deploy", 1, "out")])]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let mut sizes = Vec::new();
    for _ in 0..3 {
        for number in 0..15_u8 {
            caller.s3_done("PUT", "/target-bucket/overwritten", &vec![number; 1_000_000]);
            let started = caller.call("StartPipelineExecution", &json!({"name": "short-memory"}));
            let id = started["pipelineExecutionId"].as_str().unwrap();
            assert_eq!(caller.ended("short-memory", id), "Succeeded");
        }
        sizes.push(settled_size(&daemon));
    }
    assert!(caller.executions("short-memory").len() <= 5, "expired executions are listed");
    notice(&format!("the data folder after each of 3 times 45 MB put through it, in KiB: {sizes:?}"));
    // Source, target and overwritten object, and an artifact for each execution that is kept: some 8 MB.
    assert!(sizes.iter().all(|size| *size < 16 * 1024), "{sizes:?}");
}

#[test]
fn overwritten_records_leave_the_disk() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    caller.make_bucket("bucket");
    let mut sizes = Vec::new();
    for _ in 0..3 {
        thread::scope(|scope| {
            for client in 0..8 {
                let caller = &caller;
                scope.spawn(move || {
                    for _ in 0..125 {
                        caller.s3_done("PUT", &format!("/bucket/{client}"), &vec![b'x'; 12_000]);
                    }
                });
            }
        });
        sizes.push(settled_size(&daemon));
    }
    notice(&format!("the data folder after each of 3 times 12 MB of small objects, in KiB: {sizes:?}"));
    assert!(sizes.iter().all(|size| *size < 24 * 1024), "{sizes:?}");
}

/// The folder's size in KiB, when two looks agree: what is removed is removed behind the answers.
fn settled_size(daemon: &Daemon) -> u64 {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut size = size_of(&daemon.data());
    while Instant::now() < deadline {
        thread::sleep(Duration::from_millis(300));
        let now = size_of(&daemon.data());
        if now == size {
            break;
        }
        size = now;
    }
    size / 1024
}

fn size_of(folder: &std::path::Path) -> u64 {
    let Ok(entries) = folder.read_dir() else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => size_of(&entry.path()),
            Ok(about) => about.len(),
            // Removed between the two looks.
            Err(_) => 0,
        })
        .sum()
}
