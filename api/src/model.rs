//! The API model as data: operations, and shapes with their constraints.
//!
//! The file is AWS's own description of the API, without its prose. What the service is known to do
//! otherwise is laid over it here, in one place ([`Model::with_what_the_service_does`]).

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, OnceLock};

use regex::Regex;
use serde::Deserialize;

use crate::constraints::java_pattern;

/// CodePipeline's model, parsed once.
pub(crate) fn codepipeline() -> &'static Model {
    static MODEL: LazyLock<Model> = LazyLock::new(|| {
        #[expect(
            clippy::expect_used,
            reason = "the embedded file is part of the program, and tests parse it"
        )]
        let model: Model = serde_json::from_str(include_str!("../model/codepipeline-2015-07-09.json"))
            .expect("the embedded API model is well formed");
        model.with_what_the_service_does()
    });
    &MODEL
}

/// An API: its operations and shapes, by name.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    operations: BTreeMap<String, Operation>,
    shapes: HashMap<String, Shape>,
}

/// What an operation takes and answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    /// The shape of its input.
    pub(crate) input: String,
    /// The shape of its output; without one, the answer's body is empty.
    pub(crate) output: Option<String>,
}

/// A type of the API with its constraints.
#[derive(Debug, Deserialize)]
pub(crate) struct Shape {
    #[serde(flatten)]
    pub(crate) kind: Kind,
    /// Least length, or least value of a number.
    #[serde(default)]
    pub(crate) min: Option<u64>,
    /// Greatest length, or greatest value of a number.
    #[serde(default)]
    pub(crate) max: Option<u64>,
    #[serde(default)]
    pub(crate) pattern: Option<Pattern>,
    #[serde(default, rename = "enum")]
    pub(crate) values: Option<Vec<String>>,
    /// Whether a value of this type must never be shown again.
    #[serde(default)]
    pub(crate) sensitive: bool,
}

/// What a shape is made of.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Named members.
    Structure {
        members: BTreeMap<String, Reference>,
        #[serde(default)]
        required: Vec<String>,
    },
    /// Any number of one shape.
    List { member: Reference },
    /// Texts to values.
    Map { key: Reference, value: Reference },
    /// Text.
    String,
    /// A whole number of 32 bits, as Java has it.
    Integer,
    /// A whole number of 64 bits.
    Long,
    /// True or false.
    Boolean,
    /// Epoch seconds, with a fraction.
    Timestamp,
}

/// The name of a shape.
#[derive(Debug, Deserialize)]
pub(crate) struct Reference {
    pub(crate) shape: String,
}

/// A regular expression in Java's dialect that a whole value must match; compiled when first needed.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Pattern {
    source: String,
    compiled: OnceLock<Option<Regex>>,
}

impl From<String> for Pattern {
    fn from(source: String) -> Self {
        Self { source, compiled: OnceLock::new() }
    }
}

impl Pattern {
    /// The expression as AWS wrote it.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether the whole text matches. An expression that does not compile would match everything; a test
    /// compiles them all.
    pub(crate) fn admits(&self, text: &str) -> bool {
        self.regex().is_none_or(|regex| regex.is_match(text))
    }

    /// The expression, ready to use.
    fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| java_pattern::compile(&self.source)).as_ref()
    }
}

impl Model {
    /// The operation of that name.
    pub(crate) fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name)
    }

    /// The shape of that name.
    pub(crate) fn shape(&self, name: &str) -> Option<&Shape> {
        self.shapes.get(name)
    }

    /// Every operation, by name.
    #[cfg(test)]
    pub(crate) fn operations(&self) -> impl Iterator<Item = (&str, &Operation)> {
        self.operations.iter().map(|(name, operation)| (name.as_str(), operation))
    }

    fn with_what_the_service_does(mut self) -> Self {
        // The service's shape check names 50000 where the published model has 1000; its own later check
        // (`constraints::business_limits`) names 1000. Seen in current responses.
        if let Some(value) = self.shapes.get_mut("ActionConfigurationValue") {
            value.max = Some(50_000);
        }
        // Current responses leave out the value of an action's configuration, which may hold secrets; a
        // webhook's secret token is not marked in the model either, and is no better shown.
        for name in ["ActionConfigurationMap", "WebhookAuthConfigurationSecretToken"] {
            if let Some(shape) = self.shapes.get_mut(name) {
                shape.sensitive = true;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_has_44_operations_and_every_shape_they_name() {
        let model = codepipeline();
        assert_eq!(model.operations().count(), 44);
        for (name, operation) in model.operations() {
            assert!(model.shape(&operation.input).is_some(), "{name}");
            assert!(operation.output.as_ref().is_none_or(|output| model.shape(output).is_some()), "{name}");
        }
        for shape in model.shapes.values() {
            let named: Vec<&String> = match &shape.kind {
                Kind::Structure { members, required } => {
                    assert!(required.iter().all(|name| members.contains_key(name)));
                    members.values().map(|member| &member.shape).collect()
                }
                Kind::List { member } => vec![&member.shape],
                Kind::Map { key, value } => vec![&key.shape, &value.shape],
                _ => Vec::new(),
            };
            assert!(named.into_iter().all(|name| model.shape(name).is_some()));
        }
    }

    #[test]
    fn every_pattern_in_the_model_compiles() {
        for (name, shape) in &codepipeline().shapes {
            if let Some(pattern) = &shape.pattern {
                assert!(pattern.regex().is_some(), "{name}: {}", pattern.source());
            }
        }
    }

    #[test]
    fn the_shapes_whose_values_are_never_shown_are_known() {
        let mut sensitive: Vec<&str> = codepipeline()
            .shapes
            .iter()
            .filter(|(_, shape)| shape.sensitive)
            .map(|(name, _)| name.as_str())
            .collect();
        sensitive.sort_unstable();
        assert_eq!(
            sensitive,
            [
                "AWSSessionCredentials",
                "AccessKeyId",
                "ActionConfigurationMap",
                "SecretAccessKey",
                "SessionToken",
                "WebhookAuthConfigurationSecretToken"
            ]
        );
    }
}
