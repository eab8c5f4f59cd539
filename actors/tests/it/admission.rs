//! More commands than the engine takes at once.

use futures_util::future::join_all;
use penstock_actors::{Settings, StartOrder};
use penstock_engine::rejection::RejectionKind;

use crate::world::{Setup, World, outputs};

#[actix::test]
async fn commands_beyond_the_permits_are_throttled_and_none_of_the_others_is_lost() {
    let settings = Settings { keep_executions: 100_000, arbiters: 1, ..Settings::default() };
    let world = World::start(Setup { settings, ..Setup::default() }, outputs);
    let pipeline = world.create("busy").await;
    let starts = (0..8192).map(|_| world.handle.start_execution(pipeline.clone(), StartOrder::default()));
    let answers = join_all(starts).await;
    let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(taken.len() >= 4096 && !refused.is_empty(), "{} taken", taken.len());
    assert!(refused.iter().all(|refused| refused.as_ref().unwrap_err().kind == RejectionKind::Throttling));
    let listed = world.executions(&pipeline).await;
    assert_eq!(listed.len(), taken.len() + 1);
    let oldest_first =
        listed.iter().rev().skip(1).map(|listed| listed["pipelineExecutionId"].as_str().unwrap());
    assert!(oldest_first.eq(taken.iter().map(|taken| taken.as_ref().unwrap().as_str())), "in order");
    // The permits are back.
    world.begin(&pipeline).await;
    world.settled(&pipeline).await;
}
