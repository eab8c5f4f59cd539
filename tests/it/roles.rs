//! What a person reads when the pipeline's role, a bucket, a key or the versioning is missing: where CreatePipeline
//! can see it, its refusal; else the failed action's error.

use penstock_tests::aws::{Caller, Refusal};
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use serde_json::{Value, json};

const TRUST_OF_ANOTHER: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
    "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;

fn ground() -> (Daemon, Caller, Ground) {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    (daemon, caller, ground)
}

fn pipeline(ground: &Ground) -> Value {
    ground.pipeline("pipeline", &[stage("Deploy", &[ground.deploy("Deploy", 1, "out")])])
}

fn refused(caller: &Caller, pipeline: &Value) -> Refusal {
    let refusal = caller.codepipeline("CreatePipeline", &json!({"pipeline": pipeline})).unwrap_err();
    let listed = caller.call("ListPipelines", &json!({}));
    assert_eq!(listed["pipelines"], json!([]), "a refused pipeline is not there");
    refusal
}

/// Runs the pipeline, whose last action fails; answers that action's name and error.
fn failed(caller: &Caller, pipeline: &Value) -> (String, Value) {
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let execution = caller.executions("pipeline")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    fails(caller, &execution)
}

fn fails(caller: &Caller, execution: &str) -> (String, Value) {
    assert_eq!(caller.ended("pipeline", execution), "Failed");
    let action = caller.actions("pipeline", execution).pop().unwrap();
    assert_eq!(action["status"], "Failed");
    let state = caller.call("GetPipelineState", &json!({"name": "pipeline"}));
    let error = action["output"]["executionResult"]["errorDetails"].clone();
    assert!(state.to_string().contains(&error["message"].to_string()), "the state tells the same: {state:#}");
    (action["actionName"].as_str().unwrap().to_owned(), error)
}

/// The error has that code, and its message names what to look at.
fn says(error: &Value, code: &str, words: &[&str]) {
    assert_eq!(error["code"], code, "{error:#}");
    for word in words {
        assert!(error["message"].as_str().unwrap().contains(word), "{word:?} is missing: {error:#}");
    }
}

#[test]
fn a_role_that_does_not_exist_is_refused_at_creation() {
    let (_daemon, caller, mut ground) = ground();
    ground.role = "arn:aws:iam::000000000000:role/nobody".to_owned();
    let refusal = refused(&caller, &pipeline(&ground));
    assert_eq!(refusal.code, "InvalidStructureException");
    let text =
        "CodePipeline is not authorized to perform AssumeRole on role arn:aws:iam::000000000000:role/nobody";
    assert_eq!(refusal.message, text);
}

#[test]
fn a_role_that_trusts_another_service_is_refused_at_creation() {
    let (_daemon, caller, mut ground) = ground();
    ground.role = caller.make_role("builder", "codebuild.amazonaws.com");
    let refusal = refused(&caller, &pipeline(&ground));
    assert_eq!(refusal.code, "InvalidStructureException");
    let text = format!("CodePipeline is not authorized to perform AssumeRole on role {}", ground.role);
    assert_eq!(refusal.message, text);
}

#[test]
fn an_action_role_that_does_not_trust_the_pipelines_role_is_refused_at_creation() {
    let (_daemon, caller, ground) = ground();
    let action_role = caller.make_role("actions", "codebuild.amazonaws.com");
    let mut pipeline = pipeline(&ground);
    pipeline["stages"][1]["actions"][0]["roleArn"] = json!(action_role);
    let refusal = refused(&caller, &pipeline);
    assert_eq!(refusal.code, "InvalidStructureException");
    let text = format!("{} is not authorized to perform AssumeRole on role {action_role}", ground.role);
    assert_eq!(refusal.message, text);
}

#[test]
fn an_artifact_bucket_that_does_not_exist_is_refused_at_creation() {
    let (_daemon, caller, mut ground) = ground();
    ground.store = "nowhere".to_owned();
    let refusal = refused(&caller, &pipeline(&ground));
    assert_eq!(refusal.code, "InvalidStructureException");
    assert!(refusal.message.contains("No bucket with the name nowhere was found."), "{}", refusal.message);
}

#[test]
fn a_role_that_goes_or_loses_its_trust_fails_the_next_execution_with_a_word_on_what_to_do() {
    let (_daemon, caller, ground) = ground();
    caller.call("CreatePipeline", &json!({"pipeline": pipeline(&ground)}));
    let first = caller.executions("pipeline")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("pipeline", &first), "Succeeded");
    let run = || {
        let started = caller.call("StartPipelineExecution", &json!({"name": "pipeline"}));
        fails(&caller, started["pipelineExecutionId"].as_str().unwrap())
    };
    caller.iam("UpdateAssumeRolePolicy", &[("RoleName", "pipelines"), ("PolicyDocument", TRUST_OF_ANOTHER)]);
    let (action, error) = run();
    assert_eq!(action, "Source");
    says(
        &error,
        "PermissionError",
        &["AssumeRole", &ground.role, "trust policy", "codepipeline.amazonaws.com"],
    );
    caller.iam("DeleteRolePolicy", &[("RoleName", "pipelines"), ("PolicyName", "policy")]);
    caller.iam("DeleteRole", &[("RoleName", "pipelines")]);
    says(&run().1, "PermissionError", &["AssumeRole", &ground.role, "exists"]);
}

#[test]
fn a_missing_source_bucket_fails_the_source_action() {
    let (_daemon, caller, mut ground) = ground();
    ground.source = "nowhere".to_owned();
    let (action, error) = failed(&caller, &pipeline(&ground));
    assert_eq!(action, "Source");
    says(&error, "ConfigurationError", &["nowhere"]);
}

#[test]
fn a_missing_object_fails_the_source_action() {
    let (_daemon, caller, ground) = ground();
    caller.s3_done("DELETE", "/source-bucket/file", b"");
    let (action, error) = failed(&caller, &pipeline(&ground));
    assert_eq!(action, "Source");
    says(&error, "ConfigurationError", &["file", "source-bucket"]);
}

#[test]
fn a_source_bucket_without_versioning_fails_the_source_action() {
    let (_daemon, caller, mut ground) = ground();
    caller.s3_done("PUT", "/target-bucket/file", b"content");
    ground.source = "target-bucket".to_owned();
    let (action, error) = failed(&caller, &pipeline(&ground));
    assert_eq!(action, "Source");
    says(&error, "ConfigurationError", &["ersioning", "target-bucket"]);
}

#[test]
fn a_missing_target_bucket_fails_the_deploy_action() {
    let (_daemon, caller, mut ground) = ground();
    ground.target = "nowhere".to_owned();
    let (action, error) = failed(&caller, &pipeline(&ground));
    assert_eq!(action, "Deploy");
    says(&error, "ConfigurationError", &["nowhere"]);
}

#[test]
fn an_artifact_bucket_that_goes_fails_the_source_action() {
    let (_daemon, caller, ground) = ground();
    caller.call("CreatePipeline", &json!({"pipeline": pipeline(&ground)}));
    let first = caller.executions("pipeline")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("pipeline", &first), "Succeeded");
    let action = caller.actions("pipeline", &first).remove(0);
    let key = action["output"]["outputArtifacts"][0]["s3location"]["key"].as_str().unwrap().to_owned();
    caller.s3_done("DELETE", &format!("/artifact-store-bucket/{key}"), b"");
    caller.s3_done("DELETE", "/artifact-store-bucket", b"");
    let started = caller.call("StartPipelineExecution", &json!({"name": "pipeline"}));
    let (action, error) = fails(&caller, started["pipelineExecutionId"].as_str().unwrap());
    assert_eq!(action, "Source");
    says(&error, "ConfigurationError", &["artifact-store-bucket"]);
}

#[test]
fn an_action_whose_provider_is_not_there_yet_fails_and_names_it() {
    let (_daemon, caller, ground) = ground();
    let mut pipeline = pipeline(&ground);
    pipeline["stages"][1]["actions"][0] = json!({
        "name": "Call",
        "actionTypeId": {"category": "Invoke", "owner": "AWS", "provider": "Lambda", "version": "1"},
        "configuration": {"FunctionName": "function"},
    });
    let (action, error) = failed(&caller, &pipeline);
    assert_eq!(action, "Call");
    assert!(error["message"].as_str().unwrap().contains("Lambda"), "{error:#}");
}
