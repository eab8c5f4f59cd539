//! Everything that answers requests, in one place that handlers are given.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use penstock_actors::artifacts::stored::Spool;
use penstock_actors::aws::clients::{self, AwsClients};
use penstock_actors::aws::endpoint;
use penstock_actors::aws::permits::Permits;
use penstock_actors::aws::role::ServiceKeys;
use penstock_actors::build::runner::{self, Process, Runner};
use penstock_actors::clock::Clock;
use penstock_actors::companions::codebuild::{self, CodeBuild};
use penstock_actors::companions::codecommit::service::CodeCommit;
use penstock_actors::companions::connections::Connections;
use penstock_actors::companions::events::service::Events;
use penstock_actors::companions::iam::Iam;
use penstock_actors::companions::logs::Logs;
use penstock_actors::companions::parameters::Parameters;
use penstock_actors::companions::s3::service::S3;
use penstock_actors::companions::sts::{InvalidCredentials, IssuedCaller, Sts};
use penstock_actors::companions::wall_clock;
use penstock_actors::events::{Delivery, Destination};
use penstock_actors::git::fetch::FETCHED;
use penstock_actors::git::mapping::Mappings;
use penstock_actors::github::client::{self as github, GitHub};
use penstock_actors::outcomes::service::Outcomes;
use penstock_actors::providers::connection_source::Origins;
use penstock_actors::providers::table::Providers;
use penstock_actors::starts::git_watching;
use penstock_actors::starts::github_hooks::GithubApi;
use penstock_actors::starts::s3_watching::{Objects, watch};
use penstock_actors::{Handle, RemoveArtifact};
use penstock_engine::action_type::Catalogue;
use penstock_storage::Store;

use crate::addresses::{endpoint_for_builds, own_url};
use crate::authorization::Authority;
use crate::cli::{BuildRunner, Enforcement, Settings};
use crate::companions::s3::gateway::Gateway;
use crate::endpoints::Endpoints;
use crate::ephemeral::BUILDS;
use crate::error::AwsError;
use crate::hosts::Hosts;
use crate::loopback::Loopback;
use crate::metrics::Metrics;

/// Whom pipelines' roles must trust.
const CODEPIPELINE: &str = "codepipeline.amazonaws.com";

/// Whom the roles of build projects must trust.
const CODEBUILD: &str = "codebuild.amazonaws.com";
const EVENTBRIDGE: &str = "events.amazonaws.com";

/// The daemon's services. One value, shared by all workers and by the SDK's in-process calls.
pub(crate) struct Services {
    /// The names we answer to.
    pub(crate) hosts: Hosts,
    /// The Region of a request that names none.
    pub(crate) default_region: String,
    /// Whether people may move the clock.
    pub(crate) allow_clock: bool,
    /// Told when the daemon stops: answers without an end end then.
    pub(crate) stopping: tokio::sync::watch::Sender<bool>,
    /// Where this daemon is reached: what the URLs that it gives away begin with.
    pub(crate) own_url: String,
    /// What GitHub signs events with that are for sources behind a connection.
    pub(crate) github_webhook_secret: Option<String>,
    /// Who knows what is in the repositories that sources behind a connection take.
    pub(crate) git_host: GitHub,
    /// Where webhooks are registered.
    pub(crate) github: GithubApi,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// S3's wire protocol over our own buckets.
    pub(crate) s3: Gateway,
    /// Roles and policies.
    pub(crate) iam: Arc<Iam>,
    /// Rules, and events that start pipelines.
    pub(crate) events: Arc<Events>,
    /// Sessions of roles.
    pub(crate) sts: Arc<Sts>,
    /// What partners' workers name themselves with.
    pub(crate) client_token: String,
    /// Who may do what.
    pub(crate) authority: Authority,
    /// Git repositories.
    pub(crate) codecommit: CodeCommit,
    /// Connections to git providers.
    pub(crate) connections: Connections,
    /// How actions end that people have scripted.
    pub(crate) outcomes: Outcomes,
    /// Calls under the pipelines' roles.
    pub(crate) aws: AwsClients,
    /// Projects and builds.
    pub(crate) codebuild: CodeBuild,
    /// What builds say.
    pub(crate) logs: Logs,
    /// Parameters and secrets.
    pub(crate) parameters: Parameters,
    /// Where everything is kept.
    pub(crate) store: Store,
    /// The engine. Begun last, since what it takes up at once calls the services above.
    pipelines: OnceLock<Handle>,
}

impl Services {
    /// Begins all services on this store, and lets what a former process left unfinished go on. An error is
    /// one sentence for the person at the terminal.
    pub(crate) async fn start(
        store: Store,
        spool: PathBuf,
        hosts: Hosts,
        settings: &Settings,
        endpoints: &Endpoints,
    ) -> Result<Arc<Self>, String> {
        let loopback = Loopback::default();
        let iam = Arc::new(Iam::new(store.clone()));
        let sts = Sts::open(&store, Arc::clone(&iam)).await.map_err(|error| error.to_string())?;
        let sts = Arc::new(sts);
        let s3 = S3::open(store.clone()).await.map_err(|error| error.to_string())?;
        let clock = Clock::of_store(&store).map_err(|error| error.to_string())?;
        let events = Events::new(store.clone(), clock.clone());
        s3.emit_events(events.bell());
        let permits = match settings.iam_enforcement {
            Enforcement::Off => Permits::default(),
            Enforcement::Actions | Enforcement::All => {
                Permits::by_policies(Arc::clone(&sts), Arc::clone(&iam))
            }
        };
        let clients_of = |service| {
            let clients = AwsClients::new(clients::Settings {
                in_process: SharedHttpConnector::new(loopback.clone()),
                endpoints: endpoint::Endpoints {
                    all: None,
                    s3: endpoints.s3.clone(),
                    sts: endpoints.sts.clone(),
                    lambda: endpoints.lambda.clone(),
                    cloud_watch: endpoints.cloud_watch.clone(),
                    sns: endpoints.sns.clone(),
                    ssm: endpoints.ssm.clone(),
                    secrets_manager: endpoints.secrets_manager.clone(),
                },
                service: service_keys(&sts, service)?,
                patience: Duration::from_secs(settings.endpoint_timeout.into()),
                environment: environment_credentials(|name| std::env::var(name).ok()),
                permits: permits.clone(),
            });
            clients.map_err(|error| error.to_string())
        };
        let aws = clients_of(CODEPIPELINE)?;
        let roles_count = !matches!(settings.iam_enforcement, Enforcement::Off);
        let eventbridge = if roles_count { Some(clients_of(EVENTBRIDGE)?) } else { None };
        let logs = Logs::new(store.clone(), spool.join("logs"));
        let parameters = Parameters::new(store.clone());
        let data = (!settings.ephemeral).then_some(spool.as_path());
        let codecommit = CodeCommit::open(store.clone(), data, own_url(settings))
            .await
            .map_err(|error| error.to_string())?;
        let mappings = Mappings::new(settings.map_repository.iter().cloned());
        let codebuild = CodeBuild::new(codebuild::Setup {
            store: store.clone(),
            logs: logs.clone(),
            parameters: parameters.clone(),
            clients: clients_of(CODEBUILD)?,
            codepipeline: aws.clone(),
            codecommit: codecommit.clone(),
            mappings: mappings.clone(),
            spool: Spool::new(&spool),
            runner: Runner::new(builds(&spool, settings)),
            endpoint: endpoint_for_builds(settings),
            keep: usize::try_from(settings.keep_executions).unwrap_or(usize::MAX),
        });
        let outcomes =
            Outcomes::open(&store, settings.action_outcomes.clone()).map_err(|error| error.to_string())?;
        actix_rt::spawn(outcomes.clone().watch());
        let github = GitHub::new(&github::Settings {
            url: settings.github_api_url.clone(),
            token: std::env::var("CODEPIPELINE_GH_TOKEN").ok().filter(|token| !token.is_empty()),
            patience: github::PATIENCE,
        })?;
        codecommit.emit_events(events.bell());
        let embedded_s3 = endpoints.s3.is_none();
        let removes_artifacts = !settings.keep_artifacts && embedded_s3;
        let remove_artifact = removes_artifacts.then(|| artifact_remover(Arc::clone(&s3)));
        let authority = Authority::new(settings.iam_enforcement, Arc::clone(&iam), Arc::clone(&s3));
        let services = Arc::new(Self {
            s3: Gateway::new(Arc::clone(&s3), hosts.clone(), authority.clone()),
            authority,
            hosts,
            default_region: settings.default_region.clone(),
            client_token: settings.third_party_client_token.clone(),
            allow_clock: settings.allow_clock,
            stopping: tokio::sync::watch::Sender::new(false),
            own_url: own_url(settings),
            github: GithubApi { url: settings.github_api_url.trim_end_matches('/').to_owned() },
            github_webhook_secret: settings.github_webhook_secret.clone(),
            git_host: github.clone(),
            metrics: Metrics::new(),
            iam,
            events: Arc::clone(&events),
            sts,
            codecommit: codecommit.clone(),
            connections: Connections::new(store.clone()),
            outcomes: outcomes.clone(),
            aws: aws.clone(),
            codebuild: codebuild.clone(),
            logs,
            parameters,
            store: store.clone(),
            pipelines: OnceLock::new(),
        });
        loopback.connect(&services);
        codebuild.resume().await.map_err(|error| error.to_string())?;
        let deliveries = deliveries(&store, settings, endpoints).await?;
        if clock.ahead_millis() > 0 {
            tracing::info!(seconds = clock.ahead_millis() / 1000, "the clock is ahead, as it was moved");
        }
        let spool = Spool::new(spool);
        // What a daemon was fetching that was killed.
        spool.clear(FETCHED).map_err(|error| format!("cannot clear away what was fetched: {error}"))?;
        let origins = Origins { mappings: mappings.clone(), github };
        let providers = Providers::new(&aws, &spool, &clock, origins, codecommit.clone(), &codebuild)
            .scripted_by(outcomes, &aws, &spool, clock.clone());
        let pipelines = penstock_actors::start(
            store,
            clock,
            Arc::new(Catalogue::builtin()),
            providers,
            remove_artifact,
            penstock_actors::Settings {
                keep_executions: u64::from(settings.keep_executions),
                arbiters: available_parallelism().map_or(1, usize::from),
                ..penstock_actors::Settings::default()
            },
        );
        for delivery in deliveries {
            pipelines.deliver_events(delivery);
        }
        events.deliver(pipelines.clone(), eventbridge);
        events.follow(pipelines.clone());
        events.keep_time();
        let objects = if embedded_s3 { Objects::Embedded(s3) } else { Objects::External(aws) };
        let interval = Duration::from_secs(u64::from(settings.poll_interval));
        watch(pipelines.clone(), objects, interval);
        git_watching::watch(&pipelines, &mappings, &spool, interval);
        actix_rt::spawn(pipelines.clone().catch_up_with_pushes(codecommit));
        let _ = services.pipelines.set(pipelines);
        Ok(services)
    }

    /// The engine; while the daemon is starting there is none.
    pub(crate) fn pipelines(&self) -> Result<&Handle, AwsError> {
        self.pipelines.get().ok_or_else(|| {
            AwsError::new("ServiceUnavailable", 503, "The daemon is starting: try again in a moment.")
        })
    }

    /// Who holds a key that this daemon issued; nobody for every other key. A session's key with a wrong or
    /// expired token is an error.
    pub(crate) fn issued_key(
        &self,
        access_key: &str,
        session_token: Option<&str>,
    ) -> Result<Option<IssuedCaller>, InvalidCredentials> {
        // Credentials go by the wall clock, whatever the daemon's own says.
        self.sts.caller_of(access_key, session_token, wall_clock::now())
    }

    /// Whether there is room for data; the reason when there is none.
    pub(crate) fn accepts_data(&self) -> Result<(), String> {
        self.store.accepts_data().map_err(|full| full.to_string())
    }
}

/// Where events are to be sent, and how far that is.
async fn deliveries(
    store: &Store,
    settings: &Settings,
    endpoints: &Endpoints,
) -> Result<Vec<Delivery>, String> {
    let http = settings.events_to.as_deref().map(Destination::http);
    let event_bridge = endpoints
        .event_bridge
        .as_deref()
        .map(|url| Destination::event_bridge(url, environment_credentials(|name| std::env::var(name).ok())));
    let mut deliveries = Vec::new();
    for destination in [http, event_bridge].into_iter().flatten() {
        let destination = destination.map_err(|error| error.to_string())?;
        deliveries.push(Delivery::open(store, destination).await.map_err(|error| error.to_string())?);
    }
    Ok(deliveries)
}

/// A service's own keys, for each pipeline that it acts for: trust policies may ask which one that is.
fn service_keys(sts: &Arc<Sts>, service: &'static str) -> Result<ServiceKeys, String> {
    let credentials = |(key, secret, token)| Credentials::new(key, secret, Some(token), None, "penstock");
    // Only where there are no random numbers can these fail, and then the daemon does not start.
    let of_nobody = sts.service_credentials(service).map(credentials).map_err(|error| error.to_string())?;
    let sts = Arc::clone(sts);
    Ok(Arc::new(move |source| {
        sts.service_credentials_for(service, source).map_or_else(|_| of_nobody.clone(), credentials)
    }))
}

/// How builds are to run. Builds of other daemons are told apart by the data folder.
fn builds(folder: &Path, settings: &Settings) -> runner::Settings {
    runner::Settings {
        choice: match settings.build_runner {
            BuildRunner::Docker => runner::Choice::Docker,
            BuildRunner::Host => runner::Choice::Host,
            BuildRunner::None => runner::Choice::Nobody,
        },
        images: settings.build_image.iter().cloned().collect(),
        owner: folder.display().to_string(),
        process: settings.ephemeral.then(Process::own).flatten(),
        folder: folder.join(BUILDS),
        docker_host: std::env::var("DOCKER_HOST").ok(),
    }
}

/// What endpoints elsewhere are called with, as every AWS tool finds it.
fn environment_credentials(variable: impl Fn(&str) -> Option<String>) -> Option<Credentials> {
    let (key, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    Some(Credentials::new(key, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
}

/// Retention frees the embedded store of what expired executions left there.
fn artifact_remover(s3: Arc<S3>) -> RemoveArtifact {
    Arc::new(move |artifact| {
        let s3 = Arc::clone(&s3);
        Box::pin(async move {
            if let Err(error) = s3.delete_object_quietly(&artifact.bucket, &artifact.key).await {
                tracing::warn!(bucket = artifact.bucket, key = artifact.key, %error, "an expired artifact stays");
            }
        })
    })
}

#[cfg(test)]
#[path = "services_for_tests.rs"]
pub(crate) mod tests_support;
