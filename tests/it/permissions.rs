//! What roles may do: each missing permission is named, and the flag says whose calls are held against policies.

use penstock_tests::aws::Caller;
use penstock_tests::building::{build_action, make_project, project as described_project, zipped};
use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::git::Repository;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

#[test]
fn a_missing_permission_fails_the_action_and_is_named_as_on_aws() {
    let Some(clients) = Clients::or_skip("permissions with boto3") else { return };
    let daemon = Daemon::start();
    assert_eq!(clients.python("permissions_check.py", &daemon.url(), &[]), "permitted\n");
}

#[test]
fn callers_with_keys_of_their_own_are_held_against_their_policies_where_that_is_asked_for() {
    let Some(clients) = Clients::or_skip("permissions of all callers with boto3") else { return };
    let daemon = Daemon::start_with(&["--iam-enforcement", "all"]);
    assert_eq!(clients.python("all_callers_check.py", &daemon.url(), &[]), "held\n");
}

#[test]
fn users_have_keys_of_their_own_that_last_over_a_kill_and_end_with_them() {
    let Some(clients) = Clients::or_skip("users with boto3") else { return };
    let mut daemon = Daemon::start_with(&["--iam-enforcement", "all"]);
    let key = clients.python("users_check.py", &daemon.url(), &["new"]);
    daemon.kill();
    daemon.start_again();
    let key: Vec<&str> = key.split_whitespace().collect();
    assert_eq!(clients.python("users_check.py", &daemon.url(), &key), "gone\n");
}

#[test]
fn groups_permit_their_members_and_a_wrong_secret_is_refused() {
    let Some(clients) = Clients::or_skip("groups with boto3") else { return };
    let daemon = Daemon::start_with(&["--iam-enforcement", "all"]);
    assert_eq!(clients.python("groups_check.py", &daemon.url(), &[]), "grouped\n");
}

/// Takes every permission from the pipelines' role.
fn forbid(caller: &Caller) {
    caller.iam("DeleteRolePolicy", &[("RoleName", "pipelines"), ("PolicyName", "policy")]);
}

#[test]
fn without_enforcement_a_role_may_do_everything() {
    let daemon = Daemon::start_with(&["--iam-enforcement", "off"]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    forbid(&caller);
    let pipeline = ground.pipeline("pipeline", &[stage("Deploy", &[ground.deploy("Deploy", 1, "out")])]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let execution = caller.executions("pipeline")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("pipeline", &execution), "Succeeded");
}

#[test]
fn the_credentials_of_a_job_reach_its_artifacts_and_nothing_else() {
    let Some(clients) = Clients::or_skip("credentials of jobs with boto3") else { return };
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    let counts = json!({"minimumCount": 1, "maximumCount": 1});
    let definition = json!({
        "category": "Build", "provider": "Worker", "version": "1",
        "inputArtifactDetails": counts, "outputArtifactDetails": counts,
    });
    caller.call("CreateCustomActionType", &definition);
    let type_id = json!({"category": "Build", "owner": "Custom", "provider": "Worker", "version": "1"});
    let build = json!({"name": "Build", "actionTypeId": type_id,
        "inputArtifacts": [{"name": "Source"}], "outputArtifacts": [{"name": "Built"}]});
    let pipeline = ground.pipeline("pipeline", &[stage("Build", &[build])]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let job: Value = until("a job", || {
        let jobs = caller.call("PollForJobs", &json!({"actionTypeId": type_id}));
        jobs["jobs"].as_array().unwrap().first().cloned()
    });
    let said = clients.python("job_credentials_check.py", &daemon.url(), &[&job["data"].to_string()]);
    assert_eq!(said, "narrow\n");
}

/// What a role may do from now on.
fn permit(caller: &Caller, role: &str, actions: &[&str]) {
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": actions, "Resource": "*"}]});
    let input = [("RoleName", role), ("PolicyName", "policy"), ("PolicyDocument", &policy.to_string())];
    caller.iam("PutRolePolicy", &input);
}

/// Runs the pipeline; what its failed action said, or nothing.
fn run(caller: &Caller) -> Option<(String, String, String)> {
    let started = caller.call("StartPipelineExecution", &json!({"name": "pipeline"}));
    let execution = started["pipelineExecutionId"].as_str().unwrap();
    if caller.ended("pipeline", execution) == "Succeeded" {
        return None;
    }
    let actions = caller.actions("pipeline", execution);
    let failed = actions.iter().find(|action| action["status"] == "Failed").unwrap();
    let error = &failed["output"]["executionResult"]["errorDetails"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Some((text(&failed["actionName"]), text(&error["code"]), text(&error["message"])))
}

/// With each of the permissions missing in turn, the action fails and names it and the resource; with all of them,
/// the pipeline succeeds.
fn each_is_needed(
    caller: &Caller,
    role: &str,
    others: &[&str],
    needed: &[(&str, &str)],
    fails: (&str, &str, &str),
) {
    let all: Vec<&str> = others.iter().copied().chain(needed.iter().map(|(action, _)| *action)).collect();
    permit(caller, role, &all);
    assert_eq!(run(caller), None, "with every permission");
    for (missing, resource) in needed {
        let rest: Vec<&str> = all.iter().copied().filter(|action| action != missing).collect();
        permit(caller, role, &rest);
        let (action, code, message) = run(caller).unwrap_or_else(|| panic!("{missing} is not asked for"));
        assert_eq!((action.as_str(), code.as_str()), (fails.0, fails.1), "{message}");
        assert!(message.contains(fails.2), "{message}");
        let who = format!("User: arn:aws:sts::000000000000:assumed-role/{role}/");
        let what = format!(
            " is not authorized to perform: {missing} on resource: {resource} because no identity-based policy allows \
             the {missing} action"
        );
        assert!(message.contains(&who) && message.contains(&what), "{message}\n{who}…{what}");
    }
    permit(caller, role, &all);
}

/// The id of the latest build of the project.
fn latest_build(caller: &Caller) -> String {
    let builds = caller.codebuild("ListBuildsForProject", &json!({"projectName": "project"}));
    builds["ids"][0].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_build_needs_the_permissions_of_its_action_and_of_its_service_role() {
    let daemon = Daemon::start_with(&["--build-runner", "host"]);
    let caller = daemon.caller();
    let spec = "version: 0.2\nenv:\n  parameter-store: {P: /build/p}\n  secrets-manager: {S: db}\n\
                phases: {build: {commands: [echo $P > out]}}\nartifacts: {files: [out]}\n";
    let ground = Ground::prepare(&caller, &zipped(&[("buildspec.yml", spec)]));
    let parameter = json!({"Name": "/build/p", "Value": "value", "Type": "String"});
    caller.json("ssm", "AmazonSSM.PutParameter", &parameter).unwrap();
    let secret = json!({"Name": "db", "SecretString": "secret"});
    let secret = caller.json("secretsmanager", "secretsmanager.CreateSecret", &secret).unwrap();
    make_project(&caller, "any/image:1", &caller.make_role("builds", "codebuild.amazonaws.com"));
    let build = build_action(&json!({}), &["Source"], &["Built"]);
    let pipeline = ground.pipeline("pipeline", &[stage("Build", &[build])]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let project = "arn:aws:codebuild:us-east-1:000000000000:project/project";
    each_is_needed(
        &caller,
        "pipelines",
        &["s3:*"],
        &[("codebuild:StartBuild", project), ("codebuild:BatchGetBuilds", project)],
        (
            "Build",
            "PermissionError",
            "(Service: AWSCodeBuild; Status Code: 400; Error Code: AccessDeniedException)",
        ),
    );

    let parameter = "arn:aws:ssm:us-east-1:000000000000:parameter/build/p";
    each_is_needed(
        &caller,
        "builds",
        &["s3:*", "logs:*"],
        &[
            ("ssm:GetParameters", parameter),
            ("secretsmanager:GetSecretValue", secret["ARN"].as_str().unwrap()),
        ],
        (
            "Build",
            "JobFailed",
            "Build terminated with state: FAILED. Phase: DOWNLOAD_SOURCE, Code: Decrypted Variables Error, Message: \
             AccessDeniedException: User: ",
        ),
    );
    let all = ["ssm:*", "secretsmanager:*", "s3:*", "logs:CreateLogStream", "logs:PutLogEvents"];
    permit(&caller, "builds", &all);
    assert_eq!(run(&caller), None, "the group is there: nobody has to make it");
    let says = "Phase: QUEUED, Code: ACCESS_DENIED, Message: Service role arn:aws:iam::000000000000:role/builds does not \
                allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build ";
    for missing in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        permit(&caller, "builds", &all.into_iter().filter(|action| *action != missing).collect::<Vec<_>>());
        let (_, _, message) = run(&caller).unwrap();
        let build = latest_build(&caller);
        let what = format!(
            "assumed-role/builds/AWSCodeBuild-{} is not authorized to perform: {missing} on resource: \
             arn:aws:logs:us-east-1:000000000000:log-group:/aws/codebuild/project:log-stream:",
            build.rsplit(':').next().unwrap()
        );
        assert!(message.contains(says) && message.contains(&what), "{message}");
    }
    let mut described = described_project("any/image:1", &caller.iam_role_arn("builds"));
    described["logsConfig"] = json!({"cloudWatchLogs": {"status": "ENABLED", "groupName": "new-group"}});
    caller.codebuild("UpdateProject", &described);
    permit(&caller, "builds", &all);
    let (_, _, message) = run(&caller).unwrap();
    let what = "is not authorized to perform: logs:CreateLogGroup on resource: \
                arn:aws:logs:us-east-1:000000000000:log-group:new-group:log-stream:";
    assert!(message.contains(says) && message.contains(what), "{message}");
    permit(&caller, "builds", &[&all[..], &["logs:CreateLogGroup"]].concat());
    assert_eq!(run(&caller), None);
    permit(&caller, "builds", &["ssm:*", "secretsmanager:*", "logs:*", "s3:GetObject*"]);
    let (_, _, message) = run(&caller).unwrap();
    assert!(message.contains("Phase: UPLOAD_ARTIFACTS") && message.contains("s3:PutObject"), "{message}");
}

#[test]
fn a_codecommit_source_needs_the_permissions_of_its_repository() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    let created =
        caller.json("codecommit", "CodeCommit_20150413.CreateRepository", &json!({"repositoryName": "web"}));
    let url = created.unwrap()["repositoryMetadata"]["cloneUrlHttp"].as_str().unwrap().to_owned();
    let repository = Repository::new();
    repository.write("file", "content");
    repository.commit("First");
    repository.git(&["push", "--quiet", &url, "main"]);
    let mut pipeline = ground.pipeline("pipeline", &[stage("Deploy", &[ground.deploy("Deploy", 1, "out")])]);
    let source = &mut pipeline["stages"][0]["actions"][0];
    source["actionTypeId"]["provider"] = json!("CodeCommit");
    source["configuration"] =
        json!({"RepositoryName": "web", "BranchName": "main", "PollForSourceChanges": "false"});
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let arn = "arn:aws:codecommit:us-east-1:000000000000:web";
    let needed = ["GetBranch", "GetCommit", "UploadArchive", "GetUploadArchiveStatus"];
    let needed = needed.map(|operation| format!("codecommit:{operation}"));
    let needed: Vec<(&str, &str)> = needed.iter().map(|action| (action.as_str(), arn)).collect();
    let says = "permissions required to access the AWS CodeCommit repository named web. Update the IAM role permissions";
    each_is_needed(&caller, "pipelines", &["s3:*"], &needed, ("Source", "PermissionError", says));

    // Of a clone reference nothing is packed, and the role has to see where the repository is.
    pipeline["stages"][0]["actions"][0]["configuration"]["OutputArtifactFormat"] =
        json!("CODEBUILD_CLONE_REF");
    caller.call("UpdatePipeline", &json!({"pipeline": pipeline}));
    let needed =
        ["GetBranch", "GetCommit", "GetRepository"].map(|operation| format!("codecommit:{operation}"));
    let needed: Vec<(&str, &str)> = needed.iter().map(|action| (action.as_str(), arn)).collect();
    each_is_needed(&caller, "pipelines", &["s3:*"], &needed, ("Source", "PermissionError", says));
}

#[test]
fn a_connection_is_used_with_its_permission_under_either_name() {
    let repository = Repository::new();
    repository.write("file", "content");
    repository.commit("First");
    let mapping = repository.mapping();
    let daemon = Daemon::start_with(&["--map-repository", &mapping]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    let deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "out")]);
    let pipeline = ground.connected_pipeline("pipeline", &json!({}), &[deploy]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let arn = "arn:aws:codeconnections:us-east-1:000000000000:connection/any";
    let says =
        format!("Unable to use Connection: {arn}. The provided role does not have sufficient permissions.");
    let needed = [("codeconnections:UseConnection", arn)];
    each_is_needed(&caller, "pipelines", &["s3:*"], &needed, ("Source", "PermissionError", &says));
    permit(&caller, "pipelines", &["s3:*", "codestar-connections:UseConnection"]);
    assert_eq!(run(&caller), None);
}
