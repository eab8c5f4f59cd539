//! Handlers of groups.

use penstock_actors::companions::iam::Membership;
use penstock_actors::companions::wall_clock;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{self, Showing};
use super::roles::PageInput;
use crate::caller::Caller;
use crate::handler::{Answer, decode};
use crate::services::Services;

/// What the operations on a group take, each its part.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    #[serde(default)]
    group_name: String,
    #[serde(default)]
    user_name: String,
    path: Option<String>,
    path_prefix: Option<String>,
    new_path: Option<String>,
    new_group_name: Option<String>,
    #[serde(flatten)]
    page: PageInput,
}

pub(super) async fn create(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Input { group_name, path, .. } = decode(input)?;
    let group = services.iam.create_group(&caller.account, &group_name, path, wall_clock::now()).await?;
    Ok(Some(json!({"Group": answers::group(&caller.account, &group)})))
}

pub(super) async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Input { group_name, page, .. } = decode(input)?;
    let account = &caller.account;
    let group = services.iam.group(account, &group_name).await?;
    let members = services.iam.members_of(account, &group_name, &page.into()).await?;
    let mut shown =
        answers::page("Users", members.map(|user| answers::user(account, &user, Showing::Listed)));
    shown["Group"] = answers::group(account, &group);
    Ok(Some(shown))
}

pub(super) async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Input { path_prefix, page, .. } = decode(input)?;
    let groups = services.iam.list_groups(&caller.account, path_prefix.as_deref(), &page.into()).await?;
    Ok(Some(answers::page("Groups", groups.map(|group| answers::group(&caller.account, &group)))))
}

pub(super) async fn list_for_user(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Input { user_name, page, .. } = decode(input)?;
    let groups = services.iam.groups_for_user(&caller.account, &user_name, &page.into()).await?;
    Ok(Some(answers::page("Groups", groups.map(|group| answers::group(&caller.account, &group)))))
}

pub(super) async fn update(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Input { group_name, new_path, new_group_name, .. } = decode(input)?;
    services.iam.update_group(&caller.account, &group_name, new_path, new_group_name).await?;
    Ok(None)
}

pub(super) async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Input { group_name, .. } = decode(input)?;
    services.iam.delete_group(&caller.account, &group_name).await?;
    Ok(None)
}

pub(super) async fn add_user(services: &Services, caller: &Caller, input: Value) -> Answer {
    set(services, caller, input, Membership::Added).await
}

pub(super) async fn remove_user(services: &Services, caller: &Caller, input: Value) -> Answer {
    set(services, caller, input, Membership::Removed).await
}

async fn set(services: &Services, caller: &Caller, input: Value, membership: Membership) -> Answer {
    let Input { group_name, user_name, .. } = decode(input)?;
    services.iam.set_membership(&caller.account, &group_name, &user_name, membership).await?;
    Ok(None)
}
