//! TagResource, UntagResource, ListTagsForResource: of pipelines, custom action types and webhooks.

use std::collections::BTreeMap;

use penstock_engine::declaration::action::ActionTypeId;
use penstock_engine::ids::PipelineKey;
use penstock_engine::rejection::{Rejection, RejectionKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::services::Services;

use super::action_types::place;

/// API reference: `Tag`.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Tag {
    key: String,
    value: String,
}

/// Tags as a list sends them; a key that comes twice is refused (inferred).
pub(super) fn tag_map(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, AwsError> {
    let mut map = BTreeMap::new();
    for Tag { key, value } in tags {
        if map.contains_key(&key) {
            let text = format!("The tag key '{key}' is given more than once.");
            return Err(Rejection::new(RejectionKind::InvalidTags, text).into());
        }
        map.insert(key, value);
    }
    Ok(map)
}

/// Tags as an answer lists them.
pub(super) fn listed(tags: BTreeMap<String, String>) -> Value {
    tags.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TagInput {
    resource_arn: String,
    tags: Vec<Tag>,
}

pub(super) async fn tag(services: &Services, caller: &Caller, input: Value) -> Answer {
    let TagInput { resource_arn, tags } = decode(input)?;
    let (resource, tags) = (resource(caller, &resource_arn)?, tag_map(tags)?);
    match resource {
        Resource::Pipeline(pipeline) => services.pipelines()?.tag(pipeline, tags).await?,
        Resource::ActionType(id) => services.pipelines()?.tag_action_type(&place(caller), &id, &tags).await?,
        Resource::Webhook(name) => services.pipelines()?.tag_webhook(&place(caller), &name, &tags).await?,
    }
    Ok(Some(json!({})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Untag {
    resource_arn: String,
    tag_keys: Vec<String>,
}

pub(super) async fn untag(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Untag { resource_arn, tag_keys } = decode(input)?;
    match resource(caller, &resource_arn)? {
        Resource::Pipeline(pipeline) => services.pipelines()?.untag(pipeline, tag_keys).await?,
        Resource::ActionType(id) => {
            services.pipelines()?.untag_action_type(&place(caller), &id, &tag_keys).await?;
        }
        Resource::Webhook(name) => {
            services.pipelines()?.untag_webhook(&place(caller), &name, &tag_keys).await?;
        }
    }
    Ok(Some(json!({})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    resource_arn: String,
    next_token: Option<String>,
}

/// All tags in one page, whatever page size is asked for: so no token was ever given.
pub(super) async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let List { resource_arn, next_token } = decode(input)?;
    if next_token.is_some() {
        return Err(Rejection::new(RejectionKind::InvalidNextToken, "The next token is not valid.").into());
    }
    let tags = match resource(caller, &resource_arn)? {
        Resource::Pipeline(pipeline) => services.pipelines()?.tags(&pipeline).await?,
        Resource::ActionType(id) => services.pipelines()?.action_type_tags(&place(caller), &id).await?,
        Resource::Webhook(name) => services.pipelines()?.webhook_tags(&place(caller), &name).await?,
    };
    Ok(Some(json!({ "tags": listed(tags) })))
}

/// What can be tagged.
enum Resource {
    Pipeline(PipelineKey),
    ActionType(ActionTypeId),
    Webhook(String),
}

/// What an ARN names: `arn:<partition>:codepipeline:<region>:<account>:<name>` a pipeline,
/// `…:actiontype:<owner>/<category>/<provider>/<version>` a custom action type, `…:webhook:<name>` a webhook.
/// Of another account or Region, or of
/// a stage or an action: `InvalidArnException`; a kind of resource that is not there yet, or a name that is not:
/// `ResourceNotFoundException`.
fn resource(caller: &Caller, arn: &str) -> Result<Resource, AwsError> {
    let invalid = || {
        let text = format!("The ARN {arn} is not valid for a resource of this account and Region.");
        AwsError::from(Rejection::new(RejectionKind::InvalidArn, text))
    };
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, "codepipeline", region, account, resource] = parts.as_slice() else { return Err(invalid()) };
    if *region != caller.region || *account != caller.account {
        return Err(invalid());
    }
    match resource.split_once(':') {
        None if resource.contains('/') => Err(invalid()),
        None => Ok(Resource::Pipeline(super::input::pipeline(caller, (*resource).to_owned()))),
        // The tagging guide writes the word in one way, the permissions' reference in the other.
        Some((kind, id)) if kind.eq_ignore_ascii_case("actiontype") => {
            action_type(id).map(Resource::ActionType).ok_or_else(invalid)
        }
        Some(("webhook", name)) => Ok(Resource::Webhook(name.to_owned())),
        Some(_) => {
            let text = format!("The resource {arn} does not exist.");
            Err(Rejection::new(RejectionKind::ResourceNotFound, text).into())
        }
    }
}

fn action_type(id: &str) -> Option<ActionTypeId> {
    let parts: Vec<&str> = id.split('/').collect();
    let [owner, category, provider, version] = parts.as_slice() else { return None };
    let named = json!({ "owner": owner, "category": category, "provider": provider, "version": version });
    serde_json::from_value(named).ok()
}
