//! Terraform with the AWS provider: apply, an empty plan, a change in place, destroy.

use std::path::{Path, PathBuf};

use penstock_tests::building::unzipped;
use penstock_tests::daemon::Daemon;
use penstock_tests::terraform::Terraform;
use penstock_tests::waiting::until;
use serde_json::json;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).join("main.tf")
}

#[test]
fn terraform_applies_plans_nothing_changes_in_place_and_destroys() {
    let daemon = Daemon::start();
    let begun = Terraform::or_skip("a pipeline by Terraform", &fixture("terraform"), &daemon.url());
    let Some(terraform) = begun else { return };
    let applied = terraform.done(&["apply", "-no-color", "-auto-approve"]);
    assert!(applied.contains("Apply complete! Resources: 8 added"), "{applied}");
    assert!(applied.contains("arn:aws:codepipeline:eu-west-1:000000000000:terraform"), "{applied}");
    let caller = daemon.caller().in_region("eu-west-1");
    let first = caller.executions("terraform")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("terraform", &first), "Succeeded");
    assert_eq!(caller.s3_done("GET", "/terraform-target/deployed", b"").body, b"by terraform");
    terraform.nothing_to_do(&[]);

    let change = ["-var", "object_key=changed"];
    let changed = terraform.done(&[&["apply", "-no-color", "-auto-approve"][..], &change].concat());
    assert!(changed.contains("0 added, 1 changed, 0 destroyed"), "{changed}");
    let pipeline = caller.call("GetPipeline", &json!({"name": "terraform"}))["pipeline"].clone();
    assert_eq!(pipeline["version"], 2);
    assert_eq!(pipeline["stages"][1]["actions"][0]["configuration"]["ObjectKey"], "changed");
    let arn = json!({"resourceArn": "arn:aws:codepipeline:eu-west-1:000000000000:terraform"});
    let tags = caller.call("ListTagsForResource", &arn);
    assert_eq!(tags["tags"], json!([{"key": "key", "value": "changed"}]));
    terraform.nothing_to_do(&change);

    let destroyed = terraform.done(&["destroy", "-no-color", "-auto-approve"]);
    assert!(destroyed.contains("Destroy complete! Resources: 8 destroyed"), "{destroyed}");
    assert_eq!(caller.call("ListPipelines", &json!({}))["pipelines"], json!([]));
    assert!(!caller.s3_done("GET", "/", b"").text().contains("<Name>"), "no bucket is left");
    assert!(!caller.iam("ListRoles", &[]).contains("terraform-pipeline"), "the role is gone");
}

#[test]
fn terraform_makes_changes_and_destroys_build_projects() {
    let daemon = Daemon::start_with(&["--build-runner", "host"]);
    let begun =
        Terraform::or_skip("build projects by Terraform", &fixture("terraform-codebuild"), &daemon.url());
    let Some(terraform) = begun else { return };
    let applied = terraform.done(&["apply", "-no-color", "-auto-approve"]);
    assert!(applied.contains("Apply complete! Resources: 5 added"), "{applied}");
    assert!(applied.contains("arn:aws:codebuild:eu-west-1:000000000000:project/piped"), "{applied}");
    terraform.nothing_to_do(&[]);
    let caller = daemon.caller().in_region("eu-west-1");
    let build = || {
        let id = caller.codebuild("StartBuild", &json!({"projectName": "alone"}))["build"]["id"].clone();
        let status = until("the end of the build", || {
            let build = &caller.codebuild("BatchGetBuilds", &json!({"ids": [id]}))["builds"][0];
            build["buildComplete"].as_bool().unwrap().then(|| build["buildStatus"].clone())
        });
        assert_eq!(status, "SUCCEEDED");
        unzipped(&caller.s3_done("GET", "/terraform-built/greeting.zip", b"").body)
    };
    assert_eq!(build(), [("greeting.txt".to_owned(), "hello\n".to_owned())]);

    let change = ["-var", "greeting=good evening"];
    let changed = terraform.done(&[&["apply", "-no-color", "-auto-approve"][..], &change].concat());
    assert!(changed.contains("0 added, 2 changed, 0 destroyed"), "{changed}");
    terraform.nothing_to_do(&change);
    assert_eq!(build(), [("greeting.txt".to_owned(), "good evening\n".to_owned())]);

    let destroyed = terraform.done(&["destroy", "-no-color", "-auto-approve", change[0], change[1]]);
    assert!(destroyed.contains("Destroy complete! Resources: 5 destroyed"), "{destroyed}");
    assert_eq!(caller.codebuild("ListProjects", &json!({}))["projects"], json!([]));
}

#[test]
fn terraform_makes_changes_and_destroys_users_with_keys_and_policies() {
    let daemon = Daemon::start();
    let begun = Terraform::or_skip("users by Terraform", &fixture("terraform-users"), &daemon.url());
    let Some(terraform) = begun else { return };
    let applied = terraform.done(&["apply", "-no-color", "-auto-approve"]);
    assert!(applied.contains("Apply complete! Resources: 4 added"), "{applied}");
    let caller = daemon.caller();
    let keys = caller.iam("ListAccessKeys", &[("UserName", "deployer")]);
    let key = terraform.done(&["output", "-raw", "key"]);
    assert!(key.starts_with("AKIA") && keys.contains(&key), "{key}: {keys}");
    terraform.nothing_to_do(&[]);

    let change = ["-var", "action=codepipeline:*"];
    let changed = terraform.done(&[&["apply", "-no-color", "-auto-approve"][..], &change].concat());
    assert!(changed.contains("0 added, 1 changed, 0 destroyed"), "{changed}");
    terraform.nothing_to_do(&change);

    let destroyed = terraform.done(&["destroy", "-no-color", "-auto-approve", change[0], change[1]]);
    assert!(destroyed.contains("Destroy complete! Resources: 4 destroyed"), "{destroyed}");
    assert!(!caller.iam("ListUsers", &[]).contains("deployer"), "the user is gone");
}

#[test]
fn terraform_makes_changes_and_destroys_repositories_and_connections_of_both_names() {
    let daemon = Daemon::start();
    let begun = Terraform::or_skip("sources by Terraform", &fixture("terraform-sources"), &daemon.url());
    let Some(terraform) = begun else { return };
    let applied = terraform.done(&["apply", "-no-color", "-auto-approve"]);
    assert!(applied.contains("Apply complete! Resources: 3 added"), "{applied}");
    assert_eq!(terraform.done(&["output", "-raw", "status"]), "AVAILABLE");
    assert_eq!(terraform.done(&["output", "-raw", "url"]), format!("{}/v1/repos/web", daemon.url()));
    terraform.nothing_to_do(&[]);

    // A repository of another name is the same.
    let change = ["-var", "name=shop"];
    let changed = terraform.done(&[&["apply", "-no-color", "-auto-approve"][..], &change].concat());
    assert!(changed.contains("0 added, 3 changed, 0 destroyed"), "{changed}");
    assert_eq!(terraform.done(&["output", "-raw", "url"]), format!("{}/v1/repos/shop", daemon.url()));
    terraform.nothing_to_do(&change);

    let destroyed = terraform.done(&["destroy", "-no-color", "-auto-approve", change[0], change[1]]);
    assert!(destroyed.contains("Destroy complete! Resources: 3 destroyed"), "{destroyed}");
}
