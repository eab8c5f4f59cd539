//! A daemon that keeps nothing, in a folder for temporary files of a test's own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::aws::Caller;
use crate::binary::penstock;
use crate::daemon::free_address;
use crate::http::Request;
use crate::waiting::until;

/// A running one; it is asked to stop when this value goes, so that its builds go with it.
#[derive(Debug)]
pub struct Ephemeral {
    child: Child,
    address: SocketAddr,
}

impl Ephemeral {
    /// Starts one whose temporary files are in that folder.
    pub fn start(temporary: &Path, flags: &[&str], environment: &[(String, String)]) -> Self {
        let address = free_address([127, 0, 0, 1].into());
        let child = Command::new(penstock())
            .env_clear()
            .env("HOME", temporary)
            .env("TMPDIR", temporary)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(environment.iter().cloned())
            .args(["--ephemeral", "--listen", &address.to_string()])
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("penstock starts");
        let health = || Request::new("GET", "/_penstock/health").send(address);
        until("the daemon", || health().is_ok_and(|answer| answer.status == 200).then_some(()));
        Self { child, address }
    }

    /// The default caller at this daemon.
    pub fn caller(&self) -> Caller {
        Caller::new(self.address)
    }

    /// Kills it with SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("a child can be waited for");
    }

    /// Asks it to stop: how it ended.
    pub fn stop(mut self) -> ExitStatus {
        self.end()
    }

    /// The folders of such daemons among the temporary files.
    pub fn folders(temporary: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(temporary).expect("a folder").map_while(Result::ok);
        let is_meant = |path: &PathBuf| path.to_string_lossy().contains("/penstock-ephemeral-");
        entries.map(|entry| entry.path()).filter(is_meant).collect()
    }

    fn end(&mut self) -> ExitStatus {
        if let Ok(Some(ended)) = self.child.try_wait() {
            return ended;
        }
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(sent.success(), "kill -TERM {id}: {sent}");
        self.child.wait().expect("a child can be waited for")
    }
}

impl Drop for Ephemeral {
    fn drop(&mut self) {
        self.end();
    }
}
