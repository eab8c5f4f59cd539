//! Secrets are shown as `****`, and `****` that is written back stands for what is stored.

use crate::action_type::{ActionType, Catalogue};
use crate::declaration::action::ActionDeclaration;
use crate::declaration::pipeline::PipelineDeclaration;
use crate::rejection::{Rejection, RejectionKind};

/// What a reader sees of a secret.
pub const MASK: &str = "****";

/// The declaration as readers see it. A type that the catalogue no longer has cannot tell its secrets, so a
/// catalogue for reading keeps the deleted ones.
pub fn mask_secrets(declaration: &PipelineDeclaration, catalogue: &Catalogue) -> PipelineDeclaration {
    let mut masked = declaration.clone();
    for action in masked.stages.iter_mut().flat_map(|stage| &mut stage.actions) {
        let Some(action_type) = catalogue.find_ever(&action.action_type_id) else { continue };
        for (key, value) in &mut action.configuration {
            if is_secret(action_type, key) {
                *value = MASK.to_owned();
            }
        }
    }
    masked
}

/// An updated declaration with the stored secrets in place of `****`. They are those of the action of the
/// same stage, name and type: a secret never moves to another action, and a renamed one is new. That the
/// rest of its configuration may have changed is inferred.
pub fn unmask(
    mut new: PipelineDeclaration,
    old: &PipelineDeclaration,
    catalogue: &Catalogue,
) -> Result<PipelineDeclaration, Rejection> {
    for stage in &mut new.stages {
        let old_stage = old.stage(&stage.name);
        for action in &mut stage.actions {
            let Some(action_type) = catalogue.find_ever(&action.action_type_id) else { continue };
            let old_action = old_stage.and_then(|stage| {
                let same = |other: &&ActionDeclaration| {
                    other.name == action.name && other.action_type_id == action.action_type_id
                };
                stage.actions.iter().find(same)
            });
            for (key, value) in &mut action.configuration {
                if value.as_str() == MASK && is_secret(action_type, key) {
                    let stored = old_action.and_then(|old| old.configuration.get(key));
                    let Some(stored) = stored else {
                        let message = mask_in_new_action(&action.name, key);
                        return Err(Rejection::new(RejectionKind::InvalidActionDeclaration, message));
                    };
                    value.clone_from(stored);
                }
            }
        }
    }
    Ok(new)
}

/// An action's secret properties: key and value.
pub(super) fn of<'a>(
    action: &'a ActionDeclaration,
    action_type: &'a ActionType,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    action
        .configuration
        .iter()
        .filter(|(key, _)| is_secret(action_type, key))
        .map(|(key, value)| (key.as_str(), value.as_str()))
}

pub(super) fn mask_in_new_action(action: &str, key: &str) -> String {
    format!(
        "Action configuration for the new action \"{action}\" contains an invalid configuration for the secret \
         property \"{key}\". \"{MASK}\" may be used in secret properties only when updating an existing action."
    )
}

fn is_secret(action_type: &ActionType, key: &str) -> bool {
    action_type.property(key).is_some_and(|property| property.secret)
}
