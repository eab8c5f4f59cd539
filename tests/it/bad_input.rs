//! Whatever is sent, the answer is AWS's error, nothing changes, and the daemon goes on.

use std::collections::BTreeSet;
use std::fs;

use penstock_tests::aws::{Caller, percent_encoded};
use penstock_tests::binary::checkout;
use penstock_tests::daemon::Daemon;
use penstock_tests::http::{Answer, Request, exchange};
use penstock_tests::pipelines::{Ground, stage};
use serde_json::{Value, json};

const MODEL: &str = "api/model/codepipeline-2015-07-09.json";

fn model() -> Value {
    serde_json::from_str(&fs::read_to_string(checkout().join(MODEL)).unwrap()).unwrap()
}

/// A daemon with one pipeline that has run.
fn furnished() -> (Daemon, Caller) {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    let pipeline = ground.pipeline("kept", &[stage("Deploy", &[ground.deploy("Deploy", 1, "out")])]);
    let tags = json!([{"key": "k", "value": "v"}]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline, "tags": tags}));
    let first = caller.executions("kept")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("kept", &first), "Succeeded");
    (daemon, caller)
}

/// Everything that a bad request could have changed.
fn state(caller: &Caller) -> Value {
    let arn = "arn:aws:codepipeline:us-east-1:000000000000:kept";
    json!([
        caller.call("ListPipelines", &json!({})),
        caller.call("GetPipeline", &json!({"name": "kept"})),
        caller.call("GetPipelineState", &json!({"name": "kept"})),
        caller.call("ListTagsForResource", &json!({"resourceArn": arn})),
        caller.executions("kept"),
    ])
}

fn is_refused(what: &str, answer: &Answer) {
    let text = answer.text();
    assert!((400..500).contains(&answer.status), "{what}: {} {text}", answer.status);
    assert!(answer.json()["__type"].as_str().is_some_and(|code| !code.is_empty()), "{what}: {text}");
    assert!(answer.header("x-amzn-requestid").is_some(), "{what}: {:?}", answer.headers);
}

#[test]
fn every_operation_refuses_what_is_no_request() {
    let (daemon, caller) = furnished();
    let before = state(&caller);
    let model = model();
    let operations: Vec<&String> = model["operations"].as_object().unwrap().keys().collect();
    assert_eq!(operations.len(), 44);
    let deep = |open: &str, close: &str| {
        [r#"{"name":"kept","unknown":"#, &open.repeat(100_000), &close.repeat(100_000), "}"].concat()
    };
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("an open brace", b"{".to_vec()),
        ("no value", br#"{"name":}"#.to_vec()),
        ("something behind", br#"{"name":"kept"} x"#.to_vec()),
        ("an array", b"[]".to_vec()),
        ("a number", b"7".to_vec()),
        ("null", b"null".to_vec()),
        ("a text", br#""name""#.to_vec()),
        ("invalid UTF-8", b"{\"name\":\"\xff\xfe\"}".to_vec()),
        ("half a surrogate", br#"{"name":"\ud800"}"#.to_vec()),
        ("a byte order mark of UTF-16", b"\xff\xfe{\x00}\x00".to_vec()),
        ("deep arrays", deep("[", "]").into_bytes()),
        ("deep objects", deep(r#"{"a":"#, "1}").replace("1}1}", "}}").into_bytes()),
    ];
    for operation in &operations {
        for (what, body) in &bodies {
            let answer =
                caller.codepipeline_request(operation).body(body.clone()).send(daemon.address()).unwrap();
            is_refused(&format!("{operation}: {what}"), &answer);
            assert_eq!(answer.json()["__type"], "SerializationException", "{operation}: {what}");
        }
        let with = |content_type: &str| {
            Request::new("POST", "/")
                .header("Authorization", &caller.authorization("codepipeline"))
                .header("Content-Type", content_type)
                .header("X-Amz-Target", &format!("CodePipeline_20150709.{operation}"))
                .body(r#"{"name":"kept"}"#)
        };
        for content_type in ["text/plain", "application/xml", "multipart/form-data; boundary=x", "", "é"] {
            let answer = with(content_type).send(daemon.address()).unwrap();
            is_refused(&format!("{operation} as {content_type}"), &answer);
        }
    }
    assert_eq!(state(&caller), before);
}

#[test]
fn every_operation_refuses_members_of_the_wrong_type() {
    let (daemon, caller) = furnished();
    let before = state(&caller);
    let model = model();
    let mut sent = 0;
    for (operation, about) in model["operations"].as_object().unwrap() {
        let input = &model["shapes"][about["input"].as_str().unwrap()];
        for (member, reference) in input["members"].as_object().unwrap() {
            let shape = reference.as_str().or_else(|| reference["shape"].as_str()).unwrap();
            for wrong in wrong_values(model["shapes"][shape]["type"].as_str().unwrap()) {
                let body = json!({member: wrong}).to_string();
                let request = caller.codepipeline_request(operation).body(body.clone());
                let answer = request.send(daemon.address()).unwrap();
                is_refused(&format!("{operation} {body}"), &answer);
                sent += 1;
            }
        }
    }
    assert!(sent > 400, "{sent} values were tried");
    assert_eq!(state(&caller), before);
}

fn wrong_values(kind: &str) -> Vec<Value> {
    let of = |kinds: &[&str], value: Value| (!kinds.contains(&kind)).then_some(value);
    let numbers = ["integer", "long", "timestamp"];
    [
        of(&["string", "timestamp"], json!("text")),
        of(&numbers, json!(7)),
        of(&["boolean"], json!(true)),
        of(&["list"], json!([])),
        of(&["map", "structure"], json!({})),
        Some(json!([[]])),
        numbers.contains(&kind).then(|| json!(1e300)),
        numbers.contains(&kind).then(|| json!(1.5)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn a_body_of_ten_megabytes_is_refused_by_every_operation() {
    let (daemon, caller) = furnished();
    let before = state(&caller);
    let body = format!(r#"{{"name":"{}"}}"#, "n".repeat(10 << 20)).into_bytes();
    for operation in model()["operations"].as_object().unwrap().keys() {
        let request = caller.codepipeline_request(operation).body(body.clone());
        is_refused(operation, &request.send(daemon.address()).unwrap());
    }
    assert_eq!(state(&caller), before);
    let memory = daemon.resident_memory().unwrap_or_default();
    assert!(memory < 200 << 20, "{} MiB are still resident", memory >> 20);
}

#[test]
fn requests_that_name_no_operation_are_refused() {
    let (daemon, caller) = furnished();
    let before = state(&caller);
    let post = || Request::new("POST", "/").header("Authorization", &caller.authorization("codepipeline"));
    let json = || post().header("Content-Type", "application/x-amz-json-1.1").body(r#"{"name":"kept"}"#);
    let target = |target: &str| json().header("X-Amz-Target", target);
    let long = format!("CodePipeline_20150709.{}", "A".repeat(5000));
    for (what, request) in [
        ("no target", json()),
        ("an empty target", target("")),
        ("no such operation", target("CodePipeline_20150709.Fly")),
        ("another case", target("CodePipeline_20150709.deletepipeline")),
        ("another service", target("CodeBuild_20161006.DeletePipeline")),
        ("another version", target("CodePipeline_20200101.DeletePipeline")),
        ("only a name", target("DeletePipeline")),
        ("two targets", target("CodePipeline_20150709.DeletePipeline, CodePipeline_20150709.GetPipeline")),
        ("a long target", target(&long)),
    ] {
        is_refused(what, &request.send(daemon.address()).unwrap());
    }
    let target = "CodePipeline_20150709.DeletePipeline";
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let request = Request::new(method, "/")
            .header("Authorization", &caller.authorization("codepipeline"))
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("X-Amz-Target", target)
            .body(r#"{"name":"kept"}"#);
        let answer = request.send(daemon.address()).unwrap();
        assert!((400..500).contains(&answer.status), "{method}: {} {}", answer.status, answer.text());
    }
    assert_eq!(state(&caller), before);
}

#[test]
fn what_is_not_even_http_ends_its_own_connection_only() {
    let (daemon, caller) = furnished();
    let before = state(&caller);
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\n";
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        format!("{head}Content-Length: -1\r\n\r\n").into_bytes(),
        format!("{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello").into_bytes(),
        format!("{head}Content-Length: 99999999999999999999\r\n\r\n").into_bytes(),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nZZ\r\n").into_bytes(),
        format!("{head}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n").into_bytes(),
        format!("{head}X: {}\r\n\r\n", "x".repeat(1 << 20)).into_bytes(),
        format!("{head}{}\r\n", "X: y\r\n".repeat(10_000)).into_bytes(),
        format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(1 << 20)).into_bytes(),
        b"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
    ] {
        let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        if let Ok(answer) = exchange_and_hang_up(&daemon, bytes) {
            // What can be read as HTTP after all is a request that S3 does not implement.
            let is_refused = (400..500).contains(&answer.status) || answer.status == 501;
            assert!(is_refused, "{begin:?}: {} {}", answer.status, answer.text());
        }
        assert!(daemon.is_healthy(), "{begin:?}");
    }
    assert_eq!(state(&caller), before);
}

/// A daemon that waits for the rest of a request would keep the test waiting: with the connection's end there
/// is nothing to wait for.
fn exchange_and_hang_up(daemon: &Daemon, bytes: Vec<u8>) -> std::io::Result<Answer> {
    let with_end =
        [bytes.as_slice(), b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"].concat();
    exchange(daemon.address(), with_end)
}

#[test]
fn web_pages_from_elsewhere_are_refused() {
    let (daemon, caller) = furnished();
    let before = state(&caller);
    let delete = || caller.codepipeline_request("DeletePipeline").body(r#"{"name":"kept"}"#);
    let remove = || caller.s3_request("DELETE", "/source-bucket/file");
    let port = daemon.address().port();
    for (name, value) in [
        ("Host", "evil.example".to_owned()),
        ("Host", format!("evil.example:{port}")),
        ("Host", format!("localhost.evil.example:{port}")),
        ("Host", format!("127.0.0.1.evil.example:{port}")),
        ("Host", String::new()),
        ("Origin", "http://evil.example".to_owned()),
        ("Origin", format!("http://evil.example:{port}")),
        ("Origin", "null".to_owned()),
        ("Sec-Fetch-Site", "cross-site".to_owned()),
    ] {
        for request in [delete(), remove()] {
            let answer = request.header(name, &value).send(daemon.address()).unwrap();
            assert!(
                (400..500).contains(&answer.status),
                "{name}: {value}: {} {}",
                answer.status,
                answer.text()
            );
            assert!(answer.header("access-control-allow-origin").is_none(), "{name}: {value}");
        }
    }
    assert_eq!(state(&caller), before);
    caller.s3_done("GET", "/source-bucket/file", b"");
    let ours = delete().header("Host", &format!("localhost:{port}"));
    assert_eq!(ours.send(daemon.address()).unwrap().status, 200);
}

#[test]
fn odd_keys_are_kept_faithfully_and_lead_nowhere() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    caller.make_bucket("odd");
    let long = "k".repeat(1024);
    let unicode = "ü/☃/😀/\u{202e}x";
    let keys = [
        "../../x",
        "..",
        ".",
        "./x",
        "a/../b",
        "/",
        "//",
        "/etc/passwd",
        "a//b",
        "a/",
        "a/b/",
        "..%2f..%2fx",
        "a b+c&d=e?f#g%h",
        "~tilde",
        "\\windows\\..\\x",
        "line\nfeed\ttab",
        "C:",
        "con",
        ".hidden",
        "*",
        "'\"<>",
        unicode,
        &long,
    ];
    for (number, key) in keys.iter().enumerate() {
        caller.s3_done("PUT", &path(key), format!("content {number}").as_bytes());
    }
    for (number, key) in keys.iter().enumerate() {
        let object = caller.s3_done("GET", &path(key), b"");
        assert_eq!(object.text(), format!("content {number}"), "{key:?}");
    }
    assert_eq!(listed(&caller), keys.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<_>>());
    let too_long = caller.s3("PUT", &path(&"k".repeat(1025)), b"x");
    assert_eq!(too_long.status, 400);
    assert!(too_long.text().contains("KeyTooLongError"), "{}", too_long.text());
    let around: Vec<_> = fs::read_dir(daemon.data().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(around, ["data"], "nothing was written beside the data folder");
    for key in keys {
        caller.s3_done("DELETE", &path(key), b"");
    }
    assert!(listed(&caller).is_empty());
    for bucket in ["..", ".", "%2e%2e", "UPPER", "a", "a..b", "-a", "under_score"] {
        let answer = caller.s3("PUT", &format!("/{bucket}"), b"");
        assert!((400..500).contains(&answer.status), "{bucket}: {} {}", answer.status, answer.text());
    }
}

fn path(key: &str) -> String {
    format!("/odd/{}", percent_encoded(key))
}

/// The keys as `ListObjectsV2` gives them, URL-encoded as clients ask for it.
fn listed(caller: &Caller) -> BTreeSet<String> {
    let text = caller.s3_done("GET", "/odd?list-type=2&encoding-type=url", b"").text();
    text.split("<Key>").skip(1).map(|rest| percent_decoded(rest.split("</Key>").next().unwrap())).collect()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            b'+' => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}
