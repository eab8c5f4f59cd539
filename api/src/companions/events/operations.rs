//! The table of EventBridge's operations: a name and its handler, one row each.

use penstock_actors::companions::events::refusal::Refusal;
use penstock_actors::companions::events::service::Owner;

use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::Handler;

use super::{entries, rules, targets};

macro_rules! operations {
    ($($name:literal => $handler:path,)*) => {
        /// The handler of an operation: an `async fn(&Services, Owner, Value) -> Answer`.
        pub(in crate::companions) fn handler(operation: &str) -> Option<Handler> {
            match operation {
                $($name => Some(|services, caller, input| Box::pin($handler(services, owner(caller), input))),)*
                _ => None,
            }
        }
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
    "PutEvents" => entries::put,
    "PutRule" => rules::put,
    "PutTargets" => targets::put,
    "RemoveTargets" => targets::remove,
    "TagResource" => rules::tag,
    "TestEventPattern" => entries::test_pattern,
    "UntagResource" => rules::untag,
}

fn owner(caller: &Caller) -> Owner {
    Owner { account: caller.account.clone(), region: caller.region.clone() }
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
