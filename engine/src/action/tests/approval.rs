//! Manual approvals.

use crate::action::{Context, Input, Report, Verdict};
use crate::declaration::action::{ActionCategory, ActionDeclaration};
use crate::fixture::action;
use crate::step::ReplyId;
use crate::time::Timestamp;

use super::{ABANDON, BORN, Bench, ENDED_FAILED, ENDED_SUCCEEDED, LIMIT};

const TOKEN: &str = "1d0db1a8-67a0-5cca-8d2a-2f4b6a1e7b57";

fn approval() -> ActionDeclaration {
    let mut declared = action("A", 1);
    declared.action_type_id.category = ActionCategory::Approval;
    declared.action_type_id.provider = "Manual".to_owned();
    declared.output_artifacts.clear();
    declared.namespace = None;
    declared
        .configuration
        .insert("CustomData".to_owned(), "look at #{codepipeline.PipelineExecutionId}".into());
    declared
}

fn asked() -> Bench {
    let mut bench = Bench::of(&approval());
    bench.step(Input::Begin(Context::default()));
    bench
}

fn says(bench: &mut Bench, approved: bool, summary: &str) -> Vec<String> {
    let token = bench.machine.record().approval_token().unwrap();
    answer(bench, &token, approved, summary)
}

fn answer(bench: &mut Bench, token: &str, approved: bool, summary: &str) -> Vec<String> {
    let verdict = Verdict { approved, summary: summary.to_owned(), by: "arn:me".to_owned() };
    bench.step(Input::Decide { token: token.to_owned(), verdict, reply: ReplyId(7) })
}

const INVALID: &str = "effect answer 7: InvalidApprovalToken: The approval token is not the one of an open approval \
                       request: the request does not exist, or it has expired.";
const COMPLETED: &str =
    "effect answer 7: ApprovalAlreadyCompleted: The approval action has already been approved or rejected.";

#[test]
fn an_approval_asks_and_waits() {
    let asks = [
        "effect ask for approval of Deploy.A with {\"CustomData\": \"look at e1\"}",
        "effect wake at 1201000",
    ];
    let mut bench = Bench::of(&approval());
    assert_eq!(bench.step(Input::Begin(Context::default())), asks);
    assert_eq!(bench.reloaded().step(Input::Begin(Context::default())), asks);
}

#[test]
fn approvers_who_were_told_are_not_told_again() {
    let mut bench = asked();
    let attempt = bench.machine.attempt();
    bench.step(Input::Report { attempt, report: Report::Notified });
    assert_eq!(bench.reloaded().step(Input::Begin(Context::default())), ["effect wake at 1201000"]);
}

#[test]
fn an_approved_action_succeeds_with_the_comment() {
    let mut bench = asked();
    assert_eq!(
        says(&mut bench, true, "fine"),
        [
            "write action 1/Deploy/1.A Succeeded by arn:me",
            "write event action Deploy.A Succeeded",
            ENDED_SUCCEEDED,
            "effect answer 7: approved at 1002",
        ]
    );
    assert_eq!(bench.machine.record().external.summary.as_deref(), Some("fine"));
}

#[test]
fn a_rejected_action_fails_with_the_comment() {
    let mut bench = asked();
    assert_eq!(
        says(&mut bench, false, "not yet"),
        [
            "write action 1/Deploy/1.A Failed by arn:me (JobFailed: Rejected by arn:me: not yet)",
            "write event action Deploy.A Failed",
            ENDED_FAILED,
            "effect answer 7: approved at 1002",
        ]
    );
    let mut bench = asked();
    let rejected = says(&mut bench, false, "");
    assert_eq!(rejected[0], "write action 1/Deploy/1.A Failed by arn:me (JobFailed: Rejected by arn:me)");
    assert_eq!(bench.machine.record().external.summary, None);
}

#[test]
fn the_first_answer_counts_also_after_a_restart() {
    let mut bench = asked();
    says(&mut bench, true, "fine");
    let before = bench.machine.clone();
    for approved in [true, false] {
        assert_eq!(says(&mut bench, approved, "again"), [COMPLETED]);
        assert_eq!(says(&mut bench.reloaded(), approved, "again"), [COMPLETED]);
    }
    assert_eq!(answer(&mut bench, TOKEN, true, ""), [INVALID]);
    assert_eq!(bench.machine, before);
}

#[test]
fn another_token_changes_nothing() {
    let mut bench = asked();
    let before = bench.machine.clone();
    assert_eq!(answer(&mut bench, TOKEN, true, ""), [INVALID]);
    assert_eq!(bench.machine, before);
    let mut no_approval = Bench::begun();
    assert_eq!(answer(&mut no_approval, TOKEN, true, ""), [INVALID]);
}

#[test]
fn a_request_that_is_over_cannot_be_answered() {
    let mut late = asked();
    late.now = BORN.plus_millis(LIMIT);
    let failed = late.step(Input::Wake);
    assert!(failed[0].contains("Failed (JobFailed: "), "{failed:?}");
    assert_eq!(says(&mut late, true, "late"), [INVALID]);
    let mut abandoned = asked();
    abandoned.step(Input::Wish(ABANDON));
    assert_eq!(says(&mut abandoned, true, "late"), [INVALID]);
}

#[test]
fn the_token_is_the_same_at_each_life_and_another_one_at_each_attempt() {
    let bench = asked();
    let record = bench.machine.record();
    assert_eq!(bench.reloaded().machine.record().approval_token(), record.approval_token());
    let mut other = record.clone();
    other.reference.id.0 = "00000000-0000-0000-0000-000000000001".to_owned();
    assert_ne!(other.approval_token(), record.approval_token());
    assert_eq!(record.reference.started, Timestamp(1000));
}
