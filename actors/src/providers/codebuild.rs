//! Build/AWS/CodeBuild, Test/AWS/CodeBuild and Rule/AWS/CodeBuild: a build of a project with the action's artifacts
//! (user guide, action-reference-CodeBuild, rule-reference-CodeBuild).

use async_trait::async_trait;
use penstock_engine::action::{Failure, Progress, Success, Work};
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};

use super::build::{self, Builder, quoted};
use super::configuration::{kind, optional, required};
use super::failures;
use super::provider::{Provider, Reporter};
use crate::aws::clients::AwsClients;
use crate::aws::permits::NotPermitted;
use crate::aws::role::Access;
use crate::companions::codebuild::{BuildRecord, CodeBuild, Input, Order, Variable, arn, url};
use crate::companions::policy::context::Context;

/// CodeBuild, in one of its categories.
pub struct CodeBuildProvider {
    category: ActionCategory,
    builder: Builder,
    clients: AwsClients,
}

impl CodeBuildProvider {
    /// Starts builds there, when the roles can be assumed through these.
    pub fn new(category: ActionCategory, codebuild: CodeBuild, clients: AwsClients) -> Self {
        Self { category, builder: Builder::new(codebuild), clients }
    }
}

#[async_trait]
impl Provider for CodeBuildProvider {
    fn action_type(&self) -> ActionTypeId {
        ActionTypeId {
            category: self.category,
            owner: ActionOwner::Aws,
            provider: "CodeBuild".to_owned(),
            version: "1".to_owned(),
        }
    }

    async fn run(&self, work: Work, reporter: &dyn Reporter) -> Result<Success, Failure> {
        let order = order(&work)?;
        if work.resume.is_none() {
            self.may_start(&work, &order).await?;
        }
        self.builder.run(&work, order, news, reporter).await
    }
}

impl CodeBuildProvider {
    /// What the service does under the action's role: starts the build, hands it another service role, and follows it
    /// (user guide, "Manage the CodePipeline service role").
    async fn may_start(&self, work: &Work, order: &Order) -> Result<(), Failure> {
        let access = Access::from(work);
        let session = self.clients.permits(&access).await;
        let session = session.map_err(|refusal| failures::of_access(&access, &refusal))?;
        let project = arn(&work.pipeline.account, &work.region, &order.project);
        let denied = |refusal: NotPermitted| {
            failures::permission(quoted(
                &format!("Error calling startBuild: {refusal}"),
                "AccessDeniedException",
            ))
        };
        session.may("codebuild:StartBuild", &project).await.map_err(denied)?;
        if let Some(role) = &order.service_role {
            let mut keys = Context::default();
            keys.set("iam:PassedToService", "codebuild.amazonaws.com");
            session.may_when("iam:PassRole", role, keys).await.map_err(denied)?;
        }
        // AWS asks once the build runs; what can never be followed is better not begun.
        let followed = session.may("codebuild:BatchGetBuilds", &project).await;
        followed
            .map_err(|refusal| failures::permission(quoted(&refusal.to_string(), "AccessDeniedException")))
    }
}

fn news(build: &BuildRecord) -> Progress {
    Progress { url: Some(url(&build.region, &build.build_id())), ..Progress::default() }
}

fn order(work: &Work) -> Result<Order, Failure> {
    let project = required(work, "ProjectName")?.to_owned();
    let (kind, name) = (kind(work), &work.action);
    for key in ["BatchEnabled", "CombineArtifacts"] {
        if optional(work, key).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Err(failures::configuration(format!(
                "The {kind} '{name}' has '{key}' set to true, and batch builds are not supported here: set it to false, \
                 and give each build an action of its own.",
            )));
        }
    }
    let variables = match optional(work, "EnvironmentVariables") {
        None => Vec::new(),
        Some(text) => serde_json::from_str::<Vec<Variable>>(text).map_err(|error| {
            failures::configuration(format!(
                "The value of 'EnvironmentVariables' in the configuration of the {kind} '{name}' is not a JSON list of \
                 objects with name, value and type: {error}",
            ))
        })?,
    };
    Ok(Order {
        project,
        variables,
        buildspec: optional(work, "BuildspecOverride").map(str::to_owned),
        service_role: optional(work, "ServiceRoleArnOverride").map(str::to_owned),
        ..build::order(work, inputs(work)?)
    })
}

/// The primary source first.
fn inputs(work: &Work) -> Result<Vec<Input>, Failure> {
    let mut inputs = build::inputs(work);
    if let Some(name) = optional(work, "PrimarySource") {
        let primary = inputs.iter().position(|input| input.name == name).ok_or_else(|| {
            failures::configuration(format!(
                "The value '{name}' of 'PrimarySource' in the configuration of the {} '{}' is none of its input \
                 artifacts.",
                kind(work),
                work.action
            ))
        })?;
        if let Some(before) = inputs.get_mut(..=primary) {
            before.rotate_right(1);
        }
    }
    Ok(inputs)
}
