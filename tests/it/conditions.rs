//! Stage conditions through the daemon: by boto3 what needs no timing, and here what a kill must not undo.

use penstock_tests::aws::Caller;
use penstock_tests::building::{log_of, make_project, zipped};
use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

#[test]
fn conditions_hold_skip_fail_and_roll_back_as_boto3_sees_it() {
    let Some(clients) = Clients::or_skip("the conditions by boto3") else { return };
    let daemon = Daemon::start();
    clients.python("conditions_check.py", &daemon.url(), &[]);
}

/// A pipeline whose stage Deploy waits for a window of the far future.
fn held(caller: &Caller) -> String {
    let ground = Ground::prepare(caller, b"behind a window");
    let window = json!({
        "name": "Window",
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "DeploymentWindow", "version": "1"},
        "configuration": {"Cron": "* * * ? * * 2199", "TimeZone": "Europe/Berlin"},
    });
    let mut deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "out")]);
    deploy["beforeEntry"] = json!({"conditions": [{"result": "FAIL", "rules": [window]}]});
    let mut pipeline = ground.pipeline("held", &[deploy]);
    pipeline["pipelineType"] = json!("V2");
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    until("the window is waited for", || {
        let summary = rule(caller)["summary"].as_str().unwrap_or_default().to_owned();
        summary.starts_with("Waits for the window").then_some(())
    });
    caller.executions("held")[0]["pipelineExecutionId"].as_str().unwrap().to_owned()
}

fn condition(caller: &Caller) -> Value {
    let state = caller.call("GetPipelineState", &json!({"name": "held"}));
    state["stageStates"][1]["beforeEntryConditionState"]["conditionStates"][0].clone()
}

fn rule(caller: &Caller) -> Value {
    condition(caller)["ruleStates"][0]["latestExecution"].clone()
}

fn overriding(execution: &str) -> Value {
    json!({
        "pipelineName": "held", "stageName": "Deploy", "pipelineExecutionId": execution,
        "conditionType": "BEFORE_ENTRY",
    })
}

#[test]
fn a_held_stage_is_held_over_a_kill_and_goes_on_when_it_is_overridden() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let execution = held(&caller);
    let id = rule(&caller)["ruleExecutionId"].clone();
    daemon.kill();
    daemon.start_again();
    let caller = daemon.caller();
    assert_eq!(rule(&caller)["ruleExecutionId"], id, "the rule is the same after a kill");
    assert_eq!(condition(&caller)["latestExecution"]["status"], "InProgress");
    assert_eq!(caller.status("held", &execution), "InProgress");

    caller.call("OverrideStageCondition", &overriding(&execution));
    daemon.kill();
    daemon.start_again();
    let caller = daemon.caller();
    assert_eq!(caller.ended("held", &execution), "Succeeded");
    assert_eq!(condition(&caller)["latestExecution"]["status"], "Overridden");
    assert_eq!(rule(&caller)["status"], "Abandoned");
    let refusal = caller.codepipeline("OverrideStageCondition", &overriding(&execution)).unwrap_err();
    assert_eq!(refusal.code, "ConditionNotOverridableException");
}

#[test]
fn a_held_stage_can_be_stopped_and_a_retry_is_held_again() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let execution = held(&caller);
    let stop = json!({"pipelineName": "held", "pipelineExecutionId": execution, "abandon": false});
    caller.call("StopPipelineExecution", &stop);
    assert_eq!(caller.ended("held", &execution), "Stopped");
    assert_eq!(condition(&caller)["latestExecution"]["status"], "Abandoned");
    let retry = json!({
        "pipelineName": "held", "stageName": "Deploy", "pipelineExecutionId": execution,
        "retryMode": "FAILED_ACTIONS",
    });
    caller.call("RetryStageExecution", &retry);
    assert_eq!(condition(&caller)["latestExecution"]["status"], "InProgress");
    assert_eq!(caller.status("held", &execution), "InProgress");
    caller.call("DeletePipeline", &json!({"name": "held"}));
}

/// Runs a pipeline `built` whose stage Deploy has those conditions, on a source that says `is`.
fn checked(is: &str, conditions: &[(&str, Value)]) -> (Daemon, Caller, String) {
    let daemon = Daemon::start_with(&["--build-runner", "host"]);
    let caller = daemon.caller();
    let files = [
        ("is", is),
        ("buildspec.yml", "version: 0.2\nphases: {build: {commands: ['grep -q $WANTED is']}}\n"),
    ];
    let ground = Ground::prepare(&caller, &zipped(&files));
    make_project(&caller, "any/image:1", &caller.make_role("builds", "codebuild.amazonaws.com"));
    let mut deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "out")]);
    for (when, rule) in conditions {
        deploy[*when] = json!({"conditions": [{"result": "FAIL", "rules": [rule]}]});
    }
    let mut pipeline = ground.pipeline("built", &[deploy]);
    pipeline["pipelineType"] = json!("V2");
    pipeline["stages"][0]["actions"][0]["namespace"] = json!("Src");
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let execution = caller.executions("built")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    caller.ended("built", &execution);
    (daemon, caller, execution)
}

fn commands_rule(commands: &[&str]) -> Value {
    json!({
        "name": "Check",
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "Commands", "version": "1"},
        "commands": commands,
        "inputArtifacts": [{"name": "Source"}],
    })
}

fn codebuild_rule(wanted: &str) -> Value {
    let variables = json!([{"name": "WANTED", "value": wanted}]);
    json!({
        "name": "Build",
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "configuration": {"ProjectName": "project", "EnvironmentVariables": variables.to_string()},
        "inputArtifacts": [{"name": "Source"}],
    })
}

fn rules(caller: &Caller) -> Vec<Value> {
    let answer = caller.call("ListRuleExecutions", &json!({"pipelineName": "built"}));
    answer["ruleExecutionDetails"].as_array().cloned().unwrap_or_default()
}

#[test]
fn commands_and_builds_decide_on_a_stage_as_rules() {
    let good = [
        ("beforeEntry", commands_rule(&["echo $(cat is)", "[ \"$(cat is)\" = good ]", "echo '#{Src.ETag}'"])),
        ("onSuccess", codebuild_rule("good")),
    ];
    let (_daemon, caller, execution) = checked("good", &good);
    assert_eq!(caller.status("built", &execution), "Succeeded", "{:#?}", rules(&caller));
    let [build, check] = rules(&caller).try_into().unwrap();
    assert_eq!((&build["status"], &check["status"]), (&json!("Succeeded"), &json!("Succeeded")));
    assert_eq!(check["input"]["inputArtifacts"][0]["name"], "Source");
    let ids = [&build, &check]
        .map(|rule| rule["output"]["executionResult"]["externalExecutionId"].as_str().unwrap());
    assert!(ids[0].starts_with("project:") && ids[1].starts_with("codepipeline/built:"), "{ids:?}");
    assert!(log_of(&caller, "/aws/codepipeline/built").contains(&"good".to_owned()));
}

#[test]
fn commands_that_fail_close_a_stage_and_say_why() {
    let (_daemon, caller, execution) =
        checked("bad", &[("beforeEntry", commands_rule(&["grep -q good is"]))]);
    assert_eq!(caller.status("built", &execution), "Failed");
    assert_eq!(caller.actions("built", &execution).len(), 1, "no action of the stage has run");
    let error = rules(&caller)[0]["output"]["executionResult"]["errorDetails"].clone();
    assert_eq!(error["code"], "JobFailed");
    let says = "Error while executing command: grep -q good is. Reason: exit status 1";
    assert!(error["message"].as_str().unwrap().ends_with(says), "{error}");
}

#[test]
fn a_build_that_fails_fails_the_stage_that_succeeded() {
    let (_daemon, caller, execution) = checked("bad", &[("onSuccess", codebuild_rule("good"))]);
    assert_eq!(caller.status("built", &execution), "Failed");
    assert_eq!(caller.actions("built", &execution)[1]["status"], "Succeeded");
    let state = caller.call("GetPipelineState", &json!({"name": "built"}));
    let condition = &state["stageStates"][1]["onSuccessConditionState"]["conditionStates"][0];
    assert_eq!(condition["latestExecution"]["status"], "Failed", "{condition}");
    assert_eq!(condition["ruleStates"][0]["latestExecution"]["status"], "Failed", "{condition}");
}
