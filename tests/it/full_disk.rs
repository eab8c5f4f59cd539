//! A disk that is nearly full: what makes data grow is refused, all else works, and space brings it all back.

use std::fs;
use std::path::{Path, PathBuf};

use penstock_tests::clients::skipped;
use penstock_tests::daemon::Daemon;
use penstock_tests::http::Request;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::small_disk::SmallDisk;
use penstock_tests::waiting::until;
use serde_json::json;
use tempfile::TempDir;

fn fill(place: &Path, megabytes: usize) -> PathBuf {
    let filler = place.join("filler");
    fs::write(&filler, vec![1; megabytes << 20]).unwrap();
    filler
}

#[test]
fn a_nearly_full_disk_refuses_what_grows_and_recovers_with_its_space() {
    let Some(disk) = SmallDisk::mounted(160) else {
        skipped(
            "a_nearly_full_disk_refuses_what_grows_and_recovers_with_its_space",
            "only root mounts disks",
        );
        return;
    };
    let mut daemon = Daemon::start_in(TempDir::new_in(&disk.place).unwrap(), &[]);
    daemon.announce("ServiceUnavailable");
    daemon.announce("SlowDown");
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    let pipeline = ground.pipeline("p", &[stage("Deploy", &[ground.deploy("Deploy", 1, "out")])]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let health = || Request::new("GET", "/_penstock/health").send(daemon.address()).unwrap();
    assert_eq!(health().status, 200);

    let filler = fill(&disk.place, 110);
    until("health to say that the disk is full", || (health().status == 503).then_some(()));
    let start = || caller.codepipeline("StartPipelineExecution", &json!({"name": "p"}));
    let refused = start().unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (503, "ServiceUnavailable"), "{refused:?}");
    let put = caller.s3("PUT", "/target-bucket/more", b"more");
    assert_eq!(put.status, 503, "{}", put.text());
    assert_eq!(caller.s3("GET", "/target-bucket/out", b"").body, b"content", "what is there is read");
    assert_eq!(caller.call("GetPipeline", &json!({"name": "p"}))["pipeline"]["name"], "p");
    assert_eq!(caller.s3("DELETE", "/target-bucket/out", b"").status, 204, "what is there is deleted");

    fs::remove_file(filler).unwrap();
    until("health to say that there is space", || (health().status == 200).then_some(()));
    let started = start().unwrap();
    assert_eq!(caller.ended("p", started["pipelineExecutionId"].as_str().unwrap()), "Succeeded");
}
