//! Handlers of the policies of a role, a user or a group.

use penstock_actors::companions::iam::Entity;
use penstock_actors::companions::wall_clock;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers;
use super::roles::PageInput;
use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::services::Services;

/// What these operations take, each its part.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    role_name: Option<String>,
    user_name: Option<String>,
    group_name: Option<String>,
    #[serde(default)]
    policy_name: String,
    #[serde(default)]
    policy_document: String,
    #[serde(default)]
    policy_arn: String,
    path_prefix: Option<String>,
    #[serde(flatten)]
    page: PageInput,
}

impl Input {
    /// Each operation requires one of them.
    fn on(&self) -> Result<Entity<'_>, AwsError> {
        match (&self.role_name, &self.user_name, &self.group_name) {
            (Some(role), ..) => Ok(Entity::Role(role)),
            (None, Some(user), _) => Ok(Entity::User(user)),
            (None, None, Some(group)) => Ok(Entity::Group(group)),
            (None, None, None) => Err(AwsError::internal()),
        }
    }
}

pub(super) async fn put(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let document = input.policy_document.clone();
    services.iam.put_inline_policy(&caller.account, input.on()?, &input.policy_name, document).await?;
    Ok(None)
}

pub(super) async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let document = services.iam.inline_policy(&caller.account, input.on()?, &input.policy_name).await?;
    Ok(Some(json!({
        "RoleName": input.role_name,
        "UserName": input.user_name,
        "GroupName": input.group_name,
        "PolicyName": input.policy_name,
        "PolicyDocument": answers::document(&document),
    })))
}

pub(super) async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    services.iam.delete_inline_policy(&caller.account, input.on()?, &input.policy_name).await?;
    Ok(None)
}

pub(super) async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let mut input: Input = decode(input)?;
    let page = std::mem::take(&mut input.page).into();
    let names = services.iam.list_inline_policies(&caller.account, input.on()?, &page).await?;
    Ok(Some(answers::page("PolicyNames", names.map(Value::String))))
}

pub(super) async fn attach(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let now = wall_clock::now();
    services.iam.attach_policy(&caller.account, input.on()?, &input.policy_arn, now).await?;
    Ok(None)
}

pub(super) async fn detach(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    services.iam.detach_policy(&caller.account, input.on()?, &input.policy_arn).await?;
    Ok(None)
}

pub(super) async fn list_attached(services: &Services, caller: &Caller, input: Value) -> Answer {
    let mut input: Input = decode(input)?;
    let page = std::mem::take(&mut input.page).into();
    let prefix = input.path_prefix.as_deref();
    let attached = services.iam.list_attached_policies(&caller.account, input.on()?, prefix, &page).await?;
    let shown = attached.map(|policy| json!({"PolicyName": policy.name, "PolicyArn": policy.arn}));
    Ok(Some(answers::page("AttachedPolicies", shown)))
}
