//! People: they start, stop, retry, approve, and open and close transitions, as they please.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::{Chance, Scene};

pub(super) fn meddle(scene: &Scene, me: usize) {
    let mut chance = Chance::of(me as u64 + 1001);
    while scene.is_wild() {
        let pipeline = chance.one_of(&scene.pipelines).clone();
        match chance.below(100) {
            0..45 => start(scene, &pipeline),
            45..60 => stop(scene, &pipeline, &mut chance),
            60..75 => retry(scene, &pipeline, &mut chance),
            75..90 => approve(scene, &pipeline, &mut chance),
            90..96 => change_transition(scene, &pipeline, &mut chance),
            _ => drop(scene.call("GetPipelineState", &json!({"name": pipeline}))),
        }
        thread::sleep(Duration::from_millis(chance.below(30)));
    }
}

/// With a token, so that asking again after a kill starts nothing twice.
fn start(scene: &Scene, pipeline: &str) {
    let input = json!({"name": pipeline, "clientRequestToken": Uuid::new_v4().to_string()});
    if let Ok(answer) = scene.insist("StartPipelineExecution", &input) {
        scene.has_started(pipeline, answer["pipelineExecutionId"].as_str().unwrap());
    }
}

/// The newest executions in one of these states.
fn executions(scene: &Scene, pipeline: &str, states: &[&str]) -> Vec<Value> {
    let input = json!({"pipelineName": pipeline, "maxResults": 20});
    let Some(Ok(answer)) = scene.call("ListPipelineExecutions", &input) else { return Vec::new() };
    let mut found = answer["pipelineExecutionSummaries"].as_array().cloned().unwrap_or_default();
    found.retain(|execution| states.iter().any(|state| execution["status"] == *state));
    found
}

fn stop(scene: &Scene, pipeline: &str, chance: &mut Chance) {
    let running = executions(scene, pipeline, &["InProgress", "Stopping"]);
    if running.is_empty() {
        return;
    }
    let id = &chance.one_of(&running)["pipelineExecutionId"];
    let abandon = chance.below(2) == 0;
    let input =
        json!({"pipelineName": pipeline, "pipelineExecutionId": id, "abandon": abandon, "reason": "soak"});
    let _ = scene.call("StopPipelineExecution", &input);
}

fn retry(scene: &Scene, pipeline: &str, chance: &mut Chance) {
    let failed = executions(scene, pipeline, &["Failed", "Stopped"]);
    if failed.is_empty() {
        return;
    }
    let id = &chance.one_of(&failed)["pipelineExecutionId"];
    let stage = chance.one_of(&["Build", "Deploy"]);
    let mode = chance.one_of(&["FAILED_ACTIONS", "ALL_ACTIONS"]);
    let input =
        json!({"pipelineName": pipeline, "stageName": stage, "pipelineExecutionId": id, "retryMode": mode});
    let _ = scene.call("RetryStageExecution", &input);
}

fn approve(scene: &Scene, pipeline: &str, chance: &mut Chance) {
    for token in tokens(scene, pipeline) {
        answer(scene, pipeline, &token, if chance.below(5) == 0 { "Rejected" } else { "Approved" });
    }
}

/// The tokens of the requests that are open among the newest actions.
pub(super) fn tokens(scene: &Scene, pipeline: &str) -> Vec<String> {
    let input = json!({"pipelineName": pipeline, "maxResults": 50});
    let Some(Ok(found)) = scene.call("ListActionExecutions", &input) else { return Vec::new() };
    let actions = found["actionExecutionDetails"].as_array().cloned().unwrap_or_default();
    let open = actions.iter().filter(|action| {
        action["status"] == "InProgress" && action["input"]["actionTypeId"]["category"] == "Approval"
    });
    let token = |action: &Value| {
        action["output"]["executionResult"]["externalExecutionId"].as_str().map(str::to_owned)
    };
    open.filter_map(token).collect()
}

pub(super) fn answer(scene: &Scene, pipeline: &str, token: &str, status: &str) {
    let input = json!({"pipelineName": pipeline, "stageName": "Deploy", "actionName": "Approve", "token": token,
        "result": {"summary": "soaked", "status": status}});
    let _ = scene.call("PutApprovalResult", &input);
}

fn change_transition(scene: &Scene, pipeline: &str, chance: &mut Chance) {
    let place = json!({"pipelineName": pipeline, "stageName": "Deploy", "transitionType": "Inbound"});
    if chance.below(2) == 0 {
        let mut input = place;
        input["reason"] = json!("soak");
        let _ = scene.call("DisableStageTransition", &input);
    } else {
        let _ = scene.call("EnableStageTransition", &place);
    }
}
