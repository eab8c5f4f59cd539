//! What roles may do: each missing permission is named, and the flag says whose calls are held against policies.

use penstock_tests::aws::Caller;
use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

#[test]
fn a_missing_permission_fails_the_action_and_is_named_as_on_aws() {
    let Some(clients) = Clients::or_skip("permissions with boto3") else { return };
    let daemon = Daemon::start();
    assert_eq!(clients.python("permissions_check.py", &daemon.url(), &[]), "permitted\n");
}

#[test]
fn callers_with_keys_of_their_own_are_held_against_their_policies_where_that_is_asked_for() {
    let Some(clients) = Clients::or_skip("permissions of all callers with boto3") else { return };
    let daemon = Daemon::start_with(&["--iam-enforcement", "all"]);
    assert_eq!(clients.python("all_callers_check.py", &daemon.url(), &[]), "held\n");
}

/// Takes every permission from the pipelines' role.
fn forbid(caller: &Caller) {
    caller.iam("DeleteRolePolicy", &[("RoleName", "pipelines"), ("PolicyName", "policy")]);
}

#[test]
fn without_enforcement_a_role_may_do_everything() {
    let daemon = Daemon::start_with(&["--iam-enforcement", "off"]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    forbid(&caller);
    let pipeline = ground.pipeline("pipeline", &[stage("Deploy", &[ground.deploy("Deploy", 1, "out")])]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let execution = caller.executions("pipeline")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("pipeline", &execution), "Succeeded");
}

#[test]
fn the_credentials_of_a_job_reach_its_artifacts_and_nothing_else() {
    let Some(clients) = Clients::or_skip("credentials of jobs with boto3") else { return };
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    let counts = json!({"minimumCount": 1, "maximumCount": 1});
    let definition = json!({
        "category": "Build", "provider": "Worker", "version": "1",
        "inputArtifactDetails": counts, "outputArtifactDetails": counts,
    });
    caller.call("CreateCustomActionType", &definition);
    let type_id = json!({"category": "Build", "owner": "Custom", "provider": "Worker", "version": "1"});
    let build = json!({"name": "Build", "actionTypeId": type_id,
        "inputArtifacts": [{"name": "Source"}], "outputArtifacts": [{"name": "Built"}]});
    let pipeline = ground.pipeline("pipeline", &[stage("Build", &[build])]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let job: Value = until("a job", || {
        let jobs = caller.call("PollForJobs", &json!({"actionTypeId": type_id}));
        jobs["jobs"].as_array().unwrap().first().cloned()
    });
    let said = clients.python("job_credentials_check.py", &daemon.url(), &[&job["data"].to_string()]);
    assert_eq!(said, "narrow\n");
}
