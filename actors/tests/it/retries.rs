//! Stages that are retried, by command and by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use penstock_engine::action::Work;
use penstock_engine::declaration::stage::{
    ConditionResult, FailureConditions, RetryConfiguration, RetryMode,
};
use penstock_engine::ids::{ExecutionId, PipelineKey};
use penstock_engine::pipeline::RetryRequest;
use penstock_engine::rejection::RejectionKind;
use serde_json::json;

use crate::world::{Act, Setup, World, declaration, key, outputs};

/// A world in which the action `b` fails until it is mended.
fn broken() -> (World, Arc<AtomicBool>) {
    let mended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&mended);
    let script = move |work: &Work| match work.action.as_str() {
        "b" if !seen.load(Ordering::SeqCst) => Act::Fail("broken"),
        _ => outputs(work),
    };
    (World::start(Setup::default(), script), mended)
}

async fn the_execution(world: &World, pipeline: &PipelineKey) -> ExecutionId {
    let executions = world.executions(pipeline).await;
    ExecutionId(executions[0]["pipelineExecutionId"].as_str().unwrap().to_owned())
}

fn request(stage: &str, execution: &ExecutionId) -> RetryRequest {
    RetryRequest { stage: stage.into(), execution: execution.clone(), mode: RetryMode::FailedActions }
}

#[actix::test]
async fn a_retry_runs_what_failed_under_the_same_id_and_the_execution_goes_on() {
    let (world, mended) = broken();
    let pipeline = world.create("retried").await;
    assert_eq!(world.settled(&pipeline).await, ["Failed"]);
    let id = the_execution(&world, &pipeline).await;
    let refused = world.handle.retry_stage(pipeline.clone(), request("Source", &id)).await.unwrap_err();
    assert_eq!(refused.kind, RejectionKind::StageNotRetryable);

    mended.store(true, Ordering::SeqCst);
    assert_eq!(world.handle.retry_stage(pipeline.clone(), request("Test", &id)).await.unwrap(), id);
    assert_eq!(world.settled(&pipeline).await, ["Succeeded"]);
    assert_eq!((world.runs_of("a"), world.runs_of("b"), world.runs_of("c")), (1, 2, 1));
    let state = world.handle.get_pipeline_state(&pipeline).await.unwrap();
    let expected = json!({ "manualStageRetryAttempt": 1, "latestRetryTrigger": "ManualStageRetry" });
    assert_eq!(state["stageStates"][1]["retryStageMetadata"], expected);
    let refused = world.handle.retry_stage(pipeline.clone(), request("Test", &id)).await.unwrap_err();
    assert_eq!(refused.kind, RejectionKind::StageNotRetryable);
}

#[actix::test]
async fn a_stage_retries_itself_once() {
    let (world, _) = broken();
    let pipeline = key("self");
    let mut declared = declaration("self");
    declared.stages[1].on_failure = Some(FailureConditions {
        result: Some(ConditionResult::Retry),
        retry_configuration: Some(RetryConfiguration { retry_mode: Some(RetryMode::AllActions) }),
        conditions: None,
    });
    world.handle.create(pipeline.clone(), declared, BTreeMap::new(), "me".into()).await.unwrap();
    assert_eq!(world.settled(&pipeline).await, ["Failed"]);
    assert_eq!((world.runs_of("a"), world.runs_of("b"), world.runs_of("c")), (2, 2, 0));
    let state = world.handle.get_pipeline_state(&pipeline).await.unwrap();
    let expected = json!({ "autoStageRetryAttempt": 1, "latestRetryTrigger": "AutomatedStageRetry" });
    assert_eq!(state["stageStates"][1]["retryStageMetadata"], expected);
}
