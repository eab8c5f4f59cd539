//! A gate between a daemon and its container engine, which can fall silent or be gone.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use tempfile::TempDir;

/// Listens from the start, and leads to the engine.
#[derive(Debug)]
pub struct EngineGate {
    folder: TempDir,
    engine: PathBuf,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    is_silent: bool,
    is_gone: bool,
    open: Vec<UnixStream>,
}

impl EngineGate {
    /// An open gate before the engine that listens there.
    pub fn before(engine: PathBuf) -> Self {
        let gate =
            Self { folder: TempDir::new().expect("a temporary folder"), engine, state: Arc::default() };
        gate.listen();
        gate
    }

    /// What a daemon's environment needs so that it goes through the gate.
    pub fn environment(&self) -> Vec<(String, String)> {
        vec![("DOCKER_HOST".to_owned(), format!("unix://{}", self.socket().display()))]
    }

    /// From now on nothing passes, and nobody is told why.
    pub fn fall_silent(&self) {
        self.change(|state| state.is_silent = true);
    }

    /// All connections break, and there is no socket any more.
    pub fn vanish(&self) {
        std::fs::remove_file(self.socket()).expect("the socket is there");
        self.change(|state| {
            state.is_gone = true;
            for stream in state.open.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
    }

    /// All is as it was in the beginning.
    pub fn come_back(&self) {
        let mut was_gone = false;
        self.change(|state| {
            was_gone = state.is_gone;
            (state.is_silent, state.is_gone) = (false, false);
        });
        if was_gone {
            self.listen();
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.state;
        change(&mut state.lock().unwrap());
        changed.notify_all();
    }

    fn listen(&self) {
        let listener = UnixListener::bind(self.socket()).expect("a socket to listen on");
        let (engine, state) = (self.engine.clone(), Arc::clone(&self.state));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&engine) else { continue };
                let clones = [&client, &server, &client, &server].map(UnixStream::try_clone);
                let [Ok(from_client), Ok(from_server), Ok(one), Ok(other)] = clones else { continue };
                state.0.lock().unwrap().open.extend([one, other]);
                let (there, back) = (Arc::clone(&state), Arc::clone(&state));
                thread::spawn(move || carry(from_client, server, &there));
                thread::spawn(move || carry(from_server, client, &back));
            }
        });
    }
}

fn carry(mut from: UnixStream, mut to: UnixStream, state: &(Mutex<State>, Condvar)) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        drop(state.1.wait_while(state.0.lock().unwrap(), |state| state.is_silent).unwrap());
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
