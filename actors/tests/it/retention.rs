//! History is bounded, and what goes goes wholly.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use penstock_actors::{RemoveArtifact, Settings};
use penstock_engine::action::{ActionExecution, ArtifactLocation};
use penstock_engine::ids::{Incarnation, PipelineKey};
use penstock_engine::pipeline::Head;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Direction, NameEntry, Store};

use crate::world::{Setup, World, outputs, until};

pub async fn incarnation(store: &Store, name: &PipelineKey) -> Incarnation {
    store.read(|view| NameEntry::of(view, name)).await.unwrap().unwrap()
}

/// Every key of a pipeline, and all that waits in the trash.
pub async fn leftovers(store: &Store, inc: &Incarnation) -> Vec<String> {
    let families = [
        keys::versions(inc),
        keys::executions(inc),
        keys::tokens(inc),
        keys::all_succeeded(inc),
        keys::all_stages(inc),
        keys::actions(inc),
        keys::all_actions_of(inc),
        keys::all_context(inc),
        keys::states(inc),
        keys::all_trash(),
    ];
    let read = store.read(|view| {
        let mut found = Vec::new();
        for family in families {
            for key in view.scan_keys(&family, Bound::Unbounded, Direction::Forward) {
                found.push(key?.to_string());
            }
        }
        for key in [keys::head(inc), keys::tags(inc), keys::live(inc)] {
            if view.contains(&key)? {
                found.push(key.to_string());
            }
        }
        Ok(found)
    });
    read.await.unwrap()
}

async fn trash(store: &Store) -> usize {
    let all = |view: &penstock_storage::View<'_>| {
        Ok(view.scan_keys(&keys::all_trash(), Bound::Unbounded, Direction::Forward).count())
    };
    store.read(all).await.unwrap()
}

#[actix::test]
async fn thousands_of_executions_leave_five_and_what_is_needed_and_a_delete_leaves_nothing() {
    let removed = Arc::new(Mutex::new(BTreeSet::new()));
    let notes = Arc::clone(&removed);
    let remove: RemoveArtifact = Arc::new(move |artifact: ArtifactLocation| {
        let notes = Arc::clone(&notes);
        Box::pin(async move {
            let first = notes.lock().unwrap().insert(artifact.key);
            // A janitor that met a panic goes on.
            assert!(!first || notes.lock().unwrap().len() % 50 != 7, "as the test wants it");
        })
    });
    let settings = Settings { keep_executions: 5, arbiters: 2, ..Settings::default() };
    let setup = Setup { settings, remove_artifact: Some(remove), ..Setup::default() };
    let world = World::start(setup, outputs);
    let pipeline = world.create("churned").await;
    let first = world.executions(&pipeline).await[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    for round in 0..100 {
        join_all((0..20).map(|n| {
            let (world, pipeline) = (&world, &pipeline);
            async move { world.begin_with(pipeline, &format!("{round}-{n}")).await.unwrap() }
        }))
        .await;
    }
    world.settled(&pipeline).await;
    until("the trash is empty", async || trash(&world.store).await == 0).await;
    let kept = world.executions(&pipeline).await;
    // A stage's last entered and last succeeded are needed: two more at most for each of three stages.
    assert!((5..=11).contains(&kept.len()), "{} are kept", kept.len());
    assert_eq!(kept[0]["status"], "Succeeded");
    let first = penstock_engine::ids::ExecutionId(first);
    world.handle.get_execution(&pipeline, &first).await.unwrap_err();

    let inc = incarnation(&world.store, &pipeline).await;
    let left = leftovers(&world.store, &inc).await;
    // Per execution: itself, its token, 3 successes, 3 stages, twice 5 actions, 3 pieces of context.
    assert!(left.len() <= kept.len() * 21 + 20, "{} keys: {left:#?}", left.len());
    let (head, kept_outputs) = world
        .store
        .read(|view| {
            let head: Head = view.get(&keys::head(&inc))?.unwrap();
            let actions = view.scan(&keys::actions(&inc), Bound::Unbounded, Direction::Forward);
            let mut outputs = BTreeSet::new();
            for action in actions {
                let (_, action): (_, ActionExecution) = action?;
                outputs.extend(action.outputs.into_iter().map(|artifact| artifact.key));
            }
            Ok((head, outputs))
        })
        .await
        .unwrap();
    assert_eq!(head.finished, u64::try_from(kept.len()).unwrap());
    let produced: BTreeSet<String> = {
        let runs = world.runs.lock().unwrap();
        runs.iter().flat_map(|work| work.outputs.iter().map(|artifact| artifact.key.clone())).collect()
    };
    let removed = removed.lock().unwrap().clone();
    assert!(removed.len() > 50, "only {} artifacts", removed.len());
    assert_eq!(removed, &produced - &kept_outputs);

    world.handle.delete(pipeline.clone()).await.unwrap();
    until("nothing of it is left", async || leftovers(&world.store, &inc).await.is_empty()).await;
    for id in kept.iter().map(|kept| kept["pipelineExecutionId"].as_str().unwrap()) {
        let id = keys::execution_id(&penstock_engine::ids::ExecutionId(id.to_owned()));
        assert!(!world.store.read(|view| view.contains(&id)).await.unwrap());
    }
}

#[test]
fn fewer_wanted_executions_take_effect_at_the_next_start() {
    let store = Store::in_memory();
    let keeping = |keep_executions| Setup {
        store: store.clone(),
        settings: Settings { keep_executions, arbiters: 2, ..Settings::default() },
        ..Setup::default()
    };
    actix::System::new().block_on(async {
        let world = World::start(keeping(100), outputs);
        let pipeline = world.create("shortened").await;
        for _ in 0..15 {
            world.begin(&pipeline).await;
            world.settled(&pipeline).await;
        }
        assert_eq!(world.executions(&pipeline).await.len(), 16);
        store.barrier().await;
    });
    actix::System::new().block_on(async {
        let world = World::start(keeping(3), outputs);
        let pipeline = crate::world::key("shortened");
        until("what is too much is gone", async || world.executions(&pipeline).await.len() == 3).await;
        until("the trash is empty", async || trash(&world.store).await == 0).await;
    });
}
