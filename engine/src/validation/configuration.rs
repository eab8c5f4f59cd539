//! An action's configuration, and the members that only some actions have.

use super::secrets::{self, MASK};
use super::{Place, Subject, Violations};
use crate::action_type::ActionType;
use crate::declaration::action::ActionDeclaration;
use crate::rejection::RejectionKind::Validation;
use crate::variables::references;

/// The API model's limit for all services is larger; this one CodePipeline looks at later.
const VALUE_CHARACTERS: usize = 1000;
const QUERYABLE_CHARACTERS: usize = 20;
const SECRETS_MANAGER: &str = "SECRETS_MANAGER";

pub(super) fn check(subject: &Subject<'_>, place: Place<'_>, violations: &mut Violations) {
    let action = place.action;
    if action.configuration.values().any(|value| value.chars().count() > VALUE_CHARACTERS) {
        violations.add(
            Validation,
            "ActionConfiguration Map value must satisfy constraint: [Member must have length less than or equal to \
             1000, Member must have length greater than or equal to 1]",
        );
    }
    let Some(action_type) = subject.catalogue.find(&action.action_type_id) else { return };
    keys(action, action_type, violations);
    queryable(action, action_type, violations);
    for (name, property) in secrets::of(action, action_type) {
        if property == MASK {
            violations.action(secrets::mask_in_new_action(&action.name, name));
        }
    }
    commands(action, action_type, violations);
    let reads_secrets = action
        .environment_variables
        .iter()
        .flatten()
        .any(|each| each.variable_type.as_deref() == Some(SECRETS_MANAGER));
    if reads_secrets && !action_type.runs_commands {
        // API reference: `EnvironmentVariable`; the text is inferred.
        violations.action(format!(
            "Action {} cannot have environment variables of type {SECRETS_MANAGER}: only the Commands action can",
            action.name
        ));
    }
}

fn keys(action: &ActionDeclaration, action_type: &ActionType, violations: &mut Violations) {
    let mut missing = |key: &str| {
        violations.action(format!(
            "Action configuration for action '{}' is missing required configuration '{key}'",
            action.name
        ));
    };
    for property in action_type.properties.iter().filter(|property| property.required) {
        if !action.configuration.contains_key(&property.name) {
            missing(&property.name);
        }
    }
    // Guide: "action-reference-CodeBuild". With one input artifact there is nothing to choose.
    let chooses = action_type.property(PRIMARY_SOURCE).is_some_and(|property| !property.required);
    if chooses && action.input_artifacts.len() > 1 && !action.configuration.contains_key(PRIMARY_SOURCE) {
        missing(PRIMARY_SOURCE);
    }
    if action_type.accepts_unlisted_properties {
        return;
    }
    // Only the end of this text was seen; its beginning is that of the one above.
    for key in action.configuration.keys().filter(|key| action_type.property(key).is_none()) {
        violations.action(format!(
            "Action configuration for action '{}' contains unknown configuration '{key}'",
            action.name
        ));
    }
}

/// Guide: "actions-create-custom-action"; the text is inferred. What a reference will stand for is not known.
fn queryable(action: &ActionDeclaration, action_type: &ActionType, violations: &mut Violations) {
    let is_plain = |value: &str| {
        value.len() <= QUERYABLE_CHARACTERS
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    for property in action_type.properties.iter().filter(|property| property.queryable) {
        let value = action.configuration.get(&property.name);
        if value.is_some_and(|value| !is_plain(value) && references(value).is_empty()) {
            violations.action(format!(
                "The value of the queryable property '{}' of action '{}' must have at most {QUERYABLE_CHARACTERS} \
                 characters: letters, digits, '_' and '-'",
                property.name, action.name
            ));
        }
    }
}

const PRIMARY_SOURCE: &str = "PrimarySource";

/// What a command must be (user guide, action-reference-Commands); the text is inferred.
pub(super) const SINGLE_LINE: &str = "commands must be in single-line format";

pub(super) fn has_several_lines(commands: Option<&[String]>) -> bool {
    commands.unwrap_or_default().iter().any(|command| command.contains(['\n', '\r']))
}

/// What else belongs to commands: API reference, `ActionDeclaration`. The text for having too much is inferred.
fn commands(action: &ActionDeclaration, action_type: &ActionType, violations: &mut Violations) {
    let name = &action.name;
    if action_type.runs_commands {
        if action.commands.as_ref().is_none_or(Vec::is_empty) {
            violations.action(format!("Action {name} must have a non-empty commands field"));
        }
        if has_several_lines(action.commands.as_deref()) {
            violations.action(format!("Action {name} has a multi-line command: {SINGLE_LINE}"));
        }
        return;
    }
    let files = action.output_artifacts.iter().any(|output| output.files.is_some());
    for (member, given) in [
        ("commands", action.commands.is_some()),
        ("outputVariables", action.output_variables.is_some()),
        ("outputArtifacts.files", files),
    ] {
        if given {
            violations
                .action(format!("Action {name} cannot have a {member} field: only the Commands action can"));
        }
    }
}
