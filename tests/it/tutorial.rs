//! The tutorial that most people begin with, word for word, and what its answers must look like.

use std::fs;
use std::path::Path;

use penstock_tests::clients::{Clients, finished};
use penstock_tests::daemon::Daemon;
use serde_json::{Value, json};
use tempfile::TempDir;

#[test]
fn the_tutorial_runs_word_for_word_with_awslocal() {
    run_with("awslocal");
}

#[test]
fn the_tutorial_runs_word_for_word_with_the_aws_cli() {
    run_with("aws");
}

fn run_with(client: &str) {
    let Some(clients) = Clients::or_skip(&format!("the tutorial with {client}")) else { return };
    let daemon = Daemon::start();
    let folder = TempDir::new().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/tutorial.sh");
    let mut command = clients.command("bash", &daemon.url(), "us-east-1");
    command.arg(script).arg(daemon.url()).arg(client).current_dir(folder.path());
    let said = finished(&mut command, "tutorial.sh");

    for line in [
        "make_bucket: source-bucket",
        "upload: ./file to s3://source-bucket/file",
        "\"arn:aws:iam::000000000000:role/role\"",
        "download: s3://target-bucket/output-file to ./output-file",
        "Hello LocalStack!",
    ] {
        assert!(said.contains(line), "{line:?} is missing in:\n{said}");
    }
    assert_eq!(fs::read(folder.path().join("output-file")).unwrap(), b"Hello LocalStack!\n");

    let answer = |name: &str| -> Value {
        let text = fs::read_to_string(folder.path().join(format!("{name}.answer.json"))).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"))
    };
    assert_eq!(answer("create-pipeline"), json!({"pipeline": declaration()}));
    let execution = the_execution_succeeded_by_itself(&answer("list-pipeline-executions"));
    the_action_executions_are_complete(&answer("list-action-executions"), &execution, &daemon);
    assert_eq!(answer("tagged"), json!({"tags": [{"key": "purpose", "value": "tutorial"}]}));
    assert_eq!(answer("untagged"), json!({"tags": []}));
}

fn declaration() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tutorial/declaration.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Checks the page's `list-pipeline-executions`; answers the execution's id.
fn the_execution_succeeded_by_itself(answer: &Value) -> String {
    let [execution] = answer["pipelineExecutionSummaries"].as_array().unwrap().as_slice() else {
        panic!("one execution: {answer:#}")
    };
    assert_eq!(execution["status"], "Succeeded", "{answer:#}");
    assert_eq!(execution["trigger"]["triggerType"], "CreatePipeline");
    assert_eq!(execution["executionMode"], "SUPERSEDED");
    assert!(execution["startTime"].is_number() && execution["lastUpdateTime"].is_number(), "{answer:#}");
    let id = execution["pipelineExecutionId"].as_str().unwrap();
    assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
    id.to_owned()
}

fn the_action_executions_are_complete(answer: &Value, execution: &str, daemon: &Daemon) {
    let [deploy, source] = answer["actionExecutionDetails"].as_array().unwrap().as_slice() else {
        panic!("two actions: {answer:#}")
    };
    for (action, stage) in [(deploy, "stage2"), (source, "stage1")] {
        assert_eq!(action["pipelineExecutionId"], execution);
        assert!(uuid::Uuid::parse_str(action["actionExecutionId"].as_str().unwrap()).is_ok());
        assert_eq!(action["pipelineVersion"], 1);
        assert_eq!(action["stageName"], stage);
        assert_eq!(action["actionName"], "action1");
        assert_eq!(action["status"], "Succeeded", "{answer:#}");
        assert!(action["startTime"].as_f64().unwrap() <= action["lastUpdateTime"].as_f64().unwrap());
        assert_eq!(action["input"]["region"], "eu-central-1");
    }

    let configuration =
        json!({"BucketName": "target-bucket", "Extract": "false", "ObjectKey": "output-file"});
    let type_of =
        |category: &str| json!({"category": category, "owner": "AWS", "provider": "S3", "version": "1"});
    assert_eq!(deploy["input"]["actionTypeId"], type_of("Deploy"));
    assert_eq!(deploy["input"]["configuration"], configuration);
    assert_eq!(deploy["input"]["resolvedConfiguration"], configuration);
    assert_eq!(deploy["output"]["outputArtifacts"], json!([]));
    assert_eq!(deploy["output"]["executionResult"]["externalExecutionSummary"], "Deployment Succeeded");
    assert!(!deploy["output"]["executionResult"]["externalExecutionId"].as_str().unwrap().is_empty());
    assert_eq!(deploy["output"]["outputVariables"], json!({}));

    assert_eq!(source["input"]["actionTypeId"], type_of("Source"));
    let configuration =
        json!({"S3Bucket": "source-bucket", "S3ObjectKey": "file", "PollForSourceChanges": "false"});
    assert_eq!(source["input"]["configuration"], configuration);
    assert_eq!(source["input"]["resolvedConfiguration"], configuration);
    assert_eq!(source["input"]["inputArtifacts"], json!([]));
    let variables = &source["output"]["outputVariables"];
    let version = variables["VersionId"].as_str().unwrap();
    assert!(!version.is_empty() && !variables["ETag"].as_str().unwrap().is_empty(), "{variables:#}");
    assert_eq!(source["output"]["executionResult"]["externalExecutionId"], version);

    let [artifact] = deploy["input"]["inputArtifacts"].as_array().unwrap().as_slice() else {
        panic!("one artifact: {deploy:#}")
    };
    assert_eq!(artifact["name"], "intermediate-file");
    assert_eq!(source["output"]["outputArtifacts"][0], *artifact);
    assert_eq!(artifact["s3location"]["bucket"], "artifact-store-bucket");
    let key = artifact["s3location"]["key"].as_str().unwrap();
    // AWS shortens the pipeline's and the artifact's names and adds seven characters of its own.
    let parts: Vec<&str> = key.split('/').collect();
    let [pipeline, name, own] = parts.as_slice() else { panic!("{key}") };
    assert_eq!(*pipeline, "pipeline");
    assert!(name.len() >= 8 && "intermediate-file".starts_with(&name[..8]), "{key}");
    assert!(own.len() >= 7 && own.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'), "{key}");
    let stored = daemon.caller().s3_done("GET", &format!("/artifact-store-bucket/{key}"), b"");
    assert_eq!(stored.body, b"Hello LocalStack!\n", "an object of an S3 source is passed on as it is");
}
