//! OverrideStageCondition, and executions whose stages were skipped or failed by a condition.

use crate::declaration::pipeline::ExecutionMode;
use crate::declaration::stage::ConditionType::{self, BeforeEntry, OnSuccess};
use crate::declaration::stage::RetryMode::{AllActions, FailedActions};
use crate::declaration::stage::{Condition, ConditionResult, Conditions};
use crate::fixture::{declaration_in, execution_id, rule};
use crate::pipeline::{ExecutionStatus, Input};
use crate::rejection::{Rejection, RejectionKind};
use crate::stage::{StageExecutionStatus, StageId};
use crate::step::ReplyId;

use super::bench::{Bench, stage_id};

const STAGES: &str = "Source: S; Deploy: D; Last: L";

/// Execution 1 is inside Deploy, which has conditions of both types.
fn inside(mode: ExecutionMode, entry: ConditionResult) -> Bench {
    let mut declaration = declaration_in(mode, STAGES);
    let group = |result, name: &str| {
        let conditions = vec![Condition { result: Some(result), rules: Some(vec![rule(name)]) }];
        Some(Conditions { conditions })
    };
    declaration.stages[1].before_entry = group(entry, "E");
    declaration.stages[1].on_success = group(ConditionResult::Fail, "O");
    let (mut bench, _) = Bench::created(declaration, 100);
    bench.succeeded(1, "Source");
    bench
}

/// The same, failed by that condition.
fn failed_by(condition: ConditionType) -> Bench {
    let mut bench = inside(ExecutionMode::Superseded, ConditionResult::Fail);
    bench.fail_by(1, condition);
    bench
}

impl Bench {
    fn fail_by(&mut self, execution: u64, condition: ConditionType) {
        self.stages.get_mut(&stage_id(execution, "Deploy")).unwrap().failed_by = Some(condition);
        self.ended(execution, "Deploy", StageExecutionStatus::Failed);
    }

    fn overrides(&mut self, execution: u64, stage: &str, condition: ConditionType) -> Vec<String> {
        let asked = self.ask_for_override(execution, stage, condition);
        if self.recalls.is_some() { self.come_back() } else { asked }
    }
}

fn second_attempt() -> StageId {
    StageId { attempt: 2, ..stage_id(1, "Deploy") }
}

fn refused(lines: &[String]) -> bool {
    lines.len() == 1 && lines[0].contains("ConditionNotOverridable: Unable to override the ")
}

#[test]
fn of_a_stage_under_way_the_stage_decides() {
    let mut bench = inside(ExecutionMode::Superseded, ConditionResult::Fail);
    let asked = bench.overrides(1, "Deploy", BeforeEntry);
    assert_eq!(asked, ["effect override beforeEntry of stage 1/Deploy/1 for 1"]);
    // As long as nothing was decided it is told again.
    assert_eq!(bench.machine.outstanding().len(), 2);
    let (stage, reply) = (stage_id(1, "Deploy"), ReplyId(1));
    let decided = bench.step(Input::Decided { stage: stage.clone(), reply, decided: Ok(()) });
    assert_eq!(decided, ["effect answer 1: done"]);
    assert_eq!(bench.machine.outstanding().len(), 1);
    let late = Err(Rejection::new(RejectionKind::ConditionNotOverridable, "late"));
    assert!(bench.step(Input::Decided { stage, reply, decided: late }).is_empty());
}

#[test]
fn a_stage_that_ends_before_it_has_decided_is_a_conflict() {
    let mut bench = inside(ExecutionMode::Superseded, ConditionResult::Fail);
    bench.overrides(1, "Deploy", BeforeEntry);
    let ended = bench.ended(1, "Deploy", StageExecutionStatus::Failed);
    assert!(ended.iter().any(|line| line.starts_with("effect answer 1: Conflict: ")), "{ended:?}");
    assert!(bench.machine.is_idle());
}

#[test]
fn overriding_an_entry_condition_that_failed_starts_the_actions() {
    let mut bench = failed_by(BeforeEntry);
    assert_eq!(bench.records[&1].status, ExecutionStatus::Failed);
    let step = bench.overrides(1, "Deploy", BeforeEntry);
    assert_eq!(
        step[..6],
        [
            "write live",
            "write event execution Resumed",
            "write event stage Deploy Resumed",
            "write event action Deploy.D Started",
            "write born action 1/Deploy/2.D InProgress",
            "write stage 1/Deploy/2 InProgress, beforeEntry Overridden (E InProgress), D runs",
        ]
    );
    assert!(step.contains(&"effect answer 1: done".to_owned()));
    assert_eq!(bench.stages[&second_attempt()].retries.manual, 0, "it is no retry");
}

#[test]
fn overriding_a_success_condition_that_failed_makes_the_stage_succeed() {
    let mut bench = failed_by(OnSuccess);
    // As the stage would have left it, had its rules been run.
    let before = bench.stages.get_mut(&stage_id(1, "Deploy")).unwrap();
    before.conditions = serde_json::from_value(serde_json::json!({
        "beforeEntry": {"status": "Succeeded", "changed": 1, "rules": []},
        "onSuccess": {"status": "Failed", "changed": 1, "rules": []},
    }))
    .unwrap();
    for slot in &mut before.slots {
        let outcome = crate::action::Outcome {
            status: crate::action::ActionExecutionStatus::Succeeded,
            revision: None,
        };
        let id = crate::ids::ActionExecutionId("d".to_owned());
        slot.state = crate::stage::SlotState::Ended { id, outcome };
    }
    let step = bench.overrides(1, "Deploy", OnSuccess);
    let ended =
        "write stage 1/Deploy/2 Succeeded, beforeEntry Succeeded (), onSuccess Overridden (), D Succeeded";
    assert!(step.contains(&ended.to_owned()), "{step:?}");
    bench.ended_at(second_attempt(), StageExecutionStatus::Succeeded);
    assert_eq!(bench.records[&1].succeeded_in, ["Source", "Deploy"]);
    assert!(bench.head().contains("Last: inside 1"), "{}", bench.head());
}

#[test]
fn only_the_condition_that_failed_the_stage_can_be_overridden() {
    assert!(refused(&failed_by(BeforeEntry).overrides(1, "Deploy", OnSuccess)));
    let mut by_actions = inside(ExecutionMode::Superseded, ConditionResult::Fail);
    by_actions.ended(1, "Deploy", StageExecutionStatus::Failed);
    for condition in [BeforeEntry, OnSuccess] {
        assert!(refused(&by_actions.overrides(1, "Deploy", condition)));
    }
}

#[test]
fn an_entry_condition_that_skips_its_stage_cannot_be_overridden() {
    let mut bench = inside(ExecutionMode::Superseded, ConditionResult::Skip);
    bench.ended(1, "Deploy", StageExecutionStatus::Skipped);
    bench.ended(1, "Last", StageExecutionStatus::Failed);
    assert!(refused(&bench.overrides(1, "Deploy", BeforeEntry)));
}

#[test]
fn an_unknown_stage_or_execution_is_refused() {
    let mut bench = failed_by(BeforeEntry);
    let step = bench.overrides(1, "Nowhere", BeforeEntry);
    assert_eq!(
        step,
        ["effect answer 1: StageNotFound: Pipeline 'p' does not have a stage with name 'Nowhere'"]
    );
    assert!(refused(&bench.overrides(9, "Deploy", BeforeEntry)));
    assert!(refused(&bench.overrides(1, "Last", BeforeEntry)), "it never entered");
}

#[test]
fn a_later_execution_in_the_stage_forbids_to_override() {
    let mut bench = failed_by(BeforeEntry);
    bench.start();
    bench.succeeded(2, "Source");
    let step = bench.overrides(1, "Deploy", BeforeEntry);
    assert!(step[0].contains("NotLatestPipelineExecution: "), "{step:?}");
}

#[test]
fn another_version_forbids_to_override() {
    let mut bench = failed_by(BeforeEntry);
    bench.update(STAGES);
    assert!(refused(&bench.overrides(1, "Deploy", BeforeEntry)));
}

#[test]
fn an_override_is_an_execution_that_counts_towards_the_limit() {
    let mut bench = inside(ExecutionMode::Queued, ConditionResult::Fail);
    bench.fail_by(1, BeforeEntry);
    for _ in 0..50 {
        bench.start();
    }
    let step = bench.overrides(1, "Deploy", BeforeEntry);
    assert!(step[0].contains("ConcurrentPipelineExecutionsLimitExceeded: "), "{step:?}");
}

#[test]
fn a_stage_that_a_condition_failed_has_no_failed_action_to_retry() {
    for condition in [BeforeEntry, OnSuccess] {
        for mode in [FailedActions, AllActions] {
            let step = failed_by(condition).retry(1, "Deploy", mode);
            assert!(step[0].contains("StageNotRetryable: "), "{step:?}");
        }
    }
}

#[test]
fn a_skipped_stage_lets_the_execution_go_on_and_is_neither_retried_nor_rolled_back_to() {
    let mut bench = inside(ExecutionMode::Superseded, ConditionResult::Skip);
    bench.ended(1, "Deploy", StageExecutionStatus::Skipped);
    assert!(bench.head().contains("Last: inside 1"), "{}", bench.head());
    bench.succeeded(1, "Last");
    assert_eq!(bench.records[&1].status, ExecutionStatus::Succeeded);
    assert_eq!(bench.records[&1].succeeded_in, ["Source", "Last"]);
    let step = bench.retry(1, "Deploy", AllActions);
    assert!(step[0].contains("StageNotRetryable: "), "{step:?}");
    let step = bench.rollback("Deploy", 1);
    assert!(step[0].contains("UnableToRollbackStage: "), "{step:?}");
}

#[test]
fn an_execution_whose_last_stage_is_skipped_has_succeeded() {
    let mut declaration = declaration_in(ExecutionMode::Superseded, "Source: S; Deploy: D");
    declaration.name = "p".to_owned();
    let (mut bench, _) = Bench::created(declaration, 100);
    bench.succeeded(1, "Source");
    bench.ended(1, "Deploy", StageExecutionStatus::Skipped);
    assert_eq!(bench.records[&1].status, ExecutionStatus::Succeeded);
}

#[test]
fn a_retry_after_a_stop_in_the_entry_condition_looks_at_it_again() {
    let mut bench = inside(ExecutionMode::Superseded, ConditionResult::Fail);
    bench.stop(1, crate::stage::Level::Finish);
    let before = bench.stages.get_mut(&stage_id(1, "Deploy")).unwrap();
    before.conditions = serde_json::from_value(serde_json::json!({
        "beforeEntry": {"status": "Abandoned", "changed": 1, "rules": []},
    }))
    .unwrap();
    bench.ended(1, "Deploy", StageExecutionStatus::Stopped);
    assert_eq!(bench.records[&1].id, execution_id(1));
    let step = bench.retry(1, "Deploy", FailedActions);
    assert!(step.contains(&"write born rule 1/Deploy/2.E InProgress".to_owned()), "{step:?}");
    assert!(!step.iter().any(|line| line.contains("born action")), "{step:?}");
}
