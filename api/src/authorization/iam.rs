//! The resources of IAM's and STS's own operations (service authorization reference, AWS Identity and Access
//! Management). The roles of actions are asked here as anybody else's.

use penstock_actors::companions::policy::context::Context;
use serde_json::Value;

use crate::caller::Caller;
use crate::error::AwsError;
use crate::services::Services;

/// Refuses an operation of IAM that the caller's policies do not permit. STS's own AssumeRole goes by the role's trust
/// policy as well and decides for itself; what else STS does is open to everybody.
pub(crate) async fn check(
    services: &Services,
    caller: &Caller,
    service: &str,
    operation: &str,
    input: &Value,
) -> Result<(), AwsError> {
    if service != "iam" || !services.authority.counts(caller) {
        return Ok(());
    }
    let resource = match user(services, caller, operation, input).await {
        Some(user) => user,
        None => resource(services, caller, input).await,
    };
    let checked = services.authority.check(caller, &format!("iam:{operation}"), &resource, keys(input)).await;
    checked.map_err(|refused| refused.as_error("AccessDenied", 403))
}

/// The user or the group that an operation is about; one that names none is about the caller.
async fn user(services: &Services, caller: &Caller, operation: &str, input: &Value) -> Option<String> {
    let account = &caller.account;
    if let Some(name) = input.get("groupName").and_then(Value::as_str) {
        let path = input.get("path").and_then(Value::as_str).unwrap_or("/");
        let found = services.iam.group(account, name).await;
        let new = || format!("arn:aws:iam::{account}:group{path}{name}");
        return Some(found.map_or_else(|_| new(), |group| group.arn(account)));
    }
    let Some(name) = input.get("userName").and_then(Value::as_str) else {
        let is_own = operation == "GetUser"
            || operation.contains("AccessKey")
            || operation.contains("ServiceSpecificCredential");
        let listed = match operation {
            "ListUsers" => Some("user"),
            "ListGroups" => Some("group"),
            _ => None,
        };
        return match listed {
            Some(kind) => {
                let prefix = input.get("pathPrefix").and_then(Value::as_str).unwrap_or("/");
                Some(format!("arn:aws:iam::{account}:{kind}{prefix}"))
            }
            None => is_own.then(|| caller.arn()),
        };
    };
    let path = input.get("path").and_then(Value::as_str).unwrap_or("/");
    let found = services.iam.user(account, name).await;
    Some(found.map_or_else(|_| format!("arn:aws:iam::{account}:user{path}{name}"), |user| user.arn(account)))
}

async fn resource(services: &Services, caller: &Caller, input: &Value) -> String {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let account = &caller.account;
    let path = text("path").unwrap_or("/");
    match (text("roleName"), text("policyArn"), text("policyName"), text("pathPrefix")) {
        (Some(name), ..) => match services.iam.role(account, name).await {
            Ok(role) => role.arn(account),
            Err(_) => format!("arn:aws:iam::{account}:role{path}{name}"),
        },
        (None, Some(arn), ..) => arn.to_owned(),
        (None, None, Some(name), _) => format!("arn:aws:iam::{account}:policy{path}{name}"),
        (None, None, None, Some(prefix)) => format!("arn:aws:iam::{account}:role{prefix}"),
        _ => "*".to_owned(),
    }
}

fn keys(input: &Value) -> Context {
    let mut keys = Context::default();
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    keys.set_optional("iam:PermissionsBoundary", text("permissionsBoundary"));
    keys.set_optional("iam:PolicyARN", text("policyArn"));
    keys
}
