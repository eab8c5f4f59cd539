//! Actors that die begin again from their records; who dies again and again is given up, and nobody else is.
//! (A provider that panics: see `lifecycle`.)

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use penstock_engine::action::Work;
use penstock_engine::event::{EventState, Subject};
use penstock_engine::ids::ExecutionId;
use penstock_engine::rejection::RejectionKind;
use penstock_engine::stage::Level;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Batch, Direction, EventsRecord, Mark};
use tokio::sync::Notify;

use crate::retention::incarnation;
use crate::traps;
use crate::world::{Act, Setup, World, answered, outputs, until};

/// How often it was recorded that an action reached that state.
async fn recorded(world: &World, action: &str, state: EventState) -> usize {
    let read = world.store.read(|view| {
        let mut count = 0;
        for events in view.scan::<EventsRecord>(&keys::events(), Bound::Unbounded, Direction::Forward) {
            let of_action =
                |subject: &Subject| matches!(subject, Subject::Action { action: name, .. } if name == action);
            count +=
                events?.1.0.iter().filter(|event| of_action(&event.subject) && event.state == state).count();
        }
        Ok(count)
    });
    read.await.unwrap()
}

fn restarts(world: &World) -> u64 {
    world.handle.metrics().restarts.load(Ordering::Relaxed)
}

#[actix::test]
async fn an_action_and_a_stage_whose_actors_die_go_on_from_their_records() {
    traps::set(["twice", "Test", "a", "Succeeded"], 2);
    traps::set(["twice", "Test", "", "Succeeded"], 2);
    let world = World::start(Setup::default(), outputs);
    let pipeline = world.create("twice").await;
    assert_eq!(world.settled(&pipeline).await, ["Succeeded"]);
    assert_eq!(restarts(&world), 4);
    // The action's end was never recorded, so that it ran again; the others' were.
    assert_eq!((world.runs_of("a"), world.runs_of("b"), world.runs_of("c")), (3, 1, 1));
    assert_eq!(recorded(&world, "a", EventState::Succeeded).await, 1);
}

#[actix::test]
async fn the_third_death_of_an_action_fails_it_and_other_pipelines_go_on() {
    traps::set(["thrice", "Test", "b", "Succeeded"], u32::MAX);
    let world = World::start(Setup::default(), outputs);
    let (pipeline, other) = (world.create("thrice").await, world.create("healthy").await);
    assert_eq!(world.settled(&pipeline).await, ["Failed"]);
    assert_eq!(world.settled(&other).await, ["Succeeded"]);
    let state = world.handle.get_pipeline_state(&pipeline).await.unwrap();
    let actions = &state["stageStates"][1]["actionStates"];
    assert_eq!(actions[0]["latestExecution"]["status"], "Succeeded");
    assert_eq!(actions[1]["latestExecution"]["status"], "Failed");
    assert_eq!(actions[1]["latestExecution"]["errorDetails"]["code"], "InternalError");
    let ran = world
        .runs
        .lock()
        .unwrap()
        .iter()
        .filter(|work| work.pipeline == pipeline && work.action == "b")
        .count();
    assert_eq!((ran, restarts(&world)), (3, 3));
}

#[actix::test]
async fn a_stage_that_cannot_live_is_set_aside_and_who_waits_for_it_is_answered() {
    traps::set(["aside", "Test", "", "Succeeded"], u32::MAX);
    let world = World::start(Setup::default(), outputs);
    let pipeline = world.create("aside").await;
    let aside = || world.handle.metrics().set_aside.load(Ordering::Relaxed);
    until("it is set aside", async || aside() == 1).await;
    let id =
        ExecutionId(world.executions(&pipeline).await[0]["pipelineExecutionId"].as_str().unwrap().into());
    // From now on it cannot even be read.
    let inc = incarnation(&world.store, &pipeline).await;
    let mut damage = Batch::new();
    damage.put(keys::stage(&inc, 1, "Test", 1), &Mark {});
    world.store.queue(damage).await;
    let stop = world.handle.stop_execution(pipeline.clone(), id.clone(), Level::Abandon, None);
    let refused = answered(stop).await.unwrap_err();
    assert_eq!(refused.kind, RejectionKind::Internal);
    // Newer executions can be stopped, and other pipelines go on.
    let waiting = world.begin(&pipeline).await;
    answered(world.handle.stop_execution(pipeline.clone(), waiting, Level::Abandon, None)).await.unwrap();
    let other = world.create("beside").await;
    assert_eq!(world.settled(&other).await, ["Succeeded"]);
}

#[actix::test]
async fn a_pipeline_that_dies_answers_with_an_internal_error_and_lives_again() {
    let told = Arc::new(Notify::new());
    let wait = Arc::clone(&told);
    let script = move |work: &Work| match work.action.as_str() {
        "get" => Act::Wait(Arc::clone(&wait)),
        _ => outputs(work),
    };
    let world = World::start(Setup::default(), script);
    let pipeline = world.create("mortal").await;
    until("the provider works", async || world.runs_of("get") == 1).await;
    // More often than it is brought back by itself: then the next command does it.
    traps::set(["mortal", "", "", "Started"], 5);
    for n in 0..5 {
        let refused = answered(world.begin_with(&pipeline, &n.to_string())).await.unwrap_err();
        assert_eq!(refused.kind, RejectionKind::Internal);
    }
    world.begin_with(&pipeline, "0").await.unwrap();
    assert_eq!(world.executions(&pipeline).await.len(), 2);
    // Its children lived on: the provider was not started twice, and their end still reaches it.
    assert_eq!((world.runs_of("get"), restarts(&world)), (1, 5));
    told.notify_one();
    until("the first one ended", async || world.runs_of("get") == 2).await;
    told.notify_one();
    world.settled(&pipeline).await;
}

#[actix::test]
async fn a_registry_that_panics_goes_on_and_so_does_the_pipeline_that_it_was_about_to_begin_again() {
    let world = World::start(Setup::default(), outputs);
    let pipeline = world.create("registered").await;
    world.settled(&pipeline).await;
    let id = incarnation(&world.store, &pipeline).await;
    // The pipeline's actor dies, and the registry when it says so.
    traps::set(["registered", "", "", "Succeeded"], 1);
    traps::set([&format!("Pipeline({id:?})"), "", "", ""], 1);
    world.begin(&pipeline).await;
    assert_eq!(world.settled(&pipeline).await, ["Succeeded", "Succeeded"]);
    assert_eq!(restarts(&world), 1);
    for name in ["registered-2", "registered-3", "registered-4", "registered-5"] {
        let other = world.create(name).await;
        assert_eq!(world.settled(&other).await, ["Succeeded"]);
    }
}
