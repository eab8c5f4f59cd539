//! HTTP/1.1 over connections that stay open, as SDKs use them, with as little work as possible on this side: the
//! client shares the processors with the daemon.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use penstock_tests::aws::Caller;
use serde_json::Value;

/// An open connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a whole request and reads the whole answer: its status and body.
    pub(crate) fn call(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let mut piece = [0; 16 * 1024];
        loop {
            let count = self.stream.read(&mut piece)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(&piece[..count]);
            if let Some((status, body)) = whole(&self.buffer)? {
                return Ok((status, &self.buffer[body..]));
            }
        }
    }

    /// The same, where only a good answer will do.
    pub(crate) fn good(&mut self, request: &[u8]) -> &[u8] {
        let (status, body) = self.call(request).unwrap_or_else(|error| panic!("no answer: {error}"));
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
        body
    }
}

/// Status and where the body begins, once all of it is there.
fn whole(received: &[u8]) -> io::Result<Option<(u16, usize)>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&received[..end]).map_err(io::Error::other)?;
    let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.ok_or_else(|| io::Error::other("an answer without a length"))?;
    Ok((received.len() >= end + 4 + length).then_some((status, end + 4)))
}

/// A GET of one of the daemon's own pages.
pub(crate) fn get(address: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()
}

/// A CodePipeline request, whole.
pub(crate) fn codepipeline(address: SocketAddr, region: &str, operation: &str, input: &Value) -> Vec<u8> {
    let authorization = Caller::new(address).authorization("codepipeline").replace("us-east-1", region);
    let body = input.to_string();
    format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n\
         Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: CodePipeline_20150709.{operation}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// How many a second so many connections get answered, one request after the other on each.
pub(crate) fn rate(address: SocketAddr, connections: usize, lasting: Duration, request: &[u8]) -> Rate {
    let begin = Instant::now();
    let one = || {
        let mut connection = Connection::open(address).expect("the daemon listens");
        let mut answered = 0u32;
        while begin.elapsed() < lasting {
            connection.good(request);
            answered += 1;
        }
        answered
    };
    let answered = thread::scope(|scope| {
        let all: Vec<_> = (0..connections).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|one| one.join().expect("a client ends well")).sum::<u32>()
    });
    Rate { answered, seconds: begin.elapsed().as_secs_f64() }
}

/// What [`rate`] found.
pub(crate) struct Rate {
    pub(crate) answered: u32,
    seconds: f64,
}

impl Rate {
    pub(crate) fn per_second(&self) -> f64 {
        f64::from(self.answered) / self.seconds
    }
}
