//! Build/AWS/CodeBuild and Test/AWS/CodeBuild: a build of a project with the action's artifacts (user guide,
//! action-reference-CodeBuild).

use async_trait::async_trait;
use penstock_engine::action::{ArtifactLocation, Failure, Progress, Success, Work};
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};

use super::configuration::{optional, required};
use super::failures;
use super::provider::{Provider, Reporter};
use crate::aws::clients::AwsClients;
use crate::aws::permits::NotPermitted;
use crate::aws::role::Access;
use crate::companions::codebuild::{
    BuildRecord, CodeBuild, Input, Order, Output, Owner, Status, Variable, arn, url,
};
use crate::companions::policy::context::Context;

/// CodeBuild, in one of its two categories. The build's id follows from the action execution's, so that a provider
/// that runs again finds the build that it started before.
pub struct CodeBuildProvider {
    category: ActionCategory,
    codebuild: CodeBuild,
    clients: AwsClients,
}

impl CodeBuildProvider {
    /// Starts builds there, when the roles can be assumed through these.
    pub fn new(category: ActionCategory, codebuild: CodeBuild, clients: AwsClients) -> Self {
        Self { category, codebuild, clients }
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
            let access = Access::from(&work);
            let assumed = self.clients.may_assume(&access).await;
            assumed.map_err(|refusal| failures::of_access(&access, &refusal))?;
            self.may_start(&access, &work, &order).await?;
        }
        let (account, region) = (&work.pipeline.account, &work.region);
        let started = self.codebuild.start(account, region, order).await;
        let build = started.map_err(|refusal| refused(&refusal.message, refusal.code()))?;
        let id = build.build_id();
        let _look = LookWhenDropped(&self.codebuild, &build.id);
        let news =
            Progress { external_id: Some(id.clone()), url: Some(url(region, &id)), ..Progress::default() };
        reporter.progress(news.clone()).await;
        let ended = self
            .codebuild
            .ended(account, region, &id)
            .await
            .map_err(|refusal| refused(&refusal.message, refusal.code()))?;
        let Some(ended) = ended else {
            return Err(failures::job(format!(
                "The build {id} is not there any more: start the pipeline again."
            )));
        };
        match ended.status {
            Status::Succeeded => {
                Ok(Success { progress: news, output_variables: ended.exported, revision: None })
            }
            _ => Err(failure(&ended)),
        }
    }
}

impl CodeBuildProvider {
    /// What the service does under the action's role: starts the build, hands it another service role, and follows it
    /// (user guide, "Manage the CodePipeline service role").
    async fn may_start(&self, access: &Access, work: &Work, order: &Order) -> Result<(), Failure> {
        let session = self.clients.permits(access).await;
        let session = session.map_err(|refusal| failures::of_access(access, &refusal))?;
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

/// When nobody waits for the build any more, it looks at once whether its action is still under way.
struct LookWhenDropped<'a>(&'a CodeBuild, &'a str);

impl Drop for LookWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.look_at(self.1);
    }
}

fn failure(build: &BuildRecord) -> Failure {
    Failure { external_id: Some(build.build_id()), ..failures::job(build.failure()) }
}

/// The texts are those of AWS's SDK, in which CodePipeline quotes CodeBuild.
fn refused(message: &str, code: &str) -> Failure {
    failures::configuration(quoted(message, code))
}

fn quoted(message: &str, code: &str) -> String {
    format!("{message} (Service: AWSCodeBuild; Status Code: 400; Error Code: {code})")
}

fn order(work: &Work) -> Result<Order, Failure> {
    let project = required(work, "ProjectName")?.to_owned();
    for key in ["BatchEnabled", "CombineArtifacts"] {
        if optional(work, key).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Err(failures::configuration(format!(
                "The action '{}' has '{key}' set to true, and batch builds are not supported here: set it to false, \
                 and give each build an action of its own.",
                work.action
            )));
        }
    }
    let variables = match optional(work, "EnvironmentVariables") {
        None => Vec::new(),
        Some(text) => serde_json::from_str::<Vec<Variable>>(text).map_err(|error| {
            failures::configuration(format!(
                "The value of 'EnvironmentVariables' in the configuration of the action '{}' is not a JSON list of \
                 objects with name, value and type: {error}",
                work.action
            ))
        })?,
    };
    let outputs = work.outputs.iter().map(|output| Output {
        name: output.name.clone(),
        bucket: output.bucket.clone(),
        key: output.key.clone(),
    });
    Ok(Order {
        project,
        id: work.id.as_str().to_owned(),
        initiator: format!("codepipeline/{}", work.pipeline.name),
        variables,
        buildspec: optional(work, "BuildspecOverride").map(str::to_owned),
        service_role: optional(work, "ServiceRoleArnOverride").map(str::to_owned),
        artifacts: Some((inputs(work)?, outputs.collect())),
        encryption_key: super::configuration::store_key(work),
        owner: Some(Owner {
            execution: work.execution.clone(),
            action: work.id.clone(),
            started: work.started,
        }),
        ..Order::default()
    })
}

/// The primary source first.
fn inputs(work: &Work) -> Result<Vec<Input>, Failure> {
    let primary = match optional(work, "PrimarySource") {
        None => 0,
        Some(name) => work.inputs.iter().position(|input| input.name == name).ok_or_else(|| {
            failures::configuration(format!(
                "The value '{name}' of 'PrimarySource' in the configuration of the action '{}' is none of its input \
                 artifacts.",
                work.action
            ))
        })?,
    };
    let input = |artifact: &ArtifactLocation| Input {
        name: artifact.name.clone(),
        bucket: artifact.bucket.clone(),
        key: artifact.key.clone(),
    };
    let mut inputs: Vec<Input> = work.inputs.iter().map(input).collect();
    if primary < inputs.len() {
        let first = inputs.remove(primary);
        inputs.insert(0, first);
    }
    Ok(inputs)
}
