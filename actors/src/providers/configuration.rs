//! Reads an action's resolved configuration.

use penstock_engine::action::{ArtifactLocation, Failure, Work};
use penstock_engine::declaration::action::ActionCategory;

use super::failures;

/// A key that the action cannot do without.
pub(super) fn required<'a>(work: &'a Work, key: &str) -> Result<&'a str, Failure> {
    optional(work, key).ok_or_else(|| {
        failures::configuration(format!(
            "The configuration of the {} '{}' has no value for '{key}', which it needs. Add it to the pipeline and then \
             start it again.",
            kind(work),
            work.action
        ))
    })
}

/// What it is called in texts for people.
pub(super) fn kind(work: &Work) -> &'static str {
    if work.action_type.category == ActionCategory::Rule { "rule" } else { "action" }
}

/// A key that may be left out. An empty text, such as a variable can give, counts as left out.
pub(super) fn optional<'a>(work: &'a Work, key: &str) -> Option<&'a str> {
    work.configuration.get(key).map(String::as_str).filter(|value| !value.is_empty())
}

/// `true` or `false`.
pub(super) fn required_boolean(work: &Work, key: &str) -> Result<bool, Failure> {
    match required(work, key)? {
        value if value.eq_ignore_ascii_case("true") => Ok(true),
        value if value.eq_ignore_ascii_case("false") => Ok(false),
        value => Err(failures::configuration(format!(
            "The value '{value}' of '{key}' in the configuration of the action '{}' is neither 'true' nor 'false'.",
            work.action
        ))),
    }
}

/// The action's one input artifact.
pub(super) fn input(work: &Work) -> Result<&ArtifactLocation, Failure> {
    work.inputs.first().ok_or_else(|| {
        failures::configuration(format!("The action '{}' has no input artifact.", work.action))
    })
}

/// The action's one output artifact.
pub(super) fn output(work: &Work) -> Result<&ArtifactLocation, Failure> {
    work.outputs.first().ok_or_else(|| {
        failures::configuration(format!("The action '{}' has no output artifact.", work.action))
    })
}

/// The artifact store's KMS key.
pub(super) fn store_key(work: &Work) -> Option<String> {
    work.encryption_key.as_ref().filter(|key| key.key_type == "KMS").map(|key| key.id.clone())
}
