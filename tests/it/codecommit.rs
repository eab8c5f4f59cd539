//! CodeCommit: real clones and pushes over HTTP, pipelines that a push starts, and requests that no git would send.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;
use std::process::Command;

use penstock_tests::aws::Caller;
use penstock_tests::clients::{Clients, finished};
use penstock_tests::daemon::Daemon;
use penstock_tests::git::{Repository, git};
use penstock_tests::http::{Answer, Request};
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};
use tempfile::TempDir;

fn codecommit(daemon: &Daemon, operation: &str, input: &Value) -> Answer {
    Request::new("POST", "/")
        .header("x-amz-target", &format!("CodeCommit_20150413.{operation}"))
        .header("content-type", "application/x-amz-json-1.1")
        .header("authorization", &daemon.caller().authorization("codecommit"))
        .body(input.to_string())
        .send(daemon.address())
        .unwrap()
}

fn created(daemon: &Daemon, name: &str) -> String {
    let answer = codecommit(daemon, "CreateRepository", &json!({"repositoryName": name}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["repositoryMetadata"]["cloneUrlHttp"].as_str().unwrap().to_owned()
}

fn push(repository: &Repository, url: &str, what: &str) {
    repository.git(&["push", "--quiet", url, what]);
}

/// Runs git where it must fail: what it says.
fn refused(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{command:?} succeeded");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn cloned(url: &str, into: &Path) {
    finished(git(Path::new("/")).args(["clone", "--quiet", url]).arg(into), "git clone");
}

fn pipeline(ground: &Ground, name: &str, configuration: &Value) -> Value {
    let deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "#{Src.CommitId}.zip")]);
    let mut declared = ground.pipeline(name, &[deploy]);
    declared["stages"][0]["actions"] = json!([{
        "name": "Source",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "CodeCommit", "version": "1"},
        "configuration": configuration,
        "outputArtifacts": [{"name": "Source"}],
        "namespace": "Src",
    }]);
    declared
}

fn source(caller: &Caller, pipeline: &str, execution: &str) -> Value {
    let actions = caller.actions(pipeline, execution);
    actions.into_iter().find(|action| action["actionName"] == "Source").unwrap_or_default()
}

#[test]
fn a_push_starts_the_pipelines_that_poll_and_a_clone_gets_it_back() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    let url = created(&daemon, "web");
    assert_eq!(url, format!("{}/v1/repos/web", daemon.url()));
    let repository = Repository::new();
    repository.write("README.md", "hello\n");
    repository.write_program("run.sh", "#!/bin/sh\n");
    let first = repository.commit("First");
    push(&repository, &url, "main");

    let polls = json!({"RepositoryName": "web", "BranchName": "main"});
    let waits = json!({"RepositoryName": "web", "BranchName": "main", "PollForSourceChanges": "false"});
    let follows_other = json!({"RepositoryName": "web", "BranchName": "other"});
    for (name, configuration) in [("polls", &polls), ("waits", &waits), ("other", &follows_other)] {
        caller.call("CreatePipeline", &json!({"pipeline": pipeline(&ground, name, configuration)}));
    }
    let id = caller.executions("polls")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("polls", &id), "Succeeded");
    let shown = source(&caller, "polls", &id)["output"].clone();
    assert_eq!(
        shown["outputVariables"],
        json!({
            "AuthorDate": "2026-01-02T03:04:05Z", "BranchName": "main", "CommitId": first, "CommitMessage": "First",
            "CommitterDate": "2026-01-02T03:04:06Z", "RepositoryName": "web",
        })
    );
    assert_eq!(shown["executionResult"]["externalExecutionSummary"], "First");
    let state = caller.call("GetPipelineState", &json!({"name": "polls"}))["stageStates"][0]["actionStates"]
        [0]
    .clone();
    let page = "https://us-east-1.console.aws.amazon.com/codecommit/home#/repository/web";
    assert_eq!(state["entityUrl"], format!("{page}/browse/main/--/"));
    assert_eq!(state["revisionUrl"], format!("{page}/commit/{first}"));
    let zip = caller.s3_done("GET", &format!("/target-bucket/{first}.zip"), b"").body;
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    assert_eq!(names, ["README.md", "run.sh"]);
    let mut file = archive.by_name("run.sh").unwrap();
    assert_eq!(file.unix_mode(), Some(0o100_755));
    let mut content = String::new();
    file.read_to_string(&mut content).unwrap();
    assert_eq!(content, "#!/bin/sh\n");

    // Large enough for git to send it in chunks.
    let noise: String =
        (0..300_000_u64).map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    repository.write("noise", &noise);
    let second = repository.commit("Second");
    push(&repository, &url, "main");
    until("the push starts it", || (caller.executions("polls").len() == 2).then_some(()));
    let newest = caller.executions("polls")[0].clone();
    assert_eq!(newest["trigger"], json!({"triggerType": "PollForSourceChanges", "triggerDetail": "Source"}));
    let id = newest["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("polls", &id), "Succeeded");
    assert_eq!(source(&caller, "polls", &id)["output"]["outputVariables"]["CommitId"], second.as_str());
    assert_eq!(caller.executions("waits").len(), 1);
    assert_eq!(caller.executions("other").len(), 1);

    daemon.kill();
    daemon.start_again();
    let clone = TempDir::new().unwrap();
    cloned(&url, &clone.path().join("web"));
    assert_eq!(std::fs::read_to_string(clone.path().join("web/noise")).unwrap(), noise);
    let head = finished(git(&clone.path().join("web")).args(["rev-parse", "HEAD"]), "git rev-parse");
    assert_eq!(head.trim(), second);
    push(&repository, &url, "main");
    push(&repository, &url, "main:other");
    until("the other branch starts its own", || (caller.executions("other").len() == 2).then_some(()));
    assert_eq!(caller.executions("polls").len(), 2, "nothing new on main");
    push(&repository, &url, ":other");

    let many: BTreeMap<String, ()> = (0..300).map(|number| (format!("b/{number}"), ())).collect();
    for name in many.keys() {
        repository.git(&["branch", name]);
    }
    push(&repository, &url, "--all");
    repository.commit("Third");
    push(&repository, &url, "main");
    // A fetch that knows much already: git compresses what it asks for.
    finished(git(&clone.path().join("web")).args(["fetch", "--quiet", "--all"]), "git fetch");
    let listed = codecommit(&daemon, "ListBranches", &json!({"repositoryName": "web"})).json();
    assert_eq!(listed["branches"].as_array().unwrap().len(), 301);
}

#[test]
fn what_is_not_there_or_no_git_would_send_is_refused() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let url = created(&daemon, "web");
    daemon.announce("cannot be served");
    let repository = Repository::new();
    repository.commit("First");
    let missing = url.replace("web", "nobody");
    let said = refused(git(repository.path()).args(["push", &missing, "main"]));
    assert!(said.contains("not found"), "{said}");
    let ask =
        |method: &str, target: &str| Request::new(method, target).send(daemon.address()).unwrap().status;
    for (method, target, status) in [
        ("GET", "/v1/repos/web/info/refs?service=git-upload-pack", 200),
        ("GET", "/v1/repos/web/info/refs", 403),
        ("GET", "/v1/repos/web/info/refs?service=git-upload-archive", 403),
        ("GET", "/v1/repos/web/HEAD", 404),
        ("GET", "/v1/repos/web/objects/info/packs", 404),
        ("GET", "/v1/repos/web", 404),
        ("GET", "/v1/repos/", 404),
        ("GET", "/v1/repos/../web/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/..%2fweb/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/%2e%2e/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/--exec=x/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/web/git-upload-pack", 404),
        ("PUT", "/v1/repos/web/git-receive-pack", 404),
        ("POST", "/v1/repos/web/git-upload-archive", 404),
        ("POST", "/v1/repos/nobody/git-receive-pack", 404),
    ] {
        assert_eq!(ask(method, target), status, "{method} {target}");
    }
    for nonsense in [&b""[..], b"nonsense", b"ffff", b"0000", b"00000000PACK", &[0; 5000]] {
        for service in ["git-upload-pack", "git-receive-pack"] {
            let target = format!("/v1/repos/web/{service}");
            let answer = Request::new("POST", &target).body(nonsense).send(daemon.address()).unwrap();
            assert!(answer.status < 500, "{service} {nonsense:?}: {}", answer.status);
        }
    }
    let bomb = Request::new("POST", "/v1/repos/web/git-upload-pack").header("content-encoding", "gzip");
    assert_eq!(bomb.body("not gzip").send(daemon.address()).unwrap().status, 400);
    let strange = Request::new("POST", "/v1/repos/web/git-receive-pack").header("content-encoding", "br");
    assert_eq!(strange.body("x").send(daemon.address()).unwrap().status, 415);
    let page = Request::new("POST", "/v1/repos/web/git-receive-pack").header("sec-fetch-site", "cross-site");
    assert_eq!(page.send(daemon.address()).unwrap().status, 403);
    let protocol = Request::new("GET", "/v1/repos/web/info/refs?service=git-upload-pack")
        .header("git-protocol", "version=2\u{7f}; x")
        .send(daemon.address())
        .unwrap();
    assert!(protocol.status == 200 || protocol.status == 400, "{}", protocol.status);
    push(&repository, &url, "main");
    let ground = Ground::prepare(&caller, b"");
    let configure =
        |repository: &str, branch: &str| json!({"RepositoryName": repository, "BranchName": branch});
    for (name, repository, branch, said) in [
        ("gone", "nobody", "main", "Could not access the CodeCommit repository nobody."),
        ("branchless", "web", "nobody", "No branch nobody was found in the CodeCommit repository web"),
        ("evil", "web", "--output=/tmp/x", "No branch --output=/tmp/x was found"),
    ] {
        let declared = pipeline(&ground, name, &configure(repository, branch));
        caller.call("CreatePipeline", &json!({"pipeline": declared}));
        let id = caller.executions(name)[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
        assert_eq!(caller.ended(name, &id), "Failed");
        let details = source(&caller, name, &id)["output"]["executionResult"]["errorDetails"].clone();
        assert_eq!(details["code"], "ConfigurationError");
        assert!(details["message"].as_str().unwrap().contains(said), "{details}");
    }
}

#[test]
fn files_are_put_without_git_and_start_the_pipelines_that_poll() {
    let Some(clients) = Clients::or_skip("files of codecommit") else { return };
    let daemon = Daemon::start();
    clients.python("codecommit_files_check.py", &daemon.url(), &[]);

    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    created(&daemon, "shop");
    let put = |path: &str, parent: Option<&str>| {
        // `hello\n`, in base64.
        let mut input = json!({"repositoryName": "shop", "branchName": "main", "filePath": path, "fileContent": "aGVsbG8K"});
        if let Some(parent) = parent {
            input["parentCommitId"] = json!(parent);
        }
        let answer = codecommit(&daemon, "PutFile", &input).json();
        answer["commitId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let first = put("a", None);
    let polls = json!({"RepositoryName": "shop", "BranchName": "main"});
    caller.call("CreatePipeline", &json!({"pipeline": pipeline(&ground, "shop", &polls)}));
    let second = put("b", Some(&first));
    until("the file starts it", || (caller.executions("shop").len() == 2).then_some(()));
    let id = caller.executions("shop")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("shop", &id), "Succeeded");
    assert_eq!(source(&caller, "shop", &id)["output"]["outputVariables"]["CommitId"], second.as_str());
    let clone = TempDir::new().unwrap();
    cloned(&format!("{}/v1/repos/shop", daemon.url()), &clone.path().join("shop"));
    assert_eq!(std::fs::read_to_string(clone.path().join("shop/b")).unwrap(), "hello\n");
}

#[test]
fn codecommits_operations_answer_boto3_about_what_was_pushed() {
    let Some(clients) = Clients::or_skip("codecommit") else { return };
    let daemon = Daemon::start();
    let repository = Repository::new();
    repository.write("a", "b");
    let commit = repository.commit("First\n\nbody");
    clients.python("codecommit_check.py", &daemon.url(), &["before"]);
    push(&repository, &format!("{}/v1/repos/web", daemon.url()), "main");
    clients.python("codecommit_check.py", &daemon.url(), &["after", &commit]);
}
