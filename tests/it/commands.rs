//! The Commands action, on the host.

use std::fs;

use penstock_tests::aws::Caller;
use penstock_tests::building::{
    begin, commands_action, ended_action, is_running, log_of, logged_in, unzipped, zipped,
};
use penstock_tests::daemon::Daemon;
use penstock_tests::http::Request;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

const HOST: [&str; 2] = ["--build-runner", "host"];
const GROUP: &str = "/aws/codepipeline/built";

fn prepared(daemon: &Daemon) -> (Caller, Ground) {
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, &zipped(&[("tool.sh!", "#!/bin/sh\necho tool\n")]));
    (caller, ground)
}

/// Runs the action `Run`, to its end.
fn ran(daemon: &Daemon, action: Value) -> (Caller, Value) {
    let (caller, ground) = prepared(daemon);
    let execution = begin(&caller, &ground, action, &[]);
    let action = ended_action(&caller, &execution, "Run");
    (caller, action)
}

fn error(action: &Value) -> &Value {
    &action["output"]["executionResult"]["errorDetails"]
}

fn message(action: &Value) -> &str {
    error(action)["message"].as_str().unwrap_or_default()
}

#[test]
fn commands_hand_on_files_and_variables_and_take_those_of_others() {
    let daemon = Daemon::start_with(&HOST);
    let (caller, ground) = prepared(&daemon);
    let mut first = commands_action(&[
        "mkdir -p out/deep && ./tool.sh > out/deep/said",
        "cd out && echo \"$GREETING $AWS_REGION\" > greeting",
        "export VERSION=\"#{variables.major}.1\"",
    ]);
    first["outputVariables"] = json!(["VERSION", "CODEBUILD_BUILD_ID"]);
    first["environmentVariables"] = json!([{"name": "GREETING", "value": "hello from #{variables.major}"}]);
    first["outputArtifacts"] = json!([{"name": "Made", "files": ["out/**"]}]);
    let mut second = commands_action(&[
        "cat \"$CODEBUILD_SRC_DIR_Made/out/greeting\" tool.sh > both",
        "echo '#{Run.VERSION}' > version",
    ]);
    second["name"] = json!("Again");
    second["namespace"] = json!("Again");
    second["inputArtifacts"] = json!([{"name": "Source"}, {"name": "Made"}]);
    second["outputArtifacts"] = json!([{"name": "Last", "files": ["both", "version", "absent"]}]);
    let mut deploy = ground.deploy("Deploy", 1, "#{Run.VERSION}.zip");
    deploy["inputArtifacts"] = json!([{"name": "Last"}]);
    let mut pipeline = ground
        .pipeline("built", &[stage("One", &[first]), stage("Two", &[second]), stage("Deploy", &[deploy])]);
    pipeline["pipelineType"] = json!("V2");
    pipeline["variables"] = json!([{"name": "major", "defaultValue": "7"}]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let execution = caller.executions("built")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    let action = ended_action(&caller, &execution, "Run");
    let log = log_of(&caller, GROUP);
    assert_eq!(action["status"], "Succeeded", "{action} {log:#?}");
    assert_eq!(caller.status("built", &execution), "Succeeded", "{log:#?}");
    let found = unzipped(&caller.s3_done("GET", &format!("/{}/7.1.zip", ground.target), b"").body);
    let expected = [("both", "hello from 7 us-east-1\n#!/bin/sh\necho tool\n"), ("version", "7.1\n")];
    assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    assert!(log.iter().any(|line| line.ends_with("Skipping invalid file path absent")), "{log:#?}");

    let result = &action["output"]["executionResult"];
    let id = result["externalExecutionId"].as_str().unwrap();
    let variables = json!({"VERSION": "7.1", "CODEBUILD_BUILD_ID": id});
    assert_eq!(action["output"]["outputVariables"], variables);
    let uuid = id.strip_prefix("codepipeline/built:").unwrap();
    let stream = format!("arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}:log-stream:{uuid}");
    assert_eq!(result["logStreamARN"], stream);
    let url = result["externalExecutionUrl"].as_str().unwrap();
    assert!(
        url.ends_with(&format!("log-groups/log-group/$252Faws$252Fcodepipeline$252Fbuilt/log-events/{uuid}")),
        "{url}"
    );
    let state = caller.call("GetPipelineState", &json!({"name": "built"}));
    let latest = &state["stageStates"][1]["actionStates"][0]["latestExecution"];
    assert_eq!((&latest["logStreamARN"], &latest["externalExecutionId"]), (&json!(stream), &json!(id)));
    // CodeBuild knows nothing of what CodePipeline runs on compute of its own.
    assert_eq!(caller.codebuild("ListBuilds", &json!({}))["ids"], json!([]));
    assert_eq!(caller.codebuild("BatchGetBuilds", &json!({"ids": [id]}))["buildsNotFound"], json!([id]));
    assert_eq!(fs::read_dir(daemon.data().join("builds")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn the_first_command_that_fails_fails_the_action_as_on_aws() {
    let daemon = Daemon::start_with(&HOST);
    let (caller, action) = ran(&daemon, commands_action(&["echo before", "sh -c 'exit 3'", "echo behind"]));
    let text = "Build terminated with state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, Message: Error while \
                executing command: sh -c 'exit 3'. Reason: exit status 3";
    assert_eq!(*error(&action), json!({"code": "JobFailed", "message": text}));
    assert_eq!(action["output"]["executionResult"]["externalExecutionSummary"], text);
    let log = log_of(&caller, GROUP);
    assert!(log.contains(&"before".to_owned()) && !log.contains(&"behind".to_owned()), "{log:#?}");
}

#[test]
fn what_commands_cannot_do_is_said() {
    let mut nothing = commands_action(&["true"]);
    nothing["outputArtifacts"] = json!([{"name": "Made", "files": ["none", "no/*"]}]);
    let mut unset = commands_action(&["true"]);
    unset["outputVariables"] = json!(["NEVER_SET"]);
    let mut secret = commands_action(&["true"]);
    secret["environmentVariables"] = json!([{"name": "A", "value": "none:key", "type": "SECRETS_MANAGER"}]);
    let mut windows = commands_action(&["dir"]);
    windows["configuration"] = json!({"EnvironmentType": "WINDOWS_SERVER_2022_CONTAINER"});
    let mut size = commands_action(&["true"]);
    size["configuration"] = json!({"ComputeType": "HUGE"});
    let unresolved = commands_action(&["echo #{Src.NONE}"]);
    for (action, code, says) in [
        (
            nothing,
            "JobFailed",
            "Phase: UPLOAD_ARTIFACTS, Code: CLIENT_ERROR, Message: no matching artifact paths found",
        ),
        (unset, "JobFailed", "exported variable NEVER_SET is not set"),
        (secret, "JobFailed", "Phase: DOWNLOAD_SOURCE, Code: Decrypted Variables Error"),
        (windows, "ConfigurationError", "has the EnvironmentType WINDOWS_SERVER_2022_CONTAINER"),
        (size, "ConfigurationError", "The value 'HUGE' of 'ComputeType'"),
        (unresolved, "ConfigurationError", "key 'commands' could not be resolved"),
    ] {
        let daemon = Daemon::start_with(&HOST);
        let (caller, ground) = prepared(&daemon);
        let mut pipeline = ground.pipeline("built", &[stage("Run", &[action])]);
        pipeline["stages"][0]["actions"][0]["namespace"] = json!("Src");
        caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
        let execution = caller.executions("built")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
        let action = ended_action(&caller, &execution, "Run");
        assert_eq!(error(&action)["code"], code, "{action}");
        assert!(message(&action).contains(says), "{action}");
    }
    let daemon = Daemon::start_with(&["--build-runner", "none"]);
    let (_, action) = ran(&daemon, commands_action(&["true"]));
    assert!(
        message(&action).contains("No build can run: the daemon was started with --build-runner none."),
        "{action}"
    );
}

#[test]
fn commands_that_are_declared_wrongly_are_refused() {
    let daemon = Daemon::start_with(&HOST);
    let (caller, ground) = prepared(&daemon);
    let none = commands_action(&[]);
    let mut missing = commands_action(&["true"]);
    missing.as_object_mut().unwrap().remove("commands");
    let mut without_input = commands_action(&["true"]);
    without_input["inputArtifacts"] = json!([]);
    let mut two_outputs = commands_action(&["true"]);
    two_outputs["outputArtifacts"] = json!([{"name": "A"}, {"name": "B"}]);
    let many = commands_action(&["true"; 51]);
    let lines = commands_action(&["echo one\necho two"]);
    let mut elsewhere = commands_action(&["true"]);
    elsewhere["region"] = json!("eu-west-1");
    for (action, code, says) in [
        (none, "ValidationException", "Member must have length greater than or equal to 1"),
        (missing, "InvalidActionDeclarationException", "Action Run must have a non-empty commands field"),
        (
            without_input,
            "InvalidActionDeclarationException",
            "declares 0 input artifacts which is less than the minimum count (1)",
        ),
        (
            two_outputs,
            "InvalidActionDeclarationException",
            "declares 2 output artifacts which is more than the maximum count (1)",
        ),
        (many, "ValidationException", "Member must have length less than or equal to 50"),
        (lines, "InvalidActionDeclarationException", "single-line"),
        (
            elsewhere,
            "InvalidActionDeclarationException",
            "the Commands action is not supported for cross-Region actions",
        ),
    ] {
        let mut pipeline = ground.pipeline("built", &[stage("Run", &[action])]);
        if pipeline["stages"][1]["actions"][0]["region"] != Value::Null {
            let store = pipeline.as_object_mut().unwrap().remove("artifactStore").unwrap();
            pipeline["artifactStores"] = json!({"us-east-1": store, "eu-west-1": store});
        }
        let refusal = caller.codepipeline("CreatePipeline", &json!({"pipeline": pipeline})).unwrap_err();
        assert_eq!(refusal.code, code, "{refusal:?}");
        assert!(refusal.message.contains(says), "{refusal:?}");
    }
}

#[test]
fn commands_go_on_over_a_kill_and_run_once() {
    let folder = tempfile::tempdir().unwrap();
    let (runs, gate) = (folder.path().join("runs"), folder.path().join("gate"));
    let mut daemon = Daemon::start_with(&HOST);
    let (caller, ground) = prepared(&daemon);
    let wait = format!("until [ -e {} ]; do sleep 0.02; done", gate.display());
    let ran = format!("echo ran >> {}", runs.display());
    let mut action = commands_action(&[&ran, "echo waiting", &wait, "export SAID=well"]);
    action["outputVariables"] = json!(["SAID"]);
    let execution = begin(&caller, &ground, action, &[]);
    logged_in(&caller, GROUP, "waiting");
    daemon.kill();
    daemon.start_again();
    daemon.kill();
    fs::write(&gate, "").unwrap();
    daemon.start_again();
    let action = ended_action(&caller, &execution, "Run");
    let log = log_of(&caller, GROUP);
    assert_eq!(action["status"], "Succeeded", "{action} {log:#?}");
    assert_eq!(action["output"]["outputVariables"], json!({"SAID": "well"}));
    assert_eq!(fs::read_to_string(&runs).unwrap(), "ran\n");
    assert_eq!(log.iter().filter(|said| *said == "waiting").count(), 1, "{log:#?}");
}

#[test]
fn abandoning_and_a_limit_of_time_really_end_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let process = folder.path().join("process");
    let daemon = Daemon::start_with(&[HOST[0], HOST[1], "--allow-clock"]);
    let (caller, ground) = prepared(&daemon);
    let id = format!("echo $$ > {}", process.display());
    let execution = begin(&caller, &ground, commands_action(&[&id, "sleep 600"]), &[]);
    let begun = || {
        until("the process", || fs::read_to_string(&process).is_ok_and(|id| id.ends_with('\n')).then_some(()))
    };
    begun();
    let stop = json!({"pipelineName": "built", "pipelineExecutionId": execution, "abandon": true});
    caller.call("StopPipelineExecution", &stop);
    until("the end of the process", || (!is_running(&process)).then_some(()));
    assert_eq!(ended_action(&caller, &execution, "Run")["status"], "Abandoned");

    fs::remove_file(&process).unwrap();
    let started = caller.call("StartPipelineExecution", &json!({"name": "built"}));
    begun();
    let advance = Request::new("POST", "/_penstock/clock").body(json!({"advance": "55m"}).to_string());
    assert_eq!(advance.send(daemon.address()).unwrap().status, 200);
    let action = ended_action(&caller, started["pipelineExecutionId"].as_str().unwrap(), "Run");
    assert_eq!(message(&action), "The action did not finish within its limit of 55 minutes.");
    until("the end of the process", || (!is_running(&process)).then_some(()));
}

#[test]
fn secrets_reach_the_commands_and_neither_the_log_nor_any_answer() {
    let daemon = Daemon::start_with(&HOST);
    let caller = daemon.caller();
    let create = json!({"Name": "db", "SecretString": "{\"password\": \"hunter22\"}"});
    caller.json("secretsmanager", "secretsmanager.CreateSecret", &create).unwrap();
    let mut action =
        commands_action(&["echo \"<$PASSWORD>\"", "[ ${#PASSWORD} = 8 ]", "export LENGTH=${#PASSWORD}"]);
    action["environmentVariables"] =
        json!([{"name": "PASSWORD", "value": "db:password", "type": "SECRETS_MANAGER"}]);
    action["outputVariables"] = json!(["LENGTH"]);
    let (caller, action) = ran(&daemon, action);
    let log = log_of(&caller, GROUP);
    assert_eq!(action["status"], "Succeeded", "{action} {log:#?}");
    assert_eq!(action["output"]["outputVariables"], json!({"LENGTH": "8"}));
    assert!(log.contains(&"<***>".to_owned()), "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("hunter22")), "{log:#?}");
    assert!(!daemon.log().iter().any(|line| line.contains("hunter22")));

    let mut leaking = commands_action(&["true"]);
    leaking["environmentVariables"] =
        json!([{"name": "PASSWORD", "value": "db:password", "type": "SECRETS_MANAGER"}]);
    leaking["outputVariables"] = json!(["PASSWORD"]);
    let mut pipeline = caller.call("GetPipeline", &json!({"name": "built"}))["pipeline"].clone();
    pipeline["stages"][1]["actions"][0] = leaking;
    caller.call("UpdatePipeline", &json!({"pipeline": pipeline}));
    let started = caller.call("StartPipelineExecution", &json!({"name": "built"}));
    let action = ended_action(&caller, started["pipelineExecutionId"].as_str().unwrap(), "Run");
    assert!(message(&action).contains("exported variable PASSWORD is a secret"), "{action}");
}
