//! Rules, and events that start pipelines.

use penstock_tests::aws::Caller;
use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::http::Request;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

#[test]
fn rules_lead_events_to_pipelines_as_boto3_expects() {
    let Some(clients) = Clients::or_skip("events by boto3") else { return };
    let daemon = Daemon::start();
    clients.python("events_check.py", &daemon.url(), &[]);
}

fn events(caller: &Caller, daemon: &Daemon, operation: &str, input: &Value) {
    let request = Request::new("POST", "/")
        .header("Authorization", &caller.authorization("events"))
        .header("Content-Type", "application/x-amz-json-1.1")
        .header("X-Amz-Target", &format!("AWSEvents.{operation}"));
    let answer = request.body(input.to_string().into_bytes()).send(daemon.address()).unwrap();
    assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
}

#[test]
fn an_event_that_was_taken_starts_its_pipeline_once_though_the_daemon_is_killed() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    let deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "out")]);
    let mut pipeline = ground.pipeline("evented", &[deploy]);
    pipeline["pipelineType"] = json!("V2");
    pipeline["executionMode"] = json!("QUEUED");
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let notification = b"<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                         <EventBridgeConfiguration/></NotificationConfiguration>";
    caller.s3_done("PUT", &format!("/{}?notification", ground.source), notification);
    let pattern = json!({"source": ["aws.s3", "mine"]}).to_string();
    events(&caller, &daemon, "PutRule", &json!({"Name": "rule", "EventPattern": pattern}));
    let target = json!({"Id": "1", "Arn": "arn:aws:codepipeline:us-east-1:000000000000:evented",
                        "RoleArn": "arn:aws:iam::000000000000:role/rules"});
    events(&caller, &daemon, "PutTargets", &json!({"Rule": "rule", "Targets": [target]}));
    let entry = json!({"Source": "mine", "DetailType": "t", "Detail": "{}"});
    for round in 0..4 {
        if round % 2 == 0 {
            caller.s3_done("PUT", &format!("/{}/file", ground.source), b"changed");
        } else {
            events(&daemon.caller(), &daemon, "PutEvents", &json!({"Entries": [entry]}));
        }
        daemon.kill();
        daemon.start_again();
    }
    let started = until("five executions", || {
        let executions = daemon.caller().executions("evented");
        let running = executions.iter().any(|execution| execution["status"] == "InProgress");
        (executions.len() >= 5 && !running).then_some(executions)
    });
    assert_eq!(started.len(), 5, "each event once");
    let by_rule =
        started.iter().filter(|execution| execution["trigger"]["triggerType"] == "CloudWatchEvent").count();
    assert_eq!(by_rule, 4);
}
