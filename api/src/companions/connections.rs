//! CodeConnections, under both of its names.

use penstock_actors::companions::connections::{Connection, Name, NewConnection, Refusal};
use penstock_actors::companions::place::Place;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, Handler, decode};
use crate::services::Services;

/// How many are listed at once where the caller does not say.
const USUAL: usize = 100;

/// The handler of an operation that was called as CodeConnections.
pub(super) fn codeconnections(operation: &str) -> Option<Handler> {
    match operation {
        "CreateConnection" => {
            Some(|services, caller, input| Box::pin(create(services, caller, Name::CodeConnections, input)))
        }
        _ => handler(operation),
    }
}

/// The handler of an operation that was called as CodeStar Connections.
pub(super) fn codestar_connections(operation: &str) -> Option<Handler> {
    match operation {
        "CreateConnection" => Some(|services, caller, input| {
            Box::pin(create(services, caller, Name::CodeStarConnections, input))
        }),
        _ => handler(operation),
    }
}

fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "DeleteConnection" => |services, caller, input| Box::pin(delete(services, caller, input)),
        "GetConnection" => |services, caller, input| Box::pin(get(services, caller, input)),
        "ListConnections" => |services, caller, input| Box::pin(list(services, caller, input)),
        "ListTagsForResource" => |services, caller, input| Box::pin(list_tags(services, caller, input)),
        "TagResource" => |services, caller, input| Box::pin(tag(services, caller, input)),
        "UntagResource" => |services, caller, input| Box::pin(untag(services, caller, input)),
        _ => return None,
    })
}

fn place(caller: &Caller) -> Place<'_> {
    Place { account: &caller.account, region: &caller.region }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    connection_name: String,
    provider_type: Option<String>,
    host_arn: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

async fn create(services: &Services, caller: &Caller, called: Name, input: Value) -> Answer {
    let Create { connection_name, provider_type, host_arn, tags } = decode(input)?;
    let tags: Vec<Tag> = tags;
    let shown: Vec<Value> = tags.iter().map(|tag| json!({"Key": tag.key, "Value": tag.value})).collect();
    let new = NewConnection {
        name: connection_name,
        provider: provider_type,
        host: host_arn,
        tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
    };
    let made = services.connections.create(place(caller), called, new).await?;
    Ok(Some(json!({ "ConnectionArn": made.arn(place(caller)), "Tags": shown })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfConnection {
    connection_arn: String,
}

async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let OfConnection { connection_arn } = decode(input)?;
    let found = services.connections.get(place(caller), &connection_arn).await?;
    Ok(Some(json!({ "Connection": shown(caller, &found) })))
}

async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let OfConnection { connection_arn } = decode(input)?;
    services.connections.delete(place(caller), &connection_arn).await?;
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    provider_type_filter: Option<String>,
    host_arn_filter: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// A token is the id of the last connection that was shown.
async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let List { provider_type_filter, host_arn_filter, max_results, next_token } = decode(input)?;
    let mut found = services.connections.list(place(caller), next_token.as_deref()).await?;
    let is_wanted = |filter: &Option<String>, is: Option<&String>| filter.is_none() || filter.as_ref() == is;
    found.retain(|connection| {
        is_wanted(&provider_type_filter, Some(&connection.provider))
            && is_wanted(&host_arn_filter, connection.host.as_ref())
    });
    let most = max_results.filter(|most| *most > 0).unwrap_or(USUAL);
    let is_more = found.len() > most;
    found.truncate(most);
    let connections: Vec<Value> = found.iter().map(|connection| shown(caller, connection)).collect();
    let mut answer = json!({ "Connections": connections });
    if let Some(last) = found.last().filter(|_| is_more) {
        answer["NextToken"] = Value::from(last.id.as_str());
    }
    Ok(Some(answer))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfResource {
    resource_arn: String,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

async fn list_tags(services: &Services, caller: &Caller, input: Value) -> Answer {
    let OfResource { resource_arn, .. } = decode(input)?;
    let found = services.connections.get(place(caller), &resource_arn).await?;
    let tags: Vec<Value> =
        found.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(Some(json!({ "Tags": tags })))
}

async fn tag(services: &Services, caller: &Caller, input: Value) -> Answer {
    let OfResource { resource_arn, tags, .. } = decode(input)?;
    let tags = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    services.connections.tag(place(caller), &resource_arn, tags).await?;
    Ok(None)
}

async fn untag(services: &Services, caller: &Caller, input: Value) -> Answer {
    let OfResource { resource_arn, tag_keys, .. } = decode(input)?;
    services.connections.untag(place(caller), &resource_arn, &tag_keys).await?;
    Ok(None)
}

fn shown(caller: &Caller, connection: &Connection) -> Value {
    let mut shown = json!({
        "ConnectionName": connection.name,
        "ConnectionArn": connection.arn(place(caller)),
        "ProviderType": connection.provider,
        "OwnerAccountId": caller.account,
        "ConnectionStatus": "AVAILABLE",
    });
    if let Some(host) = &connection.host {
        shown["HostArn"] = Value::from(host.as_str());
    }
    shown
}

impl From<Refusal> for AwsError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::ResourceNotFound(_) => Self::client("ResourceNotFoundException", message),
            Refusal::LimitExceeded(_) => Self::client("LimitExceededException", message),
            Refusal::InvalidInput(_) => Self::client("InvalidInputException", message),
            Refusal::NoSpace(_) => Self::new("ServiceUnavailable", 503, message),
            Refusal::Store(_) => {
                tracing::error!(cause = message, "a request to CodeConnections failed");
                Self::internal()
            }
        }
    }
}
