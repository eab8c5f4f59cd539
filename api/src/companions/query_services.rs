//! The services of the query protocol: which one a request means, and its way from parameters to XML.

use serde_json::Value;

use super::{iam, models, sts};
use crate::authorization;
use crate::caller::Caller;
use crate::constraints;
use crate::dispatch::printable;
use crate::error::AwsError;
use crate::handler::Handler;
use crate::model::Model;
use crate::protocol::query::{self, Params};
use crate::services::Services;

/// A served service.
struct Service {
    /// In credential scopes, and in logs.
    name: &'static str,
    version: &'static str,
    namespace: &'static str,
    model: fn() -> &'static Model,
    handler: fn(&str) -> Option<Handler>,
    /// What AWS says in words of its own instead of its framework's.
    also_valid: fn(&Value) -> Result<(), AwsError>,
}

const SERVICES: [Service; 2] = [
    Service {
        name: "iam",
        version: "2010-05-08",
        namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
        model: models::iam,
        handler: iam::operations::handler,
        also_valid: iam::names::check,
    },
    Service {
        name: "sts",
        version: "2011-06-15",
        namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
        model: models::sts,
        handler: sts::handler,
        also_valid: |_| Ok(()),
    },
];

/// Answers a request of the query protocol with XML. The scope's service decides who is meant; a request
/// without one is told by its version.
pub(crate) async fn call(
    services: &Services,
    caller: &Caller,
    scope: Option<&str>,
    url_query: Option<&str>,
    body: &[u8],
    request_id: &str,
) -> Result<String, AwsError> {
    let params = Params::decode(url_query, body)?;
    let Some(action) = params.text("Action").filter(|action| !action.is_empty()) else {
        return Err(AwsError::client("MissingAction", "The request must contain the parameter Action"));
    };
    let version = params.text("Version");
    let service = SERVICES.iter().find(|service| match scope {
        Some(scope) => service.name == scope && version.is_none_or(|version| version == service.version),
        None => version == Some(service.version),
    });
    let found = service.and_then(|service| {
        let operation = (service.model)().operation(action)?;
        Some((service, operation, (service.handler)(action)?))
    });
    let Some((service, operation, handler)) = found else {
        return Err(unknown(scope, action, version.or(service.map(|service| service.version))));
    };
    let model = (service.model)();
    let input = params.input(model, &operation.input)?;
    constraints::validate(model, &operation.input, &input).map_err(named_for_query)?;
    (service.also_valid)(&input)?;
    authorization::iam::check(services, caller, service.name, action, &input).await?;
    let output = handler(services, caller, input).await.map_err(named_for_query)?;
    Ok(query::encode(service.namespace, action, output.as_ref(), request_id))
}

fn unknown(scope: Option<&str>, action: &str, version: Option<&str>) -> AwsError {
    let (action, version) = (printable(action), printable(version.unwrap_or_default()));
    tracing::info!(service = scope.unwrap_or("unnamed"), %action, %version, "no service here has that action");
    AwsError::client("InvalidAction", format!("Could not find operation {action} for version {version}"))
}

/// What is wrong with an input has other names in this protocol.
fn named_for_query(error: AwsError) -> AwsError {
    match error.code.as_str() {
        "ValidationException" => AwsError { code: "ValidationError".to_owned(), ..error },
        "SerializationException" => AwsError { code: "MalformedInput".to_owned(), ..error },
        _ => error,
    }
}
