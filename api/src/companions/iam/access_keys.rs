//! Handlers of users' access keys.

use penstock_actors::companions::iam::KeyStatus;
use penstock_actors::companions::wall_clock;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers;
use super::users::meant;
use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::services::Services;

/// What these operations take, each its part. A user has no more keys than fit on a page.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    user_name: Option<String>,
    #[serde(default)]
    access_key_id: String,
    status: Option<String>,
}

/// The only answer that shows the secret.
pub(super) async fn create(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let (user, id) = (meant(caller, input.user_name)?, services.sts.new_user_key()?);
    let key = services.iam.create_access_key(&caller.account, &user, id, wall_clock::now()).await?;
    let secret = services.sts.secret_access_key(&key.id).ok_or_else(AwsError::internal)?;
    Ok(Some(json!({"AccessKey": {
        "UserName": user,
        "AccessKeyId": key.id,
        "Status": word(key.status),
        "SecretAccessKey": secret,
        "CreateDate": answers::date(key.created),
    }})))
}

pub(super) async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let user = services.iam.user(&caller.account, &meant(caller, input.user_name)?).await?;
    let shown = user.keys.iter().map(|key| {
        json!({
            "UserName": user.name,
            "AccessKeyId": key.id,
            "Status": word(key.status),
            "CreateDate": answers::date(key.created),
        })
    });
    Ok(Some(json!({"AccessKeyMetadata": shown.collect::<Vec<_>>(), "IsTruncated": false})))
}

pub(super) async fn update(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let status = status(input.status.as_deref())?;
    let user = meant(caller, input.user_name)?;
    services.iam.update_access_key(&caller.account, &user, &input.access_key_id, status).await?;
    Ok(None)
}

pub(super) async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let user = meant(caller, input.user_name)?;
    services.iam.delete_access_key(&caller.account, &user, &input.access_key_id).await?;
    Ok(None)
}

pub(super) fn status(word: Option<&str>) -> Result<KeyStatus, AwsError> {
    match word {
        Some("Active") => Ok(KeyStatus::Active),
        Some("Inactive") => Ok(KeyStatus::Inactive),
        _ => Err(AwsError::client("ValidationError", "A key's status is Active or Inactive.")),
    }
}

pub(super) fn word(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Active => "Active",
        KeyStatus::Inactive => "Inactive",
    }
}
