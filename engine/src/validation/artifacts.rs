//! Artifacts: names, counts, and that everything read was written before.

use std::collections::BTreeMap;

use super::{Place, Subject, Violations, conditions};
use crate::action_type::ArtifactBounds;
use crate::declaration::pipeline::PipelineDeclaration;
use crate::rejection::RejectionKind::InvalidStageDeclaration;

/// Which action is the first to write an artifact: its stage's index and its run order.
pub(super) struct Declared<'a> {
    written: BTreeMap<&'a str, (usize, u32)>,
    /// The outputs that were passed so far.
    seen: BTreeMap<&'a str, u32>,
}

impl<'a> Declared<'a> {
    pub(super) fn of(declaration: &'a PipelineDeclaration) -> Self {
        let mut written = BTreeMap::new();
        for (index, stage) in declaration.stages.iter().enumerate() {
            for action in &stage.actions {
                for output in &action.output_artifacts {
                    let place = (index, action.run_order);
                    let first = written.entry(output.name.as_str()).or_insert(place);
                    *first = place.min(*first);
                }
            }
        }
        Self { written, seen: BTreeMap::new() }
    }

    pub(super) fn check(&mut self, subject: &Subject<'_>, place: Place<'a>, violations: &mut Violations) {
        let action = place.action;
        if let Some(action_type) = subject.catalogue.find(&action.action_type_id) {
            count(&action.name, "input", action.input_artifacts.len(), action_type.inputs, violations);
            count(&action.name, "output", action.output_artifacts.len(), action_type.outputs, violations);
        }
        for input in &action.input_artifacts {
            if self
                .written
                .get(input.name.as_str())
                .is_none_or(|at| *at >= (place.stage_index, action.run_order))
            {
                // Recalled by several people, not seen.
                violations.action(format!(
                    "Input Artifact Bundle {} in action {} is not declared as Output Artifact Bundle in any of the \
                     preceding actions",
                    input.name, action.name
                ));
            }
        }
        for output in &action.output_artifacts {
            let uses = self.seen.entry(&output.name).or_default();
            *uses += 1;
            if *uses == 2 {
                // The text was seen without its type.
                violations.action(format!(
                    "Output Artifact Bundle name must be unique within the pipeline. \
                     {} has been used more than once.",
                    output.name
                ));
            }
        }
    }

    /// A rule reads artifacts too: before the stage those of earlier stages, after it the stage's own as well.
    pub(super) fn check_rules(&self, declaration: &PipelineDeclaration, violations: &mut Violations) {
        for (index, stage) in declaration.stages.iter().enumerate() {
            let before = conditions::before(stage).map(|each| (each, index));
            let after = conditions::after(stage).map(|each| (each, index + 1));
            for (condition, end) in before.chain(after) {
                for rule in condition.rules.iter().flatten() {
                    for input in rule.input_artifacts.iter().flatten() {
                        if self.written.get(input.name.as_str()).is_none_or(|(stage, _)| *stage >= end) {
                            // Inferred from the text for actions.
                            let message = format!(
                                "Input Artifact Bundle {} in rule {} is not declared as Output Artifact Bundle in any \
                                 of the preceding actions",
                                input.name, rule.name
                            );
                            violations.add(InvalidStageDeclaration, message);
                        }
                    }
                }
            }
        }
    }
}

/// The text for too many is inferred from the one for too few.
fn count(
    action: &str,
    direction: &str,
    declared: usize,
    bounds: ArtifactBounds,
    violations: &mut Violations,
) {
    let ArtifactBounds { minimum, maximum } = bounds;
    let (relation, end, bound) = match declared {
        _ if declared < minimum => ("less", "minimum", minimum),
        _ if declared > maximum => ("more", "maximum", maximum),
        _ => return,
    };
    violations.action(format!(
        "Action {action} declares {declared} {direction} artifacts which is {relation} than the {end} count ({bound})"
    ));
}
