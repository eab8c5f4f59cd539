//! The operations of SSM's Parameter Store (API reference, Systems Manager 2014-11-06).

use penstock_actors::companions::parameters::{Overwrite, Parameter, parameter_arn};
use penstock_actors::companions::wall_clock;
use penstock_storage::StoreError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::json_services::page;
use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, Handler, decode};
use crate::services::Services;

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "DeleteParameter" => |services, caller, input| Box::pin(delete(services, caller, input)),
        "DescribeParameters" => |services, caller, input| Box::pin(describe(services, caller, input)),
        "GetParameter" => |services, caller, input| Box::pin(get(services, caller, input)),
        "GetParameters" => |services, caller, input| Box::pin(get_several(services, caller, input)),
        "ListTagsForResource" => |_, _, _| Box::pin(async { Ok(Some(json!({ "TagList": [] }))) }),
        "PutParameter" => |services, caller, input| Box::pin(put(services, caller, input)),
        _ => return None,
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Input {
    name: String,
    names: Vec<String>,
    value: String,
    r#type: Option<String>,
    description: Option<String>,
    overwrite: bool,
    parameter_filters: Vec<ParameterFilter>,
    filters: Vec<ParameterFilter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ParameterFilter {
    key: String,
    option: Option<String>,
    values: Vec<String>,
}

pub(super) fn internal(error: StoreError) -> AwsError {
    tracing::error!(%error, "a companion failed");
    AwsError::internal()
}

/// An ARN names a parameter, too.
fn name_of(named: &str) -> &str {
    match named.split_once(":parameter/") {
        // The slash of a hierarchy's name stands in the ARN only once.
        Some((_, name)) if name.contains('/') => named.get(named.len() - name.len() - 1..).unwrap_or(name),
        Some((_, name)) => name,
        None => named,
    }
}

async fn put(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    services.accepts_data().map_err(|full| AwsError::new("ServiceUnavailable", 503, full))?;
    let (account, region) = (&caller.account, &caller.region);
    let before = services.parameters.parameter(account, region, &input.name).await.map_err(internal)?;
    let Some(kind) = input.r#type.or_else(|| before.map(|before| before.kind)) else {
        let text = "A parameter type is required when you create a parameter.";
        return Err(AwsError::validation(text));
    };
    let parameter = Parameter {
        name: input.name,
        value: input.value,
        kind,
        description: input.description,
        version: 0,
        modified: wall_clock::now(),
    };
    let overwrite = if input.overwrite { Overwrite::Yes } else { Overwrite::No };
    let version =
        services.parameters.put_parameter(account, region, parameter, overwrite).await.map_err(internal)?;
    match version {
        Some(version) => Ok(Some(json!({ "Version": version, "Tier": "Standard" }))),
        None => Err(AwsError::client(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        )),
    }
}

async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let name = name_of(&input.name);
    let found =
        services.parameters.parameter(&caller.account, &caller.region, name).await.map_err(internal)?;
    let parameter = found.ok_or_else(|| AwsError::client("ParameterNotFound", ""))?;
    Ok(Some(json!({ "Parameter": shown(caller, &parameter) })))
}

async fn get_several(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for name in input.names {
        let (account, region) = (&caller.account, &caller.region);
        match services.parameters.parameter(account, region, name_of(&name)).await.map_err(internal)? {
            Some(parameter) => found.push(shown(caller, &parameter)),
            None => invalid.push(name),
        }
    }
    Ok(Some(json!({ "Parameters": found, "InvalidParameters": invalid })))
}

async fn describe(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let all = services.parameters.parameters(&caller.account, &caller.region).await.map_err(internal)?;
    let filters: Vec<&ParameterFilter> = input.parameter_filters.iter().chain(&input.filters).collect();
    if let Some(filter) = filters.iter().find(|filter| filter.key != "Name") {
        let text = format!("The filter key {} is not supported here", filter.key);
        return Err(AwsError::client("InvalidFilterKey", text));
    }
    let wanted = |parameter: &Parameter| {
        filters.iter().all(|filter| {
            filter.values.iter().any(|value| match filter.option.as_deref() {
                Some("BeginsWith") => parameter.name.starts_with(value.as_str()),
                Some("Contains") => parameter.name.contains(value.as_str()),
                _ => parameter.name == *value,
            })
        })
    };
    let found = all.into_iter().filter(wanted).map(|parameter| {
        let mut shown = shown(caller, &parameter);
        if let Value::Object(members) = &mut shown {
            members.remove("Value");
            members.insert("Tier".to_owned(), json!("Standard"));
            members.insert("Policies".to_owned(), json!([]));
            members.extend(parameter.description.map(|text| ("Description".to_owned(), json!(text))));
        }
        shown
    });
    let invalid = || AwsError::client("InvalidNextToken", "The specified token is not valid.");
    let size = input.max_results.unwrap_or(50);
    let (found, token) = page(found.collect(), input.next_token.as_deref(), size, invalid)?;
    let mut answer = json!({ "Parameters": found });
    if let Some(token) = token {
        answer["NextToken"] = json!(token);
    }
    Ok(Some(answer))
}

async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Input = decode(input)?;
    let (account, region) = (&caller.account, &caller.region);
    match services
        .parameters
        .delete_parameter(account, region, name_of(&input.name))
        .await
        .map_err(internal)?
    {
        true => Ok(None),
        false => Err(AwsError::client("ParameterNotFound", "")),
    }
}

/// API reference: `Parameter`.
fn shown(caller: &Caller, parameter: &Parameter) -> Value {
    json!({
        "Name": parameter.name,
        "Type": parameter.kind,
        "Value": parameter.value,
        "Version": parameter.version,
        "LastModifiedDate": parameter.modified.epoch_seconds(),
        "ARN": parameter_arn(&caller.account, &caller.region, &parameter.name),
        "DataType": "text",
    })
}
