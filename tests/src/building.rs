//! Projects and pipelines that build.

use std::io::{Cursor, Write};
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
    caller.ended("built", execution);
    let actions = caller.actions("built", execution);
    actions.into_iter().find(|action| action["actionName"] == "Build").unwrap_or_else(|| panic!("no build"))
}

/// The lines of a project's latest build.
pub fn log(caller: &Caller) -> Vec<String> {
    let input = json!({"logGroupName": "/aws/codebuild/project"});
    let answer = caller.json("logs", "Logs_20140328.FilterLogEvents", &input).unwrap_or_default();
    let events = answer["events"].as_array().cloned().unwrap_or_default();
    events.iter().map(|event| event["message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Waits for a line of the log.
pub fn logged(caller: &Caller, text: &str) {
    until(format_args!("the line {text}"), || {
        std::thread::sleep(Duration::from_millis(20));
        log(caller).iter().any(|line| line.contains(text)).then_some(())
    });
}
