//! Git triggers.

use super::*;
use RejectionKind::{InvalidStructure, LimitExceeded};

fn trigger(action: &str, filters: Value) -> Value {
    let mut git = json!({"sourceActionName": action});
    git.as_object_mut().unwrap().extend(filters.as_object().unwrap().clone());
    json!({"providerType": "CodeStarSourceConnection", "gitConfiguration": git})
}

fn with(triggers: Value) -> Vec<Rejection> {
    refusals(|p| p["triggers"] = triggers)
}

fn some() -> Value {
    json!({"includes": ["main"]})
}

const REFERENCE: &str = "Triggers for connection must reference a CodeStarSourceConnection action. Note that when you specify a trigger, \
     you cant specify more than one trigger per source action.";
const COMBINATION: &str = "The trigger configuration for the source action is not valid. Make sure to choose valid filter combinations.";

#[test]
fn a_trigger_names_a_connection_source_action() {
    let push = json!({"push": [{"branches": some()}]});
    assert_eq!(with(json!([trigger("Git", push.clone())])), []);
    for name in ["Bucket", "Compile", "Nobody", "git"] {
        assert_eq!(with(json!([trigger(name, push.clone())])), only(InvalidStructure, REFERENCE), "{name}");
    }
}

#[test]
fn a_source_action_has_at_most_one_trigger() {
    let push = json!({"push": [{"branches": some()}]});
    let tags = json!({"push": [{"tags": some()}]});
    assert_eq!(with(json!([trigger("Git", push), trigger("Git", tags)])), only(InvalidStructure, REFERENCE));
}

#[test]
fn tags_are_not_combined_with_branches_or_file_paths() {
    let legal = [
        json!({"tags": some()}),
        json!({"branches": some()}),
        json!({"filePaths": some()}),
        json!({"branches": some(), "filePaths": some()}),
    ];
    for filter in legal {
        assert_eq!(with(json!([trigger("Git", json!({"push": [filter.clone()]}))])), [], "{filter}");
    }
    let illegal = [
        json!({"tags": some(), "branches": some()}),
        json!({"tags": some(), "filePaths": some()}),
        json!({"tags": some(), "branches": some(), "filePaths": some()}),
        json!({}),
    ];
    for filter in illegal {
        let found = with(json!([trigger("Git", json!({"push": [filter.clone()]}))]));
        assert_eq!(found, only(InvalidStructure, COMBINATION), "{filter}");
    }
}

#[test]
fn one_list_has_no_filter_twice() {
    let filter = json!({"branches": some()});
    let message = "The trigger configuration for the source action is not valid. The same filter occurs more than once.";
    for list in ["push", "pullRequest"] {
        let found = with(json!([trigger("Git", json!({list: [filter, filter]}))]));
        assert_eq!(found, only(InvalidStructure, message));
    }
    assert_eq!(with(json!([trigger("Git", json!({"push": [filter], "pullRequest": [filter]}))])), []);
}

#[test]
fn the_triggers_of_a_pipeline_have_at_most_200_kb() {
    let filter = json!({"branches": {"includes": ["x".repeat(200 * 1024)]}});
    let found = with(json!([trigger("Git", json!({"push": [filter]}))]));
    assert_eq!(found, only(LimitExceeded, "The triggers of a pipeline can only be up to 200 KB in size"));
}
