//! Retention: which finished executions may go.

use crate::pipeline::{Execution, Input};
use crate::stage::StageExecutionStatus;

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
