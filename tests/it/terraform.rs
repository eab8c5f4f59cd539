//! Terraform with the AWS provider: apply, an empty plan, a change in place, destroy.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use penstock_tests::building::unzipped;
use penstock_tests::clients::skipped;
use penstock_tests::daemon::Daemon;
use penstock_tests::waiting::until;
use serde_json::json;
use tempfile::TempDir;

const PROVIDER: &str = "registry.terraform.io/hashicorp/aws/5.100.0";

/// Where unpacked plugins lie, by Terraform's own conventions and on machines without a network.
const PLUGIN_ROOTS: [&str; 4] = [
    "/opt/tf-plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    "/opt/terraform/plugins",
];

struct Terraform {
    folder: TempDir,
    endpoint: String,
}

impl Terraform {
    /// With that fixture's configuration; where there is no Terraform or no provider, the named test is skipped with a
    /// visible line.
    fn or_skip(test: &str, fixture: &str, daemon: impl FnOnce() -> Daemon) -> Option<(Self, Daemon)> {
        let mut version = Command::new("terraform");
        let version = version.arg("version").env_remove("TF_CLI_CONFIG_FILE").output();
        if !version.is_ok_and(|output| output.status.success()) {
            skipped(test, "terraform is not on the PATH");
            return None;
        }
        let Some(plugins) = plugins() else {
            let why = "no folder of unpacked plugins has the AWS provider 5.100 (PENSTOCK_TERRAFORM_PLUGINS names one)";
            skipped(test, why);
            return None;
        };
        let daemon = daemon();
        let terraform = Self { folder: TempDir::new().unwrap(), endpoint: daemon.url() };
        let configuration =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture).join("main.tf");
        fs::copy(configuration, terraform.folder.path().join("main.tf")).unwrap();
        terraform.done(&["init", "-no-color", &format!("-plugin-dir={}", plugins.display())]);
        Some((terraform, daemon))
    }

    /// Exit code 2 of `plan -detailed-exitcode` says that something would change.
    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new("terraform");
        command
            .args(words)
            .current_dir(self.folder.path())
            .env_remove("TF_CLI_CONFIG_FILE")
            .env("HOME", self.folder.path())
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_VAR_endpoint", &self.endpoint);
        let settings = env::vars_os().map(|(name, _)| name).filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("AWS_") || name.to_ascii_lowercase().ends_with("_proxy")
        });
        settings.for_each(|name| {
            command.env_remove(name);
        });
        command.output().unwrap()
    }

    fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "terraform {words:?}: {}\n{said}\n{complained}", output.status);
        said
    }
}

/// The root of a tree that holds the provider unpacked.
fn plugins() -> Option<PathBuf> {
    let told = env::var_os("PENSTOCK_TERRAFORM_PLUGINS").map(PathBuf::from);
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".terraform.d/plugins"));
    let usual = PLUGIN_ROOTS.iter().map(PathBuf::from);
    told.into_iter().chain(home).chain(usual).find(|root| root.join(PROVIDER).is_dir())
}

#[test]
fn terraform_applies_plans_nothing_changes_in_place_and_destroys() {
    let begun = Terraform::or_skip("a pipeline by Terraform", "terraform", Daemon::start);
    let Some((terraform, daemon)) = begun else { return };
    let applied = terraform.done(&["apply", "-no-color", "-auto-approve"]);
    assert!(applied.contains("Apply complete! Resources: 8 added"), "{applied}");
    assert!(applied.contains("arn:aws:codepipeline:eu-west-1:000000000000:terraform"), "{applied}");
    let caller = daemon.caller().in_region("eu-west-1");
    let first = caller.executions("terraform")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("terraform", &first), "Succeeded");
    assert_eq!(caller.s3_done("GET", "/terraform-target/deployed", b"").body, b"by terraform");
    nothing_to_do(&terraform, &[]);

    let change = ["-var", "object_key=changed"];
    let changed = terraform.done(&[&["apply", "-no-color", "-auto-approve"][..], &change].concat());
    assert!(changed.contains("0 added, 1 changed, 0 destroyed"), "{changed}");
    let pipeline = caller.call("GetPipeline", &json!({"name": "terraform"}))["pipeline"].clone();
    assert_eq!(pipeline["version"], 2);
    assert_eq!(pipeline["stages"][1]["actions"][0]["configuration"]["ObjectKey"], "changed");
    let arn = json!({"resourceArn": "arn:aws:codepipeline:eu-west-1:000000000000:terraform"});
    let tags = caller.call("ListTagsForResource", &arn);
    assert_eq!(tags["tags"], json!([{"key": "key", "value": "changed"}]));
    nothing_to_do(&terraform, &change);

    let destroyed = terraform.done(&["destroy", "-no-color", "-auto-approve"]);
    assert!(destroyed.contains("Destroy complete! Resources: 8 destroyed"), "{destroyed}");
    assert_eq!(caller.call("ListPipelines", &json!({}))["pipelines"], json!([]));
    assert!(!caller.s3_done("GET", "/", b"").text().contains("<Name>"), "no bucket is left");
    assert!(!caller.iam("ListRoles", &[]).contains("terraform-pipeline"), "the role is gone");
}

#[test]
fn terraform_makes_changes_and_destroys_build_projects() {
    let host = || Daemon::start_with(&["--build-runner", "host"]);
    let begun = Terraform::or_skip("build projects by Terraform", "terraform-codebuild", host);
    let Some((terraform, daemon)) = begun else { return };
    let applied = terraform.done(&["apply", "-no-color", "-auto-approve"]);
    assert!(applied.contains("Apply complete! Resources: 5 added"), "{applied}");
    assert!(applied.contains("arn:aws:codebuild:eu-west-1:000000000000:project/piped"), "{applied}");
    nothing_to_do(&terraform, &[]);
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
    nothing_to_do(&terraform, &change);
    assert_eq!(build(), [("greeting.txt".to_owned(), "good evening\n".to_owned())]);

    let destroyed = terraform.done(&["destroy", "-no-color", "-auto-approve", change[0], change[1]]);
    assert!(destroyed.contains("Destroy complete! Resources: 5 destroyed"), "{destroyed}");
    assert_eq!(caller.codebuild("ListProjects", &json!({}))["projects"], json!([]));
}

fn nothing_to_do(terraform: &Terraform, variables: &[&str]) {
    let plan = terraform.run(&[&["plan", "-no-color", "-detailed-exitcode"][..], variables].concat());
    let said = String::from_utf8_lossy(&plan.stdout);
    assert_eq!(plan.status.code(), Some(0), "the plan is not empty:\n{said}");
}
