//! Sessions of the roles that pipelines run under.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use penstock_engine::action::Work;
use penstock_engine::ids::PipelineKey;

use super::refusal::AwsRefusal;
use super::sts::{RoleRequest, Sts};
use crate::companions::policy::trust::Source;

/// A session is renewed when less than this is left of it.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// Under which roles, and where, calls are made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// The pipeline's role: the service assumes it.
    pub pipeline_role: String,
    /// The action's own role, if it has one: the pipeline's role assumes it.
    pub action_role: Option<String>,
    /// The Region that is called.
    pub region: String,
    /// On whose behalf, a pipeline's or a build project's: trust policies may ask about it.
    pub source: Source,
    /// What the session is called; the time, where it is nothing else.
    pub session: Option<String>,
}

impl From<&Work> for Access {
    fn from(work: &Work) -> Self {
        Self {
            pipeline_role: work.pipeline_role.clone(),
            action_role: work.action_role.clone(),
            region: work.region.clone(),
            source: of_pipeline(&work.pipeline),
            session: None,
        }
    }
}

/// What CodePipeline says when it acts for that pipeline.
pub fn of_pipeline(pipeline: &PipelineKey) -> Source {
    Source { account: Some(pipeline.account.clone()), arn: Some(pipeline.arn()) }
}

/// Who the service is when it assumes a role for a pipeline.
pub type ServiceKeys = Arc<dyn Fn(&Source) -> Credentials + Send + Sync>;

/// The session in use for the roles and the Region of an [`Access`]. The SDK asks it for credentials at every call.
#[derive(Clone, Debug)]
pub struct RoleSession(Arc<Inner>);

struct Inner {
    sts: Sts,
    service: ServiceKeys,
    access: Access,
    held: RwLock<Option<Credentials>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleSession").field("access", &self.access).finish_non_exhaustive()
    }
}

impl RoleSession {
    /// A session to be begun by the service, whose own credentials these are.
    pub fn new(sts: Sts, service: ServiceKeys, access: Access) -> Self {
        Self(Arc::new(Inner { sts, service, access, held: RwLock::new(None) }))
    }

    /// Assumes the roles anew. Every action does so when it begins, as on AWS: a role that has since been
    /// deleted, or trusts the service no more, must not be found out an hour later.
    ///
    /// Pipelines with the same roles share what is held here: each has asked for itself, and what their sessions
    /// may do is the same.
    pub async fn assume(&self, source: &Source) -> Result<Credentials, AwsRefusal> {
        let credentials = self.assume_with(source, None).await?;
        *self.0.held.write().unwrap_or_else(PoisonError::into_inner) = Some(credentials.clone());
        Ok(credentials)
    }

    /// A session of its own, narrowed by that policy.
    pub async fn narrowed(&self, source: &Source, policy: &str) -> Result<Credentials, AwsRefusal> {
        self.assume_with(source, Some(policy)).await
    }

    async fn assume_with(&self, source: &Source, policy: Option<&str>) -> Result<Credentials, AwsRefusal> {
        let Inner { sts, service, access, .. } = &*self.0;
        let name = access.session.clone().unwrap_or_else(session_name);
        let outer = &access.pipeline_role;
        let (first, last) = match &access.action_role {
            Some(_) => (None, policy),
            None => (policy, None),
        };
        let request = |role, policy| RoleRequest { role, session: &name, region: &access.region, policy };
        let mut credentials = sts
            .assume_role(&service(source), &request(outer, first))
            .await
            .map_err(|refusal| of_role(refusal, outer, None))?;
        if let Some(role) = &access.action_role {
            credentials = sts
                .assume_role(&credentials, &request(role, last))
                .await
                .map_err(|refusal| of_role(refusal, role, Some(outer)))?;
        }
        Ok(credentials)
    }

    /// The session in use, or a new one.
    pub async fn current(&self) -> Result<Credentials, AwsRefusal> {
        let held = self.0.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        match held {
            Some(credentials) if lasts(&credentials) => Ok(credentials),
            _ => self.assume(&self.0.access.source).await,
        }
    }
}

impl ProvideCredentials for RoleSession {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.current().await.map_err(CredentialsError::provider_error)
        })
    }
}

fn lasts(credentials: &Credentials) -> bool {
    credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + MARGIN)
}

fn of_role(refusal: AwsRefusal, role: &str, by: Option<&String>) -> AwsRefusal {
    match refusal {
        AwsRefusal::Refused(cause) if cause.status < 500 => {
            AwsRefusal::Role { role: role.to_owned(), by: by.cloned(), cause }
        }
        other => other,
    }
}

/// The time in milliseconds, as seen in the assumed-role ARNs that AWS's error texts quote.
fn session_name() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::scripted::{ACTION_ROLE, PIPELINE_ROLE, Script, answer, assume, sts_error};
    use super::*;

    fn access(action_role: Option<&str>) -> Access {
        Access {
            pipeline_role: PIPELINE_ROLE.to_owned(),
            action_role: action_role.map(str::to_owned),
            region: "eu-west-1".to_owned(),
            source: of_pipeline(&PipelineKey {
                account: "111122223333".to_owned(),
                region: "eu-west-1".to_owned(),
                name: "web".to_owned(),
            }),
            session: None,
        }
    }

    fn key_of(authorization: &str) -> &str {
        authorization.split(['=', '/']).nth(1).unwrap_or_default()
    }

    #[tokio::test]
    async fn the_service_assumes_the_pipelines_role_and_that_role_assumes_the_actions() {
        let script = Script::new();
        let clients = script.clients();
        clients.may_assume(&access(Some(ACTION_ROLE))).await.unwrap();
        let asked = script.asked();
        let by: Vec<&str> = asked.iter().map(|asked| key_of(asked.header("authorization"))).collect();
        assert_eq!(by, ["SERVICE", "PIPELINE"]);
        for asked in &asked {
            assert!(asked.header("authorization").contains("/eu-west-1/sts/aws4_request, SignedHeaders="));
            let (_, name) = asked.body.split_once("&RoleSessionName=").unwrap();
            assert!(name.len() == 13 && name.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
        }
        assert_eq!(asked.last().unwrap().header("x-amz-security-token"), "token-PIPELINE");
    }

    #[tokio::test]
    async fn s3_is_called_with_the_session_of_the_innermost_role() {
        for (action_role, key) in [(None, "PIPELINE"), (Some(ACTION_ROLE), "ACTION")] {
            let script = Script::new().on("HEAD /b", answer(200, ""));
            assert!(script.clients().bucket_exists(&access(action_role), "b").await.unwrap());
            let asked = script.one("HEAD /b");
            assert_eq!(key_of(asked.header("authorization")), key);
            assert_eq!(asked.header("x-amz-security-token"), format!("token-{key}"));
        }
    }

    #[tokio::test]
    async fn a_role_is_assumed_anew_for_every_action_but_not_for_every_call() {
        let script = Script::new().on("HEAD /b", answer(200, ""));
        let clients = script.clients();
        for _ in 0..2 {
            let s3 = clients.s3(&access(None)).await.unwrap();
            for _ in 0..3 {
                s3.client.head_bucket().bucket("b").send().await.unwrap();
            }
        }
        let lines = script.asked().into_iter().map(|asked| asked.line);
        let (sts, s3): (Vec<String>, Vec<String>) = lines.partition(|line| line == "POST /");
        assert_eq!((sts.len(), s3.len()), (2, 6));
    }

    #[tokio::test]
    async fn a_role_that_may_not_be_assumed_is_told_from_one_that_the_pipelines_role_may_not_assume() {
        let denied =
            || sts_error(403, "AccessDenied", "User: x is not authorized to perform: sts:AssumeRole");
        let refusal = |script: Script| async move {
            script.clients().may_assume(&access(Some(ACTION_ROLE))).await.unwrap_err()
        };
        let of_pipeline = refusal(Script::new().on(&assume(PIPELINE_ROLE), denied())).await;
        assert_eq!(
            of_pipeline.to_string(),
            format!("CodePipeline is not authorized to perform AssumeRole on role {PIPELINE_ROLE}")
        );
        assert_eq!(of_pipeline.code(), Some("AccessDenied"));
        let of_action = refusal(Script::new().on(&assume(ACTION_ROLE), denied())).await;
        assert_eq!(
            of_action.to_string(),
            format!("{PIPELINE_ROLE} is not authorized to perform AssumeRole on role {ACTION_ROLE}")
        );
    }

    #[tokio::test]
    async fn a_session_that_is_about_to_end_is_renewed() {
        let old = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>OLD</AccessKeyId>\
                   <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
                   <Expiration>2020-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
                   </AssumeRoleResponse>";
        let script =
            Script::new().on(&assume(PIPELINE_ROLE), answer(200, old)).on("HEAD /b", answer(200, ""));
        let s3 = script.clients().s3(&access(None)).await.unwrap();
        s3.client.head_bucket().bucket("b").send().await.unwrap();
        let assumed = script.asked().iter().filter(|asked| asked.line == "POST /").count();
        assert_eq!(assumed, 2);
    }

    #[tokio::test]
    async fn an_answer_that_is_not_one_of_sts_is_said_to_be_nonsense() {
        let script = Script::new().on(&assume(PIPELINE_ROLE), answer(200, "<html>It works!</html>"));
        let refusal = script.clients().may_assume(&access(None)).await.unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "no usable answer from AWSSecurityTokenService at the daemon itself: its answer (status 200) is not one \
             of STS"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_of_sts_is_tried_again_and_then_told_as_it_is() {
        let script = Script::new().on(&assume(PIPELINE_ROLE), sts_error(503, "ServiceUnavailable", "busy"));
        let refusal = script.clients().may_assume(&access(None)).await.unwrap_err();
        assert!(matches!(refusal, AwsRefusal::Refused(_)), "{refusal:?}");
        assert_eq!(script.asked().len(), 3);
    }

    #[tokio::test]
    async fn a_bucket_that_is_not_there_is_no_error_but_one_that_is_denied_is() {
        let clients = |status| Script::new().on("HEAD /b", answer(status, "")).clients();
        assert_eq!(clients(404).bucket_exists(&access(None), "b").await, Ok(false));
        let refusal = clients(403).bucket_exists(&access(None), "b").await.unwrap_err();
        assert!(refusal.is_denied());
        let refusal = clients(301).bucket_exists(&access(None), "b").await.unwrap_err();
        assert!(refusal.is_elsewhere());
    }

    #[tokio::test]
    async fn clients_are_kept_but_not_without_bound() {
        let script = Script::new();
        let clients = script.clients();
        for number in 0..500 {
            let role = format!("arn:aws:iam::1:role/{number}");
            let access = Access { pipeline_role: role, ..access(None) };
            let _ = clients.may_assume(&access).await;
        }
        assert_eq!(clients.kept(), 200);
    }
}
