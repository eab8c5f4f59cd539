//! Transitions: who waits before a disabled one, and what enabling does.

use crate::pipeline::{ExecutionStatus, TransitionType};
use crate::rejection::RejectionKind;

use super::bench::Bench;

const DAY: u64 = 24 * 60 * 60 * 1000;

#[test]
fn before_a_disabled_stage_an_execution_waits_and_enters_in_the_batch_that_enables_it() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    assert_eq!(
        bench.disable("Deploy", TransitionType::Inbound),
        [
            "write head version 1 unfinished [1] finished 0, Deploy: disabled, Source: inside 1 entered 1",
            "effect answer 1: done",
        ]
    );
    assert_eq!(
        bench.succeeded(1, "Source"),
        [
            "write succeeded execution 1 in Source under version 1",
            "write execution 1 InProgress waiting before Deploy",
            "write head version 1 unfinished [1] finished 0, Deploy: waiting 1 disabled, \
             Source: entered 1 succeeded 1",
        ]
    );
    assert!(bench.machine.outstanding().is_empty());
    assert_eq!(
        bench.enable("Deploy", TransitionType::Inbound),
        [
            "write event stage Deploy Started",
            "write event action Deploy.D Started",
            "write born action 1/Deploy/1.D InProgress",
            "write stage 1/Deploy/1 InProgress, D runs",
            "write execution 1 InProgress inside 1/Deploy/1",
            "write head version 1 unfinished [1] finished 0, Deploy: inside 1 entered 1, \
             Source: entered 1 succeeded 1",
            "effect answer 2: done",
            "effect see to stage 1/Deploy/1",
        ]
    );
}

#[test]
fn before_a_disabled_stage_a_newer_execution_replaces_the_one_that_waits() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.disable("Deploy", TransitionType::Inbound);
    bench.succeeded(1, "Source");
    bench.start();
    bench.succeeded(2, "Source");
    assert_eq!(bench.records[&1].status, ExecutionStatus::Superseded);
    assert_eq!(
        bench.head(),
        "version 1 unfinished [2] finished 1, Deploy: waiting 2 disabled, Source: entered 2 succeeded 2"
    );
}

#[test]
fn who_is_inside_notices_nothing_and_nobody_follows() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.succeeded(1, "Source");
    bench.disable("Source", TransitionType::Outbound);
    bench.start();
    bench.succeeded(2, "Source");
    bench.succeeded(1, "Deploy");
    assert_eq!(bench.records[&1].status, ExecutionStatus::Succeeded);
    assert_eq!(
        bench.head(),
        "version 1 unfinished [2] finished 1, Deploy: waiting 2 entered 1 succeeded 1 disabled, \
         Source: entered 2 succeeded 2"
    );
}

#[test]
fn outbound_of_a_stage_is_inbound_of_the_next() {
    let mut bench = Bench::new("Source: S; Build: B; Deploy: D");
    bench.disable("Source", TransitionType::Outbound);
    assert!(!bench.machine.head().stages["Build"].is_open());
    bench.enable("Build", TransitionType::Inbound);
    assert!(bench.machine.head().stages["Build"].is_open());
}

#[test]
fn even_the_first_stage_can_be_closed() {
    let mut bench = Bench::new("Source: S");
    bench.succeeded(1, "Source");
    bench.disable("Source", TransitionType::Inbound);
    bench.start();
    assert_eq!(
        bench.head(),
        "version 1 unfinished [2] finished 1, Source: waiting 2 entered 1 succeeded 1 disabled"
    );
}

#[test]
fn to_disable_again_gives_another_reason_and_to_enable_again_changes_nothing() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.disable_because("Deploy", "first");
    bench.disable_because("Deploy", "second");
    let transition = bench.machine.head().stages["Deploy"].transition.clone().unwrap();
    assert_eq!((transition.changed_by.as_str(), transition.changed_at.0), ("arn:caller", 1002));
    let disabled = transition.disabled.unwrap();
    assert_eq!((disabled.reason.as_str(), disabled.since.0), ("second", 1001));
    bench.enable("Deploy", TransitionType::Inbound);
    let before = bench.machine.clone();
    assert_eq!(bench.enable("Deploy", TransitionType::Inbound), ["effect answer 4: done"]);
    assert_eq!(bench.machine, before);
}

#[test]
fn after_more_than_thirty_days_enabling_ends_who_waited() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.disable("Deploy", TransitionType::Inbound);
    bench.succeeded(1, "Source");
    bench.now.0 += 30 * DAY;
    // Another reason does not start the count again.
    bench.disable_because("Deploy", "still");
    assert_eq!(
        bench.enable("Deploy", TransitionType::Inbound),
        [
            "write event execution Stopped",
            "write execution 1 Stopped",
            "write live gone",
            "write head version 1 unfinished [] finished 1, Deploy:, Source: entered 1 succeeded 1",
            "effect answer 3: done",
            "effect execution ended Stopped",
        ]
    );
    assert_eq!(
        bench.records[&1].status_summary.as_deref(),
        Some("The transition into stage Deploy was disabled for more than 30 days.")
    );
}

#[test]
fn a_transition_that_is_not_there_is_refused() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    let before = bench.machine.clone();
    assert_eq!(
        bench.disable("Test", TransitionType::Inbound),
        ["effect answer 1: StageNotFound: Pipeline 'p' does not have a stage with name 'Test'"]
    );
    let refused = bench.enable("Deploy", TransitionType::Outbound);
    assert!(refused[0].contains(&format!("{:?}", RejectionKind::Validation)), "{refused:?}");
    assert_eq!(bench.machine, before);
}

#[test]
fn a_transition_belongs_to_the_stages_name_and_survives_an_update() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.succeeded(1, "Source");
    bench.succeeded(1, "Deploy");
    bench.disable("Deploy", TransitionType::Inbound);
    bench.update("Source: S; Test: T; Deploy: D");
    bench.start();
    bench.succeeded(2, "Source");
    bench.succeeded(2, "Test");
    assert_eq!(bench.machine.head().stages["Deploy"].waiting, [2]);
}
