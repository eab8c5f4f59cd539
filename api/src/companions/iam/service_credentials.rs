//! Handlers of users' credentials for one service.

use penstock_actors::companions::iam::{CODECOMMIT, KeyStatus, ServiceCredential};
use penstock_actors::companions::wall_clock;
use serde::Deserialize;
use serde_json::{Value, json};

use super::access_keys::{status, word};
use super::answers;
use super::users::meant;
use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::services::Services;

/// What these operations take, each its part. There are never more than fit on a page of one user's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    user_name: Option<String>,
    service_name: Option<String>,
    #[serde(default)]
    service_specific_credential_id: String,
    status: Option<String>,
    all_users: Option<bool>,
    credential_age_days: Option<u32>,
}

/// This answer and that of a reset are the only ones that show the password.
pub(super) async fn create(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let user = meant(caller, input.user_name)?;
    let service = input.service_name.unwrap_or_default();
    if input.credential_age_days.is_some() {
        let text = format!("credentialAgeDays cannot be used with {service}.");
        return Err(AwsError::client("InvalidInput", text));
    }
    let now = wall_clock::now();
    let made = services.iam.create_service_credential(&caller.account, &user, &service, now).await?;
    Ok(Some(json!({ "ServiceSpecificCredential": with_password(services, &user, &made) })))
}

pub(super) async fn reset(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let user = meant(caller, input.user_name)?;
    let id = &input.service_specific_credential_id;
    let reset = services.iam.reset_service_credential(&caller.account, &user, id).await?;
    Ok(Some(json!({ "ServiceSpecificCredential": with_password(services, &user, &reset) })))
}

pub(super) async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let user = match input.all_users {
        Some(true) => None,
        _ => Some(meant(caller, input.user_name)?),
    };
    let found = services.iam.list_service_credentials(&caller.account, user.as_deref()).await?;
    let is_wanted = input.service_name.is_none_or(|service| service == CODECOMMIT);
    let shown = found.iter().filter(|_| is_wanted).map(|(user, credential)| shown(user, credential));
    Ok(Some(json!({"ServiceSpecificCredentials": shown.collect::<Vec<_>>(), "IsTruncated": false})))
}

pub(super) async fn update(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let wanted: KeyStatus = status(input.status.as_deref())?;
    let (user, id) = (meant(caller, input.user_name)?, &input.service_specific_credential_id);
    services.iam.update_service_credential(&caller.account, &user, id, wanted).await?;
    Ok(None)
}

pub(super) async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let (user, id) = (meant(caller, input.user_name)?, &input.service_specific_credential_id);
    services.iam.delete_service_credential(&caller.account, &user, id).await?;
    Ok(None)
}

fn shown(user: &str, credential: &ServiceCredential) -> Value {
    json!({
        "UserName": user,
        "Status": word(credential.status),
        "ServiceUserName": credential.user_name,
        "CreateDate": answers::date(credential.created),
        "ServiceSpecificCredentialId": credential.id,
        "ServiceName": CODECOMMIT,
    })
}

fn with_password(services: &Services, user: &str, credential: &ServiceCredential) -> Value {
    let mut shown = shown(user, credential);
    shown["ServicePassword"] = Value::String(services.sts.service_password(credential));
    shown
}
