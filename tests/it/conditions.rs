//! Stage conditions through the daemon: by boto3 what needs no timing, and here what a kill must not undo.

use penstock_tests::aws::Caller;
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
