//! A container engine for tests: the machine's own, or one that is started, and before that installed, where root may.

use std::io::Write;
use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::clients::{notice, skipped};
use crate::daemon::Daemon;
use crate::engine_gate::EngineGate;
use crate::installing::{install, is_there};

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
        let is_missing = |program: &&&str| !is_there(program);
        if !engine.answers() {
            if !may_start_one() {
                return Err(
                    "no container engine answers, and only root with all rights may start one".to_owned()
                );
            }
            if let Some(missing) = ["docker", "dockerd"].iter().find(is_missing) {
                let none = |why| format!("no container engine answers, and there is no {missing}: {why}");
                install(&["docker.io"]).map_err(none)?;
            }
            // Where packages start what they bring, there is one now.
            if !engine.answers() {
                engine = Self::started()?;
            }
        }
        engine.make_image()?;
        engine.run_one()?;
        Ok(engine)
    }

    /// Not every machine lets an engine that answers run anything.
    fn run_one(&self) -> Result<(), String> {
        let run = ["run", "--rm", "--network=none", IMAGE, "/bin/true"];
        let output = self.docker(&run).output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("the container engine runs nothing: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }

    fn answers(&self) -> bool {
        self.docker(&["version"])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// An engine of the tests' own, without networks and without rules in the machine's firewall: in a network namespace of
    /// its own, since one without a bridge removes the bridge that it finds.
    fn started() -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let at = |name: &str| folder.path().join(name).display().to_string();
        let host = format!("unix://{}", at("docker.sock"));
        notice(&format!(
            "starting a container engine in {}; it goes with the tests",
            folder.path().display()
        ));
        // It ends with the tests, since its standard input is theirs, and its folder is removed then.
        let child = Command::new("sh")
            .args([
                "-c",
                "trap '' INT; folder=$1; shift; unshare --net dockerd \"$@\" & read _; kill $!; wait; rm -rf \"$folder\"",
            ])
            .arg("sh")
            .arg(folder.path())
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
                return Err("the container engine that was started ended at once".to_owned());
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
        let find = || BUSYBOX.iter().map(PathBuf::from).find(|path| path.exists());
        let busybox = match find() {
            Some(busybox) => busybox,
            None => {
                let none = |why| format!("no busybox to make an image of (Debian: busybox-static): {why}");
                install(&["busybox-static"]).map_err(none)?;
                find().ok_or("no busybox to make an image of")?
            }
        };
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

    /// Whether there is a container of that build.
    pub fn has_build(&self, id: &str) -> bool {
        let uuid = id.rsplit(':').next().unwrap_or_default();
        let filter = format!("label=dev.penstock.build={uuid}");
        let output =
            self.docker(&["ps", "--all", "--quiet", "--filter", &filter]).output().expect("docker runs");
        !output.stdout.is_empty()
    }

    /// The address of this machine as a container finds it; none where containers have no network that leads here.
    pub fn gateway(&self) -> Option<IpAddr> {
        let run = ["run", "--rm", IMAGE, "/bin/sh", "-c", "ip route show default"];
        let output = self.docker(&run).output().expect("docker runs");
        let route = String::from_utf8_lossy(&output.stdout).into_owned();
        let gateway: IpAddr = route.split_once(" via ")?.1.split_whitespace().next()?.parse().ok()?;
        TcpListener::bind((gateway, 0)).is_ok().then_some(gateway)
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

/// Whether this is root with the right to mount, which root in a container may lack (capabilities(7), CAP_SYS_ADMIN).
fn may_start_one() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let rights = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let rights = rights.and_then(|rights| u64::from_str_radix(rights.trim(), 16).ok());
    rights.is_some_and(|rights| rights & (1 << 21) != 0)
}
