//! `/_penstock/events` as a client that follows it sees it.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::waiting::PATIENCE;

/// One message of the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Empty where none was sent.
    pub id: String,
    /// Empty for ordinary events.
    pub event: String,
    /// The data.
    pub data: Value,
}

/// An open stream.
#[derive(Debug)]
pub struct EventStream {
    reader: BufReader<TcpStream>,
}

impl EventStream {
    /// Begins to follow; `query` such as `?after=0`.
    pub fn open(address: SocketAddr, query: &str, last_id: Option<&str>) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let last_id = last_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        // The older version has the body come as it is, without chunks.
        let head = format!("GET /_penstock/events{query} HTTP/1.0\r\nHost: {address}\r\n{last_id}\r\n");
        stream.write_all(head.as_bytes())?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if !line.contains(" 200 ") {
            return Err(io::Error::other(line));
        }
        while line.trim_end() != "" {
            line.clear();
            reader.read_line(&mut line)?;
        }
        Ok(Self { reader })
    }

    /// How long [`message`](Self::message) waits.
    pub fn wait_for(&self, patience: Duration) {
        self.reader.get_ref().set_read_timeout(Some(patience)).expect("a patience above zero");
    }

    /// The next message; nothing when the stream has ended. An error when it broke off, or nothing came in time.
    pub fn message(&mut self) -> io::Result<Option<Message>> {
        let (mut id, mut event, mut data) = (String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            match line.trim_end_matches(['\r', '\n']).split_once(": ") {
                Some(("id", value)) => id = value.to_owned(),
                Some(("event", value)) => event = value.to_owned(),
                Some(("data", value)) => data = value.to_owned(),
                Some(_) => {}
                None if data.is_empty() => {}
                None => {
                    let data = serde_json::from_str(&data).map_err(io::Error::other)?;
                    return Ok(Some(Message { id, event, data }));
                }
            }
        }
    }

    /// All messages up to the first one that fits.
    pub fn until(&mut self, fits: impl Fn(&Message) -> bool) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            let message = self.message().expect("the stream goes on").expect("the stream goes on");
            let last = fits(&message);
            messages.push(message);
            if last {
                return messages;
            }
        }
    }
}
