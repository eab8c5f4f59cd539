//! Manual approvals through the daemon: asked for, kept over a kill, answered once.

use penstock_tests::aws::Caller;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

fn approval() -> Value {
    json!({
        "name": "Approve",
        "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
        "configuration": {
            "CustomData": "run #{codepipeline.PipelineExecutionId}",
            "ExternalEntityLink": "https://example.com/#{codepipeline.PipelineExecutionId}",
            "NotificationArn": "arn:aws:sns:us-east-1:000000000000:approvals",
        },
    })
}

fn state(caller: &Caller) -> Value {
    let state = caller.call("GetPipelineState", &json!({"name": "approved"}));
    state["stageStates"][1]["actionStates"][0].clone()
}

fn token(caller: &Caller) -> String {
    until("a token", || state(caller)["latestExecution"]["token"].as_str().map(str::to_owned))
}

fn answer(token: &str, status: &str) -> Value {
    json!({
        "pipelineName": "approved", "stageName": "Approve", "actionName": "Approve", "token": token,
        "result": {"summary": "looked at it", "status": status},
    })
}

#[test]
fn an_approval_waits_over_a_kill_and_is_answered_once() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"to be approved");
    let stages = [stage("Approve", &[approval()]), stage("Deploy", &[ground.deploy("Deploy", 1, "out")])];
    caller.call("CreatePipeline", &json!({"pipeline": ground.pipeline("approved", &stages)}));
    let first = token(&caller);
    let execution = caller.executions("approved")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    daemon.kill();
    daemon.start_again();
    assert_eq!(token(&caller), first, "the request is the same after a kill");
    assert_eq!(state(&caller)["entityUrl"], format!("https://example.com/{execution}"));
    let waiting = caller.actions("approved", &execution).pop().unwrap();
    assert_eq!(waiting["output"]["executionResult"]["externalExecutionId"], first.as_str());
    assert_eq!(waiting["input"]["resolvedConfiguration"]["CustomData"], format!("run {execution}"));

    let approved = caller.call("PutApprovalResult", &answer(&first, "Approved"));
    assert!(approved["approvedAt"].is_number(), "{approved}");
    daemon.kill();
    daemon.start_again();
    for status in ["Rejected", "Approved"] {
        let refusal = caller.codepipeline("PutApprovalResult", &answer(&first, status)).unwrap_err();
        assert_eq!(refusal.code, "ApprovalAlreadyCompletedException");
    }
    assert_eq!(caller.ended("approved", &execution), "Succeeded");
    let shown = state(&caller)["latestExecution"].clone();
    assert_eq!(shown["status"], "Succeeded");
    assert_eq!(shown["summary"], "looked at it");
    assert_eq!(shown["lastUpdatedBy"], "arn:aws:iam::000000000000:root");
    assert!(shown.get("token").is_none(), "{shown}");
}

#[test]
fn a_rejection_ends_the_execution_and_another_one_asks_anew() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"to be rejected");
    let stages = [stage("Approve", &[approval()])];
    caller.call("CreatePipeline", &json!({"pipeline": ground.pipeline("approved", &stages)}));
    let first = token(&caller);
    caller.call("PutApprovalResult", &answer(&first, "Rejected"));
    let execution = caller.executions("approved")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("approved", &execution), "Failed");
    assert_eq!(state(&caller)["latestExecution"]["errorDetails"]["code"], "JobFailed");
    caller.call("StartPipelineExecution", &json!({"name": "approved"}));
    assert_ne!(token(&caller), first);
    let stale = caller.codepipeline("PutApprovalResult", &answer(&first, "Approved")).unwrap_err();
    assert_eq!(stale.code, "ApprovalAlreadyCompletedException");
    let malformed = caller.codepipeline("PutApprovalResult", &answer("T", "Approved")).unwrap_err();
    assert_eq!(malformed.code, "ValidationException");
}

#[test]
fn what_failed_is_retried_over_a_kill_while_another_action_of_its_stage_waits() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"to be approved twice");
    let named = |name: &str| {
        let mut action = approval();
        action["name"] = json!(name);
        action
    };
    let stages = [stage("Approve", &[named("Left"), named("Right")])];
    caller.call("CreatePipeline", &json!({"pipeline": ground.pipeline("approved", &stages)}));
    let execution = caller.executions("approved")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    let shown = |name: &str| {
        let state = caller.call("GetPipelineState", &json!({"name": "approved"}));
        let actions = state["stageStates"][1]["actionStates"].as_array().unwrap().clone();
        actions.into_iter().find(|action| action["actionName"] == name).unwrap()["latestExecution"].clone()
    };
    let asked = |name: &str| until("a token", || shown(name)["token"].as_str().map(str::to_owned));
    let say = |name: &str, token: &str, status: &str| {
        let mut answer = answer(token, status);
        answer["actionName"] = json!(name);
        caller.call("PutApprovalResult", &answer)
    };
    let retry = json!({
        "pipelineName": "approved", "stageName": "Approve", "pipelineExecutionId": execution,
        "retryMode": "FAILED_ACTIONS",
    });
    let (left, right) = (asked("Left"), asked("Right"));
    let refusal = caller.codepipeline("RetryStageExecution", &retry).unwrap_err();
    assert_eq!(refusal.code, "StageNotRetryableException", "nothing has failed yet");
    say("Left", &left, "Rejected");
    until("the rejection", || (shown("Left")["status"] == "Failed").then_some(()));
    assert_eq!(caller.call("RetryStageExecution", &retry)["pipelineExecutionId"], execution.as_str());
    daemon.kill();
    daemon.start_again();
    let again = asked("Left");
    assert_ne!(again, left);
    assert_eq!(asked("Right"), right, "what was in progress goes on");
    say("Left", &again, "Approved");
    say("Right", &right, "Approved");
    assert_eq!(caller.ended("approved", &execution), "Succeeded");
}
