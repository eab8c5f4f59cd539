//! Every rule by a declaration that breaks it alone: a good one, changed in one place.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::validate;
use crate::action_type::{ActionType, ArtifactBounds, Catalogue, ConfigurationProperty};
use crate::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use crate::declaration::pipeline::PipelineDeclaration;
use crate::rejection::{Rejection, RejectionKind};

mod artifacts;
mod conditions;
mod configuration;
mod namespaces;
mod normalise;
mod secrets;
mod structure;
mod triggers;

const REGION: &str = "us-east-1";

/// Three stages: S3 and a connection, a build, an approval before a deployment.
fn good() -> Value {
    json!({
        "name": "p",
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "pipelineType": "V2",
        "stages": [
            {"name": "Source", "actions": [
                action("Bucket", "Source/AWS/S3", json!({
                    "configuration": {"S3Bucket": "b", "S3ObjectKey": "k.zip"},
                    "outputArtifacts": [{"name": "FromBucket"}],
                })),
                action("Git", "Source/AWS/CodeStarSourceConnection", json!({
                    "configuration": {"ConnectionArn": "arn", "FullRepositoryId": "o/r", "BranchName": "main"},
                    "outputArtifacts": [{"name": "FromGit"}],
                    "namespace": "Git",
                })),
            ]},
            {"name": "Build", "actions": [
                action("Compile", "Build/AWS/CodeBuild", json!({
                    "configuration": {"ProjectName": "compile-#{Git.CommitId}"},
                    "inputArtifacts": [{"name": "FromBucket"}],
                    "outputArtifacts": [{"name": "Compiled"}],
                    "namespace": "Compile",
                })),
                action("Check", "Test/AWS/CodeBuild", json!({
                    "configuration": {"ProjectName": "check"},
                    "inputArtifacts": [{"name": "Compiled"}],
                    "runOrder": 2,
                })),
            ]},
            {"name": "Deploy", "actions": [
                action("Approve", "Approval/AWS/Manual", json!({"timeoutInMinutes": 5})),
                action("Upload", "Deploy/AWS/S3", json!({
                    "configuration": {"BucketName": "site", "Extract": "true"},
                    "inputArtifacts": [{"name": "Compiled"}],
                    "runOrder": 2,
                })),
            ]},
        ],
    })
}

/// `action_type`: category/owner/provider of version 1.
fn action(name: &str, action_type: &str, members: Value) -> Value {
    let mut parts = action_type.split('/');
    let mut next = || parts.next().unwrap();
    let id = json!({"category": next(), "owner": next(), "provider": next(), "version": "1"});
    let mut action = json!({"name": name, "actionTypeId": id});
    action.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    action
}

fn declaration(pipeline: &Value) -> PipelineDeclaration {
    serde_json::from_value(pipeline.clone()).unwrap()
}

fn refusals_of(pipeline: &Value) -> Vec<Rejection> {
    validate(&declaration(pipeline), REGION, &catalogue())
}

/// What is refused after that change to the good declaration.
fn refusals(change: impl FnOnce(&mut Value)) -> Vec<Rejection> {
    let mut pipeline = good();
    change(&mut pipeline);
    refusals_of(&pipeline)
}

/// Exactly this one violation.
fn only(kind: RejectionKind, message: &str) -> Vec<Rejection> {
    vec![Rejection::new(kind, message)]
}

/// The built-in types and a custom one in two versions: Build/Custom/Jenkins with an optional secret.
fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::builtin();
    let property = |name: &str, required, secret| ConfigurationProperty {
        name: name.into(),
        required,
        secret,
        ..ConfigurationProperty::default()
    };
    let jenkins = |version: &str| ActionType {
        settings: None,
        id: ActionTypeId {
            category: ActionCategory::Build,
            owner: ActionOwner::Custom,
            provider: "Jenkins".into(),
            version: version.into(),
        },
        properties: vec![property("ProjectName", true, false), property("Token", false, true)],
        accepts_unlisted_properties: false,
        inputs: ArtifactBounds { minimum: 0, maximum: 5 },
        outputs: ArtifactBounds { minimum: 0, maximum: 5 },
        runs_commands: false,
        v2_only: false,
        timeout_in_minutes: 24 * 60,
    };
    catalogue.add(jenkins("1"));
    catalogue.add(jenkins("2"));
    catalogue
}

#[test]
fn a_declaration_that_breaks_no_rule_is_accepted() {
    assert_eq!(refusals_of(&good()), []);
}

#[test]
fn all_violations_are_told_in_the_order_in_which_aws_looks() {
    let found = refusals(|p| {
        p["stages"][2]["actions"][1]["inputArtifacts"] = json!([]);
        p["stages"][1]["actions"][0]["configuration"] =
            json!({"ProjectName": "#{Nobody.x}", "Colour": "red"});
        p["stages"][2]["name"] = json!("Build");
        p["stages"][2]["blockers"] = json!([{"name": "b", "type": "Schedule"}]);
        p["variables"] = json!([{"name": "v"}, {"name": "v"}]);
        p["artifactStores"] = json!({"us-east-1": p["artifactStore"]});
    });
    let kinds: Vec<_> = found.iter().map(|each| each.kind).collect();
    assert_eq!(
        kinds,
        [
            RejectionKind::Validation,
            RejectionKind::InvalidStructure,
            RejectionKind::InvalidStageDeclaration,
            RejectionKind::InvalidBlockerDeclaration,
            RejectionKind::InvalidActionDeclaration,
            RejectionKind::InvalidActionDeclaration,
            RejectionKind::InvalidActionDeclaration,
        ]
    );
    let unknown = "Action configuration for action 'Compile' contains unknown configuration 'Colour'";
    assert_eq!(found.get(4).unwrap().message, unknown);
    assert!(found.last().unwrap().message.ends_with("VariableReferenceText=[Nobody.x]"));
}
