//! What repositories send: calls of webhooks (V1), and GitHub's events for sources behind a connection.
//!
//! Answers say what became of it: 200 something started, 202 nothing did (no filter matched), 400 the body is not what
//! it should be, 403 the signature or the address is wrong, 404 no such webhook; otherwise CodePipeline's own error.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use penstock_actors::starts::webhooks::{CallRefusal, WebhookCall, is_signed};
use s3s::Body;
use serde_json::{Value, json};

use crate::error::AwsError;
use crate::github;
use crate::services::Services;

/// Before the id of a webhook.
pub(crate) const WEBHOOKS: &str = "/_penstock/webhooks/";
/// GitHub's events for sources behind a connection.
pub(crate) const GITHUB: &str = "/_penstock/github";

/// The address from which a request came, in its head's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Whether the path is one of these.
pub(crate) fn is_incoming(path: &str) -> bool {
    path.starts_with(WEBHOOKS) || path == GITHUB
}

/// Answers a request to such a path.
pub(crate) async fn answer(
    services: &Services,
    head: &Parts,
    body: Bytes,
) -> Result<Response<Body>, AwsError> {
    if head.method != Method::POST {
        return Err(AwsError::new("MethodNotAllowedException", 405, "only POST"));
    }
    match head.uri.path().strip_prefix(WEBHOOKS) {
        Some(id) => webhook(services, head, id, body).await,
        None => github_event(services, &head.headers, &body).await,
    }
}

async fn webhook(
    services: &Services,
    head: &Parts,
    id: &str,
    body: Bytes,
) -> Result<Response<Body>, AwsError> {
    let call = WebhookCall {
        id: id.to_owned(),
        body: body.to_vec(),
        signature: signature(&head.headers),
        peer: head.extensions.get::<Peer>().map(|peer| peer.0),
        delivery: delivery(&head.headers),
    };
    match services.pipelines()?.call_webhook(&call).await {
        Ok(execution) => Ok(told(StatusCode::OK, &json!({ "pipelineExecutionId": execution }))),
        Err(CallRefusal::Filtered) => {
            let why = "A filter of the webhook does not match: nothing was started.";
            Ok(told(StatusCode::ACCEPTED, &json!({ "message": why })))
        }
        Err(CallRefusal::Unknown) => {
            Err(AwsError::new("WebhookNotFoundException", 404, "No webhook has this URL."))
        }
        Err(CallRefusal::Unauthenticated) => {
            let text = "The request does not have the signature or the address that the webhook asks for.";
            Err(AwsError::new("AccessDeniedException", 403, text))
        }
        Err(CallRefusal::NoJson) => Err(AwsError::validation("The request body is not JSON.")),
        Err(CallRefusal::Rejected(rejection)) => Err(rejection.into()),
    }
}

/// One event may start many pipelines; that some cannot be started is no reason to send it again, unless it is the
/// daemon's.
async fn github_event(
    services: &Services,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response<Body>, AwsError> {
    if let Some(secret) = &services.github_webhook_secret
        && !signature(headers).is_some_and(|signature| is_signed(secret, &signature, body))
    {
        let text = "The request does not have the signature of --github-webhook-secret.";
        return Err(AwsError::new("AccessDeniedException", 403, text));
    }
    let event = header(headers, "x-github-event").unwrap_or_default();
    let Some(event) = github::event(&event, body)? else {
        let why = "This event starts nothing.";
        return Ok(told(StatusCode::ACCEPTED, &json!({ "message": why })));
    };
    let event = services.pipelines()?.with_files(event, &services.git_host).await;
    let outcomes = services.pipelines()?.git_event(event, delivery(headers).as_deref()).await;
    let mut started = Vec::new();
    for (pipeline, outcome) in outcomes {
        started.push(match outcome {
            Ok(execution) => json!({ "pipelineArn": pipeline.arn(), "pipelineExecutionId": execution }),
            Err(rejection) => {
                let error = AwsError::from(rejection);
                if error.status >= 500 {
                    return Err(error);
                }
                json!({ "pipelineArn": pipeline.arn(), "error": error.code, "message": error.message })
            }
        });
    }
    let any = started.iter().any(|one| one.get("pipelineExecutionId").is_some());
    let status = if any { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(told(status, &json!({ "started": started })))
}

fn signature(headers: &HeaderMap) -> Option<String> {
    header(headers, "x-hub-signature-256").or_else(|| header(headers, "x-hub-signature"))
}

/// GitHub sends a delivery's id again when it is sent again.
fn delivery(headers: &HeaderMap) -> Option<String> {
    header(headers, "x-github-delivery").filter(|id| id.len() <= 100)
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn told(status: StatusCode, what: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(what.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
