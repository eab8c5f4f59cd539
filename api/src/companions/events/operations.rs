//! The table of EventBridge's operations: a name and its handler, one row each.

use futures_util::future::BoxFuture;
use penstock_actors::companions::events::refusal::Refusal;
use penstock_actors::companions::events::service::Owner;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::codepipeline::operations::Answer;
use crate::companions::models;
use crate::constraints;
use crate::dispatch::printable;
use crate::error::AwsError;
use crate::protocol::json;
use crate::services::Services;

use super::{events, rules, targets};

type Handler = for<'a> fn(&'a Services, Owner, Value) -> BoxFuture<'a, Answer>;

macro_rules! operations {
    ($($name:literal => $handler:path,)*) => {
        fn handler(operation: &str) -> Option<Handler> {
            match operation {
                $($name => Some(|services, owner, input| Box::pin($handler(services, owner, input))),)*
                _ => None,
            }
        }

        #[cfg(test)]
        const NAMES: &[&str] = &[$($name),*];
    };
}

operations! {
    "DeleteRule" => rules::delete,
    "DescribeRule" => rules::describe,
    "DisableRule" => rules::disable,
    "EnableRule" => rules::enable,
    "ListRules" => rules::list,
    "ListTagsForResource" => rules::list_tags,
    "ListTargetsByRule" => targets::list,
    "PutEvents" => events::put,
    "PutRule" => rules::put,
    "PutTargets" => targets::put,
    "RemoveTargets" => targets::remove,
    "TagResource" => rules::tag,
    "TestEventPattern" => events::test_pattern,
    "UntagResource" => rules::untag,
}

/// Decodes and checks the input, and lets the operation's handler answer.
pub(crate) async fn call(services: &Services, caller: &Caller, operation: &str, body: &[u8]) -> Answer {
    let model = models::events();
    let (Some(shape), Some(handler)) = (model.operation(operation), handler(operation)) else {
        tracing::info!(operation = %printable(operation), "EventBridge does not have the operation here");
        let message = format!("This endpoint does not serve EventBridge's {}", printable(operation));
        return Err(AwsError::client("UnknownOperationException", message));
    };
    let input = json::decode(body)?;
    constraints::validate(model, &shape.input, &input)?;
    let owner = Owner { account: caller.account.clone(), region: caller.region.clone() };
    let output = handler(services, owner, json::without_nulls(input)).await?;
    Ok(shape.output.as_ref().map(|_| output.unwrap_or_else(|| Value::Object(Map::new()))))
}

pub(super) fn refuse(refusal: Refusal) -> AwsError {
    let status = if refusal.code == "InternalException" { 500 } else { 400 };
    AwsError::new(refusal.code, status, refusal.message)
}

/// There is only the default bus, by its name or its ARN.
pub(super) fn check_bus(bus: Option<&String>) -> Result<(), AwsError> {
    match bus {
        Some(bus) if bus != "default" && !bus.ends_with(":event-bus/default") => {
            Err(AwsError::client("ResourceNotFoundException", format!("Event bus {bus} does not exist.")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_operation_of_the_model_and_no_other() {
        let modelled: Vec<&str> = models::events().operations().map(|(name, _)| name).collect();
        assert_eq!(NAMES, modelled);
    }
}
