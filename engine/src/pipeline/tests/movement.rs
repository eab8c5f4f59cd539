//! Entering, waiting, leaving.

use crate::action::SourceRevision;
use crate::pipeline::{ExecutionStatus, Input};
use crate::stage::{Outcome, StageExecutionStatus, Wish};
use crate::step::Effect;
use crate::time::Timestamp;

use super::bench::{Bench, stage_id};

#[test]
fn who_leaves_a_stage_enters_the_next_and_who_waited_takes_the_freed_one() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.start();
    assert_eq!(
        bench.succeeded(1, "Source"),
        [
            "write succeeded execution 1 in Source under version 1",
            "write event stage Deploy Started",
            "write event action Deploy.D Started",
            "write born action 1/Deploy/1.D InProgress",
            "write stage 1/Deploy/1 InProgress, D runs",
            "write execution 1 InProgress inside 1/Deploy/1",
            "write event stage Source Started",
            "write event action Source.S Started",
            "write born action 2/Source/1.S InProgress",
            "write stage 2/Source/1 InProgress, S runs",
            "write execution 2 InProgress inside 2/Source/1",
            "write head version 1 unfinished [1 2] finished 0, Deploy: inside 1 entered 1, \
             Source: inside 2 entered 2 succeeded 1",
            "effect see to stage 1/Deploy/1",
            "effect see to stage 2/Source/1",
        ]
    );
}

#[test]
fn who_arrives_at_a_taken_stage_replaces_the_one_that_waits_there() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    for execution in 1..3 {
        bench.start();
        bench.succeeded(execution, "Source");
    }
    assert_eq!(
        bench.succeeded(3, "Source"),
        [
            "write succeeded execution 3 in Source under version 1",
            "write event execution Superseded",
            "write execution 2 Superseded",
            "write execution 3 InProgress waiting before Deploy",
            "write head version 1 unfinished [1 3] finished 1, Deploy: inside 1 waiting 3 entered 1, \
             Source: entered 3 succeeded 3",
            "effect execution ended Superseded",
        ]
    );
}

#[test]
fn an_execution_that_has_passed_its_last_stage_has_succeeded() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.succeeded(1, "Source");
    assert_eq!(
        bench.succeeded(1, "Deploy"),
        [
            "write succeeded execution 1 in Deploy under version 1",
            "write event execution Succeeded",
            "write execution 1 Succeeded",
            "write live gone",
            "write head version 1 unfinished [] finished 1, Deploy: entered 1 succeeded 1, \
             Source: entered 1 succeeded 1",
            "effect execution ended Succeeded",
        ]
    );
    assert!(bench.machine.is_idle());
    assert_eq!(bench.records[&1].succeeded_in, ["Source", "Deploy"]);
}

#[test]
fn a_failed_stage_ends_its_execution_and_admits_who_waits() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.start();
    assert_eq!(
        bench.ended(1, "Source", StageExecutionStatus::Failed),
        [
            "write event execution Failed",
            "write execution 1 Failed",
            "write event stage Source Started",
            "write event action Source.S Started",
            "write born action 2/Source/1.S InProgress",
            "write stage 2/Source/1 InProgress, S runs",
            "write execution 2 InProgress inside 2/Source/1",
            "write head version 1 unfinished [2] finished 1, Source: inside 2 entered 2",
            "effect execution ended Failed",
            "effect see to stage 2/Source/1",
        ]
    );
}

#[test]
fn an_end_that_is_told_again_or_late_changes_nothing() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.succeeded(1, "Source");
    let before = bench.machine.clone();
    assert!(bench.succeeded(1, "Source").is_empty());
    assert!(bench.ended(1, "Source", StageExecutionStatus::Failed).is_empty());
    assert!(bench.succeeded(7, "Deploy").is_empty());
    assert_eq!(bench.machine, before);
    bench.succeeded(1, "Deploy");
    let before = bench.machine.clone();
    assert!(bench.ended(1, "Deploy", StageExecutionStatus::Failed).is_empty());
    assert_eq!(bench.machine, before);
}

#[test]
fn the_execution_keeps_what_its_sources_found() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    let found = SourceRevision {
        action: "S".to_owned(),
        artifact: "s".to_owned(),
        revision_id: "v1".to_owned(),
        change_identifier: None,
        summary: None,
        url: None,
        created: None,
    };
    let outcome = Outcome {
        status: StageExecutionStatus::Succeeded,
        revisions: vec![found.clone()],
        wants_rollback: false,
        execution_attempt: 1,
    };
    bench.step(Input::StageEnded { stage: stage_id(1, "Source"), outcome });
    assert_eq!(bench.records[&1].revisions, [found]);
}

#[test]
fn after_a_restart_the_stage_executions_are_seen_to() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.start();
    assert_eq!(bench.machine.outstanding(), [Effect::SeeToStage(stage_id(1, "Source"), Wish::PROCEED)]);
    bench.succeeded(1, "Source");
    bench.succeeded(1, "Deploy");
    bench.succeeded(2, "Source");
    bench.succeeded(2, "Deploy");
    assert!(bench.machine.outstanding().is_empty());
}

#[test]
fn time_never_runs_backwards() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.now = Timestamp(5000);
    bench.succeeded(1, "Source");
    bench.now = Timestamp(0);
    bench.succeeded(1, "Deploy");
    assert_eq!(bench.records[&1].status, ExecutionStatus::Succeeded);
    assert_eq!(bench.records[&1].updated, Timestamp(5001));
}
