//! The simulation bites: each mistake that the world around the machines can make is found soon.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::history;
use crate::mistakes::Mistakes;
use crate::op;

/// The laws that are found broken, by the first history that does, of at most so many.
fn found_within(histories: usize, mistakes: Mistakes) -> &'static str {
    let mut runner = TestRunner::deterministic();
    let strategy = op::histories(240);
    for _ in 0..histories {
        let history = strategy.new_tree(&mut runner).unwrap().current();
        if let Err(violation) = history::run(&history, mistakes) {
            return violation.law;
        }
    }
    panic!("not found in {histories} histories: {mistakes:?}")
}

#[test]
fn effects_before_durability_are_found() {
    found_within(60, Mistakes { effects_at_once: true, ..Mistakes::default() });
}

#[test]
fn a_stop_answered_before_the_stage_has_taken_it_is_found() {
    let law = found_within(200, Mistakes { stop_answered_at_once: true, ..Mistakes::default() });
    assert_eq!(law, "stop_means_stop");
}

#[test]
fn a_machine_that_begins_beside_its_predecessors_queue_is_found() {
    found_within(60, Mistakes { leaving_ignored: true, ..Mistakes::default() });
}

#[test]
fn an_end_that_is_not_told_again_is_found() {
    let law = found_within(60, Mistakes { end_not_told_again: true, ..Mistakes::default() });
    assert_eq!(law, "everything_ends");
}

#[test]
fn an_override_answered_before_the_stage_has_decided_is_found() {
    let law = found_within(200, Mistakes { override_answered_at_once: true, ..Mistakes::default() });
    assert_eq!(law, "acknowledged");
}
