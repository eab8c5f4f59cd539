//! RollbackStage, and stages that roll themselves back.

use crate::declaration::pipeline::{ExecutionMode, PipelineType};
use crate::declaration::stage::RetryMode::AllActions;
use crate::fixture::{declaration_in, execution_id};
use crate::pipeline::{ExecutionStatus, Input, ResolvedVariable, TransitionType, TriggerType};
use crate::stage::{Level, StageExecutionStatus, StageId};

use super::bench::{Bench, stage_id};

const STAGES: &str = "Source: S; Deploy: D; Watch: W";

/// Execution 1 has succeeded in all stages, 2 has failed in Deploy.
fn ran_twice(mode: ExecutionMode) -> Bench {
    let mut bench = Bench::in_mode(mode, STAGES);
    for stage in ["Source", "Deploy", "Watch"] {
        bench.succeeded(1, stage);
    }
    bench.start();
    bench.succeeded(2, "Source");
    bench.ended(2, "Deploy", StageExecutionStatus::Failed);
    bench
}

fn refused(reply: u64, kind: &str, stage: &str, target: u64, why: &str) -> Vec<String> {
    vec![format!("effect answer {reply}: {kind}: Unable to roll back stage '{stage}' to e{target}: {why}.")]
}

#[test]
fn a_rollback_is_a_new_execution_of_one_stage_with_what_its_target_had() {
    let mut bench = ran_twice(ExecutionMode::Superseded);
    let variable = ResolvedVariable { name: "color".to_owned(), resolved_value: "red".to_owned() };
    bench.records.get_mut(&1).unwrap().variables = vec![variable.clone()];
    assert_eq!(
        bench.rollback("Deploy", 1),
        [
            "write live",
            "write event execution Started",
            "write event stage Deploy Started",
            "write event action Deploy.D Started",
            "write born action 3/Deploy/1.D InProgress",
            "write stage 3/Deploy/1 InProgress, D runs",
            "write born execution 3 InProgress back to 1 inside 3/Deploy/1",
            "write head version 1 unfinished [3] finished 2, Deploy: inside 3 entered 3 succeeded 1, \
             Source: entered 2 succeeded 2, Watch: entered 1 succeeded 1",
            "effect answer 2: execution e3",
            "effect see to stage 3/Deploy/1",
        ]
    );
    let rollback = &bench.records[&3];
    assert_eq!(rollback.variables, [variable]);
    assert_eq!(rollback.trigger.trigger_type, TriggerType::ManualRollback);
    assert_eq!(rollback.trigger.trigger_detail.as_deref(), Some("arn:caller"));
    assert_eq!(
        bench.succeeded(3, "Deploy"),
        [
            "write succeeded execution 3 in Deploy under version 1",
            "write event execution Succeeded",
            "write execution 3 Succeeded back to 1",
            "write live gone",
            "write head version 1 unfinished [] finished 3, Deploy: entered 3 succeeded 1, \
             Source: entered 2 succeeded 2, Watch: entered 1 succeeded 1",
            "effect execution ended Succeeded",
        ]
    );
}

#[test]
fn a_rollback_enters_though_the_transition_is_disabled_and_who_waits_keeps_waiting() {
    let mut bench = ran_twice(ExecutionMode::Queued);
    bench.disable("Deploy", TransitionType::Inbound);
    bench.start();
    bench.succeeded(3, "Source");
    bench.rollback("Deploy", 1);
    bench.enable("Deploy", TransitionType::Inbound);
    assert_eq!(bench.machine.head().stages["Deploy"].inside, Some(stage_id(4, "Deploy")));
    bench.succeeded(4, "Deploy");
    assert_eq!(bench.machine.head().stages["Deploy"].inside, Some(stage_id(3, "Deploy")));
}

#[test]
fn an_execution_that_is_still_under_way_elsewhere_can_be_the_target() {
    let mut bench = Bench::in_mode(ExecutionMode::Superseded, STAGES);
    bench.succeeded(1, "Source");
    bench.succeeded(1, "Deploy");
    bench.rollback("Deploy", 1);
    assert_eq!(bench.records[&2].rollback.as_ref().unwrap().target, execution_id(1));
}

#[test]
fn what_cannot_be_rolled_back_is_refused() {
    let mut bench = ran_twice(ExecutionMode::Superseded);
    let before = bench.machine.clone();
    assert_eq!(
        bench.rollback("Test", 1),
        ["effect answer 2: StageNotFound: Pipeline 'p' does not have a stage with name 'Test'"]
    );
    assert_eq!(
        bench.rollback("Deploy", 9),
        ["effect answer 3: PipelineExecutionNotFound: Pipeline 'p' does not have an execution with ID 'e9'"]
    );
    let unable = "UnableToRollbackStage";
    assert_eq!(
        bench.rollback("Source", 1),
        refused(4, unable, "Source", 1, "the source stage cannot be rolled back")
    );
    assert_eq!(
        bench.rollback("Deploy", 2),
        refused(5, unable, "Deploy", 2, "that execution has not succeeded in the stage")
    );
    assert_eq!(bench.machine, before);
    bench.rollback("Deploy", 1);
    assert_eq!(
        bench.rollback("Deploy", 1),
        refused(7, unable, "Deploy", 1, "an execution is in progress in the stage")
    );
    bench.succeeded(3, "Deploy");
    assert_eq!(
        bench.rollback("Deploy", 3),
        refused(8, unable, "Deploy", 3, "that execution is a rollback itself")
    );
    bench.update_to(declaration_in(ExecutionMode::Superseded, STAGES));
    assert_eq!(
        bench.rollback("Deploy", 1),
        refused(
            10,
            "PipelineExecutionOutdated",
            "Deploy",
            1,
            "the pipeline's structure has changed since that execution"
        )
    );
}

#[test]
fn v1_pipelines_and_parallel_ones_are_not_rolled_back() {
    let mut bench = ran_twice(ExecutionMode::Parallel);
    assert_eq!(
        bench.rollback("Deploy", 1),
        refused(2, "UnableToRollbackStage", "Deploy", 1, "a pipeline in PARALLEL mode cannot be rolled back")
    );
    let mut v1 = declaration_in(ExecutionMode::Superseded, STAGES);
    v1.pipeline_type = Some(PipelineType::V1);
    let mut bench = Bench::created(v1, 100).0;
    bench.succeeded(1, "Source");
    bench.succeeded(1, "Deploy");
    assert_eq!(
        bench.rollback("Deploy", 1),
        refused(1, "UnableToRollbackStage", "Deploy", 1, "only V2 pipelines can be rolled back")
    );
}

#[test]
fn a_full_pipeline_is_not_rolled_back() {
    let mut bench = Bench::in_mode(ExecutionMode::Queued, STAGES);
    bench.succeeded(1, "Source");
    bench.succeeded(1, "Deploy");
    bench.succeeded(1, "Watch");
    for _ in 0..50 {
        bench.start();
    }
    let answer = bench.rollback("Deploy", 1);
    assert!(answer[0].contains("UnableToRollbackStage: The pipeline has reached the limit"), "{answer:?}");
}

#[test]
fn a_failed_stage_rolls_itself_back_in_the_batch_of_its_end_before_anybody_who_waits() {
    let mut bench = Bench::in_mode(ExecutionMode::Queued, STAGES);
    for stage in ["Source", "Deploy", "Watch"] {
        bench.succeeded(1, stage);
    }
    bench.start();
    bench.start();
    bench.succeeded(2, "Source");
    bench.succeeded(3, "Source");
    assert_eq!(bench.failed_wanting_rollback(2, "Deploy"), ["effect recall execution 1 in Deploy"]);
    assert_eq!(
        bench.come_back(),
        [
            "write event execution Failed",
            "write execution 2 Failed",
            "write event execution Started",
            "write event stage Deploy Started",
            "write event action Deploy.D Started",
            "write born action 4/Deploy/1.D InProgress",
            "write stage 4/Deploy/1 InProgress, D runs",
            "write born execution 4 InProgress back to 1 inside 4/Deploy/1",
            "write head version 1 unfinished [3 4] finished 2, Deploy: inside 4 waiting 3 entered 4 \
             succeeded 1, Source: entered 3 succeeded 3, Watch: entered 1 succeeded 1",
            "effect execution ended Failed",
            "effect see to stage 4/Deploy/1",
        ]
    );
    let trigger = bench.records[&4].trigger.clone();
    assert_eq!(trigger.trigger_type, TriggerType::AutomatedRollback);
    let failed = execution_id(2);
    assert_eq!(trigger.trigger_detail.unwrap(), format!("{{\"FailedPipelineExecutionId\":\"{failed}\"}}"));
    // Told again while the look was under way, the end was not taken twice; and a rollback leads to no other.
    assert!(bench.failed_wanting_rollback(2, "Deploy").is_empty());
    bench.failed_wanting_rollback(4, "Deploy");
    assert_eq!(bench.records[&4].status, ExecutionStatus::Failed);
    assert_eq!(bench.machine.head().stages["Deploy"].inside, Some(stage_id(3, "Deploy")));
    assert_eq!(
        bench.retry(2, "Deploy", AllActions)[0].split(':').nth(1).unwrap().trim(),
        "NotLatestPipelineExecution"
    );
}

#[test]
fn without_a_target_the_failure_stands() {
    let mut bench = Bench::in_mode(ExecutionMode::Superseded, STAGES);
    bench.failed_wanting_rollback(1, "Source");
    assert_eq!(bench.records[&1].status, ExecutionStatus::Failed);
    bench.start();
    bench.succeeded(2, "Source");
    bench.failed_wanting_rollback(2, "Deploy");
    assert_eq!(bench.records[&2].status, ExecutionStatus::Failed);
    assert!(bench.machine.is_idle());
}

#[test]
fn a_target_of_an_earlier_version_does_not_count() {
    let mut bench = ran_twice(ExecutionMode::Superseded);
    bench.update_to(declaration_in(ExecutionMode::Superseded, STAGES));
    bench.start();
    bench.succeeded(3, "Source");
    bench.failed_wanting_rollback(3, "Deploy");
    bench.come_back();
    assert_eq!(bench.records[&3].status, ExecutionStatus::Failed);
    assert!(bench.machine.executions().next().is_none());
}

#[test]
fn a_stop_that_comes_before_the_target_outweighs_the_rollback() {
    let mut bench = ran_twice(ExecutionMode::Superseded);
    bench.start();
    bench.succeeded(3, "Source");
    bench.failed_wanting_rollback(3, "Deploy");
    bench.stop(3, Level::Finish);
    bench.come_back();
    assert_eq!(bench.records[&3].status, ExecutionStatus::Stopped);
    assert!(bench.machine.is_idle());
}

#[test]
fn a_failed_rollback_can_be_retried() {
    let mut bench = ran_twice(ExecutionMode::Superseded);
    bench.rollback("Deploy", 1);
    bench.ended(3, "Deploy", StageExecutionStatus::Failed);
    bench.retry(3, "Deploy", AllActions);
    bench.ended_at(StageId { attempt: 2, ..stage_id(3, "Deploy") }, StageExecutionStatus::Succeeded);
    assert_eq!(bench.records[&3].status, ExecutionStatus::Succeeded);
}

#[test]
fn the_target_of_a_rollback_does_not_expire_while_the_rollback_may_be_taken_up_again() {
    let mut bench = Bench::created(declaration_in(ExecutionMode::Superseded, STAGES), 0).0;
    for stage in ["Source", "Deploy", "Watch"] {
        bench.succeeded(1, stage);
    }
    bench.start();
    for stage in ["Source", "Deploy", "Watch"] {
        bench.succeeded(2, stage);
    }
    bench.rollback("Deploy", 1);
    let proposal = vec![bench.records[&1].clone()];
    assert!(bench.step(Input::Expire(proposal.clone())).is_empty());
    bench.ended(3, "Deploy", StageExecutionStatus::Failed);
    assert!(bench.step(Input::Expire(proposal.clone())).is_empty());
    bench.start();
    for stage in ["Source", "Deploy", "Watch"] {
        bench.succeeded(4, stage);
    }
    assert_eq!(bench.step(Input::Expire(proposal))[0], "write expired execution 1 Succeeded");
}
