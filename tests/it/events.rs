//! State changes as others follow them: in EventBridge's shape, in order, without gaps over kills.

use std::collections::BTreeSet;
use std::time::Duration;

use penstock_tests::aws::Caller;
use penstock_tests::daemon::Daemon;
use penstock_tests::event_stream::{EventStream, Message};
use penstock_tests::http::Request;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::sink::Sink;
use penstock_tests::waiting::until;
use serde_json::{Value, json};

fn approval() -> Value {
    json!({
        "name": "Approve",
        "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
    })
}

/// Source, Gate (an approval), Deploy.
fn gated(caller: &Caller) -> String {
    let ground = Ground::prepare(caller, b"content");
    let stages = [stage("Gate", &[approval()]), stage("Deploy", &[ground.deploy("Deploy", 1, "out")])];
    let mut pipeline = ground.pipeline("gated", &stages);
    pipeline["pipelineType"] = json!("V2");
    caller.call("CreatePipeline", &json!({ "pipeline": pipeline }));
    caller.executions("gated")[0]["pipelineExecutionId"].as_str().unwrap().to_owned()
}

fn start(caller: &Caller) -> String {
    let started = caller.call("StartPipelineExecution", &json!({"name": "gated"}));
    started["pipelineExecutionId"].as_str().unwrap().to_owned()
}

/// Waits until the execution asks, and answers.
fn decide(caller: &Caller, execution: &str, status: &str) {
    let token = until("the request", || {
        let state = caller.call("GetPipelineState", &json!({"name": "gated"}));
        let gate = &state["stageStates"][1];
        let asks = gate["latestExecution"]["pipelineExecutionId"] == execution;
        let token = &gate["actionStates"][0]["latestExecution"]["token"];
        token.as_str().filter(|_| asks).map(str::to_owned)
    });
    let answer = json!({
        "pipelineName": "gated", "stageName": "Gate", "actionName": "Approve", "token": token,
        "result": {"summary": "looked at it", "status": status},
    });
    caller.call("PutApprovalResult", &answer);
}

/// The events of one execution so far, up to its latest end.
fn told(daemon: &Daemon, execution: &str, last: &str) -> Vec<Value> {
    let is_pipelines = |event: &Value| event["detail-type"].as_str().unwrap().contains("Pipeline Execution");
    let mut stream = EventStream::open(daemon.address(), "?after=0&pipeline=gated", None).unwrap();
    let messages = stream.until(|message| {
        let event = &message.data;
        is_pipelines(event)
            && event["detail"]["execution-id"] == execution
            && event["detail"]["state"] == last
    });
    let events = messages.into_iter().map(|message| message.data);
    events.filter(|event| event["detail"]["execution-id"] == execution).collect()
}

/// `Gate.Approve STARTED`, `Gate STARTED`, `STARTED`.
fn lines(events: &[Value]) -> Vec<String> {
    let line = |event: &Value| {
        let detail = &event["detail"];
        let place: Vec<&str> =
            ["stage", "action"].iter().filter_map(|member| detail[member].as_str()).collect();
        format!("{} {}", place.join("."), detail["state"].as_str().unwrap()).trim().to_owned()
    };
    events.iter().map(line).collect()
}

fn one<'a>(events: &'a [Value], line: &str) -> &'a Value {
    let at = lines(events).iter().position(|found| found == line).unwrap_or_else(|| panic!("no {line}"));
    &events[at]["detail"]
}

#[test]
fn a_success_is_told_step_by_step_in_eventbridges_shape() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let execution = gated(&caller);
    decide(&caller, &execution, "Approved");
    let events = told(&daemon, &execution, "SUCCEEDED");
    assert_eq!(
        lines(&events),
        [
            "STARTED",
            "Source STARTED",
            "Source.Source STARTED",
            "Source.Source SUCCEEDED",
            "Source SUCCEEDED",
            "Gate STARTED",
            "Gate.Approve STARTED",
            "Gate.Approve SUCCEEDED",
            "Gate SUCCEEDED",
            "Deploy STARTED",
            "Deploy.Deploy STARTED",
            "Deploy.Deploy SUCCEEDED",
            "Deploy SUCCEEDED",
            "SUCCEEDED",
        ]
    );
    let envelope: Vec<&String> = events[0].as_object().unwrap().keys().collect();
    let expected =
        ["account", "detail", "detail-type", "id", "region", "resources", "source", "time", "version"];
    assert_eq!(envelope, expected);
    assert_eq!(events[0]["resources"], json!(["arn:aws:codepipeline:us-east-1:000000000000:gated"]));
    assert_eq!(events[0]["detail"]["execution-trigger"]["trigger-type"], "CreatePipeline");
    let made = &one(&events, "Source.Source SUCCEEDED")["output-artifacts"];
    assert_eq!(made[0]["name"], "Source");
    assert_eq!(made[0]["s3location"]["bucket"], "artifact-store-bucket");
    assert_eq!(&one(&events, "Deploy.Deploy STARTED")["input-artifacts"], made);
    let source = &one(&events, "Source.Source SUCCEEDED")["execution-result"];
    assert!(source["external-execution-id"].is_string(), "{source}");
    let approved = one(&events, "Gate.Approve SUCCEEDED");
    assert_eq!(approved["execution-result"]["external-execution-summary"], "looked at it");
    assert_eq!(approved["region"], "us-east-1");
    let ids: BTreeSet<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), events.len());
}

#[test]
fn failures_retries_stops_supersessions_and_rollbacks_are_told() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let first = gated(&caller);
    decide(&caller, &first, "Approved");
    assert_eq!(caller.ended("gated", &first), "Succeeded");

    let retried = start(&caller);
    decide(&caller, &retried, "Rejected");
    assert_eq!(caller.ended("gated", &retried), "Failed");
    let failed = told(&daemon, &retried, "FAILED");
    assert_eq!(lines(&failed)[7..], ["Gate.Approve FAILED", "Gate FAILED", "FAILED"]);
    assert_eq!(one(&failed, "Gate.Approve FAILED")["execution-result"]["error-code"], "JobFailed");
    let retry = json!({"pipelineName": "gated", "stageName": "Gate", "pipelineExecutionId": retried,
        "retryMode": "FAILED_ACTIONS"});
    caller.call("RetryStageExecution", &retry);
    decide(&caller, &retried, "Approved");
    assert_eq!(caller.ended("gated", &retried), "Succeeded");
    let again = told(&daemon, &retried, "SUCCEEDED")[10..].to_vec();
    assert_eq!(
        lines(&again)[..4],
        ["RESUMED", "Gate RESUMED", "Gate.Approve STARTED", "Gate.Approve SUCCEEDED"]
    );
    assert!(again.iter().all(|event| event["detail"]["pipeline-execution-attempt"] == 2.0), "{again:#?}");
    assert!(one(&again, "Gate RESUMED")["stage-last-retry-attempt-time"].is_string());
    assert!(one(&again, "Gate RESUMED").get("start-time").is_none());

    let stopped = start(&caller);
    until("the request", || (caller.actions("gated", &stopped).len() == 2).then_some(()));
    let stop =
        json!({"pipelineName": "gated", "pipelineExecutionId": stopped, "abandon": true, "reason": "freeze"});
    caller.call("StopPipelineExecution", &stop);
    let events = told(&daemon, &stopped, "STOPPED");
    let end = ["STOPPING", "Gate STOPPING", "Gate.Approve ABANDONED", "Gate STOPPED", "STOPPED"];
    assert_eq!(lines(&events)[7..], end);
    assert_eq!(one(&events, "STOPPING")["stop-execution-comments"], "freeze");
    assert!(one(&events, "Gate.Approve ABANDONED").get("start-time").is_none());

    let gate =
        json!({"pipelineName": "gated", "stageName": "Gate", "transitionType": "Inbound", "reason": "wait"});
    caller.call("DisableStageTransition", &gate);
    let overtaken = start(&caller);
    until("the source", || (caller.actions("gated", &overtaken).len() == 1).then_some(()));
    start(&caller);
    assert_eq!(caller.ended("gated", &overtaken), "Superseded");
    let events = told(&daemon, &overtaken, "SUPERSEDED");
    assert_eq!(lines(&events).last().unwrap(), "SUPERSEDED");

    let back = json!({"pipelineName": "gated", "stageName": "Deploy", "targetPipelineExecutionId": first});
    let rollback = caller.call("RollbackStage", &back)["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("gated", &rollback), "Succeeded");
    let events = told(&daemon, &rollback, "SUCCEEDED");
    assert_eq!(lines(&events)[..2], ["STARTED", "Deploy STARTED"]);
    assert_eq!(events[0]["detail"]["execution-trigger"]["trigger-type"], "ManualRollback");
}

/// Source and Deploy: five transitions an execution or so, as fast as it goes.
fn quick(caller: &Caller) {
    let ground = Ground::prepare(caller, b"content");
    let stages = [stage("Deploy", &[ground.deploy("Deploy", 1, "out")])];
    let mut pipeline = ground.pipeline("quick", &stages);
    pipeline["executionMode"] = json!("QUEUED");
    pipeline["pipelineType"] = json!("V2");
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
}

/// What follows, up to the end of that execution.
fn up_to_the_end(daemon: &Daemon, last_id: Option<&str>, execution: &str) -> Vec<Message> {
    let mut stream = EventStream::open(daemon.address(), "?after=0", last_id).unwrap();
    stream.until(|message| is_end(message, execution))
}

fn is_end(message: &Message, execution: &str) -> bool {
    let detail = &message.data["detail"];
    detail.get("stage").is_none() && detail["execution-id"] == execution && detail["state"] == "SUCCEEDED"
}

/// Waits until all has ended; the one that was started last is then the last to end.
fn newest_of_all_ended(caller: &Caller) -> (String, usize) {
    let executions = caller.executions("quick");
    let id = |execution: &Value| execution["pipelineExecutionId"].as_str().unwrap().to_owned();
    for execution in &executions {
        assert_eq!(caller.ended("quick", &id(execution)), "Succeeded");
    }
    (id(&executions[0]), executions.len())
}

fn order(id: &str) -> (u64, u64) {
    let (transition, nth) = id.split_once('-').unwrap();
    (transition.parse().unwrap(), nth.parse().unwrap())
}

#[test]
fn a_follower_that_resumes_over_kills_misses_nothing_and_hears_nothing_twice() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    quick(&caller);
    let mut heard: Vec<Message> = Vec::new();
    for _ in 0..4 {
        let last = heard.last().map(|message| message.id.clone());
        let mut stream = EventStream::open(daemon.address(), "?after=0", last.as_deref()).unwrap();
        for _ in 0..5 {
            caller.call("StartPipelineExecution", &json!({"name": "quick"}));
        }
        // Some of what comes, and then the daemon is gone in the middle of the rest.
        for _ in 0..12 {
            heard.extend(stream.message().unwrap());
        }
        daemon.kill();
        while let Ok(Some(message)) = stream.message() {
            heard.push(message);
        }
        daemon.start_again();
    }
    let (newest, count) = newest_of_all_ended(&caller);
    assert_eq!(count, 21);
    if !heard.iter().any(|message| is_end(message, &newest)) {
        let last = heard.last().unwrap().id.clone();
        heard.extend(up_to_the_end(&daemon, Some(&last), &newest));
    }
    assert_eq!(heard, up_to_the_end(&daemon, None, &newest), "what was heard in pieces is all there is");
    assert!(heard.windows(2).all(|pair| order(&pair[0].id) < order(&pair[1].id)), "in order, none twice");
    let ends = heard.iter().filter(|message| {
        message.data["detail-type"] == "CodePipeline Pipeline Execution State Change"
            && message.data["detail"]["state"] == "SUCCEEDED"
    });
    assert_eq!(ends.count(), 21);
}

#[test]
fn clients_that_do_not_read_cost_next_to_nothing() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    quick(&caller);
    let run = |count: usize| {
        for _ in 0..count {
            let started = caller.call("StartPipelineExecution", &json!({"name": "quick"}));
            caller.ended("quick", started["pipelineExecutionId"].as_str().unwrap());
        }
    };
    run(30);
    let Some(before) = daemon.resident_memory() else { return };
    let silent: Vec<EventStream> =
        (0..100).map(|_| EventStream::open(daemon.address(), "?after=0", None).unwrap()).collect();
    run(60);
    let after = daemon.resident_memory().unwrap();
    assert!(after < before + 48 * 1024 * 1024, "{before} bytes grew to {after}");
    drop(silent);
}

#[test]
fn a_stream_ends_with_the_daemon_and_does_not_hold_it_up() {
    let mut daemon = Daemon::start();
    let mut stream = EventStream::open(daemon.address(), "", None).unwrap();
    let (status, took) = daemon.stop("TERM");
    assert!(status.success() && took < Duration::from_secs(2), "{status} after {took:?}");
    assert_eq!(stream.message().unwrap(), None);
}

#[test]
fn bad_wishes_are_refused_and_a_strange_id_is_said_to_be_a_gap() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    for bad in ["?after=x", "?after=1-", "?after=-1"] {
        let refused = Request::new("GET", &format!("/_penstock/events{bad}")).send(daemon.address()).unwrap();
        assert_eq!((refused.status, refused.json()["__type"].as_str()), (400, Some("ValidationException")));
    }
    let put = Request::new("PUT", "/_penstock/events").send(daemon.address()).unwrap();
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, POST")));
    quick(&caller);
    let mut stream = EventStream::open(daemon.address(), "", Some("999999-3")).unwrap();
    let gap = stream.message().unwrap().unwrap();
    assert_eq!((gap.event.as_str(), gap.id.as_str(), &gap.data["after"]), ("gap", "", &json!("999999-3")));
    assert_eq!(stream.message().unwrap().unwrap().id, "1-0");
}

#[test]
fn events_are_delivered_in_order_and_at_least_once_over_refusals_and_kills() {
    // Away at first, and later now and then.
    let sink =
        Sink::start(
            |_, before| {
                if before < 3 || before % 7 == 0 { (503, String::new()) } else { (204, String::new()) }
            },
        );
    let to = format!("{}/hook?key=secret", sink.url());
    let mut daemon = Daemon::start_with(&["--events-to", &to]);
    daemon.announce("an event is not taken; it is tried again");
    let caller = daemon.caller();
    quick(&caller);
    for _ in 0..3 {
        for _ in 0..3 {
            caller.call("StartPipelineExecution", &json!({"name": "quick"}));
        }
        daemon.kill();
        daemon.start_again();
    }
    let (newest, _) = newest_of_all_ended(&caller);
    let all = up_to_the_end(&daemon, None, &newest);
    until("the last event", || {
        let received = sink.received();
        received
            .iter()
            .any(|request| request.header("x-penstock-event-id") == all.last().unwrap().id)
            .then_some(())
    });
    let received = sink.received();
    let mut seen: Vec<String> = Vec::new();
    for request in &received {
        let id = request.header("x-penstock-event-id").to_owned();
        if seen.last().is_none_or(|last| order(last) < order(&id)) {
            let event: Value = serde_json::from_str(&request.body).unwrap();
            assert_eq!(&event, &all[seen.len()].data);
            seen.push(id);
        }
    }
    assert_eq!(seen, all.iter().map(|message| message.id.clone()).collect::<Vec<_>>());
    assert!(daemon.log().iter().all(|line| !line.contains("secret")), "a URL's query is not logged");
}

#[test]
fn an_eventbridge_is_put_events_to() {
    let sink = Sink::start(|request, before| {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let entries = body["Entries"].as_array().map_or(0, Vec::len);
        let answers: Vec<Value> = (0..entries)
            .map(|nth| match (before, nth) {
                (0, 1..) => json!({"ErrorCode": "InternalFailure", "ErrorMessage": "not now"}),
                _ => json!({"EventId": "e"}),
            })
            .collect();
        let failed = if before == 0 { entries.saturating_sub(1) } else { 0 };
        (200, json!({"FailedEntryCount": failed, "Entries": answers}).to_string())
    });
    let daemon = Daemon::start_with(&["--endpoint-url-eventbridge", &sink.url()]);
    let caller = daemon.caller();
    quick(&caller);
    let entries = || -> Vec<Value> {
        let bodies = sink.received().into_iter().map(|request| serde_json::from_str(&request.body).unwrap());
        bodies.flat_map(|body: Value| body["Entries"].as_array().cloned().unwrap_or_default()).collect()
    };
    let ended = |entry: &Value| {
        entry["DetailType"] == "CodePipeline Pipeline Execution State Change"
            && entry["Detail"].as_str().unwrap().contains("SUCCEEDED")
    };
    until("the end of the execution", || entries().iter().any(ended).then_some(()));
    let first = sink.received().remove(0);
    assert_eq!(first.header("x-amz-target"), "AWSEvents.PutEvents");
    assert_eq!(first.header("content-type"), "application/x-amz-json-1.1");
    let signed = first.header("authorization");
    assert!(signed.contains("/us-east-1/events/aws4_request"), "{signed}");
    let entry = entries().remove(0);
    assert_eq!(entry["Source"], "aws.codepipeline");
    assert!(entry["Time"].is_number());
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    assert_eq!((&detail["pipeline"], &detail["state"]), (&json!("quick"), &json!("STARTED")));
}
