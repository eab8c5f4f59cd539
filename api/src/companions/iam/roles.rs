//! Handlers of roles.

use penstock_actors::companions::iam::{NewRole, PageRequest, Tag};
use penstock_actors::companions::wall_clock;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{self, Showing};
use crate::caller::Caller;
use crate::handler::{Answer, decode};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateRole {
    role_name: String,
    path: Option<String>,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: Option<u32>,
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// What most operations on a role take, each its part.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleInput {
    role_name: String,
    description: Option<String>,
    max_session_duration: Option<u32>,
    #[serde(default)]
    policy_document: String,
    #[serde(default)]
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
    #[serde(flatten)]
    page: PageInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListRoles {
    path_prefix: Option<String>,
    #[serde(flatten)]
    page: PageInput,
}

/// `Marker` and `MaxItems`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInput {
    marker: Option<String>,
    max_items: Option<usize>,
}

impl From<PageInput> for PageRequest {
    fn from(page: PageInput) -> Self {
        Self { marker: page.marker, max_items: page.max_items }
    }
}

pub(super) async fn create_role(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: CreateRole = decode(input)?;
    let new = NewRole {
        name: input.role_name,
        path: input.path,
        trust: input.assume_role_policy_document,
        description: input.description,
        max_session: input.max_session_duration,
        boundary: input.permissions_boundary,
        tags: input.tags,
    };
    let role = services.iam.create_role(&caller.account, new, wall_clock::now()).await?;
    Ok(Some(json!({"Role": answers::role(&caller.account, &role, Showing::One)})))
}

pub(super) async fn get_role(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: RoleInput = decode(input)?;
    let role = services.iam.role(&caller.account, &input.role_name).await?;
    let mut shown = answers::role(&caller.account, &role, Showing::One);
    // When a role was last used is not recorded; AWS shows an empty element for "not within 400 days".
    shown["RoleLastUsed"] = json!({});
    Ok(Some(json!({"Role": shown})))
}

pub(super) async fn list_roles(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: ListRoles = decode(input)?;
    let page = input.page.into();
    let roles = services.iam.list_roles(&caller.account, input.path_prefix.as_deref(), &page).await?;
    let shown = roles.map(|role| answers::role(&caller.account, &role, Showing::Listed));
    Ok(Some(answers::page("Roles", shown)))
}

pub(super) async fn delete_role(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: RoleInput = decode(input)?;
    services.iam.delete_role(&caller.account, &input.role_name).await?;
    Ok(None)
}

pub(super) async fn update_role(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: RoleInput = decode(input)?;
    let (description, seconds) = (input.description, input.max_session_duration);
    services.iam.update_role(&caller.account, &input.role_name, description, seconds).await?;
    Ok(Some(json!({})))
}

pub(super) async fn update_role_description(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: RoleInput = decode(input)?;
    let role = services.iam.update_role(&caller.account, &input.role_name, input.description, None).await?;
    Ok(Some(json!({"Role": answers::role(&caller.account, &role, Showing::One)})))
}

pub(super) async fn update_assume_role_policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: RoleInput = decode(input)?;
    services.iam.update_trust(&caller.account, &input.role_name, input.policy_document).await?;
    Ok(None)
}

pub(super) async fn put_role_permissions_boundary(
    services: &Services,
    caller: &Caller,
    input: Value,
) -> Answer {
    let input: RoleInput = decode(input)?;
    services.iam.set_boundary(&caller.account, &input.role_name, input.permissions_boundary).await?;
    Ok(None)
}

pub(super) async fn delete_role_permissions_boundary(
    services: &Services,
    caller: &Caller,
    input: Value,
) -> Answer {
    let input: RoleInput = decode(input)?;
    services.iam.set_boundary(&caller.account, &input.role_name, None).await?;
    Ok(None)
}

pub(super) async fn tag_role(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: RoleInput = decode(input)?;
    services.iam.tag_role(&caller.account, &input.role_name, input.tags).await?;
    Ok(None)
}

pub(super) async fn untag_role(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: RoleInput = decode(input)?;
    services.iam.untag_role(&caller.account, &input.role_name, &input.tag_keys).await?;
    Ok(None)
}

pub(super) async fn list_role_tags(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: RoleInput = decode(input)?;
    let page = input.page.into();
    let tags = services.iam.list_role_tags(&caller.account, &input.role_name, &page).await?;
    let shown = tags.map(|tag| json!({"Key": tag.key, "Value": tag.value}));
    Ok(Some(answers::page("Tags", shown)))
}

/// There are no instance profiles, so no role is in one.
pub(super) async fn list_instance_profiles_for_role(
    services: &Services,
    caller: &Caller,
    input: Value,
) -> Answer {
    let input: RoleInput = decode(input)?;
    services.iam.role(&caller.account, &input.role_name).await?;
    Ok(Some(json!({"InstanceProfiles": [], "IsTruncated": false})))
}
