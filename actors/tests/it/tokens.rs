//! A client's idempotency token: one token, one execution. (Across kills: see `recovery`.)

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::{join, join_all};
use penstock_actors::StartOrder;
use penstock_storage::{OpenOptions, Store};
use tokio::sync::Notify;

use crate::world::{Act, Setup, World, outputs};

#[actix::test]
async fn a_token_stands_for_one_execution_at_once_and_after_it_was_superseded() {
    let told = Arc::new(Notify::new());
    let wait = Arc::clone(&told);
    let script = move |work: &penstock_engine::action::Work| match work.action.as_str() {
        "get" => Act::Wait(Arc::clone(&wait)),
        _ => outputs(work),
    };
    let world = World::start(Setup::default(), script);
    let pipeline = world.create("tokens").await;
    let repeats = join_all((0..32).map(|n| {
        let (world, pipeline) = (&world, &pipeline);
        async move { world.begin_with(pipeline, if n % 2 == 0 { "even" } else { "odd" }).await.unwrap() }
    }));
    let ids = repeats.await;
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 2);
    let executions = world.executions(&pipeline).await;
    let statuses: Vec<_> = executions.iter().map(|each| each["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["InProgress", "Superseded", "InProgress"]);
    assert_eq!(world.begin_with(&pipeline, "even").await.unwrap(), ids[0]);
    assert_eq!(world.begin_with(&pipeline, "odd").await.unwrap(), ids[1]);
    assert_eq!(world.executions(&pipeline).await.len(), 3);
}

#[actix::test]
async fn a_token_of_a_refused_start_stands_for_nothing() {
    // On a disk, where the repeats come before the refusal is answered.
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), OpenOptions::default().fatal(drop)).unwrap();
    let world = World::start(Setup { store, ..Setup::default() }, outputs);
    let pipeline = world.create("refusing").await;
    world.settled(&pipeline).await;
    let refused = join_all((0..8).map(|_| {
        let variables = vec![("undeclared".to_owned(), "x".to_owned())];
        let order = StartOrder { token: Some("t".into()), variables, ..StartOrder::default() };
        world.handle.start_execution(pipeline.clone(), order)
    }));
    let (_, refused) = join(world.begin(&pipeline), refused).await;
    assert!(refused.iter().all(Result::is_err), "{refused:?}");
    world.begin_with(&pipeline, "t").await.unwrap();
    world.settled(&pipeline).await;
    assert_eq!(world.executions(&pipeline).await.len(), 3);
}
