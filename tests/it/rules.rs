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
    starting_role(&caller);
    let notification = b"<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                         <EventBridgeConfiguration/></NotificationConfiguration>";
    caller.s3_done("PUT", &format!("/{}?notification", ground.source), notification);
    let pattern = json!({"source": ["aws.s3", "mine"]}).to_string();
    events(&caller, &daemon, "PutRule", &json!({"Name": "rule", "EventPattern": pattern}));
    let target = json!({"Id": "1", "Arn": "arn:aws:codepipeline:us-east-1:000000000000:evented",
                        "RoleArn": caller.iam_role_arn("rules")});
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

/// The role `rules`, under which EventBridge may start any pipeline.
fn starting_role(caller: &Caller) {
    caller.make_role("rules", "events.amazonaws.com");
    permit(caller, "codepipeline:StartPipelineExecution", "*");
}

/// What the role `rules` may do besides.
fn permit(caller: &Caller, action: &str, resource: &str) {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": action, "Resource": resource}]});
    let policy = policy.to_string();
    caller
        .iam("PutRolePolicy", &[("RoleName", "rules"), ("PolicyName", "start"), ("PolicyDocument", &policy)]);
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
                        "RoleArn": caller.iam_role_arn("rules")});
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
    starting_role(&caller);
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
    starting_role(&caller);
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

#[test]
fn a_schedule_starts_its_pipeline_by_the_moved_clock_once_each_time_and_once_for_all_that_was_missed() {
    let mut daemon = Daemon::start_with(&["--allow-clock"]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    starting_role(&caller);
    for (name, expression) in [("hourly", "rate(1 hour)"), ("nightly", "cron(30 2 * * ? *)")] {
        create(&caller, &ground, name, None);
        events(&caller, &daemon, "PutRule", &json!({"Name": name, "ScheduleExpression": expression}));
        let input = json!({"variables": []}).to_string();
        let target = json!({"Id": "1", "Arn": format!("arn:aws:codepipeline:us-east-1:000000000000:{name}"),
                            "RoleArn": caller.iam_role_arn("rules"), "Input": input});
        events(&caller, &daemon, "PutTargets", &json!({"Rule": name, "Targets": [target]}));
        all_ended(&daemon, name, 1);
    }
    advance(&daemon, "59m");
    advance(&daemon, "1m");
    let started = all_ended(&daemon, "hourly", 2);
    let arn = "arn:aws:events:us-east-1:000000000000:rule/hourly";
    assert_eq!(started[0]["trigger"], json!({"triggerType": "CloudWatchEvent", "triggerDetail": arn}));
    // A kill right behind the move: when the daemon is back, the hour counts, and counts once.
    advance(&daemon, "1h");
    daemon.kill();
    daemon.start_again();
    assert_eq!(all_ended(&daemon, "hourly", 3).len(), 3);
    // Two days and some forty hours that were jumped over are one start of each.
    advance(&daemon, "2d");
    assert_eq!(all_ended(&daemon, "hourly", 4).len(), 4);
    let nightly = all_ended(&daemon, "nightly", 2).len();
    advance(&daemon, "1d");
    assert_eq!(all_ended(&daemon, "nightly", nightly + 1).len(), nightly + 1);
    assert_eq!(all_ended(&daemon, "hourly", 5).len(), 5);
    // A rule that is disabled does not run, and begins anew when it is enabled.
    let caller = daemon.caller();
    events(&caller, &daemon, "DisableRule", &json!({"Name": "hourly"}));
    advance(&daemon, "1d");
    events(&caller, &daemon, "EnableRule", &json!({"Name": "hourly"}));
    all_ended(&daemon, "nightly", nightly + 2);
    assert_eq!(caller.executions("hourly").len(), 5);
    advance(&daemon, "1h");
    assert_eq!(all_ended(&daemon, "hourly", 6).len(), 6);
}

fn advance(daemon: &Daemon, by: &str) {
    let body = json!({ "advance": by }).to_string();
    let answer = Request::new("POST", "/_penstock/clock").body(body).send(daemon.address()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_rule_starts_a_pipeline_only_under_a_role_that_lets_eventbridge_in_and_permits_it() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    create(&caller, &ground, "guarded", None);
    all_ended(&daemon, "guarded", 1);
    rule(&caller, &daemon, "rule", &json!({"source": ["mine"]}), "guarded");
    let entry = json!({"Source": "mine", "DetailType": "t", "Detail": "{}"});
    let refused = |count: u32, words: &str| {
        events(&caller, &daemon, "PutEvents", &json!({"Entries": [entry]}));
        let counted = format!("penstock_rule_invocations_failed_total {count}\n");
        until("the refusal to be counted", || {
            let metrics = Request::new("GET", "/_penstock/metrics").send(daemon.address()).unwrap().text();
            metrics.contains(&counted).then_some(())
        });
        until(format_args!("the log to say {words:?}"), || {
            daemon.log().iter().any(|line| line.contains(words)).then_some(())
        });
        assert_eq!(caller.executions("guarded").len(), 1);
    };
    let role = caller.iam_role_arn("rules");
    // Nobody's role, one that lets only another service in, and one that permits nothing of the kind.
    refused(
        1,
        &format!("events.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: {role}"),
    );
    caller.make_role("rules", "codepipeline.amazonaws.com");
    refused(2, "its trust policy does not allow");
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:us-east-1:000000000000:rule/*"}}}]});
    let trust = [("RoleName", "rules"), ("PolicyDocument", &trust.to_string())];
    caller.iam("UpdateAssumeRolePolicy", &trust);
    let pipeline = "arn:aws:codepipeline:us-east-1:000000000000:guarded";
    refused(
        3,
        &format!("not authorized to perform: codepipeline:StartPipelineExecution on resource: {pipeline}"),
    );
    permit(&caller, "codepipeline:StartPipelineExecution", pipeline);
    events(&caller, &daemon, "PutEvents", &json!({"Entries": [entry]}));
    assert_eq!(all_ended(&daemon, "guarded", 2).len(), 2);
}

#[test]
fn without_enforcement_the_role_of_a_rules_target_is_not_asked() {
    let daemon = Daemon::start_with(&["--iam-enforcement", "off"]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    create(&caller, &ground, "open", None);
    all_ended(&daemon, "open", 1);
    rule(&caller, &daemon, "rule", &json!({"source": ["mine"]}), "open");
    let entry = json!({"Source": "mine", "DetailType": "t", "Detail": "{}"});
    events(&caller, &daemon, "PutEvents", &json!({"Entries": [entry]}));
    assert_eq!(all_ended(&daemon, "open", 2).len(), 2);
}

#[test]
fn an_event_that_another_emulator_passes_on_starts_its_pipelines_once() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    starting_role(&caller);
    for name in ["images", "chained"] {
        create(&caller, &ground, name, None);
        all_ended(&daemon, name, 1);
    }
    let pattern = json!({"source": ["aws.ecr"], "detail": {"image-tag": ["latest"]}});
    rule(&caller, &daemon, "images", &pattern, "images");
    let post = |event: &Value| {
        let request = Request::new("POST", "/_penstock/events").body(event.to_string());
        request.send(daemon.address()).unwrap()
    };
    let event = json!({
        "version": "0", "id": "13cde686-328b-6117-af20-0e5566167482", "detail-type": "ECR Image Action",
        "source": "aws.ecr", "account": "000000000000", "time": "2026-11-16T01:54:34Z", "region": "us-east-1",
        "resources": [], "detail": {"result": "SUCCESS", "repository-name": "r", "image-tag": "latest"},
    });
    for _ in 0..2 {
        let answer = post(&event);
        assert_eq!((answer.status, &answer.json()["EventId"]), (200, &event["id"]), "{}", answer.text());
    }
    all_ended(&daemon, "images", 2);
    // Without an id, account, Region and time it is an event of its own.
    let bare =
        json!({"source": "aws.ecr", "detail-type": "ECR Image Action", "detail": {"image-tag": "latest"}});
    assert_eq!(post(&bare).status, 200);
    assert_eq!(all_ended(&daemon, "images", 3).len(), 3);

    // One daemon's events may be another's.
    let other = Daemon::start_with(&["--events-to", &format!("{}/_penstock/events", daemon.url())]);
    let pattern = json!({"detail-type": ["CodePipeline Pipeline Execution State Change"],
                         "detail": {"state": ["SUCCEEDED"], "pipeline": ["elsewhere"]}});
    rule(&caller, &daemon, "chained", &pattern, "chained");
    let there = Ground::prepare(&other.caller(), b"content");
    create(&other.caller(), &there, "elsewhere", None);
    assert_eq!(all_ended(&daemon, "chained", 2).len(), 2);

    for bad in [
        json!([]),
        json!({"source": "s"}),
        json!({"source": "s", "detail-type": "t", "detail": "text"}),
        json!({"source": "", "detail-type": "t", "detail": {}}),
        json!({"source": "s", "detail-type": "t", "detail": {}, "time": "yesterday"}),
        json!({"source": "s", "detail-type": "t", "detail": {}, "id": ""}),
    ] {
        assert_eq!(post(&bad).status, 400, "{bad}");
    }
}
