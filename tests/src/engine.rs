//! A container engine for tests: the machine's own, or one that is started for them where root may.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::clients::skipped;
use crate::daemon::Daemon;
use crate::engine_gate::EngineGate;

/// A small image with a shell, made on the spot.
const IMAGE: &str = "penstock-test:1";

/// A program that is a whole user land by itself.
const BUSYBOX: [&str; 3] = ["/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static"];

/// An engine with the test image.
#[derive(Debug)]
pub struct Engine {
    host: Option<String>,
    /// The engine that was started, and its folder.
    own: Option<(Child, TempDir)>,
}

impl Engine {
    /// The engine; where there is none and none can be started, the named test is skipped with a visible line.
    pub fn or_skip(test: &str) -> Option<&'static Self> {
        static ENGINE: OnceLock<Result<Engine, String>> = OnceLock::new();
        match ENGINE.get_or_init(Self::find) {
            Ok(engine) => Some(engine),
            Err(reason) => {
                skipped(test, reason);
                None
            }
        }
    }

    fn find() -> Result<Self, String> {
        let host = std::env::var("DOCKER_HOST").ok();
        let mut engine = Self { host, own: None };
        if !engine.answers() {
            engine = Self::started()?;
        }
        engine.make_image()?;
        Ok(engine)
    }

    fn answers(&self) -> bool {
        self.docker(&["version"])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// An engine of the tests' own, without networks and without rules in the machine's firewall.
    fn started() -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let at = |name: &str| folder.path().join(name).display().to_string();
        let host = format!("unix://{}", at("docker.sock"));
        // It ends with the tests: its standard input is theirs.
        let child = Command::new("sh")
            .args([
                "-c",
                "command -v dockerd >/dev/null || exit 1; dockerd \"$@\" & read _; kill $!; wait",
                "sh",
            ])
            .args(["--storage-driver=vfs", "--iptables=false", "--ip6tables=false", "--bridge=none"])
            .args([
                "--data-root",
                &at("data"),
                "--exec-root",
                &at("exec"),
                "--pidfile",
                &at("pid"),
                "-H",
                &host,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut engine = Self { host: Some(host), own: Some((child, folder)) };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !engine.answers() {
            let ended = engine.own.as_mut().is_some_and(|(child, _)| matches!(child.try_wait(), Ok(Some(_))));
            if ended {
                return Err("no container engine answers, and there is no dockerd to start".to_owned());
            }
            if Instant::now() > deadline {
                return Err(
                    "the container engine that was started does not answer: root may be needed".to_owned()
                );
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(engine)
    }

    /// The image has busybox and nothing else.
    fn make_image(&self) -> Result<(), String> {
        let busybox = BUSYBOX.iter().map(PathBuf::from).find(|path| path.exists());
        let busybox = busybox.ok_or("no busybox to make an image of (Debian: busybox-static)")?;
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let script = format!(
            "set -e; cd {}; mkdir -p bin etc tmp root; cp {} bin/busybox; \
             for name in $(bin/busybox --list); do [ \"$name\" = busybox ] || ln -s busybox bin/$name; done; \
             echo 'root:x:0:0:root:/root:/bin/sh' > etc/passwd; echo 'root:x:0:' > etc/group; tar -c .",
            folder.path().display(),
            busybox.display()
        );
        let archive = Command::new("sh").args(["-c", &script]).output().map_err(|error| error.to_string())?;
        let mut import = self
            .docker(&["import", "-", IMAGE])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        if let Some(mut stdin) = import.stdin.take() {
            stdin.write_all(&archive.stdout).map_err(|error| error.to_string())?;
        }
        match import.wait() {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("the test image cannot be made: {other:?}")),
        }
    }

    /// The engine's own client with those arguments.
    pub fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(arguments);
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        command
    }

    /// The image's name.
    pub fn image(&self) -> &'static str {
        IMAGE
    }

    /// What a daemon's environment needs so that it finds the engine.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.host.iter().map(|host| ("DOCKER_HOST".to_owned(), host.clone())).collect()
    }

    /// A gate before the engine, where that has a socket.
    pub fn gate(&self) -> Option<EngineGate> {
        let host = self.host.as_deref().unwrap_or("unix:///var/run/docker.sock");
        host.strip_prefix("unix://").map(|path| EngineGate::before(path.into()))
    }

    fn of(&self, daemon: &Daemon) -> Vec<String> {
        let filter = format!("label=dev.penstock.owner={}", daemon.data().display());
        let output =
            self.docker(&["ps", "--all", "--quiet", "--filter", &filter]).output().expect("docker runs");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// How many containers there are of a daemon.
    pub fn containers(&self, daemon: &Daemon) -> usize {
        self.of(daemon).len()
    }

    /// Runs a command in the one container of a daemon.
    pub fn exec(&self, daemon: &Daemon, command: &str) {
        let containers = self.of(daemon);
        let [container] = containers.as_slice() else { panic!("not one container: {containers:?}") };
        let status =
            self.docker(&["exec", container, "/bin/sh", "-c", command]).status().expect("docker runs");
        assert!(status.success(), "{command}: {status}");
    }
}
