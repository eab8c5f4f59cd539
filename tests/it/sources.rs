//! Revisions of sources, and what their changes start.

use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use serde_json::json;

#[test]
fn source_revisions_are_overridden_and_announced_as_boto3_expects() {
    let Some(clients) = Clients::or_skip("source revisions by boto3") else { return };
    let daemon = Daemon::start();
    clients.python("sources_check.py", &daemon.url(), &[]);
}

#[test]
fn an_announced_revision_is_known_after_a_kill() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    let deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "out")]);
    caller.call("CreatePipeline", &json!({"pipeline": ground.pipeline("announced", &[deploy])}));
    let announced = json!({
        "pipelineName": "announced", "stageName": "Source", "actionName": "Source",
        "actionRevision": {"revisionId": "r", "revisionChangeId": "c", "created": 1_700_000_000},
    });
    let first = caller.call("PutActionRevision", &announced);
    assert_eq!(first["newRevision"], true);
    daemon.kill();
    daemon.start_again();
    let caller = daemon.caller();
    let execution = first["pipelineExecutionId"].as_str().unwrap();
    assert_eq!(caller.ended("announced", execution), "Succeeded");
    assert_eq!(caller.executions("announced").len(), 2);
}
