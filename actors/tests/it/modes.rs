//! QUEUED and PARALLEL executions.

use std::collections::BTreeMap;
use std::sync::Arc;

use penstock_engine::action::Work;
use penstock_engine::declaration::pipeline::{ExecutionMode, PipelineDeclaration, PipelineType};
use penstock_engine::ids::PipelineKey;
use serde_json::Value;
use tokio::sync::Notify;

use crate::world::{Act, Setup, World, declaration, key, outputs, until};

fn in_mode(name: &str, mode: ExecutionMode) -> PipelineDeclaration {
    PipelineDeclaration {
        execution_mode: Some(mode),
        pipeline_type: Some(PipelineType::V2),
        ..declaration(name)
    }
}

/// A pipeline whose deployments wait until told.
async fn create(name: &str, mode: ExecutionMode) -> (World, PipelineKey, Arc<Notify>) {
    let told = Arc::new(Notify::new());
    let wait = Arc::clone(&told);
    let script = move |work: &Work| match work.action.as_str() {
        "put" => Act::Wait(Arc::clone(&wait)),
        _ => outputs(work),
    };
    let world = World::start(Setup::default(), script);
    let pipeline = key(name);
    world.handle.create(pipeline.clone(), in_mode(name, mode), BTreeMap::new(), "me".into()).await.unwrap();
    (world, pipeline, told)
}

async fn prod(world: &World, pipeline: &PipelineKey) -> Value {
    world.handle.get_pipeline_state(pipeline).await.unwrap()["stageStates"][2].clone()
}

#[actix::test]
async fn queued_executions_line_up_before_a_stage_and_none_is_lost() {
    let (world, pipeline, told) = create("queued", ExecutionMode::Queued).await;
    let (second, third) = (world.begin(&pipeline).await, world.begin(&pipeline).await);
    until("two wait before Prod", async || {
        let inbound = prod(&world, &pipeline).await["inboundExecutions"].clone();
        inbound.as_array().is_some_and(|waiting| waiting.len() == 2)
    })
    .await;
    let state = prod(&world, &pipeline).await;
    assert_eq!(state["inboundExecution"]["pipelineExecutionId"], second.as_str());
    assert_eq!(state["inboundExecutions"][1]["pipelineExecutionId"], third.as_str());
    for deployed in 1..=3 {
        until("the next one deploys", async || world.runs_of("put") == deployed).await;
        told.notify_one();
    }
    assert_eq!(world.settled(&pipeline).await, ["Succeeded", "Succeeded", "Succeeded"]);
}

#[actix::test]
async fn parallel_executions_deploy_side_by_side_and_the_state_does_not_show_them() {
    let (world, pipeline, told) = create("parallel", ExecutionMode::Parallel).await;
    world.begin(&pipeline).await;
    world.begin(&pipeline).await;
    until("all deploy", async || world.runs_of("put") == 3).await;
    let state = prod(&world, &pipeline).await;
    assert_eq!(state["stageName"], "Prod");
    assert!(state.get("latestExecution").is_none(), "{state}");
    assert_eq!(state["actionStates"][0].get("latestExecution"), None);

    // What ran in PARALLEL mode is not shown afterwards either, and goes on.
    let updated = in_mode("parallel", ExecutionMode::Superseded);
    world.handle.update(pipeline.clone(), updated).await.unwrap();
    let state = prod(&world, &pipeline).await;
    assert!(state.get("latestExecution").is_none(), "{state}");
    assert_eq!(state["actionStates"][0].get("latestExecution"), None);
    told.notify_waiters();
    assert_eq!(world.settled(&pipeline).await, ["Succeeded", "Succeeded", "Succeeded"]);
}
