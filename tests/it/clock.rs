//! Time that is moved: deadlines come at once, credentials do not expire, and no restart turns it back.

use penstock_tests::aws::Caller;
use penstock_tests::daemon::Daemon;
use penstock_tests::http::{Answer, Request};
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

fn post(daemon: &Daemon, body: &str) -> Answer {
    Request::new("POST", "/_penstock/clock").body(body).send(daemon.address()).unwrap()
}

fn advance(daemon: &Daemon, by: &str) -> Value {
    let answer = post(daemon, &json!({ "advance": by }).to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn shown(daemon: &Daemon) -> Value {
    Request::new("GET", "/_penstock/clock").send(daemon.address()).unwrap().json()
}

fn action(provider: &str, category: &str, owner: &str) -> Value {
    let id = json!({"category": category, "owner": owner, "provider": provider, "version": "1"});
    json!({"name": "Act", "actionTypeId": id})
}

/// The id of the execution that a new pipeline of that action began.
fn begun(caller: &Caller, ground: &Ground, name: &str, action: Value) -> String {
    caller.call("CreatePipeline", &json!({"pipeline": ground.pipeline(name, &[stage("Stage", &[action])])}));
    let execution = caller.executions(name)[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    until("the action", || (caller.actions(name, &execution).len() == 2).then_some(()));
    execution
}

#[test]
fn an_approval_that_nobody_answers_fails_after_seven_days_that_take_no_time() {
    let mut daemon = Daemon::start_with(&["--allow-clock"]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"to be approved");
    let execution = begun(&caller, &ground, "patient", action("Manual", "Approval", "AWS"));
    let moved = advance(&daemon, "6d23h");
    assert_eq!(moved["aheadMillis"], 7 * DAY - 60 * MINUTE);

    // Credentials go by the wall clock: a session that the daemon issued before is as good as before.
    let later = begun(&caller, &ground, "later", action("Manual", "Approval", "AWS"));
    assert_eq!(caller.status("patient", &execution), "InProgress");
    daemon.kill();
    daemon.start_again();
    assert_eq!(shown(&daemon)["aheadMillis"], moved["aheadMillis"], "no restart turns the clock back");
    assert_eq!(caller.status("patient", &execution), "InProgress");

    advance(&daemon, "1h");
    assert_eq!(caller.ended("patient", &execution), "Failed");
    assert_eq!(caller.status("later", &later), "InProgress");
    let waited = &caller.actions("patient", &execution)[1];
    let seconds = |name: &str| waited[name].as_f64().unwrap();
    assert!(seconds("lastUpdateTime") - seconds("startTime") >= 7.0 * 86_400.0, "{waited:#}");
}

#[test]
fn an_approval_with_a_limit_of_its_own_fails_after_that() {
    let daemon = Daemon::start_with(&["--allow-clock"]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"to be approved soon");
    let mut approval = action("Manual", "Approval", "AWS");
    approval["timeoutInMinutes"] = json!(10);
    let execution = begun(&caller, &ground, "hasty", approval);
    advance(&daemon, "9m");
    assert_eq!(caller.status("hasty", &execution), "InProgress");
    advance(&daemon, "1m");
    assert_eq!(caller.ended("hasty", &execution), "Failed");
    let error = &caller.actions("hasty", &execution)[1]["output"]["executionResult"]["errorDetails"];
    assert_eq!(error["message"], "The action did not finish within its limit of 10 minutes.");
}

#[test]
fn a_jobs_lease_and_its_limit_go_by_the_moved_clock() {
    let daemon = Daemon::start_with(&["--allow-clock"]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"to be worked on");
    let none = json!({"minimumCount": 0, "maximumCount": 1});
    caller.call(
        "CreateCustomActionType",
        &json!({"category": "Test", "provider": "Worker", "version": "1", "inputArtifactDetails": none,
            "outputArtifactDetails": none}),
    );
    let work = action("Worker", "Test", "Custom");
    let poll = || {
        let answer = caller.call("PollForJobs", &json!({"actionTypeId": work["actionTypeId"]}));
        answer["jobs"].as_array().unwrap().first().cloned()
    };
    let execution = begun(&caller, &ground, "worked", work.clone());
    let job = until("the job", poll);
    assert_eq!(poll(), None, "another worker was shown it");
    advance(&daemon, "1m");
    let again = until("the job", poll);
    assert_eq!((&again["id"], again["nonce"] == job["nonce"]), (&job["id"], false));
    caller.call("AcknowledgeJob", &json!({"jobId": again["id"], "nonce": again["nonce"]}));
    advance(&daemon, "23h58m");
    assert_eq!(caller.status("worked", &execution), "InProgress");
    advance(&daemon, "1m");
    assert_eq!(caller.ended("worked", &execution), "Failed");
    let late = caller.codepipeline("PutJobSuccessResult", &json!({"jobId": job["id"]})).unwrap_err();
    assert_eq!(late.code, "InvalidJobStateException");
}

#[test]
fn only_a_daemon_that_allows_it_has_its_clock_moved() {
    let daemon = Daemon::start();
    let answer = post(&daemon, r#"{"advance": "1s"}"#);
    assert_eq!((answer.status, answer.json()["__type"].as_str()), (403, Some("AccessDeniedException")));
    assert!(answer.text().contains("--allow-clock"), "{}", answer.text());
    let clock = shown(&daemon);
    assert_eq!((&clock["aheadMillis"], &clock["canBeMoved"]), (&json!(0), &json!(false)));
}

#[test]
fn a_move_that_makes_no_sense_moves_nothing() {
    let daemon = Daemon::start_with(&["--allow-clock"]);
    for (body, code) in [
        ("", "SerializationException"),
        ("7d", "SerializationException"),
        (r#"{"advance": 7}"#, "SerializationException"),
        (r#"{"advance": "1s", "by": "1s"}"#, "SerializationException"),
        (r#"{"advance": ""}"#, "ValidationException"),
        (r#"{"advance": "-1s"}"#, "ValidationException"),
        (r#"{"advance": "yesterday"}"#, "ValidationException"),
        (r#"{"advance": "36601d"}"#, "ValidationException"),
        (r#"{"advance": "18446744073709551615ms"}"#, "ValidationException"),
    ] {
        let answer = post(&daemon, body);
        assert_eq!((answer.status, answer.json()["__type"].as_str()), (400, Some(code)), "{body}");
    }
    let put = Request::new("PUT", "/_penstock/clock").send(daemon.address()).unwrap();
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, HEAD, POST")));
    assert_eq!(shown(&daemon)["aheadMillis"], 0);
}
