//! Sources behind a connection: repositories at hand, or mapped to a URL.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use penstock_tests::aws::Caller;
use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::git::Repository;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};
use zip::ZipArchive;

/// A pipeline that copies its source's artifact to `<commit>.zip` of the target bucket.
pub(crate) fn create(caller: &Caller, ground: &Ground, configuration: &Value) {
    let deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "#{Src.CommitId}.zip")]);
    let declared = ground.connected_pipeline("web", configuration, &[deploy]);
    caller.call("CreatePipeline", &json!({"pipeline": declared}));
}

pub(crate) fn latest(caller: &Caller) -> (String, String) {
    let id = caller.executions("web")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    let status = caller.ended("web", &id);
    (id, status)
}

pub(crate) fn start(caller: &Caller, more: &Value) -> (String, String) {
    let mut input = json!({"name": "web"});
    for (key, value) in more.as_object().into_iter().flatten() {
        input[key] = value.clone();
    }
    let id =
        caller.call("StartPipelineExecution", &input)["pipelineExecutionId"].as_str().unwrap().to_owned();
    let status = caller.ended("web", &id);
    (id, status)
}

pub(crate) fn source(caller: &Caller, execution: &str) -> Value {
    action(caller, "web", execution)
}

fn action(caller: &Caller, pipeline: &str, execution: &str) -> Value {
    let actions = caller.actions(pipeline, execution);
    actions.into_iter().find(|action| action["actionName"] == "Source").unwrap_or_default()
}

pub(crate) fn failure(caller: &Caller, execution: &str) -> (String, String) {
    let details = source(caller, execution)["output"]["executionResult"]["errorDetails"].clone();
    let text = |key: &str| details[key].as_str().unwrap_or_default().to_owned();
    (text("code"), text("message"))
}

/// Path to mode and content of all that is in the zip.
pub(crate) fn files(bytes: Vec<u8>) -> BTreeMap<String, (u32, String)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let count = archive.len();
    let read = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut content = String::new();
        file.read_to_string(&mut content).unwrap();
        (file.name().to_owned(), (file.unix_mode().unwrap(), content))
    };
    (0..count).map(read).collect()
}

/// Waits until the daemon has looked at the repository, in as many of its lives.
fn watched(daemon: &Daemon, lives: usize) {
    let said = "commits of a mapped repository start pipelines";
    until("the repository is watched", || {
        (daemon.log().iter().filter(|line| line.contains(said)).count() == lives).then_some(())
    });
}

pub(crate) fn deployed(caller: &Caller, commit: &str) -> Vec<u8> {
    caller.s3_done("GET", &format!("/target-bucket/{commit}.zip"), b"").body
}

pub(crate) fn sample() -> (Repository, String) {
    let repository = Repository::new();
    repository.write("README.md", "hello\n");
    repository.write_program("bin/run.sh", "#!/bin/sh\n");
    repository.write("deep/\u{fc}/file", "x");
    repository.write(".gitattributes", "README.md export-ignore\n* text eol=crlf\n");
    repository.link("link", "README.md");
    let commit = repository.commit("First\n\nwith a body");
    (repository, commit)
}

pub(crate) fn hello() -> BTreeMap<String, (u32, String)> {
    let entry = |path: &str, mode, content: &str| (path.to_owned(), (mode, content.to_owned()));
    BTreeMap::from([
        entry("README.md", 0o100_644, "hello\n"),
        entry("bin/run.sh", 0o100_755, "#!/bin/sh\n"),
        entry("deep/\u{fc}/file", 0o100_644, "x"),
        entry(".gitattributes", 0o100_644, "README.md export-ignore\n* text eol=crlf\n"),
        // A link becomes its text, as at AWS.
        entry("link", 0o100_644, "README.md"),
    ])
}

#[test]
fn a_pipeline_runs_on_what_is_committed_in_a_repository_at_hand() {
    let (repository, first) = sample();
    let daemon = Daemon::start_with(&["--map-repository", &repository.mapping()]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    // Neither hooks nor what is not committed counts.
    repository.write("README.md", "not committed\n");
    repository.write("untracked", "x");
    repository.write_program(".git/hooks/post-checkout", "#!/bin/sh\ntouch \"$0.ran\"\n");
    let ran = repository.path().join(".git/ran");
    repository.git(&["config", "core.fsmonitor", &format!("touch {}", ran.display())]);
    let before = repository.records();
    create(&caller, &ground, &json!({}));
    let (id, status) = latest(&caller);
    assert_eq!(status, "Succeeded", "{:?}", failure(&caller, &id));
    let zip = deployed(&caller, &first);
    assert_eq!(files(zip.clone()), hello());
    assert_eq!(repository.records(), before, "nobody wrote to the repository");

    let shown = source(&caller, &id)["output"].clone();
    let connection = "arn:aws:codeconnections:us-east-1:000000000000:connection/any";
    assert_eq!(
        shown["outputVariables"],
        json!({
            "AuthorDate": "2026-01-02T03:04:05Z", "AuthorDisplayName": "Ann Author", "AuthorEmail": "ann@example.com",
            "BranchName": "main", "CommitId": first, "CommitMessage": "First\n\nwith a body",
            "ConnectionArn": connection, "FullRepositoryName": "owner/name", "ProviderType": "GitHub",
        })
    );
    let result = &shown["executionResult"];
    assert_eq!(result["externalExecutionId"], first.as_str());
    let summary = r#"{"ProviderType":"GitHub","CommitMessage":"First\n\nwith a body"}"#;
    assert_eq!(result["externalExecutionSummary"], summary);
    let url = result["externalExecutionUrl"].as_str().unwrap();
    let wanted = format!(
        "https://us-east-1.console.aws.amazon.com/codesuite/settings/connections/redirect?connectionArn={connection}\
         &referenceType=COMMIT&FullRepositoryId=owner/name&Commit={first}"
    );
    assert_eq!(url, wanted);
    let state =
        caller.call("GetPipelineState", &json!({"name": "web"}))["stageStates"][0]["actionStates"][0].clone();
    let entity = url
        .replace("referenceType=COMMIT", "referenceType=BRANCH")
        .replace(&format!("Commit={first}"), "Branch=main");
    assert_eq!((&state["revisionUrl"], &state["entityUrl"]), (&json!(wanted), &json!(entity)));
    let execution =
        caller.call("GetPipelineExecution", &json!({"pipelineName": "web", "pipelineExecutionId": id}));
    assert_eq!(execution["pipelineExecution"]["artifactRevisions"][0]["revisionId"], first.as_str());

    assert!(!ran.exists(), "nobody ran what the repository's settings name");
    repository.git(&["config", "--unset", "core.fsmonitor"]);
    watched(&daemon, 1);
    // The same bytes each time, also of a commit that is not the newest.
    let second = repository.commit("Second");
    until("the commit starts the pipeline", || (caller.executions("web").len() == 2).then_some(()));
    let (id, status) = latest(&caller);
    assert_eq!(status, "Succeeded", "{:?}", failure(&caller, &id));
    assert_eq!(files(deployed(&caller, &second))["README.md"].1, "not committed\n");
    let told = json!({"sourceRevisions": [
        {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": first},
    ]});
    assert_eq!(start(&caller, &told).1, "Succeeded");
    assert_eq!(deployed(&caller, &first), zip);
}

#[test]
fn commits_tags_and_branches_start_pipelines_also_those_made_while_the_daemon_is_away() {
    let (repository, _) = sample();
    let mut daemon = Daemon::start_with(&["--map-repository", &repository.mapping()]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    let triggered = |name: &str, push: Value| {
        let mut declared = ground.connected_pipeline(
            name,
            &json!({"DetectChanges": "false"}),
            &[stage("Deploy", &[ground.deploy("Deploy", 1, name)])],
        );
        declared["triggers"] = json!([{
            "providerType": "CodeStarSourceConnection",
            "gitConfiguration": {"sourceActionName": "Source", "push": [push]},
        }]);
        caller.call("CreatePipeline", &json!({"pipeline": declared}));
    };
    create(&caller, &ground, &json!({}));
    triggered("tags", json!({"tags": {"includes": ["v*"]}}));
    triggered("docs", json!({"branches": {"includes": ["main"]}, "filePaths": {"includes": ["docs/**"]}}));
    triggered("branches", json!({"branches": {"includes": ["feature/*"]}}));
    let count = |name: &str| caller.executions(name).len();
    let all = ["web", "tags", "docs", "branches"];
    for name in all {
        until("the first execution", || (count(name) == 1).then_some(()));
    }
    watched(&daemon, 1);

    repository.write("docs/a.md", "a");
    let commit = repository.commit("Docs");
    until("both hear of it", || (count("web") == 2 && count("docs") == 2).then_some(()));
    let trigger = caller.executions("docs")[0]["trigger"].clone();
    assert_eq!(trigger["triggerType"], "WebhookV2");
    assert!(trigger["triggerDetail"].as_str().unwrap().contains(&commit), "{trigger}");
    assert_eq!(caller.executions("web")[0]["trigger"]["triggerType"], "Webhook");
    repository.git(&["tag", "-a", "v1", "-m", "annotated"]);
    repository.git(&["tag", "other"]);
    repository.git(&["branch", "feature/x"]);
    until("the tag and the branch", || (count("tags") == 2 && count("branches") == 2).then_some(()));
    assert_eq!((count("web"), count("docs")), (2, 2));
    let id = caller.executions("tags")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    caller.ended("tags", &id);
    let variables = action(&caller, "tags", &id)["output"]["outputVariables"].clone();
    assert_eq!((&variables["TagName"], &variables["CommitId"]), (&json!("v1"), &json!(commit)));

    daemon.kill();
    repository.write("docs/b.md", "b");
    repository.commit("While it is away");
    repository.write("docs/c.md", "c");
    let newest = repository.commit("Twice");
    repository.git(&["pack-refs", "--all"]);
    daemon.start_again();
    until("it counts", || (count("web") == 3 && count("docs") == 3).then_some(()));
    assert_eq!(latest(&caller).1, "Succeeded");
    deployed(&caller, &newest);
    daemon.kill();
    daemon.start_again();
    watched(&daemon, 3);
    assert_eq!(all.map(count), [3, 2, 3, 2], "once");
}

#[test]
fn a_repository_elsewhere_is_looked_at_time_and_again() {
    let (repository, _) = sample();
    let host = Daemon::start();
    let made = json!({"repositoryName": "there"});
    let made = host.caller().json("codecommit", "CodeCommit_20150413.CreateRepository", &made).unwrap();
    let url = made["repositoryMetadata"]["cloneUrlHttp"].as_str().unwrap();
    let push = |what: &str| repository.git(&["push", "--quiet", "--force", url, what]);
    push("main");
    let mapping = format!("owner/name={url}");
    let mut daemon = Daemon::start_with(&["--poll-interval", "1", "--map-repository", &mapping]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    create(&caller, &ground, &json!({}));
    let deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "docs")]);
    let mut docs = ground.connected_pipeline("docs", &json!({"DetectChanges": "false"}), &[deploy]);
    docs["triggers"] = json!([{
        "providerType": "CodeStarSourceConnection",
        "gitConfiguration": {"sourceActionName": "Source", "push": [
            {"branches": {"includes": ["main", "feature/*"]}, "filePaths": {"includes": ["docs/**"]}},
            {"tags": {"includes": ["v*"]}},
        ]},
    }]);
    caller.call("CreatePipeline", &json!({"pipeline": docs}));
    let count = |name: &str| caller.executions(name).len();
    until("the first executions", || (count("web") == 1 && count("docs") == 1).then_some(()));
    watched(&daemon, 1);

    repository.write("docs/a.md", "a");
    let commit = repository.commit("Docs");
    push("main");
    until("both hear of it", || (count("web") == 2 && count("docs") == 2).then_some(()));
    assert_eq!(latest(&caller).1, "Succeeded");
    deployed(&caller, &commit);
    // A commit of another branch than the action's, which only a tag has.
    repository.write("a", "a");
    let tagged = repository.commit("No docs");
    repository.git(&["tag", "-a", "v1", "-m", "annotated"]);
    push("v1");
    until("the tag", || (count("docs") == 3).then_some(()));
    let id = caller.executions("docs")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("docs", &id), "Succeeded");
    let variables = action(&caller, "docs", &id)["output"]["outputVariables"].clone();
    assert_eq!((&variables["TagName"], &variables["CommitId"]), (&json!("v1"), &json!(tagged)));

    daemon.kill();
    repository.write("docs/b.md", "b");
    repository.commit("While it is away");
    push("main");
    daemon.start_again();
    until("it counts", || (count("web") == 3 && count("docs") == 4).then_some(()));
    until("what was fetched is gone", || {
        let mut left = std::fs::read_dir(daemon.data()).unwrap().flatten();
        let is_left = left.any(|entry| entry.file_name().to_string_lossy().starts_with("penstock-git-"));
        (!is_left).then_some(())
    });
}

#[test]
fn a_clone_reference_says_where_a_build_finds_the_commit() {
    let (repository, commit) = sample();
    let daemon = Daemon::start_with(&["--map-repository", &repository.mapping()]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    create(&caller, &ground, &json!({"OutputArtifactFormat": "CODEBUILD_CLONE_REF"}));
    assert_eq!(latest(&caller).1, "Succeeded");
    let reference: Value = serde_json::from_slice(&deployed(&caller, &commit)).unwrap();
    assert_eq!(
        reference,
        json!({
            "AccountId": "000000000000", "BranchName": "main", "CloneUrl": repository.path().to_str().unwrap(),
            "CommitId": commit, "ConnectionArn": "arn:aws:codeconnections:us-east-1:000000000000:connection/any",
            "FullRepositoryName": "owner/name",
        })
    );
}

#[test]
fn what_is_wrong_with_a_mapping_a_branch_or_a_commit_is_named() {
    let (repository, _) = sample();
    let other = Repository::new();
    let nothing = other.path().join("nothing");
    let flags = [
        "--map-repository",
        &repository.mapping(),
        "--map-repository",
        &format!("owner/gone={}", nothing.display()),
        "--map-repository",
        &format!("owner/empty={}", other.path().display()),
        "--map-repository",
        "owner/far=http://127.0.0.1:1/x.git",
        "--github-api-url",
        "http://127.0.0.1:1",
    ];
    let daemon = Daemon::start_with(&flags);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    create(&caller, &ground, &json!({}));
    assert_eq!(latest(&caller).1, "Succeeded");
    let with = |configuration: Value| {
        let deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "x")]);
        let declared = ground.connected_pipeline("web", &configuration, &[deploy]);
        caller.call("UpdatePipeline", &json!({"pipeline": declared}));
        let (id, status) = start(&caller, &json!({}));
        assert_eq!(status, "Failed", "{configuration}");
        failure(&caller, &id)
    };
    for (configuration, code, said) in [
        (json!({"BranchName": "nobody"}), "ConfigurationError", "No branch [nobody] was found"),
        (
            json!({"BranchName": "--upload-pack=touch /tmp/x"}),
            "ConfigurationError",
            "no branch can have such a name",
        ),
        (json!({"BranchName": "main^"}), "ConfigurationError", "no branch can have such a name"),
        (json!({"FullRepositoryId": "owner/gone"}), "ConfigurationError", "is not a git repository"),
        (json!({"FullRepositoryId": "owner/empty"}), "ConfigurationError", "No branch [main] was found"),
        (json!({"FullRepositoryId": "owner/far"}), "ConfigurationError", "git ls-remote failed"),
        (json!({"FullRepositoryId": "owner/nobody"}), "JobFailed", "--map-repository owner/nobody=PATH"),
        (
            json!({"FullRepositoryId": "owner/../name"}),
            "ConfigurationError",
            "is not the full id of a repository",
        ),
        (
            json!({"ConnectionArn": "arn:aws:s3:::x"}),
            "PermissionError",
            "Unable to use Connection: arn:aws:s3:::x.",
        ),
        (json!({"OutputArtifactFormat": "TAR"}), "ConfigurationError", "neither 'CODE_ZIP' nor"),
    ] {
        let (found, message) = with(configuration.clone());
        assert_eq!(found, code, "{configuration}: {message}");
        assert!(message.contains(said), "{configuration}: {message}");
    }
    let declared = ground.connected_pipeline("web", &json!({}), &[stage("D", &[ground.deploy("D", 1, "x")])]);
    caller.call("UpdatePipeline", &json!({"pipeline": declared}));
    for (commit, said) in
        [("0".repeat(40), "No commit 000"), ("main".to_owned(), "is not the id of a commit")]
    {
        let told = json!({"sourceRevisions": [
            {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": commit},
        ]});
        let (id, status) = start(&caller, &told);
        assert_eq!(status, "Failed");
        assert!(failure(&caller, &id).1.contains(said), "{:?}", failure(&caller, &id));
    }
    let data: Vec<_> =
        std::fs::read_dir(daemon.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!data.iter().any(|name| name.to_string_lossy().starts_with("penstock-git-")), "{data:?}");
}

#[test]
fn connections_are_available_at_once_under_both_names_of_their_service() {
    let Some(clients) = Clients::or_skip("connections") else { return };
    let daemon = Daemon::start();
    clients.python("connections_check.py", &daemon.url(), &[]);
}
