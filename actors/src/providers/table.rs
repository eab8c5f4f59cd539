//! Which provider works for which action type.

use std::collections::BTreeMap;
use std::sync::Arc;

use penstock_engine::action::{Failure, Success, Work};
use penstock_engine::declaration::action::{ActionCategory, ActionTypeId};
use penstock_engine::time::Timestamp;
use tokio::sync::Semaphore;

use crate::artifacts::stored::Spool;
use crate::aws::clients::AwsClients;
use crate::clock::Clock;
use crate::companions::codebuild::CodeBuild;
use crate::companions::codecommit::service::CodeCommit;
use crate::outcomes::script::Candidate;
use crate::outcomes::service::Outcomes;

use super::approval_request;
use super::codebuild::CodeBuildProvider;
use super::codecommit_source::CodeCommitSource;
use super::commands::CommandsProvider;
use super::connection_source::{ConnectionSource, Origins};
use super::failures;
use super::provider::{Provider, Reporter};
use super::regional;
use super::rules::cloud_watch_alarm::CloudWatchAlarm;
use super::rules::deployment_window::DeploymentWindow;
use super::rules::lambda_invoke::LambdaInvoke;
use super::rules::variable_check::VariableCheck;
use super::s3_deploy::S3Deploy;
use super::s3_source::S3Source;
use super::scripted::Scripted;

/// S3 actions at work at once. They wait for S3 most of the time, and one holds some 100 KiB.
const S3_ACTIONS: usize = 64;

/// Git sources at work at once. Each runs git and packs files, on a thread and a processor of its own.
const GIT_ACTIONS: usize = 8;

/// Rules of one type at work at once. They only wait: as long as a window is closed, or for a build in its queue.
const RULES: usize = Semaphore::MAX_PERMITS;

/// Actions that wait for a build. CodeBuild has a queue of its own.
const BUILDS: usize = 1024;

/// The providers, each with as many permits as it may do work at once. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Providers {
    entries: Arc<BTreeMap<ActionTypeId, Entry>>,
    /// What people have said goes before what any provider would do.
    scripted: Option<Arc<Scripted>>,
    /// What approvers are told with.
    clients: Option<AwsClients>,
}

#[derive(Debug)]
struct Entry {
    provider: Box<dyn Provider>,
    permits: Semaphore,
}

impl Providers {
    /// All that there are. What is on its way is kept in that spool; windows and waits go by that clock.
    pub fn new(
        clients: &AwsClients,
        spool: &Spool,
        clock: &Clock,
        origins: Origins,
        codecommit: CodeCommit,
        codebuild: &CodeBuild,
    ) -> Self {
        let builds = |category| -> Box<dyn Provider> {
            Box::new(CodeBuildProvider::new(category, codebuild.clone(), clients.clone()))
        };
        let commands = |category| -> Box<dyn Provider> {
            Box::new(CommandsProvider::new(category, codebuild.clone(), clients.clone()))
        };
        let compute: [Box<dyn Provider>; 3] =
            [builds(ActionCategory::Build), builds(ActionCategory::Test), commands(ActionCategory::Compute)];
        let connection = ConnectionSource::new(clients.clone(), spool.clone(), origins);
        let codecommit = CodeCommitSource::new(clients.clone(), spool.clone(), codecommit);
        let s3: [Box<dyn Provider>; 2] = [
            Box::new(S3Source::new(clients.clone())),
            Box::new(S3Deploy::new(clients.clone(), spool.clone())),
        ];
        let git: [Box<dyn Provider>; 2] = [Box::new(connection), Box::new(codecommit)];
        let rules: [Box<dyn Provider>; 6] = [
            Box::new(VariableCheck),
            Box::new(DeploymentWindow::new(clock.clone())),
            Box::new(CloudWatchAlarm::new(clients.clone(), clock.clone())),
            Box::new(LambdaInvoke::new(clients.clone())),
            builds(ActionCategory::Rule),
            commands(ActionCategory::Rule),
        ];
        let s3 = s3.into_iter().map(|provider| (provider, S3_ACTIONS));
        let git = git.into_iter().map(|provider| (provider, GIT_ACTIONS));
        let compute = compute.into_iter().map(|provider| (provider, BUILDS));
        let all = s3.chain(git).chain(compute).chain(rules.into_iter().map(|provider| (provider, RULES)));
        Self { clients: Some(clients.clone()), ..Self::of(all) }
    }

    /// The same, with actions that end as people have said, by that clock.
    #[must_use]
    pub fn scripted_by(self, outcomes: Outcomes, clients: &AwsClients, spool: &Spool, clock: Clock) -> Self {
        let scripted = Scripted::new(outcomes, clients.clone(), spool.clone(), clock);
        Self { scripted: Some(Arc::new(scripted)), ..self }
    }

    /// Those, each with its number of permits.
    pub fn of(providers: impl IntoIterator<Item = (Box<dyn Provider>, usize)>) -> Self {
        let entries = providers.into_iter().map(|(provider, permits)| {
            (provider.action_type(), Entry { provider, permits: Semaphore::new(permits) })
        });
        Self { entries: Arc::new(entries.collect()), scripted: None, clients: None }
    }

    /// Whether a person has said how that action ends.
    pub fn is_scripted<'a>(&self, action: impl Into<Candidate<'a>>) -> bool {
        self.scripted.as_ref().is_some_and(|scripted| scripted.outcome(action).is_some())
    }

    /// Lets approvers know that they are asked; false where there is nobody to tell.
    pub(crate) async fn ask_for_approval(
        &self,
        work: &Work,
        token: &str,
        expires: Timestamp,
    ) -> Result<bool, Failure> {
        approval_request::publish(self.clients.as_ref(), work, token, expires).await
    }

    /// Does the work as soon as there is a permit for it.
    pub async fn run(&self, work: Work, reporter: &dyn Reporter) -> Result<Success, Failure> {
        if let Some(scripted) = &self.scripted
            && let Some(outcome) = scripted.outcome(&work)
        {
            return scripted.play(&outcome, &work, reporter).await;
        }
        let Some(entry) = self.entries.get(&work.action_type) else {
            return Err(not_available(&work.action_type));
        };
        // Fails only on a closed semaphore, and nobody closes these.
        let _permit = entry.permits.acquire().await;
        if let Some(clients) = &self.clients {
            regional::copy_inputs(clients, &work).await?;
        }
        entry.provider.run(work, reporter).await
    }
}

/// The failure of an action whose provider is not there.
fn not_available(action_type: &ActionTypeId) -> Failure {
    failures::configuration(format!(
        "{}: this daemon cannot run actions of that type. Say how such actions end with --action-outcomes or by PUT \
         /_penstock/action-outcomes, or use another action, and then try again.",
        action_type.not_available()
    ))
}
