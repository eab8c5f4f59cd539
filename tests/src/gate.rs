//! A gate between a daemon's actions and S3: while it is shut, an action that calls S3 is at work and stays so.
//! Tests then need no luck to find an execution under way.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Listens from the start; leads nowhere until it is told where to.
#[derive(Clone, Debug)]
pub struct Gate {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    target: Option<SocketAddr>,
    is_shut: bool,
    /// Requests that came to the shut gate.
    waiting: usize,
}

impl Gate {
    /// An open gate.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let gate = Self { address, state: Arc::default() };
        let at_the_gate = gate.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let gate = at_the_gate.clone();
                thread::spawn(move || gate.lead(client));
            }
        });
        gate
    }

    /// The endpoint that goes through the gate.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it leads.
    pub fn lead_to(&self, target: SocketAddr) {
        self.change(|state| state.target = Some(target));
    }

    /// Holds whatever comes from now on.
    pub fn shut(&self) {
        self.change(|state| state.is_shut = true);
    }

    /// Lets everything through that waits, and what comes.
    pub fn open(&self) {
        self.change(|state| state.is_shut = false);
    }

    /// Waits until that many requests wait at the shut gate.
    pub fn wait_for(&self, requests: usize) {
        let (state, changed) = &*self.state;
        let state = state.lock().unwrap();
        let waited =
            changed.wait_timeout_while(state, crate::waiting::PATIENCE, |state| state.waiting < requests);
        assert!(!waited.unwrap().1.timed_out(), "{requests} requests did not come to the gate");
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.state;
        change(&mut state.lock().unwrap());
        changed.notify_all();
    }

    /// Waits until the gate is open; answers where to go.
    fn pass(&self) -> Option<SocketAddr> {
        let (state, changed) = &*self.state;
        let mut state = state.lock().unwrap();
        state.waiting += 1;
        changed.notify_all();
        let mut state = changed.wait_while(state, |state| state.is_shut).unwrap();
        state.waiting -= 1;
        state.target
    }

    /// Passes a connection's bytes on, stopping at the gate before each piece that the client sends.
    fn lead(&self, mut client: TcpStream) {
        let mut server: Option<TcpStream> = None;
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = client.read(&mut buffer) {
            let Some(target) = self.pass() else { break };
            if server.is_none() {
                let (Ok(stream), Ok(to_client)) = (TcpStream::connect(target), client.try_clone()) else {
                    break;
                };
                let Ok(from_server) = stream.try_clone() else { break };
                thread::spawn(move || carry(from_server, to_client));
                server = Some(stream);
            }
            if server.as_mut().is_none_or(|server| server.write_all(&buffer[..count]).is_err()) {
                break;
            }
        }
        if let Some(server) = server {
            let _ = server.shutdown(Shutdown::Both);
        }
        let _ = client.shutdown(Shutdown::Both);
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
