//! Conditions: windows on a clock that is moved by hand, and what becomes of their rules.

use std::collections::BTreeMap;

use penstock_actors::clock::Clock;
use penstock_actors::reads::{HistoryFilter, Page};
use penstock_engine::declaration::stage::ConditionType;
use penstock_engine::ids::{ExecutionId, PipelineKey};
use penstock_engine::pipeline::OverrideRequest;
use penstock_engine::stage::Level;
use penstock_engine::time::Timestamp;
use penstock_storage::Store;
use serde_json::{Value, json};

use crate::world::{Setup, World, answered, declaration, key, outputs, until};

/// A Monday, 8 o'clock.
const MONDAY: Timestamp = Timestamp(1_700_467_200_000);
const HOUR: u64 = 3_600_000;

fn rule(provider: &str, configuration: Value) -> Value {
    json!({
        "name": provider, "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": configuration,
    })
}

fn office_hours() -> Value {
    rule("DeploymentWindow", json!({"Cron": "* * 9-17 ? * MON-FRI *"}))
}

/// The pipeline's middle stage is held by that condition.
async fn held(world: &World, member: &str, result: &str, rules: Value) -> PipelineKey {
    let mut declared = serde_json::to_value(declaration("p")).unwrap();
    declared["stages"][1][member] = json!({"conditions": [{"result": result, "rules": rules}]});
    let declared = serde_json::from_value(declared).unwrap();
    let key = key("p");
    world.handle.create(key.clone(), declared, BTreeMap::new(), "arn".into()).await.unwrap();
    key
}

fn at(clock: &Clock, store: &Store) -> Setup {
    Setup { clock: clock.clone(), store: store.clone(), ..Setup::default() }
}

async fn condition(world: &World, key: &PipelineKey, member: &str) -> Value {
    let state = world.handle.get_pipeline_state(key).await.unwrap();
    state["stageStates"][1][format!("{member}ConditionState")].clone()
}

async fn waits(world: &World, key: &PipelineKey) {
    until("the window is waited for", async || {
        let state = condition(world, key, "beforeEntry").await;
        let rule = &state["conditionStates"][0]["ruleStates"][0]["latestExecution"];
        rule["summary"].as_str().is_some_and(|summary| summary.starts_with("Waits for the window"))
    })
    .await;
}

async fn only(world: &World, key: &PipelineKey) -> ExecutionId {
    let id = world.executions(key).await[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    ExecutionId(id)
}

async fn overrides(world: &World, key: &PipelineKey, condition: ConditionType) -> Result<(), String> {
    let request = OverrideRequest { stage: "Test".to_owned(), execution: only(world, key).await, condition };
    let answer = answered(world.handle.override_condition(key.clone(), request)).await;
    answer.map_err(|rejection| format!("{:?}", rejection.kind))
}

#[actix::test]
async fn a_window_holds_a_stage_until_the_clock_says_that_it_is_open() {
    let (clock, store) = (Clock::by_hand(MONDAY), Store::in_memory());
    let world = World::start(at(&clock, &store), outputs);
    let key = held(&world, "beforeEntry", "FAIL", json!([office_hours()])).await;
    waits(&world, &key).await;
    clock.advance(HOUR - 1);
    assert_eq!(world.executions(&key).await[0]["status"], "InProgress");
    assert_eq!(world.runs_of("a"), 0);
    clock.advance(1);
    assert_eq!(world.settled(&key).await, ["Succeeded"]);
    assert_eq!(condition(&world, &key, "beforeEntry").await["latestExecution"]["status"], "Succeeded");
}

#[actix::test]
async fn a_window_that_is_waited_for_is_waited_for_after_a_restart_too() {
    let (clock, store) = (Clock::by_hand(MONDAY), Store::in_memory());
    let first = World::start(at(&clock, &store), outputs);
    let key = held(&first, "beforeEntry", "FAIL", json!([office_hours()])).await;
    waits(&first, &key).await;
    let id = condition(&first, &key, "beforeEntry").await["conditionStates"][0]["ruleStates"][0].clone();
    // The first one's clock stands still, so that it does nothing any more.
    let clock = Clock::by_hand(MONDAY);
    let second = World::start(at(&clock, &store), outputs);
    clock.advance(HOUR);
    assert_eq!(second.settled(&key).await, ["Succeeded"]);
    let rules =
        second.handle.list_rule_executions(&key, None, &Page { token: None, size: 10 }).await.unwrap();
    let rules = rules["ruleExecutionDetails"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "it is the same rule execution");
    assert_eq!(rules[0]["ruleExecutionId"], id["latestExecution"]["ruleExecutionId"]);
}

#[actix::test]
async fn a_window_that_does_not_open_in_time_fails_the_rule() {
    let (clock, store) = (Clock::by_hand(MONDAY), Store::in_memory());
    let world = World::start(at(&clock, &store), outputs);
    let mut rule = rule("DeploymentWindow", json!({"Cron": "* * * ? * * 2199"}));
    rule["timeoutInMinutes"] = json!(5);
    let key = held(&world, "beforeEntry", "FAIL", json!([rule])).await;
    waits(&world, &key).await;
    clock.advance(5 * 60_000);
    assert_eq!(world.settled(&key).await, ["Failed"]);
    let state = condition(&world, &key, "beforeEntry").await;
    assert_eq!(state["latestExecution"]["summary"], "Failed rules: DeploymentWindow");
    let rule = &state["conditionStates"][0]["ruleStates"][0]["latestExecution"];
    assert_eq!(rule["errorDetails"]["message"], "The rule did not finish within its limit of 5 minutes.");
}

#[actix::test]
async fn a_window_that_is_waited_for_can_be_overridden() {
    let (clock, store) = (Clock::by_hand(MONDAY), Store::in_memory());
    let world = World::start(at(&clock, &store), outputs);
    let key = held(&world, "beforeEntry", "FAIL", json!([office_hours()])).await;
    waits(&world, &key).await;
    overrides(&world, &key, ConditionType::BeforeEntry).await.unwrap();
    assert_eq!(world.settled(&key).await, ["Succeeded"]);
    let state = condition(&world, &key, "beforeEntry").await;
    assert_eq!(state["latestExecution"]["status"], "Overridden");
    let rule = &state["conditionStates"][0]["ruleStates"][0]["latestExecution"];
    assert_eq!(rule["status"], "Abandoned");
    let again = overrides(&world, &key, ConditionType::BeforeEntry).await;
    assert_eq!(again.unwrap_err(), "ConditionNotOverridable");
}

#[actix::test]
async fn a_stop_ends_an_execution_that_waits_for_a_window() {
    let (clock, store) = (Clock::by_hand(MONDAY), Store::in_memory());
    let world = World::start(at(&clock, &store), outputs);
    let key = held(&world, "beforeEntry", "FAIL", json!([office_hours()])).await;
    waits(&world, &key).await;
    let id = only(&world, &key).await;
    world.handle.stop_execution(key.clone(), id, Level::Finish, None).await.unwrap();
    assert_eq!(world.settled(&key).await, ["Stopped"]);
    assert_eq!(condition(&world, &key, "beforeEntry").await["latestExecution"]["status"], "Abandoned");
}

#[actix::test]
async fn a_variable_check_skips_fails_or_lets_pass() {
    for (member, result, value, end) in [
        ("beforeEntry", "SKIP", "v1", "Succeeded"),
        ("beforeEntry", "SKIP", "v2", "Skipped"),
        ("beforeEntry", "FAIL", "v2", "Failed"),
        ("onSuccess", "FAIL", "v1", "Succeeded"),
        ("onSuccess", "FAIL", "v2", "Failed"),
    ] {
        let world = World::start(Setup::default(), outputs);
        let check = json!({"Variable": "#{src.VersionId}", "Operator": "EQ", "Value": value});
        let key = held(&world, member, result, json!([rule("VariableCheck", check)])).await;
        let expected = if end == "Failed" { "Failed" } else { "Succeeded" };
        assert_eq!(world.settled(&key).await, [expected], "{member} {result} {value}");
        let state = world.handle.get_pipeline_state(&key).await.unwrap();
        assert_eq!(state["stageStates"][1]["latestExecution"]["status"], end);
        let ran = usize::from(member == "onSuccess" || value == "v1");
        assert_eq!(world.runs_of("a"), ran, "{member} {result} {value}");
    }
}

#[actix::test]
async fn a_variable_that_cannot_be_resolved_fails_the_rule() {
    let world = World::start(Setup::default(), outputs);
    let check = json!({"Variable": "#{src.Nothing}", "Operator": "NE", "Value": "x"});
    let key = held(&world, "beforeEntry", "FAIL", json!([rule("VariableCheck", check)])).await;
    assert_eq!(world.settled(&key).await, ["Failed"]);
    let rules = world.handle.list_rule_executions(&key, None, &Page { token: None, size: 10 }).await.unwrap();
    let error = &rules["ruleExecutionDetails"][0]["output"]["executionResult"]["errorDetails"];
    assert_eq!(error["code"], "ConfigurationError", "{rules}");
}

#[actix::test]
async fn what_failed_an_execution_can_be_overridden_afterwards() {
    for (member, condition) in
        [("beforeEntry", ConditionType::BeforeEntry), ("onSuccess", ConditionType::OnSuccess)]
    {
        let world = World::start(Setup::default(), outputs);
        let check = json!({"Variable": "x", "Operator": "EQ", "Value": "y"});
        let key = held(&world, member, "FAIL", json!([rule("VariableCheck", check)])).await;
        assert_eq!(world.settled(&key).await, ["Failed"]);
        overrides(&world, &key, condition).await.unwrap();
        assert_eq!(world.settled(&key).await, ["Succeeded"], "{member}");
        assert_eq!(world.runs_of("a"), 1, "{member}");
    }
}

#[actix::test]
async fn each_list_shows_its_own_and_pages_through_it() {
    let world = World::start(Setup::default(), outputs);
    let check = json!({"Variable": "x", "Operator": "EQ", "Value": "x"});
    let mut other = rule("VariableCheck", check.clone());
    other["name"] = json!("other");
    let key = held(&world, "beforeEntry", "FAIL", json!([rule("VariableCheck", check), other])).await;
    assert_eq!(world.settled(&key).await, ["Succeeded"]);
    world.begin(&key).await;
    world.settled(&key).await;
    let first = only(&world, &key).await;
    let count = async |filter: Option<HistoryFilter>, rules: bool| {
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let page = Page { token, size: 3 };
            let (listed, member) = if rules {
                let listed = world.handle.list_rule_executions(&key, filter.as_ref(), &page).await;
                (listed.unwrap(), "ruleExecutionDetails")
            } else {
                let listed = world.handle.list_action_executions(&key, filter.as_ref(), &page).await;
                (listed.unwrap(), "actionExecutionDetails")
            };
            seen.extend(listed[member].as_array().unwrap().clone());
            token = listed["nextToken"].as_str().map(str::to_owned);
            if token.is_none() {
                return seen.len();
            }
        }
    };
    assert_eq!((count(None, true).await, count(None, false).await), (4, 10));
    let of = || Some(HistoryFilter::Execution(first.clone()));
    assert_eq!((count(of(), true).await, count(of(), false).await), (2, 5));
    let latest = || Some(HistoryFilter::LatestIn(first.clone()));
    assert_eq!((count(latest(), true).await, count(latest(), false).await), (2, 5));
}
