//! Revisions of sources, and what their changes start.

use penstock_tests::aws::Caller;
use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::gate::Gate;
use penstock_tests::http::Request;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

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

/// A pipeline whose source says that of polling, with its first execution over.
fn polling(caller: &Caller, ground: &Ground, name: &str, polls: Option<&str>) {
    let mut source = ground.source();
    match polls {
        Some(polls) => source["configuration"]["PollForSourceChanges"] = json!(polls),
        None => drop(source["configuration"].as_object_mut().unwrap().remove("PollForSourceChanges")),
    }
    let mut pipeline = ground.pipeline(name, &[stage("Deploy", &[ground.deploy("Deploy", 1, name)])]);
    pipeline["stages"][0]["actions"] = json!([source]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let first = caller.executions(name)[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended(name, &first), "Succeeded");
}

fn put(caller: &Caller, ground: &Ground, content: &[u8]) -> String {
    let answer = caller.s3_done("PUT", &format!("/{}/file", ground.source), content);
    answer.header("x-amz-version-id").unwrap().to_owned()
}

/// The version that each execution took and by what it was started, oldest first, once that many have ended.
fn history(caller: &Caller, name: &str, count: usize) -> Vec<(String, Value)> {
    let ended = until(format_args!("{count} executions of {name}"), || {
        let executions = caller.executions(name);
        let running = executions.iter().any(|execution| execution["status"] == "InProgress");
        (executions.len() >= count && !running).then_some(executions)
    });
    let version = |execution: &Value| {
        execution["sourceRevisions"][0]["revisionId"].as_str().unwrap_or_default().to_owned()
    };
    ended.iter().rev().map(|execution| (version(execution), execution["trigger"].clone())).collect()
}

#[test]
fn a_put_starts_the_pipelines_that_poll_its_object_and_no_others() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"first");
    polling(&caller, &ground, "silent", Some("false"));
    polling(&caller, &ground, "polls", Some("true"));
    polling(&caller, &ground, "by-default", None);
    caller.s3_done("PUT", &format!("/{}/other", ground.source), b"another object");
    let trigger = json!({"triggerType": "PollForSourceChanges", "triggerDetail": "Source"});
    for (count, content) in [(2, &b"second"[..]), (3, b"third")] {
        let version = put(&caller, &ground, content);
        for name in ["polls", "by-default"] {
            let history = history(&caller, name, count);
            assert_eq!(history.len(), count, "{name}");
            assert_eq!(history.last(), Some(&(version.clone(), trigger.clone())), "{name}");
            let deployed = caller.s3_done("GET", &format!("/{}/{name}", ground.target), b"");
            assert_eq!(deployed.body, content);
        }
    }
    assert_eq!(caller.executions("silent").len(), 1);
}

#[test]
fn a_change_is_neither_lost_nor_run_twice_when_the_daemon_is_killed() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"first");
    polling(&caller, &ground, "polls", None);
    let mut versions = Vec::new();
    for round in 2..6 {
        versions.push(put(&daemon.caller(), &ground, format!("round {round}").as_bytes()));
        daemon.kill();
        daemon.start_again();
        let history = history(&daemon.caller(), "polls", round);
        let taken: Vec<&String> = history.iter().skip(1).map(|(version, _)| version).collect();
        assert_eq!(taken, versions.iter().collect::<Vec<_>>(), "each version once, in order");
    }
    // An object that an earlier daemon has seen is no news.
    daemon.kill();
    daemon.start_again();
    let caller = daemon.caller();
    let last = put(&caller, &ground, b"last");
    let history = history(&caller, "polls", 6);
    assert_eq!((history.len(), &history.last().unwrap().0), (6, &last));
}

#[test]
fn a_store_elsewhere_is_looked_at_time_and_again() {
    let gate = Gate::new();
    let daemon = Daemon::start_with(&["--endpoint-url-s3", &gate.url(), "--poll-interval", "1"]);
    gate.lead_to(daemon.address());
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"first");
    polling(&caller, &ground, "polls", None);
    for count in 2..4 {
        let version = put(&caller, &ground, format!("{count}").as_bytes());
        assert_eq!(history(&caller, "polls", count).last().unwrap().0, version);
    }
    assert_eq!(caller.executions("polls").len(), 3);
}

#[test]
fn polling_ends_after_30_idle_days_and_begins_again_with_an_update() {
    let mut daemon = Daemon::start_with(&["--allow-clock"]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"first");
    polling(&caller, &ground, "polls", None);
    polling(&caller, &ground, "silent", Some("false"));
    advance(&daemon, "29d");
    assert_eq!(polling_disabled_at(&caller, "polls"), None);
    advance(&daemon, "2d");
    let at = polling_disabled_at(&caller, "polls").unwrap();
    let started = caller.executions("polls")[0]["lastUpdateTime"].as_f64().unwrap();
    assert!((at - started - 30.0 * 86_400.0).abs() < 0.01, "{at} is 30 days after {started}");
    assert_eq!(polling_disabled_at(&caller, "silent"), None);
    put(&caller, &ground, b"unseen");
    // Somebody starts it all the same; neither that nor a kill brings the polling back.
    caller.call("StartPipelineExecution", &json!({"name": "polls"}));
    assert_eq!(history(&caller, "polls", 2).len(), 2);
    daemon.kill();
    daemon.start_again();
    let caller = daemon.caller();
    assert_eq!(polling_disabled_at(&caller, "polls"), Some(at));
    put(&caller, &ground, b"unseen, too");
    let mut declared = caller.call("GetPipeline", &json!({"name": "polls"}));
    assert_eq!(history(&caller, "polls", 2).len(), 2);
    caller.call("UpdatePipeline", &json!({"pipeline": declared["pipeline"].take()}));
    assert_eq!(polling_disabled_at(&caller, "polls"), None);
    let version = put(&caller, &ground, b"seen");
    assert_eq!(history(&caller, "polls", 3).last().unwrap().0, version);
}

fn advance(daemon: &Daemon, by: &str) {
    let body = json!({ "advance": by }).to_string();
    let answer = Request::new("POST", "/_penstock/clock").body(body).send(daemon.address()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn polling_disabled_at(caller: &Caller, name: &str) -> Option<f64> {
    caller.call("GetPipeline", &json!({"name": name}))["metadata"]["pollingDisabledAt"].as_f64()
}
