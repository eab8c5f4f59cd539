//! What buildspecs say, and what is said of wrong ones.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn refused(text: &str) -> String {
    Buildspec::parse(text).unwrap_err().to_string()
}

const WHOLE: &str = r#"
version: 0.2
run-as: builder
env:
  shell: bash
  variables:
    NUMBER: 5
    EMPTY:
  parameter-store:
    TOKEN: /build/token
  secrets-manager:
    PASSWORD: db:password:AWSCURRENT
  exported-variables: [VERSION]
  git-credential-helper: no
phases:
  install:
    runtime-versions: { python: 3.x }
  build:
    run-as: root
    on-failure: CONTINUE
    commands:
      - make
      - |
        if true; then
          echo two lines
        fi
    finally:
      - echo done
  post_build:
    commands: [make package]
reports:
  tests: { files: ['**/*'] }
artifacts:
  files: ['**/*']
  base-directory: out
  discard-paths: yes
  exclude-paths: ['**/*.tmp']
  name: build-$VERSION
  secondary-artifacts:
    docs:
      files: docs/**/*
      enable-symlinks: "true"
cache:
  paths: [/opt/cache]
"#;

#[test]
fn a_whole_buildspec_is_read() {
    let spec = Buildspec::parse(WHOLE).unwrap();
    let [install, pre_build, build, post_build] = &spec.phases[..] else { unreachable!("four phases") };
    assert!(install.commands.is_empty() && pre_build.commands.is_empty());
    assert_eq!(pre_build.user.as_deref(), Some("builder"));
    assert_eq!(build.user.as_deref(), Some("root"));
    assert_eq!(build.on_failure, Some(OnFailure::Continue));
    assert_eq!(build.commands, ["make", "if true; then\n  echo two lines\nfi\n"]);
    assert_eq!(build.finally, ["echo done"]);
    assert_eq!(post_build.commands, ["make package"]);
    assert_eq!(spec.environment.shell, Shell::Bash);
    assert_eq!(spec.environment.variables["NUMBER"], "5");
    assert_eq!(spec.environment.variables["EMPTY"], "");
    assert_eq!(spec.environment.secrets_manager["PASSWORD"], "db:password:AWSCURRENT");
    assert_eq!(spec.environment.exported, ["VERSION"]);
    let primary = spec.artifacts.unwrap();
    assert!(primary.discard_paths && !primary.enable_symlinks);
    assert_eq!(primary.base_directory.as_deref(), Some("out"));
    assert!(spec.secondary["docs"].enable_symlinks);
    assert_eq!(spec.ignored.len(), 3, "{:?}", spec.ignored);
}

#[test]
fn unknown_phases_and_keys_are_named() {
    assert_eq!(
        refused("version: 0.2\nphases:\n  deploy:\n    commands: [x]\n"),
        "Invalid buildspec phase name: deploy. Expecting: build,install,post_build,pre_build"
    );
    assert_eq!(refused("version: 0.2\nphase: {}\n"), "line 2: unknown key 'phase' in buildspec");
    assert!(refused("version: 0.2\nphases:\n  build:\n    command: [x]\n").contains("'command'"));
}

#[test]
fn a_colon_that_makes_a_mapping_of_a_command_is_explained_as_on_aws() {
    let text = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo ok\n      - echo note: this\n";
    assert_eq!(
        refused(text),
        "Expected Commands[1] to be of string type: found subkeys instead at line 6, value of the key tag on line 5 \
         might be empty"
    );
}

#[test]
fn versions_other_than_this_one_are_refused() {
    for (version, says) in [("0.1", "version 0.1"), ("0.3", "expected 0.2"), ("''", "no version")] {
        assert!(
            refused(&format!("version: {version}\nphases:\n  build:\n    commands: [x]\n")).contains(says)
        );
    }
    assert!(Buildspec::parse("version: '0.2'\nphases:\n  build:\n    commands: x\n").is_ok());
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let build = |more: &str| format!("version: 0.2\nphases:\n  build:\n    commands: [x]\n{more}");
    assert!(refused(&build("    on-failure: RETRY-101\n")).ends_with("the count must be between 0 and 100"));
    assert!(refused(&build("    on-failure: RETRY-(\n")).ends_with("'(' is not a regular expression"));
    assert!(refused(&build("    on-failure: RETRYING\n")).contains("expected ABORT, CONTINUE or RETRY"));
    assert!(refused(&build("env:\n  shell: powershell.exe\n")).contains("powershell.exe"));
    assert!(refused(&build("env:\n  exported-variables: [AWS_X]\n")).contains("AWS_X"));
    assert!(refused(&build("env:\n  variables: {CODEBUILD_X: 1}\n")).contains("CODEBUILD_X"));
    assert!(refused(&build("artifacts:\n  base-directory: out\n")).contains("no files"));
    assert!(refused(&build("run-as: 'root; rm -rf /'\n")).contains("not the name of a user"));
    assert!(refused("version: 0.2\nphases:\n  build:\n    run-as: a\n").contains("BUILD has no commands"));
    assert!(refused("[1, 2]").contains("not a mapping"));
    assert_eq!(refused(""), "buildspec is empty");
}

#[test]
fn secondary_artifacts_alone_are_enough() {
    let text = "version: 0.2\nphases:\n  build:\n    commands: [x]\nartifacts:\n  secondary-artifacts:\n    a:\n      files: x\n";
    let spec = Buildspec::parse(text).unwrap();
    assert_eq!((spec.artifacts, spec.secondary["a"].files.clone()), (None, vec!["x".to_owned()]));
}

#[test]
fn a_retry_has_a_count_and_a_pattern_or_the_usual_ones() {
    for (text, expected_limit, expected_pattern) in [
        ("RETRY", 3, ".*"),
        ("RETRY-7", 7, ".*"),
        ("RETRY-.*Error: 5-0.*", 3, ".*Error: 5-0.*"),
        ("RETRY-2-exit status 3", 2, "exit status 3"),
        ("RETRY-0", 0, ".*"),
    ] {
        let spec = Buildspec::parse(&format!(
            "version: 0.2\nphases: {{build: {{on-failure: '{text}', commands: [x]}}}}\n"
        ));
        let phases = spec.unwrap().phases;
        let build = phases.iter().find(|phase| phase.name == PhaseName::Build).unwrap();
        let expected = OnFailure::Retry { limit: expected_limit, pattern: expected_pattern.to_owned() };
        assert_eq!(build.on_failure, Some(expected), "{text}");
    }
}
