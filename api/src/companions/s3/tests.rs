//! Requests as they are on the wire, through s3s and back.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use penstock_actors::companions::iam::Iam;
use penstock_actors::companions::s3::service::S3;
use penstock_storage::Store;
use s3s::Body;

use super::gateway::Gateway;
use super::seam::{Identity, Trailing};
use crate::authorization::Authority;
use crate::cli::Enforcement;
use crate::hosts::Hosts;

async fn gateway() -> Gateway {
    let store = Store::in_memory();
    let s3 = S3::open(store.clone()).await.unwrap();
    let authority = Authority::new(Enforcement::All, Arc::new(Iam::new(store)), Arc::clone(&s3));
    let gateway =
        Gateway::new(s3, Hosts::new(std::iter::once(([127, 0, 0, 1], 4566).into()), &[]), authority);
    assert_eq!(send(&gateway, request("PUT", "/bucket", "")).await.status, 200);
    gateway
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    #[track_caller]
    fn refuses(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(self.text.contains(&format!("<Code>{code}</Code>")), "{}", self.text);
    }
}

fn request(method: &str, path: &str, body: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost:4566")
        .header("content-length", body.len())
        .body(Body::from(body.to_owned()))
        .unwrap()
}

fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

async fn send(gateway: &Gateway, request: Request<Body>) -> Answer {
    let response: Response<Body> = gateway.call(request, "REQUEST-1").await;
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Answer { status: head.status.as_u16(), headers: head.headers, text }
}

#[tokio::test]
async fn an_error_says_what_it_is_about() {
    let gateway = gateway().await;
    let answer = send(&gateway, request("GET", "/bucket/a%20%3Cb", "")).await;
    answer.refuses(404, "NoSuchKey");
    for part in [
        "<Message>The specified key does not exist.</Message>",
        "<Key>a &lt;b</Key>",
        "<Resource>/bucket/a%20%3Cb</Resource>",
        "<RequestId>REQUEST-1</RequestId>",
    ] {
        assert!(answer.text.contains(part), "{}", answer.text);
    }
    assert_eq!(answer.header("content-type"), "application/xml");
    assert_eq!(answer.header("x-amz-request-id"), "REQUEST-1");
    assert!(!answer.headers.keys().any(|name| name.as_str().contains("penstock")));
    let head = send(&gateway, request("HEAD", "/bucket/none", "")).await;
    assert_eq!((head.status, head.text.as_str()), (404, ""));
}

#[tokio::test]
async fn what_s3s_refuses_itself_has_words_too() {
    let gateway = gateway().await;
    let long = format!("/bucket/{}", "x".repeat(1025));
    let answer = send(&gateway, request("PUT", &long, "")).await;
    answer.refuses(400, "KeyTooLongError");
    assert!(answer.text.contains("<Message>Your key is too long</Message>"), "{}", answer.text);
    send(&gateway, request("PUT", "/No_Bucket", "")).await.refuses(400, "InvalidBucketName");
    send(&gateway, request("PUT", "/bucket?versioning", "<nonsense")).await.refuses(400, "MalformedXML");
    send(&gateway, request("GET", "/bucket?analytics&id=1", "")).await.refuses(501, "NotImplemented");
}

#[tokio::test]
async fn every_unset_sub_resource_has_its_own_error_or_its_default() {
    let gateway = gateway().await;
    for (resource, code) in [
        ("policy", "NoSuchBucketPolicy"),
        ("cors", "NoSuchCORSConfiguration"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("tagging", "NoSuchTagSet"),
        ("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("ownershipControls", "OwnershipControlsNotFoundError"),
    ] {
        send(&gateway, request("GET", &format!("/bucket?{resource}="), "")).await.refuses(404, code);
    }
    for (resource, part) in [
        ("versioning", "<VersioningConfiguration"),
        ("accelerate", "<AccelerateConfiguration"),
        ("logging", "<BucketLoggingStatus"),
        ("requestPayment", "<Payer>BucketOwner</Payer>"),
        ("encryption", "<SSEAlgorithm>AES256</SSEAlgorithm>"),
        ("acl", "<Permission>FULL_CONTROL</Permission>"),
        ("location", "<LocationConstraint"),
        ("notification", "<NotificationConfiguration"),
    ] {
        let answer = send(&gateway, request("GET", &format!("/bucket?{resource}="), "")).await;
        assert_eq!(answer.status, 200, "{resource}");
        assert!(answer.text.contains(part), "{resource}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_checksum_behind_the_body_is_compared() {
    let gateway = gateway().await;
    for (sum, status) in [("y/Q5Jg==", 200), ("AAAAAA==", 400)] {
        let mut put = with(request("PUT", "/bucket/k", "123456789"), "x-amz-trailer", "x-amz-checksum-crc32");
        let mut trailers = HeaderMap::new();
        trailers.insert("x-amz-checksum-crc32", sum.parse().unwrap());
        put.extensions_mut().insert(Trailing(Arc::new(move || Some(trailers.clone()))));
        let answer = send(&gateway, put).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == 400 {
            answer.refuses(400, "BadDigest");
        } else {
            assert_eq!(answer.header("x-amz-checksum-crc32"), "y/Q5Jg==");
        }
    }
    let head = with(request("HEAD", "/bucket/k", ""), "x-amz-checksum-mode", "ENABLED");
    assert_eq!(send(&gateway, head).await.header("x-amz-checksum-crc32"), "y/Q5Jg==");
}

#[tokio::test]
async fn a_hidden_object_shows_its_delete_marker() {
    let gateway = gateway().await;
    let enable = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    assert_eq!(send(&gateway, request("PUT", "/bucket?versioning=", enable)).await.status, 200);
    let put = send(&gateway, request("PUT", "/bucket/k?x-id=PutObject", "1")).await;
    assert_eq!(put.header("x-amz-version-id").len(), 32);
    let deleted = send(&gateway, request("DELETE", "/bucket/k", "")).await;
    assert_eq!((deleted.status, deleted.header("x-amz-delete-marker")), (204, "true"));
    let marker = deleted.header("x-amz-version-id");
    let get = send(&gateway, request("GET", "/bucket/k", "")).await;
    get.refuses(404, "NoSuchKey");
    assert_eq!((get.header("x-amz-delete-marker"), get.header("x-amz-version-id")), ("true", marker));
    let get = send(&gateway, request("GET", &format!("/bucket/k?versionId={marker}"), "")).await;
    get.refuses(405, "MethodNotAllowed");
    assert_eq!(get.header("allow"), "DELETE");
}

#[tokio::test]
async fn an_unmodified_object_is_answered_without_a_body() {
    let gateway = gateway().await;
    let put = send(&gateway, request("PUT", "/bucket/k", "1")).await;
    let get = with(request("GET", "/bucket/k", ""), "if-none-match", put.header("etag"));
    let answer = send(&gateway, get).await;
    assert_eq!((answer.status, answer.text.as_str()), (304, ""));
}

#[tokio::test]
async fn a_bucket_is_its_owners_and_a_host_name_may_hold_it() {
    let gateway = gateway().await;
    let mut foreign = request("GET", "/bucket?list-type=2", "");
    let identity = Identity { account: "111122223333".to_owned(), region: "us-east-1".to_owned() };
    foreign.extensions_mut().insert(identity);
    send(&gateway, foreign).await.refuses(403, "AccessDenied");
    let put = with(request("PUT", "/k", "in the host"), "host", "bucket.localhost:4566");
    assert_eq!(send(&gateway, put).await.status, 200);
    assert_eq!(send(&gateway, request("GET", "/bucket/k", "")).await.text, "in the host");
}
