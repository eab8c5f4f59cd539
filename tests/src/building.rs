//! Projects and pipelines that build.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use zip::ZipArchive;
use zip::write::SimpleFileOptions;

use crate::aws::Caller;
use crate::pipelines::{Ground, stage};
use crate::waiting::until;

/// A zip of those files; a name that ends with `!` is executable.
pub fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        let (name, mode) = name.strip_suffix('!').map_or((*name, 0o644), |name| (name, 0o755));
        writer.start_file(name, SimpleFileOptions::default().unix_permissions(mode)).expect("a file begins");
        writer.write_all(text.as_bytes()).expect("a file is written");
    }
    writer.finish().expect("a zip ends").into_inner()
}

/// The files of a zip.
pub fn unzipped(bytes: &[u8]) -> Vec<(String, String)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    let read = |index| {
        let mut file = archive.by_index(index).expect("a file");
        let mut text = String::new();
        std::io::Read::read_to_string(&mut file, &mut text).expect("a text");
        (file.name().to_owned(), text)
    };
    let count = ZipArchive::new(Cursor::new(bytes)).expect("a zip").len();
    (0..count).map(read).collect()
}

/// Makes the project `project` with that image, for pipelines.
pub fn make_project(caller: &Caller, image: &str, role: &str) {
    caller.codebuild("CreateProject", &project(image, role));
}

/// The project `project` with that image, for pipelines.
pub fn project(image: &str, role: &str) -> Value {
    json!({
        "name": "project",
        "source": {"type": "CODEPIPELINE"},
        "artifacts": {"type": "CODEPIPELINE"},
        "environment": {
            "type": "LINUX_CONTAINER", "image": image, "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "FROM_PROJECT", "value": "project"}, {"name": "BOTH", "value": "project"}],
        },
        "serviceRole": role,
    })
}

/// Starts a build by itself that writes down its process and then sleeps; answers its id.
pub fn start_sleeping(caller: &Caller, image: &str, process: &str) -> String {
    let mut alone = project(image, &caller.make_role("builds", "codebuild.amazonaws.com"));
    let spec = format!("version: 0.2\nphases: {{build: {{commands: ['echo $$ > {process}', sleep 600]}}}}\n");
    alone["source"] = json!({"type": "NO_SOURCE", "buildspec": spec});
    alone["artifacts"] = json!({"type": "NO_ARTIFACTS"});
    caller.codebuild("CreateProject", &alone);
    let started = caller.codebuild("StartBuild", &json!({"projectName": "project"}));
    started["build"]["id"].as_str().unwrap_or_default().to_owned()
}

/// A CodeBuild action.
pub fn build_action(configuration: &Value, inputs: &[&str], outputs: &[&str]) -> Value {
    let named = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>();
    let mut merged = json!({"ProjectName": "project"});
    if let (Some(all), Some(more)) = (merged.as_object_mut(), configuration.as_object()) {
        all.extend(more.clone());
    }
    json!({
        "name": "Build",
        "namespace": "Build",
        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "configuration": merged,
        "inputArtifacts": named(inputs),
        "outputArtifacts": named(outputs),
    })
}

/// A pipeline `built` with one build of those sources; answers its execution, which has begun.
pub fn begin(caller: &Caller, ground: &Ground, action: Value, more: &[Value]) -> String {
    let stages: Vec<Value> = std::iter::once(stage("Build", &[action])).chain(more.iter().cloned()).collect();
    caller.call("CreatePipeline", &json!({"pipeline": ground.pipeline("built", &stages)}));
    until("an execution", || caller.executions("built").pop())["pipelineExecutionId"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// The build's action in that execution, once it has ended.
pub fn ended(caller: &Caller, execution: &str) -> Value {
    ended_action(caller, execution, "Build")
}

/// The action of that name in that execution, once the execution has ended.
pub fn ended_action(caller: &Caller, execution: &str, name: &str) -> Value {
    caller.ended("built", execution);
    let actions = caller.actions("built", execution);
    actions.into_iter().find(|action| action["actionName"] == name).unwrap_or_else(|| panic!("no {name}"))
}

/// An action `Run` in the namespace `Run` of those commands on the source.
pub fn commands_action(commands: &[&str]) -> Value {
    json!({
        "name": "Run",
        "namespace": "Run",
        "actionTypeId": {"category": "Compute", "owner": "AWS", "provider": "Commands", "version": "1"},
        "commands": commands,
        "inputArtifacts": [{"name": "Source"}],
    })
}

/// Whether the process whose id is in that file runs.
pub fn is_running(process: &Path) -> bool {
    let id = fs::read_to_string(process).expect("a process id");
    fs::read_to_string(format!("/proc/{}/stat", id.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

/// The log group of the project's builds.
const PROJECT_LOG: &str = "/aws/codebuild/project";

/// The lines of the project's builds.
pub fn log(caller: &Caller) -> Vec<String> {
    log_of(caller, PROJECT_LOG)
}

/// The lines of a log group.
pub fn log_of(caller: &Caller, group: &str) -> Vec<String> {
    let input = json!({"logGroupName": group});
    let answer = caller.json("logs", "Logs_20140328.FilterLogEvents", &input).unwrap_or_default();
    let events = answer["events"].as_array().cloned().unwrap_or_default();
    events.iter().map(|event| event["message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Waits for a line of the project's log.
pub fn logged(caller: &Caller, text: &str) {
    logged_in(caller, PROJECT_LOG, text);
}

/// Waits for a line of a log group.
pub fn logged_in(caller: &Caller, group: &str, text: &str) {
    until(format_args!("the line {text}"), || {
        std::thread::sleep(Duration::from_millis(20));
        log_of(caller, group).iter().any(|line| line.contains(text)).then_some(())
    });
}
