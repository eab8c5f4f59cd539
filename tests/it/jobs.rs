//! Custom actions and their workers through the daemon.

use penstock_tests::aws::Caller;
use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

#[test]
fn a_worker_with_boto3_does_the_jobs_of_a_custom_action() {
    let Some(clients) = Clients::or_skip("a worker with boto3") else { return };
    let daemon = Daemon::start();
    let ground = Ground::prepare(&daemon.caller(), b"something to build");
    let said = clients.python("job_worker.py", &daemon.url(), &[&ground.role]);
    assert_eq!(said, "worked\n");
}

fn type_id() -> Value {
    json!({"category": "Test", "owner": "Custom", "provider": "Worker", "version": "1"})
}

fn poll(caller: &Caller) -> Vec<Value> {
    let answer = caller.call("PollForJobs", &json!({"actionTypeId": type_id(), "maxBatchSize": 10}));
    answer["jobs"].as_array().unwrap().clone()
}

fn one_job(caller: &Caller) -> Value {
    until("a job", || poll(caller).pop())
}

fn acknowledge(caller: &Caller, job: &Value) -> Result<Value, String> {
    let input = json!({"jobId": job["id"], "nonce": job["nonce"]});
    caller.codepipeline("AcknowledgeJob", &input).map_err(|refusal| refusal.code)
}

fn worked_on(caller: &Caller) -> String {
    let ground = Ground::prepare(caller, b"to be tested");
    let none = json!({"minimumCount": 0, "maximumCount": 1});
    let definition = json!({
        "category": "Test", "provider": "Worker", "version": "1",
        "inputArtifactDetails": none, "outputArtifactDetails": none,
    });
    caller.call("CreateCustomActionType", &definition);
    let test = json!({"name": "Test", "actionTypeId": type_id()});
    caller.call("CreatePipeline", &json!({"pipeline": ground.pipeline("worked", &[stage("Test", &[test])])}));
    caller.executions("worked")[0]["pipelineExecutionId"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_acknowledged_survives_a_kill_and_what_was_not_is_offered_again() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let execution = worked_on(&caller);
    let before = one_job(&caller);
    daemon.kill();
    daemon.start_again();
    let job = one_job(&caller);
    assert_eq!(job["id"], before["id"], "the job is the same after a kill");
    assert_eq!(acknowledge(&caller, &before), Err("InvalidNonceException".to_owned()));
    acknowledge(&caller, &job).unwrap();
    daemon.kill();
    daemon.start_again();
    assert_eq!(acknowledge(&caller, &job), Err("InvalidNonceException".to_owned()));
    caller.call("PutJobSuccessResult", &json!({"jobId": job["id"], "continuationToken": "go on"}));
    daemon.kill();
    daemon.start_again();
    let second = one_job(&caller);
    assert_ne!(second["id"], job["id"]);
    assert_eq!(second["data"]["continuationToken"], "go on");
    acknowledge(&caller, &second).unwrap();
    let late = caller.codepipeline("PutJobSuccessResult", &json!({"jobId": job["id"]})).unwrap_err();
    assert_eq!(late.code, "InvalidJobStateException");
    caller.call("PutJobSuccessResult", &json!({"jobId": second["id"]}));
    assert_eq!(caller.ended("worked", &execution), "Succeeded");
}

#[test]
fn an_abandoned_action_has_no_job_any_more() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let execution = worked_on(&caller);
    let job = one_job(&caller);
    acknowledge(&caller, &job).unwrap();
    let stop = json!({"pipelineName": "worked", "pipelineExecutionId": execution, "abandon": true});
    caller.call("StopPipelineExecution", &stop);
    assert_eq!(caller.ended("worked", &execution), "Stopped");
    for (operation, code) in
        [("PutJobSuccessResult", "InvalidJobStateException"), ("GetJobDetails", "JobNotFoundException")]
    {
        let refusal = caller.codepipeline(operation, &json!({"jobId": job["id"]})).unwrap_err();
        assert_eq!(refusal.code, code, "{operation}");
    }
    assert!(poll(&caller).is_empty());
}

#[test]
fn a_job_whose_role_cannot_be_assumed_fails_its_action() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let execution = worked_on(&caller);
    until("a job", || (caller.actions("worked", &execution).len() == 2).then_some(()));
    caller.iam("DeleteRolePolicy", &[("RoleName", "pipelines"), ("PolicyName", "policy")]);
    caller.iam("DeleteRole", &[("RoleName", "pipelines")]);
    until("the failure", || {
        assert!(poll(&caller).is_empty());
        (caller.status("worked", &execution) == "Failed").then_some(())
    });
    let failed = caller.actions("worked", &execution).pop().unwrap();
    assert_eq!(failed["output"]["executionResult"]["errorDetails"]["code"], "PermissionError", "{failed:#}");
}
