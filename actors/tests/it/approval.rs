//! Manual approvals: who answers first counts, and everybody is answered.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use penstock_actors::ApprovalPlace;
use penstock_engine::action::Verdict;
use penstock_engine::ids::PipelineKey;
use penstock_engine::rejection::RejectionKind;
use serde_json::{Value, json};

use crate::world::{Setup, World, answered, declaration, key, outputs, until};

async fn asked(world: &World, name: &str) -> (PipelineKey, String) {
    let mut declared = declaration(name);
    let approve = json!({
        "name": "approve", "configuration": {"ExternalEntityLink": "https://look/#{src.VersionId}"},
        "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
    });
    declared.stages[1].actions = vec![serde_json::from_value(approve).unwrap()];
    let key = key(name);
    world.handle.create(key.clone(), declared, BTreeMap::new(), "arn".into()).await.unwrap();
    let mut token = None;
    until("it asks", async || {
        token = state(world, &key).await["token"].as_str().map(str::to_owned);
        token.is_some()
    })
    .await;
    (key, token.unwrap())
}

async fn action_state(world: &World, key: &PipelineKey) -> Value {
    let state = world.handle.get_pipeline_state(key).await.unwrap();
    state["stageStates"][1]["actionStates"][0].clone()
}

async fn state(world: &World, key: &PipelineKey) -> Value {
    action_state(world, key).await["latestExecution"].clone()
}

async fn answer(world: &World, key: &PipelineKey, token: &str, approved: bool) -> Result<(), RejectionKind> {
    answer_at(world, key, ("Test", "approve"), token, approved).await
}

async fn answer_at(
    world: &World,
    key: &PipelineKey,
    (stage, action): (&str, &str),
    token: &str,
    approved: bool,
) -> Result<(), RejectionKind> {
    let place = ApprovalPlace { pipeline: key.clone(), stage: stage.to_owned(), action: action.to_owned() };
    let verdict = Verdict { approved, summary: "seen".to_owned(), by: "arn:me".to_owned() };
    let answer = answered(world.handle.put_approval_result(&place, token.to_owned(), verdict)).await;
    answer.map(drop).map_err(|rejection| rejection.kind)
}

#[actix::test]
async fn an_approval_is_asked_for_and_lets_the_stage_go_on() {
    let world = World::start(Setup::default(), outputs);
    let (key, token) = asked(&world, "p").await;
    assert_eq!(action_state(&world, &key).await["entityUrl"], "https://look/v1");
    answer(&world, &key, &token, true).await.unwrap();
    assert_eq!(world.settled(&key).await, ["Succeeded"]);
    let state = state(&world, &key).await;
    assert_eq!(state["lastUpdatedBy"], "arn:me");
    assert_eq!(state["summary"], "seen");
    assert_eq!(state.get("token"), None);
}

#[actix::test]
async fn a_rejection_fails_the_stage() {
    let world = World::start(Setup::default(), outputs);
    let (key, token) = asked(&world, "p").await;
    answer(&world, &key, &token, false).await.unwrap();
    assert_eq!(world.settled(&key).await, ["Failed"]);
    assert_eq!(state(&world, &key).await["errorDetails"]["code"], "JobFailed");
    assert_eq!(world.runs_of("put"), 0);
}

#[actix::test]
async fn of_many_answers_at_once_one_counts_and_the_others_are_told_so() {
    let world = World::start(Setup::default(), outputs);
    for round in 0..20 {
        let (key, token) = asked(&world, &format!("p{round}")).await;
        let answers = join_all((0..8).map(|n| answer(&world, &key, &token, n % 2 == 0))).await;
        let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(accepted, 1, "{answers:?}");
        let refused =
            answers.iter().filter(|answer| **answer == Err(RejectionKind::ApprovalAlreadyCompleted));
        assert_eq!(refused.count(), 7, "{answers:?}");
    }
}

#[actix::test]
async fn an_answer_to_nothing_names_what_is_missing() {
    let world = World::start(Setup::default(), outputs);
    let (here, token) = asked(&world, "p").await;
    let (other, other_token) = asked(&world, "q").await;
    let unknown = "00000000-0000-0000-0000-000000000000";
    let nowhere = key("r");
    for (key, place, token, kind) in [
        (&nowhere, ("Test", "approve"), &*token, RejectionKind::PipelineNotFound),
        (&here, ("Testing", "approve"), &token, RejectionKind::StageNotFound),
        (&here, ("Test", "reject"), &token, RejectionKind::ActionNotFound),
        (&here, ("Prod", "put"), &token, RejectionKind::ActionNotFound),
        (&here, ("Test", "approve"), unknown, RejectionKind::InvalidApprovalToken),
        (&here, ("Test", "approve"), &other_token, RejectionKind::InvalidApprovalToken),
        (&other, ("Test", "approve"), &token, RejectionKind::InvalidApprovalToken),
    ] {
        assert_eq!(answer_at(&world, key, place, token, true).await, Err(kind), "{place:?}");
    }
    assert_eq!(state(&world, &here).await["status"], "InProgress");
    answer(&world, &here, &token, true).await.unwrap();
}

#[actix::test]
async fn an_execution_of_an_old_version_is_approved_where_it_stands() {
    let world = World::start(Setup::default(), outputs);
    let (key, token) = asked(&world, "p").await;
    world.handle.update(key.clone(), declaration("p")).await.unwrap();
    answer(&world, &key, &token, true).await.unwrap();
    assert_eq!(answer(&world, &key, &token, true).await, Err(RejectionKind::ApprovalAlreadyCompleted));
    assert_eq!(world.settled(&key).await, ["Cancelled"]);
}
