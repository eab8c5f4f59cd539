//! STS: who a key stands for, and keys that stand for a role's session.
//!
//! Keys are issued without writing anything: an access key id, the secret that belongs to it and the session
//! token are all made from one secret of this daemon, which is kept. So they survive a restart, and any
//! number of them costs nothing.

mod issuing;
mod service_keys;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use penstock_engine::time::Timestamp;
use penstock_storage::Store;

use super::iam::{AssumeRefusal, Iam, Refusal, RefusalKind, ServiceCredential};
use super::policy::document::{Document, Purpose};
use super::policy::permissions::Denial;
use super::policy::principal::Principal;
use super::policy::trust::{AssumeRequest, Source};
use issuing::Issuer;
use service_keys::ServiceKeys;

pub use issuing::Credentials;
use session::{Holder, Session};
pub use session::{InvalidCredentials, IssuedCaller, RoleSession};

/// Sessions of an assumed role that themselves assume a role last no longer.
const CHAINED_SECONDS: u32 = 3600;
const DEFAULT_SECONDS: u32 = 3600;
/// A session policy's characters; AWS packs it and says a percentage.
const LONGEST_SESSION_POLICY: usize = 2048;

/// STS.
pub struct Sts {
    iam: Arc<Iam>,
    issuer: Issuer,
    services: ServiceKeys,
}

/// What AssumeRole is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssumeRole {
    /// Which role.
    pub role_arn: String,
    /// What the session is called.
    pub session_name: String,
    /// One hour unless given.
    pub duration_seconds: Option<u32>,
    /// A policy that narrows the session; carried in the token.
    pub policy: Option<String>,
    /// Managed policies that narrow the session; carried in the token.
    pub policy_arns: Vec<String>,
    /// What the trust policy may ask about.
    pub request: AssumeRequest,
    /// Whether the session is one of a pipeline's action.
    pub of_pipeline: bool,
    /// Why the caller's own policies do not let it assume the role, where they count and do not.
    pub not_permitted: Option<Denial>,
}

/// What AssumeRole answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumedRole {
    /// The session's keys.
    pub credentials: Credentials,
    /// `arn:aws:sts::<account>:assumed-role/<role>/<session>`.
    pub arn: String,
    /// `<role id>:<session>`.
    pub id: String,
    /// How much of the room for session policies and tags is used.
    pub packed_percent: Option<usize>,
}

/// What GetCallerIdentity answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account, a unique id, or `<role id>:<session>`.
    pub user_id: String,
    /// Twelve digits.
    pub account: String,
    /// The caller's ARN.
    pub arn: String,
}

impl Sts {
    /// On that store, with the secret that lies there or a new one.
    pub async fn open(store: &Store, iam: Arc<Iam>) -> Result<Self, Refusal> {
        Ok(Self { iam, issuer: Issuer::open(store).await?, services: ServiceKeys::default() })
    }

    /// AssumeRole.
    pub async fn assume_role(
        &self,
        caller: &Principal,
        mut wanted: AssumeRole,
        now: Timestamp,
    ) -> Result<AssumedRole, Refusal> {
        let packed_percent = check_session_policies(&wanted)?;
        wanted.request.session_name = Some(wanted.session_name.clone());
        let allowed = self.iam.may_assume(&wanted.role_arn, caller, &wanted.request, now).await;
        let (found, names_caller) = allowed.map_err(|refusal| match refusal {
            AssumeRefusal::Failed(failure) => failure,
            why => {
                tracing::info!(role = %wanted.role_arn, caller = %caller.display(), %why, "a role was not assumed");
                not_authorized(caller, &wanted.role_arn, None)
            }
        })?;
        if let Some(denial) = &wanted.not_permitted {
            // As of every resource's policy: within an account it is enough to be named there.
            let is_enough = names_caller && caller.account() == Some(&found.account) && denial.is_absence();
            if !is_enough {
                return Err(not_authorized(caller, &wanted.role_arn, Some(denial)));
            }
        }
        let seconds = wanted.duration_seconds.unwrap_or(DEFAULT_SECONDS);
        if seconds > found.role.max_session {
            return Err(invalid(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        if matches!(caller, Principal::AssumedRole { .. }) && seconds > CHAINED_SECONDS {
            return Err(invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        let arn = format!(
            "arn:aws:sts::{}:assumed-role/{}/{}",
            found.account, found.role.name, wanted.session_name
        );
        let id = format!("{}:{}", found.role.id, wanted.session_name);
        let credentials =
            self.issuer.issue(now.plus_millis(u64::from(seconds) * 1000), |access_key, expires| Session {
                access_key,
                account: found.account,
                expires,
                holder: Holder::Role {
                    role_arn: wanted.role_arn,
                    role_id: found.role.id,
                    role_name: found.role.name,
                    session: wanted.session_name,
                    policy: wanted.policy,
                    policy_arns: wanted.policy_arns,
                    tags: wanted.request.tags,
                    source_identity: wanted.request.source_identity,
                    of_pipeline: wanted.of_pipeline,
                },
            })?;
        Ok(AssumedRole { credentials, arn, id, packed_percent })
    }

    /// GetSessionToken: keys for the caller itself.
    pub fn session_token(
        &self,
        caller: &Principal,
        duration_seconds: Option<u32>,
        now: Timestamp,
    ) -> Result<Credentials, Refusal> {
        // An account's own credentials get an hour at most, a user's half a day unless it says otherwise.
        let (account, holder, seconds) = match caller {
            Principal::Root { account } => {
                (account.clone(), Holder::Root, duration_seconds.unwrap_or(3600).min(3600))
            }
            Principal::User { arn } => {
                let account = caller.account().unwrap_or_default().to_owned();
                (account, Holder::User { arn: arn.clone() }, duration_seconds.unwrap_or(43_200))
            }
            Principal::AssumedRole { .. } | Principal::Service(_) => {
                return Err(Refusal::new(
                    RefusalKind::AccessDenied,
                    "Cannot call GetSessionToken with session credentials",
                ));
            }
        };
        let until = now.plus_millis(u64::from(seconds) * 1000);
        self.issuer.issue(until, |access_key, expires| Session { access_key, account, expires, holder })
    }

    /// GetCallerIdentity.
    pub async fn caller_identity(
        &self,
        account: &str,
        caller: &Principal,
    ) -> Result<CallerIdentity, Refusal> {
        let user_id = match caller {
            Principal::Root { account } => account.clone(),
            Principal::User { arn } => {
                let name = arn.rsplit('/').next().unwrap_or_default();
                self.iam
                    .user(account, name)
                    .await
                    .map_err(|refusal| match refusal.kind {
                        RefusalKind::NoSuchEntity => gone(),
                        _ => refusal,
                    })?
                    .id
            }
            Principal::Service(name) => name.clone(),
            Principal::AssumedRole { arn, role_arn } => {
                let role = self.iam.role_by_arn(role_arn).await?.ok_or_else(gone)?;
                format!("{}:{}", role.role.id, arn.rsplit('/').next().unwrap_or_default())
            }
        };
        Ok(CallerIdentity { user_id, account: account.to_owned(), arn: caller.display() })
    }

    /// Who a key stands for: `None` when this daemon did not issue it.
    pub fn caller_of(
        &self,
        access_key: &str,
        session_token: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<IssuedCaller>, InvalidCredentials> {
        if let Some(service) = self.services.holder(access_key, session_token) {
            return service.map(|name| Some(IssuedCaller::service(name)));
        }
        if self.issuer.issued_to_user(access_key) {
            // One that was deleted or made inactive is nobody's.
            let holder = self.iam.holder_of(access_key).map_err(|_| InvalidCredentials::Invalid)?;
            let (account, user) = holder.ok_or(InvalidCredentials::Invalid)?;
            return Ok(Some(IssuedCaller::user(account, &user)));
        }
        if !self.issuer.issued(access_key) {
            return Ok(None);
        }
        let session = session_token.and_then(|token| self.issuer.read_token(token));
        match session {
            Some(session) if session.access_key == access_key && session.expires <= now => {
                Err(InvalidCredentials::Expired)
            }
            Some(session) if session.access_key == access_key => Ok(Some(session.into())),
            _ => Err(InvalidCredentials::Invalid),
        }
    }

    /// The id of a new access key for a user.
    pub fn new_user_key(&self) -> Result<String, Refusal> {
        self.issuer.new_user_key()
    }

    /// The secret that belongs to a key of this daemon's, to verify a signature with.
    pub fn secret_access_key(&self, access_key: &str) -> Option<String> {
        let issued = self.services.knows(access_key)
            || self.issuer.issued(access_key)
            || self.issuer.issued_to_user(access_key);
        issued.then(|| self.issuer.secret_access_key(access_key))
    }

    /// The password of a user's credential for one service.
    pub fn service_password(&self, credential: &ServiceCredential) -> String {
        self.issuer.service_password(&credential.id, credential.generation)
    }

    /// Whose a user name for a service, such as `jo-at-111122223333`, is, when that is the password.
    pub async fn caller_with_password(
        &self,
        user_name: &str,
        password: &str,
    ) -> Result<Option<IssuedCaller>, Refusal> {
        let Some((_, account)) = user_name.rsplit_once("-at-") else { return Ok(None) };
        let found = self.iam.service_credential_named(account, user_name).await?;
        let found =
            found.filter(|(_, one)| self.issuer.is_service_password(&one.id, one.generation, password));
        Ok(found.map(|(user, _)| IssuedCaller::user(account.to_owned(), &user)))
    }

    /// The keys of one of the daemon's own services, such as `codepipeline.amazonaws.com`. They are this
    /// process's and never expire.
    pub fn service_credentials(&self, service: &str) -> Result<(String, String, String), Refusal> {
        self.service_credentials_for(service, &Source::default())
    }

    /// The same, on behalf of a resource: what trust policies see as `aws:SourceAccount` and
    /// `aws:SourceArn`.
    pub fn service_credentials_for(
        &self,
        service: &str,
        source: &Source,
    ) -> Result<(String, String, String), Refusal> {
        let (access_key, token) = self.services.of(service, source, || self.issuer.new_access_key())?;
        let secret = self.issuer.secret_access_key(&access_key);
        Ok((access_key, secret, token))
    }

    /// On whose behalf a service's key acts.
    pub fn source_of(&self, access_key: &str) -> Source {
        self.services.source(access_key)
    }
}

fn gone() -> Refusal {
    Refusal::new(RefusalKind::InvalidClientTokenId, "The security token included in the request is invalid")
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(RefusalKind::ValidationError, message)
}

fn not_authorized(caller: &Principal, role_arn: &str, denial: Option<&Denial>) -> Refusal {
    let reason = denial.map(|denial| format!(" {denial}")).unwrap_or_default();
    Refusal::new(
        RefusalKind::AccessDenied,
        format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn}{reason}",
            caller.display()
        ),
    )
}

/// Validates what narrows the session, and says how much of the room for it is used.
fn check_session_policies(wanted: &AssumeRole) -> Result<Option<usize>, Refusal> {
    if let Some(policy) = &wanted.policy {
        Document::parse(policy, Purpose::Permissions)?;
    }
    let policy = wanted.policy.as_deref().map_or(0, |policy| policy.chars().count());
    let arns: usize = wanted.policy_arns.iter().map(String::len).sum();
    let tags: usize = wanted.request.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    let size = policy + arns + tags;
    let percent = (size * 100).div_ceil(LONGEST_SESSION_POLICY);
    if policy > LONGEST_SESSION_POLICY || percent > 100 {
        return Err(Refusal::new(
            RefusalKind::PackedPolicyTooLarge,
            format!("Packed size of session policies and tags consumes {percent}% of allotted space."),
        ));
    }
    Ok((size > 0).then_some(percent))
}
