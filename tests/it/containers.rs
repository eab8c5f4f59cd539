//! Builds in containers, where an engine can be had.

use penstock_tests::aws::Caller;
use penstock_tests::building::{begin, build_action, ended, log, logged, make_project, unzipped, zipped};
use penstock_tests::daemon::Daemon;
use penstock_tests::engine::Engine;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

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
    let nowhere = [("DOCKER_HOST".to_owned(), "unix:///nowhere/docker.sock".to_owned())];
    let daemon = Daemon::start_with_environment(&[], &nowhere);
    let (caller, ground) = prepared(&daemon, engine.image(), &files);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    let said = message(&ended(&caller, &execution));
    assert!(said.contains("no container engine was found (unix:///nowhere/docker.sock"), "{said}");
}
