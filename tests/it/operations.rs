//! CodePipeline's operations: by boto3 what needs no timing, and here what is done to executions under way.

use std::thread;

use penstock_tests::aws::Caller;
use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::gate::Gate;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

#[test]
fn every_operation_answers_and_refuses_as_boto3_expects() {
    let Some(clients) = Clients::or_skip("the operations by boto3") else { return };
    let daemon = Daemon::start();
    clients.python("operations_check.py", &daemon.url(), &[]);
}

/// A daemon whose actions go to S3 through a gate, with a pipeline `gated` that has run once.
struct Gated {
    daemon: Daemon,
    gate: Gate,
    caller: Caller,
    ground: Ground,
}

impl Gated {
    fn start() -> Self {
        let gate = Gate::new();
        let daemon = Daemon::start_with(&["--endpoint-url-s3", &gate.url()]);
        gate.lead_to(daemon.address());
        let caller = daemon.caller();
        let ground = Ground::prepare(&caller, b"content");
        let gated = Self { daemon, gate, caller, ground };
        gated.caller.call("CreatePipeline", &json!({"pipeline": gated.pipeline()}));
        let first = gated.newest();
        assert_eq!(gated.caller.ended("gated", &first), "Succeeded");
        gated
    }

    fn pipeline(&self) -> Value {
        let deploy =
            stage("Deploy", &[self.ground.deploy("First", 1, "a"), self.ground.deploy("After", 2, "b")]);
        self.ground.pipeline("gated", &[deploy])
    }

    fn newest(&self) -> String {
        self.caller.executions("gated")[0]["pipelineExecutionId"].as_str().unwrap().to_owned()
    }

    fn start_execution(&self) -> String {
        let answer = self.caller.call("StartPipelineExecution", &json!({"name": "gated"}));
        answer["pipelineExecutionId"].as_str().unwrap().to_owned()
    }

    /// Starts an execution that stays in its source action.
    fn start_and_hold(&self) -> String {
        self.gate.shut();
        let execution = self.start_execution();
        self.gate.wait_for(1);
        execution
    }

    fn stop(&self, execution: &str, abandon: bool) -> Result<Value, String> {
        let input = json!({"pipelineName": "gated", "pipelineExecutionId": execution, "abandon": abandon,
                           "reason": "a test"});
        self.caller.codepipeline("StopPipelineExecution", &input).map_err(|refusal| refusal.code)
    }

    fn statuses(&self, execution: &str) -> Vec<String> {
        let actions = self.caller.actions("gated", execution);
        actions.iter().map(|action| action["status"].as_str().unwrap().to_owned()).collect()
    }

    fn summary(&self, execution: &str) -> Value {
        let executions = self.caller.executions("gated");
        executions.into_iter().find(|summary| summary["pipelineExecutionId"] == execution).unwrap()
    }
}

#[test]
fn a_stop_lets_running_actions_finish_and_starts_no_further_one() {
    let gated = Gated::start();
    let execution = gated.start_and_hold();
    assert_eq!(gated.stop(&execution, false).unwrap(), json!({"pipelineExecutionId": execution}));
    assert_eq!(gated.caller.status("gated", &execution), "Stopping");
    assert_eq!(gated.statuses(&execution), ["InProgress"]);
    assert_eq!(gated.stop(&execution, false).unwrap_err(), "DuplicatedStopRequestException");
    gated.gate.open();
    assert_eq!(gated.caller.ended("gated", &execution), "Stopped");
    assert_eq!(gated.statuses(&execution), ["Succeeded"]);
    assert_eq!(gated.summary(&execution)["stopTrigger"], json!({"reason": "a test"}));
    assert_eq!(gated.stop(&execution, false).unwrap_err(), "PipelineExecutionNotStoppableException");
    let next = gated.start_execution();
    assert_eq!(gated.caller.ended("gated", &next), "Succeeded", "the stage is free again");
}

#[test]
fn an_abandon_really_abandons() {
    let gated = Gated::start();
    let execution = gated.start_and_hold();
    gated.stop(&execution, true).unwrap();
    // The gate is still shut: nothing was waited for.
    assert_eq!(gated.caller.ended("gated", &execution), "Stopped");
    assert_eq!(gated.statuses(&execution), ["Abandoned"]);
    assert_eq!(gated.stop(&execution, true).unwrap_err(), "PipelineExecutionNotStoppableException");
    gated.gate.open();
    let next = gated.start_execution();
    assert_eq!(gated.caller.ended("gated", &next), "Succeeded");
    assert_eq!(gated.statuses(&execution), ["Abandoned"], "a late result changes nothing");
}

#[test]
fn a_stop_may_be_sharpened_to_an_abandon_but_not_blunted() {
    let gated = Gated::start();
    let execution = gated.start_and_hold();
    gated.stop(&execution, false).unwrap();
    gated.stop(&execution, true).unwrap();
    assert_eq!(gated.caller.ended("gated", &execution), "Stopped");
    assert_eq!(gated.statuses(&execution), ["Abandoned"]);
    assert_eq!(gated.stop(&execution, false).unwrap_err(), "PipelineExecutionNotStoppableException");
    gated.gate.open();
}

#[test]
fn a_stop_outlives_a_kill() {
    let mut gated = Gated::start();
    let execution = gated.start_and_hold();
    gated.stop(&execution, false).unwrap();
    gated.daemon.kill();
    gated.daemon.start_again();
    gated.gate.open();
    assert_eq!(gated.caller.ended("gated", &execution), "Stopped");
    assert_eq!(gated.statuses(&execution), ["Succeeded"]);
}

#[test]
fn of_executions_that_wait_before_a_stage_the_newest_supersedes_the_others() {
    let gated = Gated::start();
    let held = gated.start_and_hold();
    let waiting: Vec<String> = (0..3).map(|_| gated.start_execution()).collect();
    let state = gated.caller.call("GetPipelineState", &json!({"name": "gated"}));
    assert_eq!(state["stageStates"][0]["latestExecution"]["pipelineExecutionId"], held.as_str());
    assert_eq!(state["stageStates"][0]["inboundExecution"]["pipelineExecutionId"], waiting[2].as_str());
    for superseded in &waiting[..2] {
        assert_eq!(gated.caller.status("gated", superseded), "Superseded");
        assert!(gated.statuses(superseded).is_empty(), "it never ran");
    }
    gated.gate.open();
    assert_eq!(gated.caller.ended("gated", &held), "Succeeded");
    assert_eq!(gated.caller.ended("gated", &waiting[2]), "Succeeded");
}

#[test]
fn an_execution_that_waits_is_stopped_at_once() {
    let gated = Gated::start();
    let held = gated.start_and_hold();
    let waiting = gated.start_execution();
    gated.stop(&waiting, false).unwrap();
    assert_eq!(gated.caller.status("gated", &waiting), "Stopped");
    gated.gate.open();
    assert_eq!(gated.caller.ended("gated", &held), "Succeeded");
}

#[test]
fn an_update_ends_what_is_under_way_and_the_next_execution_runs_the_new_version() {
    let gated = Gated::start();
    let held = gated.start_and_hold();
    let waiting = gated.start_execution();
    // The update itself looks for the artifact bucket, through the gate.
    let updating = {
        let (caller, pipeline) = (gated.caller.clone(), gated.pipeline());
        thread::spawn(move || caller.call("UpdatePipeline", &json!({"pipeline": pipeline})))
    };
    gated.gate.wait_for(2);
    gated.gate.open();
    assert_eq!(updating.join().unwrap()["pipeline"]["version"], 2);
    let ends = [gated.caller.ended("gated", &held), gated.caller.ended("gated", &waiting)];
    // What was let through the gate may have finished before the update was decided.
    assert!(ends.iter().all(|end| end == "Cancelled" || end == "Succeeded"), "{ends:?}");
    let next = gated.start_execution();
    assert_eq!(gated.caller.ended("gated", &next), "Succeeded");
    let input = json!({"pipelineName": "gated", "pipelineExecutionId": next});
    let answer = gated.caller.call("GetPipelineExecution", &input);
    assert_eq!(answer["pipelineExecution"]["pipelineVersion"], 2);
}

#[test]
fn a_pipeline_can_be_deleted_while_it_runs_and_its_name_is_free_at_once() {
    let gated = Gated::start();
    let held = gated.start_and_hold();
    gated.caller.call("DeletePipeline", &json!({"name": "gated"}));
    let refused = gated.caller.codepipeline("GetPipeline", &json!({"name": "gated"})).unwrap_err();
    assert_eq!(refused.code, "PipelineNotFoundException");
    gated.gate.open();
    let made = gated.caller.call("CreatePipeline", &json!({"pipeline": gated.pipeline()}));
    assert_eq!(made["pipeline"]["version"], 1);
    let first =
        until("the new pipeline's first execution", || gated.caller.executions("gated").first().cloned());
    let first = first["pipelineExecutionId"].as_str().unwrap();
    assert_ne!(first, held);
    assert_eq!(gated.caller.ended("gated", first), "Succeeded");
    assert_eq!(gated.caller.executions("gated").len(), 1);
}

#[test]
fn parallel_starts_with_one_token_start_one_execution() {
    let gated = Gated::start();
    let before = gated.caller.executions("gated").len();
    let input = json!({"name": "gated", "clientRequestToken": "the-same-for-all"});
    let started: Vec<Value> = thread::scope(|scope| {
        let calls: Vec<_> =
            (0..8).map(|_| scope.spawn(|| gated.caller.call("StartPipelineExecution", &input))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(started.iter().all(|answer| *answer == started[0]), "{started:?}");
    assert_eq!(gated.caller.executions("gated").len(), before + 1);
}
