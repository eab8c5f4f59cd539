//! Pipelines without work leave the memory, and come back for a command.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use penstock_actors::Settings;

use crate::world::{Setup, World, answered, outputs, until};

#[actix::test]
async fn a_pipeline_sleeps_when_idle_and_no_command_is_lost_to_its_falling_asleep() {
    // As soon as nothing is under way, which is before the next command as often as after it.
    let settings = Settings { idle: Duration::ZERO, keep_executions: 10_000, arbiters: 2 };
    let world = World::start(Setup { settings, ..Setup::default() }, outputs);
    let pipeline = world.create("drowsy").await;
    world.settled(&pipeline).await;
    let callers = (0..4u64).map(|caller| {
        let (world, pipeline) = (&world, &pipeline);
        async move {
            for n in 0..1500u64 {
                let tags = BTreeMap::from([("n".to_owned(), n.to_string())]);
                answered(world.handle.tag(pipeline.clone(), tags)).await.unwrap();
                if n % 50 == caller {
                    answered(world.begin_with(pipeline, &format!("{caller}-{n}"))).await.unwrap();
                    world.settled(pipeline).await;
                }
            }
        }
    });
    join_all(callers).await;
    let statuses = world.settled(&pipeline).await;
    assert_eq!(statuses.len(), 121);
    until("all sleep", async || world.handle.metrics().actors.load(Ordering::Relaxed) == 0).await;
    world.begin(&pipeline).await;
    assert_eq!(world.settled(&pipeline).await.len(), 122);
    assert_eq!(world.handle.metrics().restarts.load(Ordering::Relaxed), 0);
}
