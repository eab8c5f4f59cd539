//! Stages and actions: how many, of which category, under which names, of which type.

use super::{Place, Subject, Violations, regions};
use crate::declaration::action::{ActionCategory, ActionDeclaration, ActionOwner};
use crate::declaration::pipeline::{ExecutionMode, PipelineType};
use crate::declaration::stage::StageDeclaration;
use crate::rejection::RejectionKind::{
    InvalidBlockerDeclaration, InvalidStageDeclaration, InvalidStructure, LimitExceeded,
};

const STAGES: usize = 50;
const ACTIONS: usize = 1000;
/// The guide says 50 in one place, and 100 parallel or sequential ones in another.
const ACTIONS_IN_STAGE: usize = 100;

pub(super) fn check(subject: &Subject<'_>, violations: &mut Violations) {
    let declaration = subject.declaration;
    let stages = &declaration.stages;
    if stages.len() < 2 {
        let message = format!(
            "Pipeline has only {} stage(s). There should be a minimum of 2 stages in a pipeline",
            stages.len()
        );
        violations.add(InvalidStructure, message);
    }
    if stages.len() > STAGES {
        let message =
            format!("Pipeline has too many stages. There can only be up to {STAGES} stages in a pipeline");
        violations.add(InvalidStructure, message);
    }
    let is_source = |action: &ActionDeclaration| action.action_type_id.category == ActionCategory::Source;
    if let Some(first) = stages.first()
        && (first.actions.is_empty() || !first.actions.iter().all(is_source))
    {
        let message = "Pipeline should start with a stage that only contains source actions";
        violations.add(InvalidStructure, message);
    }
    if subject.actions().any(|place| place.stage_index > 0 && is_source(place.action)) {
        let message = "Source actions can only be included in the first stage of the pipeline";
        violations.add(InvalidStructure, message);
    }
    let count = subject.actions().count();
    if count > 0 && subject.actions().all(|place| is_source(place.action)) {
        let message = "Pipeline should contain at least 1 action whose category is not Source";
        violations.add(InvalidStructure, message);
    }
    if count > ACTIONS {
        // Inferred.
        let message =
            format!("Pipeline has {count} actions. There can only be up to {ACTIONS} actions in a pipeline");
        violations.add(LimitExceeded, message);
    }
    let variables = declaration.variables.as_deref().unwrap_or_default();
    if subject.pipeline_type == PipelineType::V1 {
        if declaration.execution_mode.is_some_and(|mode| mode != ExecutionMode::Superseded) {
            violations.add(InvalidStructure, "QUEUED or PARALLEL mode can only be used with V2 pipelines");
        }
        if !variables.is_empty() {
            violations.add(InvalidStructure, "Pipeline variable can only be used with V2 pipelines");
        }
    }
    for (index, variable) in variables.iter().enumerate() {
        if variables.iter().take(index).any(|earlier| earlier.name == variable.name) {
            let message = format!(
                "Variable names must be unique. The following variable name is already in use: {}",
                variable.name
            );
            violations.add(InvalidStructure, message);
        }
    }
}

pub(super) fn check_stage(
    subject: &Subject<'_>,
    index: usize,
    stage: &StageDeclaration,
    violations: &mut Violations,
) {
    let name = &stage.name;
    if subject.declaration.stages.iter().take(index).any(|earlier| earlier.name == *name) {
        violations.add(InvalidStageDeclaration, format!("Stage name '{name}' is used more than once"));
    }
    // That the first stage has an action is part of what is said of it above. Inferred.
    if stage.actions.is_empty() && index > 0 {
        violations.add(InvalidStageDeclaration, format!("Stage '{name}' should contain at least 1 action"));
    }
    if stage.actions.len() > ACTIONS_IN_STAGE {
        // Inferred.
        let message = format!(
            "Stage '{name}' has {} actions. There can only be up to {ACTIONS_IN_STAGE} actions in a stage",
            stage.actions.len()
        );
        violations.add(LimitExceeded, message);
    }
    if stage.blockers.as_ref().is_some_and(|blockers| !blockers.is_empty()) {
        // The member is reserved; inferred.
        let message = format!("Stage '{name}' has blockers. Blockers are reserved for future use");
        violations.add(InvalidBlockerDeclaration, message);
    }
}

pub(super) fn check_action(subject: &Subject<'_>, place: Place<'_>, violations: &mut Violations) {
    let Place { stage, index, action, .. } = place;
    let (name, id) = (&action.name, &action.action_type_id);
    if stage.actions.iter().take(index).any(|earlier| earlier.name == *name) {
        // Inferred from the text for stages.
        violations.action(format!("Action name '{name}' is used more than once in stage '{}'", stage.name));
    }
    let region = subject.region_of(action);
    let found = subject.catalogue.find(id);
    if found.is_none() || !regions::exists(subject, region) {
        violations.action(format!(
            "ActionType (Category: '{}', Provider: '{}', Owner: '{}', Version: '{}') in action '{name}' \
             is not available in region '{}'",
            id.category,
            id.provider,
            id.owner,
            id.version,
            region.to_uppercase().replace('-', "_"),
        ));
    } else if region != subject.region
        && (id.category == ActionCategory::Source || id.owner != ActionOwner::Aws)
    {
        // Guide: "actions-create-cross-region"; the text is inferred.
        violations.action(format!(
            "Action '{name}' is in region '{region}', but source actions, third-party actions and custom actions \
             can only be in the pipeline's region '{}'",
            subject.region
        ));
    } else if region != subject.region && found.is_some_and(|found| found.runs_commands) {
        // Guide: "action-reference-Commands"; the text is inferred.
        violations.action(format!(
            "Action '{name}' is in region '{region}', but the {} action is not supported for cross-Region actions: it \
             can only be in the pipeline's region '{}'",
            id.provider, subject.region
        ));
    }
    if subject.pipeline_type == PipelineType::V1 && found.is_some_and(|found| found.v2_only) {
        violations.action(format!("{} Action can only be used with V2 pipelines.", id.provider));
    }
    if action.timeout_in_minutes.is_some() && id.category != ActionCategory::Approval {
        // The guide names manual approval actions only; the text is inferred.
        violations.action(format!(
            "Action '{name}' cannot have a timeoutInMinutes field: only manual approval actions have one"
        ));
    }
}
