//! Create and start.

use crate::fixture::{declaration, execution_id, start_request, variable};
use crate::pipeline::StartRequest;

use super::bench::Bench;

fn with_token(number: u64, token: &str) -> StartRequest {
    StartRequest { token: Some(token.to_owned()), ..start_request(number) }
}

#[test]
fn a_new_pipeline_starts_its_first_execution_by_itself() {
    let (bench, created) = Bench::created(declaration("Source: S, T > U; Deploy: D"), 100);
    assert_eq!(
        created,
        [
            "write name 1/us-east-1/p inc",
            "write version 1",
            "write tags {}",
            "write live",
            "write event execution Started",
            "write event stage Source Started",
            "write event action Source.S Started",
            "write born action 1/Source/1.S InProgress",
            "write event action Source.T Started",
            "write born action 1/Source/1.T InProgress",
            "write stage 1/Source/1 InProgress, S runs, T runs, U waits",
            "write born execution 1 InProgress inside 1/Source/1",
            "write head version 1 unfinished [1] finished 0, Source: inside 1 entered 1",
            "effect answer 0: version 1",
            "effect see to stage 1/Source/1",
        ]
    );
    assert_eq!(bench.machine.check(), Ok(()));
}

#[test]
fn a_pipeline_whose_variable_has_no_value_is_created_without_an_execution() {
    let mut needy = declaration("Source: S; Deploy: D");
    needy.variables = Some(vec![variable("size", None)]);
    let (mut bench, created) = Bench::created(needy, 100);
    assert_eq!(
        created,
        [
            "write name 1/us-east-1/p inc",
            "write version 1",
            "write tags {}",
            "write head version 1 unfinished [] finished 0",
            "effect answer 0: version 1",
        ]
    );
    let before = bench.machine.clone();
    assert_eq!(
        bench.start(),
        ["effect answer 1: Validation: The following variables have no default value and must be given: \
             size"]
    );
    assert_eq!(bench.machine, before);
    let sized = StartRequest {
        variables: vec![("size".to_owned(), "#{variables.size}".to_owned())],
        ..start_request(2)
    };
    assert_eq!(bench.start_as(sized).last().unwrap(), "effect see to stage 1/Source/1");
    assert_eq!(bench.records[&1].variables[0].resolved_value, "#{variables.size}");
}

#[test]
fn an_execution_that_finds_the_first_stage_taken_waits() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    assert_eq!(
        bench.start(),
        [
            "write event execution Started",
            "write born execution 2 InProgress waiting before Source",
            "write head version 1 unfinished [1 2] finished 0, Source: inside 1 waiting 2 entered 1",
            "effect answer 1: execution e2",
        ]
    );
}

#[test]
fn a_newer_execution_supersedes_the_one_that_waits() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.start();
    assert_eq!(
        bench.start(),
        [
            "write event execution Started",
            "write event execution Superseded",
            "write execution 2 Superseded",
            "write born execution 3 InProgress waiting before Source",
            "write head version 1 unfinished [1 3] finished 1, Source: inside 1 waiting 3 entered 1",
            "effect answer 2: execution e3",
            "effect execution ended Superseded",
        ]
    );
}

#[test]
fn a_repeated_token_gives_the_execution_that_it_started() {
    let mut bench = Bench::new("Source: S; Deploy: D");
    bench.start_as(with_token(2, "once"));
    let before = bench.machine.clone();
    assert_eq!(bench.start_as(with_token(3, "once")), ["effect answer 2: execution e2"]);
    let known = StartRequest { known: Some(execution_id(9)), ..with_token(4, "of one that ended") };
    assert_eq!(bench.start_as(known), ["effect answer 3: execution e9"]);
    assert_eq!(bench.machine, before);
}
