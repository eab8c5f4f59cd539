//! What the machines' unit tests have in common: small declarations, ids, and steps as lines of text.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use crate::declaration::action::{
    ActionCategory, ActionDeclaration, ActionOwner, ActionTypeId, ArtifactName, OutputArtifact,
};
use crate::declaration::pipeline::{
    ArtifactStore, ExecutionMode, PipelineDeclaration, PipelineType, PipelineVariableDeclaration,
};
use crate::declaration::stage::{RuleDeclaration, RuleTypeId, StageDeclaration};
use crate::ids::{ExecutionId, Incarnation, PipelineKey};
use crate::pipeline::{StartRequest, Trigger, TriggerType};
use crate::step::Step;

pub(crate) fn key() -> PipelineKey {
    PipelineKey { account: "1".to_owned(), region: "us-east-1".to_owned(), name: "p".to_owned() }
}

pub(crate) fn incarnation() -> Incarnation {
    Incarnation("inc".to_owned())
}

/// Shown as `e<number>` by [`lines`].
pub(crate) fn execution_id(number: u64) -> ExecutionId {
    ExecutionId(format!("00000000-0000-0000-0000-{number:012}"))
}

pub(crate) fn start_request(number: u64) -> StartRequest {
    StartRequest {
        id: execution_id(number),
        token: None,
        known: None,
        variables: Vec::new(),
        overrides: Vec::new(),
        revisions: Vec::new(),
        change: None,
        trigger: Trigger { trigger_type: TriggerType::StartPipelineExecution, trigger_detail: None },
    }
}

/// `Source: S; Deploy: A, B > C`: stages, actions side by side, and the groups that come after them. Each
/// action `X` puts out the artifact `x` and has the namespace `NsX`.
pub(crate) fn declaration(stages: &str) -> PipelineDeclaration {
    let stages = stages.split("; ").map(|stage| {
        let (name, groups) = stage.split_once(": ").unwrap();
        let groups = groups.split(" > ").zip(1..);
        let actions =
            groups.flat_map(|(group, run_order)| group.split(", ").map(move |name| action(name, run_order)));
        StageDeclaration {
            name: name.to_owned(),
            blockers: None,
            actions: actions.collect(),
            on_failure: None,
            on_success: None,
            before_entry: None,
        }
    });
    PipelineDeclaration {
        name: "p".to_owned(),
        role_arn: "arn:aws:iam::1:role/p".to_owned(),
        artifact_store: Some(ArtifactStore {
            store_type: "S3".to_owned(),
            location: "artifacts".to_owned(),
            encryption_key: None,
        }),
        artifact_stores: None,
        stages: stages.collect(),
        version: Some(1),
        execution_mode: None,
        pipeline_type: None,
        variables: None,
        triggers: None,
    }
}

/// The same in that mode.
pub(crate) fn declaration_in(mode: ExecutionMode, stages: &str) -> PipelineDeclaration {
    PipelineDeclaration {
        execution_mode: Some(mode),
        pipeline_type: Some(PipelineType::V2),
        ..declaration(stages)
    }
}

/// A rule of a condition, without a timeout of its own.
pub(crate) fn rule(name: &str) -> RuleDeclaration {
    RuleDeclaration {
        name: name.to_owned(),
        rule_type_id: RuleTypeId {
            category: "Rule".to_owned(),
            owner: None,
            provider: "VariableCheck".to_owned(),
            version: None,
        },
        configuration: None,
        commands: None,
        input_artifacts: None,
        role_arn: None,
        region: None,
        timeout_in_minutes: None,
    }
}

pub(crate) fn action(name: &str, run_order: u32) -> ActionDeclaration {
    ActionDeclaration {
        name: name.to_owned(),
        action_type_id: ActionTypeId {
            category: ActionCategory::Deploy,
            owner: ActionOwner::Aws,
            provider: "S3".to_owned(),
            version: "1".to_owned(),
        },
        run_order,
        configuration: BTreeMap::new(),
        commands: None,
        output_artifacts: vec![OutputArtifact { name: name.to_lowercase(), files: None }],
        input_artifacts: Vec::new(),
        output_variables: None,
        role_arn: None,
        region: None,
        namespace: Some(format!("Ns{name}")),
        timeout_in_minutes: None,
        environment_variables: None,
    }
}

pub(crate) fn input(name: &str) -> ArtifactName {
    ArtifactName { name: name.to_owned() }
}

pub(crate) fn variable(name: &str, default_value: Option<&str>) -> PipelineVariableDeclaration {
    PipelineVariableDeclaration {
        name: name.to_owned(),
        default_value: default_value.map(str::to_owned),
        description: None,
    }
}

/// The step's outputs, one line each.
pub(crate) fn lines(step: &Step) -> Vec<String> {
    let text = step.to_string();
    text.lines().map(|line| line.replace("00000000-0000-0000-0000-00000000000", "e")).collect()
}
