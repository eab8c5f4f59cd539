//! RetryStageExecution.

use crate::declaration::pipeline::ExecutionMode;
use crate::declaration::stage::RetryMode::{AllActions, FailedActions};
use crate::pipeline::{ExecutionStatus, Input, Recalled, TransitionType};
use crate::stage::{Level, SlotState, StageExecutionStatus, StageId};

use super::bench::{Bench, stage_id};

const STAGES: &str = "Source: S; Deploy: D";

/// Execution 1 has failed in Deploy.
fn failed() -> Bench {
    let mut bench = Bench::new(STAGES);
    bench.succeeded(1, "Source");
    bench.ended(1, "Deploy", StageExecutionStatus::Failed);
    bench
}

fn not_retryable(reply: u64, stage: &str, execution: u64, why: &str) -> Vec<String> {
    let text = format!("Unable to retry stage '{stage}' of execution e{execution}: {why}.");
    vec![format!("effect answer {reply}: StageNotRetryable: {text}")]
}

fn second_attempt() -> StageId {
    StageId { attempt: 2, ..stage_id(1, "Deploy") }
}

#[test]
fn a_retry_takes_the_execution_up_again_in_its_next_attempt() {
    let mut bench = failed();
    assert_eq!(
        bench.retry(1, "Deploy", AllActions),
        [
            "write live",
            "write event execution Resumed",
            "write event stage Deploy Resumed",
            "write event action Deploy.D Started",
            "write born action 1/Deploy/2.D InProgress",
            "write stage 1/Deploy/2 InProgress, D runs",
            "write execution 1 InProgress inside 1/Deploy/2",
            "write head version 1 unfinished [1] finished 0, Deploy: inside 1 entered 1, \
             Source: entered 1 succeeded 1",
            "effect answer 1: execution e1",
            "effect see to stage 1/Deploy/2",
        ]
    );
    let retries = bench.stages[&second_attempt()].retries.clone();
    assert_eq!((retries.manual, retries.automatic), (1, 0));
    // The first attempt's end is old news.
    assert!(bench.ended(1, "Deploy", StageExecutionStatus::Failed).is_empty());
    bench.ended_at(second_attempt(), StageExecutionStatus::Succeeded);
    assert_eq!(bench.records[&1].status, ExecutionStatus::Succeeded);
    assert_eq!(bench.records[&1].succeeded_in, ["Source", "Deploy"]);
}

#[test]
fn failed_actions_run_again_and_what_succeeded_is_kept() {
    for (mode, births) in [(FailedActions, 1), (AllActions, 2)] {
        let mut bench = Bench::new("Source: S, T > U");
        let stage = stage_id(1, "Source");
        bench.ended_at(stage.clone(), StageExecutionStatus::Failed);
        let kept = bench.stages.get_mut(&stage).unwrap();
        let SlotState::Ended { outcome, .. } = &mut kept.slots[0].state else { unreachable!() };
        outcome.status = crate::action::ActionExecutionStatus::Succeeded;
        let step = bench.retry(1, "Source", mode);
        assert_eq!(step.iter().filter(|line| line.contains("write born")).count(), births, "{step:?}");
    }
}

#[test]
fn a_stopped_stage_with_nothing_left_to_run_is_born_ended() {
    let mut bench = Bench::new(STAGES);
    bench.stop(1, Level::Finish);
    bench.ended(1, "Source", StageExecutionStatus::Stopped);
    assert_eq!(bench.records[&1].status, ExecutionStatus::Stopped);
    assert_eq!(
        bench.retry(1, "Source", FailedActions),
        [
            "write live",
            "write event execution Resumed",
            "write event stage Source Resumed",
            "write event stage Source Succeeded",
            "write stage 1/Source/2 Succeeded, S Succeeded",
            "write execution 1 InProgress inside 1/Source/2",
            "write head version 1 unfinished [1] finished 0, Source: inside 1 entered 1",
            "effect answer 2: execution e1",
            "effect see to stage 1/Source/2",
        ]
    );
    assert!(!bench.records[&1].stop_requested && bench.records[&1].stop_reason.is_none());
}

#[test]
fn only_a_failed_or_stopped_stage_can_be_retried() {
    let mut bench = failed();
    assert_eq!(
        bench.retry(1, "Source", AllActions),
        not_retryable(1, "Source", 1, "it has no failed actions")
    );
    assert_eq!(
        bench.retry(7, "Source", AllActions),
        not_retryable(2, "Source", 7, "the pipeline does not have the execution")
    );
    assert_eq!(
        bench.retry(1, "Test", AllActions),
        ["effect answer 3: StageNotFound: Pipeline 'p' does not have a stage with name 'Test'"]
    );
    bench.start();
    assert_eq!(
        bench.retry(2, "Source", AllActions),
        not_retryable(5, "Source", 2, "the execution is still in progress")
    );
    bench.succeeded(2, "Source");
    bench.succeeded(2, "Deploy");
    assert_eq!(
        bench.retry(2, "Deploy", AllActions),
        not_retryable(6, "Deploy", 2, "the execution has neither failed nor been stopped")
    );
}

#[test]
fn who_was_stopped_while_it_waited_cannot_be_retried() {
    let mut bench = Bench::new(STAGES);
    bench.start();
    bench.stop(2, Level::Finish);
    assert_eq!(
        bench.retry(2, "Source", AllActions),
        not_retryable(3, "Source", 2, "the execution never entered it")
    );
}

#[test]
fn after_an_update_nothing_can_be_retried() {
    let mut bench = failed();
    bench.update(STAGES);
    assert_eq!(
        bench.retry(1, "Deploy", AllActions),
        not_retryable(2, "Deploy", 1, "the pipeline's structure has changed since")
    );
}

#[test]
fn after_a_later_execution_has_entered_the_stage_the_earlier_one_cannot_be_retried() {
    let mut bench = failed();
    bench.start();
    bench.succeeded(2, "Source");
    assert_eq!(
        bench.retry(1, "Deploy", AllActions),
        ["effect answer 2: NotLatestPipelineExecution: Unable to retry stage 'Deploy' of execution e1: \
          a later execution has entered it."]
    );
}

#[test]
fn who_waits_at_a_disabled_transition_does_not_forbid_a_retry_and_keeps_waiting() {
    let mut bench = failed();
    bench.disable("Deploy", TransitionType::Inbound);
    bench.start();
    bench.succeeded(2, "Source");
    bench.retry(1, "Deploy", AllActions);
    bench.enable("Deploy", TransitionType::Inbound);
    assert_eq!(
        bench.head(),
        "version 1 unfinished [1 2] finished 0, Deploy: inside 1 waiting 2 entered 1, \
         Source: entered 2 succeeded 2"
    );
    bench.ended_at(second_attempt(), StageExecutionStatus::Failed);
    assert_eq!(bench.machine.head().stages["Deploy"].inside, Some(stage_id(2, "Deploy")));
}

#[test]
fn a_look_that_is_out_of_date_is_taken_again() {
    let mut bench = failed();
    assert_eq!(bench.ask_for_retry(1, "Deploy", AllActions), ["effect recall execution e1 in Deploy"]);
    assert!(!bench.machine.is_idle());
    let recall = bench.recalls.take().unwrap();
    let outdated = bench.look(recall);
    bench.start();
    bench.succeeded(2, "Source");
    bench.ended(2, "Deploy", StageExecutionStatus::Failed);
    assert_eq!(bench.step(outdated), ["effect recall execution e1 in Deploy"]);
    let recall = bench.recalls.take().unwrap();
    let now = bench.look(recall);
    assert!(bench.step(now)[0].contains("NotLatestPipelineExecution"));
    assert!(bench.machine.is_idle());
}

#[test]
fn in_parallel_mode_each_execution_is_retried_for_itself_and_counts_again() {
    let mut bench = Bench::in_mode(ExecutionMode::Parallel, "Source: S");
    bench.start();
    bench.ended(1, "Source", StageExecutionStatus::Failed);
    bench.succeeded(2, "Source");
    for _ in 0..49 {
        bench.start();
    }
    bench.retry(1, "Source", AllActions);
    assert_eq!(bench.records[&1].status, ExecutionStatus::InProgress);
    bench.ended_at(StageId { attempt: 2, ..stage_id(1, "Source") }, StageExecutionStatus::Failed);
    bench.start();
    let refused = bench.retry(1, "Source", AllActions);
    assert!(refused[0].contains("ConcurrentPipelineExecutionsLimitExceeded"), "{refused:?}");
}

#[test]
fn a_deleted_pipeline_is_not_found_whenever_the_look_comes_back() {
    let mut bench = failed();
    bench.ask_for_retry(1, "Deploy", AllActions);
    bench.delete();
    let recall = bench.recalls.take().unwrap();
    let nothing_left = Recalled { recall, history: 0, found: Ok(None) };
    let answer = bench.step(Input::Recalled(Box::new(nothing_left)));
    assert!(answer[0].contains("PipelineNotFound"), "{answer:?}");
    assert!(bench.machine.is_idle());
}
