//! moto, an emulator that others wrote: its tests, and its server in place of AWS. Both are fetched with pip, once.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::binary::target;
use crate::clients::{made, notice, pip, python_environment, skipped};

/// The version whose tests the list of exceptions was made for.
const MOTO: &str = "5.2.5";

/// A Python environment with moto, and moto's sources.
#[derive(Debug)]
pub struct Moto {
    folder: PathBuf,
}

impl Moto {
    /// moto; where it cannot be had, the named test is skipped with a visible line.
    pub fn or_skip(test: &str) -> Option<&'static Self> {
        static MOTO: OnceLock<Result<Moto, String>> = OnceLock::new();
        match MOTO.get_or_init(Self::fetch) {
            Ok(moto) => Some(moto),
            Err(reason) => {
                skipped(test, reason);
                None
            }
        }
    }

    /// Its Python, without settings of the person's that would lead elsewhere.
    pub fn python(&self) -> Command {
        let mut command = Command::new(self.folder.join("environment/bin/python3"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        for set in ["AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"] {
            command.env_remove(set);
        }
        command
    }

    /// The unpacked sources, with the tests.
    pub fn sources(&self) -> PathBuf {
        self.folder.join("moto")
    }

    /// Starts its server on a free port.
    pub fn serve(&self) -> MotoServer {
        let mut command = self.python();
        let mut child = command
            .args(["-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("moto's server starts");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr is a pipe")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split("http://").nth(1)?.trim().parse().ok())
            .expect("moto says where it listens");
        // Its request log would fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        MotoServer { child, address }
    }

    fn fetch() -> Result<Self, String> {
        let folder = target().join("test-moto");
        let done = folder.join("done");
        if fs::read_to_string(&done).is_ok_and(|version| version == MOTO) {
            return Ok(Self { folder });
        }
        notice("fetching moto and its tests (once)");
        let environment = folder.join("environment");
        let package = format!("moto[s3,ssm,secretsmanager]=={MOTO}");
        python_environment(&environment, &[&package, "flask", "flask-cors", "pytest", "requests"])?;
        unpack(&environment, &folder)?;
        fs::write(done, MOTO).map_err(|error| error.to_string())?;
        Ok(Self { folder })
    }
}

fn unpack(environment: &Path, folder: &Path) -> Result<(), String> {
    let sources = folder.join("moto");
    let _ = fs::remove_dir_all(&sources);
    fs::create_dir_all(&sources).map_err(|error| error.to_string())?;
    let package = format!("moto=={MOTO}");
    let words = ["--no-deps", "--no-binary", "moto", &package, "--dest"];
    made(pip(environment, "download").args(words).arg(folder), "pip download")?;
    let archive = folder.join(format!("moto-{MOTO}.tar.gz"));
    let mut tar = Command::new("tar");
    made(tar.arg("-xzf").arg(archive).args(["--strip-components=1", "-C"]).arg(&sources), "tar")
}

/// A running moto server; it ends with this value.
#[derive(Debug)]
pub struct MotoServer {
    child: Child,
    address: SocketAddr,
}

impl MotoServer {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as an endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for MotoServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
