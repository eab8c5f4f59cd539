//! Defaults, the type that is not said, and what is refused for the time being.

use proptest::prelude::*;

use super::*;
use crate::declaration::pipeline::PipelineType;
use crate::validation::normalise::{effective_type, normalise};

#[test]
fn what_was_left_out_is_returned_with_its_default() {
    let mut pipeline = good();
    pipeline.as_object_mut().unwrap().remove("pipelineType");
    pipeline["version"] = json!(41);
    let kept = serde_json::to_value(normalise(declaration(&pipeline), 7)).unwrap();
    assert_eq!(kept["version"], 7);
    assert_eq!(kept["executionMode"], "SUPERSEDED");
    assert_eq!(kept["pipelineType"], "V1");
    let approval = json!({
        "name": "Approve",
        "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
        "runOrder": 1, "configuration": {}, "inputArtifacts": [], "outputArtifacts": [], "timeoutInMinutes": 5,
    });
    assert_eq!(kept["stages"][2]["actions"][0], approval);
}

#[test]
fn a_pipeline_of_unsaid_type_is_v2_only_if_something_needs_it() {
    let unsaid = |member: &str, value: Value| {
        let mut pipeline = good();
        pipeline.as_object_mut().unwrap().remove("pipelineType");
        let of_stage = member.starts_with("on") || member == "beforeEntry";
        let holder = if of_stage { &mut pipeline["stages"][1] } else { &mut pipeline };
        holder[member] = value;
        effective_type(&declaration(&pipeline))
    };
    for (member, value, expected) in [
        ("executionMode", json!("SUPERSEDED"), PipelineType::V1),
        ("executionMode", json!("QUEUED"), PipelineType::V2),
        ("executionMode", json!("PARALLEL"), PipelineType::V2),
        ("variables", json!([]), PipelineType::V1),
        ("variables", json!([{"name": "v"}]), PipelineType::V2),
        ("triggers", json!([]), PipelineType::V1),
        ("beforeEntry", json!({"conditions": []}), PipelineType::V2),
        ("onSuccess", json!({"conditions": []}), PipelineType::V2),
        ("onFailure", json!({"result": "RETRY"}), PipelineType::V2),
        ("pipelineType", json!("V2"), PipelineType::V2),
    ] {
        assert_eq!(unsaid(member, value.clone()), expected, "{member} {value}");
    }
    let mut pipeline = good();
    pipeline.as_object_mut().unwrap().remove("pipelineType");
    pipeline["stages"][1]["actions"][1] =
        action("Check", "Compute/AWS/Commands", json!({"commands": ["make"]}));
    assert_eq!(effective_type(&declaration(&pipeline)), PipelineType::V2);
    pipeline["pipelineType"] = json!("V1");
    assert_eq!(effective_type(&declaration(&pipeline)), PipelineType::V1);
}

/// A declaration with any of the members that have defaults left out, or given.
fn any_declaration() -> impl Strategy<Value = Value> {
    let member = |values: Vec<Value>| prop::option::of(prop::sample::select(values));
    (
        member(vec![json!("V1"), json!("V2")]),
        member(vec![json!("QUEUED"), json!("SUPERSEDED"), json!("PARALLEL")]),
        member(vec![json!(1), json!(9)]),
        member(vec![json!([]), json!([{"name": "v"}])]),
        prop::collection::vec(
            (member(vec![json!(1), json!(3)]), member(vec![json!({}), json!({"K": "v"})])),
            0..4,
        ),
    )
        .prop_map(|(pipeline_type, mode, version, variables, actions)| {
            let mut pipeline = good();
            for (name, value) in [
                ("pipelineType", pipeline_type),
                ("executionMode", mode),
                ("version", version),
                ("variables", variables),
            ] {
                match value {
                    Some(value) => pipeline[name] = value,
                    None => drop(pipeline.as_object_mut().unwrap().remove(name)),
                }
            }
            pipeline["stages"][1]["actions"] = actions
                .into_iter()
                .map(|(run_order, configuration)| {
                    let mut action = action("A", "Approval/AWS/Manual", json!({}));
                    run_order.into_iter().for_each(|value| action["runOrder"] = value);
                    configuration.into_iter().for_each(|value| action["configuration"] = value);
                    action
                })
                .collect();
            pipeline
        })
}

proptest! {
    #[test]
    fn normalising_twice_changes_nothing_more(pipeline in any_declaration(), version in 1..9_u32) {
        let once = normalise(declaration(&pipeline), version);
        prop_assert_eq!(normalise(once.clone(), version), once.clone());
        let read_back = serde_json::to_value(&once).unwrap();
        prop_assert_eq!(declaration(&read_back), once);
    }
}
