//! Handlers of the policies of a role.

use penstock_actors::companions::wall_clock;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers;
use super::roles::PageInput;
use crate::caller::Caller;
use crate::companions::query_services::parsed;
use crate::handler::Answer;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InlineInput {
    role_name: String,
    policy_name: String,
    #[serde(default)]
    policy_document: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentInput {
    role_name: String,
    policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListInput {
    role_name: String,
    path_prefix: Option<String>,
    #[serde(flatten)]
    page: PageInput,
}

pub(super) async fn put_role_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: InlineInput = parsed(input)?;
    let (role, policy) = (&input.role_name, &input.policy_name);
    services.iam.put_role_policy(&caller.account, role, policy, input.policy_document).await?;
    Ok(None)
}

pub(super) async fn get_role_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: InlineInput = parsed(input)?;
    let document = services.iam.role_policy(&caller.account, &input.role_name, &input.policy_name).await?;
    Ok(Some(json!({
        "RoleName": input.role_name,
        "PolicyName": input.policy_name,
        "PolicyDocument": answers::document(&document),
    })))
}

pub(super) async fn delete_role_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: InlineInput = parsed(input)?;
    services.iam.delete_role_policy(&caller.account, &input.role_name, &input.policy_name).await?;
    Ok(None)
}

pub(super) async fn list_role_policies(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: ListInput = parsed(input)?;
    let page = input.page.into();
    let names = services.iam.list_role_policies(&caller.account, &input.role_name, &page).await?;
    Ok(Some(answers::page("PolicyNames", names.map(Value::String))))
}

pub(super) async fn attach_role_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: AttachmentInput = parsed(input)?;
    let (role, arn) = (&input.role_name, &input.policy_arn);
    services.iam.attach_role_policy(&caller.account, role, arn, wall_clock::now()).await?;
    Ok(None)
}

pub(super) async fn detach_role_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: AttachmentInput = parsed(input)?;
    services.iam.detach_role_policy(&caller.account, &input.role_name, &input.policy_arn).await?;
    Ok(None)
}

pub(super) async fn list_attached_role_policies(
    services: &Services,
    caller: &Caller,
    input: Value,
) -> Answer {
    let input: ListInput = parsed(input)?;
    let (prefix, page) = (input.path_prefix.as_deref(), input.page.into());
    let attached =
        services.iam.list_attached_role_policies(&caller.account, &input.role_name, prefix, &page).await?;
    let shown = attached.map(|policy| json!({"PolicyName": policy.name, "PolicyArn": policy.arn}));
    Ok(Some(answers::page("AttachedPolicies", shown)))
}
