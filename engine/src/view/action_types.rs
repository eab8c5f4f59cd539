//! ListActionTypes and GetActionType.

use serde_json::{Value, json};

use crate::action_type::{ActionType, Settings};

use super::execution::without_nulls;

/// API reference: `ActionType`.
pub fn action_type(action_type: &ActionType) -> Value {
    without_nulls(json!({
        "id": action_type.id,
        "settings": action_type.settings,
        "actionConfigurationProperties": action_type.properties,
        "inputArtifactDetails": action_type.inputs,
        "outputArtifactDetails": action_type.outputs,
    }))
}

/// API reference: `ActionTypeDeclaration`. That the service itself works for the types that come with it is
/// said in the way that the shape has for it (inferred).
pub fn action_type_declaration(action_type: &ActionType) -> Value {
    let properties = action_type.properties.iter().map(|property| {
        without_nulls(json!({
            "name": property.name,
            "optional": !property.required,
            "key": property.key,
            "noEcho": property.secret,
            "queryable": property.queryable,
            "description": property.description,
        }))
    });
    // The shape has room for ten.
    let properties: Vec<Value> = properties.take(10).collect();
    let worker = json!({ "pollingServicePrincipals": ["codepipeline.amazonaws.com"] });
    without_nulls(json!({
        "executor": {
            "type": "JobWorker",
            "configuration": { "jobWorkerExecutorConfiguration": worker },
        },
        "id": action_type.id,
        "inputArtifactDetails": action_type.inputs,
        "outputArtifactDetails": action_type.outputs,
        "permissions": { "allowedAccounts": ["*"] },
        "properties": properties,
        "urls": action_type.settings.as_ref().map(urls),
    }))
}

fn urls(settings: &Settings) -> Value {
    without_nulls(json!({
        "configurationUrl": settings.third_party_configuration_url,
        "entityUrlTemplate": settings.entity_url_template,
        "executionUrlTemplate": settings.execution_url_template,
        "revisionUrlTemplate": settings.revision_url_template,
    }))
}
