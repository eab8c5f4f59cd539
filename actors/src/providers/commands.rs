//! Compute/AWS/Commands and Rule/AWS/Commands: shell commands on the service's own compute (user guide,
//! action-reference-Commands, rule-reference-Commands).

use async_trait::async_trait;
use penstock_engine::action::{Compute, Failure, Progress, Success, Work};
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId, EnvironmentVariable};
use serde_json::json;

use super::build::{self, Builder};
use super::configuration::{kind, optional};
use super::failures;
use super::provider::{Provider, Reporter};
use crate::aws::clients::AwsClients;
use crate::aws::role::Access;
use crate::companions::codebuild::{
    BuildRecord, CodeBuild, Commands, Order, Project, ProjectEnvironment, Variable, VariableType,
};

/// The image that AWS runs commands in.
const IMAGE: &str = "aws/codebuild/amazonlinux2-x86_64-standard:5.0";

const LINUX: &str = "LINUX_CONTAINER";
const WINDOWS: &str = "WINDOWS_SERVER_2022_CONTAINER";

/// The first is what counts where nothing is said.
const COMPUTE_TYPES: [&str; 3] = ["BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE"];

/// Commands, as an action or as a rule.
pub struct CommandsProvider {
    category: ActionCategory,
    builder: Builder,
    clients: AwsClients,
}

impl CommandsProvider {
    /// Runs commands there, when the roles can be assumed through these.
    pub fn new(category: ActionCategory, codebuild: CodeBuild, clients: AwsClients) -> Self {
        Self { category, builder: Builder::new(codebuild), clients }
    }
}

#[async_trait]
impl Provider for CommandsProvider {
    fn action_type(&self) -> ActionTypeId {
        ActionTypeId {
            category: self.category,
            owner: ActionOwner::Aws,
            provider: "Commands".to_owned(),
            version: "1".to_owned(),
        }
    }

    async fn run(&self, work: Work, reporter: &dyn Reporter) -> Result<Success, Failure> {
        let order = order(&work)?;
        if work.resume.is_none() {
            let access = Access::from(&work);
            let assumed = self.clients.may_assume(&access).await;
            assumed.map_err(|refusal| failures::of_access(&access, &refusal))?;
        }
        self.builder.run(&work, order, news, reporter).await
    }
}

/// That it is the log that the URL shows is inferred: there is no build of the account's to show.
fn news(build: &BuildRecord) -> Progress {
    Progress { url: Some(build.log_url()), log_stream: Some(build.log_arn()), ..Progress::default() }
}

fn order(work: &Work) -> Result<Order, Failure> {
    let Some(Compute { commands, environment_variables, output_variables, files }) =
        work.compute.as_deref().cloned()
    else {
        return Err(failures::configuration(format!(
            "The {} '{}' has no commands.",
            kind(work),
            work.action
        )));
    };
    let commands = Commands {
        pipeline: work.pipeline.clone(),
        action_role: work.action_role.clone(),
        commands,
        files,
        exported: output_variables,
    };
    let project = project(work)?;
    Ok(Order {
        project: project.name.clone(),
        commands: Some((project, commands)),
        variables: environment_variables.into_iter().map(variable).collect(),
        ..build::order(work, build::inputs(work))
    })
}

fn variable(declared: EnvironmentVariable) -> Variable {
    let kind = match declared.variable_type.as_deref() {
        Some("SECRETS_MANAGER") => VariableType::SecretsManager,
        _ => VariableType::Plaintext,
    };
    Variable { name: declared.name, value: declared.value, kind }
}

/// What stands for a project: its name is none that a project can have (inferred), so that nobody's builds are mixed up
/// with these. The log group is named by the guide.
fn project(work: &Work) -> Result<Project, Failure> {
    let pipeline = &work.pipeline.name;
    Ok(Project {
        name: format!("codepipeline/{pipeline}"),
        environment: ProjectEnvironment {
            kind: environment_type(work)?.to_owned(),
            image: IMAGE.to_owned(),
            compute_type: compute_type(work)?.to_owned(),
            ..ProjectEnvironment::default()
        },
        service_role: work.pipeline_role.clone(),
        logs_config: Some(
            json!({ "cloudWatchLogs": { "groupName": format!("/aws/codepipeline/{pipeline}") } }),
        ),
        ..Project::default()
    })
}

fn environment_type(work: &Work) -> Result<&'static str, Failure> {
    match optional(work, "EnvironmentType") {
        None | Some(LINUX) => Ok(LINUX),
        Some(WINDOWS) => Err(failures::configuration(format!(
            "The action '{}' has the EnvironmentType {WINDOWS}, and this daemon runs commands on Linux only: choose \
             {LINUX}, or say how the action ends with --action-outcomes.",
            work.action
        ))),
        Some(other) => Err(unknown(work, "EnvironmentType", other, &[LINUX, WINDOWS])),
    }
}

fn compute_type(work: &Work) -> Result<&'static str, Failure> {
    let [small, ..] = COMPUTE_TYPES;
    let Some(given) = optional(work, "ComputeType") else { return Ok(small) };
    let found = COMPUTE_TYPES.into_iter().find(|known| *known == given);
    found.ok_or_else(|| unknown(work, "ComputeType", given, &COMPUTE_TYPES))
}

/// The text is inferred.
fn unknown(work: &Work, key: &str, given: &str, known: &[&str]) -> Failure {
    failures::configuration(format!(
        "The value '{given}' of '{key}' in the configuration of the action '{}' is none of {}.",
        work.action,
        known.join(", ")
    ))
}
