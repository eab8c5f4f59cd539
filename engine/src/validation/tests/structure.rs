//! Stages, actions, Regions, what needs V2.

use super::*;
use RejectionKind::{
    InvalidActionDeclaration, InvalidBlockerDeclaration, InvalidStageDeclaration, InvalidStructure,
    LimitExceeded, Validation,
};

fn stages(count: usize, actions: usize) -> Value {
    let stage = |stage: usize| {
        let actions: Vec<Value> = (0..actions)
            .map(|number| {
                action(&format!("a{number}"), "Approval/AWS/Manual", json!({"runOrder": number / 9 + 1}))
            })
            .collect();
        json!({"name": format!("s{stage}"), "actions": actions})
    };
    let mut all = vec![good()["stages"][0].clone()];
    all.extend((1..count).map(stage));
    json!(all)
}

#[test]
fn a_pipeline_has_at_least_2_stages() {
    let message = |count| {
        format!("Pipeline has only {count} stage(s). There should be a minimum of 2 stages in a pipeline")
    };
    let none = refusals(|p| p["stages"] = json!([]));
    assert_eq!(none, only(InvalidStructure, &message(0)));
    let one = refusals(|p| p["stages"] = json!([good()["stages"][0]]));
    assert_eq!(one.first().unwrap(), &Rejection::new(InvalidStructure, message(1)));
}

#[test]
fn a_pipeline_has_at_most_50_stages() {
    assert_eq!(refusals(|p| p["stages"] = stages(50, 1)), []);
    let message = "Pipeline has too many stages. There can only be up to 50 stages in a pipeline";
    assert_eq!(refusals(|p| p["stages"] = stages(51, 1)), only(InvalidStructure, message));
}

#[test]
fn the_first_stage_holds_source_actions_and_nothing_else() {
    let message = "Pipeline should start with a stage that only contains source actions";
    let approval = action("Approve", "Approval/AWS/Manual", json!({}));
    let mixed = refusals(|p| p["stages"][0]["actions"].as_array_mut().unwrap().push(approval));
    assert_eq!(mixed, only(InvalidStructure, message));
    let empty = refusals(|p| {
        *p =
            json!({"name": "p", "roleArn": "r", "artifactStore": p["artifactStore"], "stages": stages(2, 1)});
        p["stages"][0]["actions"] = json!([]);
    });
    assert_eq!(empty, only(InvalidStructure, message));
}

#[test]
fn source_actions_are_in_no_other_stage() {
    let second = action(
        "Second",
        "Source/AWS/S3",
        json!({
            "configuration": {"S3Bucket": "b", "S3ObjectKey": "k"}, "outputArtifacts": [{"name": "Late"}],
        }),
    );
    let found = refusals(|p| p["stages"][2]["actions"].as_array_mut().unwrap().push(second));
    let message = "Source actions can only be included in the first stage of the pipeline";
    assert_eq!(found, only(InvalidStructure, message));
}

#[test]
fn some_action_is_not_a_source_action() {
    let found = refusals(|p| p["stages"] = json!([good()["stages"][0], {"name": "Build", "actions": []}]));
    assert_eq!(
        found,
        [
            Rejection::new(
                InvalidStructure,
                "Pipeline should contain at least 1 action whose category is not Source"
            ),
            Rejection::new(InvalidStageDeclaration, "Stage 'Build' should contain at least 1 action"),
        ]
    );
}

#[test]
fn stage_names_are_unique() {
    let found = refusals(|p| p["stages"][2]["name"] = json!("Build"));
    assert_eq!(found, only(InvalidStageDeclaration, "Stage name 'Build' is used more than once"));
    assert_eq!(refusals(|p| p["stages"][2]["name"] = json!("build")), []);
}

#[test]
fn action_names_are_unique_in_their_stage_only() {
    let found = refusals(|p| p["stages"][1]["actions"][1]["name"] = json!("Compile"));
    let message = "Action name 'Compile' is used more than once in stage 'Build'";
    assert_eq!(found, only(InvalidActionDeclaration, message));
    assert_eq!(refusals(|p| p["stages"][2]["actions"][1]["name"] = json!("Compile")), []);
}

#[test]
fn a_stage_has_at_most_100_actions_and_a_pipeline_1000() {
    assert_eq!(refusals(|p| p["stages"] = stages(2, 100)), []);
    let message = "Stage 's1' has 101 actions. There can only be up to 100 actions in a stage";
    assert_eq!(refusals(|p| p["stages"] = stages(2, 101)), only(LimitExceeded, message));
    // The first stage of each has two.
    let message = "Pipeline has 1001 actions. There can only be up to 1000 actions in a pipeline";
    assert_eq!(refusals(|p| p["stages"] = stages(28, 37)), only(LimitExceeded, message));
}

#[test]
fn blockers_are_reserved() {
    let found = refusals(|p| p["stages"][1]["blockers"] = json!([{"name": "b", "type": "Schedule"}]));
    let message = "Stage 'Build' has blockers. Blockers are reserved for future use";
    assert_eq!(found, only(InvalidBlockerDeclaration, message));
    assert_eq!(refusals(|p| p["stages"][1]["blockers"] = json!([])), []);
}

#[test]
fn an_action_type_exists_in_the_actions_region() {
    let message = |id: &str, name: &str, region: &str| {
        format!("ActionType ({id}) in action '{name}' is not available in region '{region}'")
    };
    let unknown = "Category: 'Source', Provider: 'CustomSourceForGit', Owner: 'Custom', Version: '1'";
    let found = refusals(|p| {
        p["stages"][0]["actions"][0] = action(
            "Download-Source",
            "Source/Custom/CustomSourceForGit",
            json!({
                "configuration": {"any": "key"}, "outputArtifacts": [{"name": "FromBucket"}],
            }),
        );
    });
    assert_eq!(found, only(InvalidActionDeclaration, &message(unknown, "Download-Source", "US_EAST_1")));

    let version = "Category: 'Approval', Provider: 'Manual', Owner: 'AWS', Version: '2'";
    let found = refusals(|p| p["stages"][2]["actions"][0]["actionTypeId"]["version"] = json!("2"));
    assert_eq!(found, only(InvalidActionDeclaration, &message(version, "Approve", "US_EAST_1")));

    let nowhere = "Category: 'Approval', Provider: 'Manual', Owner: 'AWS', Version: '1'";
    let found = refusals(|p| p["stages"][2]["actions"][0]["region"] = json!("xx-north-1"));
    let expected = Rejection::new(InvalidActionDeclaration, message(nowhere, "Approve", "XX_NORTH_1"));
    assert_eq!(found.last().unwrap(), &expected);
}

#[test]
fn a_custom_type_of_the_catalogue_is_known() {
    let jenkins = |configuration: Value| {
        action(
            "Compile",
            "Build/Custom/Jenkins",
            json!({
                "configuration": configuration, "outputArtifacts": [{"name": "Compiled"}], "namespace": "Compile",
            }),
        )
    };
    assert_eq!(
        refusals(|p| p["stages"][1]["actions"][0] = jenkins(json!({"ProjectName": "p", "Token": "t"}))),
        []
    );
    let found = refusals(|p| p["stages"][1]["actions"][0] = jenkins(json!({})));
    let message = "Action configuration for action 'Compile' is missing required configuration 'ProjectName'";
    assert_eq!(found, only(InvalidActionDeclaration, message));
}

fn stores(regions: &[&str]) -> Value {
    let store = json!({"type": "S3", "location": "artifacts"});
    regions
        .iter()
        .map(|region| ((*region).to_owned(), store.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn with_stores(regions: &[&str]) -> impl Fn(&mut Value) {
    move |p| {
        p.as_object_mut().unwrap().remove("artifactStore");
        p["artifactStores"] = stores(regions);
    }
}

#[test]
fn a_pipeline_has_either_an_artifact_store_or_artifact_stores() {
    let message = "Your pipeline must have either 'pipeline.artifactStore' or 'pipeline.artifactStores', and cannot have both.";
    let both = refusals(|p| p["artifactStores"] = stores(&["us-east-1"]));
    assert_eq!(both, only(Validation, message));
    let neither = refusals(|p| drop(p.as_object_mut().unwrap().remove("artifactStore")));
    assert_eq!(neither, only(Validation, message));
    assert_eq!(refusals(with_stores(&["us-east-1"])), []);
}

#[test]
fn a_cross_region_action_needs_artifact_stores() {
    let message = "Your pipeline contains actions in more than one region. Use 'pipeline.artifactStores' instead of \
                   'pipeline.artifactStore' to declare an artifact store, such as an artifact bucket, for each region \
                   where you have an action.";
    let found = refusals(|p| p["stages"][1]["actions"][0]["region"] = json!("eu-west-1"));
    assert_eq!(found, only(Validation, message));
    assert_eq!(refusals(|p| p["stages"][1]["actions"][0]["region"] = json!("us-east-1")), []);
}

#[test]
fn artifact_stores_cover_the_pipelines_region_and_every_actions() {
    let message = |region: &str| {
        format!(
            "Your pipeline must have an artifact store, such as an artifact bucket, for each region where you have an \
             action. The following region is missing in 'pipeline.artifactStores': {region}."
        )
    };
    let own = refusals(with_stores(&["us-west-2"]));
    assert_eq!(own, only(Validation, &message("us-east-1")));
    let other = |p: &mut Value| p["stages"][1]["actions"][0]["region"] = json!("eu-west-1");
    let found = refusals(|p| {
        with_stores(&["us-east-1"])(p);
        other(p);
    });
    assert_eq!(found, only(Validation, &message("eu-west-1")));
    let covered = refusals(|p| {
        with_stores(&["us-east-1", "eu-west-1", "us-west-2"])(p);
        other(p);
    });
    assert_eq!(covered, []);
}

#[test]
fn the_keys_of_artifact_stores_are_regions() {
    let found = refusals(with_stores(&["us-east-1", "us-east-9"]));
    let message = "The region us-east-9 specified in 'pipeline.artifactStores' is not a valid AWS Region.";
    assert_eq!(found, only(Validation, message));
    assert_eq!(refusals(with_stores(&["us-east-1", "af-south-1"])), []);
}

#[test]
fn source_third_party_and_custom_actions_do_not_cross_regions() {
    let jenkins = action(
        "Compile",
        "Build/Custom/Jenkins",
        json!({
            "configuration": {"ProjectName": "p"}, "outputArtifacts": [{"name": "Compiled"}], "namespace": "Compile",
        }),
    );
    let alexa = action(
        "Upload",
        "Deploy/ThirdParty/AlexaSkillsKit",
        json!({
            "configuration": {"ClientId": "c", "ClientSecret": "s", "RefreshToken": "t", "SkillId": "i"},
            "inputArtifacts": [{"name": "Compiled"}], "runOrder": 2,
        }),
    );
    for (stage, index, replacement, name) in
        [(0, 0, None, "Bucket"), (1, 0, Some(jenkins), "Compile"), (2, 1, Some(alexa), "Upload")]
    {
        let in_region = |region: &str| {
            refusals(|p| {
                with_stores(&["us-east-1", "eu-west-1"])(p);
                let place = &mut p["stages"][stage]["actions"][index];
                if let Some(action) = &replacement {
                    *place = action.clone();
                }
                place["region"] = json!(region);
            })
        };
        let message = format!(
            "Action '{name}' is in region 'eu-west-1', but source actions, third-party actions and custom actions can \
             only be in the pipeline's region 'us-east-1'"
        );
        assert_eq!(in_region("eu-west-1"), only(InvalidActionDeclaration, &message));
        assert_eq!(in_region("us-east-1"), []);
    }
}

#[test]
fn a_v1_pipeline_has_no_v2_features() {
    let v1 = |change: fn(&mut Value)| {
        refusals(|p| {
            p["pipelineType"] = json!("V1");
            change(p);
        })
    };
    assert_eq!(v1(|_| ()), []);
    assert_eq!(v1(|p| p["executionMode"] = json!("SUPERSEDED")), []);
    for mode in ["QUEUED", "PARALLEL"] {
        let found = refusals(|p| {
            p["pipelineType"] = json!("V1");
            p["executionMode"] = json!(mode);
        });
        let message = "QUEUED or PARALLEL mode can only be used with V2 pipelines";
        assert_eq!(found, only(InvalidStructure, message));
    }
    let message = "Pipeline variable can only be used with V2 pipelines";
    assert_eq!(v1(|p| p["variables"] = json!([{"name": "v"}])), only(InvalidStructure, message));
    let message = "Triggers on tag can only be used with V2 pipelines";
    let trigger = |p: &mut Value| {
        p["triggers"] = json!([{"providerType": "CodeStarSourceConnection", "gitConfiguration": {
            "sourceActionName": "Git", "push": [{"tags": {"includes": ["v*"]}}],
        }}]);
    };
    assert_eq!(v1(trigger), only(InvalidStructure, message));
    let message = "Stage level conditions can only be used with V2 pipelines.";
    let found = v1(|p| p["stages"][1]["onFailure"] = json!({"result": "RETRY"}));
    assert_eq!(found, only(InvalidStageDeclaration, message));
    let commands = |p: &mut Value| {
        p["stages"][1]["actions"][1] = action(
            "Check",
            "Compute/AWS/Commands",
            json!({
                "commands": ["make"], "inputArtifacts": [{"name": "FromGit"}],
            }),
        );
    };
    let message = "Commands Action can only be used with V2 pipelines.";
    assert_eq!(v1(commands), only(InvalidActionDeclaration, message));
    let unsaid = refusals(|p| {
        p.as_object_mut().unwrap().remove("pipelineType");
        commands(p);
    });
    assert_eq!(unsaid, []);
}

#[test]
fn variable_names_are_unique() {
    let found = refusals(|p| {
        p["variables"] = json!([{"name": "a"}, {"name": "b"}, {"name": "a", "defaultValue": "1"}])
    });
    let message = "Variable names must be unique. The following variable name is already in use: a";
    assert_eq!(found, only(InvalidStructure, message));
}

#[test]
fn only_manual_approvals_have_a_timeout() {
    let found = refusals(|p| p["stages"][1]["actions"][0]["timeoutInMinutes"] = json!(5));
    let message =
        "Action 'Compile' cannot have a timeoutInMinutes field: only manual approval actions have one";
    assert_eq!(found, only(InvalidActionDeclaration, message));
}
