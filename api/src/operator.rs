//! `/_penstock/`: the daemon's own answers, for people and machines that look after it.

mod action_outcomes;
mod clock;
mod events;
mod passed_on;

use std::fmt::Write;
use std::sync::atomic::Ordering;

use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use penstock_actors::metrics::Metrics as EngineMetrics;
use s3s::Body;
use serde_json::{Value, json};

use crate::classify::OPERATOR_PREFIX;
use crate::dispatch::printable;
use crate::error::AwsError;
use crate::protocol::json::Version;
use crate::protocol::refusal::{Form, refusal};
use crate::request_id::RequestId;
use crate::services::Services;

/// Answers a request below `/_penstock`.
pub(crate) async fn answer(services: &Services, head: &Parts, body: Body, id: &RequestId) -> Response<Body> {
    let path = head.uri.path();
    let what = path.strip_prefix(OPERATOR_PREFIX).unwrap_or(path).trim_end_matches('/');
    let reads = head.method == Method::GET || head.method == Method::HEAD;
    let answered = match what {
        "/health" if reads => Ok(health(services)),
        "/metrics" if reads => Ok(metrics(services)),
        "/clock" if reads => clock::show(services),
        "/clock" if head.method == Method::POST => clock::advance(services, body).await,
        "/events" if head.method == Method::GET => events::follow(services, head),
        "/events" if head.method == Method::POST => passed_on::take(services, body).await,
        "/events" => return not_allowed(id, "GET, POST"),
        "/clock" => return not_allowed(id, "GET, HEAD, POST"),
        "/health" | "/metrics" => return not_allowed(id, "GET, HEAD"),
        "/action-outcomes" => match head.method {
            _ if reads => action_outcomes::show(services),
            Method::PUT => action_outcomes::put(services, body).await,
            Method::DELETE => Ok(action_outcomes::forget(services).await),
            _ => return not_allowed(id, "GET, HEAD, PUT, DELETE"),
        },
        _ => Err(AwsError::new("NotFoundException", 404, format!("there is nothing at {}", printable(path)))),
    };
    answered.unwrap_or_else(|error| refusal(Form::Json(Version::V1_1), &error, id))
}

/// 200 while data can be taken, 503 when the disk is nearly full: reads still work then.
fn health(services: &Services) -> Response<Body> {
    let space = services.accepts_data();
    let body = json!({
        "status": if space.is_ok() { "ok" } else { "full" },
        "version": env!("CARGO_PKG_VERSION"),
        "space": space.as_ref().err().map_or("ok", String::as_str),
        "freeBytes": services.store.free_space().ok().flatten(),
        "uptimeSeconds": services.metrics.uptime(),
    });
    let status = if space.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    text(status, "application/json", body.to_string())
}

fn metrics(services: &Services) -> Response<Body> {
    let mut body = String::new();
    services.metrics.render(&mut body);
    if let Ok(pipelines) = services.pipelines() {
        engine(pipelines.metrics(), &mut body);
    }
    if let Some(bytes) = resident_memory() {
        let _ = writeln!(body, "# HELP process_resident_memory_bytes Resident memory.");
        let _ = writeln!(body, "# TYPE process_resident_memory_bytes gauge");
        let _ = writeln!(body, "process_resident_memory_bytes {bytes}");
    }
    text(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", body)
}

fn engine(counted: &EngineMetrics, body: &mut String) {
    let _ = writeln!(body, "# HELP penstock_executions_ended_total Pipeline executions that ended.");
    let _ = writeln!(body, "# TYPE penstock_executions_ended_total counter");
    for (status, count) in counted.ended() {
        let _ = writeln!(body, "penstock_executions_ended_total{{status=\"{status:?}\"}} {count}");
    }
    let rows = [
        ("penstock_actors", "gauge", "Live pipeline, stage and action actors.", &counted.actors),
        ("penstock_actor_restarts_total", "counter", "Actors that died and began again.", &counted.restarts),
        (
            "penstock_set_aside_total",
            "counter",
            "Records that could not be brought to life.",
            &counted.set_aside,
        ),
        (
            "penstock_events_delivered_total",
            "counter",
            "Events that their destination took.",
            &counted.events_delivered,
        ),
        (
            "penstock_events_given_up_total",
            "counter",
            "Events that their destination never took.",
            &counted.events_given_up,
        ),
        (
            "penstock_rule_invocations_failed_total",
            "counter",
            "Targets of rules that an event did not start.",
            &counted.invocations_failed,
        ),
    ];
    for (name, kind, help, value) in rows {
        let value = value.load(Ordering::Relaxed);
        let _ = writeln!(body, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
}

/// Linux says it in pages' kilobytes; elsewhere the metric is left out.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn json_text(body: &Value) -> Response<Body> {
    text(StatusCode::OK, "application/json", body.to_string())
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn not_allowed(id: &RequestId, methods: &'static str) -> Response<Body> {
    let error = AwsError::new("MethodNotAllowedException", 405, format!("only {methods}"));
    let mut refused = refusal(Form::Json(Version::V1_1), &error, id);
    refused.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    refused
}
