//! The daemon as a person runs it: default settings, a data folder on the disk, its log in a file beside it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use penstock_tests::aws::Caller;
use penstock_tests::binary::penstock;

use crate::client::{Connection, get};

/// A running daemon. Killed when it goes.
pub(crate) struct Daemon {
    child: Child,
    address: SocketAddr,
    /// From the start of the process to its first answer.
    pub(crate) first_answer: Duration,
}

impl Daemon {
    /// Starts on that data folder, new or not, and waits for its first answer.
    pub(crate) fn start<S: AsRef<OsStr>>(data: &Path, flags: &[S]) -> Self {
        Self::start_in_environment(data, flags, &[])
    }

    /// The same with more in its environment.
    pub(crate) fn start_in_environment<S: AsRef<OsStr>>(
        data: &Path,
        flags: &[S],
        environment: &[(String, String)],
    ) -> Self {
        let log = File::options().create(true).append(true).open(data.with_extension("log"));
        let begin = Instant::now();
        let mut child = Command::new(penstock())
            .env_clear()
            // For endpoints elsewhere, where there are any.
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
            .envs(environment.iter().cloned())
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.expect("the log can be written"))
            .spawn()
            .expect("penstock starts");
        let mut greeting = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        let address = greeting
            .find_map(|line| line.ok()?.split_once("http://")?.1.parse::<SocketAddr>().ok())
            .expect("the greeting says where it listens");
        let mut connection = Connection::open(address).expect("the daemon listens");
        connection.good(&get(address, "/_penstock/health"));
        Self { child, address, first_answer: begin.elapsed() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller::new(self.address)
    }

    /// Processor time so far. The unit of `/proc` is a hundredth of a second.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let ticks = after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    /// Resident memory in MiB.
    pub(crate) fn memory(&self) -> f64 {
        self.status("VmRSS:") / 1024.0
    }

    /// The most that was ever resident, in MiB.
    pub(crate) fn peak_memory(&self) -> f64 {
        self.status("VmHWM:") / 1024.0
    }

    fn status(&self, row: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(row)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or(f64::NAN)
    }

    /// A counter or gauge of the daemon's own.
    pub(crate) fn metric(&self, connection: &mut Connection, name: &str) -> u32 {
        let page = connection.good(&get(self.address, "/_penstock/metrics"));
        let page = std::str::from_utf8(page).unwrap_or_default();
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    /// How many executions have succeeded since it started.
    pub(crate) fn succeeded(&self, connection: &mut Connection) -> u32 {
        self.metric(connection, "penstock_executions_ended_total{status=\"Succeeded\"}")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
