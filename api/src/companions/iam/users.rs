//! Handlers of users.

use penstock_actors::companions::iam::{NewUser, Tag};
use penstock_actors::companions::policy::principal::Principal;
use penstock_actors::companions::wall_clock;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{self, Showing};
use super::roles::PageInput;
use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::services::Services;

/// What the operations on a user take, each its part.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    user_name: Option<String>,
    path: Option<String>,
    path_prefix: Option<String>,
    new_path: Option<String>,
    new_user_name: Option<String>,
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
    #[serde(flatten)]
    page: PageInput,
}

/// Whom an operation means that names nobody: the user whose key was used.
pub(super) fn meant(caller: &Caller, named: Option<String>) -> Result<String, AwsError> {
    match (named, &caller.principal) {
        (Some(name), _) => Ok(name),
        (None, Principal::User { arn }) => Ok(arn.rsplit('/').next().unwrap_or_default().to_owned()),
        (None, _) => {
            let text = "Must specify userName when calling with non-User credentials";
            Err(AwsError::client("ValidationError", text))
        }
    }
}

pub(super) async fn create(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let new = NewUser {
        name: input.user_name.unwrap_or_default(),
        path: input.path,
        boundary: input.permissions_boundary,
        tags: input.tags,
    };
    let user = services.iam.create_user(&caller.account, new, wall_clock::now()).await?;
    Ok(Some(json!({"User": answers::user(&caller.account, &user, Showing::One)})))
}

/// An account's own keys are shown as the root user.
pub(super) async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    if let (None, Principal::Root { account }) = (&input.user_name, &caller.principal) {
        return Ok(Some(json!({"User": {"UserId": account, "Arn": caller.arn(), "Path": "/"}})));
    }
    let user = services.iam.user(&caller.account, &meant(caller, input.user_name)?).await?;
    Ok(Some(json!({"User": answers::user(&caller.account, &user, Showing::One)})))
}

pub(super) async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let page = input.page.into();
    let users = services.iam.list_users(&caller.account, input.path_prefix.as_deref(), &page).await?;
    let shown = users.map(|user| answers::user(&caller.account, &user, Showing::Listed));
    Ok(Some(answers::page("Users", shown)))
}

pub(super) async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    services.iam.delete_user(&caller.account, &meant(caller, input.user_name)?).await?;
    Ok(None)
}

pub(super) async fn update(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let name = meant(caller, input.user_name)?;
    services.iam.update_user(&caller.account, &name, input.new_path, input.new_user_name).await?;
    Ok(None)
}

pub(super) async fn put_boundary(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let name = meant(caller, input.user_name)?;
    services.iam.set_user_boundary(&caller.account, &name, input.permissions_boundary).await?;
    Ok(None)
}

pub(super) async fn delete_boundary(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    services.iam.set_user_boundary(&caller.account, &meant(caller, input.user_name)?, None).await?;
    Ok(None)
}

pub(super) async fn tag(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    services.iam.tag_user(&caller.account, &meant(caller, input.user_name)?, input.tags).await?;
    Ok(None)
}

pub(super) async fn untag(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    services.iam.untag_user(&caller.account, &meant(caller, input.user_name)?, &input.tag_keys).await?;
    Ok(None)
}

pub(super) async fn list_tags(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let (name, page) = (meant(caller, input.user_name)?, input.page.into());
    let tags = services.iam.list_user_tags(&caller.account, &name, &page).await?;
    let shown = tags.map(|tag| json!({"Key": tag.key, "Value": tag.value}));
    Ok(Some(answers::page("Tags", shown)))
}
