//! Scripted outcomes through the daemon: by file and over HTTP, over kills, rightly and wrongly written.

use std::fs;

use penstock_tests::aws::Caller;
use penstock_tests::daemon::Daemon;
use penstock_tests::http::{Answer, Request};
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};
use tempfile::TempDir;

fn ask(daemon: &Daemon, method: &str, body: &str) -> Answer {
    Request::new(method, "/_penstock/action-outcomes").body(body).send(daemon.address()).unwrap()
}

fn put(daemon: &Daemon, script: &str) {
    let answer = ask(daemon, "PUT", script);
    assert_eq!(answer.status, 204, "{}", answer.text());
}

fn beanstalk() -> Value {
    json!({
        "name": "Roll",
        "actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": "ElasticBeanstalk", "version": "1"},
        "configuration": {"ApplicationName": "shop", "EnvironmentName": "shop-prod"},
        "inputArtifacts": [{"name": "Source"}],
        "namespace": "Rolled",
    })
}

/// Starts an execution and waits for its end: its id and status.
fn run(caller: &Caller, pipeline: &str) -> (String, String) {
    let started = caller.call("StartPipelineExecution", &json!({"name": pipeline}));
    let id = started["pipelineExecutionId"].as_str().unwrap().to_owned();
    let status = caller.ended(pipeline, &id);
    (id, status)
}

fn action(caller: &Caller, pipeline: &str, execution: &str, name: &str) -> Value {
    let actions = caller.actions(pipeline, execution);
    actions.into_iter().find(|action| action["actionName"] == name).unwrap_or_default()
}

#[test]
fn a_provider_that_nobody_runs_fails_saying_so_until_its_outcome_is_scripted() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"scripted");
    let mut deploy = ground.deploy("Deploy", 1, "#{Rolled.Version}.txt");
    deploy["inputArtifacts"] = json!([{"name": "Source"}]);
    let stages = [stage("Roll", &[beanstalk()]), stage("Deploy", &[deploy])];
    caller.call("CreatePipeline", &json!({"pipeline": ground.pipeline("shop", &stages)}));
    let first = caller.executions("shop")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("shop", &first), "Failed");
    let result = action(&caller, "shop", &first, "Roll")["output"]["executionResult"].clone();
    let said = result["errorDetails"]["message"].as_str().unwrap();
    assert_eq!(result["errorDetails"]["code"], "ConfigurationError");
    for part in ["'ElasticBeanstalk'", "--action-outcomes", "/_penstock/action-outcomes"] {
        assert!(said.contains(part), "{said}");
    }

    put(
        &daemon,
        "outcomes:
  - provider: ElasticBeanstalk
    externalExecutionId: d-1
    externalExecutionUrl: https://example.com/d-1
    summary: Deployed version 12
    outputVariables: {Version: v12}
",
    );
    let (second, status) = run(&caller, "shop");
    assert_eq!(status, "Succeeded");
    let output = action(&caller, "shop", &second, "Roll")["output"].clone();
    assert_eq!(output["executionResult"]["externalExecutionId"], "d-1");
    assert_eq!(output["executionResult"]["externalExecutionUrl"], "https://example.com/d-1");
    assert_eq!(output["executionResult"]["externalExecutionSummary"], "Deployed version 12");
    assert_eq!(output["outputVariables"]["Version"], "v12");
    assert_eq!(caller.s3_done("GET", "/target-bucket/v12.txt", b"").body, b"scripted");
}

#[test]
fn a_scripted_delay_goes_on_over_a_kill_and_abandoning_ends_it() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"slow");
    let script =
        "outcomes:\n  - {provider: ElasticBeanstalk, attempts: 1, after: 3s, externalExecutionId: d-7}\n";
    put(&daemon, script);
    caller.call(
        "CreatePipeline",
        &json!({"pipeline": ground.pipeline("shop", &[stage("Roll", &[beanstalk()])])}),
    );
    let id = caller.executions("shop")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    until("the action shows its id", || {
        let shown = action(&caller, "shop", &id, "Roll");
        (shown["output"]["executionResult"]["externalExecutionId"] == "d-7").then_some(())
    });
    assert_eq!(action(&caller, "shop", &id, "Roll")["status"], "InProgress");
    daemon.kill();
    daemon.start_again();
    assert_eq!(ask(&daemon, "GET", "").text(), script, "what was put is there after a kill");
    assert_eq!(caller.ended("shop", &id), "Succeeded");
    let rolled = action(&caller, "shop", &id, "Roll");
    let seconds = rolled["lastUpdateTime"].as_f64().unwrap() - rolled["startTime"].as_f64().unwrap();
    assert!((3.0..60.0).contains(&seconds), "{seconds}");

    put(&daemon, "outcomes:\n  - {provider: ElasticBeanstalk, after: 1h}\n");
    let started = caller.call("StartPipelineExecution", &json!({"name": "shop"}));
    let id = started["pipelineExecutionId"].as_str().unwrap().to_owned();
    until("the action runs", || {
        (action(&caller, "shop", &id, "Roll")["status"] == "InProgress").then_some(())
    });
    caller.call(
        "StopPipelineExecution",
        &json!({"pipelineName": "shop", "pipelineExecutionId": id, "abandon": true}),
    );
    assert_eq!(caller.ended("shop", &id), "Stopped");
    assert_eq!(action(&caller, "shop", &id, "Roll")["status"], "Abandoned");
}

#[test]
fn actions_that_do_run_fail_as_scripted_and_the_retry_lets_them_run() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"in the end");
    put(
        &daemon,
        "outcomes:
  - pipeline: shop
    stage: Deploy
    action: Deploy
    attempts: \"1-2\"
    result: Failed
    code: ThrottlingException
    message: The rate was exceeded
",
    );
    let mut deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "out")]);
    deploy["onFailure"] = json!({"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}});
    let mut declared = ground.pipeline("shop", &[deploy]);
    declared["pipelineType"] = json!("V2");
    caller.call("CreatePipeline", &json!({"pipeline": declared}));
    let id = caller.executions("shop")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("shop", &id), "Failed");
    let attempts: Vec<Value> = caller.actions("shop", &id);
    let failed: Vec<&Value> = attempts.iter().filter(|action| action["status"] == "Failed").collect();
    assert_eq!(failed.len(), 2, "the stage retried itself once: {attempts:#?}");
    for failed in failed {
        let details = &failed["output"]["executionResult"]["errorDetails"];
        assert_eq!(*details, json!({"code": "ThrottlingException", "message": "The rate was exceeded"}));
    }
    caller.call(
        "RetryStageExecution",
        &json!({
            "pipelineName": "shop", "stageName": "Deploy", "pipelineExecutionId": id, "retryMode": "FAILED_ACTIONS",
        }),
    );
    until("the third attempt", || {
        let execution = &caller.executions("shop")[0];
        (execution["status"] == "Succeeded").then_some(())
    });
    assert_eq!(caller.s3_done("GET", "/target-bucket/out", b"").body, b"in the end");
}

#[test]
fn approvals_jobs_and_artifacts_can_be_scripted() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"source");
    let jenkins = json!({"category": "Build", "owner": "Custom", "provider": "Jenkins", "version": "1"});
    caller.call(
        "CreateCustomActionType",
        &json!({
            "category": "Build", "provider": "Jenkins", "version": "1",
            "configurationProperties": [{"name": "ProjectName", "required": true, "key": true, "secret": false}],
            "inputArtifactDetails": {"minimumCount": 0, "maximumCount": 5},
            "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 5},
        }),
    );
    let build = json!({
        "name": "Build", "actionTypeId": jenkins, "configuration": {"ProjectName": "shop"},
        "inputArtifacts": [{"name": "Source"}], "outputArtifacts": [{"name": "Built"}, {"name": "Empty"}],
    });
    let approve = json!({
        "name": "Approve",
        "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
    });
    let mut deploy = ground.deploy("Deploy", 1, "site");
    deploy["inputArtifacts"] = json!([{"name": "Built"}]);
    deploy["configuration"]["Extract"] = json!("true");
    put(
        &daemon,
        "outcomes:
  - provider: Jenkins
    artifacts:
      Built:
        index.html: <h1>built</h1>
        conf/a.json: '{}'
  - category: Approval
    summary: approved by script
",
    );
    let stages = [stage("Build", &[build]), stage("Approve", &[approve]), stage("Deploy", &[deploy])];
    caller.call("CreatePipeline", &json!({"pipeline": ground.pipeline("shop", &stages)}));
    let id = caller.executions("shop")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("shop", &id), "Succeeded");
    assert_eq!(caller.s3_done("GET", "/target-bucket/site/index.html", b"").body, b"<h1>built</h1>");
    assert_eq!(caller.s3_done("GET", "/target-bucket/site/conf/a.json", b"").body, b"{}");

    put(&daemon, "outcomes:\n  - {provider: Jenkins, artifacts: {Bulit: {a: b}}}\n");
    let (id, status) = run(&caller, "shop");
    assert_eq!(status, "Failed");
    let details = &action(&caller, "shop", &id, "Build")["output"]["executionResult"]["errorDetails"];
    assert!(details["message"].as_str().unwrap().contains("'Bulit'"), "{details}");
}

#[test]
fn a_bad_script_is_refused_with_line_and_column_and_the_last_good_one_stays() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("outcomes.yaml");
    let of_file =
        |after: &str| format!("outcomes:\n  - {{provider: S3, category: Deploy, after: {after}}}\n");
    fs::write(&file, of_file("0s")).unwrap();
    let mut daemon = Daemon::start_with(&["--action-outcomes", file.to_str().unwrap()]);
    daemon.announce("action outcomes");
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"never deployed");
    let stages = [stage("Deploy", &[ground.deploy("Deploy", 1, "out")])];
    caller.call("CreatePipeline", &json!({"pipeline": ground.pipeline("shop", &stages)}));
    let id = caller.executions("shop")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("shop", &id), "Succeeded");
    assert_eq!(caller.s3("GET", "/target-bucket/out", b"").status, 404, "the script deploys nothing");

    fs::write(&file, of_file("soon")).unwrap();
    assert_eq!(run(&caller, "shop").1, "Succeeded");
    until("the mistake is in the log", || {
        daemon
            .log()
            .iter()
            .any(|line| line.contains("line 2, column") && line.contains("'soon'"))
            .then_some(())
    });
    fs::write(&file, of_file("0s").replace("after: 0s", "result: Failed")).unwrap();
    assert_eq!(run(&caller, "shop").1, "Failed");

    assert_eq!(ask(&daemon, "GET", "").status, 404);
    put(&daemon, &of_file("1ms"));
    for (bad, said) in [
        ("outcomes:\n  - provider: S3\n    reslut: Failed\n", "line 3, column 5"),
        ("outcomes: [", "line 1, column"),
        ("{\"outcomes\": [{\"provider\": \"S3\", \"after\": \"x\"}]}", "line 1, column"),
    ] {
        let refused = ask(&daemon, "PUT", bad);
        assert_eq!((refused.status, &refused.json()["__type"]), (400, &json!("ValidationException")));
        assert!(refused.json()["message"].as_str().unwrap().contains(said), "{}", refused.text());
    }
    let not_text = Request::new("PUT", "/_penstock/action-outcomes").body([0xff, 0xfe]);
    assert_eq!(not_text.send(daemon.address()).unwrap().status, 400);
    assert_eq!(ask(&daemon, "POST", "").status, 405);
    assert_eq!(ask(&daemon, "GET", "").text(), of_file("1ms"));
    assert_eq!(run(&caller, "shop").1, "Succeeded", "what was put goes before the file");
    assert_eq!(ask(&daemon, "DELETE", "").status, 204);
    assert_eq!(run(&caller, "shop").1, "Failed");

    fs::write(&file, "outcomes: 7\n").unwrap();
    let other = TempDir::new().unwrap();
    let flags = ["--ephemeral", "--listen", "127.0.0.1:0", "--action-outcomes", file.to_str().unwrap()];
    let ended = std::process::Command::new(penstock_tests::binary::penstock())
        .env_clear()
        .env("HOME", other.path())
        .args(flags)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success() && said.contains("line 1, column"), "{said}");
}
