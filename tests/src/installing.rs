//! Programs that tests need and that are in no registry of Python's: installed where root runs the tests on a Debian, and
//! said so.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::clients::notice;

/// Set to forbid it.
const FORBIDDEN: &str = "PENSTOCK_NO_INSTALL";

/// Whether a program of that name is on the PATH.
pub(crate) fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Installs packages by apt-get.
pub(crate) fn install(packages: &[&str]) -> Result<(), String> {
    if std::env::var_os(FORBIDDEN).is_some_and(|value| !value.is_empty()) {
        return Err(format!("{FORBIDDEN} is set"));
    }
    if !Path::new("/etc/debian_version").exists() || !is_there("apt-get") {
        return Err("this is no Debian".to_owned());
    }
    if !is_root() {
        return Err("only root may install".to_owned());
    }
    notice(&format!("installing {} by apt-get; {FORBIDDEN}=1 forbids it", packages.join(" ")));
    let install = ["install", "--yes", "--no-install-recommends"];
    let quick = apt(install.iter().chain(packages));
    // A fresh machine knows of no packages yet.
    if quick.is_err() {
        apt(["update"])?;
        apt(install.iter().chain(packages))?;
    }
    Ok(())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn apt(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<(), String> {
    let output = Command::new("apt-get")
        .args(["--quiet=2", "-o", "DPkg::Lock::Timeout=300"])
        // Without a network it should not take minutes to say so.
        .args(["-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=1"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("apt-get: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(format!("apt-get: {}: {last}", output.status))
}
