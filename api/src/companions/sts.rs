//! STS's wire.

use penstock_actors::companions::iam::{EntityArn, Tag};
use penstock_actors::companions::policy::context::Context;
use penstock_actors::companions::policy::principal::Principal;
use penstock_actors::companions::policy::trust::AssumeRequest;
use penstock_actors::companions::sts::{AssumeRole, Credentials};
use penstock_actors::companions::wall_clock;
use serde::Deserialize;
use serde_json::{Value, json};

use super::iam::answers::date;
use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, Handler, decode};
use crate::services::Services;

/// The handler of an operation.
pub(super) fn handler(operation: &str) -> Option<Handler> {
    match operation {
        "AssumeRole" => Some(|services, caller, input| Box::pin(assume_role(services, caller, input))),
        "GetCallerIdentity" => {
            Some(|services, caller, input| Box::pin(get_caller_identity(services, caller, input)))
        }
        "GetSessionToken" => {
            Some(|services, caller, input| Box::pin(get_session_token(services, caller, input)))
        }
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssumeRoleInput {
    role_arn: String,
    role_session_name: String,
    #[serde(default)]
    policy_arns: Vec<PolicyDescriptor>,
    policy: Option<String>,
    duration_seconds: Option<u32>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    transitive_tag_keys: Vec<String>,
    external_id: Option<String>,
    source_identity: Option<String>,
    provided_contexts: Option<Value>,
    #[serde(flatten)]
    second_factor: SecondFactor,
}

#[derive(Deserialize)]
struct PolicyDescriptor {
    arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecondFactor {
    serial_number: Option<String>,
    token_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetSessionTokenInput {
    duration_seconds: Option<u32>,
    #[serde(flatten)]
    second_factor: SecondFactor,
}

async fn assume_role(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: AssumeRoleInput = decode(input)?;
    input.second_factor.refuse()?;
    if input.provided_contexts.is_some() {
        return Err(invalid("ProvidedContexts are not supported: no trusted context provider is here"));
    }
    if EntityArn::role(&input.role_arn).is_none() {
        return Err(invalid(format!("{} is invalid", input.role_arn)));
    }
    let key = caller.access_key.as_deref().unwrap_or_default();
    // What the caller's policies say counts where the role's trust policy does not name the very caller.
    let mut keys = Context::default();
    keys.set_optional("sts:ExternalId", input.external_id.as_deref());
    keys.set("sts:RoleSessionName", &input.role_session_name);
    keys.set_optional("sts:SourceIdentity", input.source_identity.as_deref());
    let permitted = services.authority.check(caller, "sts:AssumeRole", &input.role_arn, keys).await;
    let not_permitted = match permitted {
        Ok(()) => None,
        Err(refused) => Some(refused.denial().ok_or_else(AwsError::internal)?),
    };
    let of_pipeline = caller.session.as_ref().is_some_and(|session| session.of_pipeline)
        || matches!(caller.principal, Principal::Service(_));
    let request = AssumeRequest {
        external_id: input.external_id,
        session_name: None,
        source_identity: input.source_identity.clone(),
        tags: input.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        transitive_tag_keys: input.transitive_tag_keys,
        source: services.sts.source_of(key),
        region: Some(caller.region.clone()),
    };
    let wanted = AssumeRole {
        role_arn: input.role_arn,
        session_name: input.role_session_name,
        duration_seconds: input.duration_seconds,
        policy: input.policy,
        policy_arns: input.policy_arns.into_iter().filter_map(|policy| policy.arn).collect(),
        request,
        of_pipeline,
        not_permitted,
    };
    let assumed = services.sts.assume_role(&caller.principal, wanted, wall_clock::now()).await?;
    Ok(Some(json!({
        "Credentials": shown(&assumed.credentials),
        "AssumedRoleUser": {"AssumedRoleId": assumed.id, "Arn": assumed.arn},
        "PackedPolicySize": assumed.packed_percent,
        "SourceIdentity": input.source_identity,
    })))
}

async fn get_caller_identity(services: &Services, caller: &Caller, _: Value) -> Answer {
    let identity = services.sts.caller_identity(&caller.account, &caller.principal).await?;
    Ok(Some(json!({"UserId": identity.user_id, "Account": identity.account, "Arn": identity.arn})))
}

async fn get_session_token(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: GetSessionTokenInput = decode(input)?;
    input.second_factor.refuse()?;
    let seconds = input.duration_seconds;
    let credentials = services.sts.session_token(&caller.principal, seconds, wall_clock::now())?;
    Ok(Some(json!({"Credentials": shown(&credentials)})))
}

impl SecondFactor {
    /// Nobody has a device here, so no code is the right one.
    fn refuse(&self) -> Result<(), AwsError> {
        if self.serial_number.is_none() && self.token_code.is_none() {
            return Ok(());
        }
        Err(AwsError::new(
            "AccessDenied",
            403,
            "MultiFactorAuthentication failed with invalid MFA one time pass code.",
        ))
    }
}

fn shown(credentials: &Credentials) -> Value {
    json!({
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": date(credentials.expiration),
    })
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("ValidationError", message)
}
