//! Stages that are rolled back, by command and by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use penstock_engine::action::Work;
use penstock_engine::declaration::action::ActionCategory;
use penstock_engine::declaration::pipeline::{PipelineDeclaration, PipelineType};
use penstock_engine::declaration::stage::{ConditionResult, FailureConditions};
use penstock_engine::ids::{ExecutionId, PipelineKey};
use penstock_engine::rejection::RejectionKind;
use serde_json::json;

use crate::world::{Act, Setup, World, declaration, key};

fn v2(name: &str) -> PipelineDeclaration {
    PipelineDeclaration { pipeline_type: Some(PipelineType::V2), ..declaration(name) }
}

/// The source finds another version each time; the second deployment to Prod fails.
fn world() -> World {
    let (sources, deployments) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let script = move |work: &Work| match work.action.as_str() {
        _ if work.action_type.category == ActionCategory::Source => {
            let version = sources.fetch_add(1, Ordering::SeqCst) + 1;
            Act::Succeed(BTreeMap::from([("VersionId".to_owned(), format!("v{version}"))]))
        }
        "put" if deployments.fetch_add(1, Ordering::SeqCst) == 1 => Act::Fail("broken"),
        _ => Act::Succeed(BTreeMap::new()),
    };
    World::start(Setup::default(), script)
}

async fn id_of(world: &World, pipeline: &PipelineKey, nth: usize) -> ExecutionId {
    let executions = world.executions(pipeline).await;
    ExecutionId(executions[nth]["pipelineExecutionId"].as_str().unwrap().to_owned())
}

/// Runs twice; the executions' ids, the first one first.
async fn run_twice(world: &World, declared: PipelineDeclaration) -> (PipelineKey, ExecutionId, ExecutionId) {
    let pipeline = key(&declared.name);
    world.handle.create(pipeline.clone(), declared, BTreeMap::new(), "me".into()).await.unwrap();
    assert_eq!(world.settled(&pipeline).await, ["Succeeded"]);
    let first = id_of(world, &pipeline, 0).await;
    let second = world.begin(&pipeline).await;
    world.settled(&pipeline).await;
    (pipeline, first, second)
}

fn last_put(world: &World) -> Work {
    world.runs.lock().unwrap().iter().rfind(|work| work.action == "put").unwrap().clone()
}

#[actix::test]
async fn a_rollback_deploys_what_its_target_had() {
    let world = world();
    let (pipeline, first, second) = run_twice(&world, v2("back")).await;
    let roll_back = |stage: &str, target: &ExecutionId| {
        world.handle.rollback_stage(pipeline.clone(), stage.into(), target.clone(), "arn:me".into())
    };
    let kind =
        |refused: Result<ExecutionId, penstock_engine::rejection::Rejection>| refused.unwrap_err().kind;
    assert_eq!(kind(roll_back("Prod", &second).await), RejectionKind::UnableToRollbackStage);
    assert_eq!(kind(roll_back("Source", &first).await), RejectionKind::UnableToRollbackStage);
    assert_eq!(kind(roll_back("Nowhere", &first).await), RejectionKind::StageNotFound);
    let unknown = ExecutionId("00000000-0000-0000-0000-000000000000".into());
    assert_eq!(kind(roll_back("Prod", &unknown).await), RejectionKind::PipelineExecutionNotFound);

    let rollback = roll_back("Prod", &first).await.unwrap();
    assert_eq!(world.settled(&pipeline).await, ["Succeeded", "Failed", "Succeeded"]);
    let put = last_put(&world);
    assert_eq!((put.execution, put.configuration["ObjectKey"].as_str()), (rollback.clone(), "v1"));
    let shown = world.handle.get_execution(&pipeline, &rollback).await.unwrap()["pipelineExecution"].clone();
    assert_eq!(shown["executionType"], "ROLLBACK");
    assert_eq!(shown["rollbackMetadata"], json!({ "rollbackTargetPipelineExecutionId": first }));
    assert_eq!(shown["trigger"], json!({ "triggerType": "ManualRollback", "triggerDetail": "arn:me" }));
    let state = world.handle.get_pipeline_state(&pipeline).await.unwrap();
    let latest = json!({ "pipelineExecutionId": rollback, "status": "Succeeded", "type": "ROLLBACK" });
    assert_eq!(state["stageStates"][2]["latestExecution"], latest);
    assert_eq!(state["stageStates"][1]["latestExecution"]["pipelineExecutionId"], second.as_str());
    assert_eq!(state["stageStates"][1]["latestExecution"].get("type"), None);

    world.handle.update(pipeline.clone(), v2("back")).await.unwrap();
    let outdated = world.handle.rollback_stage(pipeline.clone(), "Prod".into(), first, "me".into()).await;
    assert_eq!(kind(outdated), RejectionKind::PipelineExecutionOutdated);
}

#[actix::test]
async fn a_stage_rolls_itself_back_to_the_last_success() {
    let world = world();
    let mut declared = v2("self");
    declared.stages[2].on_failure = Some(FailureConditions {
        result: Some(ConditionResult::Rollback),
        retry_configuration: None,
        conditions: None,
    });
    let (pipeline, first, second) = run_twice(&world, declared).await;
    assert_eq!(world.settled(&pipeline).await, ["Succeeded", "Failed", "Succeeded"]);
    assert_eq!(last_put(&world).configuration["ObjectKey"], "v1");
    let rollback = world.executions(&pipeline).await[0].clone();
    assert_eq!(rollback["trigger"]["triggerType"], "AutomatedRollback");
    let detail = rollback["trigger"]["triggerDetail"].as_str().unwrap();
    let detail: serde_json::Value = serde_json::from_str(detail).unwrap();
    assert_eq!(detail, json!({ "FailedPipelineExecutionId": second }));
    let target = &rollback["rollbackMetadata"]["rollbackTargetPipelineExecutionId"];
    assert_eq!(*target, json!(first));
}
