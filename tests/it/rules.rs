//! Rules, and events that start pipelines.

use penstock_tests::aws::Caller;
use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::git::Repository;
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

/// A queued pipeline without a change detection of its own.
fn create(caller: &Caller, ground: &Ground, name: &str, source: Option<Value>) {
    let mut pipeline = ground.pipeline(name, &[stage("Deploy", &[ground.deploy("Deploy", 1, name)])]);
    pipeline["pipelineType"] = json!("V2");
    pipeline["executionMode"] = json!("QUEUED");
    if let Some(source) = source {
        pipeline["stages"][0]["actions"][0]["actionTypeId"]["provider"] = json!("CodeCommit");
        pipeline["stages"][0]["actions"][0]["configuration"] = source;
    }
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
}

fn rule(caller: &Caller, daemon: &Daemon, name: &str, pattern: &Value, pipeline: &str) {
    events(caller, daemon, "PutRule", &json!({"Name": name, "EventPattern": pattern.to_string()}));
    let target = json!({"Id": "1", "Arn": format!("arn:aws:codepipeline:us-east-1:000000000000:{pipeline}"),
                        "RoleArn": "arn:aws:iam::000000000000:role/rules"});
    events(caller, daemon, "PutTargets", &json!({"Rule": name, "Targets": [target]}));
}

/// The executions of a pipeline once there are so many and none runs.
fn all_ended(daemon: &Daemon, pipeline: &str, count: usize) -> Vec<Value> {
    until(format_args!("{count} executions of {pipeline}"), || {
        let executions = daemon.caller().executions(pipeline);
        let running = executions.iter().any(|execution| execution["status"] == "InProgress");
        (executions.len() >= count && !running).then_some(executions)
    })
}

#[test]
fn the_success_of_one_pipeline_starts_another_once_though_the_daemon_is_killed() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    for name in ["first", "second"] {
        create(&caller, &ground, name, None);
        all_ended(&daemon, name, 1);
    }
    // What happened before there was a rule starts nothing.
    let pattern = json!({"source": ["aws.codepipeline"], "detail-type": ["CodePipeline Pipeline Execution State Change"],
                         "detail": {"state": ["SUCCEEDED"], "pipeline": ["first"]}});
    rule(&caller, &daemon, "chain", &pattern, "second");
    for _ in 0..4 {
        daemon.caller().call("StartPipelineExecution", &json!({"name": "first"}));
        daemon.kill();
        daemon.start_again();
    }
    let started = all_ended(&daemon, "second", 5);
    assert_eq!(all_ended(&daemon, "first", 5).len(), 5);
    assert_eq!(started.len(), 5, "each success once");
    let arn = "arn:aws:events:us-east-1:000000000000:rule/chain";
    assert_eq!(started[0]["trigger"], json!({"triggerType": "CloudWatchEvent", "triggerDetail": arn}));
    // A second rule is told of what happens from then on; without rules nothing happens any more.
    events(&daemon.caller(), &daemon, "RemoveTargets", &json!({"Rule": "chain", "Ids": ["1"]}));
    events(&daemon.caller(), &daemon, "DeleteRule", &json!({"Name": "chain"}));
    daemon.caller().call("StartPipelineExecution", &json!({"name": "first"}));
    all_ended(&daemon, "first", 6);
    rule(&daemon.caller(), &daemon, "again", &pattern, "second");
    daemon.caller().call("StartPipelineExecution", &json!({"name": "first"}));
    assert_eq!(all_ended(&daemon, "second", 6).len(), 6);
}

#[test]
fn a_push_to_codecommit_is_an_event_that_starts_pipelines_once_though_the_daemon_is_killed() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    let name = json!({"repositoryName": "web"});
    let made = caller.json("codecommit", "CodeCommit_20150413.CreateRepository", &name).unwrap();
    let arn = made["repositoryMetadata"]["Arn"].clone();
    let url = made["repositoryMetadata"]["cloneUrlHttp"].as_str().unwrap().to_owned();
    let repository = Repository::new();
    repository.commit("First");
    repository.git(&["push", "--quiet", &url, "main"]);
    let source = json!({"RepositoryName": "web", "BranchName": "main", "PollForSourceChanges": "false"});
    create(&caller, &ground, "branch", Some(source));
    create(&caller, &ground, "tag", None);
    for name in ["branch", "tag"] {
        all_ended(&daemon, name, 1);
    }
    // As the console writes it.
    let of = |kind: &str, event: &str, name: &str| {
        json!({"source": ["aws.codecommit"], "detail-type": ["CodeCommit Repository State Change"], "resources": [arn],
               "detail": {"event": [event], "referenceType": [kind], "referenceName": [name]}})
    };
    rule(&caller, &daemon, "branch", &of("branch", "referenceUpdated", "main"), "branch");
    rule(&caller, &daemon, "tag", &of("tag", "referenceCreated", "v1"), "tag");
    for round in 0..3 {
        repository.commit(&format!("Change {round}"));
        repository.git(&["push", "--quiet", &url, "main"]);
        daemon.kill();
        daemon.start_again();
        // Two pushes that are seen together are one change.
        all_ended(&daemon, "branch", round + 2);
    }
    repository.git(&["tag", "v1"]);
    repository.git(&["push", "--quiet", &url, "v1"]);
    assert_eq!(all_ended(&daemon, "tag", 2).len(), 2);
    assert_eq!(all_ended(&daemon, "branch", 4).len(), 4, "each push once");
}
