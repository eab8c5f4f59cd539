//! QUEUED and PARALLEL, and changes between the modes.

use crate::declaration::pipeline::ExecutionMode;
use crate::fixture::declaration_in;
use crate::pipeline::{ExecutionStatus, TransitionType};
use crate::stage::{Level, StageExecutionStatus};

use super::bench::Bench;

const STAGES: &str = "Source: S; Deploy: D";

#[test]
fn in_queued_mode_who_arrives_waits_behind_the_others() {
    let mut bench = Bench::in_mode(ExecutionMode::Queued, STAGES);
    for _ in 0..3 {
        bench.start();
    }
    assert_eq!(
        bench.head(),
        "version 1 unfinished [1 2 3 4] finished 0, Source: inside 1 waiting 2 3 4 entered 1"
    );
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
            "write head version 1 unfinished [1 2 3 4] finished 0, Deploy: inside 1 entered 1, \
             Source: inside 2 waiting 3 4 entered 2 succeeded 1",
            "effect see to stage 1/Deploy/1",
            "effect see to stage 2/Source/1",
        ]
    );
    bench.succeeded(2, "Source");
    assert_eq!(bench.machine.head().stages["Deploy"].waiting, [2]);
    bench.ended(1, "Deploy", StageExecutionStatus::Failed);
    assert!(bench.machine.head().stages["Deploy"].waiting.is_empty());
}

#[test]
fn whoever_is_stopped_in_the_queue_leaves_it() {
    let mut bench = Bench::in_mode(ExecutionMode::Queued, STAGES);
    for _ in 0..3 {
        bench.start();
    }
    bench.stop(3, Level::Finish);
    assert_eq!(bench.records[&3].status, ExecutionStatus::Stopped);
    assert_eq!(bench.machine.head().stages["Source"].waiting, [2, 4]);
}

#[test]
fn more_than_fifty_unfinished_executions_are_refused() {
    for mode in [ExecutionMode::Queued, ExecutionMode::Parallel] {
        let mut bench = Bench::in_mode(mode, "Source: S");
        for _ in 0..49 {
            bench.start();
        }
        let before = bench.machine.clone();
        assert_eq!(
            bench.start(),
            ["effect answer 50: ConcurrentPipelineExecutionsLimitExceeded: The pipeline has reached the \
              limit for concurrent pipeline executions."]
        );
        assert_eq!(bench.machine, before);
        bench.succeeded(1, "Source");
        bench.start();
        assert_eq!(bench.machine.head().unfinished.len(), 50);
    }
}

#[test]
fn in_parallel_mode_nobody_waits_and_the_head_knows_of_nobody_inside() {
    let mut bench = Bench::in_mode(ExecutionMode::Parallel, STAGES);
    assert_eq!(
        bench.start(),
        [
            "write event execution Started",
            "write event stage Source Started",
            "write event action Source.S Started",
            "write born action 2/Source/1.S InProgress",
            "write stage 2/Source/1 InProgress, S runs",
            "write born execution 2 InProgress inside 2/Source/1",
            "write head version 1 unfinished [1 2] finished 0",
            "effect answer 1: execution e2",
            "effect see to stage 2/Source/1",
        ]
    );
    bench.succeeded(2, "Source");
    bench.succeeded(1, "Source");
    bench.ended(1, "Deploy", StageExecutionStatus::Failed);
    bench.succeeded(2, "Deploy");
    let ends = (bench.records[&1].status, bench.records[&2].status);
    assert_eq!(ends, (ExecutionStatus::Failed, ExecutionStatus::Succeeded));
    assert_eq!(bench.head(), "version 1 unfinished [] finished 2");
}

#[test]
fn in_parallel_mode_all_who_wait_at_a_disabled_transition_enter_when_it_is_enabled() {
    let mut bench = Bench::in_mode(ExecutionMode::Parallel, STAGES);
    bench.disable("Deploy", TransitionType::Inbound);
    bench.start();
    bench.succeeded(2, "Source");
    bench.succeeded(1, "Source");
    assert_eq!(bench.machine.head().stages["Deploy"].waiting, [2, 1]);
    bench.enable("Deploy", TransitionType::Inbound);
    assert_eq!(bench.head(), "version 1 unfinished [1 2] finished 0, Deploy:");
    assert_eq!(bench.machine.outstanding().len(), 2);
}

#[test]
fn an_update_leaves_parallel_executions_alone_that_are_inside_a_stage() {
    for mode in [ExecutionMode::Parallel, ExecutionMode::Queued, ExecutionMode::Superseded] {
        let mut bench = Bench::in_mode(ExecutionMode::Parallel, STAGES);
        bench.disable("Deploy", TransitionType::Inbound);
        bench.start();
        bench.succeeded(1, "Source");
        let updated = bench.update_to(declaration_in(mode, STAGES));
        assert_eq!(updated.last().unwrap(), "effect answer 3: version 2");
        assert_eq!(bench.records[&1].status, ExecutionStatus::Cancelled);
        bench.enable("Deploy", TransitionType::Inbound);
        bench.succeeded(2, "Source");
        bench.succeeded(2, "Deploy");
        assert_eq!(bench.records[&2].status, ExecutionStatus::Succeeded);
    }
}

#[test]
fn parallel_executions_of_before_hold_no_locks_after_a_change_of_the_mode() {
    let mut bench = Bench::in_mode(ExecutionMode::Parallel, STAGES);
    bench.update_to(declaration_in(ExecutionMode::Queued, STAGES));
    bench.start();
    bench.start();
    assert_eq!(bench.head(), "version 2 unfinished [1 2 3] finished 0, Source: inside 2 waiting 3 entered 2");
    bench.succeeded(1, "Source");
    assert_eq!(bench.head(), "version 2 unfinished [1 2 3] finished 0, Source: inside 2 waiting 3 entered 2");
}

#[test]
fn after_a_change_to_parallel_those_inside_finish_and_new_ones_do_not_wait_for_them() {
    let mut bench = Bench::in_mode(ExecutionMode::Superseded, STAGES);
    bench.start();
    bench.update_to(declaration_in(ExecutionMode::Parallel, STAGES));
    assert_eq!(bench.records[&2].status, ExecutionStatus::Cancelled);
    bench.start();
    bench.succeeded(3, "Source");
    bench.ended(1, "Source", StageExecutionStatus::Cancelled);
    bench.succeeded(3, "Deploy");
    let ends = (bench.records[&1].status, bench.records[&3].status);
    assert_eq!(ends, (ExecutionStatus::Cancelled, ExecutionStatus::Succeeded));
    assert_eq!(bench.head(), "version 2 unfinished [] finished 3, Source: entered 1");
}

#[test]
fn a_parallel_execution_of_before_may_wait_at_a_stage_that_is_no_more() {
    let mut bench = Bench::in_mode(ExecutionMode::Parallel, STAGES);
    bench.disable("Deploy", TransitionType::Inbound);
    bench.update_to(declaration_in(ExecutionMode::Superseded, "Source: S; Test: T"));
    bench.succeeded(1, "Source");
    assert_eq!(bench.machine.head().stages["Deploy"].waiting, [1]);
    bench.enable("Deploy", TransitionType::Inbound);
    bench.succeeded(1, "Deploy");
    assert_eq!(bench.records[&1].status, ExecutionStatus::Succeeded);
}

#[test]
fn who_waits_in_parallel_mode_is_not_superseded_and_does_not_stand_in_the_way() {
    let mut bench = Bench::in_mode(ExecutionMode::Parallel, STAGES);
    bench.update_to(declaration_in(ExecutionMode::Superseded, STAGES));
    bench.start();
    bench.succeeded(2, "Source");
    bench.disable("Deploy", TransitionType::Inbound);
    bench.succeeded(1, "Source");
    bench.start();
    bench.succeeded(3, "Source");
    bench.start();
    bench.succeeded(4, "Source");
    assert_eq!(bench.records[&3].status, ExecutionStatus::Superseded);
    assert_eq!(bench.machine.head().stages["Deploy"].waiting, [1, 4]);
    bench.enable("Deploy", TransitionType::Inbound);
    let deploy = &bench.machine.head().stages["Deploy"];
    assert_eq!(deploy.waiting, [4]);
    bench.succeeded(2, "Deploy");
    assert!(bench.machine.head().stages["Deploy"].waiting.is_empty());
}
