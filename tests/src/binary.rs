//! Where the daemon's program is: built once per run, so that no test drives yesterday's.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program under test: `$PENSTOCK_BIN`, or what our own profile makes of the sources as they are.
pub fn penstock() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        env::var_os("PENSTOCK_BIN").filter(|path| !path.is_empty()).map_or_else(build, PathBuf::from)
    })
}

/// The folder of the checkout.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member lies below the workspace")
}

/// The build folder, which is also where made clients are kept.
pub fn target() -> PathBuf {
    profile().parent().expect("a profile lies in the build folder").to_owned()
}

/// `target/<profile>`: the test program lies in its `deps`.
fn profile() -> PathBuf {
    let test = env::current_exe().expect("a running program has a path");
    test.ancestors().nth(2).expect("test programs lie in target/<profile>/deps").to_owned()
}

/// For tests, builds as `cargo test --workspace` does and not as `cargo build`: the same features of every
/// dependency, so that nothing is compiled twice, and after that command there is nothing left to do. The
/// program itself is made for the tests of its own package. Benchmarks measure the program that people run.
fn build() -> PathBuf {
    let profile = profile();
    let arguments: &[&str] = if profile.ends_with("release") {
        &["build", "--release", "-p", "penstock"]
    } else {
        &["test", "--workspace", "--no-run"]
    };
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).args(["--quiet", "--target-dir"]).arg(target());
    let status = cargo.current_dir(checkout()).status().expect("cargo runs");
    assert!(status.success(), "cargo {arguments:?}: {status}");
    profile.join("penstock")
}
