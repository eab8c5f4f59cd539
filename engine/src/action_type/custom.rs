//! Custom action types: what CreateCustomActionType takes, and what is refused. User guide:
//! "actions-create-custom-action", API reference: `CreateCustomActionType`. Texts are inferred.

use serde::{Deserialize, Serialize};

use super::urls::{self, Reference};
use super::{ActionType, ArtifactBounds, ConfigurationProperty, Settings};
use crate::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use crate::rejection::{Rejection, RejectionKind};

/// AWS's quota per account and Region.
const CUSTOM_TYPES: usize = 50;

/// How long a job of a custom action may take: user guide, "limits".
const DAY_IN_MINUTES: u32 = 24 * 60;

/// A custom action type as somebody defined it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is that of CreateCustomActionType")]
pub struct Definition {
    pub category: ActionCategory,
    pub provider: String,
    pub version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    #[serde(default)]
    pub configuration_properties: Vec<ConfigurationProperty>,
    pub input_artifact_details: ArtifactBounds,
    pub output_artifact_details: ArtifactBounds,
}

/// What is kept of a custom action type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomActionType {
    /// How it was defined.
    pub definition: Definition,
    /// Whether it was deleted since: its version is taken all the same, and its secrets stay secret.
    pub deleted: bool,
    /// Its tags.
    #[serde(default)]
    pub tags: crate::tags::Tags,
}

impl Definition {
    /// Its id.
    pub fn id(&self) -> ActionTypeId {
        ActionTypeId {
            category: self.category,
            owner: ActionOwner::Custom,
            provider: self.provider.clone(),
            version: self.version.clone(),
        }
    }

    /// The type as validation and readers want it.
    pub fn action_type(&self) -> ActionType {
        ActionType {
            id: self.id(),
            settings: self.settings.clone(),
            properties: self.configuration_properties.clone(),
            accepts_unlisted_properties: false,
            inputs: self.input_artifact_details,
            outputs: self.output_artifact_details,
            runs_commands: false,
            v2_only: false,
            timeout_in_minutes: DAY_IN_MINUTES,
        }
    }

    /// What is wrong with it, first thing first.
    pub fn check(&self) -> Result<(), Rejection> {
        for (member, bounds) in [
            ("inputArtifactDetails", self.input_artifact_details),
            ("outputArtifactDetails", self.output_artifact_details),
        ] {
            if bounds.minimum > bounds.maximum {
                return Err(invalid(format!(
                    "The minimumCount of {member} is greater than its maximumCount."
                )));
            }
        }
        self.check_properties()?;
        let Some(settings) = &self.settings else { return Ok(()) };
        for (member, template) in [
            ("entityUrlTemplate", &settings.entity_url_template),
            ("executionUrlTemplate", &settings.execution_url_template),
            ("revisionUrlTemplate", &settings.revision_url_template),
        ] {
            for reference in urls::references(template.as_deref().unwrap_or_default()) {
                self.check_reference(member, &reference)?;
            }
        }
        Ok(())
    }

    fn check_properties(&self) -> Result<(), Rejection> {
        let properties = &self.configuration_properties;
        for (index, property) in properties.iter().enumerate() {
            let name = &property.name;
            if properties.iter().take(index).any(|earlier| earlier.name == *name) {
                return Err(invalid(format!(
                    "The configuration property '{name}' is defined more than once."
                )));
            }
            if property.queryable && (!property.required || property.secret) {
                return Err(invalid(format!(
                    "The configuration property '{name}' is queryable: it must be required, and cannot be secret."
                )));
            }
        }
        if properties.iter().filter(|property| property.queryable).count() > 1 {
            return Err(invalid("Only one configuration property can be queryable.".to_owned()));
        }
        Ok(())
    }

    fn check_reference(&self, member: &str, reference: &Reference) -> Result<(), Rejection> {
        match reference {
            Reference::Configuration(name) => {
                let property = self.configuration_properties.iter().find(|property| property.name == *name);
                if property.is_none_or(|property| !property.required || property.secret) {
                    return Err(invalid(format!(
                        "The {member} refers to '{name}': only a configuration property that is required and not \
                         secret can be used there."
                    )));
                }
                Ok(())
            }
            Reference::ExternalExecutionId if member != "executionUrlTemplate" => Err(invalid(format!(
                "The {member} refers to the external execution ID: only the executionUrlTemplate can."
            ))),
            Reference::RevisionId if member != "revisionUrlTemplate" => Err(invalid(format!(
                "The {member} refers to the revision ID: only the revisionUrlTemplate can."
            ))),
            Reference::ExternalExecutionId | Reference::RevisionId => Ok(()),
        }
    }
}

/// The type as it is to be kept, if it may be created beside that many others. A version that was deleted can
/// only come back as it was.
pub fn create(
    definition: Definition,
    known: Option<&CustomActionType>,
    others: usize,
    tags: crate::tags::Tags,
) -> Result<CustomActionType, Rejection> {
    definition.check()?;
    let id = definition.id();
    let ActionTypeId { category, provider, version, .. } = &id;
    let named = format!("(Category: '{category}', Provider: '{provider}', Version: '{version}')");
    match known {
        Some(known) if !known.deleted => {
            return Err(invalid(format!("The custom action type {named} already exists.")));
        }
        Some(known) if known.definition != definition => {
            return Err(invalid(format!(
                "The custom action type {named} was deleted. Its version can only be used again with the same \
                 definition: choose another version."
            )));
        }
        _ => {}
    }
    if others >= CUSTOM_TYPES {
        let text = format!(
            "The account has reached its limit of {CUSTOM_TYPES} custom action types in this Region."
        );
        return Err(Rejection::new(RejectionKind::LimitExceeded, text));
    }
    Ok(CustomActionType { definition, deleted: false, tags })
}

fn invalid(message: String) -> Rejection {
    Rejection::new(RejectionKind::Validation, message)
}

#[cfg(test)]
#[path = "custom_tests.rs"]
mod tests;
