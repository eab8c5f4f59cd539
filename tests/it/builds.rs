//! Builds on the host, by CodeBuild actions and by themselves.

use std::fs;
use std::path::Path;

use penstock_tests::aws::Caller;
use penstock_tests::building::{
    begin, build_action, ended, is_running, log, logged, make_project, project, start_sleeping, unzipped,
    zipped,
};
use penstock_tests::clients::skipped;
use penstock_tests::daemon::Daemon;
use penstock_tests::ephemeral::Ephemeral;
use penstock_tests::git::Repository;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::small_disk::SmallDisk;
use penstock_tests::waiting::until;
use serde_json::{Value, json};
use tempfile::TempDir;

const HOST: [&str; 2] = ["--build-runner", "host"];

fn prepared(daemon: &Daemon, files: &[(&str, &str)]) -> (Caller, Ground) {
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, &zipped(files));
    make_project(&caller, "any/image:1", &caller.make_role("builds", "codebuild.amazonaws.com"));
    (caller, ground)
}

fn built(daemon: &Daemon, buildspec: &str) -> (Caller, Value) {
    let (caller, ground) = prepared(daemon, &[("buildspec.yml", buildspec)]);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    let action = ended(&caller, &execution);
    (caller, action)
}

fn error(action: &Value) -> String {
    action["output"]["executionResult"]["errorDetails"]["message"].as_str().unwrap_or_default().to_owned()
}

fn phase<'a>(build: &'a Value, name: &str) -> &'a Value {
    let phases = build["phases"].as_array().unwrap();
    phases.iter().find(|phase| phase["phaseType"] == name).unwrap_or_else(|| panic!("no {name}: {build}"))
}

#[test]
fn a_build_hands_on_its_files_and_variables() {
    let daemon = Daemon::start_with(&HOST);
    let buildspec = r#"
version: 0.2
env:
  variables: {BOTH: buildspec, FROM_BUILDSPEC: buildspec}
  exported-variables: [VERSION]
phases:
  build:
    commands:
      - mkdir -p out/deep && cd out
      - ./../tool.sh > deep/said.txt
      - echo "$BOTH $FROM_PROJECT $FROM_BUILDSPEC $FROM_ACTION" > variables.txt
  post_build:
    commands:
      - export VERSION=7
      - echo "$CODEBUILD_INITIATOR $CODEBUILD_BUILD_NUMBER $CODEBUILD_BUILD_SUCCEEDING" > codebuild.txt
artifacts:
  base-directory: out
  files: ['**/*']
  exclude-paths: [codebuild.txt]
  secondary-artifacts:
    Docs: {files: [out/codebuild.txt], discard-paths: yes}
    Main: {base-directory: out, files: ['deep/*', variables.txt]}
"#;
    let (caller, ground) =
        prepared(&daemon, &[("buildspec.yml", buildspec), ("tool.sh!", "#!/bin/sh\necho tool\n")]);
    let variables = json!([{"name": "FROM_ACTION", "value": "action"}, {"name": "BOTH", "value": "action"}]);
    let action =
        build_action(&json!({"EnvironmentVariables": variables.to_string()}), &["Source"], &["Main", "Docs"]);
    let mut deploy = ground.deploy("Deploy", 1, "#{Build.VERSION}/main.zip");
    deploy["inputArtifacts"] = json!([{"name": "Main"}]);
    let execution = begin(&caller, &ground, action, &[stage("Deploy", &[deploy])]);
    let action = ended(&caller, &execution);
    assert_eq!(action["status"], "Succeeded", "{action} {:#?}", log(&caller));
    let found = unzipped(&caller.s3_done("GET", &format!("/{}/7/main.zip", ground.target), b"").body);
    let expected = [("deep/said.txt", "tool\n"), ("variables.txt", "action project buildspec action\n")];
    assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let docs = action["output"]["outputArtifacts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "Docs")
        .unwrap();
    let docs = format!(
        "/{}/{}",
        docs["s3location"]["bucket"].as_str().unwrap(),
        docs["s3location"]["key"].as_str().unwrap()
    );
    let found = unzipped(&caller.s3_done("GET", &docs, b"").body);
    assert_eq!(found, [("codebuild.txt".to_owned(), "codepipeline/built 1 1\n".to_owned())]);

    let result = &action["output"]["executionResult"];
    let id = result["externalExecutionId"].as_str().unwrap();
    assert!(id.starts_with("project:"), "{result}");
    assert_eq!(action["output"]["outputVariables"], json!({"VERSION": "7"}));
    let answer = caller.codebuild("BatchGetBuilds", &json!({"ids": [id, "project:none"]}));
    let build = &answer["builds"][0];
    assert_eq!(
        (&build["buildStatus"], &answer["buildsNotFound"]),
        (&json!("SUCCEEDED"), &json!(["project:none"]))
    );
    let names: Vec<&str> = build["phases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phase| phase["phaseType"].as_str().unwrap())
        .collect();
    let all = "SUBMITTED QUEUED PROVISIONING DOWNLOAD_SOURCE INSTALL PRE_BUILD BUILD POST_BUILD UPLOAD_ARTIFACTS FINALIZING COMPLETED";
    assert_eq!(names.join(" "), all);
    assert_eq!(fs::read_dir(daemon.data().join("builds")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_failed_command_is_told_as_on_aws() {
    let daemon = Daemon::start_with(&HOST);
    let spec = "version: 0.2\nphases:\n  build: {commands: [echo before, 'sh -c \"exit 3\"']}\n  post_build: {commands: [echo 'after all']}\n";
    let (caller, action) = built(&daemon, spec);
    let text = "Build terminated with state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, Message: Error while \
                executing command: sh -c \"exit 3\". Reason: exit status 3";
    assert_eq!(
        action["output"]["executionResult"]["errorDetails"],
        json!({"code": "JobFailed", "message": text})
    );
    let log = log(&caller);
    assert!(log.contains(&"before".to_owned()) && log.contains(&"after all".to_owned()), "{log:#?}");
    let id = &action["output"]["executionResult"]["externalExecutionId"];
    let build = caller.codebuild("BatchGetBuilds", &json!({"ids": [id]}))["builds"][0].clone();
    assert_eq!(phase(&build, "BUILD")["phaseStatus"], "FAILED");
    assert_eq!(phase(&build, "POST_BUILD")["phaseStatus"], "SUCCEEDED");
}

#[test]
fn what_is_wrong_with_sources_is_said() {
    for (files, says) in [
        (vec![("other", "x")], "Phase: DOWNLOAD_SOURCE, Code: YAML_FILE_ERROR, Message: stat "),
        (vec![("buildspec.yml", "version: 0.2\nphases: [")], "Code: YAML_FILE_ERROR, Message: yaml: line "),
        (
            vec![(
                "buildspec.yml",
                "version: 0.2\nenv: {parameter-store: {A: /none}}\nphases: {build: {commands: [x]}}\n",
            )],
            "Code: Decrypted Variables Error, Message: parameter does not exist: /none",
        ),
    ] {
        let daemon = Daemon::start_with(&HOST);
        let (caller, ground) = prepared(&daemon, &files);
        let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
        let message = error(&ended(&caller, &execution));
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn an_artifact_that_is_no_zip_and_files_that_match_nothing_fail_the_build() {
    let daemon = Daemon::start_with(&HOST);
    let (caller, ground) = prepared(
        &daemon,
        &[(
            "buildspec.yml",
            "version: 0.2\nphases: {build: {commands: ['true']}}\nartifacts: {files: [none]}\n",
        )],
    );
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &["Out"]), &[]);
    let message = error(&ended(&caller, &execution));
    assert!(
        message.ends_with(
            "Phase: UPLOAD_ARTIFACTS, Code: CLIENT_ERROR, Message: no matching artifact paths found"
        ),
        "{message}"
    );
    caller.s3_done("PUT", &format!("/{}/file", ground.source), b"no zip at all");
    let started = caller.call("StartPipelineExecution", &json!({"name": "built"}));
    let message = error(&ended(&caller, started["pipelineExecutionId"].as_str().unwrap()));
    assert!(
        message.contains("Phase: DOWNLOAD_SOURCE") && message.contains("it is not a zip file"),
        "{message}"
    );
}

#[test]
fn without_a_runner_the_action_says_so_and_what_to_do() {
    let daemon = Daemon::start_with(&["--build-runner", "none"]);
    let (_, action) = built(&daemon, "version: 0.2\nphases: {build: {commands: ['true']}}\n");
    let message = error(&action);
    assert!(
        message.contains("No build can run: the daemon was started with --build-runner none."),
        "{message}"
    );
}

#[test]
fn a_build_goes_on_over_a_kill_and_runs_once() {
    let folder = tempfile::tempdir().unwrap();
    let (runs, gate) = (folder.path().join("runs"), folder.path().join("gate"));
    let mut daemon = Daemon::start_with(&HOST);
    let spec = format!(
        "version: 0.2\nphases: {{build: {{commands: [echo ran >> {}, echo waiting, 'until [ -e {} ]; do sleep 0.02; done', echo 'let go']}}}}\n",
        runs.display(),
        gate.display()
    );
    let (caller, ground) = prepared(&daemon, &[("buildspec.yml", &spec)]);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    logged(&caller, "waiting");
    daemon.kill();
    daemon.start_again();
    daemon.kill();
    fs::write(&gate, "").unwrap();
    daemon.start_again();
    let action = ended(&caller, &execution);
    assert_eq!(action["status"], "Succeeded", "{action} {:#?}", log(&caller));
    assert_eq!(fs::read_to_string(&runs).unwrap(), "ran\n");
    let log = log(&caller);
    for line in ["waiting", "let go"] {
        assert_eq!(log.iter().filter(|said| *said == line).count(), 1, "{log:#?}");
    }
}

#[test]
fn abandoning_and_stopping_really_end_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let process = folder.path().join("process");
    let daemon = Daemon::start_with(&HOST);
    let spec = format!(
        "version: 0.2\nphases: {{build: {{commands: ['echo $$ > {}', sleep 600]}}}}\n",
        process.display()
    );
    let (caller, ground) = prepared(&daemon, &[("buildspec.yml", &spec)]);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    logged(&caller, "Running command sleep 600");
    let stop = json!({"pipelineName": "built", "pipelineExecutionId": execution, "abandon": true});
    caller.call("StopPipelineExecution", &stop);
    until("the end of the process", || (!is_running(&process)).then_some(()));
    let ids = caller.codebuild("ListBuildsForProject", &json!({"projectName": "project"}))["ids"].clone();
    let status = |ids: &Value| {
        caller.codebuild("BatchGetBuilds", &json!({"ids": ids}))["builds"][0]["buildStatus"].clone()
    };
    until("a stopped build", || (status(&ids) == "STOPPED").then_some(()));

    let mut alone = project("any", &caller.iam_role_arn("builds"));
    alone["name"] = json!("alone");
    alone["source"] = json!({"type": "NO_SOURCE", "buildspec": spec});
    alone["artifacts"] = json!({"type": "NO_ARTIFACTS"});
    caller.codebuild("CreateProject", &alone);
    fs::remove_file(&process).unwrap();
    let started = caller.codebuild("StartBuild", &json!({"projectName": "alone"}));
    until("the process", || process.exists().then_some(()));
    let stopped = caller.codebuild("StopBuild", &json!({"id": started["build"]["id"]}));
    assert_eq!(stopped["build"]["buildStatus"], "STOPPED");
    assert!(!is_running(&process));
}

#[test]
fn secrets_reach_the_build_and_not_its_log() {
    let daemon = Daemon::start_with(&HOST);
    let caller = daemon.caller();
    let put = json!({"Name": "/build/token", "Value": "s3cr3t-token", "Type": "SecureString"});
    caller.json("ssm", "AmazonSSM.PutParameter", &put).unwrap();
    let create = json!({"Name": "db", "SecretString": "{\"password\": \"hunter22\"}"});
    caller.json("secretsmanager", "secretsmanager.CreateSecret", &create).unwrap();
    let spec = "version: 0.2\nenv: {parameter-store: {TOKEN: /build/token}, secrets-manager: {PASSWORD: 'db:password'}}\n\
                phases: {build: {commands: ['echo \"<$TOKEN $PASSWORD>\"', '[ ${#TOKEN} = 12 ]']}}\n";
    let (caller, action) = built(&daemon, spec);
    assert_eq!(action["status"], "Succeeded", "{action}");
    let log = log(&caller);
    assert!(log.contains(&"<*** ***>".to_owned()), "{log:#?}");
}

#[test]
fn a_build_that_fills_the_disk_is_ended_and_the_daemon_goes_on() {
    let test = "a build that fills the disk";
    let Some(disk) = SmallDisk::mounted(600) else { return skipped(test, "only root mounts disks") };
    let daemon = Daemon::start_in(TempDir::new_in(&disk.place).unwrap(), &HOST);
    let spec = "version: 0.2\nphases: {build: {commands: ['while true; do dd if=/dev/zero bs=1M count=20 >> filler; sleep 0.05; done']}}\n";
    let (caller, action) = built(&daemon, spec);
    let says =
        "Phase: BUILD, Code: CLIENT_ERROR, Message: the disk of the daemon's data has less than 256 MiB left";
    assert!(error(&action).contains(says), "{action}");
    assert_eq!(fs::read_dir(daemon.data().join("builds")).unwrap().count(), 0, "nothing is left behind");
    let answer = caller.call("ListPipelines", &json!({}));
    assert_eq!(answer["pipelines"][0]["name"], "built");
}

#[test]
fn an_ephemeral_daemon_takes_its_builds_with_it() {
    let folder = TempDir::new().unwrap();
    let process = folder.path().join("process");
    let daemon = Ephemeral::start(folder.path(), &HOST, &[]);
    start_sleeping(&daemon.caller(), "any", &process.display().to_string());
    until("the process", || fs::read_to_string(&process).is_ok_and(|id| id.ends_with('\n')).then_some(()));
    assert!(daemon.stop().success());
    assert!(!is_running(&process));
    assert_eq!(Ephemeral::folders(folder.path()), [] as [&Path; 0], "nothing is left behind");
}

#[test]
fn what_a_killed_ephemeral_daemon_left_goes_with_the_next_start_and_nothing_of_one_that_lives() {
    let folder = TempDir::new().unwrap();
    let daemons = ["killed", "alive"].map(|name| {
        let daemon = Ephemeral::start(folder.path(), &HOST, &[]);
        let process = folder.path().join(name);
        start_sleeping(&daemon.caller(), "any", &process.display().to_string());
        until("the process", || {
            fs::read_to_string(&process).is_ok_and(|id| id.ends_with('\n')).then_some(())
        });
        (daemon, process)
    });
    let [(killed, of_killed), (_alive, of_alive)] = daemons;
    killed.kill();
    assert!(is_running(&of_killed), "a kill leaves the build");
    assert_eq!(Ephemeral::folders(folder.path()).len(), 2);
    let temporary = [("TMPDIR".to_owned(), folder.path().display().to_string())];
    let _next = Daemon::start_with_environment(&[], &temporary);
    until("the end of the process", || (!is_running(&of_killed)).then_some(()));
    until("one folder", || (Ephemeral::folders(folder.path()).len() == 1).then_some(()));
    assert!(is_running(&of_alive));
}

#[test]
fn a_clone_reference_is_a_real_clone_in_the_build() {
    let spec = "version: 0.2\nenv: {exported-variables: [SUBJECTS, HEAD]}\nphases: {build: {commands: [\
                'export HEAD=$(git rev-parse HEAD) SUBJECTS=$(git log --format=%s | tr \"\\n\" \" \")', \
                '[ \"$HEAD\" = \"$CODEBUILD_RESOLVED_SOURCE_VERSION\" ]', 'git status --porcelain', \
                '[ -z \"$(git status --porcelain)\" ]', '[ -x bin/tool ]']}}\n";
    let repository = Repository::new();
    repository.write("buildspec.yml", spec);
    repository.write_program("bin/tool", "#!/bin/sh\n");
    repository.commit("first");
    let commit = repository.commit("second");
    let daemon = Daemon::start_with(&[&HOST[..], &["--map-repository", &repository.mapping()]].concat());
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    make_project(&caller, "any/image:1", &caller.make_role("builds", "codebuild.amazonaws.com"));
    let made = json!({"repositoryName": "web"});
    let made = caller.json("codecommit", "CodeCommit_20150413.CreateRepository", &made).unwrap();
    repository.git(&[
        "push",
        "--quiet",
        made["repositoryMetadata"]["cloneUrlHttp"].as_str().unwrap(),
        "main",
    ]);
    let format = json!({"OutputArtifactFormat": "CODEBUILD_CLONE_REF"});
    let build = stage("Build", &[build_action(&json!({}), &["Source"], &[])]);
    let mapped = ground.connected_pipeline("mapped", &format, std::slice::from_ref(&build));
    let mut pushed = ground.connected_pipeline("pushed", &format, &[build]);
    let source = &mut pushed["stages"][0]["actions"][0];
    source["actionTypeId"]["provider"] = json!("CodeCommit");
    source["configuration"] = json!({
        "RepositoryName": "web", "BranchName": "main", "OutputArtifactFormat": "CODEBUILD_CLONE_REF"});
    for (name, declared) in [("mapped", mapped), ("pushed", pushed)] {
        caller.call("CreatePipeline", &json!({"pipeline": declared}));
        let execution =
            until("an execution", || caller.executions(name).pop())["pipelineExecutionId"].clone();
        let execution = execution.as_str().unwrap();
        assert_eq!(caller.ended(name, execution), "Succeeded", "{name}: {:#?}", log(&caller));
        let action = caller.actions(name, execution).pop().unwrap();
        let expected = json!({"HEAD": commit, "SUBJECTS": "second first "});
        assert_eq!(action["output"]["outputVariables"], expected, "{name}");
    }
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"}]})
    .to_string();
    caller.iam(
        "PutRolePolicy",
        &[("RoleName", "builds"), ("PolicyName", "policy"), ("PolicyDocument", &policy)],
    );
    let denied = [
        ("mapped", "codeconnections:UseConnection on resource: arn:aws:codeconnections:"),
        ("pushed", "codecommit:GitPull on resource: arn:aws:codecommit:us-east-1:000000000000:web"),
    ];
    for (name, call) in denied {
        let started = caller.call("StartPipelineExecution", &json!({"name": name}));
        let execution = started["pipelineExecutionId"].as_str().unwrap();
        assert_eq!(caller.ended(name, execution), "Failed", "{name}");
        let message = error(&caller.actions(name, execution).pop().unwrap());
        let says = format!("authorization failed for primary source and source version {commit}: User: ");
        assert!(message.contains(&says) && message.contains(call), "{name}: {message}");
    }
    let left = fs::read_dir(daemon.data()).unwrap().flatten();
    let left: Vec<_> =
        left.map(|entry| entry.file_name()).filter(|name| name.to_string_lossy().contains("git")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_failed_build_is_tried_again_where_its_phase_says_so_and_no_pipeline_waits() {
    let daemon = Daemon::start_with(&HOST);
    let folder = TempDir::new().unwrap();
    let runs = folder.path().join("runs");
    let spec = format!(
        "version: 0.2\nphases: {{build: {{on-failure: 'RETRY-2-exit status 3', commands: ['echo ran >> {0}', '[ $(wc -l < {0}) -ge 3 ] || exit 3']}}}}\n",
        runs.display()
    );
    let (caller, ground) = prepared(&daemon, &[("buildspec.yml", &spec)]);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    assert!(error(&ended(&caller, &execution)).ends_with("Reason: exit status 3"));
    assert_eq!(fs::read_to_string(&runs).unwrap(), "ran\n", "a pipeline's build runs once");

    let mut alone = project("any", &caller.iam_role_arn("builds"));
    alone["name"] = json!("alone");
    alone["source"] = json!({"type": "NO_SOURCE", "buildspec": spec});
    alone["artifacts"] = json!({"type": "NO_ARTIFACTS"});
    caller.codebuild("CreateProject", &alone);
    caller.codebuild("StartBuild", &json!({"projectName": "alone"}));
    let builds = until("a second build that succeeded", || {
        let input = json!({"projectName": "alone", "sortOrder": "ASCENDING"});
        let ids = caller.codebuild("ListBuildsForProject", &input)["ids"].clone();
        let builds = caller.codebuild("BatchGetBuilds", &json!({"ids": ids}))["builds"].clone();
        (builds[1]["buildStatus"] == "SUCCEEDED").then_some(builds)
    });
    assert_eq!(builds[0]["buildStatus"], "FAILED");
    assert_eq!(builds[0]["autoRetryConfig"]["nextAutoRetry"], builds[1]["arn"]);
    assert_eq!(builds[1]["autoRetryConfig"]["previousAutoRetry"], builds[0]["arn"]);
    assert_eq!(
        (&builds[1]["autoRetryConfig"]["autoRetryNumber"], &builds[1]["buildNumber"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(builds.as_array().unwrap().len(), 2);
}

#[test]
fn a_batch_build_is_refused_and_the_message_says_what_to_do() {
    let daemon = Daemon::start_with(&HOST);
    let files = [("buildspec.yml", "version: 0.2\nphases: {build: {commands: ['true']}}\n")];
    let (caller, ground) = prepared(&daemon, &files);
    let action = build_action(&json!({"BatchEnabled": "true"}), &["Source"], &[]);
    let execution = begin(&caller, &ground, action, &[]);
    let action = ended(&caller, &execution);
    let said = error(&action);
    assert!(said.contains("'BatchEnabled' set to true, and batch builds are not supported here"), "{said}");
    assert_eq!(caller.codebuild("ListBuilds", &json!({}))["ids"], json!([]));
}
