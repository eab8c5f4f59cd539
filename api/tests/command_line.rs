//! The program as a person starts it. That these run is also what makes `cargo test` build the program, which
//! the tests of the daemon from outside drive.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::{Command, Output};

fn penstock(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_penstock")).args(arguments).output().unwrap()
}

#[test]
fn help_explains_every_flag_with_its_variable() {
    let output = penstock(&["serve", "--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    let flags = [
        ("--listen", "PENSTOCK_LISTEN"),
        ("--data-dir", "PENSTOCK_DATA_DIR"),
        ("--ephemeral", "PENSTOCK_EPHEMERAL"),
        ("--keep-executions", "PENSTOCK_KEEP_EXECUTIONS"),
        ("--keep-artifacts", "PENSTOCK_KEEP_ARTIFACTS"),
        ("--log-format", "PENSTOCK_LOG_FORMAT"),
        ("--log-level", "PENSTOCK_LOG_LEVEL"),
        ("--default-region", "PENSTOCK_DEFAULT_REGION"),
        ("--allow-host", "PENSTOCK_ALLOW_HOST"),
        ("--endpoint-url", "AWS_ENDPOINT_URL"),
        ("--endpoint-url-s3", "AWS_ENDPOINT_URL_S3"),
        ("--endpoint-url-sts", "AWS_ENDPOINT_URL_STS"),
    ];
    for (flag, variable) in flags {
        assert!(help.contains(flag) && help.contains(variable), "{flag} {variable}: {help}");
    }
}

#[test]
fn what_is_no_flag_is_refused_with_a_hint_and_without_starting() {
    let output = penstock(&["--listn", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--listen"));
}
