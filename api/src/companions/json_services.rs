//! The companions that speak AWS JSON: their models, and the tables of their operations.

use std::sync::LazyLock;

use super::{codebuild, codecommit, connections, events, logs, models, secretsmanager, ssm};
use crate::authorization;
use crate::caller::Caller;
use crate::constraints;
use crate::error::AwsError;
use crate::handler::{self, Answer, Handler};
use crate::model::Model;
use crate::protocol::json;
use crate::services::Services;

/// A companion that speaks AWS JSON.
#[derive(Debug)]
pub(crate) struct Companion {
    /// In logs and metrics.
    pub(crate) name: &'static str,
    /// What precedes the operation in `X-Amz-Target`.
    pub(crate) target: &'static str,
    model: &'static LazyLock<Model>,
    handler: fn(&str) -> Option<Handler>,
}

/// Models are AWS's own descriptions, without prose and without the operations that are not served.
macro_rules! model {
    ($name:ident, $file:literal) => {
        static $name: LazyLock<Model> =
            LazyLock::new(|| models::parse(include_str!(concat!("../../model/", $file))));
    };
}

model!(CODEBUILD, "codebuild-2016-10-06.json");
model!(CODECOMMIT, "codecommit-2015-04-13.json");
model!(CODECONNECTIONS, "codeconnections-2023-12-01.json");
model!(EVENTS, "events-2015-10-07.json");
model!(LOGS, "logs-2014-03-28.json");
model!(SSM, "ssm-2014-11-06.json");
model!(SECRETS_MANAGER, "secretsmanager-2017-10-17.json");

static COMPANIONS: [Companion; 8] = [
    Companion {
        name: "codebuild",
        target: "CodeBuild_20161006",
        model: &CODEBUILD,
        handler: codebuild::handler,
    },
    Companion {
        name: "codecommit",
        target: "CodeCommit_20150413",
        model: &CODECOMMIT,
        handler: codecommit::handler,
    },
    Companion {
        name: "codeconnections",
        target: "com.amazonaws.codeconnections.CodeConnections_20231201",
        model: &CODECONNECTIONS,
        handler: connections::codeconnections,
    },
    // The former name of the same.
    Companion {
        name: "codestar-connections",
        target: "com.amazonaws.codestar.connections.CodeStar_connections_20191201",
        model: &CODECONNECTIONS,
        handler: connections::codestar_connections,
    },
    Companion { name: "events", target: "AWSEvents", model: &EVENTS, handler: events::operations::handler },
    Companion { name: "logs", target: "Logs_20140328", model: &LOGS, handler: logs::handler },
    Companion { name: "ssm", target: "AmazonSSM", model: &SSM, handler: ssm::handler },
    Companion {
        name: "secretsmanager",
        target: "secretsmanager",
        model: &SECRETS_MANAGER,
        handler: secretsmanager::handler,
    },
];

/// The companion whose targets begin so. The newer SDKs (Go's, and so Terraform) leave out the package of the name.
pub(crate) fn by_target(prefix: &str) -> Option<&'static Companion> {
    let is_meant = |companion: &&Companion| {
        companion.target == prefix || companion.target.rsplit('.').next() == Some(prefix)
    };
    COMPANIONS.iter().find(is_meant)
}

/// Decodes and checks the input, and lets the operation's handler answer.
pub(crate) async fn call(
    services: &Services,
    caller: &Caller,
    companion: &Companion,
    operation: &str,
    body: &[u8],
) -> Answer {
    let model = companion.model;
    let (Some(handle), Some(shape)) = ((companion.handler)(operation), model.operation(operation)) else {
        let operation = crate::dispatch::printable(operation);
        tracing::info!(service = companion.name, %operation, "this version does not have the operation");
        let text = format!("This version of Penstock does not have {operation} of {}", companion.name);
        return Err(AwsError::client("UnknownOperationException", text));
    };
    let input = json::decode(body)?;
    constraints::validate(model, &shape.input, &input)?;
    authorization::companions::check(services, caller, companion.name, operation, &input).await?;
    let output = handle(services, caller, json::without_nulls(input)).await?;
    Ok(handler::shaped(shape, output))
}

/// One page of a list that is all there, and the token of the next one: how many came before it.
pub(super) fn page<T>(
    all: Vec<T>,
    token: Option<&str>,
    size: usize,
    invalid: impl FnOnce() -> AwsError,
) -> Result<(Vec<T>, Option<String>), AwsError> {
    let skipped = match token {
        None => 0,
        Some(token) => match token.parse() {
            Ok(skipped) if skipped <= all.len() => skipped,
            _ => return Err(invalid()),
        },
    };
    let next = skipped + size;
    let token = (next < all.len()).then(|| next.to_string());
    Ok((all.into_iter().skip(skipped).take(size).collect(), token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_models_has_a_handler_and_every_shape_is_there() {
        for companion in &COMPANIONS {
            assert!(companion.model.operations().count() > 0);
            for (name, operation) in companion.model.operations() {
                assert!((companion.handler)(name).is_some(), "{} {name}", companion.name);
                assert!(companion.model.shape(&operation.input).is_some(), "{} {name}", companion.name);
            }
        }
    }

    #[test]
    fn lists_come_in_pages() {
        let refuse = || AwsError::validation("no");
        assert_eq!(page(vec![1, 2, 3], None, 2, refuse), Ok((vec![1, 2], Some("2".to_owned()))));
        assert_eq!(page(vec![1, 2, 3], Some("2"), 2, refuse), Ok((vec![3], None)));
        assert!(page(vec![1], Some("x"), 2, refuse).is_err() && page(vec![1], Some("9"), 2, refuse).is_err());
    }
}
