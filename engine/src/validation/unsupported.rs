//! What AWS would run and this version does not: better refused than lost in silence.

use crate::declaration::pipeline::PipelineDeclaration;
use crate::declaration::stage::FailureConditions;
use crate::rejection::{Rejection, RejectionKind};

/// One refusal for each member whose meaning would be lost, named by its path.
pub fn not_yet_supported(declaration: &PipelineDeclaration) -> Vec<Rejection> {
    let mut found = Vec::new();
    for (index, stage) in declaration.stages.iter().enumerate() {
        for (member, given) in [
            ("beforeEntry", stage.before_entry.is_some()),
            ("onSuccess", stage.on_success.is_some()),
            ("onFailure", stage.on_failure.as_ref().is_some_and(needs_more)),
        ] {
            if given {
                let path = format!("pipeline.stages.{}.member.{member}", index + 1);
                found.push((path, "stage conditions".to_owned()));
            }
        }
    }
    let refusal = |(path, what): (String, String)| {
        let message =
            format!("Value at '{path}' is not supported: this version of Penstock does not run {what} yet");
        Rejection::new(RejectionKind::InvalidStructure, message)
    };
    found.into_iter().map(refusal).collect()
}

/// A result without conditions is run.
fn needs_more(failure: &FailureConditions) -> bool {
    failure.conditions.as_ref().is_some_and(|conditions| !conditions.is_empty())
}
