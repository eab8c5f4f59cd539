//! Simulated histories: the three machines wired together in memory, clients that start, stop, update and
//! delete at random moments, messages in any order and repeated, crashes of the process and of single actors.
//! The laws are in `invariants/`, one file each. A failing history is made as short as possible and printed
//! with all that happened in it; what it shows then becomes a unit test of its machine.
//!
//! `PENSTOCK_HISTORIES` is the number of histories, for more than the default. A failing one says its seed, and
//! `PENSTOCK_SEED` with `PENSTOCK_HISTORIES=1` replays it alone.
#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod clients;
mod disk;
mod faults;
mod history;
mod invariants;
mod law;
mod load;
mod mistakes;
mod op;
mod oracle;
mod people;
mod provider;
mod records;
mod rules;
mod sabotage;
mod shapes;
mod world;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use mistakes::Mistakes;

const HISTORIES: u64 = 250;
/// Operations in one history, at most.
const LONGEST: usize = 240;

const LONG_HISTORIES: u64 = 3;
/// Operations in one of these, at most; a quarter of it, at least.
const LONGEST_OF_LONG: usize = 8_000;

#[expect(clippy::disallowed_methods, reason = "a test's only arguments are its environment")]
fn histories() -> Option<u64> {
    std::env::var("PENSTOCK_HISTORIES").ok()?.parse().ok()
}

/// Where the histories begin: another place in every run, unless one is to be replayed.
#[expect(clippy::disallowed_methods, reason = "a test's only arguments are its environment")]
fn first_seed() -> u64 {
    let given = std::env::var("PENSTOCK_SEED").ok();
    given.map_or_else(|| RandomState::new().hash_one(0) >> 16, |seed| seed.parse().unwrap())
}

#[test]
fn the_laws_hold_in_every_history() {
    let first = first_seed();
    for seed in first..first + histories().unwrap_or(HISTORIES) {
        the_laws_hold(seed, LONGEST, "the_laws_hold_in_every_history");
    }
}

#[test]
fn the_laws_hold_in_histories_of_thousands_of_steps() {
    let first = first_seed();
    for seed in first..first + histories().unwrap_or(LONG_HISTORIES) {
        let steps = the_laws_hold(seed, LONGEST_OF_LONG, "the_laws_hold_in_histories_of_thousands");
        assert!(steps > 1_000, "the history of seed {seed} had {steps} steps");
    }
}

/// Runs the history of that seed; how many steps of machines it had.
fn the_laws_hold(seed: u64, longest: usize, test: &str) -> u64 {
    // Each history has a seed of its own, so that a failing one is replayed alone.
    let config = Config {
        cases: 1,
        failure_persistence: None,
        // A long history is told as it is: to make it short would take hours.
        max_shrink_iters: if longest > LONGEST { 0 } else { 500 },
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let steps = Cell::new(0);
    let outcome = TestRunner::new(config).run(&op::histories(longest), |history| {
        let seen = history::run(&history, Mistakes::default());
        let seen = seen.map_err(|violation| TestCaseError::fail(violation.law))?;
        steps.set(seen.get("step").copied().unwrap_or_default());
        Ok(())
    });
    let history = match outcome {
        Ok(()) => return steps.get(),
        Err(TestError::Fail(_, history)) => history,
        Err(aborted) => panic!("{aborted}"),
    };
    let replay = format!(
        "seed {seed}; to replay: PENSTOCK_SEED={seed} PENSTOCK_HISTORIES=1 \
         cargo test -p penstock-engine --test simulation {test}"
    );
    let Err(violation) = history::run(&history, Mistakes::default()) else {
        panic!("fails only sometimes: {history:?}\n\n{replay}");
    };
    let history = match longest {
        LONGEST => history::shorten(history, violation.law, Mistakes::default()),
        _ => history,
    };
    panic!("{}\n\n{replay}", history::tell(&history, Mistakes::default()));
}

#[test]
fn histories_come_by_everything_that_the_machines_know() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..250 {
        let history = op::histories(LONGEST).new_tree(&mut runner).unwrap().current();
        for (what, count) in history::run(&history, Mistakes::default()).unwrap_or_default() {
            *seen.entry(what).or_default() += count;
        }
    }
    for what in [
        "Superseded execution",
        "Queued execution",
        "Parallel execution",
        "crash",
        "execution Cancelled",
        "execution Failed",
        "execution Stopped",
        "execution Succeeded",
        "execution Superseded",
        "execution expired",
        "stage Cancelled",
        "stage Failed",
        "stage Stopped",
        "stage Stopping",
        "stage Succeeded",
        "stage Skipped",
        "failed by Some(BeforeEntry)",
        "failed by Some(OnSuccess)",
        "BeforeEntry Overridden",
        "BeforeEntry Abandoned",
        "OnSuccess Overridden",
        "OnSuccess Cancelled",
        "OnFailure Failed",
        "rule Abandoned",
        "rule Failed",
        "rule Succeeded",
        "parallel rule",
        "action Abandoned",
        "action Failed ConfigurationError",
        "action Failed InternalError",
        "action Failed JobFailed",
        "action Succeeded",
        "approval",
        "job acknowledged",
        "job continued",
        "provider resumed",
        "pipeline in the trash",
        "update",
        "mode changed under way",
        "deleted under way",
        "transition disabled",
        "parallel action",
        "queue",
        "retried",
        "retried under way",
        "rolled back",
        "rolled back by itself",
        "retried by itself",
        "given up after a month",
    ] {
        assert!(seen.contains_key(what), "no {what} in {seen:#?}");
    }
    assert!(seen.get("step").is_some_and(|steps| *steps > 20_000), "{seen:#?}");
}
