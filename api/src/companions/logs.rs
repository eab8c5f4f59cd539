//! CloudWatch Logs' read operations (API reference, CloudWatch Logs 2014-03-28).

use penstock_actors::companions::logs::{Filter, FilteredEvent, Query, Refusal, RefusalKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::json_services::page;
use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, Handler, decode};
use crate::services::Services;

/// How many events an answer has at most.
const EVENTS: usize = 10_000;

impl From<Refusal> for AwsError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.kind {
            RefusalKind::ResourceNotFound => "ResourceNotFoundException",
            RefusalKind::InvalidParameter => "InvalidParameterException",
            RefusalKind::Internal => {
                tracing::error!(cause = %refusal.message, "Logs failed");
                return Self::internal();
            }
        };
        Self::client(code, refusal.message)
    }
}

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "DescribeLogGroups" => |services, caller, input| Box::pin(describe_groups(services, caller, input)),
        "DescribeLogStreams" => |services, caller, input| Box::pin(describe_streams(services, caller, input)),
        "FilterLogEvents" => |services, caller, input| Box::pin(filter(services, caller, input)),
        "GetLogEvents" => |services, caller, input| Box::pin(get(services, caller, input)),
        _ => return None,
    })
}

/// A group is called by its name or its ARN.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Input {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_group_name_prefix: String,
    log_group_name_pattern: Option<String>,
    log_stream_name: String,
    log_stream_names: Vec<String>,
    log_stream_name_prefix: String,
    order_by: Option<String>,
    descending: bool,
    start_time: Option<u64>,
    end_time: Option<u64>,
    next_token: Option<String>,
    limit: Option<usize>,
    start_from_head: bool,
    filter_pattern: Option<String>,
}

impl Input {
    fn group(&self) -> Result<&str, AwsError> {
        let named = self.log_group_name.as_deref().or(self.log_group_identifier.as_deref());
        let named = named.ok_or_else(|| {
            let text = "Either logGroupName or logGroupIdentifier must be given.";
            AwsError::client("InvalidParameterException", text)
        })?;
        Ok(named.split_once(":log-group:").map_or(named, |(_, name)| name.trim_end_matches(":*")))
    }
}

async fn describe_groups(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let groups = services.logs.groups(&caller.account, &caller.region, &input.log_group_name_prefix).await?;
    let pattern = input.log_group_name_pattern.as_deref().unwrap_or_default();
    let groups = groups.into_iter().filter(|group| group.name.contains(pattern)).map(|group| {
        let arn = format!("arn:aws:logs:{}:{}:log-group:{}", caller.region, caller.account, group.name);
        json!({
            "logGroupName": group.name,
            "creationTime": group.created.0,
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "logGroupArn": arn,
            "storedBytes": 0,
            "logGroupClass": "STANDARD",
        })
    });
    let size = input.limit.unwrap_or(50);
    let (groups, token) = page(groups.collect(), input.next_token.as_deref(), size, invalid_token)?;
    Ok(Some(with_token(json!({ "logGroups": groups }), token)))
}

async fn describe_streams(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let (account, region) = (&caller.account, &caller.region);
    let group = input.group()?;
    let mut streams = services.logs.streams(account, region, group, &input.log_stream_name_prefix).await?;
    if input.order_by.as_deref() == Some("LastEventTime") {
        // A build's stream is made when its events begin.
        streams.sort_by_key(|stream| stream.created);
    }
    if input.descending {
        streams.reverse();
    }
    let streams = streams.into_iter().map(|stream| {
        json!({
            "arn": format!("arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{}", stream.name),
            "logStreamName": stream.name,
            "creationTime": stream.created.0,
            "firstEventTimestamp": stream.created.0,
            "storedBytes": 0,
        })
    });
    let size = input.limit.unwrap_or(50);
    let (streams, token) = page(streams.collect(), input.next_token.as_deref(), size, invalid_token)?;
    Ok(Some(with_token(json!({ "logStreams": streams }), token)))
}

async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let query = Query {
        start: input.start_time,
        end: input.end_time,
        limit: input.limit.unwrap_or(EVENTS),
        token: input.next_token.clone(),
        from_head: input.start_from_head,
    };
    let (account, region) = (&caller.account, &caller.region);
    let part = services.logs.events(account, region, input.group()?, &input.log_stream_name, query).await?;
    let events: Vec<Value> = part
        .events
        .into_iter()
        .map(|event| json!({ "timestamp": event.at, "message": event.text, "ingestionTime": event.at }))
        .collect();
    Ok(Some(
        json!({ "events": events, "nextForwardToken": part.forward, "nextBackwardToken": part.backward }),
    ))
}

async fn filter(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let filter = Filter {
        streams: input.log_stream_names.clone(),
        prefix: input.log_stream_name_prefix.clone(),
        start: input.start_time,
        end: input.end_time,
        pattern: input.filter_pattern.clone(),
        limit: input.limit.unwrap_or(EVENTS),
        token: input.next_token.clone(),
    };
    let (account, region) = (&caller.account, &caller.region);
    let (events, token) = services.logs.filter(account, region, input.group()?, filter).await?;
    let events: Vec<Value> = events.into_iter().map(filtered).collect();
    Ok(Some(with_token(json!({ "events": events, "searchedLogStreams": [] }), token)))
}

/// An event's id is unique in its stream; readers that follow a log tell by it what they have seen.
fn filtered(FilteredEvent { stream, event }: FilteredEvent) -> Value {
    json!({
        "eventId": format!("{stream}/{:020}", event.offset),
        "logStreamName": stream,
        "timestamp": event.at,
        "message": event.text,
        "ingestionTime": event.at,
    })
}

fn invalid_token() -> AwsError {
    AwsError::client("InvalidParameterException", "The specified nextToken is invalid.")
}

fn with_token(mut answer: Value, token: Option<String>) -> Value {
    if let Some(token) = token {
        answer["nextToken"] = json!(token);
    }
    answer
}
