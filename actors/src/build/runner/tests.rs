//! The runners by themselves: on the host always, in containers where `PENSTOCK_TEST_IMAGE` names an image.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Read;

use super::super::buildspec::Buildspec;
use super::super::script::{Event, Plan};
use super::super::streams::{PieceReader, PieceWriter};
use super::*;

struct Ran {
    lines: Vec<(u64, String)>,
    events: Vec<Event>,
}

fn runners() -> Vec<(Runner, tempfile::TempDir)> {
    let settings = |choice, folder: &tempfile::TempDir| Settings {
        choice,
        images: BTreeMap::from([(
            "aws/codebuild/x".to_owned(),
            std::env::var("PENSTOCK_TEST_IMAGE").unwrap_or_default(),
        )]),
        owner: folder.path().display().to_string(),
        process: None,
        folder: folder.path().join("builds"),
        docker_host: std::env::var("DOCKER_HOST").ok(),
    };
    let choices: &[Choice] = if std::env::var("PENSTOCK_TEST_IMAGE").is_ok() {
        &[Choice::Host, Choice::Docker]
    } else {
        eprintln!("skipped: runners in containers: PENSTOCK_TEST_IMAGE names no image");
        &[Choice::Host]
    };
    let with_folder = |choice: &Choice| {
        let folder = tempfile::tempdir().unwrap();
        (Runner::new(settings(*choice, &folder)), folder)
    };
    choices.iter().map(with_folder).collect()
}

fn order(runner: &Runner, id: &str) -> Order {
    let root = runner.root(id);
    let mut environment = runner.own_environment();
    environment.push(("CODEBUILD_SRC_DIR".to_owned(), format!("{root}/src")));
    environment.push(("CODEBUILD_BUILD_SUCCEEDING".to_owned(), "1".to_owned()));
    Order {
        id: id.to_owned(),
        image: "aws/codebuild/x".to_owned(),
        environment,
        memory: 1_000_000,
        cpus: 1000,
        privileged: false,
        control: format!("{root}/control"),
    }
}

fn archive(spec: &str) -> Pieces {
    let spec = Buildspec::parse(&format!("version: 0.2\n{spec}")).unwrap();
    let files = Plan { shell: spec.environment.shell, phases: spec.phases }.files();
    let (sender, pieces) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut builder = tar::Builder::new(PieceWriter::new(sender));
        let mut add = |path: String, mode, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_mode(mode);
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, bytes).unwrap();
        };
        for (name, text) in files {
            add(format!("control/{name}"), 0o644, text.as_bytes());
        }
        add("src/tool.sh".to_owned(), 0o755, b"#!/bin/sh\necho tool\n");
        add("src/large".to_owned(), 0o644, &vec![b'x'; 3_000_000]);
        builder.finish().unwrap();
    });
    pieces
}

async fn begun(runner: &Runner, id: &str, spec: &str) -> Order {
    let order = order(runner, id);
    runner.prepare(&order).await.unwrap();
    assert_eq!(runner.state(id).await.unwrap(), State::Prepared);
    runner.put(id, archive(spec)).await.unwrap();
    runner.start(&order).await.unwrap();
    assert_eq!(runner.state(id).await.unwrap(), State::Started);
    order
}

async fn watched(runner: &Runner, order: &Order, from: u64) -> Ran {
    let (sender, mut news) = mpsc::channel(16);
    let take = async {
        let mut ran = Ran { lines: Vec::new(), events: Vec::new() };
        let mut last = 0;
        while let Some(each) = news.recv().await {
            match each {
                News::Line { position, text, .. } => ran.lines.push((position, text)),
                News::Told(told) if told.number > last => {
                    last = told.number;
                    ran.events.push(told.what);
                }
                News::Told(_) => {}
            }
        }
        ran
    };
    let watch = async move {
        let listener = Listener { news: sender, is_full: Arc::default() };
        runner.watch(&order.id, &order.control, from, &listener).await.unwrap();
    };
    tokio::join!(take, watch).0
}

async fn fetched(runner: &Runner, id: &str, path: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let pieces = runner.fetch(id, path).await.unwrap()?;
    let read = tokio::task::spawn_blocking(move || {
        let mut archive = tar::Archive::new(PieceReader::new(pieces));
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().display().to_string(), bytes)
        });
        entries.filter(|(_, bytes)| !bytes.is_empty()).collect()
    });
    Some(read.await.unwrap())
}

#[tokio::test]
async fn files_go_in_and_out_and_words_are_told() {
    for (runner, _folder) in runners() {
        let spec = "phases: {build: {commands: [./tool.sh, 'mkdir out; cp large out/copy', 'echo $PWD; echo to stderr >&2']}}";
        let order = begun(&runner, "a1", spec).await;
        let ran = watched(&runner, &order, 0).await;
        let said: Vec<&str> = ran.lines.iter().map(|(_, text)| text.as_str()).collect();
        let root = runner.root("a1");
        for line in ["tool", "to stderr", &format!("{root}/src")] {
            assert!(said.contains(&line), "{line}: {said:#?}");
        }
        assert_eq!(ran.events.last(), Some(&Event::Finished));
        let again = watched(&runner, &order, ran.lines[2].0).await;
        assert_eq!(again.lines, ran.lines[3..], "a log is read on from any line");
        let files = fetched(&runner, "a1", &format!("{root}/src/out")).await.unwrap();
        assert_eq!(files, [("out/copy".to_owned(), vec![b'x'; 3_000_000])]);
        assert!(fetched(&runner, "a1", &format!("{root}/src/none")).await.is_none());
        assert_eq!(runner.left().await.unwrap(), ["a1"]);
        runner.remove("a1").await.unwrap();
        runner.remove("a1").await.unwrap();
        assert_eq!(runner.state("a1").await.unwrap(), State::Absent);
        assert_eq!(runner.left().await.unwrap(), [""; 0]);
    }
}

#[tokio::test]
async fn a_killed_build_ends_with_all_its_processes() {
    for (runner, _folder) in runners() {
        let order = begun(&runner, "b1", "phases: {build: {commands: ['sleep 600 & sleep 600']}}").await;
        let (ran, ()) = tokio::join!(watched(&runner, &order, 0), runner.kill("b1"));
        assert!(!ran.events.contains(&Event::Finished));
        runner.remove("b1").await.unwrap();
    }
}

#[tokio::test]
async fn what_a_former_try_left_does_not_come_again() {
    for (runner, _folder) in runners() {
        let order = begun(&runner, "c1", "phases: {build: {commands: [touch old]}}").await;
        watched(&runner, &order, 0).await;
        let order = begun(&runner, "c1", "phases: {build: {commands: ['[ ! -e old ]']}}").await;
        let ran = watched(&runner, &order, 0).await;
        assert!(!ran.events.iter().any(|event| matches!(event, Event::Failed(_))), "{:?}", ran.lines);
        runner.remove("c1").await.unwrap();
    }
}

#[tokio::test]
async fn a_build_that_says_too_much_fills_no_disk() {
    let folder = tempfile::tempdir().unwrap();
    let runner = Runner::Host(Host::new(folder.path().join("builds")));
    let spec = "phases: {build: {commands: ['yes 0123456789 | head -c 700000000', 'wc -c < ../output > ../length', echo end]}}";
    let order = begun(&runner, "d1", spec).await;
    let (news, mut heard) = mpsc::channel(16);
    let is_full = Arc::new(AtomicBool::new(false));
    let listener = Listener { news, is_full: Arc::clone(&is_full) };
    let take = async {
        let (mut bytes, mut finished) = (0, false);
        while let Some(each) = heard.recv().await {
            match each {
                News::Line { text, .. } => bytes += text.len() as u64,
                News::Told(told) => finished |= told.what == Event::Finished,
            }
            is_full.store(bytes > LONGEST_LOG, std::sync::atomic::Ordering::Relaxed);
        }
        (bytes, finished)
    };
    let watch = async move { runner.watch("d1", &order.control, 0, &listener).await };
    let ((bytes, finished), watched) = tokio::join!(take, watch);
    watched.unwrap();
    assert!(finished);
    assert!((LONGEST_LOG..2 * LONGEST_LOG).contains(&bytes), "{bytes}");
    let left = std::fs::read_to_string(folder.path().join("builds/d1/length")).unwrap();
    assert!(left.trim().parse::<u64>().unwrap() < 4 * LONGEST_LOG, "{left}");
}
