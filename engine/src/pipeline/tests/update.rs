//! Update and delete while executions are under way.

use crate::pipeline::{ExecutionStatus, TransitionType};
use crate::stage::{Level, StageExecutionStatus};

use super::bench::Bench;

#[test]
fn an_update_cancels_who_waits_and_lets_who_is_inside_finish() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.start();
    bench.succeeded(1, "Source");
    bench.start();
    assert_eq!(
        bench.update("Source: S; Test: T"),
        [
            "write version 2",
            "write execution 1 InProgress inside 1/Deploy/1 to Finish as Cancelled",
            "write execution 2 InProgress inside 2/Source/1 to Finish as Cancelled",
            "write event execution Canceled",
            "write execution 3 Cancelled",
            "write head version 2 unfinished [1 2] finished 1, Deploy: inside 1 entered 1, \
             Source: inside 2 entered 2 succeeded 1",
            "effect see to stage 1/Deploy/1 to Finish as Cancelled",
            "effect see to stage 2/Source/1 to Finish as Cancelled",
            "effect execution ended Cancelled",
        ]
    );
    assert!(bench.took(1, "Deploy", Level::Finish).is_empty());
    assert_eq!(bench.took(2, "Source", Level::Finish), ["effect answer 3: version 2"]);
    // The last stage of its own version: its success is the execution's.
    bench.succeeded(1, "Deploy");
    assert_eq!(bench.records[&1].status, ExecutionStatus::Succeeded);
    bench.succeeded(2, "Source");
    assert_eq!(bench.records[&2].status, ExecutionStatus::Cancelled);
}

#[test]
fn after_an_update_new_executions_run_the_new_version() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.update("Build: B");
    assert_eq!(
        bench.start(),
        [
            "write event execution Started",
            "write event stage Build Started",
            "write event action Build.B Started",
            "write born action 2/Build/1.B InProgress",
            "write stage 2/Build/1 InProgress, B runs",
            "write born execution 2 InProgress inside 2/Build/1",
            "write head version 2 unfinished [1 2] finished 0, Build: inside 2 entered 2, \
             Source: inside 1 entered 1",
            "effect answer 2: execution e2",
            "effect see to stage 2/Build/1",
        ]
    );
    assert_eq!(bench.records[&2].version, 2);
}

#[test]
fn an_update_of_a_pipeline_at_rest_is_answered_at_once_and_the_old_version_forgotten() {
    let mut bench = Bench::new("Source: S");
    bench.succeeded(1, "Source");
    assert_eq!(
        bench.update("Source: T"),
        [
            "write version 2",
            "write head version 2 unfinished [] finished 1, Source: entered 1 succeeded 1",
            "effect answer 1: version 2",
        ]
    );
    assert_eq!(bench.machine.versions.keys().copied().collect::<Vec<_>>(), [2]);
}

#[test]
fn a_version_is_kept_in_memory_as_long_as_somebody_runs_it() {
    let mut bench = Bench::new("Source: S");
    bench.update("Source: T");
    bench.update("Source: U");
    assert_eq!(bench.machine.versions.keys().copied().collect::<Vec<_>>(), [1, 3]);
    bench.succeeded(1, "Source");
    assert_eq!(bench.machine.versions.keys().copied().collect::<Vec<_>>(), [3]);
}

#[test]
fn a_stage_that_fails_after_an_update_ends_its_execution_as_cancelled() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.update("Source: S");
    bench.ended(1, "Source", StageExecutionStatus::Cancelled);
    assert_eq!(bench.records[&1].status, ExecutionStatus::Cancelled);
}

#[test]
fn a_delete_frees_the_name_and_goes_to_the_trash_when_nothing_runs_any_more() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.start();
    assert_eq!(
        bench.delete(),
        [
            "write name 1/us-east-1/p gone",
            "write execution 1 InProgress inside 1/Source/1 to Abandon as Cancelled",
            "write event execution Canceled",
            "write execution 2 Cancelled",
            "write head version 1 unfinished [1] finished 1, Source: inside 1 entered 1, deleted",
            "effect see to stage 1/Source/1 to Abandon as Cancelled",
            "effect execution ended Cancelled",
        ]
    );
    assert!(bench.took(1, "Source", Level::Finish).is_empty());
    assert_eq!(bench.took(1, "Source", Level::Abandon), ["effect answer 2: done"]);
    assert_eq!(
        bench.ended(1, "Source", StageExecutionStatus::Cancelled),
        [
            "write event execution Canceled",
            "write execution 1 Cancelled to Abandon as Cancelled",
            "write live gone",
            "write trash",
            "write head version 1 unfinished [] finished 2, Source: entered 1, deleted",
            "effect execution ended Cancelled",
            "effect empty trash",
        ]
    );
}

#[test]
fn a_pipeline_at_rest_is_deleted_at_once_and_then_not_found() {
    let mut bench = Bench::new("Source: S");
    bench.succeeded(1, "Source");
    assert_eq!(
        bench.delete(),
        [
            "write name 1/us-east-1/p gone",
            "write trash",
            "write head version 1 unfinished [] finished 1, Source: entered 1 succeeded 1, deleted",
            "effect empty trash",
            "effect answer 1: done",
        ]
    );
    let before = bench.machine.clone();
    let not_found = |reply: u64| {
        [format!(
            "effect answer {reply}: PipelineNotFound: Account '1' does not have a pipeline with name 'p'"
        )]
    };
    assert_eq!(bench.start(), not_found(2));
    assert_eq!(bench.stop(1, Level::Finish), not_found(3));
    let text = "The account with id '1' does not include a pipeline with the name 'p'";
    assert_eq!(bench.update("Source: S"), [format!("effect answer 4: ResourceNotFound: {text}")]);
    assert_eq!(bench.delete(), not_found(5));
    assert_eq!(bench.machine, before);
}

#[test]
fn stages_that_an_update_removed_are_forgotten_when_nobody_is_in_them_any_more() {
    let mut bench = Bench::new("Source: S; Deploy: D; Check: C");
    bench.succeeded(1, "Source");
    bench.start();
    bench.ended(2, "Source", StageExecutionStatus::Failed);
    bench.disable("Check", TransitionType::Inbound);
    let stages = |bench: &Bench| bench.machine.head().stages.keys().cloned().collect::<Vec<_>>();
    bench.update("Source: S; Test: T");
    assert_eq!(stages(&bench), ["Check", "Deploy", "Source"], "somebody is in Deploy");
    bench.succeeded(1, "Deploy");
    assert_eq!(stages(&bench), ["Check", "Source"], "a disabled transition stays");
    bench.update("Source: S; Check: C");
    bench.enable("Check", TransitionType::Inbound);
    bench.update("Source: S");
    assert_eq!(stages(&bench), ["Source"]);
}
