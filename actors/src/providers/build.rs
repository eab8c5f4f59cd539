//! An action or a rule whose work is a build: started once, followed to its end, and not wanted when nobody waits for it
//! any more.

use penstock_engine::action::{ArtifactLocation, Failure, Progress, Success, Work};

use super::failures;
use super::provider::Reporter;
use crate::companions::codebuild::{BuildRecord, CodeBuild, Input, Order, Output, Owner, Refusal, Status};

/// Runs builds. A build's id follows from the action execution's, so that a provider that
/// runs again finds the build that it started before.
pub(super) struct Builder {
    codebuild: CodeBuild,
}

impl Builder {
    /// Starts builds there.
    pub(super) fn new(codebuild: CodeBuild) -> Self {
        Self { codebuild }
    }

    /// One build; `news` says what people are to know of it.
    pub(super) async fn run(
        &self,
        work: &Work,
        order: Order,
        news: fn(&BuildRecord) -> Progress,
        reporter: &dyn Reporter,
    ) -> Result<Success, Failure> {
        let (account, region) = (&work.pipeline.account, &work.region);
        let started = self.codebuild.start(account, region, order).await;
        let build = started.map_err(|refusal| refused(&refusal))?;
        let id = build.build_id();
        let _look = LookWhenDropped(&self.codebuild, &build.id);
        let news = Progress { external_id: Some(id.clone()), ..news(&build) };
        reporter.progress(news.clone()).await;
        let ended = self.codebuild.ended(account, region, &id).await.map_err(|refusal| refused(&refusal))?;
        let Some(ended) = ended else {
            return Err(failures::job(format!(
                "The build {id} is not there any more: start the pipeline again."
            )));
        };
        if ended.status == Status::Succeeded {
            return Ok(Success { progress: news, output_variables: ended.exported, revision: None });
        }
        let failure = ended.failure();
        reporter.progress(Progress { summary: Some(failure.clone()), ..news }).await;
        Err(Failure { external_id: Some(id), ..failures::job(failure) })
    }
}

/// When nobody waits for the build any more, it looks at once whether its action is still under way.
struct LookWhenDropped<'a>(&'a CodeBuild, &'a str);

impl Drop for LookWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.look_at(self.1);
    }
}

fn refused(refusal: &Refusal) -> Failure {
    failures::configuration(quoted(&refusal.message, refusal.code()))
}

/// The texts are those of AWS's SDK, in which CodePipeline quotes CodeBuild.
pub(super) fn quoted(message: &str, code: &str) -> String {
    format!("{message} (Service: AWSCodeBuild; Status Code: 400; Error Code: {code})")
}

/// What every build for an action has: its id, its artifacts, and whose it is.
pub(super) fn order(work: &Work, inputs: Vec<Input>) -> Order {
    let output = |artifact: &ArtifactLocation| Output {
        name: artifact.name.clone(),
        bucket: artifact.bucket.clone(),
        key: artifact.key.clone(),
    };
    Order {
        id: work.id.as_str().to_owned(),
        initiator: format!("codepipeline/{}", work.pipeline.name),
        artifacts: Some((inputs, work.outputs.iter().map(output).collect())),
        encryption_key: super::configuration::store_key(work),
        owner: Some(Owner {
            execution: work.execution.clone(),
            action: work.id.clone(),
            started: work.started,
        }),
        ..Order::default()
    }
}

/// The sources in the order of the declaration.
pub(super) fn inputs(work: &Work) -> Vec<Input> {
    let input = |artifact: &ArtifactLocation| Input {
        name: artifact.name.clone(),
        bucket: artifact.bucket.clone(),
        key: artifact.key.clone(),
        revision: artifact.revision.clone(),
    };
    work.inputs.iter().map(input).collect()
}
