//! Errors of starting, stopping, approving, retrying, rolling back and overriding.

use serde_json::{Value, json};

use super::shared::{about, of_resource};
use super::world::{NOBODY, World};
use super::{Proof, Row};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = started_and_stopped();
    rows.extend(retried_and_rolled_back());
    rows.extend(overridden());
    rows
}

fn started_and_stopped() -> Vec<Row> {
    vec![
        (
            "ConcurrentPipelineExecutionsLimitExceeded",
            &["StartPipelineExecution", "PutActionRevision"],
            Proof::Raised(|world, operation| {
                let held = world.held("PARALLEL");
                world.fill(&held.pipeline);
                let mut input = about(operation, &held.pipeline, "Source", "Source");
                if operation == "PutActionRevision" {
                    input["actionRevision"]["revisionId"] = json!("never seen");
                }
                world.try_call(operation, &input)
            }),
        ),
        (
            "PipelineExecutionNotStoppable",
            &["StopPipelineExecution"],
            Proof::Raised(|world, operation| {
                let done = world.done("SUPERSEDED");
                world.try_call(operation, &stop(&done.pipeline, &done.execution))
            }),
        ),
        (
            "DuplicatedStopRequest",
            &["StopPipelineExecution"],
            Proof::Raised(|world, operation| {
                let held = world.held("SUPERSEDED");
                world.call(operation, &stop(&held.pipeline, &held.execution));
                world.try_call(operation, &stop(&held.pipeline, &held.execution))
            }),
        ),
        (
            "InvalidApprovalToken",
            &["PutApprovalResult"],
            Proof::Raised(|world, operation| {
                let held = world.held("SUPERSEDED");
                world.try_call(operation, &world.verdict(&held.pipeline, NOBODY, "Approved"))
            }),
        ),
        (
            "ApprovalAlreadyCompleted",
            &["PutApprovalResult"],
            Proof::Raised(|world, operation| {
                let done = world.done("SUPERSEDED");
                world.try_call(operation, &world.verdict(&done.pipeline, &done.token, "Approved"))
            }),
        ),
    ]
}

fn retried_and_rolled_back() -> Vec<Row> {
    vec![
        (
            "StageNotRetryable",
            &["RetryStageExecution"],
            Proof::Raised(|world, operation| {
                let done = world.done("SUPERSEDED");
                world.try_call(operation, &retry(&done.pipeline, &done.execution))
            }),
        ),
        (
            "NotLatestPipelineExecution",
            &["RetryStageExecution"],
            Proof::Raised(|world, operation| {
                let failed = world.failed("SUPERSEDED");
                let next = world.start(&failed.pipeline);
                world.token(&failed.pipeline, &next);
                world.try_call(operation, &retry(&failed.pipeline, &failed.execution))
            }),
        ),
        (
            "ConcurrentPipelineExecutionsLimitExceeded",
            &["RetryStageExecution"],
            Proof::Raised(|world, operation| {
                let failed = world.failed("PARALLEL");
                world.fill(&failed.pipeline);
                world.try_call(operation, &retry(&failed.pipeline, &failed.execution))
            }),
        ),
        (
            "PipelineExecutionOutdated",
            &["RollbackStage"],
            Proof::Raised(|world, operation| {
                let done = world.done("SUPERSEDED");
                let declaration = world.declaration(&done.pipeline, "SUPERSEDED");
                world.call("UpdatePipeline", &json!({"pipeline": declaration}));
                world.try_call(operation, &roll_back(&done.pipeline, &done.execution))
            }),
        ),
        (
            "UnableToRollbackStage",
            &["RollbackStage"],
            Proof::Raised(|world, operation| {
                let failed = world.failed("SUPERSEDED");
                world.try_call(operation, &roll_back(&failed.pipeline, &failed.execution))
            }),
        ),
    ]
}

fn overridden() -> Vec<Row> {
    vec![
        (
            "ConditionNotOverridable",
            &["OverrideStageCondition"],
            Proof::Raised(|world, operation| {
                let held = world.held("SUPERSEDED");
                world.try_call(operation, &override_entry(&held.pipeline, &held.execution))
            }),
        ),
        (
            "NotLatestPipelineExecution",
            &["OverrideStageCondition"],
            Proof::Raised(|world, operation| {
                let (pipeline, execution) = refused_entry(world, "SUPERSEDED");
                let next = world.start(&pipeline);
                assert_eq!(world.caller.ended(&pipeline, &next), "Failed");
                world.try_call(operation, &override_entry(&pipeline, &execution))
            }),
        ),
        (
            "ConcurrentPipelineExecutionsLimitExceeded",
            &["OverrideStageCondition"],
            Proof::Raised(|world, operation| {
                let (pipeline, execution) = refused_entry(world, "PARALLEL");
                for _ in 0..50 {
                    let id = world.call("StartPipelineExecution", &start_with(&pipeline, "yes"));
                    world.token(&pipeline, id["pipelineExecutionId"].as_str().unwrap());
                }
                world.try_call(operation, &override_entry(&pipeline, &execution))
            }),
        ),
    ]
}

/// The operations that no error's situation needed.
pub(super) fn use_the_rest(world: &World) {
    let failed = world.failed("SUPERSEDED");
    world.call("RetryStageExecution", &retry(&failed.pipeline, &failed.execution));
    let token = world.token(&failed.pipeline, &failed.execution);
    world.call("PutApprovalResult", &world.verdict(&failed.pipeline, &token, "Approved"));
    assert_eq!(world.caller.ended(&failed.pipeline, &failed.execution), "Succeeded");
    world.call("RollbackStage", &roll_back(&failed.pipeline, &failed.execution));
    for operation in
        ["DisableStageTransition", "EnableStageTransition", "GetPipelineState", "ListPipelineExecutions"]
    {
        world.call(operation, &about(operation, &failed.pipeline, "Deploy", "Deploy"));
    }
    for operation in ["ListActionExecutions", "ListRuleExecutions"] {
        world.call(operation, &json!({"pipelineName": failed.pipeline}));
    }
    let execution = json!({"pipelineName": failed.pipeline, "pipelineExecutionId": failed.execution});
    world.call("GetPipelineExecution", &execution);
    world.call("PutActionRevision", &about("PutActionRevision", &failed.pipeline, "Source", "Source"));
    for operation in ["TagResource", "ListTagsForResource", "UntagResource"] {
        world.call(operation, &of_resource(operation, "us-east-1", &failed.pipeline));
    }
    for operation in ["ListPipelines", "ListRuleTypes", "ListActionTypes"] {
        world.call(operation, &json!({}));
    }
    let last = world.caller.actions(&failed.pipeline, &failed.execution).pop().unwrap();
    let targets = json!({"pipelineName": failed.pipeline, "actionExecutionId": last["actionExecutionId"]});
    world.call("ListDeployActionExecutionTargets", &targets);
    let (pipeline, execution) = refused_entry(world, "SUPERSEDED");
    world.call("OverrideStageCondition", &override_entry(&pipeline, &execution));
    world.call("DeletePipeline", &json!({"name": failed.pipeline}));
}

/// A pipeline whose first execution failed because the stage `Hold` did not let it in.
fn refused_entry(world: &World, mode: &str) -> (String, String) {
    let name = world.name();
    let mut declaration = world.declaration(&name, mode);
    declaration["variables"] = json!([{"name": "open", "defaultValue": "no"}]);
    let rule = json!({
        "name": "Open",
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"},
        "configuration": {"Variable": "#{variables.open}", "Value": "yes", "Operator": "EQ"},
    });
    declaration["stages"][1]["beforeEntry"] = json!({"conditions": [{"result": "FAIL", "rules": [rule]}]});
    world.call("CreatePipeline", &json!({"pipeline": declaration}));
    let execution = world.newest(&name);
    assert_eq!(world.caller.ended(&name, &execution), "Failed");
    (name, execution)
}

fn start_with(pipeline: &str, open: &str) -> Value {
    json!({"name": pipeline, "variables": [{"name": "open", "value": open}]})
}

fn override_entry(pipeline: &str, execution: &str) -> Value {
    json!({
        "pipelineName": pipeline, "stageName": "Hold", "pipelineExecutionId": execution,
        "conditionType": "BEFORE_ENTRY",
    })
}

fn stop(pipeline: &str, execution: &str) -> Value {
    json!({"pipelineName": pipeline, "pipelineExecutionId": execution})
}

fn retry(pipeline: &str, execution: &str) -> Value {
    json!({
        "pipelineName": pipeline, "stageName": "Hold", "pipelineExecutionId": execution,
        "retryMode": "FAILED_ACTIONS",
    })
}

fn roll_back(pipeline: &str, target: &str) -> Value {
    json!({"pipelineName": pipeline, "stageName": "Hold", "targetPipelineExecutionId": target})
}
