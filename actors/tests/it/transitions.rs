//! Disabled and enabled transitions, through a restart.

use penstock_actors::Settings;
use penstock_engine::ids::PipelineKey;
use penstock_engine::pipeline::{Switch, TransitionChange, TransitionType};
use penstock_storage::Store;

use crate::world::{Setup, World, outputs, until};

fn change(switch: Switch) -> TransitionChange {
    TransitionChange {
        stage: "Prod".into(),
        transition: TransitionType::Inbound,
        switch,
        by: "arn:aws:iam::0:user/me".into(),
    }
}

async fn waits_before_prod(world: &World, pipeline: &PipelineKey) {
    until("it waits before Prod", async || {
        let state = world.handle.get_pipeline_state(pipeline).await.unwrap();
        state["stageStates"][2]["inboundExecution"]["status"] == "InProgress"
    })
    .await;
}

#[actix::test]
async fn who_waits_at_a_disabled_transition_enters_when_it_is_enabled_even_after_a_restart() {
    let store = Store::in_memory();
    let setup = || Setup { store: store.clone(), settings: Settings::default(), ..Setup::default() };
    let world = World::start(setup(), outputs);
    let pipeline = world.create("gate").await;
    world.settled(&pipeline).await;
    world.handle.change_transition(pipeline.clone(), change(Switch::Disable("later".into()))).await.unwrap();
    world.begin(&pipeline).await;
    waits_before_prod(&world, &pipeline).await;

    let world = World::start(setup(), outputs);
    let state = world.handle.get_pipeline_state(&pipeline).await.unwrap();
    let transition = &state["stageStates"][2]["inboundTransitionState"];
    assert_eq!(transition["enabled"], false);
    assert_eq!(transition["lastChangedBy"], "arn:aws:iam::0:user/me");
    assert_eq!(transition["disabledReason"], "later");
    assert!(transition["lastChangedAt"].is_number(), "{transition}");
    assert_eq!(state["stageStates"][1]["inboundTransitionState"], serde_json::json!({ "enabled": true }));
    waits_before_prod(&world, &pipeline).await;
    world.handle.change_transition(pipeline.clone(), change(Switch::Enable)).await.unwrap();
    assert_eq!(world.settled(&pipeline).await, ["Succeeded", "Succeeded"]);
}
