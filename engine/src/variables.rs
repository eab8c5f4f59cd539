//! `#{namespace.key}`: its grammar, what a reference can see, and its resolution right before an action
//! starts. User guide: "reference-variables", "limits".
//!
//! A resolved value is never looked at again: a commit message with `#{...}` in it stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::declaration::pipeline::PipelineVariableDeclaration;
use crate::ids::ExecutionId;
use crate::rejection::{Rejection, RejectionKind};

/// The namespace of what the service says about an execution.
pub const CODEPIPELINE: &str = "codepipeline";
/// The namespace of the pipeline's own variables.
pub const VARIABLES: &str = "variables";
/// The one key of the namespace [`CODEPIPELINE`].
pub const PIPELINE_EXECUTION_ID: &str = "PipelineExecutionId";

/// What an action's configuration may hold after resolution: 100 KB, keys and values together.
pub const RESOLVED_LIMIT: usize = 100 * 1024;

/// What stands between `#{` and `}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The text between the braces.
    pub text: &'a str,
}

impl<'a> Reference<'a> {
    /// Namespace and key; `None` if the text is not the two of them with a period between. The key has no
    /// alphabet of its own here: the guide and the API model disagree on it, and what no action put out is
    /// not found anyway.
    pub fn parts(self) -> Option<(&'a str, &'a str)> {
        let (namespace, key) = self.text.split_once('.')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '-' | '_');
        (!namespace.is_empty() && namespace.chars().all(is_name) && !key.is_empty())
            .then_some((namespace, key))
    }
}

/// Text, and the reference that ends it; the last piece may have none.
struct Piece<'a> {
    text: &'a str,
    reference: Option<Reference<'a>>,
}

/// A `#{` that no `}` follows is text: there is nothing it could refer to.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let whole = rest.take()?;
        let opened = whole.split_once("#{").and_then(|(before, after)| {
            let (inner, behind) = after.split_once('}')?;
            Some((before, inner, behind))
        });
        let Some((before, inner, behind)) = opened else {
            return Some(Piece { text: whole, reference: None });
        };
        rest = Some(behind);
        Some(Piece { text: before, reference: Some(Reference { text: inner }) })
    })
}

/// Every reference of a text, in order.
pub fn references(text: &str) -> Vec<Reference<'_>> {
    pieces(text).filter_map(|piece| piece.reference).collect()
}

/// What a reference can see at the moment an action starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `#{codepipeline.PipelineExecutionId}`.
    pub execution_id: ExecutionId,
    /// `#{variables.*}`: the pipeline's variables as this execution started with them.
    pub variables: BTreeMap<String, String>,
    /// The output variables of the actions that have succeeded, by their namespaces.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
}

impl Scope {
    fn look_up(&self, reference: Reference<'_>) -> Result<&str, UnresolvedVariable> {
        let text = reference.text.to_owned();
        let Some((namespace, key)) = reference.parts() else {
            return Err(UnresolvedVariable::Malformed { text });
        };
        let found = match namespace {
            CODEPIPELINE if key == PIPELINE_EXECUTION_ID => Some(self.execution_id.as_str()),
            CODEPIPELINE => None,
            VARIABLES => self.variables.get(key).map(String::as_str),
            _ => match self.namespaces.get(namespace) {
                Some(outputs) => outputs.get(key).map(String::as_str),
                None => {
                    return Err(UnresolvedVariable::UnknownNamespace {
                        text,
                        namespace: namespace.to_owned(),
                    });
                }
            },
        };
        found.ok_or_else(|| UnresolvedVariable::UnknownKey {
            text,
            namespace: namespace.to_owned(),
            known: self.keys(namespace),
        })
    }

    fn keys(&self, namespace: &str) -> String {
        let keys: Vec<&str> = match namespace {
            CODEPIPELINE => vec![PIPELINE_EXECUTION_ID],
            VARIABLES => self.variables.keys().map(String::as_str).collect(),
            _ => self.namespaces.get(namespace).into_iter().flatten().map(|(key, _)| key.as_str()).collect(),
        };
        if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
    }
}

/// A reference that has no value: the action that holds it fails. AWS's texts are not known (inferred).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum UnresolvedVariable {
    #[error(
        "The variable reference #{{{text}}} is not valid: \
         a reference is a namespace and a key separated by a period (.)."
    )]
    Malformed { text: String },
    #[error(
        "The variable #{{{text}}} could not be resolved: no action that has run before this one has the \
         namespace '{namespace}'. Refer to an action of an earlier stage, or of the same stage with a lower runOrder."
    )]
    UnknownNamespace { text: String, namespace: String },
    #[error(
        "The variable #{{{text}}} could not be resolved: the namespace '{namespace}' has no such key. Its keys: {known}."
    )]
    UnknownKey { text: String, namespace: String, known: String },
    #[error("The text is larger than {RESOLVED_LIMIT} bytes once its variables are resolved.")]
    TooLarge,
}

/// The text with every reference replaced by its value.
pub fn resolve(text: &str, scope: &Scope) -> Result<String, UnresolvedVariable> {
    let mut resolved = String::with_capacity(text.len());
    for piece in pieces(text) {
        resolved.push_str(piece.text);
        if let Some(reference) = piece.reference {
            resolved.push_str(scope.look_up(reference)?);
            // Asked after each value: a short text can refer many times to a long value.
            if resolved.len() > RESOLVED_LIMIT {
                return Err(UnresolvedVariable::TooLarge);
            }
        }
    }
    Ok(resolved)
}

/// A configuration that cannot be resolved: which key, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum UnresolvedConfiguration {
    #[error("The value of the configuration key '{key}' could not be resolved. {cause}")]
    Value { key: String, cause: UnresolvedVariable },
    #[error(
        "The action configuration is larger than {RESOLVED_LIMIT} bytes once its variables are resolved."
    )]
    TooLarge,
}

/// All values of an action's (or a rule's) configuration, resolved.
pub fn resolve_configuration(
    configuration: &BTreeMap<String, String>,
    scope: &Scope,
) -> Result<BTreeMap<String, String>, UnresolvedConfiguration> {
    let mut resolved = BTreeMap::new();
    let mut size = 0;
    for (key, text) in configuration {
        let value = resolve(text, scope)
            .map_err(|cause| UnresolvedConfiguration::Value { key: key.clone(), cause })?;
        size += key.len() + value.len();
        if size > RESOLVED_LIMIT {
            return Err(UnresolvedConfiguration::TooLarge);
        }
        resolved.insert(key.clone(), value);
    }
    Ok(resolved)
}

/// Texts that an action (or a rule) has under that member of its declaration, resolved.
pub fn resolve_each<'a>(
    member: &str,
    texts: impl IntoIterator<Item = &'a String>,
    scope: &Scope,
) -> Result<Vec<String>, UnresolvedConfiguration> {
    let mut resolved = Vec::new();
    let mut size = 0;
    for text in texts {
        let value = resolve(text, scope)
            .map_err(|cause| UnresolvedConfiguration::Value { key: member.to_owned(), cause })?;
        size += value.len();
        if size > RESOLVED_LIMIT {
            return Err(UnresolvedConfiguration::TooLarge);
        }
        resolved.push(value);
    }
    Ok(resolved)
}

/// The pipeline's variables as a new execution has them: overridden, or else their defaults, in the order of
/// the declaration. That all three refusals are `ValidationException`, and their texts, is inferred.
pub fn resolve_pipeline_variables(
    declared: &[PipelineVariableDeclaration],
    overrides: &[(String, String)],
) -> Result<Vec<(String, String)>, Rejection> {
    let refuse = |what: &str, names: Vec<&str>| {
        let names = names.join(", ");
        Err(Rejection::new(RejectionKind::Validation, format!("{what}: {names}")))
    };
    let mut given = BTreeSet::new();
    let repeated: Vec<&str> =
        overrides.iter().map(|(name, _)| name.as_str()).filter(|name| !given.insert(*name)).collect();
    if !repeated.is_empty() {
        return refuse("The following variables are given more than once", repeated);
    }
    let is_declared = |name: &str| declared.iter().any(|variable| variable.name == name);
    let undeclared: Vec<&str> =
        overrides.iter().map(|(name, _)| name.as_str()).filter(|name| !is_declared(name)).collect();
    if !undeclared.is_empty() {
        return refuse("The following variables are not declared in the pipeline", undeclared);
    }
    let mut resolved = Vec::with_capacity(declared.len());
    let mut missing = Vec::new();
    for variable in declared {
        let overriding = overrides.iter().find(|(name, _)| *name == variable.name).map(|(_, value)| value);
        match overriding.or(variable.default_value.as_ref()) {
            Some(value) => resolved.push((variable.name.clone(), value.clone())),
            None => missing.push(variable.name.as_str()),
        }
    }
    if !missing.is_empty() {
        return refuse("The following variables have no default value and must be given", missing);
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests;
