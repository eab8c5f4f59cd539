//! PutRule, DeleteRule, DescribeRule, EnableRule, DisableRule, ListRules, and the tags of rules.

use std::collections::BTreeMap;

use penstock_actors::companions::events::service::{Owner, PutRule, shown};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::services::Services;

use super::operations::{check_bus, refuse};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    name: String,
    schedule_expression: Option<String>,
    event_pattern: Option<String>,
    state: Option<String>,
    description: Option<String>,
    role_arn: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    event_bus_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

fn tag_map(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

pub(super) async fn put(services: &Services, owner: Owner, input: Value) -> Answer {
    let put: Put = decode(input)?;
    check_bus(put.event_bus_name.as_ref())?;
    let rule = PutRule {
        name: put.name,
        event_pattern: put.event_pattern,
        schedule_expression: put.schedule_expression,
        enabled: put.state.as_deref() != Some("DISABLED"),
        description: put.description,
        role_arn: put.role_arn,
        tags: tag_map(put.tags),
    };
    let arn = services.events.put_rule(&owner, rule).await.map_err(refuse)?;
    Ok(Some(json!({ "RuleArn": arn })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: String,
    event_bus_name: Option<String>,
}

fn named(input: Value) -> Result<String, AwsError> {
    let Named { name, event_bus_name } = decode(input)?;
    check_bus(event_bus_name.as_ref())?;
    Ok(name)
}

pub(super) async fn delete(services: &Services, owner: Owner, input: Value) -> Answer {
    services.events.delete_rule(&owner, &named(input)?).await.map_err(refuse)?;
    Ok(None)
}

pub(super) async fn describe(services: &Services, owner: Owner, input: Value) -> Answer {
    let rule = services.events.described(&owner, &named(input)?).await.map_err(refuse)?;
    let mut described = shown(&owner, &rule);
    described["CreatedBy"] = json!(owner.account);
    Ok(Some(described))
}

pub(super) async fn enable(services: &Services, owner: Owner, input: Value) -> Answer {
    services.events.switch(&owner, &named(input)?, true).await.map_err(refuse)?;
    Ok(None)
}

pub(super) async fn disable(services: &Services, owner: Owner, input: Value) -> Answer {
    services.events.switch(&owner, &named(input)?, false).await.map_err(refuse)?;
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    #[serde(default)]
    name_prefix: String,
    event_bus_name: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
}

/// A token is the last name of the page before.
pub(super) async fn list(services: &Services, owner: Owner, input: Value) -> Answer {
    let List { name_prefix, event_bus_name, next_token, limit } = decode(input)?;
    check_bus(event_bus_name.as_ref())?;
    let rules = services.events.rules(&owner).await.map_err(refuse)?;
    let wanted = rules
        .iter()
        .filter(|rule| rule.name.starts_with(&name_prefix))
        .filter(|rule| next_token.as_ref().is_none_or(|token| rule.name > *token));
    let mut wanted: Vec<_> = wanted.collect();
    let size = limit.unwrap_or(100);
    let token =
        (wanted.len() > size).then(|| wanted.get(size.saturating_sub(1)).map(|rule| rule.name.clone()));
    wanted.truncate(size);
    let mut answer = json!({ "Rules": wanted.iter().map(|rule| shown(&owner, rule)).collect::<Vec<_>>() });
    if let Some(Some(token)) = token {
        answer["NextToken"] = json!(token);
    }
    Ok(Some(answer))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagged {
    #[serde(rename = "ResourceARN")]
    resource_arn: String,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

fn tagged(owner: &Owner, input: Value) -> Result<(String, Tagged), AwsError> {
    let tagged: Tagged = decode(input)?;
    let name = tagged.resource_arn.rsplit('/').next().unwrap_or_default().to_owned();
    if owner.rule_arn(&name) != tagged.resource_arn {
        let text = format!("Resource {} does not exist.", tagged.resource_arn);
        return Err(AwsError::client("ResourceNotFoundException", text));
    }
    Ok((name, tagged))
}

pub(super) async fn tag(services: &Services, owner: Owner, input: Value) -> Answer {
    let (name, Tagged { tags, .. }) = tagged(&owner, input)?;
    services.events.tag(&owner, &name, &tag_map(tags)).await.map_err(refuse)?;
    Ok(None)
}

pub(super) async fn untag(services: &Services, owner: Owner, input: Value) -> Answer {
    let (name, Tagged { tag_keys, .. }) = tagged(&owner, input)?;
    services.events.untag(&owner, &name, &tag_keys).await.map_err(refuse)?;
    Ok(None)
}

pub(super) async fn list_tags(services: &Services, owner: Owner, input: Value) -> Answer {
    let (name, _) = tagged(&owner, input)?;
    let rule = services.events.described(&owner, &name).await.map_err(refuse)?;
    let tags: Vec<Value> =
        rule.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(Some(json!({ "Tags": tags })))
}
