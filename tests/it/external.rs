//! Actions against AWS services elsewhere: an emulator that others wrote, in place of the embedded ones.

use penstock_tests::aws::Caller;
use penstock_tests::building::{
    begin, build_action, commands_action, ended, log, log_of, make_project, project, zipped,
};
use penstock_tests::daemon::Daemon;
use penstock_tests::gate::Gate;
use penstock_tests::git::Repository;
use penstock_tests::http::Request;
use penstock_tests::moto::Moto;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::sink::Sink;
use penstock_tests::waiting::until;
use serde_json::{Value, json};

fn error(action: &Value) -> &str {
    action["output"]["executionResult"]["errorDetails"]["message"].as_str().unwrap_or_default()
}

#[test]
fn a_pipeline_runs_on_the_s3_and_sts_of_another_emulator() {
    let Some(moto) = Moto::or_skip("a pipeline on moto's S3 and STS") else { return };
    let elsewhere = moto.serve();
    let there = Caller::new(elsewhere.address());
    let ground = Ground::prepare(&there, b"from elsewhere");
    let daemon = Daemon::start_with(&["--endpoint-url", &elsewhere.url()]);
    let caller = daemon.caller();
    let pipeline = ground.pipeline("outside", &[stage("Deploy", &[ground.deploy("Deploy", 1, "out")])]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let execution = caller.executions("outside")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("outside", &execution), "Succeeded");
    let deployed = there.s3_done("GET", &format!("/{}/out", ground.target), b"");
    assert_eq!(deployed.body, b"from elsewhere");
    let embedded = caller.s3("GET", &format!("/{}/out", ground.target), b"");
    assert_eq!(embedded.status, 404, "nothing of it is here");

    there.s3_done("DELETE", &format!("/{}/file", ground.source), b"");
    let answer = caller.call("StartPipelineExecution", &json!({"name": "outside"}));
    let execution = answer["pipelineExecutionId"].as_str().unwrap();
    assert_eq!(caller.ended("outside", execution), "Failed");
    let failed = caller.actions("outside", execution).pop().unwrap();
    assert!(error(&failed).contains(&ground.source), "{failed}");
}

#[test]
fn builds_read_the_parameters_and_secrets_of_another_emulator() {
    let Some(moto) = Moto::or_skip("a build with moto's parameters and secrets") else { return };
    let elsewhere = moto.serve();
    let there = Caller::new(elsewhere.address());
    let parameter = json!({"Name": "/build/token", "Value": "t0ken-elsewhere", "Type": "SecureString"});
    there.json("ssm", "AmazonSSM.PutParameter", &parameter).unwrap();
    let secret = json!({"Name": "db", "SecretString": "{\"password\": \"hunter22\"}"});
    let made = there.json("secretsmanager", "secretsmanager.CreateSecret", &secret).unwrap();
    let buildspec = "version: 0.2\nenv:\n  parameter-store: {TOKEN: /build/token}\n  secrets-manager: {PASSWORD: 'db:password:AWSCURRENT'}\n\
                     phases: {build: {commands: ['[ \"$TOKEN $PASSWORD\" = \"t0ken-elsewhere hunter22\" ]', \
                     '[ \"$WHOLE\" = \"{\\\"password\\\": \\\"hunter22\\\"}\" ]', 'echo \"<$TOKEN>\"']}}\n";
    let ground = Ground::prepare(&there, &zipped(&[("buildspec.yml", buildspec)]));
    let role = there.make_role("builds", "codebuild.amazonaws.com");
    let daemon = Daemon::start_with(&["--endpoint-url", &elsewhere.url(), "--build-runner", "host"]);
    let caller = daemon.caller();
    let mut described = project("any/image:1", &role);
    described["environment"]["environmentVariables"] =
        json!([{"name": "WHOLE", "value": made["ARN"], "type": "SECRETS_MANAGER"}]);
    caller.codebuild("CreateProject", &described);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    let action = ended(&caller, &execution);
    assert_eq!(action["status"], "Succeeded", "{action} {:#?}", log(&caller));
    assert!(log(&caller).contains(&"<***>".to_owned()), "{:#?}", log(&caller));

    there.json("secretsmanager", "secretsmanager.DeleteSecret", &json!({"SecretId": "db"})).unwrap();
    let started = caller.call("StartPipelineExecution", &json!({"name": "built"}));
    let action = ended(&caller, started["pipelineExecutionId"].as_str().unwrap());
    let says = "Phase: DOWNLOAD_SOURCE, Code: Decrypted Variables Error, Message: InvalidRequestException: ";
    assert!(error(&action).contains(says), "{action}");
    there.json("ssm", "AmazonSSM.DeleteParameter", &json!({"Name": "/build/token"})).unwrap();
    described["environment"]["environmentVariables"] =
        json!([{"name": "ABSENT", "value": "/build/token", "type": "PARAMETER_STORE"}]);
    caller.codebuild("UpdateProject", &described);
    let started = caller.call("StartPipelineExecution", &json!({"name": "built"}));
    let action = ended(&caller, started["pipelineExecutionId"].as_str().unwrap());
    assert!(error(&action).ends_with("Message: parameter does not exist: /build/token"), "{action}");
}

#[test]
fn every_kind_of_source_and_build_works_on_the_services_of_another_emulator() {
    let Some(moto) = Moto::or_skip("git sources, builds, commands and scripts on moto's services") else {
        return;
    };
    let elsewhere = moto.serve();
    let there = Caller::new(elsewhere.address());
    let ground = Ground::prepare(&there, b"");
    let builds = there.make_role("builds", "codebuild.amazonaws.com");
    let parameter = json!({"Name": "/build/token", "Value": "t0ken-elsewhere", "Type": "SecureString"});
    there.json("ssm", "AmazonSSM.PutParameter", &parameter).unwrap();
    let secret = json!({"Name": "db", "SecretString": "{\"password\": \"hunter22\"}"});
    there.json("secretsmanager", "secretsmanager.CreateSecret", &secret).unwrap();

    let repository = Repository::new();
    repository.write(
        "buildspec.yml",
        "version: 0.2\nenv: {parameter-store: {TOKEN: /build/token}, secrets-manager: {PASSWORD: 'db:password'}, \
         exported-variables: [LENGTHS]}\n\
         phases: {build: {commands: ['export LENGTHS=${#TOKEN}-${#PASSWORD}', 'mkdir -p out docs', \
         'cat page.html \"$CODEBUILD_SRC_DIR_Pushed/page.html\" >out/page.html', 'echo docs >docs/index.html']}}\n\
         artifacts:\n  files: ['**/*']\n  secondary-artifacts:\n    Built: {base-directory: out, files: ['**/*']}\n    \
         Docs: {base-directory: docs, files: ['**/*']}\n",
    );
    repository.write(
        "cloned.yml",
        "version: 0.2\nenv: {exported-variables: [SUBJECT]}\n\
         phases: {build: {commands: ['export SUBJECT=$(git log -1 --format=%s)']}}\n",
    );
    repository.write("page.html", "page\n");
    repository.commit("first");
    let outcomes = "outcomes:\n  - provider: Jenkins\n    outputVariables: {VERDICT: passed}\n    artifacts: {Report: {report.txt: all well}}\n";
    let flags = [
        "--endpoint-url",
        &elsewhere.url(),
        "--build-runner",
        "host",
        "--map-repository",
        &repository.mapping(),
    ];
    let daemon = Daemon::start_with(&flags);
    let caller = daemon.caller();
    let script =
        Request::new("PUT", "/_penstock/action-outcomes").body(outcomes).send(daemon.address()).unwrap();
    assert_eq!(script.status, 204, "{}", script.text());
    let made = json!({"repositoryName": "web"});
    let made = caller.json("codecommit", "CodeCommit_20150413.CreateRepository", &made).unwrap();
    let url = made["repositoryMetadata"]["cloneUrlHttp"].as_str().unwrap();
    repository.git(&["push", "--quiet", url, "main"]);
    make_project(&caller, "any/image:1", &builds);
    caller.call(
        "CreateCustomActionType",
        &json!({
            "category": "Test", "provider": "Jenkins", "version": "1",
            "inputArtifactDetails": {"minimumCount": 0, "maximumCount": 5},
            "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 5},
        }),
    );

    let mut declared = ground.connected_pipeline("whole", &json!({}), &[]);
    let of_format = |name: &str, provider: &str, configuration: Value| {
        json!({
            "name": name, "outputArtifacts": [{"name": name}], "configuration": configuration,
            "actionTypeId": {"category": "Source", "owner": "AWS", "provider": provider, "version": "1"},
        })
    };
    let mut reference = declared["stages"][0]["actions"][0]["configuration"].clone();
    reference["OutputArtifactFormat"] = json!("CODEBUILD_CLONE_REF");
    let sources = declared["stages"][0]["actions"].as_array_mut().unwrap();
    sources.push(of_format("Cloned", "CodeStarSourceConnection", reference));
    sources.push(of_format("Pushed", "CodeCommit", json!({"RepositoryName": "web", "BranchName": "main"})));
    let build = build_action(&json!({"PrimarySource": "Source"}), &["Source", "Pushed"], &["Built", "Docs"]);
    let environment = json!([{"name": "BUILDSPEC", "value": "x"}]).to_string();
    let mut clone = build_action(&json!({"EnvironmentVariables": environment}), &["Cloned"], &[]);
    clone["name"] = json!("Clone");
    clone["namespace"] = json!("Clone");
    clone["configuration"]["ProjectName"] = json!("cloning");
    let mut cloning = project("any/image:1", &builds);
    cloning["name"] = json!("cloning");
    cloning["source"]["buildspec"] = json!("cloned.yml");
    caller.codebuild("CreateProject", &cloning);
    let mut run = commands_action(&[
        "cat page.html >all.txt",
        "echo \"#{Build.LENGTHS} #{Clone.SUBJECT} ${#SECRET}\" >>all.txt",
    ]);
    run["inputArtifacts"] = json!([{"name": "Built"}]);
    run["outputArtifacts"] = json!([{"name": "Packed", "files": ["all.txt"]}]);
    run["environmentVariables"] =
        json!([{"name": "SECRET", "value": "db:password", "type": "SECRETS_MANAGER"}]);
    let jenkins = json!({
        "name": "Jenkins", "outputArtifacts": [{"name": "Report"}], "namespace": "Jenkins",
        "actionTypeId": {"category": "Test", "owner": "Custom", "provider": "Jenkins", "version": "1"},
    });
    let deploy = |artifact: &str| {
        let mut deploy = ground.deploy(artifact, 1, "#{Jenkins.VERDICT}");
        deploy["inputArtifacts"] = json!([{"name": artifact}]);
        deploy["configuration"]["Extract"] = json!("true");
        deploy
    };
    let more = [
        stage("Build", &[build, clone]),
        stage("Run", &[run, jenkins]),
        stage("Deploy", &[deploy("Packed"), deploy("Report"), deploy("Docs")]),
    ];
    declared["stages"].as_array_mut().unwrap().extend(more);
    caller.call("CreatePipeline", &json!({"pipeline": declared}));
    let execution = caller.executions("whole")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    let told = || {
        let said = [
            log(&caller),
            log_of(&caller, "/aws/codebuild/cloning"),
            log_of(&caller, "/aws/codepipeline/whole"),
        ];
        format!("{:#?} {said:#?}", caller.actions("whole", &execution).iter().map(error).collect::<Vec<_>>())
    };
    assert_eq!(caller.ended("whole", &execution), "Succeeded", "{}", told());
    let deployed =
        |name: &str| there.s3_done("GET", &format!("/{}/passed/{name}", ground.target), b"").text();
    assert_eq!(deployed("all.txt"), "page\npage\n15-8 first 8\n");
    assert_eq!(
        (deployed("report.txt"), deployed("index.html")),
        ("all well".to_owned(), "docs\n".to_owned())
    );
    let embedded = caller.s3_done("GET", "/", b"").text();
    assert!(!embedded.contains("<Name>"), "nothing of it is here: {embedded}");

    // Each says so where the artifacts' store is gone.
    let keys = there.s3_done("GET", &format!("/{}?list-type=2", ground.store), b"").text();
    for key in keys.split("<Key>").skip(1).filter_map(|rest| Some(rest.split_once("</Key>")?.0)) {
        there.s3_done("DELETE", &format!("/{}/{key}", ground.store), b"");
    }
    there.s3_done("DELETE", &format!("/{}", ground.store), b"");
    let started = caller.call("StartPipelineExecution", &json!({"name": "whole"}));
    let execution = started["pipelineExecutionId"].as_str().unwrap();
    assert_eq!(caller.ended("whole", execution), "Failed");
    let failed = caller.actions("whole", execution);
    assert_eq!(failed.len(), 3);
    for action in &failed {
        assert!(error(action).contains(&ground.store), "{action}");
    }
}

#[test]
fn a_build_whose_parameters_are_answered_with_nonsense_fails_and_says_where() {
    let nonsense = Sink::start(|_, _| (200, "<html>It works!</html>".to_owned()));
    let daemon = Daemon::start_with(&["--endpoint-url-ssm", &nonsense.url(), "--build-runner", "host"]);
    let caller = daemon.caller();
    let spec = "version: 0.2\nenv: {parameter-store: {TOKEN: /build/token}}\nphases: {build: {commands: ['true']}}\n";
    let ground = Ground::prepare(&caller, &zipped(&[("buildspec.yml", spec)]));
    make_project(&caller, "any/image:1", &caller.make_role("builds", "codebuild.amazonaws.com"));
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &[]), &[]);
    let action = ended(&caller, &execution);
    let says = format!("no usable answer from AWSSimpleSystemsManagement at {}: its answer", nonsense.url());
    assert!(error(&action).contains(&says), "{action}");
}

/// A daemon that waits a second for an S3, SSM and Secrets Manager behind a gate, which leads to its own S3.
fn behind(gate: &Gate) -> Daemon {
    let services = ["s3", "ssm", "secrets-manager"].map(|name| format!("--endpoint-url-{name}"));
    let url = gate.url();
    let mut flags = vec!["--build-runner", "host", "--endpoint-timeout", "1"];
    flags.extend(services.iter().flat_map(|flag| [flag.as_str(), &url]));
    let mut daemon = Daemon::start_with(&flags);
    // One that cannot be asked what a log must not show is worth a line.
    daemon.announce("a build's log waits");
    gate.lead_to(daemon.address());
    daemon
}

/// Runs the project by itself; the phase in which it failed, and why.
fn alone(caller: &Caller) -> (String, String) {
    let started = caller.codebuild("StartBuild", &json!({"projectName": "project"}));
    let build = until("the end of the build", || {
        let build = caller.codebuild("BatchGetBuilds", &json!({"ids": [started["build"]["id"]]}));
        let build = build["builds"][0].clone();
        (build["buildComplete"] == true).then_some(build)
    });
    let phases = build["phases"].as_array().unwrap();
    let failed = phases.iter().find(|phase| phase["phaseStatus"] == "FAILED").unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&failed["phaseType"]), text(&failed["contexts"][0]["message"]))
}

#[test]
fn a_build_whose_endpoints_fall_silent_fails_in_its_time_and_says_which() {
    let gate = Gate::new();
    let daemon = behind(&gate);
    let caller = daemon.caller();
    let role = caller.make_role("builds", "codebuild.amazonaws.com");
    let folder = tempfile::tempdir().unwrap();
    let (waiting, go) = (folder.path().join("waiting"), folder.path().join("go"));
    let spec = format!(
        "version: 0.2\nphases: {{build: {{commands: ['touch {}', 'until [ -e {} ]; do sleep 0.02; done']}}}}\n\
         artifacts: {{files: [buildspec.yml]}}\n",
        waiting.display(),
        go.display()
    );
    let ground = Ground::prepare(&caller, &zipped(&[("buildspec.yml", &spec)]));
    make_project(&caller, "any/image:1", &role);
    let execution = begin(&caller, &ground, build_action(&json!({}), &["Source"], &["Out"]), &[]);
    until("the build's command", || waiting.exists().then_some(()));
    gate.shut();
    std::fs::write(&go, "").unwrap();
    let action = ended(&caller, &execution);
    let says = format!("no usable answer from Amazon S3 at {}", gate.url());
    assert!(error(&action).contains("Phase: UPLOAD_ARTIFACTS, Code: CLIENT_ERROR"), "{action}");
    assert!(error(&action).contains(&says), "{action}");

    let mut described = project("any/image:1", &role);
    described["artifacts"] = json!({"type": "NO_ARTIFACTS"});
    described["source"] = json!({"type": "S3", "location": format!("{}/file", ground.source)});
    caller.codebuild("UpdateProject", &described);
    let (phase, message) = alone(&caller);
    assert_eq!(phase, "DOWNLOAD_SOURCE");
    assert!(message.contains(&says), "{message}");
    for (key, value, service) in [
        ("parameter-store", "/none", "AWSSimpleSystemsManagement"),
        ("secrets-manager", "none", "AWSSecretsManager"),
    ] {
        let spec = format!(
            "version: 0.2\nenv: {{{key}: {{A: {value}}}}}\nphases: {{build: {{commands: ['true']}}}}\n"
        );
        described["source"] = json!({"type": "NO_SOURCE", "buildspec": spec});
        caller.codebuild("UpdateProject", &described);
        let (phase, message) = alone(&caller);
        assert_eq!(phase, "DOWNLOAD_SOURCE");
        assert!(message.contains(&format!("no usable answer from {service} at {}", gate.url())), "{message}");
    }
    assert_eq!(std::fs::read_dir(daemon.data().join("builds")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_build_whose_endpoints_answer_with_nonsense_fails_and_says_which() {
    let nonsense = Sink::start(|_, _| (200, "<html>It works!</html>".to_owned()));
    let flags = ["--endpoint-url-s3", &nonsense.url(), "--endpoint-url-secrets-manager", &nonsense.url()];
    let daemon = Daemon::start_with(&[&flags[..], &["--build-runner", "host"]].concat());
    let caller = daemon.caller();
    let mut described = project("any/image:1", &caller.make_role("builds", "codebuild.amazonaws.com"));
    let spec = "version: 0.2\nenv: {secrets-manager: {A: none}}\nphases: {build: {commands: ['true']}}\n";
    let writes = "version: 0.2\nphases: {build: {commands: [echo > file]}}\nartifacts: {files: [file]}\n";
    let stored = json!({"type": "S3", "location": "bucket", "packaging": "ZIP"});
    described["artifacts"] = json!({"type": "NO_ARTIFACTS"});
    described["source"] = json!({"type": "S3", "location": "bucket/key"});
    caller.codebuild("CreateProject", &described);
    let cases = [
        (json!({}), "DOWNLOAD_SOURCE", "cannot be unpacked: "),
        (json!({"source": {"type": "NO_SOURCE", "buildspec": spec}}), "DOWNLOAD_SOURCE", "AWSSecretsManager"),
        (
            json!({"source": {"type": "NO_SOURCE", "buildspec": writes}, "artifacts": stored}),
            "UPLOAD_ARTIFACTS",
            "no usable answer from Amazon S3",
        ),
    ];
    for (changes, phase, says) in cases {
        described.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        caller.codebuild("UpdateProject", &described);
        let (failed, message) = alone(&caller);
        assert_eq!(failed, phase, "{message}");
        assert!(message.contains(says), "{message}");
    }
}
