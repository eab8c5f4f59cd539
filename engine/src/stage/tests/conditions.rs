//! Conditions around a stage, rule by rule as the user guide has them ("Stage conditions", "How do stage conditions
//! work?", "Rule reference").

use crate::action::ActionExecutionStatus::{self, Abandoned, Failed, InProgress, Succeeded};
use crate::declaration::stage::ConditionResult::{self, Fail, Retry, Rollback, Skip};
use crate::declaration::stage::ConditionType::{self, BeforeEntry, OnFailure, OnSuccess};
use crate::declaration::stage::{Condition, Conditions, RuleDeclaration};
use crate::fixture::rule;
use crate::rejection::RejectionKind;
use crate::stage::{Asked, ConditionStatus, StageExecutionStatus};
use crate::step::{ReplyId, Tell};

use super::*;

const REPLY: ReplyId = ReplyId(7);

fn in_five_minutes(name: &str) -> RuleDeclaration {
    RuleDeclaration { timeout_in_minutes: Some(5), ..rule(name) }
}

/// A stage "Deploy" of those actions under a condition of the rules R and T, with that result.
fn declared(groups: &str, condition: ConditionType, result: Option<ConditionResult>) -> Version {
    let mut declaration = declaration_in(ExecutionMode::Superseded, &format!("Deploy: {groups}"));
    let conditions =
        vec![Condition { result, rules: Some(vec![in_five_minutes("R"), in_five_minutes("T")]) }];
    let stage = &mut declaration.stages[0];
    match condition {
        BeforeEntry => stage.before_entry = Some(Conditions { conditions }),
        OnSuccess => stage.on_success = Some(Conditions { conditions }),
        OnFailure => {
            let (result, retry_configuration) = (None, None);
            let conditions = Some(conditions);
            stage.on_failure = Some(FailureConditions { result, retry_configuration, conditions });
        }
    }
    Version { declaration, created: Timestamp(0) }
}

/// The same, with its actions done so that the rules run.
fn judging(condition: ConditionType, result: Option<ConditionResult>) -> Bench {
    let (mut bench, _) = Bench::of(declared("A", condition, result));
    match condition {
        BeforeEntry => {}
        OnSuccess => drop(bench.succeeded("A")),
        OnFailure => drop(bench.failed("A")),
    }
    bench
}

impl Bench {
    fn status(&self) -> StageExecutionStatus {
        self.machine.record().status
    }

    fn condition(&self, condition: ConditionType) -> Option<ConditionStatus> {
        self.machine.record().conditions.get(condition).map(|judged| judged.status)
    }

    fn rules(&mut self, r: ActionExecutionStatus, t: ActionExecutionStatus) {
        self.ended("R", r);
        self.ended("T", t);
    }

    fn wants_rollback(&self) -> bool {
        self.machine.outcome().is_some_and(|outcome| outcome.wants_rollback)
    }

    /// OverrideStageCondition; how it was decided.
    fn overriding(&mut self, condition: ConditionType) -> Result<(), RejectionKind> {
        self.now.0 += 1;
        let step =
            self.machine.handle(Input::Ask { asked: Asked::Override(condition), reply: REPLY }, self.now);
        let decided = step.tells.into_iter().find_map(|tell| match tell {
            Tell::Pipeline(_, crate::pipeline::Input::Decided { decided, reply: REPLY, .. }) => Some(decided),
            _ => None,
        });
        decided.unwrap().map_err(|rejection| rejection.kind)
    }

    fn starts(&self, action: &str) -> usize {
        self.actions.iter().filter(|started| started.declaration.name == action).count()
    }
}

#[test]
fn entry_conditions_are_looked_at_before_any_action_runs() {
    let (mut bench, born) = Bench::of(declared("A", BeforeEntry, Some(Fail)));
    assert_eq!(
        born,
        [
            "write event stage Deploy Started",
            "write event rule Deploy.R Started",
            "write born rule 1/Deploy/1.R InProgress",
            "write event rule Deploy.T Started",
            "write born rule 1/Deploy/1.T InProgress",
            "write stage 1/Deploy/1 InProgress, beforeEntry InProgress (R InProgress T InProgress), A waits",
            "effect see to stage 1/Deploy/1",
        ]
    );
    assert_eq!(
        bench.succeeded("R"),
        ["write stage 1/Deploy/1 InProgress, beforeEntry InProgress (R Succeeded T InProgress), A waits"]
    );
    assert_eq!(
        bench.succeeded("T"),
        [
            "write event action Deploy.A Started",
            "write born action 1/Deploy/1.A InProgress",
            "write stage 1/Deploy/1 InProgress, beforeEntry Succeeded (R Succeeded T Succeeded), A runs",
            "effect see to an action of 1/Deploy/1",
        ]
    );
}

#[test]
fn success_conditions_are_looked_at_when_all_actions_have_succeeded() {
    let (mut bench, _) = Bench::of(declared("A > B", OnSuccess, Some(Fail)));
    bench.succeeded("A");
    assert_eq!(bench.condition(OnSuccess), None);
    assert_eq!(
        bench.succeeded("B"),
        [
            "write event rule Deploy.R Started",
            "write born rule 1/Deploy/1.R InProgress",
            "write event rule Deploy.T Started",
            "write born rule 1/Deploy/1.T InProgress",
            "write stage 1/Deploy/1 InProgress, onSuccess InProgress (R InProgress T InProgress), A Succeeded, \
             B Succeeded",
            "effect see to an action of 1/Deploy/1",
            "effect see to an action of 1/Deploy/1",
        ]
    );
    bench.rules(Succeeded, Succeeded);
    assert_eq!(bench.status(), StageExecutionStatus::Succeeded);
}

#[test]
fn failure_conditions_are_looked_at_when_the_stage_has_failed() {
    let (mut bench, _) = Bench::of(declared("A, B > C", OnFailure, Some(Rollback)));
    bench.failed("A");
    assert_eq!(bench.condition(OnFailure), None, "B still runs");
    bench.succeeded("B");
    assert_eq!(bench.condition(OnFailure), Some(ConditionStatus::InProgress));
    assert_eq!(bench.starts("C"), 0);
}

/// All rules good: as if there were no condition. Any rule bad: the result engages.
#[test]
fn a_condition_fails_if_any_rule_failed_and_succeeds_if_all_succeeded() {
    for condition in [BeforeEntry, OnSuccess, OnFailure] {
        for (r, t, status) in [
            (Succeeded, Succeeded, ConditionStatus::Succeeded),
            (Succeeded, Failed, ConditionStatus::Failed),
            (Failed, Succeeded, ConditionStatus::Failed),
            (Failed, Failed, ConditionStatus::Failed),
        ] {
            let mut bench = judging(condition, Some(Fail));
            bench.rules(r, t);
            assert_eq!(bench.condition(condition), Some(status), "{condition:?} {r:?} {t:?}");
        }
    }
}

#[test]
fn what_a_condition_that_failed_leads_to_is_its_result() {
    use StageExecutionStatus as Stage;
    for (condition, result, status, wants_rollback, by) in [
        (BeforeEntry, Some(Fail), Stage::Failed, false, Some(BeforeEntry)),
        (BeforeEntry, None, Stage::Failed, false, Some(BeforeEntry)),
        (BeforeEntry, Some(Skip), Stage::Skipped, false, None),
        (OnSuccess, Some(Fail), Stage::Failed, false, Some(OnSuccess)),
        (OnSuccess, None, Stage::Failed, false, Some(OnSuccess)),
        (OnSuccess, Some(Rollback), Stage::Failed, true, Some(OnSuccess)),
        (OnFailure, Some(Rollback), Stage::Failed, true, None),
        (OnFailure, Some(Fail), Stage::Failed, false, None),
        (OnFailure, None, Stage::Failed, false, None),
    ] {
        let mut bench = judging(condition, result);
        bench.rules(Failed, Succeeded);
        let what = format!("{condition:?} {result:?}");
        assert_eq!(bench.status(), status, "{what}");
        assert_eq!(bench.wants_rollback(), wants_rollback, "{what}");
        assert_eq!(bench.machine.record().failed_by, by, "{what}");
    }
}

#[test]
fn a_failure_condition_whose_rules_are_good_leaves_the_stage_failed() {
    for result in [Rollback, Retry, Fail] {
        let mut bench = judging(OnFailure, Some(result));
        bench.rules(Succeeded, Succeeded);
        assert_eq!((bench.status(), bench.wants_rollback()), (StageExecutionStatus::Failed, false));
        assert_eq!(bench.starts("A"), 1, "{result:?}");
    }
}

#[test]
fn a_failure_condition_with_the_result_retry_retries_the_stage_once() {
    let mut bench = judging(OnFailure, Some(Retry));
    bench.rules(Failed, Succeeded);
    assert_eq!((bench.status(), bench.starts("A")), (StageExecutionStatus::InProgress, 2));
    let again = bench.actions.last().unwrap().reference.id.clone();
    let outcome = Outcome { status: Failed, revision: None };
    bench.step(Input::ActionEnded { id: again, outcome });
    assert_eq!((bench.status(), bench.starts("A")), (StageExecutionStatus::Failed, 2));
    assert_eq!(bench.machine.record().retries.automatic, 1);
}

/// The guide has no word on it; the API's shape allows it, and people write it.
#[test]
fn a_result_beside_failure_conditions_is_that_of_the_condition_without_one() {
    for (own, engages) in [(None, true), (Some(Fail), false)] {
        let mut version = declared("A", OnFailure, own);
        version.declaration.stages[0].on_failure.as_mut().unwrap().result = Some(Rollback);
        let (mut bench, _) = Bench::of(version);
        bench.failed("A");
        assert!(bench.machine.outcome().is_none(), "it waits for its conditions");
        bench.rules(Succeeded, Failed);
        assert_eq!(bench.wants_rollback(), engages, "{own:?}");
    }
}

#[test]
fn a_skipped_stage_has_run_no_action() {
    let mut bench = judging(BeforeEntry, Some(Skip));
    bench.ended("R", Failed);
    assert_eq!(
        bench.ended("T", Succeeded),
        [
            "write event stage Deploy Skipped",
            "write stage 1/Deploy/1 Skipped, beforeEntry Failed (R Failed T Succeeded), A waits",
            "tell pipeline: stage 1/Deploy/1 ended Skipped",
        ]
    );
    assert_eq!(bench.starts("A"), 0);
}

#[test]
fn a_condition_without_rules_is_met() {
    let mut version = declared("A", BeforeEntry, Some(Fail));
    version.declaration.stages[0].before_entry.as_mut().unwrap().conditions[0].rules = None;
    let (bench, _) = Bench::of(version);
    assert_eq!((bench.condition(BeforeEntry), bench.starts("A")), (Some(ConditionStatus::Succeeded), 1));
}

#[test]
fn a_rule_has_the_limit_that_it_declares_and_else_its_types() {
    let bench = judging(BeforeEntry, Some(Fail));
    let catalogue = crate::action_type::Catalogue::builtin();
    let mut rule = bench.action("R").declaration;
    assert_eq!(catalogue.timeout_millis(&rule), 5 * 60_000);
    rule.timeout_in_minutes = None;
    for (provider, hours) in [("VariableCheck", 1), ("CloudWatchAlarm", 24), ("DeploymentWindow", 7 * 24)] {
        rule.action_type_id.provider = provider.to_owned();
        assert_eq!(catalogue.timeout_millis(&rule), hours * 3_600_000, "{provider}");
    }
}

#[test]
fn a_rule_runs_with_its_own_role_and_region_and_else_with_the_pipelines() {
    let mut version = declared("A", BeforeEntry, Some(Fail));
    let entry = version.declaration.stages[0].before_entry.as_mut().unwrap();
    let rules = entry.conditions[0].rules.as_mut().unwrap();
    rules[0].role_arn = Some("arn:rule".to_owned());
    rules[0].region = Some("eu-west-1".to_owned());
    let (bench, _) = Bench::of(version);
    let own = bench.action("R").work();
    assert_eq!((own.action_role.as_deref(), own.region.as_str()), (Some("arn:rule"), "eu-west-1"));
    let pipelines = bench.action("T").work();
    assert_eq!((pipelines.action_role, pipelines.region.as_str()), (None, "us-east-1"));
    assert_eq!(own.pipeline_role, pipelines.pipeline_role);
}

#[test]
fn overriding_a_condition_under_way_abandons_its_rules_and_lets_the_stage_go_on() {
    for (condition, result) in [(BeforeEntry, Fail), (OnSuccess, Fail), (OnSuccess, Rollback)] {
        let mut bench = judging(condition, Some(result));
        bench.ended("R", Failed);
        assert_eq!(bench.overriding(condition), Ok(()));
        assert_eq!(bench.condition(condition), Some(ConditionStatus::Overridden));
        let wish = Wish { level: Level::Abandon, end: None };
        let rule = bench.action("T").reference;
        assert_eq!(bench.machine.outstanding(), [Effect::SeeToAction(rule, wish)], "only T still runs");
        bench.ended("T", Abandoned);
        match condition {
            BeforeEntry => assert_eq!(bench.starts("A"), 1),
            _ => assert_eq!(bench.status(), StageExecutionStatus::Succeeded),
        }
        assert_eq!(bench.condition(condition), Some(ConditionStatus::Overridden));
        assert!(!bench.wants_rollback());
    }
}

#[test]
fn what_cannot_be_overridden_is_refused_and_changes_nothing() {
    use RejectionKind::{ConditionNotOverridable, Conflict};
    let skips = judging(BeforeEntry, Some(Skip));
    let other = judging(OnSuccess, Some(Fail));
    let mut overridden = judging(BeforeEntry, Some(Fail));
    overridden.overriding(BeforeEntry).unwrap();
    let mut passed = judging(BeforeEntry, Some(Fail));
    passed.rules(Succeeded, Succeeded);
    let mut stopping = judging(BeforeEntry, Some(Fail));
    stopping.step(Input::Wish(FINISH_STOPPED));
    let mut ended = judging(BeforeEntry, Some(Fail));
    ended.rules(Failed, Failed);
    for (mut bench, kind) in [
        (skips, ConditionNotOverridable),
        (other, ConditionNotOverridable),
        (overridden, ConditionNotOverridable),
        (passed, ConditionNotOverridable),
        (stopping, ConditionNotOverridable),
        (ended, Conflict),
    ] {
        let before = bench.machine.clone();
        assert_eq!(bench.overriding(BeforeEntry), Err(kind));
        assert_eq!(bench.machine, before);
    }
}

#[test]
fn a_stop_while_a_condition_is_looked_at_abandons_its_rules_and_the_condition() {
    for condition in [BeforeEntry, OnSuccess, OnFailure] {
        for wish in [FINISH_STOPPED, ABANDON_STOPPED] {
            let mut bench = judging(condition, Some(Fail));
            let told = bench.step(Input::Wish(wish));
            let rules = told.iter().filter(|line| line.ends_with("to Abandon as Stopped")).count();
            assert_eq!(rules, 2, "{told:?}");
            bench.rules(Abandoned, Abandoned);
            assert_eq!(bench.condition(condition), Some(ConditionStatus::Abandoned));
            assert_eq!(bench.status(), StageExecutionStatus::Stopped);
        }
    }
}

#[test]
fn an_update_while_a_condition_is_looked_at_cancels_it_and_the_stage() {
    for condition in [BeforeEntry, OnSuccess, OnFailure] {
        let mut bench = judging(condition, Some(Rollback));
        bench.step(Input::Wish(FINISH_CANCELLED));
        bench.rules(Succeeded, Abandoned);
        assert_eq!(bench.condition(condition), Some(ConditionStatus::Cancelled));
        assert_eq!(bench.status(), StageExecutionStatus::Cancelled);
        assert!(!bench.wants_rollback());
    }
}

#[test]
fn no_condition_is_looked_at_once_the_execution_is_to_end() {
    for (condition, status, end) in [
        (OnSuccess, Succeeded, StageExecutionStatus::Cancelled),
        (OnFailure, Failed, StageExecutionStatus::Cancelled),
    ] {
        let (mut bench, _) = Bench::of(declared("A", condition, Some(Rollback)));
        bench.step(Input::Wish(FINISH_CANCELLED));
        bench.ended("A", status);
        assert_eq!((bench.condition(condition), bench.status()), (None, end));
    }
}

#[test]
fn an_automatic_retry_that_succeeds_is_followed_by_the_success_conditions() {
    let mut version = declared("A", OnSuccess, Some(Fail));
    let (retry_configuration, conditions) = (None, None);
    version.declaration.stages[0].on_failure =
        Some(FailureConditions { result: Some(Retry), retry_configuration, conditions });
    let (mut bench, _) = Bench::of(version);
    bench.failed("A");
    let again = bench.actions.last().unwrap().reference.id.clone();
    bench.step(Input::ActionEnded { id: again, outcome: Outcome { status: Succeeded, revision: None } });
    assert_eq!(bench.condition(OnSuccess), Some(ConditionStatus::InProgress));
}

#[test]
fn a_rule_whose_worker_is_lost_has_failed() {
    let mut bench = judging(BeforeEntry, Some(Fail));
    let lost = bench.action("R");
    assert_eq!(
        bench.step(Input::ActionLost(Box::new(lost)))[0],
        "write rule 1/Deploy/1.R Failed (InternalError: The rule's worker ended three times in a row without a \
         result; the daemon's log has the cause.)"
    );
    bench.ended("T", Succeeded);
    assert_eq!(bench.machine.record().failed_by, Some(BeforeEntry));
}

#[test]
fn after_a_restart_the_rules_that_run_are_seen_to() {
    let mut bench = judging(OnSuccess, Some(Fail));
    bench.ended("R", Succeeded);
    let record = bench.machine.record();
    let text = serde_json::to_string(record).unwrap();
    let loaded =
        Stage::load(serde_json::from_str(&text).unwrap(), Arc::new(declared("A", OnSuccess, Some(Fail))));
    assert_eq!(loaded, bench.machine);
    let rule = bench.action("T").reference;
    assert_eq!(loaded.outstanding(), [Effect::SeeToAction(rule, Wish::PROCEED)]);
}

#[test]
fn the_end_of_a_rule_that_is_told_twice_counts_once() {
    let mut bench = judging(BeforeEntry, Some(Fail));
    bench.ended("R", Succeeded);
    assert!(bench.ended("R", Failed).is_empty());
    assert_eq!(bench.machine.record().conditions.get(BeforeEntry).unwrap().rules[1].status, InProgress);
}
