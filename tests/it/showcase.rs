//! The showcase: one V2 pipeline with most of what pipelines have, made by the AWS CLI and by Terraform, started by
//! `git commit`, and every byte that comes out.

use std::path::{Path, PathBuf};
use std::process::Command;

use penstock_tests::aws::Caller;
use penstock_tests::building::log_of;
use penstock_tests::clients::{Clients, finished};
use penstock_tests::daemon::Daemon;
use penstock_tests::engine::Engine;
use penstock_tests::git::Repository;
use penstock_tests::terraform::Terraform;
use penstock_tests::waiting::until;
use serde_json::{Value, json};

/// The images that the showcase names.
const IMAGES: [&str; 2] = ["aws/codebuild/standard:7.0", "aws/codebuild/amazonlinux2-x86_64-standard:5.0"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("showcase")
}

/// The shop's repository, committed, and a daemon that knows it.
fn prepared(engine: &Engine) -> (Repository, String, Daemon) {
    let repository = Repository::new();
    let files = folder().join("repository/.");
    finished(Command::new("cp").arg("-R").arg(files).arg(repository.path()), "cp");
    let commit = repository.commit("The shop");
    let mapped = format!("shop/web={}", repository.path().display());
    let outcomes = folder().join("outcomes.yaml").display().to_string();
    let images = IMAGES.map(|image| format!("{image}={}", engine.image()));
    let flags = ["--map-repository", &mapped, "--action-outcomes", &outcomes];
    let images = images.iter().flat_map(|image| ["--build-image", image]);
    let flags: Vec<&str> = flags.into_iter().chain(images).collect();
    let daemon = Daemon::start_with_environment(&flags, &engine.environment());
    (repository, commit, daemon)
}

#[test]
fn a_whole_pipeline_made_by_the_aws_cli_runs_what_is_committed() {
    let test = "the showcase by the AWS CLI";
    let Some(clients) = Clients::or_skip(test) else { return };
    let Some(engine) = Engine::or_skip(test) else { return };
    let (repository, commit, daemon) = prepared(engine);
    let script = folder().join("create.sh");
    finished(clients.command("bash", &daemon.url(), "us-east-1").arg(script), "create.sh");
    runs_what_is_committed(engine, &daemon, &repository, &commit);

    let caller = daemon.caller();
    let execution = caller.executions("shop")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    let package = action(&caller, &execution, "Package");
    assert_eq!(package["output"]["outputVariables"], json!({"RELEASE": "shop-2.0"}));
    let said = log_of(&caller, "/aws/codepipeline/shop");
    assert!(said.iter().any(|line| line.contains("Running command echo \"2 pages, passed\"")), "{said:#?}");
}

#[test]
fn a_whole_pipeline_made_by_terraform_runs_what_is_committed() {
    let test = "the showcase by Terraform";
    let Some(engine) = Engine::or_skip(test) else { return };
    let (repository, commit, daemon) = prepared(engine);
    let Some(terraform) = Terraform::or_skip(test, &folder().join("main.tf"), &daemon.url()) else { return };
    let applied = terraform.done(&["apply", "-no-color", "-auto-approve"]);
    assert!(applied.contains("Apply complete! Resources: 12 added"), "{applied}");
    runs_what_is_committed(engine, &daemon, &repository, &commit);
    terraform.nothing_to_do(&[]);
    let destroyed = terraform.done(&["destroy", "-no-color", "-auto-approve"]);
    assert!(destroyed.contains("Destroy complete! Resources: 12 destroyed"), "{destroyed}");
}

/// The first execution begins with the pipeline, the second with a commit; a commit of documents begins none.
fn runs_what_is_committed(engine: &Engine, daemon: &Daemon, repository: &Repository, first: &str) {
    let caller = daemon.caller();
    let execution = begun(&caller, first);
    approve(&caller, &execution);
    succeeded(&caller, &execution);
    let mut expected = site(first, "1.0");
    assert_eq!(published(&caller), expected);

    repository.write("docs/notes.md", "Only documents.\n");
    repository.commit("Documents");
    repository.write("VERSION", "2.0\n");
    let second = repository.commit("The second version");
    let execution = begun(&caller, &second);
    approve(&caller, &execution);
    succeeded(&caller, &execution);
    expected.extend(site(&second, "2.0"));
    assert_eq!(published(&caller), expected);
    assert_eq!(caller.executions("shop").len(), 2, "{:#?}", caller.executions("shop"));
    assert_eq!(caller.executions("shop")[0]["trigger"]["triggerType"], "WebhookV2");

    let check = action(&caller, &execution, "Check");
    assert_eq!(check["output"]["outputVariables"], json!({"RESULT": "passed"}));
    assert_eq!(check["output"]["outputArtifacts"].as_array().unwrap().len(), 2);
    let beanstalk = action(&caller, &execution, "Beanstalk");
    let result = &beanstalk["output"]["executionResult"];
    assert_eq!(result["externalExecutionId"], "shop-production-1");
    let approval = action(&caller, &execution, "Approve");
    assert_eq!(approval["input"]["resolvedConfiguration"]["CustomData"], "Release shop-2.0?");
    assert_eq!(engine.containers(daemon), 0, "nothing is left behind");
}

/// The execution that runs on that commit.
fn begun(caller: &Caller, commit: &str) -> String {
    until(format_args!("an execution of {commit}"), || {
        let executions = caller.executions("shop");
        let of_commit = |execution: &&Value| execution["sourceRevisions"][0]["revisionId"] == commit;
        let found = executions.iter().find(of_commit)?;
        Some(found["pipelineExecutionId"].as_str().unwrap().to_owned())
    })
}

/// Approves the execution as soon as it asks for it.
fn approve(caller: &Caller, execution: &str) {
    let token = until("an approval is asked for", || {
        let status = caller.status("shop", execution);
        assert_eq!(status, "InProgress", "{}", told(caller, execution));
        let state = caller.call("GetPipelineState", &json!({"name": "shop"}));
        let release = &state["stageStates"][3];
        let here = release["latestExecution"]["pipelineExecutionId"] == execution;
        here.then(|| release["actionStates"][0]["latestExecution"]["token"].as_str().map(str::to_owned))
            .flatten()
    });
    let answer = json!({
        "pipelineName": "shop", "stageName": "Release", "actionName": "Approve", "token": token,
        "result": {"summary": "ship it", "status": "Approved"},
    });
    caller.call("PutApprovalResult", &answer);
}

fn succeeded(caller: &Caller, execution: &str) {
    assert_eq!(caller.ended("shop", execution), "Succeeded", "{}", told(caller, execution));
}

/// What the actions said, for whoever reads why a test failed.
fn told(caller: &Caller, execution: &str) -> String {
    let line = |action: &Value| {
        format!("{} {} {}", action["actionName"], action["status"], action["output"]["executionResult"])
    };
    caller.actions("shop", execution).iter().map(line).collect::<Vec<_>>().join("\n")
}

fn action(caller: &Caller, execution: &str, name: &str) -> Value {
    let actions = caller.actions("shop", execution);
    actions.into_iter().find(|action| action["actionName"] == name).unwrap_or_else(|| panic!("no {name}"))
}

/// All objects of the site, by their keys.
fn published(caller: &Caller) -> Vec<(String, String)> {
    let listed = caller.s3_done("GET", "/shop-site?list-type=2", b"").text();
    let keys = listed.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
    keys.map(|(key, _)| (key.to_owned(), caller.s3_done("GET", &format!("/shop-site/{key}"), b"").text()))
        .collect()
}

/// What a commit of that version becomes.
fn site(commit: &str, version: &str) -> Vec<(String, String)> {
    [
        ("about.html", "<title>About the shop</title>\n".to_owned()),
        ("bin/shop", format!("#!/bin/sh\necho \"shop {version}\"\n")),
        ("index.html", format!("<title>Shop</title>\n<p>Built from {commit}.</p>\n")),
        ("release.txt", format!("2 pages, passed\nshop {version} has passed\n")),
    ]
    .map(|(path, content)| (format!("shop-{version}/site/{path}"), content))
    .to_vec()
}
