//! Handlers of managed policies and their versions.

use penstock_actors::companions::iam::{
    GROUP_ENTITY, NewPolicy, PolicyFilter, PolicyUsage, ROLE_ENTITY, Tag, USER_ENTITY,
};
use penstock_actors::companions::wall_clock;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{self, Showing};
use super::roles::PageInput;
use crate::caller::Caller;
use crate::handler::{Answer, decode};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreatePolicy {
    policy_name: String,
    path: Option<String>,
    policy_document: String,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// What most operations on a policy take, each its part.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyInput {
    policy_arn: String,
    #[serde(default)]
    version_id: String,
    #[serde(default)]
    policy_document: String,
    set_as_default: Option<bool>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
    entity_filter: Option<String>,
    path_prefix: Option<String>,
    policy_usage_filter: Option<String>,
    #[serde(flatten)]
    page: PageInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListPolicies {
    scope: Option<String>,
    only_attached: Option<bool>,
    path_prefix: Option<String>,
    policy_usage_filter: Option<String>,
    #[serde(flatten)]
    page: PageInput,
}

pub(super) async fn create_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: CreatePolicy = decode(input)?;
    let new = NewPolicy {
        name: input.policy_name,
        path: input.path,
        document: input.policy_document,
        description: input.description,
        tags: input.tags,
    };
    let policy = services.iam.create_policy(&caller.account, new, wall_clock::now()).await?;
    Ok(Some(json!({"Policy": answers::policy(&policy, Showing::One)})))
}

pub(super) async fn get_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: PolicyInput = decode(input)?;
    let policy = services.iam.policy(&caller.account, &input.policy_arn).await?;
    Ok(Some(json!({"Policy": answers::policy(&policy, Showing::One)})))
}

pub(super) async fn list_policies(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: ListPolicies = decode(input)?;
    let filter = PolicyFilter {
        scope: input.scope,
        only_attached: input.only_attached,
        path_prefix: input.path_prefix,
        usage: input.policy_usage_filter.as_deref().and_then(usage),
    };
    let policies = services.iam.list_policies(&caller.account, &filter, &input.page.into()).await?;
    let shown = policies.map(|policy| answers::policy(&policy, Showing::Listed));
    Ok(Some(answers::page("Policies", shown)))
}

pub(super) async fn delete_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: PolicyInput = decode(input)?;
    services.iam.delete_policy(&caller.account, &input.policy_arn).await?;
    Ok(None)
}

pub(super) async fn create_policy_version(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: PolicyInput = decode(input)?;
    let (document, default, now) = (input.policy_document, input.set_as_default, wall_clock::now());
    let version = services
        .iam
        .create_policy_version(&caller.account, &input.policy_arn, document, default, now)
        .await?;
    Ok(Some(json!({"PolicyVersion": answers::policy_version(&version, Showing::Listed)})))
}

pub(super) async fn get_policy_version(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: PolicyInput = decode(input)?;
    let version = services.iam.policy_version(&caller.account, &input.policy_arn, &input.version_id).await?;
    Ok(Some(json!({"PolicyVersion": answers::policy_version(&version, Showing::One)})))
}

pub(super) async fn list_policy_versions(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: PolicyInput = decode(input)?;
    let page = input.page.into();
    let versions = services.iam.list_policy_versions(&caller.account, &input.policy_arn, &page).await?;
    let shown = versions.map(|version| answers::policy_version(&version, Showing::Listed));
    Ok(Some(answers::page("Versions", shown)))
}

pub(super) async fn set_default_policy_version(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: PolicyInput = decode(input)?;
    let (arn, version) = (&input.policy_arn, &input.version_id);
    services.iam.set_default_policy_version(&caller.account, arn, version, wall_clock::now()).await?;
    Ok(None)
}

pub(super) async fn delete_policy_version(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: PolicyInput = decode(input)?;
    services.iam.delete_policy_version(&caller.account, &input.policy_arn, &input.version_id).await?;
    Ok(None)
}

pub(super) async fn tag_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: PolicyInput = decode(input)?;
    services.iam.tag_policy(&caller.account, &input.policy_arn, input.tags).await?;
    Ok(None)
}

pub(super) async fn untag_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: PolicyInput = decode(input)?;
    services.iam.untag_policy(&caller.account, &input.policy_arn, &input.tag_keys).await?;
    Ok(None)
}

pub(super) async fn list_policy_tags(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: PolicyInput = decode(input)?;
    let page = input.page.into();
    let tags = services.iam.list_policy_tags(&caller.account, &input.policy_arn, &page).await?;
    let shown = tags.map(|tag| json!({"Key": tag.key, "Value": tag.value}));
    Ok(Some(answers::page("Tags", shown)))
}

pub(super) async fn list_entities_for_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: PolicyInput = decode(input)?;
    let (prefix, page) = (input.path_prefix.as_deref(), input.page.into());
    let (usage, kind) =
        (input.policy_usage_filter.as_deref().and_then(usage), input.entity_filter.as_deref());
    let found =
        services.iam.entities_with_policy(&caller.account, &input.policy_arn, prefix, usage, kind, &page);
    let found = found.await?;
    let of = |wanted: &str| -> Vec<Value> {
        let some = found.items.iter().filter(|entity| entity.kind == wanted);
        some.map(|entity| json!({format!("{wanted}Name"): entity.name, format!("{wanted}Id"): entity.id}))
            .collect()
    };
    Ok(Some(json!({
        "PolicyRoles": of(ROLE_ENTITY),
        "PolicyUsers": of(USER_ENTITY),
        "PolicyGroups": of(GROUP_ENTITY),
        "IsTruncated": found.marker.is_some(),
        "Marker": found.marker,
    })))
}

fn usage(filter: &str) -> Option<PolicyUsage> {
    match filter {
        "PermissionsPolicy" => Some(PolicyUsage::PermissionsPolicy),
        "PermissionsBoundary" => Some(PolicyUsage::PermissionsBoundary),
        _ => None,
    }
}
