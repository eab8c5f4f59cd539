//! Large answers: a pipeline at its limits, and one with a long history.

use std::path::Path;
use std::time::Duration;

use penstock_tests::pipelines::{Ground, stage};
use serde_json::{Value, json};

use crate::client::{Connection, codepipeline, rate};
use crate::executions::{create, settle};
use crate::process::Daemon;
use crate::report::{Aim, Report};
use crate::{CONNECTIONS, NONE, silence};

/// How much is measured.
pub(crate) struct Size {
    /// For how long each rate is taken.
    pub(crate) lasting: Duration,
    /// How many executions are listed.
    pub(crate) executions: usize,
}

const STAGES: usize = 50;
/// A pipeline has at most 1,000 actions: 50 in every stage would be refused.
const ACTIONS: usize = 1000;

pub(crate) fn measure(folder: &Path, size: &Size, report: &mut Report) {
    // Nothing of so many actions is to be run: their S3 never answers.
    let flags = ["--endpoint-url-s3".to_owned(), silence::listen()];
    let daemon = Daemon::start(&folder.join("large"), &flags);
    let role = daemon.caller().make_role("pipelines", "codepipeline.amazonaws.com");
    let ground =
        Ground { role, source: "source".to_owned(), target: "target".to_owned(), store: "store".to_owned() };
    state(&daemon, &ground, size, report);
    drop(daemon);
    let daemon = Daemon::start(&folder.join("long"), &NONE);
    let ground = Ground::prepare(&daemon.caller(), b"This is the source.\n");
    history(&daemon, &ground, size, report);
}

fn state(daemon: &Daemon, ground: &Ground, size: &Size, report: &mut Report) {
    let stages: Vec<Value> = (1..STAGES)
        .map(|n| {
            let each = ACTIONS / STAGES;
            let actions: Vec<Value> =
                (0..each).map(|m| ground.deploy(&format!("Deploy-{m}"), 1, "out")).collect();
            stage(&format!("Stage-{n}"), &actions)
        })
        .collect();
    create(daemon, "us-east-1", &[json!({"pipeline": ground.pipeline("wide", &stages)})], 1);
    let input = json!({"name": "wide"});
    let request = codepipeline(daemon.address(), "us-east-1", "GetPipelineState", &input);
    let length = Connection::open(daemon.address()).expect("the daemon listens").good(&request).len();
    let rate = rate(daemon.address(), CONNECTIONS, size.lasting, &request);
    let what = format!("GetPipelineState, {STAGES} stages, {} actions", ACTIONS / STAGES * (STAGES - 1) + 1);
    report.row(&what, rate.per_second(), "/s", Aim::None, &format!("{} KiB each", length / 1024));
}

fn history(daemon: &Daemon, ground: &Ground, size: &Size, report: &mut Report) {
    let address = daemon.address();
    let pipeline = ground.pipeline("long", &[stage("Deploy", &[ground.deploy("Deploy", 1, "out")])]);
    create(daemon, "us-east-1", &[json!({ "pipeline": pipeline })], 1);
    let start = codepipeline(address, "us-east-1", "StartPipelineExecution", &json!({"name": "long"}));
    let mut connection = Connection::open(address).expect("the daemon listens");
    for _ in 1..size.executions {
        connection.good(&start);
    }
    settle(daemon);
    let page = |token: Option<&Value>| {
        let mut input = json!({"pipelineName": "long", "maxResults": 100});
        if let Some(token) = token {
            input["nextToken"] = token.clone();
        }
        codepipeline(address, "us-east-1", "ListPipelineExecutions", &input)
    };
    let mut request = page(None);
    let first = rate(address, CONNECTIONS, size.lasting, &request);
    let what = format!("ListPipelineExecutions of {}, 100 a page,", size.executions);
    report.row(&format!("{what} first page"), first.per_second(), "/s", Aim::None, "8 connections");
    // To the last full page, by the tokens.
    for _ in 2..=size.executions / 100 {
        let answer: Value = serde_json::from_slice(connection.good(&request)).unwrap_or_default();
        request = page(Some(&answer["nextToken"]));
    }
    let last = rate(address, CONNECTIONS, size.lasting, &request);
    let beside = format!("{:.2} of the first", last.per_second() / first.per_second());
    report.row(&format!("{what} last page"), last.per_second(), "/s", Aim::None, &beside);
}
