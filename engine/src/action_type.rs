//! Action types: which configuration keys and how many artifacts an action may have. What AWS offers itself
//! is the table in [`builtin`]; custom types join the [`Catalogue`] when somebody creates them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::declaration::action::{ActionDeclaration, ActionTypeId};
use crate::rule_type;

pub mod builtin;
pub mod custom;
pub mod declared;
mod pages;
pub mod urls;

/// Everything that validation and masking know of one action type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionType {
    /// Category, owner, provider and version.
    pub id: ActionTypeId,
    /// Where to look at what an action of it works on.
    pub settings: Option<Settings>,
    /// The configuration keys, in the order of the provider's reference page.
    pub properties: Vec<ConfigurationProperty>,
    /// Whether `properties` may be incomplete, so that a key that is not in it is let pass.
    pub accepts_unlisted_properties: bool,
    /// How many input artifacts an action declares.
    pub inputs: ArtifactBounds,
    /// How many output artifacts an action declares.
    pub outputs: ArtifactBounds,
    /// Whether an action has `commands`, and with them may have `outputVariables` and output `files`.
    pub runs_commands: bool,
    /// Whether a pipeline of type V1 refuses it.
    pub v2_only: bool,
    /// How long an action may run, in minutes, when the declaration does not say.
    pub timeout_in_minutes: u32,
}

impl ActionType {
    /// The property that a configuration key belongs to.
    pub fn property(&self, key: &str) -> Option<&ConfigurationProperty> {
        self.properties.iter().find(|property| property.is_named(key))
    }
}

/// API reference: `ActionConfigurationProperty`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationProperty {
    /// The configuration key. `<N>` stands for a number: `Image<N>ArtifactName`.
    pub name: String,
    /// Whether every action must give it.
    pub required: bool,
    /// Whether it takes part in a job's identity.
    pub key: bool,
    /// Whether its value is shown as `****`.
    pub secret: bool,
    /// Whether workers may ask for jobs by its value.
    #[serde(default)]
    pub queryable: bool,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `String`, `Number` or `Boolean`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub property_type: Option<String>,
}

impl ConfigurationProperty {
    fn is_named(&self, key: &str) -> bool {
        match self.name.split_once("<N>") {
            None => self.name == key,
            Some((before, after)) => {
                let number = key.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                number.is_some_and(|n| !n.is_empty() && n.bytes().all(|digit| digit.is_ascii_digit()))
            }
        }
    }
}

/// API reference: `ArtifactDetails`. Both ends are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "`minimumCount` and `maximumCount`")]
pub struct ArtifactBounds {
    #[serde(rename = "minimumCount")]
    pub minimum: usize,
    #[serde(rename = "maximumCount")]
    pub maximum: usize,
}

/// API reference: `ActionTypeSettings`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub third_party_configuration_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_url_template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_url_template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_url_template: Option<String>,
}

/// The action types that exist in one account and Region: a value that is handed to validation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    types: BTreeMap<ActionTypeId, ActionType>,
    deleted: BTreeMap<ActionTypeId, ActionType>,
}

impl Catalogue {
    /// What AWS and its partners offer, and no custom types.
    pub fn builtin() -> Self {
        let mut catalogue = Self::default();
        builtin::TABLE.iter().for_each(|row| catalogue.add(row.action_type()));
        catalogue
    }

    /// Adds a type; one with the same id is replaced.
    pub fn add(&mut self, action_type: ActionType) {
        self.types.insert(action_type.id.clone(), action_type);
    }

    /// Adds a type that was deleted: no new action can have it, but those that have it are still known.
    pub fn add_deleted(&mut self, action_type: ActionType) {
        self.deleted.insert(action_type.id.clone(), action_type);
    }

    /// The type of that category, owner, provider and version, also when it was deleted.
    pub fn find_ever(&self, id: &ActionTypeId) -> Option<&ActionType> {
        self.find(id).or_else(|| self.deleted.get(id))
    }

    /// The type of that category, owner, provider and version.
    pub fn find(&self, id: &ActionTypeId) -> Option<&ActionType> {
        self.types.get(id)
    }

    /// How long an action or a rule may run: as it declares, or by its type, or the hour that AWS allows where nothing
    /// else is said.
    pub fn timeout_millis(&self, action: &ActionDeclaration) -> u64 {
        let id = &action.action_type_id;
        let by_type = || match self.find_ever(id) {
            Some(found) => Some(found.timeout_in_minutes),
            None => rule_type::of(id).map(|found| found.minutes),
        };
        u64::from(action.timeout_in_minutes.or_else(by_type).unwrap_or(60)) * 60_000
    }

    /// All types, by category, owner, provider and version.
    pub fn iter(&self) -> impl Iterator<Item = &ActionType> {
        self.types.values()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::declaration::action::{ActionCategory, ActionOwner};

    fn id(category: ActionCategory, provider: &str) -> ActionTypeId {
        ActionTypeId { category, owner: ActionOwner::Aws, provider: provider.into(), version: "1".into() }
    }

    #[test]
    fn every_row_of_the_table_is_an_action_type_of_its_own() {
        let catalogue = Catalogue::builtin();
        assert_eq!(catalogue.iter().count(), builtin::TABLE.len());
        for each in catalogue.iter() {
            assert!(each.inputs.minimum <= each.inputs.maximum, "{:?}", each.id);
            assert!(each.outputs.minimum <= each.outputs.maximum, "{:?}", each.id);
            assert!(each.timeout_in_minutes > 0, "{:?}", each.id);
            for property in &each.properties {
                let twins = each.properties.iter().filter(|other| other.name == property.name).count();
                assert_eq!(twins, 1, "{:?} {}", each.id, property.name);
                assert!(
                    property.name.replace("<N>", "").bytes().all(|b| b.is_ascii_alphanumeric()),
                    "{property:?}"
                );
            }
        }
    }

    #[test]
    fn urls_of_built_in_types_refer_to_their_own_properties() {
        let mut found = 0;
        for each in Catalogue::builtin().iter() {
            let Some(settings) = &each.settings else { continue };
            for template in [
                &settings.entity_url_template,
                &settings.execution_url_template,
                &settings.revision_url_template,
            ] {
                for reference in urls::references(template.as_deref().unwrap_or_default()) {
                    if let urls::Reference::Configuration(name) = reference {
                        let property = each.property(&name).unwrap();
                        assert!(property.required && !property.secret, "{:?} {name}", each.id);
                    }
                    found += 1;
                }
            }
        }
        assert_eq!(found, 21);
    }

    #[test]
    fn one_provider_name_may_serve_several_categories() {
        let catalogue = Catalogue::builtin();
        let source = catalogue.find(&id(ActionCategory::Source, "S3")).unwrap();
        let deploy = catalogue.find(&id(ActionCategory::Deploy, "S3")).unwrap();
        assert!(source.property("S3Bucket").unwrap().required);
        assert!(source.property("BucketName").is_none());
        assert!(deploy.property("BucketName").unwrap().required);
        assert_eq!(source.outputs, ArtifactBounds { minimum: 1, maximum: 1 });
        assert_eq!(deploy.outputs, ArtifactBounds { minimum: 0, maximum: 0 });
        assert_eq!(catalogue.find(&id(ActionCategory::Test, "S3")), None);
    }

    #[test]
    fn a_numbered_key_needs_its_number() {
        let catalogue = Catalogue::builtin();
        let blue_green = catalogue.find(&id(ActionCategory::Deploy, "CodeDeployToECS")).unwrap();
        for known in ["Image1ArtifactName", "Image12ArtifactName", "Image4ContainerName"] {
            assert!(blue_green.property(known).is_some(), "{known}");
        }
        for unknown in ["ImageArtifactName", "Image<N>ArtifactName", "ImageOneArtifactName", "Image1Artifact"]
        {
            assert!(blue_green.property(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn secrets_are_required_but_never_part_of_a_jobs_identity() {
        let secrets: Vec<_> = Catalogue::builtin()
            .iter()
            .flat_map(|each| each.properties.clone())
            .filter(|property| property.secret)
            .collect();
        assert_eq!(secrets.len(), 3);
        assert!(secrets.iter().all(|property| property.required && !property.key));
    }

    #[test]
    fn a_type_added_later_is_found_and_replaces_its_namesake() {
        let mut catalogue = Catalogue::builtin();
        let mut custom = catalogue.find(&id(ActionCategory::Build, "CodeBuild")).unwrap().clone();
        custom.id.owner = ActionOwner::Custom;
        catalogue.add(custom.clone());
        custom.timeout_in_minutes = 7;
        catalogue.add(custom.clone());
        assert_eq!(catalogue.find(&custom.id).unwrap().timeout_in_minutes, 7);
        assert_eq!(catalogue.iter().count(), builtin::TABLE.len() + 1);
    }

    #[test]
    fn v2_only_providers_are_known_without_a_catalogue() {
        assert!(builtin::is_v2_only(&id(ActionCategory::Compute, "Commands")));
        assert!(builtin::is_v2_only(&id(ActionCategory::Deploy, "Lambda")));
        assert!(!builtin::is_v2_only(&id(ActionCategory::Invoke, "Lambda")));
    }
}
