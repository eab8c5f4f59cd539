//! The resources of CodePipeline's operations (service authorization reference, AWS CodePipeline).

use std::collections::BTreeSet;

use penstock_actors::companions::policy::context::Context;
use serde_json::Value;

use crate::caller::Caller;
use crate::error::AwsError;
use crate::services::Services;

/// Refuses an operation that the caller's policies do not permit.
pub(crate) async fn check(
    services: &Services,
    caller: &Caller,
    operation: &str,
    input: &Value,
) -> Result<(), AwsError> {
    if !services.authority.counts(caller) {
        return Ok(());
    }
    let denied = |refused: crate::authorization::Refused| refused.as_error("AccessDeniedException", 400);
    let action = format!("codepipeline:{operation}");
    let resource = resource(caller, operation, input);
    services.authority.check(caller, &action, &resource, keys(input)).await.map_err(denied)?;
    // Whoever hands a role to the service must be allowed to.
    if matches!(operation, "CreatePipeline" | "UpdatePipeline") {
        for role in roles(input) {
            let mut keys = Context::default();
            keys.set("iam:PassedToService", "codepipeline.amazonaws.com");
            services.authority.check(caller, "iam:PassRole", role, keys).await.map_err(denied)?;
        }
    }
    Ok(())
}

/// The ARN of what an operation is about; `*` where AWS knows no resource for it.
fn resource(caller: &Caller, operation: &str, input: &Value) -> String {
    let text = |path: &str| input.pointer(path).and_then(Value::as_str);
    let arn = |rest: String| format!("arn:aws:codepipeline:{}:{}:{rest}", caller.region, caller.account);
    let pipeline = text("/pipelineName").or(text("/pipeline/name"));
    let within = |parts: &[Option<&str>]| {
        let parts: Vec<&str> = parts.iter().map(|part| part.unwrap_or("*")).collect();
        arn(parts.join("/"))
    };
    match operation {
        "DisableStageTransition"
        | "EnableStageTransition"
        | "RetryStageExecution"
        | "OverrideStageCondition" => within(&[pipeline, text("/stageName")]),
        "RollbackStage" => within(&[pipeline, text("/stageName")]),
        "PutApprovalResult" | "PutActionRevision" => {
            within(&[pipeline, text("/stageName"), text("/actionName")])
        }
        "PutWebhook"
        | "DeleteWebhook"
        | "RegisterWebhookWithThirdParty"
        | "DeregisterWebhookWithThirdParty" => {
            let name = text("/webhook/name").or(text("/webhookName")).or(text("/name"));
            arn(format!("webhook:{}", name.unwrap_or("*")))
        }
        "ListWebhooks" => arn("webhook:*".to_owned()),
        "CreateCustomActionType"
        | "DeleteCustomActionType"
        | "GetActionType"
        | "UpdateActionType"
        | "PollForJobs"
        | "PollForThirdPartyJobs" => {
            let part = |name: &str, other: &'static str| {
                ["", "/actionTypeId", "/actionType/id"]
                    .iter()
                    .find_map(|at| text(&format!("{at}/{name}")))
                    .unwrap_or(other)
                    .to_owned()
            };
            let (owner, category) = (part("owner", "Custom"), part("category", "*"));
            arn(format!("actiontype:{owner}/{category}/{}/{}", part("provider", "*"), part("version", "*")))
        }
        "ListActionTypes" => arn("actiontype:*".to_owned()),
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            text("/resourceArn").unwrap_or("*").to_owned()
        }
        _ => match pipeline.or(text("/name")) {
            Some(name) => arn(name.to_owned()),
            None => "*".to_owned(),
        },
    }
}

fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn roles(input: &Value) -> BTreeSet<&str> {
    let stages = || each(input.pointer("/pipeline/stages"));
    let actions = stages().flat_map(|stage| each(stage.get("actions")));
    let conditions =
        stages().flat_map(|stage| ["beforeEntry", "onSuccess", "onFailure"].map(|at| stage.get(at)));
    let rules = conditions
        .flat_map(|at| each(at.and_then(|at| at.get("conditions"))))
        .flat_map(|condition| each(condition.get("rules")));
    let of_parts = actions.chain(rules).filter_map(|part| part.get("roleArn")?.as_str());
    input.pointer("/pipeline/roleArn").and_then(Value::as_str).into_iter().chain(of_parts).collect()
}

/// Tags of a request, on CreatePipeline and its like.
fn keys(input: &Value) -> Context {
    let mut keys = Context::default();
    keys.declare_family("aws:RequestTag/");
    let tags: Vec<(&str, &str)> = input
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|tag| Some((tag.get("key")?.as_str()?, tag.get("value")?.as_str()?)))
        .collect();
    for (key, value) in &tags {
        keys.set(&format!("aws:RequestTag/{key}"), *value);
    }
    keys.set_many("aws:TagKeys", tags.iter().map(|(key, _)| (*key).to_owned()).collect());
    keys
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_are_about_what_awss_reference_says() {
        let caller = Caller::by_key_id(None, "eu-west-1");
        let at = |rest: &str| format!("arn:aws:codepipeline:eu-west-1:000000000000:{rest}");
        for (operation, input, expected) in [
            ("GetPipeline", json!({"name": "web"}), at("web")),
            ("CreatePipeline", json!({"pipeline": {"name": "web"}}), at("web")),
            ("ListPipelines", json!({}), "*".to_owned()),
            ("RetryStageExecution", json!({"pipelineName": "web", "stageName": "Build"}), at("web/Build")),
            (
                "PutApprovalResult",
                json!({"pipelineName": "web", "stageName": "Ask", "actionName": "Me"}),
                at("web/Ask/Me"),
            ),
            (
                "PollForJobs",
                json!({"actionTypeId": {"category": "Test", "owner": "Custom", "provider": "P", "version": "1"}}),
                at("actiontype:Custom/Test/P/1"),
            ),
            (
                "CreateCustomActionType",
                json!({"category": "Test", "provider": "P", "version": "1"}),
                at("actiontype:Custom/Test/P/1"),
            ),
            ("AcknowledgeJob", json!({"jobId": "1"}), "*".to_owned()),
            ("DeleteWebhook", json!({"name": "hook"}), at("webhook:hook")),
            ("TagResource", json!({"resourceArn": "arn:x"}), "arn:x".to_owned()),
        ] {
            assert_eq!(resource(&caller, operation, &input), expected, "{operation}");
        }
    }

    #[test]
    fn every_role_of_a_declaration_is_passed() {
        let input = json!({"pipeline": {"roleArn": "a", "stages": [
            {"actions": [{"roleArn": "b"}, {}]},
            {"actions": [{"roleArn": "a"}],
                "beforeEntry": {"conditions": [{"rules": [{"roleArn": "c"}, {}]}]}}]}});
        assert_eq!(roles(&input), BTreeSet::from(["a", "b", "c"]));
    }
}
