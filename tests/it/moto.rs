//! moto's own tests of CodePipeline, in moto's server mode, against this daemon.
//!
//! They are fetched as moto publishes them and nothing of them is kept here. `clients/moto_plugin.py` lists those that
//! assert what AWS does not do, each with its reason; they are run too, and must go on failing.

use std::path::PathBuf;
use std::process::Command;

use penstock_tests::binary::{penstock, target};
use penstock_tests::clients::{finished, made, notice, pip, python_environment, skipped};

/// The version whose tests the list of exceptions was made for.
const MOTO: &str = "moto==5.2.5";

#[test]
fn motos_own_tests_pass() {
    let folder = match fetched() {
        Ok(folder) => folder,
        Err(reason) => return skipped("moto's own tests", &reason),
    };
    let mut command = Command::new(folder.join("environment/bin/python3"));
    command
        .args([
            "-m",
            "pytest",
            "-q",
            "--color=no",
            "--tb=short",
            "-p",
            "moto_plugin",
            "-p",
            "no:cacheprovider",
        ])
        .args(["--noconftest", "tests/test_codepipeline/test_codepipeline.py"])
        .current_dir(folder.join("moto"))
        .env("PENSTOCK_BIN", penstock())
        .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/clients"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TEST_SERVER_MODE", "true");
    for set in ["AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"] {
        command.env_remove(set);
    }
    let said = finished(&mut command, "moto's tests");
    notice(&format!("moto's own tests: {}", said.lines().last().unwrap_or_default()));
}

/// moto with its requirements, and its tests unpacked; made once.
fn fetched() -> Result<PathBuf, String> {
    let folder = target().join("test-moto");
    let done = folder.join("done");
    if std::fs::read_to_string(&done).is_ok_and(|version| version == MOTO) {
        return Ok(folder);
    }
    notice("fetching moto and its tests (once)");
    let environment = folder.join("environment");
    python_environment(&environment, &[MOTO, "pytest", "requests"])?;
    let sources = folder.join("moto");
    let _ = std::fs::remove_dir_all(&sources);
    std::fs::create_dir_all(&sources).map_err(|error| error.to_string())?;
    made(
        pip(&environment, "download").args(["--no-deps", "--no-binary", "moto", MOTO, "--dest"]).arg(&folder),
        "pip download",
    )?;
    let archive = folder.join(format!("{}.tar.gz", MOTO.replace("==", "-")));
    made(
        Command::new("tar").arg("-xzf").arg(archive).args(["--strip-components=1", "-C"]).arg(&sources),
        "tar",
    )?;
    std::fs::write(done, MOTO).map_err(|error| error.to_string())?;
    Ok(folder)
}
