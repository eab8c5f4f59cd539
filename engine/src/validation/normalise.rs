//! A declaration as the service keeps and returns it.

use crate::action_type::builtin::is_v2_only;
use crate::declaration::pipeline::{ExecutionMode, PipelineDeclaration, PipelineType};

/// The pipeline's type: as declared, or else V2 if anything in it needs V2. API reference,
/// `PipelineDeclaration`; that a pipeline without is V1 is inferred from what clients assume.
pub fn effective_type(declaration: &PipelineDeclaration) -> PipelineType {
    declaration
        .pipeline_type
        .unwrap_or_else(|| if needs_v2(declaration) { PipelineType::V2 } else { PipelineType::V1 })
}

fn needs_v2(declaration: &PipelineDeclaration) -> bool {
    declaration.execution_mode.is_some_and(|mode| mode != ExecutionMode::Superseded)
        || declaration.variables.as_ref().is_some_and(|variables| !variables.is_empty())
        || declaration.triggers.as_ref().is_some_and(|triggers| !triggers.is_empty())
        || declaration.stages.iter().any(|stage| {
            stage.before_entry.is_some()
                || stage.on_success.is_some()
                || stage.on_failure.is_some()
                || stage.actions.iter().any(|action| is_v2_only(&action.action_type_id))
        })
}

/// The declaration as version `version` of the pipeline: what was left out is there with its default. Run
/// orders and the empty containers of actions are filled in when a declaration is decoded.
pub fn normalise(declaration: PipelineDeclaration, version: u32) -> PipelineDeclaration {
    PipelineDeclaration {
        version: Some(version),
        execution_mode: Some(declaration.execution_mode.unwrap_or_default()),
        pipeline_type: Some(effective_type(&declaration)),
        ..declaration
    }
}
