//! The one length that the service checks a second time, with a text of its own.
//!
//! The shape check of an action's configuration allows 50000 characters a value, a later one 1000; both have
//! been seen in responses. The later one has no path and no count.

use serde_json::Value;

use crate::error::AwsError;
use crate::model::{Kind, Model};

const LONGEST_VALUE: usize = 1000;

/// Refuses a configuration value that only the service's second check finds too long.
pub(super) fn check(model: &Model, shape: &str, value: &Value) -> Result<(), AwsError> {
    let Some(found) = model.shape(shape) else { return Ok(()) };
    match (&found.kind, value) {
        (Kind::Map { .. }, Value::Object(object)) if shape == "ActionConfigurationMap" => {
            let fits = |text: &str| text.chars().nth(LONGEST_VALUE).is_none();
            if object.values().filter_map(Value::as_str).all(fits) { Ok(()) } else { Err(too_long()) }
        }
        (Kind::Structure { members, .. }, Value::Object(object)) => {
            object.iter().try_for_each(|(name, value)| match members.get(name) {
                Some(member) => check(model, &member.shape, value),
                None => Ok(()),
            })
        }
        (Kind::List { member }, Value::Array(array)) => {
            array.iter().try_for_each(|value| check(model, &member.shape, value))
        }
        _ => Ok(()),
    }
}

fn too_long() -> AwsError {
    AwsError::validation(
        "ActionConfiguration Map value must satisfy constraint: [Member must have length less than or equal \
         to 1000, Member must have length greater than or equal to 1]",
    )
}
