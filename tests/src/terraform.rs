//! Terraform with the AWS provider, where both can be had.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::clients::skipped;

const PROVIDER: &str = "registry.terraform.io/hashicorp/aws/5.100.0";

/// Where unpacked plugins lie, by Terraform's own conventions and on machines without a network.
const PLUGIN_ROOTS: [&str; 4] = [
    "/opt/tf-plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    "/opt/terraform/plugins",
];

/// A working folder of Terraform's, against one endpoint.
#[derive(Debug)]
pub struct Terraform {
    folder: TempDir,
    endpoint: String,
}

impl Terraform {
    /// Has that configuration, whose variable `endpoint` is the endpoint, and is initialised. Where there is no Terraform
    /// or no provider, the named test is skipped with a visible line.
    pub fn or_skip(test: &str, configuration: &Path, endpoint: &str) -> Option<Self> {
        let version = Command::new("terraform").arg("version").env_remove("TF_CLI_CONFIG_FILE").output();
        if !version.is_ok_and(|output| output.status.success()) {
            skipped(test, "terraform is not on the PATH");
            return None;
        }
        let Some(plugins) = plugins() else {
            skipped(
                test,
                "no folder of unpacked plugins has the AWS provider 5.100 (PENSTOCK_TERRAFORM_PLUGINS names one)",
            );
            return None;
        };
        let folder = TempDir::new().expect("a temporary folder");
        fs::copy(configuration, folder.path().join("main.tf")).expect("the configuration can be copied");
        let terraform = Self { folder, endpoint: endpoint.to_owned() };
        terraform.done(&["init", "-no-color", &format!("-plugin-dir={}", plugins.display())]);
        Some(terraform)
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
        command.output().expect("terraform runs")
    }

    /// Runs it; fails the test with its output unless it succeeds. Answers what it says.
    pub fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "terraform {words:?}: {}\n{said}\n{complained}", output.status);
        said
    }

    /// With those variables, nothing is left to change.
    pub fn nothing_to_do(&self, variables: &[&str]) {
        let plan = self.run(&[&["plan", "-no-color", "-detailed-exitcode"][..], variables].concat());
        let said = String::from_utf8_lossy(&plan.stdout);
        assert_eq!(plan.status.code(), Some(0), "the plan is not empty:\n{said}");
    }
}

/// The root of a tree that holds the provider unpacked.
fn plugins() -> Option<PathBuf> {
    let told = env::var_os("PENSTOCK_TERRAFORM_PLUGINS").map(PathBuf::from);
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".terraform.d/plugins"));
    let usual = PLUGIN_ROOTS.iter().map(PathBuf::from);
    told.into_iter().chain(home).chain(usual).find(|root| root.join(PROVIDER).is_dir())
}
