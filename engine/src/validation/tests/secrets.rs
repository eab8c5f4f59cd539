//! Secrets are hidden, kept, and never given to another action.

use super::*;
use crate::validation::secrets::{mask_secrets, unmask};
use RejectionKind::InvalidActionDeclaration;

/// The good declaration with a GitHub source in place of the bucket, and a custom build.
fn with_secrets(token: &str) -> Value {
    let mut pipeline = good();
    pipeline["stages"][0]["actions"][0] = action(
        "SourceAction",
        "Source/ThirdParty/GitHub",
        json!({
            "configuration": {"Owner": "o", "Repo": "r", "Branch": "main", "OAuthToken": token},
            "outputArtifacts": [{"name": "FromBucket"}],
        }),
    );
    pipeline["stages"][1]["actions"][1] = action(
        "Check",
        "Build/Custom/Jenkins",
        json!({
            "configuration": {"ProjectName": "****", "Token": "t0k3n"},
        }),
    );
    pipeline
}

fn refusal() -> Rejection {
    Rejection::new(
        InvalidActionDeclaration,
        "Action configuration for the new action \"SourceAction\" contains an invalid configuration for the secret \
         property \"OAuthToken\". \"****\" may be used in secret properties only when updating an existing action.",
    )
}

#[test]
fn secret_properties_are_shown_as_four_asterisks_and_others_as_they_are() {
    let masked = serde_json::to_value(mask_secrets(&declaration(&with_secrets("gh")), &catalogue())).unwrap();
    let shown = json!({"Owner": "o", "Repo": "r", "Branch": "main", "OAuthToken": "****"});
    assert_eq!(masked["stages"][0]["actions"][0]["configuration"], shown);
    let shown = json!({"ProjectName": "****", "Token": "****"});
    assert_eq!(masked["stages"][1]["actions"][1]["configuration"], shown);
    assert_eq!(masked["stages"][2], serde_json::to_value(&declaration(&good()).stages).unwrap()[2]);
}

#[test]
fn four_asterisks_in_a_new_action_are_refused() {
    assert_eq!(refusals_of(&with_secrets("****")), [refusal()]);
    assert_eq!(refusals_of(&with_secrets("gh")), []);
}

#[test]
fn four_asterisks_written_back_keep_the_stored_secret() {
    let old = declaration(&with_secrets("gh"));
    let mut new = with_secrets("****");
    new["stages"][0]["actions"][0]["configuration"]["Branch"] = json!("next");
    new["stages"][1]["actions"][1]["configuration"]["Token"] = json!("changed");
    let mut expected = with_secrets("gh");
    expected["stages"][0]["actions"][0]["configuration"]["Branch"] = json!("next");
    expected["stages"][1]["actions"][1]["configuration"]["Token"] = json!("changed");
    assert_eq!(unmask(declaration(&new), &old, &catalogue()).unwrap(), declaration(&expected));
    let masked = mask_secrets(&old, &catalogue());
    assert_eq!(unmask(masked, &old, &catalogue()).unwrap(), old);
}

#[test]
fn a_stored_secret_is_not_given_to_a_renamed_action_stage_or_another_type() {
    let old = declaration(&with_secrets("gh"));
    let with = |change: fn(&mut Value)| {
        let mut new = with_secrets("****");
        change(&mut new);
        unmask(declaration(&new), &old, &catalogue())
    };
    assert_eq!(with(|p| p["stages"][0]["name"] = json!("Sources")).unwrap_err(), refusal());
    let renamed = with(|p| p["stages"][0]["actions"][0]["name"] = json!("Other")).unwrap_err();
    assert_eq!(renamed.message, refusal().message.replace("SourceAction", "Other"));
    let retyped = |version: &str| {
        let mut new = with_secrets("new");
        new["stages"][1]["actions"][1]["configuration"]["Token"] = json!("****");
        new["stages"][1]["actions"][1]["actionTypeId"]["version"] = json!(version);
        unmask(declaration(&new), &old, &catalogue())
    };
    assert!(retyped("1").is_ok());
    assert!(retyped("2").is_err());
}
