//! What handlers of AWS JSON and query operations have in common, whatever their service.

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::error::AwsError;
use crate::model::Operation;
use crate::services::Services;

/// What a handler answers; nothing when its output is empty or the operation has none.
pub(crate) type Answer = Result<Option<Value>, AwsError>;

/// A handler is an `async fn(&Services, &Caller, Value) -> Answer`; its input keeps to the model's types and
/// constraints, and has no `null` in it.
pub(crate) type Handler = for<'a> fn(&'a Services, &'a Caller, Value) -> BoxFuture<'a, Answer>;

/// The input as a handler reads it. It keeps to the API model already, so that this fails only where the
/// model and our types differ.
pub(crate) fn decode<T: DeserializeOwned>(input: Value) -> Result<T, AwsError> {
    serde_json::from_value(input).map_err(|error| AwsError::serialization(error.to_string()))
}

/// What an AWS JSON operation sends of a handler's output. The model decides: no output shape is an empty body, an
/// empty output is `{}`.
pub(crate) fn shaped(operation: &Operation, output: Option<Value>) -> Option<Value> {
    operation.output.as_ref().map(|_| output.unwrap_or_else(|| Value::Object(Map::new())))
}
