//! HTTP/1.1 said byte by byte: what no decent client would let a test send.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A request; `Host`, `Content-Length` and `Connection: close` are added unless it says otherwise.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// With that method and target, the target exactly as given.
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// With one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With that body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it and waits for the whole answer.
    pub fn send(&self, address: SocketAddr) -> io::Result<Answer> {
        exchange(address, self.bytes(address))
    }

    fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let defaults = [
            ("Host", address.to_string()),
            ("Content-Length", self.body.len().to_string()),
            ("Connection", "close".to_owned()),
        ];
        let is_given = |name: &str| self.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        let defaults = defaults.into_iter().filter(|(name, _)| !is_given(name));
        let given = self.headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
        for (name, value) in defaults.chain(given) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        [head.into_bytes(), self.body.clone()].concat()
    }
}

/// Sends those bytes as they are, and reads the answer while they still go out: a refusal may come before the
/// end of a long body.
pub fn exchange(address: SocketAddr, bytes: Vec<u8>) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_nodelay(true)?;
    let mut outgoing = stream.try_clone()?;
    // A daemon that has refused does not read on: failing to write is then no error.
    let writer = thread::spawn(move || outgoing.write_all(&bytes));
    let answer = read(&mut stream);
    let _ = stream.shutdown(Shutdown::Both);
    let _ = writer.join();
    answer
}

fn read(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut received = Vec::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        if let Some(answer) = complete(&received)? {
            return Ok(answer);
        }
        let count = match stream.read(&mut buffer) {
            // What had arrived before a reset is an answer all the same.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && !received.is_empty() => 0,
            other => other?,
        };
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the connection ended after {} bytes of the answer", received.len()),
            ));
        }
        received.extend_from_slice(&buffer[..count]);
    }
}

/// The answer, when all of it is there.
fn complete(received: &[u8]) -> io::Result<Option<Answer>> {
    let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let Some(end) = position(received, b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&received[..end]).map_err(|_| broken("the head is not text"))?;
    let rest = &received[end + 4..];
    let mut lines = head.split("\r\n");
    let status: u16 = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| broken("no status line"))?;
    if status == 100 {
        return complete(rest);
    }
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: Vec::new() };
    let body = match answer.header("content-length").map(str::parse::<usize>) {
        Some(Ok(length)) if rest.len() >= length => Some(rest[..length].to_vec()),
        Some(_) => None,
        None if answer.header("transfer-encoding").is_some() => chunks(rest)?,
        None => Some(Vec::new()),
    };
    Ok(body.map(|body| {
        answer.body = body;
        answer
    }))
}

fn chunks(mut rest: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = position(rest, b"\r\n") else { return Ok(None) };
        let length =
            std::str::from_utf8(&rest[..end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no chunk length"))?;
        let Some(after) = rest.get(end + 2 + length + 2..) else { return Ok(None) };
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        if length == 0 {
            return Ok(Some(body));
        }
        rest = after;
    }
}

fn position(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}
