//! Builds in containers, where an engine can be had.

use penstock_tests::aws::Caller;
use penstock_tests::building::{
    begin, build_action, commands_action, ended, ended_action, log, log_of, logged, make_project, project,
    start_sleeping, unzipped, zipped,
};
use penstock_tests::clients::skipped;
use penstock_tests::daemon::Daemon;
use penstock_tests::engine::Engine;
use penstock_tests::ephemeral::Ephemeral;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};
use tempfile::TempDir;

const AWS_IMAGE: &str = "aws/codebuild/standard:7.0";

fn prepared(daemon: &Daemon, image: &str, files: &[(&str, &str)]) -> (Caller, Ground) {
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, &zipped(files));
    make_project(&caller, image, &caller.make_role("builds", "codebuild.amazonaws.com"));
    (caller, ground)
}

fn message(action: &Value) -> String {
    action["output"]["executionResult"]["errorDetails"]["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_build_runs_in_a_container_of_the_projects_image() {
    let Some(engine) = Engine::or_skip("a build in a container") else { return };
    let mapped = format!("{AWS_IMAGE}={}", engine.image());
    let daemon = Daemon::start_with_environment(&["--build-image", &mapped], &engine.environment());
    let spec = "version: 0.2\nphases:\n  pre_build: {commands: [cd sub]}\n  build: {commands: ['[ -x ../tool.sh ] && ../tool.sh > said', \
                'echo \"$PWD $HOME $(id -u)\"']}\nartifacts: {files: [sub/*]}\n";
    let files = [("buildspec.yml", spec), ("tool.sh!", "#!/bin/sh\necho tool\n"), ("sub/kept", "kept")];
    let (caller, ground) = prepared(&daemon, AWS_IMAGE, &files);
    let mut deploy = ground.deploy("Deploy", 1, "out.zip");
    deploy["inputArtifacts"] = json!([{"name": "Out"}]);
    let action = build_action(&json!({}), &["Source"], &["Out"]);
    let execution = begin(&caller, &ground, action, &[stage("Deploy", &[deploy])]);
    let action = ended(&caller, &execution);
    assert_eq!(action["status"], "Succeeded", "{action} {:#?}", log(&caller));
    let found = unzipped(&caller.s3_done("GET", &format!("/{}/out.zip", ground.target), b"").body);
    let expected = [("sub/kept", "kept"), ("sub/said", "tool\n")];
    assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let log = log(&caller);
    assert!(
        log.iter()
            .any(|line| line.starts_with("/codebuild/output/src") && line.ends_with("/src/sub /root 0")),
        "{log:#?}"
    );
    assert_eq!(engine.containers(&daemon), 0, "nothing is left behind");
}

#[test]
fn a_container_is_found_again_after_a_kill_and_removed_when_its_build_is_abandoned() {
    let Some(engine) = Engine::or_skip("a container over a kill") else { return };
    let mut daemon = Daemon::start_with_environment(&[], &engine.environment());
    let spec = "version: 0.2\nphases: {build: {commands: [echo waiting, 'until [ -e /go ]; do sleep 0.05; done', echo 'let go']}}\n";
    let (caller, ground) = prepared(&daemon, engine.image(), &[("buildspec.yml", spec)]);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    logged(&caller, "waiting");
    daemon.kill();
    engine.exec(&daemon, "touch /go");
    daemon.start_again();
    let action = ended(&caller, &execution);
    assert_eq!(action["status"], "Succeeded", "{action} {:#?}", log(&caller));
    for line in ["waiting", "let go"] {
        assert_eq!(log(&caller).iter().filter(|said| *said == line).count(), 1, "{:#?}", log(&caller));
    }
    let started = caller.call("StartPipelineExecution", &json!({"name": "built"}));
    let execution = started["pipelineExecutionId"].as_str().unwrap();
    until("a second container", || (engine.containers(&daemon) == 1).then_some(()));
    let stop = json!({"pipelineName": "built", "pipelineExecutionId": execution, "abandon": true});
    caller.call("StopPipelineExecution", &stop);
    until("no container", || (engine.containers(&daemon) == 0).then_some(()));
}

#[test]
fn images_and_engines_that_are_not_there_are_named() {
    let Some(engine) = Engine::or_skip("an image that is not there") else { return };
    let daemon = Daemon::start_with_environment(&[], &engine.environment());
    let files = [("buildspec.yml", "version: 0.2\nphases: {build: {commands: ['true']}}\n")];
    let (caller, ground) = prepared(&daemon, AWS_IMAGE, &files);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    let said = message(&ended(&caller, &execution));
    assert!(
        said.contains("Code: BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE") && said.contains("--build-image"),
        "{said}"
    );
    caller.codebuild("UpdateProject", &project("localhost:1/none:1", &caller.iam_role_arn("builds")));
    let started = caller.call("StartPipelineExecution", &json!({"name": "built"}));
    let said = message(&ended(&caller, started["pipelineExecutionId"].as_str().unwrap()));
    let says = "Code: BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE, Message: Unable to pull customer's container image. \
                CannotPullContainerError: localhost:1/none:1: ";
    assert!(said.contains(says), "{said}");
    assert_eq!(engine.containers(&daemon), 0, "nothing is left behind");
    let nowhere = [("DOCKER_HOST".to_owned(), "unix:///nowhere/docker.sock".to_owned())];
    let daemon = Daemon::start_with_environment(&[], &nowhere);
    let (caller, ground) = prepared(&daemon, engine.image(), &files);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    let said = message(&ended(&caller, &execution));
    assert!(said.contains("no container engine was found (unix:///nowhere/docker.sock"), "{said}");
}

#[test]
fn commands_run_in_a_container_of_the_image_that_stands_in_for_awss() {
    let Some(engine) = Engine::or_skip("commands in a container") else { return };
    let mapped = format!("aws/codebuild/amazonlinux2-x86_64-standard:5.0={}", engine.image());
    let daemon = Daemon::start_with_environment(&["--build-image", &mapped], &engine.environment());
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, &zipped(&[("tool.sh!", "#!/bin/sh\necho tool\n")]));
    let mut action = commands_action(&["./tool.sh > said", "export VERSION=7", "echo \"$PWD $(id -u)\""]);
    action["outputVariables"] = json!(["VERSION"]);
    action["outputArtifacts"] = json!([{"name": "Out", "files": ["said"]}]);
    let mut deploy = ground.deploy("Deploy", 1, "#{Run.VERSION}.zip");
    deploy["inputArtifacts"] = json!([{"name": "Out"}]);
    let execution = begin(&caller, &ground, action, &[stage("Deploy", &[deploy])]);
    let action = ended_action(&caller, &execution, "Run");
    let log = log_of(&caller, "/aws/codepipeline/built");
    assert_eq!(action["status"], "Succeeded", "{action} {log:#?}");
    let found = unzipped(&caller.s3_done("GET", &format!("/{}/7.zip", ground.target), b"").body);
    assert_eq!(found, [("said".to_owned(), "tool\n".to_owned())]);
    assert!(
        log.iter().any(|line| line.starts_with("/codebuild/output/src") && line.ends_with("/src 0")),
        "{log:#?}"
    );
    assert_eq!(engine.containers(&daemon), 0, "nothing is left behind");
}

/// The latest build, once it has ended.
fn build_ended(caller: &Caller) -> Value {
    until("the end of the build", || {
        let ids = caller.codebuild("ListBuildsForProject", &json!({"projectName": "project"}))["ids"].clone();
        let latest = ids.get(0)?;
        let build = caller.codebuild("BatchGetBuilds", &json!({"ids": [latest]}))["builds"][0].clone();
        (build["buildComplete"] == true).then_some(build)
    })
}

#[test]
fn an_engine_that_is_gone_or_silent_fails_the_build_and_its_container_goes_when_the_engine_is_back() {
    let test = "an engine that dies or hangs";
    let Some(engine) = Engine::or_skip(test) else { return };
    let Some(gate) = engine.gate() else { return skipped(test, "the engine has no socket on this machine") };
    let mut daemon = Daemon::start_with_environment(&[], &gate.environment());
    daemon.announce("what is left of a build cannot be removed yet");
    let spec = "version: 0.2\nphases: {build: {commands: [echo waiting, sleep 600]}}\n";
    let (caller, ground) = prepared(&daemon, engine.image(), &[("buildspec.yml", spec)]);
    let mut execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    for (before, is_gone) in [true, false].into_iter().enumerate() {
        let waits = || log(&caller).iter().filter(|line| *line == "waiting").count() > before;
        until("the build's command", || waits().then_some(()));
        until("the container", || (engine.containers(&daemon) == 1).then_some(()));
        if is_gone {
            gate.vanish();
        } else {
            gate.fall_silent();
        }
        assert_eq!(build_ended(&caller)["buildStatus"], "FAILED");
        let said = message(&ended(&caller, &execution));
        assert!(said.contains("Phase: BUILD, Code: INTERNAL_ERROR"), "{said}");
        assert!(said.contains("the container engine does not answer any more"), "{said}");
        gate.come_back();
        until("the container's removal", || (engine.containers(&daemon) == 0).then_some(()));
        let started = caller.call("StartPipelineExecution", &json!({"name": "built"}));
        started["pipelineExecutionId"].as_str().unwrap().clone_into(&mut execution);
    }
    until("a container again", || (engine.containers(&daemon) == 1).then_some(()));
    caller.call(
        "StopPipelineExecution",
        &json!({"pipelineName": "built", "pipelineExecutionId": execution, "abandon": true}),
    );
    until("no container", || (engine.containers(&daemon) == 0).then_some(()));
}

#[test]
fn a_container_that_says_too_much_has_a_log_that_ends_and_says_so() {
    let Some(engine) = Engine::or_skip("a build with a long log") else { return };
    let daemon = Daemon::start_with_environment(&[], &engine.environment());
    let megabytes = if std::env::var_os("PENSTOCK_BIG").is_some() { 1024 } else { 100 };
    let line = "x".repeat(4000);
    let spec = format!(
        "version: 0.2\nphases: {{build: {{commands: ['yes {line} | head -c {megabytes}000000', echo end]}}}}\n"
    );
    let (caller, ground) = prepared(&daemon, engine.image(), &[("buildspec.yml", &spec)]);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    assert_eq!(build_ended(&caller)["buildStatus"], "SUCCEEDED");
    assert_eq!(ended(&caller, &execution)["status"], "Succeeded");
    let input = json!({"logGroupName": "/aws/codebuild/project", "logStreamName": logged_stream(&caller), "limit": 1});
    let last = caller.json("logs", "Logs_20140328.GetLogEvents", &input).unwrap();
    assert_eq!(last["events"][0]["message"], "The log is longer than 64 MiB: the rest is not kept.");
}

/// The log stream of the latest build.
fn logged_stream(caller: &Caller) -> Value {
    build_ended(caller)["logs"]["streamName"].clone()
}

#[test]
fn containers_of_a_killed_ephemeral_daemon_go_with_the_next_start_and_none_of_one_that_lives() {
    let Some(engine) = Engine::or_skip("containers of ephemeral daemons") else { return };
    let folder = TempDir::new().unwrap();
    let daemons = [(); 2].map(|()| {
        let daemon = Ephemeral::start(folder.path(), &[], &engine.environment());
        let caller = daemon.caller();
        let build = start_sleeping(&caller, engine.image(), "process");
        logged(&caller, "Running command sleep 600");
        (daemon, build)
    });
    let [(killed, of_killed), (alive, of_alive)] = daemons;
    killed.kill();
    assert!(engine.has_build(&of_killed), "a kill leaves the container");
    let _next = Daemon::start_with_environment(&[], &engine.environment());
    until("the container's removal", || (!engine.has_build(&of_killed)).then_some(()));
    assert!(engine.has_build(&of_alive), "the container of a daemon that lives stays");
    assert!(alive.stop().success());
    assert!(!engine.has_build(&of_alive), "nothing is left behind");
}

#[test]
fn a_build_in_a_container_calls_the_daemon_under_its_service_role() {
    let test = "a container that calls the daemon";
    let Some(engine) = Engine::or_skip(test) else { return };
    let Some(gateway) = engine.gateway() else {
        return skipped(test, "the engine's containers have no network to this machine");
    };
    let daemon = Daemon::start_at(gateway, &[], &engine.environment());
    let call = "wget -q -O - --header \"Authorization: AWS4-HMAC-SHA256 \
                Credential=$AWS_ACCESS_KEY_ID/20260101/us-east-1/codebuild/aws4_request, SignedHeaders=host, \
                Signature=0\" --header \"X-Amz-Security-Token: $AWS_SESSION_TOKEN\" --header \"X-Amz-Target: \
                CodeBuild_20161006.$1\" --header \"Content-Type: application/x-amz-json-1.1\" --post-data \"{}\" \
                $AWS_ENDPOINT_URL\n";
    let spec = "version: 0.2\nphases: {build: {commands: [\
                'sh call.sh ListBuilds > builds', 'grep \"$CODEBUILD_BUILD_ID\" builds', \
                'sh call.sh ListProjects || echo \"not for this role\"']}}\n";
    let (caller, ground) = prepared(&daemon, engine.image(), &[("buildspec.yml", spec), ("call.sh", call)]);
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["logs:*", "s3:*", "codebuild:ListBuilds"], "Resource": "*"}]});
    let input = [("RoleName", "builds"), ("PolicyName", "policy"), ("PolicyDocument", &policy.to_string())];
    caller.iam("PutRolePolicy", &input);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    let action = ended(&caller, &execution);
    let log = log(&caller);
    assert_eq!(action["status"], "Succeeded", "{action} {log:#?}");
    assert!(log.contains(&"not for this role".to_owned()), "{log:#?}");
}
