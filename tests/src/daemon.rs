//! A daemon of a test's own: started, killed, started again, and never left behind.
//!
//! A WARN or ERROR line, a panic or anything else on standard error that the test did not announce fails the
//! test.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::aws::Caller;
use crate::binary::penstock;
use crate::http::Request;
use crate::waiting::{PATIENCE, until};

/// A daemon with a data folder and a port that it keeps over restarts.
#[derive(Debug)]
pub struct Daemon {
    folder: TempDir,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    announced: Vec<String>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    reader: JoinHandle<()>,
}

impl Daemon {
    /// Starts one with the defaults.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with those flags.
    pub fn start_with(flags: &[&str]) -> Self {
        Self::start_in(TempDir::new().expect("a temporary folder"), flags)
    }

    /// Starts one with those flags and more in its environment.
    pub fn start_with_environment(flags: &[&str], environment: &[(String, String)]) -> Self {
        Self::begin(TempDir::new().expect("a temporary folder"), flags, environment)
    }

    /// Starts one that keeps its data in that folder, such as one on a disk of its own.
    pub fn start_in(folder: TempDir, flags: &[&str]) -> Self {
        Self::begin(folder, flags, &[])
    }

    /// Starts one that listens on that address of this machine and not on the loopback.
    pub fn start_at(ip: IpAddr, flags: &[&str], environment: &[(String, String)]) -> Self {
        Self::begin_at(ip, TempDir::new().expect("a temporary folder"), flags, environment)
    }

    fn begin(folder: TempDir, flags: &[&str], environment: &[(String, String)]) -> Self {
        Self::begin_at(Ipv4Addr::LOCALHOST.into(), folder, flags, environment)
    }

    fn begin_at(ip: IpAddr, folder: TempDir, flags: &[&str], environment: &[(String, String)]) -> Self {
        let mut daemon = Self {
            folder,
            environment: environment.to_vec(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            address: free_address(ip),
            log: Arc::default(),
            announced: Vec::new(),
            running: None,
        };
        // Between looking for a port and listening on it, another program may have been quicker.
        for _ in 0..20 {
            if daemon.spawn() {
                return daemon;
            }
            daemon.log.lock().unwrap().clear();
            daemon.address = free_address(ip);
        }
        panic!("no port to listen on");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint as clients want it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The default caller at this daemon.
    pub fn caller(&self) -> Caller {
        Caller::new(self.address)
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Says that log lines which contain this are meant to come.
    pub fn announce(&mut self, text: &str) {
        self.announced.push(text.to_owned());
    }

    /// What it wrote to standard error so far, over all its starts.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> u32 {
        self.running.as_ref().expect("the daemon runs").child.id()
    }

    /// Kills it with SIGKILL, whatever it is doing.
    pub fn kill(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        let _ = running.child.kill();
        running.child.wait().expect("a child can be waited for");
        let _ = running.reader.join();
    }

    /// Asks it to stop with that signal (`TERM`, `INT`), and waits: how it ended and how long that took.
    pub fn stop(&mut self, signal: &str) -> (ExitStatus, Duration) {
        let mut running = self.running.take().expect("the daemon runs");
        let asked = Instant::now();
        let id = running.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &id]).status().expect("kill runs");
        assert!(sent.success(), "kill -{signal} {id}: {sent}");
        let status =
            until("the daemon ends", || running.child.try_wait().expect("a child can be waited for"));
        let took = asked.elapsed();
        let _ = running.reader.join();
        (status, took)
    }

    /// Starts it again on the same folder and port.
    pub fn start_again(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        assert!(self.spawn(), "penstock did not start again: {:#?}", self.log());
    }

    /// Runs a second daemon on the given folder and port until it ends by itself.
    pub fn run_to_its_end(data: &Path, listen: SocketAddr) -> Output {
        let mut command = hermetic(data);
        command.args(["--listen", &listen.to_string(), "--data-dir"]).arg(data);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("penstock starts");
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().expect("a child can be waited for").is_none() {
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("the second daemon did not end");
            }
            thread::sleep(Duration::from_millis(10));
        }
        child.wait_with_output().expect("its output can be read")
    }

    /// Its resident memory in bytes, where `/proc` tells.
    pub fn resident_memory(&self) -> Option<u64> {
        memory(self.id(), "VmRSS:")
    }

    /// The most memory that was ever resident, in bytes, where `/proc` tells.
    pub fn peak_memory(&self) -> Option<u64> {
        memory(self.id(), "VmHWM:")
    }

    /// Whether it is there and well.
    pub fn is_healthy(&self) -> bool {
        Request::new("GET", "/_penstock/health").send(self.address).is_ok_and(|answer| answer.status == 200)
    }

    /// Starts the process and waits until it answers; false when the port is taken.
    fn spawn(&mut self) -> bool {
        let mut child = hermetic(self.folder.path())
            .args(["--listen", &self.address.to_string(), "--data-dir"])
            .arg(self.data())
            .args(&self.flags)
            .envs(self.environment.iter().cloned())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("penstock starts");
        let stderr = child.stderr.take().expect("standard error is piped");
        let log = Arc::clone(&self.log);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                log.lock().unwrap().push(line);
            }
        });
        let ended = until("the daemon answers", || match child.try_wait() {
            Ok(Some(status)) => Some(Some(status)),
            _ => self.is_healthy().then_some(None),
        });
        let Some(status) = ended else {
            self.running = Some(Running { child, reader });
            return true;
        };
        let _ = reader.join();
        let said = self.log().join("\n");
        assert!(said.contains("is in use"), "penstock ended at once, {status}: {said}");
        false
    }

    fn complaints(&self) -> Vec<String> {
        let is_announced = |line: &String| self.announced.iter().any(|text| line.contains(text.as_str()));
        self.log().into_iter().filter(|line| is_complaint(line) && !is_announced(line)).collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let log = self.log();
            let last = log.iter().rev().take(30).rev().cloned().collect::<Vec<_>>().join("\n");
            eprintln!("the daemon's last log lines:\n{last}");
            return;
        }
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "log lines that nobody announced:\n{}", complaints.join("\n"));
    }
}

/// Whether somebody should look at this line: every one but those that begin with a time and a quiet level.
fn is_complaint(line: &str) -> bool {
    !matches!(line.split_whitespace().nth(1), Some("INFO" | "DEBUG" | "TRACE"))
}

/// The program without the person's settings.
fn hermetic(home: &Path) -> Command {
    let mut command = Command::new(penstock());
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    // Where it finds git.
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // What calls to endpoints elsewhere are signed with; without such an endpoint it has no effect.
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    command
}

/// A port that no outgoing connection is given by the system, so that it is still free after a restart.
pub(crate) fn free_address(ip: IpAddr) -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 10_000).unwrap_or_default();
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let address = SocketAddr::from((ip, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

fn memory(process: u32, row: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(row))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}
