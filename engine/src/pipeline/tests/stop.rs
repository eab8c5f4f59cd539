//! Stop, in each place where an execution can be.

use crate::pipeline::ExecutionStatus;
use crate::stage::{Level, StageExecutionStatus};

use super::bench::Bench;

#[test]
fn a_waiting_execution_stops_at_once() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.start();
    assert_eq!(
        bench.stop(2, Level::Finish),
        [
            "write event execution Stopped",
            "write execution 2 Stopped to Finish as Stopped",
            "write head version 1 unfinished [1] finished 1, Source: inside 1 entered 1",
            "effect answer 2: execution e2",
            "effect execution ended Stopped",
        ]
    );
    assert_eq!(bench.records[&2].stop_reason.as_deref(), Some("enough"));
}

#[test]
fn inside_a_stage_the_answer_waits_until_nothing_more_starts() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    assert_eq!(
        bench.stop(1, Level::Finish),
        [
            "write event execution Stopping",
            "write execution 1 Stopping inside 1/Source/1 to Finish as Stopped",
            "write head version 1 unfinished [1] finished 0, Source: inside 1 entered 1",
            "effect see to stage 1/Source/1 to Finish as Stopped",
        ]
    );
    assert!(!bench.machine.is_idle());
    assert!(bench.took(1, "Source", Level::Proceed).is_empty());
    assert_eq!(bench.took(1, "Source", Level::Finish), ["effect answer 1: execution e1"]);
    assert!(bench.took(1, "Source", Level::Finish).is_empty());
    assert_eq!(
        bench.ended(1, "Source", StageExecutionStatus::Stopped),
        [
            "write event execution Stopped",
            "write execution 1 Stopped to Finish as Stopped",
            "write live gone",
            "write head version 1 unfinished [] finished 1, Source: entered 1",
            "effect execution ended Stopped",
        ]
    );
}

#[test]
fn the_end_of_the_stage_answers_as_well() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.stop(1, Level::Abandon);
    assert_eq!(
        bench.ended(1, "Source", StageExecutionStatus::Stopped),
        [
            "write event execution Stopped",
            "write execution 1 Stopped to Abandon as Stopped",
            "write live gone",
            "write head version 1 unfinished [] finished 1, Source: entered 1",
            "effect execution ended Stopped",
            "effect answer 1: execution e1",
        ]
    );
}

#[test]
fn a_success_that_was_on_its_way_goes_no_further() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.start();
    bench.stop(1, Level::Finish);
    assert_eq!(
        bench.succeeded(1, "Source"),
        [
            "write succeeded execution 1 in Source under version 1",
            "write event execution Stopped",
            "write execution 1 Stopped to Finish as Stopped",
            "write event stage Source Started",
            "write event action Source.S Started",
            "write born action 2/Source/1.S InProgress",
            "write stage 2/Source/1 InProgress, S runs",
            "write execution 2 InProgress inside 2/Source/1",
            "write head version 1 unfinished [2] finished 1, Source: inside 2 entered 2 succeeded 1",
            "effect execution ended Stopped",
            "effect see to stage 2/Source/1",
            "effect answer 2: execution e1",
        ]
    );
}

#[test]
fn even_after_the_last_stage_who_was_told_of_a_stop_gets_one() {
    let mut bench = Bench::new("Source: S");
    bench.stop(1, Level::Finish);
    bench.succeeded(1, "Source");
    assert_eq!(bench.records[&1].status, ExecutionStatus::Stopped);
}

#[test]
fn a_failure_that_was_on_its_way_ends_as_stopped() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.stop(1, Level::Finish);
    bench.ended(1, "Source", StageExecutionStatus::Failed);
    assert_eq!(bench.records[&1].status, ExecutionStatus::Stopped);
}

#[test]
fn a_second_stop_is_refused_unless_it_asks_for_more() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.stop(1, Level::Finish);
    let refused = |reply: u64| {
        [format!(
            "effect answer {reply}: DuplicatedStopRequest: The pipeline execution e1 is already being stopped."
        )]
    };
    assert_eq!(bench.stop(1, Level::Finish), refused(2));
    assert_eq!(
        bench.stop(1, Level::Abandon),
        [
            "write execution 1 Stopping inside 1/Source/1 to Abandon as Stopped",
            "write head version 1 unfinished [1] finished 0, Source: inside 1 entered 1",
            "effect see to stage 1/Source/1 to Abandon as Stopped",
        ]
    );
    assert_eq!(bench.stop(1, Level::Abandon), refused(4));
    assert_eq!(bench.stop(1, Level::Finish), refused(5));
    assert_eq!(bench.took(1, "Source", Level::Finish), ["effect answer 1: execution e1"]);
    assert_eq!(bench.took(1, "Source", Level::Abandon), ["effect answer 3: execution e1"]);
}

#[test]
fn a_stop_after_an_update_beats_it() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.update("Source: S");
    assert_eq!(
        bench.stop(1, Level::Finish)[1],
        "write execution 1 Stopping inside 1/Source/1 to Finish as Stopped"
    );
    bench.ended(1, "Source", StageExecutionStatus::Cancelled);
    assert_eq!(bench.records[&1].status, ExecutionStatus::Stopped);
}

#[test]
fn what_has_ended_or_never_was_cannot_be_stopped() {
    let mut bench = Bench::new("Source: S");
    bench.succeeded(1, "Source");
    let before = bench.machine.clone();
    for (reply, execution) in [(1, 1), (2, 8)] {
        assert_eq!(
            bench.stop(execution, Level::Abandon),
            [format!(
                "effect answer {reply}: PipelineExecutionNotStoppable: Unable to stop: e{execution}. \
                 The pipeline execution is already in a final state or does not exist."
            )]
        );
    }
    assert_eq!(bench.machine, before);
}
