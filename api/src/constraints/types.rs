//! The types of a request's values, before any constraint: the first that is wrong ends the request, as a
//! parser would.

use serde_json::Value;

use crate::error::AwsError;
use crate::model::{Kind, Model};

/// Whether every value has its shape's type. `null` stands for absence everywhere, and what the model does
/// not know is ignored.
pub(super) fn check(model: &Model, shape: &str, value: &Value) -> Result<(), AwsError> {
    let Some(shape) = model.shape(shape) else { return Ok(()) };
    match (&shape.kind, value) {
        (_, Value::Null) => Ok(()),
        (Kind::Structure { members, .. }, Value::Object(object)) => {
            object.iter().try_for_each(|(name, value)| match members.get(name) {
                Some(member) => check(model, &member.shape, value),
                None => Ok(()),
            })
        }
        (Kind::Map { value: values, .. }, Value::Object(object)) => {
            object.values().try_for_each(|value| check(model, &values.shape, value))
        }
        (Kind::List { member }, Value::Array(array)) => {
            array.iter().try_for_each(|value| check(model, &member.shape, value))
        }
        (Kind::String, Value::String(_)) | (Kind::Boolean, Value::Bool(_)) => Ok(()),
        (Kind::Integer, Value::Number(number)) if number.as_i64().is_some_and(is_integer) => Ok(()),
        (Kind::Long, Value::Number(number)) if number.as_i64().is_some() => Ok(()),
        (Kind::Timestamp, Value::Number(_)) => Ok(()),
        (expected, found) => Err(AwsError::serialization(mismatch(expected, found))),
    }
}

fn is_integer(number: i64) -> bool {
    i32::try_from(number).is_ok()
}

/// The texts are those that AWS's JSON services answer with; not every pair has been seen.
fn mismatch(expected: &Kind, found: &Value) -> String {
    let found = match found {
        Value::Object(_) => return "Start of structure or map found where not expected.".to_owned(),
        Value::Array(_) => return "Start of list found where not expected".to_owned(),
        Value::String(_) => "STRING_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Null => "NULL_VALUE",
    };
    match expected {
        Kind::Structure { .. } | Kind::Map { .. } => "Expected structure, map or null".to_owned(),
        Kind::List { .. } => "Expected list or null".to_owned(),
        Kind::String => format!("{found} can not be converted to a String"),
        Kind::Integer => format!("{found} can not be converted to an Integer"),
        Kind::Long => format!("{found} can not be converted to a Long"),
        Kind::Boolean => format!("{found} can not be converted to a Boolean"),
        Kind::Timestamp => format!("{found} can not be converted to milliseconds since epoch"),
    }
}
