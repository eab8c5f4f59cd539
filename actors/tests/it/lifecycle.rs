//! Executions from start to end.

use penstock_engine::stage::Level;

use crate::world::{Act, Setup, World, outputs};

#[actix::test]
async fn a_created_pipeline_runs_by_itself_and_resolves_variables() {
    let world = World::start(Setup::default(), outputs);
    let pipeline = world.create("first").await;
    assert_eq!(world.settled(&pipeline).await, ["Succeeded"]);
    let runs = world.runs.lock().unwrap();
    let names: Vec<&str> = runs.iter().map(|work| work.action.as_str()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    assert_eq!((names[0], names[3], names[4]), ("get", "c", "put"));
    assert_eq!(runs[4].configuration["ObjectKey"], "v1");
    assert_eq!(runs[4].inputs, runs[0].outputs);
}

#[actix::test]
async fn a_failed_action_fails_its_execution_and_a_panic_fails_it_with_an_internal_error() {
    let script = |work: &penstock_engine::action::Work| match work.action.as_str() {
        "a" => Act::Fail("no"),
        "b" => Act::Panic,
        _ => outputs(work),
    };
    let world = World::start(Setup::default(), script);
    let pipeline = world.create("failing").await;
    assert_eq!(world.settled(&pipeline).await, ["Failed"]);
    let state = world.handle.get_pipeline_state(&pipeline).await.unwrap();
    let actions = &state["stageStates"][1]["actionStates"];
    assert_eq!(actions[0]["latestExecution"]["errorDetails"]["message"], "no");
    assert_eq!(actions[1]["latestExecution"]["errorDetails"]["code"], "InternalError");
    assert!(actions[2].get("latestExecution").is_none(), "{actions}");
}

#[actix::test]
async fn newer_executions_supersede_the_one_that_waits_and_abandon_really_aborts() {
    let told = std::sync::Arc::new(tokio::sync::Notify::new());
    let wait = std::sync::Arc::clone(&told);
    let script = move |work: &penstock_engine::action::Work| match work.action.as_str() {
        "get" => Act::Wait(std::sync::Arc::clone(&wait)),
        _ => outputs(work),
    };
    let world = World::start(Setup::default(), script);
    let pipeline = world.create("queue").await;
    let second = world.begin(&pipeline).await;
    let third = world.begin(&pipeline).await;
    let executions = world.executions(&pipeline).await;
    let statuses: Vec<_> = executions.iter().map(|each| each["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["InProgress", "Superseded", "InProgress"]);
    assert_eq!(executions[1]["pipelineExecutionId"], second.as_str());
    let first = executions[2]["pipelineExecutionId"].as_str().unwrap().to_owned();
    let first = penstock_engine::ids::ExecutionId(first);
    world.handle.stop_execution(pipeline.clone(), third, Level::Finish, None).await.unwrap();
    world.handle.stop_execution(pipeline.clone(), first, Level::Abandon, None).await.unwrap();
    assert_eq!(world.settled(&pipeline).await, ["Stopped", "Superseded", "Stopped"]);
    drop(told);
}
