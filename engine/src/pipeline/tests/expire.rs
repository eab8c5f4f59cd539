//! Retention: which finished executions may go.

use std::collections::BTreeMap;

use crate::pipeline::{Execution, Input, Pipeline, Version};
use crate::stage::StageExecutionStatus;
use crate::step::Effect;

use super::bench::Bench;

/// A pipeline that keeps two, with executions 1 (the last to succeed), 2 and 3 (the last to enter).
fn three_finished() -> (Bench, Vec<String>) {
    let mut bench = Bench::keeping("Source: S", 2);
    bench.succeeded(1, "Source");
    bench.start();
    bench.ended(2, "Source", StageExecutionStatus::Failed);
    bench.start();
    let last = bench.ended(3, "Source", StageExecutionStatus::Failed);
    (bench, last)
}

fn proposal(bench: &Bench, numbers: &[u64]) -> Input {
    let proposed: Vec<Execution> = numbers.iter().map(|number| bench.records[number].clone()).collect();
    Input::Expire(proposed)
}

#[test]
fn more_than_is_wanted_is_proposed_for_removal() {
    let (_, last) = three_finished();
    assert_eq!(last[last.len() - 2..], ["effect execution ended Failed", "effect propose 1 for expiry"]);
}

#[test]
fn what_a_stage_still_needs_stays() {
    let (mut bench, _) = three_finished();
    let proposal = proposal(&bench, &[3, 2, 1]);
    assert_eq!(
        bench.step(proposal),
        [
            "write expired execution 2 Failed",
            "write head version 1 unfinished [] finished 2, Source: entered 3 succeeded 1",
            "effect empty trash",
        ]
    );
    assert!(bench.machine.is_idle());
}

#[test]
fn no_more_goes_than_has_to_and_nothing_unfinished() {
    let mut bench = Bench::keeping("Source: S", 2);
    for number in 1..=4 {
        bench.ended(number, "Source", StageExecutionStatus::Failed);
        bench.start();
    }
    let proposal = proposal(&bench, &[5, 4, 3, 2, 1]);
    assert_eq!(
        bench.step(proposal),
        [
            "write expired execution 1 Failed",
            "write expired execution 2 Failed",
            "write head version 1 unfinished [5] finished 2, Source: inside 5 entered 5",
            "effect empty trash",
        ]
    );
}

#[test]
fn a_repeated_proposal_changes_nothing() {
    let (mut bench, _) = three_finished();
    let proposal = proposal(&bench, &[1, 2, 3]);
    bench.step(proposal.clone());
    let before = bench.machine.clone();
    assert!(bench.step(proposal).is_empty());
    assert_eq!(bench.machine, before);
}

#[test]
fn a_proposal_that_comes_after_the_delete_writes_nothing() {
    let (mut bench, _) = three_finished();
    let proposal = proposal(&bench, &[1, 2, 3]);
    bench.delete();
    let head = bench.head();
    assert!(bench.step(proposal).is_empty());
    assert_eq!(bench.head(), head);
    assert!(bench.machine.is_idle());
}

#[test]
fn a_pipeline_that_keeps_more_than_is_wanted_now_proposes_it_when_it_begins() {
    let (mut bench, _) = three_finished();
    let head = bench.machine.head().clone();
    let versions: Vec<Version> = bench.machine.versions.values().map(|version| (**version).clone()).collect();
    let begun = |keep| Pipeline::load(head.clone(), Vec::new(), versions.clone(), BTreeMap::new(), keep);
    assert!(begun(3).outstanding().is_empty() && begun(3).is_idle());
    bench.machine = begun(1);
    assert_eq!(bench.machine.outstanding(), [Effect::ProposeExpiry(2)]);
    assert!(!bench.machine.is_idle());
    let proposal = proposal(&bench, &[1, 2, 3]);
    bench.step(proposal);
    // The last to succeed and the last to enter are needed.
    assert_eq!(bench.machine.head().finished, 2);
    assert!(bench.machine.is_idle() && bench.machine.outstanding().is_empty());
}
