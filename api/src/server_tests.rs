//! A server on a free port, and clients that misbehave.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;

use super::*;
use crate::services::tests_support::services;

struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = serve(Arc::new(services()), vec![listener]).unwrap();
                sender.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { address, handle: receiver.recv().unwrap(), thread: Some(thread) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends bytes as they are and reads until the server closes.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn send(&self, head: &str, body: &[u8]) -> String {
        let length = body.len();
        let head = format!(
            "{head}\r\nHost: localhost:4566\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        self.raw(&[head.as_bytes(), body].concat())
    }

    fn still_answers(&self) {
        let answer = self.send("GET /_penstock/health HTTP/1.1", b"");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        self.thread.take().unwrap().join().unwrap();
    }
}

const LIST: &str = "POST / HTTP/1.1\r\nX-Amz-Target: CodePipeline_20150709.ListPipelines\r\n\
                    Content-Type: application/x-amz-json-1.1";

#[test]
fn bad_input_gets_awss_error_and_never_a_500() {
    let server = Running::start();
    let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
    let json = "POST / HTTP/1.1\r\nContent-Type: application/x-amz-json-1.1";
    let cases: [(&str, &[u8], &str, &str); 14] = [
        (LIST, b"{", "400", "SerializationException"),
        (LIST, b"{\"maxResults\": \"ten\"}", "400", "SerializationException"),
        (LIST, b"{\"maxResults\": 0}", "400", "ValidationException"),
        (LIST, b"\xff\xfe\xfd", "400", "SerializationException"),
        (LIST, b"[]", "400", "SerializationException"),
        (LIST, deep.as_bytes(), "400", "SerializationException"),
        (json, b"{}", "400", "UnknownOperationException"),
        (&format!("{json}\r\nX-Amz-Target: Nothing.Known"), b"{}", "400", "UnknownOperationException"),
        (
            &format!("{json}\r\nX-Amz-Target: CodePipeline_20150709.Fly"),
            b"{}",
            "400",
            "UnknownOperationException",
        ),
        (&format!("{json}\r\nX-Amz-Target: \u{fc}"), b"{}", "400", "UnknownOperationException"),
        (
            "POST / HTTP/1.1\r\nX-Amz-Target: CodePipeline_20150709.ListPipelines\r\nContent-Type: text/plain",
            b"{}",
            "400",
            "UnknownOperationException",
        ),
        (
            "GET / HTTP/1.1\r\nX-Amz-Target: CodePipeline_20150709.ListPipelines",
            b"",
            "400",
            "UnknownOperationException",
        ),
        (
            "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded",
            b"Action=%ff%",
            "404",
            "MalformedQueryString",
        ),
        (
            "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded",
            b"\xff",
            "404",
            "MalformedQueryString",
        ),
    ];
    for (head, body, status, code) in cases {
        let answer = server.send(head, body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
        assert!(answer.contains(code), "{head}: {answer}");
        assert!(answer.contains("x-amzn-requestid: "), "{head}: {answer}");
    }
    server.still_answers();
}

#[test]
fn a_body_of_ten_megabytes_is_refused_and_the_client_can_read_why() {
    let server = Running::start();
    let body = vec![b' '; 10 * 1024 * 1024];
    let answer = server.send(LIST, &body);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"__type\":\"RequestEntityTooLargeException\""), "{answer}");
    let chunk = [format!("{:x}\r\n", body.len()).as_bytes(), body.as_slice(), b"\r\n0\r\n\r\n"].concat();
    let head =
        format!("{LIST}\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    let answer = server.raw(&[head.as_bytes(), &chunk].concat());
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    server.still_answers();
}

#[test]
fn strangers_are_refused_in_their_protocols_form() {
    let server = Running::start();
    let refused = |head: &str| {
        let answer =
            server.raw(format!("{head}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 403 "), "{head}: {answer}");
        assert!(!answer.to_ascii_lowercase().contains("access-control-allow"), "{answer}");
        answer
    };
    let answer = refused(&format!("{LIST}\r\nHost: evil.example:4566"));
    assert!(answer.contains("\"__type\":\"AccessDeniedException\""), "{answer}");
    let answer = refused(&format!("{LIST}\r\nHost: localhost:4566\r\nOrigin: https://evil.example"));
    assert!(answer.contains("AccessDeniedException"), "{answer}");
    let answer = refused("PUT /bucket/key HTTP/1.1\r\nHost: evil.example");
    assert!(answer.contains("<Code>AccessDenied</Code>"), "{answer}");
    let form = "POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/x-www-form-urlencoded";
    let answer = refused(form);
    assert!(answer.contains("<ErrorResponse>"), "{answer}");
    refused("GET /_penstock/health HTTP/1.1\r\nHost: evil.example");
    refused("GET /_penstock/health HTTP/1.1\r\nHost: localhost\r\nOrigin: null");
    refused("OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example");
}

#[test]
fn broken_http_ends_a_connection_and_nothing_else() {
    let server = Running::start();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /\r\n\r\n",
    ] {
        let answer = server.raw(bytes);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let mut cut = server.connect();
    cut.write_all(format!("{LIST}\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{{").as_bytes()).unwrap();
    drop(cut);
    server.still_answers();
}

#[test]
fn a_panic_is_a_500_and_the_daemon_lives() {
    let server = Running::start();
    let answer = server.send("GET /panics/key HTTP/1.1", b"");
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.contains("<Code>InternalError</Code>"), "{answer}");
    assert!(!answer.contains("asked to"), "the cause is not the caller's: {answer}");
    server.still_answers();
}

#[test]
fn objects_go_through_whole_with_the_callers_account() {
    let server = Running::start();
    let answer = server.send(
        "GET /bucket/a%20b HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=123456789012/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x",
        b"",
    );
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nbucket/a b 123456789012"), "{answer}");
    let answer =
        server.raw(b"GET /key HTTP/1.1\r\nHost: my-bucket.localhost:4566\r\nConnection: close\r\n\r\n");
    assert!(answer.ends_with("my-bucket/key 000000000000"), "{answer}");
}

#[test]
fn a_head_keeps_the_objects_length() {
    let server = Running::start();
    let answer = server.send("HEAD /bucket/key HTTP/1.1", b"");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-length: 7\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn an_upload_arrives_whole_in_either_encoding_or_fails() {
    let server = Running::start();
    let answer = server.send("PUT /bucket/key HTTP/1.1", &vec![b'x'; 3_000_000]);
    assert!(answer.contains("etag: \"3000000\""), "{answer}");
    let chunked = "PUT /bucket/key HTTP/1.1\r\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n\
                   x-amz-decoded-content-length: 5\r\ncontent-encoding: aws-chunked";
    let answer = server.send(chunked, b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    assert!(answer.contains("etag: \"5\""), "{answer}");
    let answer = server.send(chunked, b"5\r\nhel");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("IncompleteBody"), "{answer}");
}

#[test]
fn a_connection_is_kept_for_the_next_request() {
    let server = Running::start();
    let mut stream = server.connect();
    for _ in 0..3 {
        stream.write_all(b"GET /_penstock/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = [0; 4096];
        let read = stream.read(&mut answer).unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 404"));
    }
}
