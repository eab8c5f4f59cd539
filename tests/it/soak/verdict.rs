//! The end, and what it must look like.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use penstock_tests::daemon::Daemon;
use penstock_tests::http::Request;
use serde_json::{Value, json};

use super::people::{answer, tokens};
use super::scene::{Scene, mode};

/// How long it may take until everything has ended.
const PATIENCE: Duration = Duration::from_secs(400);

/// Opens all transitions, approves what asks, and lets time run out for what somebody forgot.
pub(super) fn let_everything_end(scene: &Scene, daemon: &Daemon) {
    for pipeline in &scene.pipelines {
        let place = json!({"pipelineName": pipeline, "stageName": "Deploy", "transitionType": "Inbound"});
        scene.insist("EnableStageTransition", &place).unwrap();
    }
    let deadline = Instant::now() + PATIENCE;
    let mut open: BTreeSet<&String> = scene.pipelines.iter().collect();
    loop {
        open.retain(|pipeline| {
            for token in tokens(scene, pipeline) {
                answer(scene, pipeline, &token, "Approved");
            }
            scene.caller().executions(pipeline).iter().any(|execution| !has_ended(execution))
        });
        if open.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "never ended: executions of {open:?}");
        thread::sleep(Duration::from_millis(300));
        // A forgotten job's limit is a day. Jobs that are being worked on may run out of time, too, which is allowed.
        let moved =
            Request::new("POST", "/_penstock/clock").body(r#"{"advance": "25h"}"#).send(daemon.address());
        assert_eq!(moved.unwrap().status, 200);
    }
}

fn has_ended(execution: &Value) -> bool {
    !matches!(execution["status"].as_str(), Some("InProgress" | "Stopping"))
}

/// Everything that was seen, against the rules.
pub(super) fn judge(scene: &Scene) {
    let wrongs = scene.wrongs();
    assert!(wrongs.is_empty(), "{wrongs:#?}");
    for (job, owners) in scene.owners() {
        assert_eq!(owners.len(), 1, "job {job} was given to workers {owners:?}");
    }
    let started = scene.started();
    for (number, pipeline) in scene.pipelines.iter().enumerate() {
        let executions = scene.caller().executions(pipeline);
        let known: BTreeSet<&str> =
            executions.iter().map(|execution| execution["pipelineExecutionId"].as_str().unwrap()).collect();
        let acknowledged: BTreeSet<&str> = started[pipeline].iter().map(String::as_str).collect();
        assert_eq!(
            known, acknowledged,
            "{pipeline}: executions that are there, and those that were acknowledged"
        );
        assert_eq!(known.len(), executions.len(), "{pipeline}: an execution is listed twice");
        for execution in &executions {
            judge_one(scene, pipeline, mode(number), execution);
        }
    }
}

fn judge_one(scene: &Scene, pipeline: &str, mode: &str, execution: &Value) {
    let id = execution["pipelineExecutionId"].as_str().unwrap();
    let status = execution["status"].as_str().unwrap();
    scene.count(&format!("executions in the end {status}"));
    let actions = scene.caller().actions(pipeline, id);
    let all: Vec<&str> = actions.iter().filter_map(|action| action["status"].as_str()).collect();
    assert!(!all.contains(&"InProgress"), "{pipeline} {id} has ended and an action has not: {actions:#?}");
    // By place, the last attempt's.
    let mut last = BTreeMap::new();
    for action in &actions {
        let place = (action["stageName"].as_str(), action["actionName"].as_str());
        last.insert(place, action["status"].as_str().unwrap());
    }
    let said = format!("{pipeline} {id} {status}: {last:?}");
    match status {
        "Succeeded" => {
            let stages: BTreeSet<_> = last.keys().map(|(stage, _)| stage).collect();
            assert_eq!(stages.len(), 3, "{said}");
            assert!(last.values().all(|status| *status == "Succeeded"), "{said}");
        }
        "Failed" => assert!(last.values().any(|status| *status == "Failed"), "{said}"),
        "Stopped" => assert!(execution.get("stopTrigger").is_some(), "{said}: nobody stopped it"),
        "Superseded" => {
            assert_eq!(mode, "SUPERSEDED", "{said}");
            assert!(last.len() < 5, "{said}");
        }
        other => panic!("{said}: {other} is no end here"),
    }
}
