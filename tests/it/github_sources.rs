//! Sources behind a connection whose repository is at GitHub: one that plays GitHub's API, and what is asked of it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use penstock_tests::daemon::Daemon;
use penstock_tests::git::git;
use penstock_tests::http::Request;
use penstock_tests::pipelines::{Ground, stage};
use serde_json::{Value, json};

use super::git_sources::{create, deployed, failure, files, hello, latest, sample, source, start};

/// Plays GitHub: path to answer. What it was asked is kept.
struct GitHub {
    address: SocketAddr,
    asked: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl GitHub {
    fn start(answers: BTreeMap<String, (u16, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let kept = std::sync::Arc::clone(&asked);
        thread::spawn(move || {
            for peer in listener.incoming().map_while(Result::ok) {
                let head = head_of(&peer);
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                kept.lock().unwrap().push(head);
                let answer = answers.get(&path).cloned();
                let (status, body) = answer.unwrap_or((404, br#"{"message": "Not Found"}"#.to_vec()));
                let _ = respond(peer, status, &body);
            }
        });
        Self { address, asked }
    }
}

fn head_of(mut peer: &TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && peer.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn respond(mut peer: TcpStream, status: u16, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(peer, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")?;
    peer.write_all(body)
}

#[test]
fn a_repository_that_is_not_mapped_is_taken_from_github() {
    let (repository, commit) = sample();
    // GitHub's own archives heed attributes; those of this test lie beside the commit.
    std::fs::remove_file(repository.path().join(".gitattributes")).unwrap();
    let plain = repository.commit("Plain");
    let archive = repository.path().join("archive.tar.gz");
    let made = git(repository.path())
        .args(["archive", "--format=tar.gz", "--prefix=owner-name-abc/", "-o"])
        .arg(&archive)
        .arg(&plain)
        .status()
        .unwrap();
    assert!(made.success());
    let facts = |sha: &str| {
        json!({
            "sha": sha, "author": {"id": 7, "login": "ann"},
            "commit": {
                "message": "Plain", "author": {"name": "Ann", "email": "a@x", "date": "2026-01-02T03:04:05Z"},
                "committer": {"name": "Carl", "email": "c@x", "date": "2026-01-02T03:04:06Z"},
            },
        })
    };
    let json_of = |value: Value| (200, value.to_string().into_bytes());
    let github = GitHub::start(BTreeMap::from([
        ("/api/repos/owner/name/branches/main".to_owned(), json_of(json!({"commit": facts(&plain)}))),
        ("/api/repos/owner/name/branches/a%2Fb".to_owned(), (200, b"<html>It works!</html>".to_vec())),
        (
            "/api/repos/owner/name/branches/limited".to_owned(),
            (403, br#"{"message": "API rate limit exceeded"}"#.to_vec()),
        ),
        (format!("/api/repos/owner/name/tarball/{plain}"), (200, std::fs::read(&archive).unwrap())),
        (format!("/api/repos/owner/name/commits/{commit}"), json_of(facts(&commit))),
        (format!("/api/repos/owner/name/tarball/{commit}"), (200, b"not a tar".to_vec())),
    ]));
    let url = format!("http://{}/api/", github.address);
    let daemon = Daemon::start_with(&["--github-api-url", &url]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    create(&caller, &ground, &json!({}));
    let (id, status) = latest(&caller);
    assert_eq!(status, "Succeeded", "{:?}", failure(&caller, &id));
    let mut wanted = hello();
    wanted.remove(".gitattributes");
    assert_eq!(files(deployed(&caller, &plain)), wanted);
    let variables = source(&caller, &id)["output"]["outputVariables"].clone();
    assert_eq!((&variables["AuthorId"], &variables["AuthorDisplayName"]), (&json!("7"), &json!("Ann")));
    let asked = github.asked.lock().unwrap().join("\n");
    assert!(asked.contains("/api/repos/owner/name/branches/main"), "{asked}");

    let told = json!({"sourceRevisions": [
        {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": commit},
    ]});
    let (id, status) = start(&caller, &told);
    assert_eq!(status, "Failed");
    assert!(
        failure(&caller, &id).1.contains("archive that GitHub sent cannot be read"),
        "{:?}",
        failure(&caller, &id)
    );
    for (branch, said) in [
        ("a/b", "its answer is not one of GitHub"),
        ("limited", "API rate limit exceeded"),
        ("nobody", "CODEPIPELINE_GH_TOKEN"),
    ] {
        let deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "x")]);
        let declared = ground.connected_pipeline("web", &json!({"BranchName": branch}), &[deploy]);
        caller.call("UpdatePipeline", &json!({"pipeline": declared}));
        let (id, status) = start(&caller, &json!({}));
        assert_eq!(status, "Failed");
        let (code, message) = failure(&caller, &id);
        assert_eq!(code, "JobFailed");
        assert!(message.contains(said), "{branch}: {message}");
    }
}

#[test]
fn a_filter_by_path_takes_a_pull_request_by_the_files_that_github_says_it_changes() {
    let files = |names: &[&str]| {
        let files: Vec<Value> =
            names.iter().map(|name| json!({"filename": name, "status": "modified"})).collect();
        (200, json!(files).to_string().into_bytes())
    };
    let github = GitHub::start(BTreeMap::from([
        ("/api/repos/owner/name/pulls/1/files?per_page=100".to_owned(), files(&["docs/a.md", "src/main.rs"])),
        ("/api/repos/owner/name/pulls/2/files?per_page=100".to_owned(), files(&["docs/a.md"])),
    ]));
    let url = format!("http://{}/api/", github.address);
    let mut daemon = Daemon::start_with(&["--github-api-url", &url]);
    daemon.announce("filters by path do not take a pull request");
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    let deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "out")]);
    let mut declared = ground.connected_pipeline("web", &json!({}), &[deploy]);
    let filter = json!({"events": ["OPEN"], "branches": {"includes": ["main"]}, "filePaths": {"includes": ["src/**"]}});
    declared["triggers"] = json!([{"providerType": "CodeStarSourceConnection",
        "gitConfiguration": {"sourceActionName": "Source", "pullRequest": [filter]}}]);
    caller.call("CreatePipeline", &json!({"pipeline": declared}));
    let opened = |number: u64, to: &str| {
        let event = json!({"action": "opened", "number": number, "repository": {"full_name": "owner/name"},
            "pull_request": {"title": "Tax", "head": {"ref": "fix", "sha": "dead"}, "base": {"ref": to}}});
        let request = Request::new("POST", "/_penstock/github").header("X-GitHub-Event", "pull_request");
        request.body(event.to_string().into_bytes()).send(daemon.address()).unwrap().status
    };
    assert_eq!(opened(1, "main"), 200);
    assert_eq!(opened(2, "main"), 202);
    // GitHub has no such pull request, so that nobody knows its files.
    assert_eq!(opened(3, "main"), 202);
    let asked = |number: u64| {
        let wanted = format!("pulls/{number}/files");
        github.asked.lock().unwrap().iter().filter(|head| head.contains(&wanted)).count()
    };
    assert_eq!((asked(1), asked(2), asked(3)), (1, 1, 1));
    // What the branch rules out already is not asked about.
    assert_eq!(opened(1, "other"), 202);
    assert_eq!(asked(1), 1);
}
