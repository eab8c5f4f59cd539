//! A server that takes requests and remembers them, in place of a service that the daemon calls.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Received {
    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(held, _)| held == name).map_or("", |(_, value)| value)
    }
}

/// Listens until the test ends.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Sink {
    /// Answers as that says: a status and a body, by the request and how many came before it.
    pub fn start(answer: impl Fn(&Received, usize) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port to listen on");
        let sink = Self {
            address: listener.local_addr().expect("a listener has an address"),
            received: Arc::default(),
        };
        let (received, answer) = (Arc::clone(&sink.received), Arc::new(answer));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (received, answer) = (Arc::clone(&received), Arc::clone(&answer));
                // Who breaks off has asked for nothing.
                thread::spawn(move || drop(serve(client, &received, &*answer)));
            }
        });
        sink
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has arrived so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn serve(
    mut client: TcpStream,
    received: &Mutex<Vec<Received>>,
    answer: &dyn Fn(&Received, usize) -> (u16, String),
) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let request = loop {
        if let Some(request) = complete(&bytes) {
            break request;
        }
        match client.read(&mut buffer)? {
            0 => return Ok(()),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    };
    let (status, body) = {
        let mut received = received.lock().unwrap();
        let answered = answer(&request, received.len());
        received.push(request);
        answered
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    client.write_all(head.as_bytes())?;
    client.write_all(body.as_bytes())
}

fn complete(bytes: &[u8]) -> Option<Received> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let headers: Vec<(String, String)> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let request = Received { headers, body: String::new() };
    let length: usize = request.header("content-length").parse().unwrap_or(0);
    let body = bytes[end + 4..].get(..length)?;
    Some(Received { body: String::from_utf8_lossy(body).into_owned(), ..request })
}
