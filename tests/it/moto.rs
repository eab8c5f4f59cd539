//! moto's own tests of CodePipeline, in moto's server mode, against this daemon.
//!
//! They are fetched as moto publishes them and nothing of them is kept here. `clients/moto_plugin.py` lists those that
//! assert what AWS does not do, each with its reason; they are run too, and must go on failing.

use penstock_tests::binary::penstock;
use penstock_tests::clients::{finished, notice};
use penstock_tests::moto::Moto;

#[test]
fn motos_own_tests_pass() {
    let Some(moto) = Moto::or_skip("moto's own tests") else { return };
    let mut command = moto.python();
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
        .current_dir(moto.sources())
        .env("PENSTOCK_BIN", penstock())
        .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/clients"))
        .env("TEST_SERVER_MODE", "true");
    let said = finished(&mut command, "moto's tests");
    notice(&format!("moto's own tests: {}", said.lines().last().unwrap_or_default()));
}
