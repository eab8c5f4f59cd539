//! The clients that providers call AWS services with.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, IdentityCache, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};

use super::connector::Outward;
use super::elsewhere::Elsewhere;
use super::endpoint::{Endpoint, Endpoints, Service, SetupError};
use super::patience::Patient;
use super::permits::{Permits, Session};
use super::refusal::AwsRefusal;
use super::role::{Access, RoleSession, ServiceKeys};
use super::s3::S3;
use super::sts::Sts;

/// A client costs up to a millisecond to build and some 100 KiB to keep.
const KEPT: usize = 200;

/// In process nothing is lost on the way, and copying some gigabytes takes its time.
const PATIENCE_WITH_OURSELVES: Duration = Duration::from_secs(10 * 60);
/// A function runs for a quarter of an hour at most, and says nothing meanwhile.
const PATIENCE_WITH_FUNCTIONS: Duration = Duration::from_secs(16 * 60);

/// What is called without an SDK of its own, when somebody has set where it is.
const WITHOUT_SDK: [Service; 5] =
    [Service::Lambda, Service::CloudWatch, Service::Sns, Service::Ssm, Service::SecretsManager];

/// How calls are made.
#[derive(Clone)]
pub struct Settings {
    /// The way into the daemon's own services, without a socket.
    pub in_process: SharedHttpConnector,
    /// Which services are elsewhere.
    pub endpoints: Endpoints,
    /// What the daemon signs with as the service principal `codepipeline.amazonaws.com` at its own STS, on behalf of
    /// a pipeline.
    pub service: ServiceKeys,
    /// How long endpoints elsewhere may say nothing.
    pub patience: Duration,
    /// What requests to endpoints elsewhere are signed with, from the environment.
    pub environment: Option<Credentials>,
    /// What sessions may do with the daemon's own services that are called without a request.
    pub permits: Permits,
}

/// Makes calls to AWS services under the roles of pipelines and actions. Cheap to clone.
#[derive(Clone)]
pub struct AwsClients(Arc<Inner>);

impl fmt::Debug for AwsClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsClients")
    }
}

struct Inner {
    sts: Sts,
    /// Who assumes roles.
    service: ServiceKeys,
    s3_endpoint: Endpoint,
    s3_connector: SharedHttpConnector,
    /// What S3 requests are signed with in place of the role's session.
    s3_credentials: Option<Credentials>,
    /// What is called without an SDK, where it is elsewhere.
    places: Vec<Place>,
    /// What requests to them are signed with in place of the role's session.
    others_credentials: Option<Credentials>,
    permits: Permits,
    kept: Mutex<Kept>,
}

/// A service that is elsewhere.
#[derive(Debug)]
struct Place {
    service: Service,
    url: String,
    connector: SharedHttpConnector,
}

impl AwsClients {
    /// Clients that call as set.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        let Settings { in_process, endpoints, service, patience, environment, permits } = settings;
        let (sts_at, s3_at) = (endpoints.of(Service::Sts)?, endpoints.of(Service::S3)?);
        let embedded = [&sts_at, &s3_at].map(|endpoint| *endpoint == Endpoint::Embedded);
        let inside = patient(in_process, PATIENCE_WITH_OURSELVES);
        let outside = match embedded {
            [true, true] => inside.clone(),
            _ => patient(SharedHttpConnector::new(Outward::new()?), patience),
        };
        let mut places = Vec::new();
        for service in WITHOUT_SDK {
            if let Endpoint::External(url) = endpoints.of(service)? {
                let patience = if service == Service::Lambda { PATIENCE_WITH_FUNCTIONS } else { patience };
                let connector = patient(SharedHttpConnector::new(Outward::new()?), patience);
                places.push(Place { service, url, connector });
            }
        }
        let connector = |embedded: bool| if embedded { inside.clone() } else { outside.clone() };
        let outsiders = || environment.clone().ok_or(SetupError::NoCredentials);
        let [sts_embedded, s3_embedded] = embedded;
        Ok(Self(Arc::new(Inner {
            sts: Sts::new(connector(sts_embedded), sts_at),
            service: if sts_embedded {
                service
            } else {
                let outsiders = outsiders()?;
                Arc::new(move |_| outsiders.clone())
            },
            s3_endpoint: s3_at,
            s3_connector: connector(s3_embedded),
            // A store elsewhere does not know the sessions of the daemon's own STS.
            s3_credentials: if sts_embedded && !s3_embedded { Some(outsiders()?) } else { None },
            others_credentials: if sts_embedded && !places.is_empty() { Some(outsiders()?) } else { None },
            places,
            permits,
            kept: Mutex::new(Kept::default()),
        })))
    }

    /// S3 for one action: its roles are assumed first, so that what STS refuses is known as such.
    pub async fn s3(&self, access: &Access) -> Result<S3, AwsRefusal> {
        let (session, s3) = self.client(access);
        session.assume(&access.source).await?;
        Ok(s3)
    }

    /// Whether the service may assume the pipeline's role and, where the action has one, that role the action's.
    pub async fn may_assume(&self, access: &Access) -> Result<(), AwsRefusal> {
        self.session(access).await.map(drop)
    }

    /// A session of the roles.
    pub async fn session(&self, access: &Access) -> Result<Credentials, AwsRefusal> {
        let (session, _) = self.client(access);
        session.assume(&access.source).await
    }

    /// The session that these roles were assumed for last, to be asked what it may do.
    pub async fn permits(&self, access: &Access) -> Result<Session, AwsRefusal> {
        let (session, _) = self.client(access);
        let credentials = session.current().await?;
        Ok(Session { permits: self.0.permits.clone(), credentials, region: access.region.clone() })
    }

    /// What the action's artifacts are reached with: a new session of its roles, narrowed by that policy. Never the
    /// daemon's own keys, also where the store is elsewhere and knows no sessions of ours.
    pub async fn credentials(&self, access: &Access, policy: &str) -> Result<Credentials, AwsRefusal> {
        let (session, _) = self.client(access);
        session.narrowed(&access.source, policy).await
    }

    /// A service that is elsewhere, for one action: its roles are assumed first. None where nobody has said where the
    /// service is.
    pub async fn elsewhere(
        &self,
        service: Service,
        access: &Access,
    ) -> Result<Option<Elsewhere>, AwsRefusal> {
        let credentials = self.session(access).await?;
        Ok(self.place(service).map(|place| Elsewhere {
            connector: place.connector.clone(),
            service,
            url: place.url.clone(),
            credentials: self.0.others_credentials.clone().unwrap_or(credentials),
            region: access.region.clone(),
        }))
    }

    fn place(&self, service: Service) -> Option<&Place> {
        self.0.places.iter().find(|place| place.service == service)
    }

    /// Whether that service is called elsewhere.
    pub fn is_elsewhere(&self, service: Service) -> bool {
        self.place(service).is_some()
    }

    /// Whether there is such a bucket, asked under those roles.
    pub async fn bucket_exists(&self, access: &Access, bucket: &str) -> Result<bool, AwsRefusal> {
        let s3 = self.s3(access).await?;
        match s3.client.head_bucket().bucket(bucket).send().await {
            Ok(_) => Ok(true),
            Err(error) => match s3.refusal(&error) {
                refusal if refusal.is_absent() => Ok(false),
                refusal => Err(refusal),
            },
        }
    }

    /// Lets go of a session that nobody will ask for again.
    pub fn forget(&self, access: &Access) {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).clients.remove(&roles(access));
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).clients.len()
    }

    fn client(&self, access: &Access) -> (RoleSession, S3) {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_make(access, || self.0.make(access))
    }
}

impl Inner {
    fn make(&self, access: &Access) -> (RoleSession, S3) {
        let session = RoleSession::new(self.sts.clone(), Arc::clone(&self.service), access.clone());
        let credentials = match &self.s3_credentials {
            Some(credentials) => SharedCredentialsProvider::new(credentials.clone()),
            None => SharedCredentialsProvider::new(session.clone()),
        };
        let connector = self.s3_connector.clone();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .endpoint_url(self.s3_endpoint.url())
            .force_path_style(true)
            .region(Region::new(access.region.clone()))
            .credentials_provider(credentials)
            // The session holds its credentials itself, always the newest.
            .identity_cache(IdentityCache::no_cache())
            .retry_config(
                RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(200)),
            )
            // `Patient` watches for silence, in both directions.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if self.s3_endpoint == Endpoint::Embedded {
            // In process nothing can be garbled, and a checksum of a stream would be computed twice.
            config = config
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        }
        let client = aws_sdk_s3::Client::from_conf(config.build());
        (session, S3 { client, endpoint: self.s3_endpoint.clone() })
    }
}

fn patient(connector: SharedHttpConnector, patience: Duration) -> SharedHttpConnector {
    SharedHttpConnector::new(Patient::new(connector, patience))
}

/// The clients used last.
#[derive(Debug, Default)]
struct Kept {
    clients: HashMap<Roles, (u64, RoleSession, S3)>,
    uses: u64,
}

/// The pipeline's role, the action's, the Region, and the name of the session, where it has one.
type Roles = (String, Option<String>, String, Option<String>);

fn roles(access: &Access) -> Roles {
    let Access { pipeline_role, action_role, region, session, .. } = access.clone();
    (pipeline_role, action_role, region, session)
}

impl Kept {
    fn get_or_make(
        &mut self,
        access: &Access,
        make: impl FnOnce() -> (RoleSession, S3),
    ) -> (RoleSession, S3) {
        self.uses += 1;
        let roles = roles(access);
        if let Some((used, session, s3)) = self.clients.get_mut(&roles) {
            *used = self.uses;
            return (session.clone(), s3.clone());
        }
        if self.clients.len() >= KEPT {
            let oldest =
                self.clients.iter().min_by_key(|(_, (used, ..))| *used).map(|(roles, _)| roles.clone());
            oldest.and_then(|roles| self.clients.remove(&roles));
        }
        let (session, s3) = make();
        self.clients.insert(roles, (self.uses, session.clone(), s3.clone()));
        (session, s3)
    }
}
