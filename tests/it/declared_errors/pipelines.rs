//! Errors of declarations and of webhooks.

use serde_json::{Value, json};

use super::shared::webhook;
use super::world::{Outcome, World};
use super::{Proof, Row};

const DECLARE: &[&str] = &["CreatePipeline", "UpdatePipeline"];

pub(super) fn rows() -> Vec<Row> {
    vec![
        (
            "PipelineNameInUse",
            &["CreatePipeline"],
            Proof::Raised(|world, operation| {
                let name = world.pipeline("SUPERSEDED");
                world.try_call(operation, &json!({"pipeline": world.declaration(&name, "SUPERSEDED")}))
            }),
        ),
        (
            "InvalidStructure",
            DECLARE,
            Proof::Raised(|world, operation| {
                declare(world, operation, |declaration| {
                    declaration["stages"] = json!([declaration["stages"][0]])
                })
            }),
        ),
        (
            "InvalidStageDeclaration",
            DECLARE,
            Proof::Raised(|world, operation| {
                declare(world, operation, |declaration| declaration["stages"][1]["actions"] = json!([]))
            }),
        ),
        (
            "InvalidActionDeclaration",
            DECLARE,
            Proof::Raised(|world, operation| {
                declare(world, operation, |declaration| {
                    declaration["stages"][2]["actions"][0]["actionTypeId"]["provider"] = json!("Nobody");
                })
            }),
        ),
        (
            "InvalidBlockerDeclaration",
            DECLARE,
            Proof::Raised(|world, operation| {
                declare(world, operation, |declaration| {
                    declaration["stages"][1]["blockers"] = json!([{"name": "b", "type": "Schedule"}]);
                })
            }),
        ),
        (
            "LimitExceeded",
            &["CreatePipeline"],
            Proof::Elsewhere(
                "the_thousand_and_first_pipeline_of_a_region_is_refused_and_the_301st_that_polls",
            ),
        ),
        (
            "LimitExceeded",
            &["UpdatePipeline"],
            Proof::Raised(|world, operation| {
                declare(world, operation, |declaration| {
                    let action = declaration["stages"][2]["actions"][0].clone();
                    let copy = |n: usize| {
                        let mut action = action.clone();
                        action["name"] = json!(format!("a{n}"));
                        action
                    };
                    let stage = |s: usize| json!({"name": format!("s{s}"), "actions": (0..50).map(copy).collect::<Vec<_>>()});
                    let stages = declaration["stages"].as_array_mut().unwrap();
                    stages.extend((0..21).map(stage));
                })
            }),
        ),
        (
            "PipelineVersionNotFound",
            &["GetPipeline"],
            Proof::Raised(|world, operation| {
                world.call(operation, &json!({"name": world.pipeline("SUPERSEDED")}));
                world.try_call(operation, &json!({"name": world.pipeline("SUPERSEDED"), "version": 99}))
            }),
        ),
        (
            "WebhookNotFound",
            &["DeregisterWebhookWithThirdParty", "RegisterWebhookWithThirdParty"],
            Proof::Raised(|world, operation| world.try_call(operation, &json!({"webhookName": "nobody"}))),
        ),
        (
            "InvalidWebhookFilterPattern",
            &["PutWebhook"],
            Proof::Raised(|world, operation| {
                let mut input = webhook(&world.name(), &world.pipeline("SUPERSEDED"), "Source");
                input["webhook"]["filters"][0]["jsonPath"] = json!("$.[[");
                world.try_call(operation, &input)
            }),
        ),
        (
            "InvalidWebhookAuthenticationParameters",
            &["PutWebhook"],
            Proof::Raised(|world, operation| {
                let mut input = webhook(&world.name(), &world.pipeline("SUPERSEDED"), "Source");
                input["webhook"]["authentication"] = json!("GITHUB_HMAC");
                world.try_call(operation, &input)
            }),
        ),
        (
            "LimitExceeded",
            &["PutWebhook"],
            Proof::Raised(|world, operation| {
                let pipeline = world.pipeline("SUPERSEDED");
                let mut last = Ok(Value::Null);
                for n in 0..=300 {
                    last = world.try_call(operation, &webhook(&format!("hook-{n}"), &pipeline, "Source"));
                    if last.is_err() {
                        break;
                    }
                }
                world.call("ListWebhooks", &json!({}));
                for n in 0..=300 {
                    world.call("DeleteWebhook", &json!({"name": format!("hook-{n}")}));
                }
                last
            }),
        ),
    ]
}

/// Creates or updates a pipeline with a good declaration but for that change.
fn declare(world: &World, operation: &str, change: impl Fn(&mut Value)) -> Outcome {
    let name = if operation == "CreatePipeline" { world.name() } else { world.pipeline("SUPERSEDED") };
    let mut declaration = world.declaration(&name, "SUPERSEDED");
    change(&mut declaration);
    world.try_call(operation, &json!({"pipeline": declaration}))
}
