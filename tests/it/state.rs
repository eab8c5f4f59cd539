//! What GetPipelineState shows of who waits before a stage, and of who did.

use penstock_tests::aws::Caller;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

/// What is shown of the stage Deploy.
fn deploy(caller: &Caller) -> Value {
    caller.call("GetPipelineState", &json!({"name": "held"}))["stageStates"][1].take()
}

fn start(caller: &Caller) -> String {
    let started = caller.call("StartPipelineExecution", &json!({"name": "held"}));
    started["pipelineExecutionId"].as_str().unwrap().to_owned()
}

fn waits(caller: &Caller, execution: &str) -> Value {
    until(format_args!("execution {execution} to wait"), || {
        let shown = deploy(caller);
        let waiting = shown["inboundExecutions"].as_array().unwrap();
        let found = waiting.iter().any(|waiting| waiting["pipelineExecutionId"] == execution);
        found.then_some(shown)
    })
}

#[test]
fn who_waits_is_shown_and_who_ended_there_until_another_one_comes() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    let mut pipeline = ground.pipeline("held", &[stage("Deploy", &[ground.deploy("Deploy", 1, "out")])]);
    pipeline["pipelineType"] = json!("V2");
    pipeline["executionMode"] = json!("QUEUED");
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let first = caller.executions("held")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("held", &first), "Succeeded");
    let into =
        json!({"pipelineName": "held", "stageName": "Deploy", "transitionType": "Inbound", "reason": "wait"});
    caller.call("DisableStageTransition", &into);

    let [second, third] = [start(&caller), start(&caller)];
    let shown = waits(&caller, &third);
    let entry = |id: &str, status: &str| json!({"pipelineExecutionId": id, "status": status});
    let both = [entry(&second, "InProgress"), entry(&third, "InProgress")];
    assert_eq!((&shown["inboundExecution"], &shown["inboundExecutions"]), (&both[0], &json!(both)));
    assert_eq!(shown["latestExecution"], entry(&first, "Succeeded"));

    let stop = |id: &str| json!({"pipelineName": "held", "pipelineExecutionId": id, "reason": "no more"});
    caller.call("StopPipelineExecution", &stop(&third));
    assert_eq!(deploy(&caller)["inboundExecutions"], json!([both[0]]), "one still waits");
    caller.call("StopPipelineExecution", &stop(&second));
    daemon.kill();
    daemon.start_again();
    let caller = daemon.caller();
    let shown = deploy(&caller);
    let stopped = entry(&second, "Stopped");
    assert_eq!((&shown["inboundExecution"], &shown["inboundExecutions"]), (&stopped, &json!([stopped])));
    let retry = json!({"pipelineName": "held", "stageName": "Deploy", "pipelineExecutionId": second,
                       "retryMode": "ALL_ACTIONS"});
    assert_eq!(
        caller.codepipeline("RetryStageExecution", &retry).unwrap_err().code,
        "StageNotRetryableException"
    );

    // One that an update ends is shown so; in PARALLEL mode nobody is.
    let fourth = start(&caller);
    waits(&caller, &fourth);
    caller.call("UpdatePipeline", &json!({ "pipeline": pipeline }));
    assert_eq!(deploy(&caller)["inboundExecution"], entry(&fourth, "Cancelled"));
    pipeline["executionMode"] = json!("PARALLEL");
    caller.call("UpdatePipeline", &json!({ "pipeline": pipeline }));
    assert_eq!(deploy(&caller)["inboundExecutions"], json!([]));

    // The next one that enters stands in its place.
    pipeline["executionMode"] = json!("QUEUED");
    caller.call("UpdatePipeline", &json!({ "pipeline": pipeline }));
    caller.call("EnableStageTransition", &into);
    let last = start(&caller);
    assert_eq!(caller.ended("held", &last), "Succeeded");
    let shown = deploy(&caller);
    assert_eq!(
        (&shown["inboundExecution"], &shown["latestExecution"]),
        (&Value::Null, &entry(&last, "Succeeded"))
    );
}
