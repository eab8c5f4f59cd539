//! Dispatch without a network.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;

use super::*;
use crate::services::tests_support::services;

async fn answered(request: http::request::Builder, body: impl Into<Body>) -> (u16, HeaderAndBody) {
    let response = dispatch(&services(), request.body(body.into()).unwrap()).await;
    let (head, body) = response.into_parts();
    (head.status.as_u16(), HeaderAndBody { head, body: body.collect().await.unwrap().to_bytes() })
}

struct HeaderAndBody {
    head: http::response::Parts,
    body: Bytes,
}

impl HeaderAndBody {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

fn call(operation: &str) -> http::request::Builder {
    Request::post("/")
        .header("host", "localhost:4566")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("CodePipeline_20150709.{operation}"))
}

#[test]
fn dispatch_may_move_between_threads_so_that_an_sdk_client_can_call_it() {
    fn moves<T: Send>(_: T) {}
    let services = services();
    moves(dispatch(&services, Request::new(Body::empty())));
}

#[tokio::test]
async fn constraints_are_checked_before_anything_is_looked_up() {
    let (status, answer) = answered(call("PutApprovalResult"), "{}".to_owned()).await;
    assert_eq!(status, 400);
    assert_eq!(answer.json()["__type"], "ValidationException");
}

#[tokio::test]
async fn an_unknown_operation_is_named() {
    for operation in ["Nothing", "", "listpipelines"] {
        let (status, answer) = answered(call(operation), "{}".to_owned()).await;
        assert_eq!((status, answer.json()["__type"].as_str()), (400, Some("UnknownOperationException")));
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let (_, first) = answered(call("Nothing"), "{}".to_owned()).await;
    let (_, second) = answered(call("Nothing"), "{}".to_owned()).await;
    assert_ne!(first.head.headers["x-amzn-requestid"], second.head.headers["x-amzn-requestid"]);
    let (_, s3) = answered(Request::get("/bucket").header("host", "localhost"), Body::empty()).await;
    assert_eq!(s3.head.headers["x-amz-request-id"], s3.head.headers["x-amzn-requestid"]);
}

#[tokio::test]
async fn the_answer_has_the_version_of_the_question() {
    let request = call("Nothing").header("x-ignored", "1");
    let (_, answer) = answered(request, "{}".to_owned()).await;
    assert_eq!(answer.head.headers["content-type"], "application/x-amz-json-1.1");
    let request = Request::post("/")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "AmazonSQS.SendMessage");
    let (_, answer) = answered(request, "{}".to_owned()).await;
    assert_eq!(answer.head.headers["content-type"], "application/x-amz-json-1.0");
    assert_eq!(answer.json()["__type"], "UnknownOperationException");
}

#[tokio::test]
async fn a_json_request_must_be_a_post_of_a_json_type() {
    let target = "CodePipeline_20150709.ListPipelines";
    let requests = [
        Request::get("/").header("x-amz-target", target),
        Request::post("/").header("x-amz-target", target),
        Request::post("/").header("x-amz-target", target).header("content-type", "text/plain"),
        Request::post("/").header("x-amz-target", target).header("content-type", "multipart/form-data"),
    ];
    for request in requests {
        let (status, answer) = answered(request, "{}".to_owned()).await;
        assert_eq!((status, answer.json()["__type"].as_str()), (400, Some("UnknownOperationException")));
    }
}

#[tokio::test]
async fn an_unknown_query_action_is_refused_in_xml() {
    let request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    let (status, answer) = answered(request, "Action=Fly&Version=2010-05-08".to_owned()).await;
    assert_eq!(status, 400);
    let text = answer.text();
    assert!(text.contains("<Code>InvalidAction</Code>"), "{text}");
    assert!(text.contains("Could not find operation Fly for version 2010-05-08"), "{text}");
    let request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    let (status, answer) = answered(request, "\u{fffd}=&&".to_owned()).await;
    assert_eq!(status, 400);
    assert!(answer.text().contains("<Code>MissingAction</Code>"));
}

#[tokio::test]
async fn too_long_a_body_is_refused_in_the_protocols_form() {
    let (status, answer) = answered(call("ListPipelines"), vec![b' '; LONGEST_BODY + 1]).await;
    assert_eq!((status, answer.json()["__type"].as_str()), (413, Some("RequestEntityTooLargeException")));
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let (status, answer) = answered(Request::get("/_penstock/health"), Body::empty()).await;
    assert_eq!(status, 200);
    assert_eq!(answer.json()["status"], "ok");
    assert_eq!(answer.json()["version"], env!("CARGO_PKG_VERSION"));
    let (status, answer) = answered(Request::get("/_penstock/metrics"), Body::empty()).await;
    assert_eq!(status, 200);
    assert!(answer.text().contains("penstock_uptime_seconds"));
    let (status, _) = answered(Request::get("/_penstock/nothing"), Body::empty()).await;
    assert_eq!(status, 404);
    let (status, answer) = answered(Request::post("/_penstock/health"), Body::empty()).await;
    assert_eq!((status, &answer.head.headers["allow"]), (405, &HeaderValue::from_static("GET, HEAD")));
    let in_a_bucket = Request::get("/_penstock/health").header("host", "bucket.localhost:4566");
    let (_, answer) = answered(in_a_bucket, Body::empty()).await;
    assert!(answer.head.headers.contains_key("x-amz-request-id"), "an object's key, not ours");
}

#[tokio::test]
async fn an_expired_presigned_request_is_refused_in_s3s_form() {
    let request = Request::get("/bucket/key?AWSAccessKeyId=k&Signature=s&Expires=1");
    let (status, answer) = answered(request, Body::empty()).await;
    assert_eq!(status, 403);
    assert!(answer.text().contains("<Code>AccessDenied</Code><Message>Request has expired</Message>"));
}

#[tokio::test]
async fn a_page_of_another_site_cannot_make_a_browser_act() {
    let services = services();
    let send = async |target: &str, site: &str| {
        let request = Request::get(target).header("host", "localhost:4566").header("sec-fetch-site", site);
        dispatch_from_network(&services, request.body(Body::empty()).unwrap()).await.status().as_u16()
    };
    let action = "/?Action=DeleteRole&Version=2010-05-08&RoleName=r";
    assert_eq!(send(action, "cross-site").await, 403);
    assert_eq!(send(action, "none").await, 404, "there is no such role");
    assert_eq!(send("/_penstock/health", "cross-site").await, 200);
}

#[test]
fn what_a_client_sent_is_made_printable() {
    assert_eq!(printable("ListPipelines"), "ListPipelines");
    assert_eq!(printable("a\nb\u{1b}"), "a\\nb\\u{1b}");
    assert!(printable(&"x".repeat(100_000)).len() <= 200);
}

#[tokio::test]
async fn a_body_in_pieces_is_read_whole() {
    let pieces = ["{\"pipelineName\": ", "7}"]
        .map(|piece| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from_static(piece.as_bytes()))));
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
    let (status, answer) = answered(call("ListPipelineExecutions"), Body::http_body_unsync(body)).await;
    assert_eq!(status, 400);
    assert_eq!(answer.json()["message"], "NUMBER_VALUE can not be converted to a String");
}
