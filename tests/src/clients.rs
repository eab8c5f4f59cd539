//! The AWS CLI, `awslocal` and boto3: those on the PATH if they are new enough, else a Python environment under
//! `target/test-clients`. Where neither can be had, a test says so in a visible line and is skipped.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::binary::target;

/// The first boto3 that sends the checksums and headers our tests expect of it.
const OLDEST_BOTO3: [u32; 2] = [1, 36];

/// What is installed with pip.
const PACKAGES: [&str; 3] = ["awscli", "boto3", "awscli-local"];

/// Where the programs are, all of one place.
#[derive(Debug)]
pub struct Clients {
    /// Goes before the PATH; none when the PATH has everything.
    folder: Option<PathBuf>,
    /// Instead of the person's home, so that no settings of theirs are read.
    home: TempDir,
}

impl Clients {
    /// The clients; where there are none, the named test is skipped with a visible line.
    pub fn or_skip(test: &str) -> Option<&'static Self> {
        static CLIENTS: OnceLock<Result<Clients, String>> = OnceLock::new();
        match CLIENTS.get_or_init(Self::find) {
            Ok(clients) => Some(clients),
            Err(reason) => {
                skipped(test, reason);
                None
            }
        }
    }

    /// A command that finds the clients by their names and talks to that endpoint as the default account.
    pub fn command(&self, program: &str, endpoint: &str, region: &str) -> Command {
        let mut command = self.bare(program);
        command
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", region);
        command
    }

    /// Runs a script of `clients/` with boto3; the test fails with its output when it fails.
    pub fn python(&self, script: &str, endpoint: &str, arguments: &[&str]) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(script);
        let mut command = self.command("python3", endpoint, "us-east-1");
        finished(command.arg(path).arg(endpoint).args(arguments), script)
    }

    fn find() -> Result<Self, String> {
        let home = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
        let on_path = Self { folder: None, home };
        if on_path.are_fit() {
            return Ok(on_path);
        }
        let made = Self { folder: Some(target().join("test-clients").join("bin")), ..on_path };
        if made.are_fit() {
            return Ok(made);
        }
        notice("making a Python environment with the AWS CLI, boto3 and awslocal (once)");
        python_environment(&target().join("test-clients"), &PACKAGES)?;
        if made.are_fit() { Ok(made) } else { Err("what pip installed does not run".to_owned()) }
    }

    fn are_fit(&self) -> bool {
        if self.folder.as_ref().is_some_and(|folder| !folder.join("awslocal").exists()) {
            return false;
        }
        let runs = |program: &str, argument: &str| {
            self.bare(program).arg(argument).output().is_ok_and(|output| output.status.success())
        };
        let version = "import boto3; print(boto3.__version__)";
        let boto3 = self.bare("python3").args(["-c", version]).output();
        boto3.is_ok_and(|output| is_new_enough(&output)) && runs("aws", "--version") && runs("awslocal", "-h")
    }

    /// With our PATH and nothing of the person's.
    fn bare(&self, program: &str) -> Command {
        let path = search_path(self.folder.as_deref());
        // Looked up here: a command is otherwise sought on our own PATH, not on the one it is given.
        let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
        let mut command = Command::new(found.unwrap_or_else(|| program.into()));
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.home.path())
            .env("LANG", "C.UTF-8")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_PAGER", "")
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// Runs it; fails the test with its output unless it succeeds. Answers its standard output.
pub fn finished(command: &mut Command, what: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {}\n{said}\n{complained}", output.status);
    said
}

/// A line that is seen even when the test passes.
pub fn skipped(test: &str, reason: &str) {
    notice(&format!("skipped: {test}: {reason}"));
}

/// A line that is seen even when the test passes: written past the test runner's capture.
pub fn notice(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn search_path(first: Option<&Path>) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = first.map(Path::to_owned).into_iter().chain(env::split_paths(&path));
    env::join_paths(folders).unwrap_or(path)
}

fn is_new_enough(output: &Output) -> bool {
    let text = String::from_utf8_lossy(&output.stdout);
    let parts: Vec<u32> = text.trim().split('.').filter_map(|part| part.parse().ok()).collect();
    output.status.success() && parts.as_slice() >= OLDEST_BOTO3.as_slice()
}

/// Makes a Python environment with those packages; the person's own pip settings (proxies, mirrors) apply.
pub fn python_environment(folder: &Path, packages: &[&str]) -> Result<(), String> {
    made(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder), "python3 -m venv")?;
    let mut pip = pip(folder, "install");
    made(pip.arg("--quiet").args(packages), "pip install")
}

/// `pip` of that environment.
pub fn pip(environment: &Path, word: &str) -> Command {
    let mut command = Command::new(environment.join("bin/python3"));
    command.args(["-m", "pip", word, "--disable-pip-version-check"]);
    command
}

/// Runs a step of a set-up; says in a line why it failed.
pub fn made(command: &mut Command, what: &str) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{what}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{what}: {}", said.lines().last().unwrap_or("no reason given")))
}
