//! The script, run by the shells of this machine.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::super::buildspec::Buildspec;
use super::*;

struct Ran {
    log: String,
    events: Vec<Event>,
    environment: Vec<(String, String)>,
}

impl Ran {
    fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What the commands said, without the script's own lines.
    fn said(&self) -> Vec<&str> {
        self.log.lines().filter(|line| !line.is_empty() && !line.starts_with("[Container] ")).collect()
    }

    fn failures(&self) -> Vec<(PhaseName, List, usize, i32)> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Failed(failed) => Some((failed.phase, failed.list, failed.index, failed.status)),
                _ => None,
            })
            .collect()
    }

    fn started(&self) -> Vec<PhaseName> {
        self.events
            .iter()
            .filter_map(|event| if let Event::Started(phase) = event { Some(*phase) } else { None })
            .collect()
    }
}

fn run(spec: &str) -> Ran {
    let spec = Buildspec::parse(&format!("version: 0.2\n{spec}")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (control, source) = (folder.path().join("control"), folder.path().join("src"));
    std::fs::create_dir_all(source.join("sub")).unwrap();
    std::fs::create_dir(&control).unwrap();
    for path in [folder.path(), &source, &control] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let plan = Plan { shell: spec.environment.shell, phases: spec.phases };
    for (name, text) in plan.files() {
        std::fs::write(control.join(name), text).unwrap();
    }
    let output = Command::new("sh")
        .arg(control.join(SCRIPT))
        .arg(&control)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("CODEBUILD_SRC_DIR", &source)
        .env("HOME", "/root")
        .env("CODEBUILD_BUILD_SUCCEEDING", "1")
        .env("ODD", "it's \"quoted\" $HOME\nsecond line")
        .output()
        .unwrap();
    let told = |bytes: &[u8]| -> Vec<Told> {
        String::from_utf8_lossy(bytes).lines().map(|line| Told::parse(line).unwrap()).collect()
    };
    let read = |path: &Path| std::fs::read(path).unwrap();
    let events = told(&read(&control.join(EVENTS)));
    assert_eq!(events, told(&output.stderr), "both ways tell the same");
    Ran {
        log: String::from_utf8_lossy(&output.stdout).into_owned(),
        events: events.into_iter().map(|told| told.what).collect(),
        environment: environment(&read(&control.join(ENVIRONMENT))),
    }
}

/// As JSON, which is YAML.
fn phases(phases: &[(&str, &[&str])]) -> String {
    let entries = phases.iter().map(|(name, commands)| {
        format!("{name}: {{commands: {}}}", serde_json::to_string(commands).unwrap())
    });
    format!("phases: {{{}}}\n", entries.collect::<Vec<_>>().join(", "))
}

#[test]
fn directory_exports_and_functions_last_over_commands_and_phases() {
    for shell in ["/bin/sh", "bash"] {
        let spec = phases(&[
            ("install", &["cd sub", "export A=1 B='x y'", "f() { echo \"f $1 $C\"; }", "C=unexported"]),
            ("build", &["f here", "basename \"$PWD\"", "echo \"$A $B\"; printf '%s|' \"$ODD\""]),
        ]);
        let ran = run(&format!("env: {{shell: {shell}}}\n{spec}"));
        assert_eq!(ran.said()[..3], ["f here unexported", "sub", "1 x y"], "{}", ran.log);
        assert!(ran.log.contains("it's \"quoted\" $HOME\nsecond line|"), "{}", ran.log);
        assert_eq!(ran.variable("B"), Some("x y"));
        assert_eq!(ran.variable("ODD"), Some("it's \"quoted\" $HOME\nsecond line"));
        assert_eq!(ran.started(), PhaseName::ALL);
        assert_eq!(ran.failures(), []);
        assert_eq!(ran.events.last(), Some(&Event::Finished));
    }
}

#[test]
fn a_failed_build_still_runs_its_finally_and_post_build() {
    let ran = run(
        "phases:\n  build:\n    commands: [echo one, 'sh -c \"exit 7\"', echo never]\n    finally: [echo last, 'false', echo not]\n  \
         post_build: {commands: ['echo \"succeeding $CODEBUILD_BUILD_SUCCEEDING\"']}\n",
    );
    assert_eq!(ran.said(), ["one", "last", "succeeding 0"], "{}", ran.log);
    assert_eq!(
        ran.failures(),
        [(PhaseName::Build, List::Commands, 2, 7), (PhaseName::Build, List::Finally, 2, 1)]
    );
    assert!(ran.events.contains(&Event::Ended(PhaseName::Build, false)));
    assert!(ran.log.contains("Command did not exit successfully sh -c \"exit 7\" exit status 7\n"));
    assert!(ran.log.contains("Phase complete: BUILD State: FAILED\n"));
}

#[test]
fn what_follows_a_failure_is_for_on_failure_to_say() {
    for (phase, on_failure, followed) in [
        ("install", None, false),
        ("pre_build", None, false),
        ("pre_build", Some("CONTINUE"), true),
        ("build", Some("ABORT"), false),
        ("build", Some("CONTINUE"), true),
    ] {
        let on_failure = on_failure.map(|word| format!(", on-failure: {word}")).unwrap_or_default();
        let ran = run(&format!(
            "phases:\n  {phase}: {{commands: ['false'], finally: [echo finally]{on_failure}}}\n  post_build: {{commands: [echo post]}}\n"
        ));
        assert_eq!(ran.said().contains(&"post"), followed, "{phase} {on_failure}");
        assert!(ran.said().contains(&"finally"));
        assert_eq!(ran.events.last(), Some(&Event::Finished));
    }
}

#[test]
fn a_command_that_ends_the_shell_ends_only_itself() {
    for shell in ["/bin/sh", "bash"] {
        let spec = phases(&[
            ("pre_build", &["export A=kept; cd sub", "exit 0", "echo \"$A\"; basename \"$PWD\""]),
            ("build", &["set -e", "echo x; false; echo never", "never"]),
            ("post_build", &["echo \"post $A $CODEBUILD_BUILD_SUCCEEDING\"", "exit 9"]),
        ]);
        let ran = run(&format!("env: {{shell: {shell}}}\n{spec}"));
        assert_eq!(ran.said(), ["kept", "sub", "x", "post kept 0"], "{}", ran.log);
        assert_eq!(
            ran.failures(),
            [(PhaseName::Build, List::Commands, 2, 1), (PhaseName::PostBuild, List::Commands, 2, 9)]
        );
        assert_eq!(ran.variable("A"), Some("kept"));
    }
}

#[test]
fn what_is_left_in_the_background_keeps_nobody_waiting() {
    let began = std::time::Instant::now();
    let ran = run(&phases(&[
        ("build", &["sleep 30 >/dev/null 2>&1 & echo $!", "exit 3"]),
        ("post_build", &["echo post"]),
    ]));
    assert!(began.elapsed().as_secs() < 20);
    assert_eq!(ran.failures(), [(PhaseName::Build, List::Commands, 2, 3)]);
    let pid = ran.said()[0].to_owned();
    Command::new("kill").arg(pid).status().unwrap();
}

#[test]
fn syntax_errors_and_killed_shells_are_failures_of_their_command() {
    let ran = run(&phases(&[("build", &["if then"]), ("post_build", &["kill -9 $$", "x"])]));
    let failures = ran.failures();
    assert_eq!(failures[0].2, 1);
    assert_ne!(failures[0].3, 0);
    assert_eq!((failures[1].0, failures[1].2, failures[1].3), (PhaseName::PostBuild, 1, 137));
}

#[test]
fn commands_read_nothing_and_may_hold_several_lines() {
    let ran = run(&phases(&[(
        "build",
        &["cat; echo read", "for i in 1 2; do\n  echo line $i\ndone", "set -u; set -f; IFS=x", "echo 'a b'"],
    )]));
    assert_eq!(ran.said(), ["read", "  echo line $i", "done", "line 1", "line 2", "a b"], "{}", ran.log);
}

#[test]
fn another_user_runs_what_is_his_with_the_same_environment() {
    let is_root =
        String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout).unwrap().trim() == "0";
    if !is_root {
        eprintln!("skipped: only root may run commands as another user");
        return;
    }
    let ran = run(
        "phases:\n  pre_build: {commands: [export A=kept, chmod 777 .]}\n  build: {run-as: nobody, commands: ['echo \"$(id -un) $A\"', \
         export B=his]}\n  post_build: {commands: ['echo \"$(id -un) $B $HOME\"']}\n",
    );
    assert!(ran.said().contains(&"nobody kept"), "{}", ran.log);
    assert!(ran.said().contains(&"root his /root"), "{}", ran.log);
    let ran = run("phases: {build: {run-as: nobody-such, commands: [echo x]}}\n");
    assert_eq!(ran.failures().len(), 1, "{}", ran.log);
    assert!(ran.log.contains("There is no user nobody-such"));
}

#[test]
fn lines_that_the_script_did_not_write_are_no_events() {
    for line in ["", "x", "1 2", "1 2 start NOWHERE", "1 2 failed BUILD commands x 1", "1 x start BUILD"] {
        assert_eq!(Told::parse(line), None, "{line}");
    }
}
