//! Action types with an executor: what UpdateActionType takes and GetActionType shows (API reference,
//! `ActionTypeDeclaration`; user guide, "action-types"). Texts are inferred.

use serde::{Deserialize, Serialize};

use super::custom::Definition;
use super::{ActionType, ArtifactBounds, ConfigurationProperty, Settings};
use crate::declaration::action::ActionTypeId;
use crate::rejection::{Rejection, RejectionKind};

/// How long a job may take where nothing is said, in minutes: user guide, "limits".
const DAY_IN_MINUTES: u32 = 24 * 60;

/// API reference: `ActionTypeDeclaration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct Declared {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub executor: Executor,
    pub id: ActionTypeId,
    pub input_artifact_details: ArtifactBounds,
    pub output_artifact_details: ArtifactBounds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    #[serde(default)]
    pub properties: Vec<Property>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urls: Option<Urls>,
}

/// API reference: `ActionTypeExecutor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct Executor {
    pub configuration: ExecutorConfiguration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_timeout: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_statements_template: Option<String>,
    #[serde(rename = "type")]
    pub executor_type: ExecutorType,
}

/// API reference: `ExecutorType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum ExecutorType {
    JobWorker,
    Lambda,
}

/// API reference: `ExecutorConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct ExecutorConfiguration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_worker_executor_configuration: Option<JobWorkers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lambda_executor_configuration: Option<Function>,
}

/// API reference: `JobWorkerExecutorConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct JobWorkers {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polling_accounts: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polling_service_principals: Option<Vec<String>>,
}

/// API reference: `LambdaExecutorConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct Function {
    pub lambda_function_arn: String,
}

/// API reference: `ActionTypePermissions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct Permissions {
    pub allowed_accounts: Vec<String>,
}

/// API reference: `ActionTypeProperty`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct Property {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub key: bool,
    pub name: String,
    pub no_echo: bool,
    pub optional: bool,
    #[serde(default)]
    pub queryable: bool,
}

/// API reference: `ActionTypeUrls`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct Urls {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_url_template: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_url_template: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_url_template: Option<String>,
}

impl Declared {
    /// The type as validation and readers want it. How long one job may take is taken for the whole action
    /// (inferred).
    pub fn action_type(&self) -> ActionType {
        let definition = self.definition();
        ActionType {
            id: self.id.clone(),
            timeout_in_minutes: self
                .executor
                .job_timeout
                .map_or(DAY_IN_MINUTES, |seconds| seconds.div_ceil(60)),
            ..definition.action_type()
        }
    }

    /// Whether pipelines of that account may have it.
    pub fn is_open_to(&self, account: &str) -> bool {
        self.permissions.as_ref().is_none_or(|permissions| {
            permissions.allowed_accounts.iter().any(|one| one == "*" || one == account)
        })
    }

    /// Whether workers of that account may ask for its jobs.
    pub fn is_worked_on_by(&self, account: &str) -> bool {
        let workers = self.executor.configuration.job_worker_executor_configuration.as_ref();
        workers
            .and_then(|workers| workers.polling_accounts.as_ref())
            .is_none_or(|accounts| accounts.iter().any(|one| one == account))
    }

    /// What is wrong with it, in itself and beside what it was before.
    pub fn check(&self, before: Option<&Self>) -> Result<(), Rejection> {
        let Executor { configuration, job_timeout, executor_type, .. } = &self.executor;
        let given = (
            configuration.job_worker_executor_configuration.is_some(),
            configuration.lambda_executor_configuration.is_some(),
        );
        let fits = match executor_type {
            ExecutorType::JobWorker => given == (true, false),
            ExecutorType::Lambda => given == (false, true),
        };
        if !fits {
            return Err(invalid(format!(
                "The executor of the type {executor_type:?} must have the configuration of that type, and no other."
            )));
        }
        if *executor_type == ExecutorType::Lambda && job_timeout.is_some_and(|seconds| seconds > 900) {
            return Err(invalid(
                "The jobTimeout of a Lambda executor can be 900 seconds at most.".to_owned(),
            ));
        }
        for property in &self.properties {
            let was_optional = before.and_then(|before| {
                before.properties.iter().find(|other| other.name == property.name).map(|other| other.optional)
            });
            if was_optional == Some(true) && !property.optional {
                return Err(invalid(format!(
                    "The property '{}' is optional and cannot become required.",
                    property.name
                )));
            }
        }
        self.definition().check()
    }

    /// What it has in common with custom action types.
    fn definition(&self) -> Definition {
        let urls = self.urls.as_ref();
        Definition {
            category: self.id.category,
            provider: self.id.provider.clone(),
            version: self.id.version.clone(),
            settings: urls.map(|urls| Settings {
                third_party_configuration_url: urls.configuration_url.clone(),
                entity_url_template: urls.entity_url_template.clone(),
                execution_url_template: urls.execution_url_template.clone(),
                revision_url_template: urls.revision_url_template.clone(),
            }),
            configuration_properties: self
                .properties
                .iter()
                .map(|property| ConfigurationProperty {
                    name: property.name.clone(),
                    required: !property.optional,
                    key: property.key,
                    secret: property.no_echo,
                    queryable: property.queryable,
                    description: property.description.clone(),
                    property_type: None,
                })
                .collect(),
            input_artifact_details: self.input_artifact_details,
            output_artifact_details: self.output_artifact_details,
        }
    }
}

fn invalid(message: String) -> Rejection {
    Rejection::new(RejectionKind::Validation, message)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;

    fn declared(change: impl FnOnce(&mut Value)) -> Declared {
        let mut declared = json!({
            "executor": {
                "type": "JobWorker",
                "configuration": {"jobWorkerExecutorConfiguration": {"pollingAccounts": ["111122223333"]}},
                "jobTimeout": 90,
            },
            "id": {"category": "Test", "owner": "ThirdParty", "provider": "Scan", "version": "1"},
            "inputArtifactDetails": {"minimumCount": 0, "maximumCount": 1},
            "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 1},
            "permissions": {"allowedAccounts": ["444455556666"]},
            "properties": [{"name": "Host", "optional": true, "key": true, "noEcho": false}],
        });
        change(&mut declared);
        serde_json::from_value(declared).unwrap()
    }

    #[test]
    fn a_declaration_becomes_a_type_that_pipelines_can_have() {
        let declared = declared(|_| {});
        declared.check(None).unwrap();
        let action_type = declared.action_type();
        assert_eq!((action_type.id, action_type.timeout_in_minutes), (declared.id.clone(), 2));
        assert!(!action_type.properties.first().unwrap().required);
        assert!(declared.is_open_to("444455556666") && !declared.is_open_to("111122223333"));
        assert!(declared.is_worked_on_by("111122223333") && !declared.is_worked_on_by("444455556666"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let before = declared(|_| {});
        let function = json!({"lambdaFunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:f"});
        for (change, words) in [
            (("/executor/type", json!("Lambda")), "the configuration of that type"),
            (
                (
                    "/executor/configuration",
                    json!({"lambdaExecutorConfiguration": function, "jobWorkerExecutorConfiguration": {}}),
                ),
                "and no other",
            ),
            (("/executor/configuration", json!({})), "the configuration of that type"),
            (
                (
                    "/executor",
                    json!({
                        "type": "Lambda", "jobTimeout": 901,
                        "configuration": {"lambdaExecutorConfiguration": function},
                    }),
                ),
                "900 seconds",
            ),
            (("/properties/0/optional", json!(false)), "'Host' is optional"),
            (("/properties/0/queryable", json!(true)), "queryable"),
            (("/inputArtifactDetails/minimumCount", json!(2)), "minimumCount"),
        ] {
            let (at, value) = change;
            let changed = declared(|declared| match at {
                "/properties/0/queryable" => declared["properties"][0]["queryable"] = value.clone(),
                _ => *declared.pointer_mut(at).unwrap() = value.clone(),
            });
            let refusal = changed.check(Some(&before)).unwrap_err();
            assert!(refusal.message.contains(words), "{at}: {refusal}");
        }
    }
}
