//! The events' shapes, against the guide's samples.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::action::ActionRef;
use crate::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use crate::fixture::{execution_id, incarnation, key};
use crate::ids::ActionExecutionId;
use crate::pipeline::{Trigger, TriggerType};
use crate::stage::StageId;

const BEGAN: Timestamp = Timestamp(1_741_079_411_120);

fn of(subject: Subject, state: EventState) -> Event {
    Event {
        at: Timestamp(1_741_079_420_999),
        pipeline: key(),
        version: 4,
        execution: execution_id(1),
        attempt: 1,
        started: Some(BEGAN),
        subject,
        state,
    }
}

fn pipeline(trigger: Option<Trigger>, stop_comments: Option<&str>) -> Subject {
    Subject::Pipeline { trigger, stop_comments: stop_comments.map(str::to_owned) }
}

fn action(outputs: Vec<ArtifactLocation>, result: Option<ExecutionResult>) -> Subject {
    let id = ActionExecutionId("a1".to_owned());
    let stage = StageId { incarnation: incarnation(), execution: 1, stage: "Build".to_owned(), attempt: 1 };
    Subject::Action {
        stage: "Build".to_owned(),
        action: "Compile".to_owned(),
        id: id.clone(),
        action_type: ActionTypeId {
            category: ActionCategory::Build,
            owner: ActionOwner::Aws,
            provider: "CodeBuild".to_owned(),
            version: "1".to_owned(),
        },
        reference: Some(ActionRef { stage, id, started: BEGAN }),
        region: Some("eu-west-1".to_owned()),
        outputs,
        result,
    }
}

fn shown(subject: Subject, state: EventState) -> Value {
    event(&of(subject, state), "id", None).unwrap()["detail"].take()
}

#[test]
fn the_envelope_is_eventbridges() {
    let trigger =
        Trigger { trigger_type: TriggerType::StartPipelineExecution, trigger_detail: Some("arn".to_owned()) };
    assert_eq!(
        event(&of(pipeline(Some(trigger), None), EventState::Started), "6f0c", None).unwrap(),
        json!({
            "version": "0", "id": "6f0c",
            "detail-type": "CodePipeline Pipeline Execution State Change", "source": "aws.codepipeline",
            "account": "1", "time": "2025-03-04T09:10:20Z", "region": "us-east-1",
            "resources": ["arn:aws:codepipeline:us-east-1:1:p"],
            "detail": {
                "pipeline": "p", "execution-id": execution_id(1), "start-time": "2025-03-04T09:10:11.120Z",
                "execution-trigger": {"trigger-type": "StartPipelineExecution", "trigger-detail": "arn"},
                "state": "STARTED", "version": 4.0, "pipeline-execution-attempt": 1.0,
            },
        })
    );
}

#[test]
fn numbers_have_a_fraction_on_the_wire() {
    let text = shown(pipeline(None, None), EventState::Succeeded).to_string();
    assert!(
        text.contains(r#""version":4.0"#) && text.contains(r#""pipeline-execution-attempt":1.0"#),
        "{text}"
    );
}

#[test]
fn a_stopping_execution_says_the_comment_and_the_others_do_not() {
    let detail = shown(pipeline(None, Some("freeze")), EventState::Stopping);
    assert_eq!(
        (&detail["state"], &detail["stop-execution-comments"]),
        (&json!("STOPPING"), &json!("freeze"))
    );
    for state in [
        EventState::Stopped,
        EventState::Succeeded,
        EventState::Failed,
        EventState::Superseded,
        EventState::Canceled,
        EventState::Resumed,
    ] {
        let detail = shown(pipeline(None, None), state);
        let members: Vec<&String> = detail.as_object().unwrap().keys().collect();
        let expected =
            ["execution-id", "pipeline", "pipeline-execution-attempt", "start-time", "state", "version"];
        assert_eq!(members, expected, "{state:?}");
    }
}

#[test]
fn a_change_behind_a_connection_is_told_by_its_facts() {
    let detail = json!({"ProviderType": "GitHub", "CommitId": "9f2c", "BranchName": "main"}).to_string();
    let trigger = |trigger_type, detail: &str| {
        let trigger = Trigger { trigger_type, trigger_detail: Some(detail.to_owned()) };
        shown(pipeline(Some(trigger), None), EventState::Succeeded)["execution-trigger"].take()
    };
    let facts = json!({"provider-type": "GitHub", "commit-id": "9f2c", "branch-name": "main"});
    assert_eq!(trigger(TriggerType::WebhookV2, &detail), facts);
    assert_eq!(trigger(TriggerType::Webhook, &detail), facts);
    let webhook = json!({"trigger-type": "Webhook", "trigger-detail": "arn:webhook"});
    assert_eq!(trigger(TriggerType::Webhook, "arn:webhook"), webhook);
}

#[test]
fn a_resumed_stage_says_when_it_was_retried() {
    let stage = Subject::Stage { stage: "Build".to_owned(), last_retry: Some(Timestamp(1_741_080_000_305)) };
    let resumed = Event { attempt: 2, started: None, ..of(stage, EventState::Resumed) };
    let shown = event(&resumed, "id", None).unwrap();
    assert_eq!(shown["detail-type"], "CodePipeline Stage Execution State Change");
    assert_eq!(
        shown["detail"],
        json!({
            "pipeline": "p", "execution-id": execution_id(1), "stage": "Build", "state": "RESUMED",
            "stage-last-retry-attempt-time": "2025-03-04T09:20:00.305Z",
            "version": 4.0, "pipeline-execution-attempt": 2.0,
        })
    );
}

#[test]
fn an_action_that_succeeded_says_what_it_made_and_where_to_look() {
    let made = ArtifactLocation {
        name: "Out".to_owned(),
        bucket: "bucket".to_owned(),
        key: "p/Out/Ab3dE5f".to_owned(),
        revision: None,
    };
    let result = ExecutionResult {
        id: Some("compile:1".to_owned()),
        summary: Some("Built".to_owned()),
        url: Some("https://ci/1".to_owned()),
        error_code: None,
    };
    assert_eq!(
        shown(action(vec![made], Some(result)), EventState::Succeeded),
        json!({
            "pipeline": "p", "execution-id": execution_id(1), "start-time": "2025-03-04T09:10:11.120Z",
            "stage": "Build", "action-execution-id": "a1", "action": "Compile", "state": "SUCCEEDED",
            "region": "eu-west-1",
            "type": {"owner": "AWS", "provider": "CodeBuild", "category": "Build", "version": "1"},
            "output-artifacts": [{"name": "Out", "s3location": {"bucket": "bucket", "key": "p/Out/Ab3dE5f"}}],
            "execution-result": {
                "external-execution-url": "https://ci/1", "external-execution-summary": "Built",
                "external-execution-id": "compile:1",
            },
            "version": 4.0, "pipeline-execution-attempt": 1.0,
        })
    );
}

#[test]
fn an_action_that_failed_says_the_error_code_and_one_that_started_no_region() {
    let result = ExecutionResult { error_code: Some("JobFailed".to_owned()), ..ExecutionResult::default() };
    let failed = shown(action(Vec::new(), Some(result)), EventState::Failed);
    assert_eq!(failed["execution-result"], json!({"error-code": "JobFailed"}));
    assert!(failed.get("output-artifacts").is_none(), "{failed}");
    let started = shown(action(Vec::new(), None), EventState::Started);
    for absent in ["region", "input-artifacts", "output-artifacts", "execution-result"] {
        assert!(started.get(absent).is_none(), "{absent}: {started}");
    }
}

#[test]
fn an_event_of_an_older_record_is_still_one() {
    for subject in [
        json!({"kind": "pipeline"}),
        json!({"kind": "stage", "stage": "Build"}),
        json!({"kind": "action", "stage": "Build", "action": "Compile", "id": "a1",
            "actionType": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}}),
    ] {
        let old: Event = serde_json::from_value(json!({
            "at": 0, "pipeline": key(), "version": 1, "execution": execution_id(1), "subject": subject,
            "state": "STARTED",
        }))
        .unwrap();
        let detail = event(&old, "id", None).unwrap()["detail"].take();
        assert_eq!(
            (&detail["state"], &detail["pipeline-execution-attempt"]),
            (&json!("STARTED"), &json!(1.0))
        );
        assert!(detail.get("start-time").is_none());
    }
}
