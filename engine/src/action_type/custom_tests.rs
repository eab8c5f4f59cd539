//! What may be a custom action type.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;

fn definition(change: impl FnOnce(&mut Value)) -> Definition {
    let mut value = json!({
        "category": "Build", "provider": "Jenkins", "version": "1",
        "settings": {
            "entityUrlTemplate": "https://ci/{Config:Project}",
            "executionUrlTemplate": "https://ci/{Config:Project}/{ExternalExecutionId}",
        },
        "configurationProperties": [
            {"name": "Project", "required": true, "key": true, "secret": false, "queryable": true},
            {"name": "Password", "required": true, "key": false, "secret": true},
            {"name": "Note", "required": false, "key": false, "secret": false, "type": "String"},
        ],
        "inputArtifactDetails": {"minimumCount": 0, "maximumCount": 5},
        "outputArtifactDetails": {"minimumCount": 1, "maximumCount": 1},
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn refusal(change: impl FnOnce(&mut Value)) -> String {
    let rejection = definition(change).check().unwrap_err();
    assert_eq!(rejection.kind, RejectionKind::Validation);
    rejection.message
}

#[test]
fn a_sound_definition_becomes_an_action_type_of_a_day() {
    let definition = definition(|_| {});
    definition.check().unwrap();
    let action_type = definition.action_type();
    assert_eq!(action_type.id.owner, ActionOwner::Custom);
    assert_eq!(action_type.timeout_in_minutes, 1440);
    assert!(action_type.property("Password").unwrap().secret);
    assert!(!action_type.property("Note").unwrap().queryable);
    assert_eq!(serde_json::from_value::<Definition>(json!(definition)).unwrap(), definition);
}

#[test]
fn artifact_counts_are_a_range() {
    assert_eq!(
        refusal(|value| value["outputArtifactDetails"]["maximumCount"] = json!(0)),
        "The minimumCount of outputArtifactDetails is greater than its maximumCount."
    );
}

#[test]
fn one_required_open_property_may_be_queryable() {
    let message =
        "The configuration property 'Project' is queryable: it must be required, and cannot be secret.";
    for (member, value) in [("required", false), ("secret", true)] {
        assert_eq!(refusal(|type_| type_["configurationProperties"][0][member] = json!(value)), message);
    }
    let two = refusal(|value| {
        value["configurationProperties"][2] =
            json!({"name": "Other", "required": true, "key": true, "secret": false, "queryable": true});
    });
    assert_eq!(two, "Only one configuration property can be queryable.");
}

#[test]
fn properties_have_names_of_their_own() {
    assert_eq!(
        refusal(|value| value["configurationProperties"][2]["name"] = json!("Project")),
        "The configuration property 'Project' is defined more than once."
    );
}

#[test]
fn templates_refer_to_what_everybody_may_see_and_is_always_there() {
    for name in ["Password", "Note", "Nothing"] {
        let template = format!("https://ci/{{Config:{name}}}");
        assert_eq!(
            refusal(|value| value["settings"]["revisionUrlTemplate"] = json!(template)),
            format!(
                "The revisionUrlTemplate refers to '{name}': only a configuration property that is required and not \
                 secret can be used there."
            )
        );
    }
    assert_eq!(
        refusal(|value| value["settings"]["entityUrlTemplate"] = json!("{ExternalExecutionId}")),
        "The entityUrlTemplate refers to the external execution ID: only the executionUrlTemplate can."
    );
}

#[test]
fn a_deleted_version_comes_back_only_as_it_was() {
    let same = definition(|_| {});
    let other = definition(|value| value["outputArtifactDetails"]["maximumCount"] = json!(2));
    let mut known = create(same.clone(), None, 49, Default::default()).unwrap();
    assert_eq!(
        create(same.clone(), Some(&known), 1, Default::default()).unwrap_err().message,
        "The custom action type (Category: 'Build', Provider: 'Jenkins', Version: '1') already exists."
    );
    known.deleted = true;
    assert!(!create(same, Some(&known), 1, Default::default()).unwrap().deleted);
    let refused = create(other, Some(&known), 1, Default::default()).unwrap_err();
    assert_eq!(refused.kind, RejectionKind::Validation);
    assert!(refused.message.contains("only be used again with the same definition"), "{refused}");
}

#[test]
fn an_account_has_50_custom_types_in_a_region() {
    let refused = create(definition(|_| {}), None, 50, Default::default()).unwrap_err();
    assert_eq!(refused.kind, RejectionKind::LimitExceeded);
}
