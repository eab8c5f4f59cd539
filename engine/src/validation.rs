//! What AWS refuses in a declaration, decided from the declaration and the action types alone: user guide,
//! "reference-pipeline-structure" and "limits". Lengths, patterns and enumerations are the API model's and
//! were checked before; roles and buckets are looked at elsewhere.
//!
//! Never stricter than AWS: where the guide and accepted pipelines disagree, the pipelines are right. A text
//! without a remark was seen from the service; *inferred* stands beside the others.

use crate::action_type::Catalogue;
use crate::declaration::action::ActionDeclaration;
use crate::declaration::pipeline::{PipelineDeclaration, PipelineType};
use crate::declaration::stage::StageDeclaration;
use crate::rejection::{Rejection, RejectionKind};

pub mod normalise;
pub mod secrets;

mod artifacts;
mod conditions;
mod configuration;
mod namespaces;
mod regions;
mod structure;
mod triggers;

/// Every violation, in the order in which AWS looks: the pipeline, its stages, then action by action, and
/// last what concerns variables. AWS answers with the first. `region` is the pipeline's.
pub fn validate(declaration: &PipelineDeclaration, region: &str, catalogue: &Catalogue) -> Vec<Rejection> {
    let pipeline_type = normalise::effective_type(declaration);
    let subject = Subject { declaration, region, catalogue, pipeline_type };
    let mut violations = Violations::default();
    regions::check(&subject, &mut violations);
    structure::check(&subject, &mut violations);
    triggers::check(&subject, &mut violations);
    for (index, stage) in declaration.stages.iter().enumerate() {
        structure::check_stage(&subject, index, stage, &mut violations);
        conditions::check(&subject, stage, &mut violations);
    }
    let mut artifacts = artifacts::Declared::of(declaration);
    for place in subject.actions() {
        structure::check_action(&subject, place, &mut violations);
        artifacts.check(&subject, place, &mut violations);
        configuration::check(&subject, place, &mut violations);
    }
    artifacts.check_rules(declaration, &mut violations);
    namespaces::check(&subject, &mut violations);
    violations.0
}

/// What is validated, and against what.
struct Subject<'a> {
    declaration: &'a PipelineDeclaration,
    region: &'a str,
    catalogue: &'a Catalogue,
    pipeline_type: PipelineType,
}

impl<'a> Subject<'a> {
    fn actions(&self) -> impl Iterator<Item = Place<'a>> + use<'a> {
        self.declaration.stages.iter().enumerate().flat_map(|(stage_index, stage)| {
            let place = move |(index, action)| Place { stage_index, stage, index, action };
            stage.actions.iter().enumerate().map(place)
        })
    }

    /// Where an action runs.
    fn region_of(&self, action: &'a ActionDeclaration) -> &'a str {
        action.region.as_deref().unwrap_or(self.region)
    }
}

/// An action and where it stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    stage_index: usize,
    stage: &'a StageDeclaration,
    index: usize,
    action: &'a ActionDeclaration,
}

/// What was found so far.
#[derive(Default)]
struct Violations(Vec<Rejection>);

impl Violations {
    fn add(&mut self, kind: RejectionKind, message: impl Into<String>) {
        self.0.push(Rejection::new(kind, message));
    }

    /// Most violations concern an action.
    fn action(&mut self, message: impl Into<String>) {
        self.add(RejectionKind::InvalidActionDeclaration, message);
    }
}

#[cfg(test)]
mod tests;
