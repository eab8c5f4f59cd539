//! The rule types: the service's own, one row each. User guide, pages "rule-reference".

use crate::action_type::{ArtifactBounds, ConfigurationProperty};
use crate::declaration::action::{ActionCategory, ActionTypeId};

const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;

/// One rule type; owner is AWS and version is 1. How many artifacts a rule takes is inferred from the actions of the
/// same name; the limits of time are, too, except that a rule that waits has the time for it: what is not said there
/// is an hour.
#[derive(Clone, Copy, Debug)]
pub struct RuleType {
    /// The provider's name.
    pub provider: &'static str,
    /// How many artifacts a rule of it may read.
    pub inputs: (usize, usize),
    /// How long a rule of it may run, in minutes, when the declaration does not say.
    pub minutes: u32,
    /// Separated by spaces; `*` after a key: required.
    keys: &'static str,
    /// For people: one line per key.
    descriptions: &'static [&'static str],
}

/// All of them, by name.
#[rustfmt::skip]
pub static TABLE: &[RuleType] = &[
    RuleType {
        provider: "CloudWatchAlarm", inputs: (0, 0), minutes: DAY,
        keys: "AlarmName* AlarmStates WaitTime",
        descriptions: &[
            "The alarm to be looked at.",
            "The states that are watched for, with commas between them: OK, ALARM, INSUFFICIENT_DATA.",
            "How many minutes an alarm in one of them may take to leave them.",
        ],
    },
    RuleType {
        provider: "CodeBuild", inputs: (0, 5), minutes: 36 * HOUR,
        keys: "ProjectName* PrimarySource BatchEnabled CombineArtifacts EnvironmentVariables",
        descriptions: &[
            "The project to be built.",
            "The input artifact that has the buildspec.",
            "Whether the build is a batch.",
            "Whether the artifacts of a batch are put together.",
            "A JSON array of name, value and type.",
        ],
    },
    RuleType { provider: "Commands", inputs: (0, 10), minutes: 55, keys: "", descriptions: &[] },
    RuleType {
        provider: "DeploymentWindow", inputs: (0, 0), minutes: 7 * DAY,
        keys: "Cron* TimeZone",
        descriptions: &[
            "The minutes in which the window is open: seconds, minutes, hours, day of month, month, day of week, year.",
            "UTC, UTC with an offset, an area and a city, or an abbreviation.",
        ],
    },
    RuleType {
        provider: "LambdaInvoke", inputs: (0, 5), minutes: DAY,
        keys: "FunctionName* UserParameters",
        descriptions: &["The function to be invoked.", "What the function is given."],
    },
    RuleType {
        provider: "VariableCheck", inputs: (0, 0), minutes: HOUR,
        keys: "Variable* Value* Operator*",
        descriptions: &[
            "The variable, such as #{SourceVariables.BranchName}.",
            "What it is compared with.",
            "EQ, NE, CONTAINS or MATCHES.",
        ],
    },
];

/// The rule type of that provider and version.
pub fn find(provider: &str, version: &str) -> Option<&'static RuleType> {
    TABLE.iter().find(|rule_type| rule_type.provider == provider && version == "1")
}

/// The rule type of what runs as an action of that type.
pub fn of(id: &ActionTypeId) -> Option<&'static RuleType> {
    find(&id.provider, &id.version).filter(|_| id.category == ActionCategory::Rule)
}

impl RuleType {
    /// API reference: `RuleConfigurationProperty`; the configuration keys in the order of the reference page.
    pub fn properties(&self) -> impl Iterator<Item = ConfigurationProperty> {
        self.keys.split_whitespace().zip(self.descriptions).map(|(key, description)| {
            let required = key.ends_with('*');
            ConfigurationProperty {
                name: key.trim_end_matches('*').to_owned(),
                required,
                key: required,
                description: Some((*description).to_owned()),
                property_type: Some("String".to_owned()),
                ..ConfigurationProperty::default()
            }
        })
    }

    /// How many artifacts a rule of it may read.
    pub fn input_bounds(&self) -> ArtifactBounds {
        let (minimum, maximum) = self.inputs;
        ArtifactBounds { minimum, maximum }
    }

    /// Whether its rules have `commands`.
    pub fn runs_commands(&self) -> bool {
        self.provider == "Commands"
    }

    /// Whether its answer comes soon enough to decide on skipping a stage (user guide, "stage-conditions").
    pub fn can_skip(&self) -> bool {
        matches!(self.provider, "LambdaInvoke" | "VariableCheck")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_description() {
        for each in TABLE {
            assert_eq!(each.keys.split_whitespace().count(), each.descriptions.len(), "{}", each.provider);
        }
    }

    #[test]
    fn a_rule_type_has_one_version() {
        assert!(find("Commands", "1").is_some());
        assert!(find("Commands", "2").is_none());
        assert!(find("commands", "1").is_none());
    }
}
