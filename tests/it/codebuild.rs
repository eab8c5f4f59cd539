//! CodeBuild and CloudWatch Logs by themselves: what is asked of them without a pipeline.

use std::collections::BTreeMap;

use penstock_tests::aws::{Caller, Refusal};
use penstock_tests::building::{begin, build_action, ended, make_project, project, unzipped, zipped};
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::Ground;
use penstock_tests::waiting::until;
use serde_json::{Value, json};

const HOST: [&str; 2] = ["--build-runner", "host"];

fn refused(caller: &Caller, operation: &str, input: &Value) -> Refusal {
    let answer = caller.json("codebuild", &format!("CodeBuild_20161006.{operation}"), input);
    answer.err().unwrap_or_else(|| panic!("{operation} accepted {input}"))
}

/// Makes the project `project`, which runs those commands on nothing.
fn make_alone(caller: &Caller, commands: &[&str]) {
    let mut alone = project("any/image:1", &caller.make_role("builds", "codebuild.amazonaws.com"));
    let spec = json!({"version": 0.2, "phases": {"build": {"commands": commands}}});
    alone["source"] = json!({"type": "NO_SOURCE", "buildspec": spec.to_string()});
    alone["artifacts"] = json!({"type": "NO_ARTIFACTS"});
    caller.codebuild("CreateProject", &alone);
}

fn started(caller: &Caller, more: &Value) -> Value {
    let mut input = json!({"projectName": "project"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    caller.codebuild("StartBuild", &input)["build"].clone()
}

fn at_its_end(caller: &Caller, build: &Value) -> Value {
    until("the end of the build", || {
        let found = caller.codebuild("BatchGetBuilds", &json!({"ids": [build["id"]]}));
        let found = found["builds"][0].clone();
        (found["buildComplete"] == true).then_some(found)
    })
}

fn logs(caller: &Caller, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let mut named = json!({"logGroupName": "/aws/codebuild/project"});
    named.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    caller.json("logs", &format!("Logs_20140328.{operation}"), &named)
}

fn messages(answer: &Value) -> Vec<&str> {
    answer["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect()
}

#[test]
fn projects_and_builds_are_refused_in_awss_words() {
    let daemon = Daemon::start_with(&HOST);
    let caller = daemon.caller();
    let role = caller.make_role("builds", "codebuild.amazonaws.com");
    let good = project("any/image:1", &role);
    let changed = |changes: Value| {
        let mut project = good.clone();
        project["name"] = json!("other");
        project.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        project
    };
    caller.codebuild("CreateProject", &good);
    let arn = "arn:aws:codebuild:us-east-1:000000000000:project";
    let both = "Invalid input: when using CodePipeline both sourceType, and artifactType must be set to: CODEPIPELINE";
    let nowhere = json!({"type": "NO_ARTIFACTS", "location": "bucket"});
    let nothing = json!({"type": "NO_SOURCE", "buildspec": "version: 0.2"});
    let bare = json!({"source": {"type": "S3"}, "artifacts": {"type": "NO_ARTIFACTS"}});
    let input = "InvalidInputException";
    for (operation, input, code, text) in [
        (
            "CreateProject",
            good.clone(),
            "ResourceAlreadyExistsException",
            format!("Project already exists: {arn}/project"),
        ),
        ("CreateProject", changed(json!({"artifacts": {"type": "NO_ARTIFACTS"}})), input, both.to_owned()),
        (
            "CreateProject",
            changed(json!({"source": {"type": "GITHUB", "location": "x"}})),
            input,
            both.to_owned(),
        ),
        (
            "CreateProject",
            changed(json!({"badgeEnabled": true})),
            input,
            "Build badges are not supported for CodePipeline source".to_owned(),
        ),
        ("CreateProject", changed(bare), input, "Project source location is required".to_owned()),
        (
            "CreateProject",
            changed(json!({"source": nothing, "artifacts": nowhere})),
            input,
            "Invalid artifacts: artifact type NO_ARTIFACTS should have null location".to_owned(),
        ),
        (
            "CreateProject",
            changed(json!({"serviceRole": format!("{role}-none")})),
            input,
            format!("CodeBuild is not authorized to perform: sts:AssumeRole on {role}-none"),
        ),
        (
            "UpdateProject",
            json!({"name": "none"}),
            "ResourceNotFoundException",
            format!("Project cannot be found: {arn}/none"),
        ),
        (
            "StartBuild",
            json!({"projectName": "none"}),
            "ResourceNotFoundException",
            format!("Project cannot be found: {arn}/none"),
        ),
        (
            "ListBuildsForProject",
            json!({"projectName": "none"}),
            "ResourceNotFoundException",
            format!("The provided project {arn}/none does not exist"),
        ),
        ("BatchGetBuilds", json!({"ids": ["none"]}), input, "Invalid build ID provided".to_owned()),
        ("StopBuild", json!({"id": "none"}), input, "Invalid build ID provided".to_owned()),
        (
            "StopBuild",
            json!({"id": "project:none"}),
            "ResourceNotFoundException",
            "Build project:none does not exist".to_owned(),
        ),
        ("ListBuilds", json!({"nextToken": "none"}), input, "Invalid next token".to_owned()),
    ] {
        let refusal = refused(&caller, operation, &input);
        assert_eq!((refusal.code.as_str(), refusal.message), (code, text), "{operation} {input}");
    }
    assert!(
        refused(&caller, "StartBuild", &json!({"projectName": "project"})).message.contains("CODEPIPELINE")
    );
    assert_eq!(caller.codebuild("ListProjects", &json!({}))["projects"], json!(["project"]));
}

#[test]
fn what_start_build_overrides_counts_for_that_build_only() {
    let daemon = Daemon::start_with(&HOST);
    let caller = daemon.caller();
    make_alone(&caller, &["echo \"$BOTH $CODEBUILD_BUILD_IMAGE\""]);
    let overrides = json!({
        "computeTypeOverride": "BUILD_GENERAL1_LARGE", "environmentTypeOverride": "ARM_CONTAINER",
        "imageOverride": "other/image:2", "privilegedModeOverride": true, "timeoutInMinutesOverride": 7,
        "queuedTimeoutInMinutesOverride": 8, "encryptionKeyOverride": "alias/mine",
        "environmentVariablesOverride": [{"name": "BOTH", "value": "build"}],
        "logsConfigOverride": {"cloudWatchLogs": {"status": "ENABLED", "groupName": "elsewhere"}},
    });
    let build = at_its_end(&caller, &started(&caller, &overrides));
    let environment = &build["environment"];
    assert_eq!(
        [
            &environment["computeType"],
            &environment["type"],
            &environment["image"],
            &environment["privilegedMode"]
        ],
        [&json!("BUILD_GENERAL1_LARGE"), &json!("ARM_CONTAINER"), &json!("other/image:2"), &json!(true)]
    );
    assert_eq!(
        [&build["timeoutInMinutes"], &build["queuedTimeoutInMinutes"], &build["encryptionKey"]],
        [&json!(7), &json!(8), &json!("alias/mine")]
    );
    assert_eq!(build["logs"]["groupName"], "elsewhere");
    let said = logs(&caller, "FilterLogEvents", &json!({"logGroupName": "elsewhere"})).unwrap();
    assert!(messages(&said).contains(&"build other/image:2"), "{said}");
    let build = at_its_end(&caller, &started(&caller, &json!({})));
    assert_eq!(build["environment"]["computeType"], "BUILD_GENERAL1_SMALL");
    let said = logs(&caller, "FilterLogEvents", &json!({})).unwrap();
    assert!(messages(&said).contains(&"project any/image:1"), "{said}");
    let text = refused(&caller, "StartBuild", &json!({"projectName": "project", "sourceTypeOverride": "S3"}))
        .message;
    assert_eq!(text, "sourceTypeOverride is not supported here");
}

#[test]
fn builds_are_listed_newest_first_a_hundred_at_a_time() {
    let daemon = Daemon::start_with(&["--build-runner", "none"]);
    let caller = daemon.caller();
    make_alone(&caller, &["true"]);
    let mut all: Vec<Value> = (0..103).map(|_| started(&caller, &json!({}))["id"].clone()).collect();
    let oldest = caller.codebuild("ListBuilds", &json!({"sortOrder": "ASCENDING"}));
    assert_eq!(oldest["ids"].as_array().unwrap()[..], all[..100]);
    all.reverse();
    for (operation, input) in
        [("ListBuilds", json!({})), ("ListBuildsForProject", json!({"projectName": "project"}))]
    {
        let first = caller.codebuild(operation, &input);
        let mut next = input.clone();
        next["nextToken"] = first["nextToken"].clone();
        let second = caller.codebuild(operation, &next);
        let pages = [&first, &second].map(|page| page["ids"].as_array().unwrap().clone());
        assert_eq!(pages.map(|page| page.len()), [100, 3], "{operation}");
        assert_eq!(
            [first["ids"].as_array().unwrap().clone(), second["ids"].as_array().unwrap().clone()].concat(),
            all
        );
        assert_eq!(second["nextToken"], Value::Null);
    }
}

#[test]
fn a_build_of_a_pipeline_finds_what_codebuild_sets_and_shows_the_same() {
    let daemon = Daemon::start_with(&HOST);
    let caller = daemon.caller();
    let spec = "version: 0.2\nphases: {build: {commands: [env > all]}}\nartifacts: {files: [all]}\n";
    let ground = Ground::prepare(&caller, &zipped(&[("buildspec.yml", spec)]));
    make_project(&caller, "any/image:1", &caller.make_role("builds", "codebuild.amazonaws.com"));
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &["Out"]), &[]);
    let action = ended(&caller, &execution);
    assert_eq!(action["status"], "Succeeded", "{action}");
    let place = |artifacts: &Value| {
        let at = &artifacts[0]["s3location"];
        format!("{}/{}", at["bucket"].as_str().unwrap(), at["key"].as_str().unwrap())
    };
    let (source, out) =
        (place(&action["input"]["inputArtifacts"]), place(&action["output"]["outputArtifacts"]));
    let files = unzipped(&caller.s3_done("GET", &format!("/{out}"), b"").body);
    let found: BTreeMap<&str, &str> = files[0].1.lines().filter_map(|line| line.split_once('=')).collect();
    let id = action["output"]["executionResult"]["externalExecutionId"].as_str().unwrap();
    let build = caller.codebuild("BatchGetBuilds", &json!({"ids": [id]}))["builds"][0].clone();
    let version = caller.actions("built", &execution);
    let version = version.iter().find(|action| action["actionName"] == "Source").unwrap();
    let version = version["output"]["executionResult"]["externalExecutionId"].as_str().unwrap();
    let arn = "arn:aws:codebuild:us-east-1:000000000000";
    let (_, uuid) = id.split_once(':').unwrap();
    for (name, value) in [
        ("CI", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("CODEBUILD_BUILD_ID", id),
        ("CODEBUILD_BUILD_ARN", &format!("{arn}:build/{id}")),
        ("CODEBUILD_BUILD_NUMBER", "1"),
        ("CODEBUILD_BUILD_IMAGE", "any/image:1"),
        ("CODEBUILD_BUILD_SUCCEEDING", "1"),
        (
            "CODEBUILD_BUILD_URL",
            action["output"]["executionResult"]["externalExecutionUrl"].as_str().unwrap(),
        ),
        ("CODEBUILD_INITIATOR", "codepipeline/built"),
        ("CODEBUILD_LOG_PATH", uuid),
        ("CODEBUILD_PROJECT_ARN", &format!("{arn}:project/project")),
        ("CODEBUILD_SOURCE_VERSION", &format!("arn:aws:s3:::{source}")),
        ("CODEBUILD_RESOLVED_SOURCE_VERSION", version),
        ("CODEBUILD_SRC_DIR", found["PWD"]),
        ("FROM_PROJECT", "project"),
    ] {
        assert_eq!(found.get(name), Some(&value), "{name}");
    }
    assert_eq!(build["sourceVersion"], format!("arn:aws:s3:::{source}"));
    assert_eq!(build["resolvedSourceVersion"], version);
    assert_eq!(build["artifacts"]["location"], format!("arn:aws:s3:::{out}"));
    assert_eq!(build["initiator"], "codepipeline/built");
}

#[test]
fn a_log_reads_as_on_aws_and_shows_no_keys() {
    let daemon = Daemon::start_with(&HOST);
    let caller = daemon.caller();
    let spec = "version: 0.2\nphases:\n  build: {commands: ['echo \"key $AWS_SECRET_ACCESS_KEY\"', 'printf open', 'false']}\n\
                artifacts: {files: [buildspec.yml]}\n";
    let ground = Ground::prepare(&caller, &zipped(&[("buildspec.yml", spec)]));
    make_project(&caller, "any/image:1", &caller.make_role("builds", "codebuild.amazonaws.com"));
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &["Out"]), &[]);
    assert_eq!(ended(&caller, &execution)["status"], "Failed");
    let answer = logs(&caller, "FilterLogEvents", &json!({})).unwrap();
    let said: Vec<String> = messages(&answer)
        .into_iter()
        .map(|line| match line.strip_prefix("[Container] ") {
            Some(rest) => format!("# {}", rest.splitn(3, ' ').nth(2).unwrap()),
            None => line.to_owned(),
        })
        .collect();
    let directory = said.iter().find_map(|line| line.strip_prefix("# CODEBUILD_SRC_DIR=")).unwrap();
    let ended = |phase: &str| {
        format!("# Phase complete: {phase} State: SUCCEEDED\n# Phase context status code:  Message: \n")
    };
    let nothing = |phase: &str| format!("# Entering phase {phase}\n{}", ended(phase));
    let expected = format!(
        "# Waiting for agent ping\n# Waiting for DOWNLOAD_SOURCE\n# Phase is DOWNLOAD_SOURCE\n\
         # CODEBUILD_SRC_DIR={directory}\n# YAML location is {directory}/buildspec.yml\n\
         # Processing environment variables\n# Moving to directory {directory}\n{}{}{}\
         # Entering phase BUILD\n# Running command echo \"key $AWS_SECRET_ACCESS_KEY\"\nkey ***\n\n\
         # Running command printf open\nopen\n# Running command false\n\n\
         # Command did not exit successfully false exit status 1\n# Phase complete: BUILD State: FAILED\n\
         # Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: false. \
         Reason: exit status 1\n{}\
         # Expanding base directory path: .\n# Assembling file list\n# Expanding .\n\
         # Expanding file paths for base directory .\n# Assembling file list\n# Expanding buildspec.yml\n\
         # Found 1 file(s)\n{}",
        ended("DOWNLOAD_SOURCE"),
        nothing("INSTALL"),
        nothing("PRE_BUILD"),
        nothing("POST_BUILD"),
        ended("UPLOAD_ARTIFACTS"),
    );
    assert_eq!(said.join("\n") + "\n", expected);
}

#[test]
fn a_log_is_followed_while_the_build_runs() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let daemon = Daemon::start_with(&HOST);
    let caller = daemon.caller();
    let wait = format!("until [ -e {} ]; do sleep 0.02; done", go.display());
    make_alone(&caller, &["echo first", &wait, "echo second"]);
    let build = started(&caller, &json!({}));
    // As `aws logs tail --follow` does: from a time on, by what was not seen yet.
    let mut since = (build["startTime"].as_f64().unwrap() * 1000.0) as u64;
    let mut seen = BTreeMap::new();
    let mut follow = |text: &str| {
        until(text, || {
            let answer = logs(&caller, "FilterLogEvents", &json!({"startTime": since, "interleaved": true}));
            let answer = answer.ok()?;
            for event in answer["events"].as_array().unwrap() {
                since = since.max(event["timestamp"].as_u64().unwrap());
                let id = event["eventId"].as_str().unwrap().to_owned();
                seen.entry(id).or_insert_with(|| event["message"].as_str().unwrap().to_owned());
            }
            seen.values().any(|line| line == text).then_some(())
        });
        seen.clone()
    };
    follow("first");
    assert_eq!(
        caller.codebuild("BatchGetBuilds", &json!({"ids": [build["id"]]}))["builds"][0]["currentPhase"],
        "BUILD"
    );
    std::fs::write(&go, "").unwrap();
    let seen = follow("second");
    let own = seen.values().filter(|line| matches!(line.as_str(), "first" | "second")).count();
    assert_eq!(own, 2, "{seen:#?}");
    at_its_end(&caller, &build);
    let stream = json!({"logStreamName": build["logs"]["streamName"], "startFromHead": true});
    let whole = logs(&caller, "GetLogEvents", &stream).unwrap();
    let lines = messages(&whole);
    let at = |text: &str| lines.iter().position(|line| *line == text).unwrap();
    assert!(at("first") < at("second"), "{lines:#?}");
    let found =
        logs(&caller, "FilterLogEvents", &json!({"filterPattern": "\"Running command\" -until"})).unwrap();
    assert_eq!(messages(&found).len(), 2, "{found}");
    assert_eq!(
        logs(&caller, "FilterLogEvents", &json!({"startTime": 1.5})).unwrap_err().code,
        "SerializationException"
    );
}

#[test]
fn a_build_shows_where_it_is_after_a_kill_too() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let mut daemon = Daemon::start_with(&HOST);
    let caller = daemon.caller();
    let wait = format!("until [ -e {} ]; do sleep 0.02; done", go.display());
    make_alone(&caller, &["echo begun", &wait, "echo \"key $AWS_SECRET_ACCESS_KEY\"", "false"]);
    let build = started(&caller, &json!({}));
    let found = || caller.codebuild("BatchGetBuilds", &json!({"ids": [build["id"]]}))["builds"][0].clone();
    until("the build's command", || {
        let said = logs(&caller, "FilterLogEvents", &json!({})).ok()?;
        messages(&said).contains(&"begun").then_some(())
    });
    until("its phase", || (found()["currentPhase"] == "BUILD").then_some(()));
    let before = found();
    daemon.kill();
    daemon.start_again();
    let after = found();
    assert_eq!(after, before, "nothing is lost, and nothing is told twice");
    std::fs::write(&go, "").unwrap();
    let end = at_its_end(&caller, &build);
    let phases = |build: &Value| build["phases"].as_array().unwrap().clone();
    let running = phases(&before).len() - 1;
    assert_eq!(phases(&end)[..running], phases(&before)[..running]);
    let failed = &phases(&end)[running];
    assert_eq!((&failed["phaseType"], &failed["phaseStatus"]), (&json!("BUILD"), &json!("FAILED")));
    assert_eq!(
        failed["contexts"],
        json!([{"statusCode": "COMMAND_EXECUTION_ERROR",
                "message": "Error while executing command: false. Reason: exit status 1"}])
    );
    assert_eq!(end["buildStatus"], "FAILED");
    let said = logs(&caller, "FilterLogEvents", &json!({"filterPattern": "key"})).unwrap();
    assert!(messages(&said).contains(&"key ***"), "its keys are still hidden: {said}");
}

#[test]
fn the_artifacts_of_a_build_by_itself_go_where_its_project_and_its_buildspec_say() {
    let daemon = Daemon::start_with(&HOST);
    let caller = daemon.caller();
    caller.make_bucket("out");
    let spec = "version: 0.2\nphases: {build: {commands: [mkdir sub, echo one > a, echo two > sub/b, export V=7]}}\n\
                artifacts: {name: 'named-$V', files: [a, sub/*]}\n";
    let mut alone = project("any/image:1", &caller.make_role("builds", "codebuild.amazonaws.com"));
    alone["source"] = json!({"type": "NO_SOURCE", "buildspec": spec});
    alone["artifacts"] = json!({"type": "S3", "location": "out"});
    caller.codebuild("CreateProject", &alone);
    let keys = || {
        let listed = caller.s3_done("GET", "/out?list-type=2", b"").text();
        let keys = listed.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        keys.map(|(key, _)| key.to_owned()).collect::<Vec<_>>()
    };
    let build = at_its_end(&caller, &started(&caller, &json!({})));
    assert_eq!(build["artifacts"]["location"], "arn:aws:s3:::out/project", "{build}");
    assert_eq!(keys(), ["project/a", "project/sub/b"]);
    assert_eq!(caller.s3_done("GET", "/out/project/sub/b", b"").body, b"two\n");

    for key in keys() {
        caller.s3_done("DELETE", &format!("/out/{key}"), b"");
    }
    alone["artifacts"] = json!({
        "type": "S3", "location": "out", "path": "path", "namespaceType": "BUILD_ID", "packaging": "ZIP",
        "overrideArtifactName": true,
    });
    caller.codebuild("UpdateProject", &alone);
    let build = at_its_end(&caller, &started(&caller, &json!({})));
    let id = build["id"].as_str().unwrap().rsplit(':').next().unwrap();
    let key = format!("path/{id}/named-7");
    assert_eq!(build["artifacts"]["location"], format!("arn:aws:s3:::out/{key}"));
    assert_eq!(keys().join(" "), key);
    let found = unzipped(&caller.s3_done("GET", &format!("/out/{key}"), b"").body);
    assert_eq!(found.len(), 2, "{found:?}");
}
