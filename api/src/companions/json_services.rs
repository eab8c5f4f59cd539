//! The companions that speak AWS JSON: an operation's way from its body to its answer.

use serde_json::{Map, Value};

use super::query_services::Handler;
use super::{codecommit, connections, models};
use crate::caller::Caller;
use crate::classify::JsonService;
use crate::constraints;
use crate::dispatch::printable;
use crate::error::AwsError;
use crate::model::Model;
use crate::protocol::json;
use crate::services::Services;

/// A served service.
struct Service {
    /// As AWS's own texts call it.
    name: &'static str,
    model: fn() -> &'static Model,
    handler: fn(&str) -> Option<Handler>,
}

/// What a service is made of; CodePipeline has a table of its own.
fn service(service: JsonService) -> Option<Service> {
    Some(match service {
        // EventBridge has one, too.
        JsonService::CodePipeline | JsonService::Events => return None,
        JsonService::CodeCommit => {
            Service { name: "CodeCommit", model: models::codecommit, handler: codecommit::handler }
        }
        JsonService::CodeConnections => Service {
            name: "CodeConnections",
            model: models::codeconnections,
            handler: connections::codeconnections,
        },
        JsonService::CodeStarConnections => Service {
            name: "CodeStarConnections",
            model: models::codeconnections,
            handler: connections::codestar_connections,
        },
    })
}

/// Decodes and checks the input, and lets the operation's handler answer.
pub(crate) async fn call(
    services: &Services,
    caller: &Caller,
    which: JsonService,
    operation: &str,
    body: &[u8],
) -> Result<Option<Value>, AwsError> {
    let found = service(which).and_then(|service| {
        let model = (service.model)();
        Some((model, model.operation(operation)?, (service.handler)(operation)?))
    });
    let Some((model, shape, handler)) = found else {
        let name = service(which).map_or("this service", |service| service.name);
        let operation = printable(operation);
        tracing::info!(service = name, %operation, "the service does not have that operation here");
        return Err(AwsError::client(
            "UnknownOperationException",
            format!("{name} does not have the operation {operation} here"),
        ));
    };
    let input = json::decode(body)?;
    constraints::validate(model, &shape.input, &input)?;
    let output = handler(services, caller, json::without_nulls(input)).await?;
    // The model decides: no output shape is an empty body, an empty output is `{}`.
    Ok(shape.output.as_ref().map(|_| output.unwrap_or_else(|| Value::Object(Map::new()))))
}
