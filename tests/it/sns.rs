//! Approvers are told through SNS, once, and under the pipeline's role.

use penstock_tests::aws::Caller;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::sink::{Received, Sink};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:approvals";

fn approved(caller: &Caller) -> String {
    let ground = Ground::prepare(caller, b"to be approved");
    let approval = json!({
        "name": "Approve",
        "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
        "configuration": {"CustomData": "have a look & say", "NotificationArn": TOPIC},
    });
    caller.call(
        "CreatePipeline",
        &json!({"pipeline": ground.pipeline("approved", &[stage("Gate", &[approval])])}),
    );
    caller.executions("approved")[0]["pipelineExecutionId"].as_str().unwrap().to_owned()
}

fn published() -> (u16, String) {
    let answer = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
                  <MessageId>1</MessageId></PublishResult></PublishResponse>";
    (200, answer.to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    let answer = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error>\
         <RequestId>1</RequestId></ErrorResponse>"
    );
    (status, answer)
}

/// The parameters of a form.
fn parameter(request: &Received, wanted: &str) -> String {
    let value = request.body.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name == wanted).then_some(value)
    });
    let mut bytes = Vec::new();
    let mut rest = value.unwrap_or_default().bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits: Vec<u8> = rest.by_ref().take(2).collect();
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn approvers_are_told_once_and_can_answer_with_what_they_were_told() {
    let sink = Sink::start(|_, _| published());
    let mut daemon = Daemon::start_with(&["--endpoint-url-sns", &sink.url()]);
    let caller = daemon.caller();
    let execution = approved(&caller);
    let told = until("the message", || sink.received().pop());
    assert_eq!(
        (parameter(&told, "Action"), parameter(&told, "TopicArn")),
        ("Publish".to_owned(), TOPIC.to_owned())
    );
    assert_eq!(parameter(&told, "Subject"), "APPROVAL NEEDED: AWS CodePipeline approved for action Approve");
    assert!(told.header("authorization").contains("/us-east-1/sns/aws4_request"));
    let message: Value = serde_json::from_str(&parameter(&told, "Message")).unwrap();
    let console = "https://console.aws.amazon.com/codepipeline/home?region=us-east-1#/view/approved";
    let (token, expires) = (message["approval"]["token"].clone(), message["approval"]["expires"].clone());
    assert_eq!(
        message,
        json!({
            "region": "us-east-1", "consoleLink": console,
            "approval": {
                "pipelineName": "approved", "stageName": "Gate", "actionName": "Approve", "token": token,
                "expires": expires, "externalEntityLink": null, "customData": "have a look & say",
                "approvalReviewLink": format!("{console}/Gate/Approve/approve/{}", token.as_str().unwrap()),
            },
        })
    );
    let expires = expires.as_str().unwrap();
    assert!(expires.len() == "2025-01-31T20:22Z".len() && expires.ends_with('Z'), "{expires}");

    until("the record of it", || {
        daemon.log().iter().any(|line| line.contains("approvers notified")).then_some(())
    });
    // Whatever is answered after that one is durable, too.
    caller.call("GetPipelineState", &json!({"name": "approved"}));
    caller.call("TagResource", &json!({
        "resourceArn": "arn:aws:codepipeline:us-east-1:000000000000:approved", "tags": [{"key": "k", "value": "v"}]}));
    daemon.kill();
    daemon.start_again();
    let answer = json!({"pipelineName": "approved", "stageName": "Gate", "actionName": "Approve", "token": token,
        "result": {"summary": "", "status": "Approved"}});
    caller.call("PutApprovalResult", &answer);
    assert_eq!(caller.ended("approved", &execution), "Succeeded");
    assert_eq!(sink.received().len(), 1, "who was told before a kill is not told again");
}

#[test]
fn a_request_that_cannot_be_published_fails_the_action_and_says_why() {
    let sink = Sink::start(|_, before| match before {
        0 => refused(403, "AuthorizationError"),
        1 => refused(404, "NotFound"),
        2 => (500, "<html>".to_owned()),
        _ => published(),
    });
    let daemon = Daemon::start_with(&["--endpoint-url-sns", &sink.url()]);
    let caller = daemon.caller();
    let execution = approved(&caller);
    for code in ["PermissionError", "ConfigurationError", "JobFailed"] {
        assert_eq!(caller.ended("approved", &execution), "Failed");
        let failed = caller.actions("approved", &execution).pop().unwrap();
        assert_eq!(failed["output"]["executionResult"]["errorDetails"]["code"], code, "{failed:#}");
        let retry = json!({"pipelineName": "approved", "stageName": "Gate", "pipelineExecutionId": execution,
            "retryMode": "FAILED_ACTIONS"});
        caller.call("RetryStageExecution", &retry);
    }
    until("the fourth request", || (sink.received().len() == 4).then_some(()));
    assert_eq!(caller.status("approved", &execution), "InProgress");
}
