//! Configuration keys and values, commands.

use super::*;
use RejectionKind::{InvalidActionDeclaration, Validation};

#[test]
fn required_configuration_keys_are_present() {
    let found = refusals(|p| p["stages"][2]["actions"][1]["configuration"] = json!({"Extract": "true"}));
    let message = "Action configuration for action 'Upload' is missing required configuration 'BucketName'";
    assert_eq!(found, only(InvalidActionDeclaration, message));
    let all = refusals(|p| p["stages"][2]["actions"][1]["configuration"] = json!({}));
    assert_eq!(all.len(), 2);
}

#[test]
fn unknown_configuration_keys_are_refused() {
    let found = refusals(|p| p["stages"][1]["actions"][0]["configuration"]["projectName"] = json!("x"));
    let message = "Action configuration for action 'Compile' contains unknown configuration 'projectName'";
    assert_eq!(found, only(InvalidActionDeclaration, message));
}

#[test]
fn a_type_whose_keys_are_not_all_published_takes_any() {
    let scan = action(
        "Check",
        "Invoke/AWS/InspectorScan",
        json!({
            "configuration": {"InspectorRunMode": "SourceCodeScan", "NewKey": "1"},
            "inputArtifacts": [{"name": "FromGit"}], "outputArtifacts": [{"name": "Bom"}],
        }),
    );
    assert_eq!(refusals(|p| p["stages"][1]["actions"][1] = scan), []);
}

#[test]
fn a_configuration_value_has_at_most_1000_characters() {
    let with = |value: String| {
        refusals(|p| p["stages"][2]["actions"][0]["configuration"] = json!({"CustomData": value}))
    };
    assert_eq!(with("é".repeat(1000)), []);
    let message = "ActionConfiguration Map value must satisfy constraint: [Member must have length less than or equal \
                   to 1000, Member must have length greater than or equal to 1]";
    assert_eq!(with("x".repeat(1001)), only(Validation, message));
}

#[test]
fn a_build_with_several_inputs_names_its_primary_source() {
    let several = |configuration: Value| {
        refusals(|p| {
            p["stages"][1]["actions"][0]["configuration"] = configuration;
            p["stages"][1]["actions"][0]["inputArtifacts"] =
                json!([{"name": "FromBucket"}, {"name": "FromGit"}]);
        })
    };
    let message =
        "Action configuration for action 'Compile' is missing required configuration 'PrimarySource'";
    assert_eq!(several(json!({"ProjectName": "p"})), only(InvalidActionDeclaration, message));
    assert_eq!(several(json!({"ProjectName": "p", "PrimarySource": "FromGit"})), []);
}

fn commands(members: Value) -> Vec<Rejection> {
    let mut check = action("Check", "Compute/AWS/Commands", json!({"inputArtifacts": [{"name": "FromGit"}]}));
    check.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    refusals(|p| p["stages"][1]["actions"][1] = check)
}

#[test]
fn a_commands_action_has_commands() {
    let message = "Action Check must have a non-empty commands field";
    assert_eq!(commands(json!({})), only(InvalidActionDeclaration, message));
    assert_eq!(commands(json!({"commands": []})), only(InvalidActionDeclaration, message));
    let message = "Action Check has a multi-line command: commands must be in single-line format";
    assert_eq!(commands(json!({"commands": ["a\nb"]})), only(InvalidActionDeclaration, message));
    let all = json!({
        "commands": ["make"],
        "outputVariables": ["VERSION"],
        "outputArtifacts": [{"name": "Out", "files": ["out/**"]}],
        "environmentVariables": [{"name": "TOKEN", "value": "secret-id", "type": "SECRETS_MANAGER"}],
    });
    assert_eq!(commands(all), []);
}

#[test]
fn no_other_action_has_commands_output_variables_or_files() {
    for (member, value, named) in [
        ("commands", json!(["make"]), "commands"),
        ("outputVariables", json!(["V"]), "outputVariables"),
        ("outputArtifacts", json!([{"name": "Compiled", "files": ["a"]}]), "outputArtifacts.files"),
    ] {
        let found = refusals(|p| p["stages"][1]["actions"][0][member] = value);
        let message = format!("Action Compile cannot have a {named} field: only the Commands action can");
        assert_eq!(found, only(InvalidActionDeclaration, &message));
    }
}

#[test]
fn only_the_commands_action_reads_environment_variables_from_secrets_manager() {
    let with = |kind: &str| {
        let variables = json!([{"name": "TOKEN", "value": "v", "type": kind}]);
        refusals(|p| p["stages"][1]["actions"][0]["environmentVariables"] = variables)
    };
    assert_eq!(with("PLAINTEXT"), []);
    let message = "Action Compile cannot have environment variables of type SECRETS_MANAGER: \
                   only the Commands action can";
    assert_eq!(with("SECRETS_MANAGER"), only(InvalidActionDeclaration, message));
}
