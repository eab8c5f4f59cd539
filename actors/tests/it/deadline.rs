//! An action's time limit, on a clock that is moved by hand.

use std::sync::Arc;

use penstock_actors::clock::Clock;
use penstock_engine::declaration::action::ActionCategory;
use penstock_engine::time::Timestamp;
use tokio::sync::Notify;

use crate::world::{Act, Setup, World, outputs, s3, until};

#[actix::test]
async fn an_action_past_its_limit_fails_and_its_provider_is_aborted() {
    let clock = Clock::by_hand(Timestamp(1_700_000_000_000));
    let never = Arc::new(Notify::new());
    let waits = Arc::clone(&never);
    let script = move |work: &penstock_engine::action::Work| match work.pipeline.name.as_str() {
        "slow" if work.action == "put" => Act::Wait(Arc::clone(&waits)),
        _ => outputs(work),
    };
    let world = World::start(Setup { clock: clock.clone(), ..Setup::default() }, script);
    let slow = world.create("slow").await;
    until("the provider works", async || world.runs_of("put") == 1).await;
    let deploy = world.handle.catalogue("000000000000", "us-east-1").unwrap();
    let deploy = deploy.find(&s3(ActionCategory::Deploy)).unwrap();
    let limit = u64::from(deploy.timeout_in_minutes) * 60_000;

    clock.advance(limit - 1);
    let other = world.create("other").await;
    assert_eq!(world.settled(&other).await, ["Succeeded"]);
    assert_eq!(world.executions(&slow).await[0]["status"], "InProgress");

    clock.advance(1);
    assert_eq!(world.settled(&slow).await, ["Failed"]);
    let state = world.handle.get_pipeline_state(&slow).await.unwrap();
    let error = &state["stageStates"][2]["actionStates"][0]["latestExecution"]["errorDetails"];
    assert_eq!(error["code"], "JobFailed", "{state}");
    // The script and this test hold it; the aborted provider no longer does.
    until("the provider is gone", async || Arc::strong_count(&never) == 2).await;
}
