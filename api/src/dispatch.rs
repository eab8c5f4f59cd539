//! One request, one answer, whichever protocol and whichever way it came: from the network, or from an SDK
//! client within the process.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use penstock_actors::companions::sts::InvalidCredentials;
use s3s::Body;
use time::OffsetDateTime;

use crate::caller::Caller;
use crate::classify::{Class, JsonService, classify};
use crate::codepipeline::operations;
use crate::companions::s3::seam::{Identity, Trailing};
use crate::companions::{json_services, query_services};
use crate::credential::Credential;
use crate::error::AwsError;
use crate::git_http;
use crate::incoming::{self, Peer};
use crate::metrics;
use crate::operator;
use crate::protocol::json::{self, Version};
use crate::protocol::refusal::{Form, refusal};
use crate::request_id::RequestId;
use crate::s3_wire::aws_chunked::Trailers;
use crate::s3_wire::prepare::prepare;
use crate::services::Services;
use crate::signature::{self, Payload};

/// The longest body of a JSON or query request: a file of 6 MB fits that is put into a CodeCommit repository, in base64.
pub(crate) const LONGEST_BODY: usize = 9 * 1024 * 1024;

/// Answers a request from the network, whose words may be a web page's.
pub(crate) async fn dispatch_from_network(services: &Services, request: Request<Body>) -> Response<Body> {
    match services.hosts.admit(request.headers()).and_then(|()| not_a_pages(services, &request)) {
        Ok(()) => dispatch(services, request).await,
        Err(reason) => {
            let (head, _) = request.into_parts();
            let host = head.headers.get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()));
            tracing::info!(host = ?host, reason, "request refused");
            refuse(services, &head, &AwsError::new("AccessDeniedException", 403, reason))
        }
    }
}

/// Answers a request. Never fails: what goes wrong is an answer too.
pub(crate) async fn dispatch(services: &Services, request: Request<Body>) -> Response<Body> {
    let (mut head, body) = request.into_parts();
    let id = RequestId::new();
    let class = class_of(services, &head);
    let form = form_of(&class, &head);
    let method = head.method.clone();
    head.extensions.insert(id.clone());
    let answered = AssertUnwindSafe(route(services, &class, head, body, &id)).catch_unwind().await;
    let response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            if error.status >= 500 {
                tracing::warn!(request = %id, code = %error.code, "request failed");
            }
            refusal(form, &error, &id)
        }
        // The panic itself is in the log already, written by the hook.
        Err(_) => {
            tracing::error!(request = %id, "a handler panicked");
            refusal(form, &AwsError::internal(), &id)
        }
    };
    finish(services, &class, &method, response, &id)
}

/// The answer to a request that is not looked into any further.
pub(crate) fn refuse(services: &Services, head: &Parts, error: &AwsError) -> Response<Body> {
    let id = RequestId::new();
    let class = class_of(services, head);
    let response = refusal(form_of(&class, head), error, &id);
    finish(services, &class, &head.method, response, &id)
}

/// What a request is; a host with a bucket in it has no paths of the daemon's own.
pub(crate) fn class_of(services: &Services, head: &Parts) -> Class {
    let class = classify(&head.method, head.uri.path(), &head.headers, head.uri.query());
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if class == Class::Operator && services.hosts.bucket(host).is_some() { Class::S3 } else { class }
}

/// The error for a body beyond [`LONGEST_BODY`].
pub(crate) fn too_large() -> AwsError {
    AwsError::new("RequestEntityTooLargeException", 413, "The request body is too large.")
}

/// A browser says when a page of another site made it ask, also where it sends no Origin: an image's or a
/// link's GET could otherwise carry a query-protocol `Action`.
fn not_a_pages(services: &Services, request: &Request<Body>) -> Result<(), &'static str> {
    let is_cross_site = request.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    let only_reads = request.method() == Method::GET || request.method() == Method::HEAD;
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let class = classify(request.method(), request.uri().path(), request.headers(), request.uri().query());
    let is_harmless =
        only_reads && (matches!(class, Class::S3 | Class::Operator) || services.hosts.bucket(host).is_some());
    if is_cross_site && !is_harmless {
        return Err("Requests of web pages from elsewhere are not accepted.");
    }
    Ok(())
}

fn form_of(class: &Class, head: &Parts) -> Form {
    match class {
        Class::Query { .. } => Form::Query,
        Class::S3 => Form::S3,
        Class::Json { .. } | Class::Unserved { .. } | Class::Operator | Class::Git => {
            Form::Json(json_version(head).unwrap_or(Version::V1_1))
        }
    }
}

fn json_version(head: &Parts) -> Option<Version> {
    Version::of_content_type(head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()))
}

async fn route(
    services: &Services,
    class: &Class,
    head: Parts,
    body: Body,
    id: &RequestId,
) -> Result<Response<Body>, AwsError> {
    match class {
        Class::Operator if incoming::is_incoming(head.uri.path()) => {
            incoming::answer(services, &head, collect(body).await?).await
        }
        Class::Operator => Ok(operator::answer(services, &head, body, id).await),
        Class::Json { service, operation } => json(services, *service, operation, &head, body).await,
        Class::Query { service } => query(services, service.as_deref(), &head, body, id).await,
        Class::Git => git_http::answer(services, &head, body).await,
        Class::S3 => s3(services, head, body, id).await,
        Class::Unserved { named } => {
            tracing::info!(named = %printable(named), "no service here answers to that");
            Err(AwsError::client(
                "UnknownOperationException",
                format!("This endpoint does not serve what the request names: {}", printable(named)),
            ))
        }
    }
}

async fn json(
    services: &Services,
    service: JsonService,
    operation: &str,
    head: &Parts,
    body: Body,
) -> Result<Response<Body>, AwsError> {
    let Some(version) = json_version(head).filter(|_| head.method == Method::POST) else {
        return Err(AwsError::client(
            "UnknownOperationException",
            "An AWS JSON request is a POST with the content type application/x-amz-json-1.1",
        ));
    };
    let form = Form::Json(version);
    let caller = caller(services, head, form)?;
    let body = collect(body).await?;
    verify(services, &caller, head, Payload::Whole(&body), form)?;
    let output = match service {
        JsonService::CodePipeline => operations::call(services, &caller, operation, &body).await?,
        JsonService::Companion(target) => match json_services::by_target(target) {
            Some(companion) => json_services::call(services, &caller, companion, operation, &body).await?,
            None => return Err(AwsError::internal()),
        },
    };
    let mut response = Response::new(Body::from(json::encode(output.as_ref())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(version.content_type()));
    Ok(response)
}

async fn query(
    services: &Services,
    service: Option<&str>,
    head: &Parts,
    body: Body,
    id: &RequestId,
) -> Result<Response<Body>, AwsError> {
    let caller = caller(services, head, Form::Query)?;
    let body = collect(body).await?;
    verify(services, &caller, head, Payload::Whole(&body), Form::Query)?;
    let id = id.to_string();
    let text = query_services::call(services, &caller, service, head.uri.query(), &body, &id).await?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    Ok(response)
}

async fn s3(
    services: &Services,
    mut head: Parts,
    body: Body,
    id: &RequestId,
) -> Result<Response<Body>, AwsError> {
    let caller = caller(services, &head, Form::S3)?;
    verify(services, &caller, &head, Payload::AsDeclared, Form::S3)?;
    let (account, region) = (caller.account.clone(), caller.region.clone());
    head.extensions.insert(Identity { account, region });
    head.extensions.insert(caller);
    let mut request = prepare(head, body, OffsetDateTime::now_utc())?;
    if let Some(trailers) = request.extensions().get::<Trailers>().cloned() {
        request.extensions_mut().insert(Trailing(Arc::new(move || trailers.take())));
    }
    Ok(services.s3.call(request, &id.to_string()).await)
}

fn caller(services: &Services, head: &Parts, form: Form) -> Result<Caller, AwsError> {
    let credential = Credential::of(&head.headers, head.uri.query());
    let caller = Caller::of(services, credential.as_ref()).map_err(|invalid| refused(invalid, form))?;
    Ok(Caller { address: head.extensions.get::<Peer>().map(|peer| peer.0), ..caller })
}

/// Where every caller is held against policies, whoever uses a key of this daemon's must have its secret, too. What the
/// daemon asks of itself comes from nowhere.
fn verify(
    services: &Services,
    caller: &Caller,
    head: &Parts,
    payload: Payload<'_>,
    form: Form,
) -> Result<(), AwsError> {
    if !services.authority.is_for_all() || caller.address.is_none() {
        return Ok(());
    }
    let secret = caller.access_key.as_deref().and_then(|key| services.sts.secret_access_key(key));
    secret.map_or(Ok(()), |secret| signature::check(head, payload, &secret, form, OffsetDateTime::now_utc()))
}

/// The same refusal has another name in each protocol.
fn refused(invalid: InvalidCredentials, form: Form) -> AwsError {
    let (code, status) = match (form, invalid) {
        (Form::Json(_), InvalidCredentials::Invalid) => ("UnrecognizedClientException", 400),
        (Form::Json(_), InvalidCredentials::Expired) => ("ExpiredTokenException", 400),
        (Form::Query, InvalidCredentials::Invalid) => ("InvalidClientTokenId", 403),
        (Form::Query, InvalidCredentials::Expired) => ("ExpiredToken", 403),
        (Form::S3, InvalidCredentials::Invalid) => ("InvalidToken", 400),
        (Form::S3, InvalidCredentials::Expired) => ("ExpiredToken", 400),
    };
    AwsError::new(code, status, format!("{invalid}."))
}

/// The whole body, when it is not too long.
pub(crate) async fn collect(body: Body) -> Result<Bytes, AwsError> {
    if let Some(bytes) = body.bytes() {
        return if bytes.len() > LONGEST_BODY { Err(too_large()) } else { Ok(bytes) };
    }
    match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(AwsError::client("RequestAbortedException", "The request body ended too early.")),
    }
}

fn finish(
    services: &Services,
    class: &Class,
    method: &Method,
    mut response: Response<Body>,
    id: &RequestId,
) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert("x-amzn-requestid", id.header());
    if *class == Class::S3 {
        headers.insert("x-amz-request-id", id.header());
    }
    let (service, operation) = labels(class, method);
    let status = response.status().as_u16();
    tracing::debug!(request = %id, service, operation, status, "answered");
    services.metrics.count(metrics::Request { service, operation, status });
    response
}

/// Labels from closed sets, whatever the client sent.
fn labels(class: &Class, method: &Method) -> (&'static str, &'static str) {
    match class {
        Class::Json { service: JsonService::CodePipeline, operation } => {
            ("codepipeline", operations::known(operation).unwrap_or("other"))
        }
        Class::Json { service: JsonService::Companion(target), .. } => {
            (json_services::by_target(target).map_or("other", |companion| companion.name), "any")
        }
        Class::Query { service } => match service.as_deref() {
            Some("iam") => ("iam", "any"),
            Some("sts") => ("sts", "any"),
            _ => ("query", "other"),
        },
        Class::S3 => ("s3", method_label(method)),
        Class::Operator => ("operator", method_label(method)),
        Class::Git => ("git", method_label(method)),
        Class::Unserved { .. } => ("other", "other"),
    }
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// What a client sent, fit for a log line or a message: short, and without control characters.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 200;
    if text.len() <= LONGEST && !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(LONGEST).flat_map(char::escape_debug).collect())
}

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
