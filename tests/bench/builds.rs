//! Builds in containers, beside the engine's own time for the same commands.

use std::io::{Cursor, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use penstock_tests::aws::Caller;
use penstock_tests::building::{build_action, project};
use penstock_tests::engine::Engine;
use penstock_tests::pipelines::{Ground, stage};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::millis;
use crate::process::Daemon;
use crate::report::{Aim, Report};

/// How much is measured.
pub(crate) struct Size {
    /// Of how many builds the median is taken.
    pub(crate) builds: usize,
    /// The artifact's bytes.
    pub(crate) artifact: usize,
}

const COMMANDS: [&str; 2] = ["echo hello > said", "cat said"];
const AT_ONCE: usize = 20;
const LONGEST: Duration = Duration::from_secs(20 * 60);

pub(crate) fn measure(folder: &Path, size: &Size, report: &mut Report) {
    let Some(engine) = Engine::or_skip("the benchmark of builds in containers") else { return };
    let data = folder.join("builds");
    let daemon = Daemon::start_in_environment(&data, &crate::NONE, &engine.environment());
    let caller = daemon.caller();
    let role = caller.make_role("builds", "codebuild.amazonaws.com");
    overhead(&caller, engine, &role, size.builds, report);
    at_once(&caller, engine, &role, report);
    drop(daemon);
    // Its memory is this one's alone.
    let daemon = Daemon::start_in_environment(&data, &crate::NONE, &engine.environment());
    let before = daemon.memory();
    let took = large(&daemon.caller(), engine, &role, size.artifact);
    let mebibytes = size.artifact >> 20;
    let what = format!("an artifact of {mebibytes} MiB through source, build and deploy");
    report.row(&what, took.as_secs_f64(), "s", Aim::None, "of bytes that no compression shortens");
    let beside = format!("{before:.0} before");
    report.row("… memory's peak", daemon.peak_memory(), "MiB", Aim::AtMost(150.0), &beside);
}

fn alone(caller: &Caller, engine: &Engine, role: &str, name: &str, commands: &[&str]) {
    let buildspec = json!({"version": "0.2", "phases": {"build": {"commands": commands}}});
    let mut alone = project(engine.image(), role);
    alone["name"] = json!(name);
    alone["source"] = json!({"type": "NO_SOURCE", "buildspec": buildspec.to_string()});
    alone["artifacts"] = json!({"type": "NO_ARTIFACTS"});
    caller.codebuild("CreateProject", &alone);
}

/// Starts builds and waits until all have succeeded.
fn built(caller: &Caller, name: &str, count: usize) -> Duration {
    let begin = Instant::now();
    let start = || caller.codebuild("StartBuild", &json!({"projectName": name}))["build"]["id"].clone();
    let ids: Vec<Value> = (0..count).map(|_| start()).collect();
    for id in ids {
        loop {
            let build = caller.codebuild("BatchGetBuilds", &json!({"ids": [id]}))["builds"][0].clone();
            if build["buildComplete"] == true {
                assert_eq!(build["buildStatus"], "SUCCEEDED", "{build}");
                break;
            }
            assert!(begin.elapsed() < LONGEST, "a build does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }
    begin.elapsed()
}

fn plain(engine: &Engine, count: usize) -> Duration {
    let begin = Instant::now();
    let command = COMMANDS.join(" && ");
    let mut children: Vec<_> = (0..count)
        .map(|_| {
            let mut run = engine.docker(&["run", "--rm", engine.image(), "/bin/sh", "-c", &command]);
            run.stdout(std::process::Stdio::null()).spawn().expect("docker runs")
        })
        .collect();
    for child in &mut children {
        assert!(child.wait().expect("a child can be waited for").success());
    }
    begin.elapsed()
}

fn overhead(caller: &Caller, engine: &Engine, role: &str, count: usize, report: &mut Report) {
    alone(caller, engine, role, "small", &COMMANDS);
    built(caller, "small", 1);
    plain(engine, 1);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..count {
        times[0].push(millis(built(caller, "small", 1)));
        times[1].push(millis(plain(engine, 1)));
    }
    let [build, plain] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let beside = format!("median of {count}; {plain:.0} ms for a plain `docker run` of the same");
    report.row("a build in a container, start to end", build, "ms", Aim::None, &beside);
    report.row("… more than a plain `docker run`", build - plain, "ms", Aim::AtMost(150.0), "");
}

fn at_once(caller: &Caller, engine: &Engine, role: &str, report: &mut Report) {
    alone(caller, engine, role, "many", &COMMANDS);
    let plain = plain(engine, AT_ONCE);
    let took = built(caller, "many", AT_ONCE);
    let beside = format!("{:.1} s for as many plain `docker run`", plain.as_secs_f64());
    report.row(
        &format!("{AT_ONCE} builds at once, to the last end"),
        took.as_secs_f64(),
        "s",
        Aim::None,
        &beside,
    );
}

fn large(caller: &Caller, engine: &Engine, role: &str, bytes: usize) -> Duration {
    let spec = "version: 0.2\nphases: {build: {commands: [mv large built]}}\nartifacts: {files: [built]}\n";
    let ground = Ground::prepare(caller, &archive(spec, bytes));
    caller.codebuild("CreateProject", &project(engine.image(), role));
    let mut deploy = ground.deploy("Deploy", 1, "out");
    deploy["inputArtifacts"] = json!([{"name": "Out"}]);
    deploy["configuration"] = json!({"BucketName": ground.target, "Extract": "true"});
    let build = stage("Build", &[build_action(&json!({}), &["Source"], &["Out"])]);
    let declared = ground.pipeline("large", &[build, stage("Deploy", &[deploy])]);
    let begin = Instant::now();
    caller.call("CreatePipeline", &json!({"pipeline": declared}));
    loop {
        let status = caller.executions("large").pop().map(|execution| execution["status"].clone());
        match status.as_ref().and_then(Value::as_str) {
            Some("Succeeded") => break,
            None | Some("InProgress") => assert!(begin.elapsed() < LONGEST, "the execution does not end"),
            Some(other) => panic!("{other}: {:#?}", caller.executions("large")),
        }
        thread::sleep(Duration::from_millis(50));
    }
    let took = begin.elapsed();
    let deployed = caller.s3_done("GET", &format!("/{}?list-type=2", ground.target), b"").text();
    assert!(deployed.contains("<Key>built</Key>") && deployed.contains(&format!("<Size>{bytes}</Size>")));
    took
}

/// A zip with a buildspec and one large file, as it is.
fn archive(spec: &str, bytes: usize) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    writer.start_file("buildspec.yml", stored).expect("a file begins");
    writer.write_all(spec.as_bytes()).expect("a file is written");
    writer.start_file("large", stored).expect("a file begins");
    let mut state = 88_172_645_463_325_252_u64;
    for _ in 0..bytes / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        writer.write_all(&state.to_le_bytes()).expect("a file is written");
    }
    writer.finish().expect("a zip ends").into_inner()
}
