//! AWS's words, case by case.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::validate;
use crate::model::codepipeline;

fn refusal(operation: &str, input: &Value) -> (String, String) {
    let model = codepipeline();
    let error = validate(model, &model.operation(operation).unwrap().input, input).unwrap_err();
    assert_eq!(error.status, 400);
    (error.code, error.message)
}

fn violation(operation: &str, input: Value) -> String {
    let (code, message) = refusal(operation, &input);
    assert_eq!(code, "ValidationException", "{message}");
    message.strip_prefix("1 validation error detected: ").unwrap_or(&message).to_owned()
}

fn accepts(operation: &str, input: &Value) {
    let model = codepipeline();
    validate(model, &model.operation(operation).unwrap().input, input).unwrap();
}

fn pipeline() -> Value {
    json!({
        "name": "shop",
        "roleArn": "arn:aws:iam::123456789012:role/pipeline",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": "Source", "actions": [{
                "name": "Fetch",
                "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
                "configuration": {"S3Bucket": "code", "S3ObjectKey": "app.zip"},
                "outputArtifacts": [{"name": "App"}]
            }]},
            {"name": "Deploy", "actions": [{
                "name": "Put",
                "actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": "S3", "version": "1"},
                "configuration": {"BucketName": "site", "Extract": "true"},
                "inputArtifacts": [{"name": "App"}]
            }]}
        ]
    })
}

fn create(change: impl FnOnce(&mut Value)) -> Value {
    let mut declaration = pipeline();
    change(&mut declaration);
    json!({"pipeline": declaration})
}

#[test]
fn a_good_declaration_passes() {
    accepts("CreatePipeline", &create(|_| {}));
}

#[test]
fn what_the_model_does_not_know_is_ignored() {
    accepts("CreatePipeline", &create(|pipeline| pipeline["metadata"] = json!({"any": ["thing"]})));
}

#[test]
fn null_is_absence() {
    accepts("ListPipelines", &json!({"nextToken": null, "maxResults": null}));
    assert_eq!(
        violation("GetPipeline", json!({"name": null})),
        "Value null at 'name' failed to satisfy constraint: Member must not be null"
    );
}

#[test]
fn a_missing_member_is_named_by_its_path() {
    assert_eq!(
        violation("CreatePipeline", create(|p| p["stages"][1]["actions"][0]["name"] = Value::Null)),
        "Value null at 'pipeline.stages.2.member.actions.1.member.name' failed to satisfy constraint: \
         Member must not be null"
    );
}

#[test]
fn lengths_are_characters() {
    let name = "n".repeat(101);
    assert_eq!(
        violation("GetPipeline", json!({"name": name})),
        format!(
            "Value '{name}' at 'name' failed to satisfy constraint: Member must have length less than or \
             equal to 100"
        )
    );
    accepts(
        "TagResource",
        &json!({
            "resourceArn": "arn:aws:codepipeline:us-east-1:123456789012:shop",
            "tags": [{"key": "ü".repeat(128), "value": "🙂".repeat(256)}]
        }),
    );
}

#[test]
fn an_empty_name_breaks_two_constraints_at_once() {
    assert_eq!(
        violation("GetPipeline", json!({"name": ""})),
        "2 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must have \
         length greater than or equal to 1; Value '' at 'name' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [A-Za-z0-9.@\\-_]+"
    );
}

#[test]
fn numbers_have_ranges() {
    assert_eq!(
        violation("ListPipelineExecutions", json!({"pipelineName": "shop", "maxResults": 0})),
        "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal \
         to 1"
    );
    assert_eq!(
        violation("ListPipelineExecutions", json!({"pipelineName": "shop", "maxResults": 101})),
        "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal \
         to 100"
    );
    assert_eq!(
        violation("ListPipelineExecutions", json!({"pipelineName": "shop", "maxResults": -5})),
        "Value '-5' at 'maxResults' failed to satisfy constraint: Member must have value greater than or \
         equal to 1"
    );
}

#[test]
fn a_pattern_must_match_the_whole_value() {
    assert_eq!(
        violation("CreatePipeline", create(|p| p["stages"][1]["actions"][0]["name"] = json!("a b"))),
        "Value 'a b' at 'pipeline.stages.2.member.actions.1.member.name' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [A-Za-z0-9.@\\-_]+"
    );
}

#[test]
fn an_enum_lists_its_values_in_the_models_order() {
    assert_eq!(
        violation("CreatePipeline", create(|p| p["executionMode"] = json!("superseded"))),
        "Value 'superseded' at 'pipeline.executionMode' failed to satisfy constraint: Member must satisfy \
         enum value set: [QUEUED, SUPERSEDED, PARALLEL]"
    );
}

#[test]
fn an_actions_configuration_is_never_echoed_and_names_the_shape_limit() {
    assert_eq!(
        violation(
            "CreatePipeline",
            create(|p| p["stages"][1]["actions"][0]["configuration"]["BucketName"] = json!(""))
        ),
        "Value at 'pipeline.stages.2.member.actions.1.member.configuration' failed to satisfy constraint: \
         Map value must satisfy constraint: [Member must have length less than or equal to 50000, Member \
         must have length greater than or equal to 1]"
    );
}

#[test]
fn a_configuration_value_between_the_two_limits_fails_the_second_check_only() {
    let (code, message) = refusal(
        "UpdatePipeline",
        &create(|p| p["stages"][0]["actions"][0]["configuration"]["S3ObjectKey"] = json!("k".repeat(1001))),
    );
    assert_eq!(code, "ValidationException");
    assert_eq!(
        message,
        "ActionConfiguration Map value must satisfy constraint: [Member must have length less than or equal \
         to 1000, Member must have length greater than or equal to 1]"
    );
    accepts(
        "UpdatePipeline",
        &create(|p| p["stages"][0]["actions"][0]["configuration"]["S3ObjectKey"] = json!("k".repeat(1000))),
    );
}

#[test]
fn configuration_keys_have_a_length_too() {
    assert_eq!(
        violation(
            "CreatePipeline",
            create(|p| p["stages"][0]["actions"][0]["configuration"]["k".repeat(51)] = json!("v"))
        ),
        "Value at 'pipeline.stages.1.member.actions.1.member.configuration' failed to satisfy constraint: \
         Map key must satisfy constraint: [Member must have length less than or equal to 50, Member must \
         have length greater than or equal to 1]"
    );
}

#[test]
fn a_list_of_plain_values_reports_at_the_list() {
    assert_eq!(
        violation(
            "UntagResource",
            json!({
                "resourceArn": "arn:aws:codepipeline:us-east-1:123456789012:shop", "tagKeys": ["fine", ""]
            })
        ),
        "Value '[fine, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member \
         must have length less than or equal to 128, Member must have length greater than or equal to 1]"
    );
}

#[test]
fn structures_are_printed_as_java_prints_them_and_without_secrets() {
    let model = codepipeline();
    let action = json!({
        "name": "Fetch", "runOrder": 1, "configuration": {"OAuthToken": "hunter2"}, "unknown": 1,
        "outputArtifacts": [{"name": "App"}, {"name": "B"}]
    });
    assert_eq!(
        super::show::value(model, model.shape("ActionDeclaration").unwrap(), &action),
        "{configuration=***Sensitive Data Redacted***, name=Fetch, outputArtifacts=[{name=App}, {name=B}], \
         runOrder=1}"
    );

    let many: Vec<Value> = (0..11).map(|n| json!({"name": format!("V{n}"), "value": "x"})).collect();
    let message = violation(
        "CreatePipeline",
        create(|p| p["stages"][0]["actions"][0]["environmentVariables"] = json!(many)),
    );
    assert!(message.starts_with("Value '[{name=V0, value=x}, {name=V1, value=x}, "), "{message}");
}

#[test]
fn a_webhooks_secret_token_is_never_echoed() {
    let secret = "s3cr3t".repeat(20);
    let message = violation(
        "PutWebhook",
        json!({"webhook": {
            "name": "hook", "targetPipeline": "shop", "targetAction": "Fetch", "filters": [],
            "authentication": "GITHUB_HMAC", "authenticationConfiguration": {"SecretToken": secret}
        }}),
    );
    assert_eq!(
        message,
        "Value at 'webhook.authenticationConfiguration.SecretToken' failed to satisfy constraint: Member \
         must have length less than or equal to 100"
    );
}

#[test]
fn a_null_in_a_list_is_a_missing_member() {
    assert_eq!(
        violation("CreatePipeline", create(|p| p["stages"][0] = Value::Null)),
        "Value null at 'pipeline.stages.1.member' failed to satisfy constraint: Member must not be null"
    );
}

#[test]
fn a_map_of_structures_reports_inside_its_members() {
    let declaration = create(|p| {
        p["artifactStores"] = json!({"us-east-1": {"type": "S3", "location": "x"}});
    });
    assert_eq!(
        violation("CreatePipeline", declaration),
        "Value 'x' at 'pipeline.artifactStores.us-east-1.member.location' failed to satisfy constraint: \
         Member must have length greater than or equal to 3"
    );
}

#[test]
fn millions_of_wrong_values_make_a_small_answer() {
    let (_, message) =
        refusal("CreatePipeline", &create(|p| p["stages"] = json!(vec![Value::Null; 100_000])));
    assert!(message.len() < 200_000, "{}", message.len());
    assert!(message.starts_with("1000 validation errors detected: "));
}

#[test]
fn a_wrong_type_is_a_serialization_error_before_any_constraint() {
    let cases = [
        (json!({"name": 5}), "NUMBER_VALUE can not be converted to a String"),
        (json!({"name": true}), "TRUE_VALUE can not be converted to a String"),
        (json!({"name": {}}), "Start of structure or map found where not expected."),
        (json!({"name": []}), "Start of list found where not expected"),
        (json!({"name": "", "version": "1"}), "STRING_VALUE can not be converted to an Integer"),
        (json!({"name": "", "version": 1.5}), "NUMBER_VALUE can not be converted to an Integer"),
        (
            json!({"name": "", "version": 4_000_000_000_u64}),
            "NUMBER_VALUE can not be converted to an Integer",
        ),
        (json!([]), "Start of list found where not expected"),
        (json!("text"), "Expected structure, map or null"),
    ];
    for (input, text) in cases {
        assert_eq!(
            refusal("GetPipeline", &input),
            ("SerializationException".to_owned(), text.to_owned()),
            "{input}"
        );
    }
    assert_eq!(
        refusal("CreatePipeline", &create(|p| p["stages"] = json!("none"))).1,
        "Expected list or null"
    );
    assert_eq!(
        refusal("StopPipelineExecution", &json!({"abandon": "yes"})).1,
        "STRING_VALUE can not be converted to a Boolean"
    );
}
