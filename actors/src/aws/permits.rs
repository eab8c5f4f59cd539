//! Whether an action's session may do what the daemon's own services do for it without a request.
//!
//! Most calls of actions are requests, and whoever answers them asks. What is left are a build that is started, a
//! commit that is read, a connection that is used, and what a build's service role is there for.

use std::fmt;
use std::sync::Arc;

use aws_credential_types::Credentials;

use crate::companions::iam::{Bearer, Iam};
use crate::companions::policy::context::Context;
use crate::companions::policy::permissions::Denial;
use crate::companions::sts::Sts;
use crate::companions::wall_clock;

/// Holds sessions against the policies of their roles. Without IAM and STS of the daemon's own, or when that is not
/// asked for, everything is permitted. Cheap to clone.
#[derive(Clone, Default)]
pub struct Permits(Option<(Arc<Sts>, Arc<Iam>)>);

impl Permits {
    /// Goes by the policies there. Sessions of another STS are not known here, and may do everything.
    pub fn by_policies(sts: Arc<Sts>, iam: Arc<Iam>) -> Self {
        Self(Some((sts, iam)))
    }
}

/// A session, and what it may do.
pub struct Session {
    pub(super) permits: Permits,
    pub(super) credentials: Credentials,
    pub(super) region: String,
}

/// A call that is not permitted. Shown as AWS says it (user guide, troubleshoot_access-denied).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPermitted {
    /// By a policy, or for want of one.
    Denied {
        /// The session's ARN.
        who: String,
        /// An ARN.
        resource: String,
        /// Which action, and why.
        denial: Denial,
    },
    /// The policies could not be read, or the session has ended.
    Failed(String),
}

impl NotPermitted {
    /// Whether only an `Allow` in the role's own policies is missing.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Denied { denial, .. } if denial.is_absence())
    }
}

impl NotPermitted {
    /// Whether the policies were looked at, and say no.
    pub fn is_denial(&self) -> bool {
        matches!(self, Self::Denied { .. })
    }
}

impl fmt::Display for NotPermitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { who, resource, denial } => {
                let action = &denial.action;
                write!(
                    f,
                    "User: {who} is not authorized to perform: {action} on resource: {resource} {denial}"
                )
            }
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl Session {
    /// Whether it may do that.
    pub async fn may(&self, action: &str, resource: &str) -> Result<(), NotPermitted> {
        self.may_when(action, resource, Context::default()).await
    }

    /// Whether it may use that connection for that branch of that repository. Policies know the permission under both names
    /// of the service, and either will do.
    pub async fn may_use_connection(
        &self,
        connection: &str,
        repository: &str,
        branch: &str,
    ) -> Result<(), NotPermitted> {
        let names = ["codestar-connections", "codeconnections"];
        let mut keys = Context::default();
        for name in names {
            keys.set(&format!("{name}:FullRepositoryId"), repository);
            keys.set(&format!("{name}:BranchName"), branch);
        }
        let [former, current] = names.map(|name| format!("{name}:UseConnection"));
        match self.may_when(&former, connection, keys.clone()).await {
            Err(refusal) if refusal.is_absence() => self.may_when(&current, connection, keys).await,
            decided => decided,
        }
    }

    /// As [`may`](Self::may), with condition keys of that very call.
    pub async fn may_when(
        &self,
        action: &str,
        resource: &str,
        mut keys: Context,
    ) -> Result<(), NotPermitted> {
        let Some((sts, iam)) = &self.permits.0 else { return Ok(()) };
        let (key, token) = (self.credentials.access_key_id(), self.credentials.session_token());
        let now = wall_clock::now();
        let holder = sts.caller_of(key, token, now).map_err(|invalid| failed(&invalid))?;
        let Some((principal, session)) = holder.and_then(|holder| Some((holder.principal, holder.session?)))
        else {
            return Ok(());
        };
        keys.set_request(&self.region, None);
        let bearer = Bearer { principal: &principal, session: Some(&session) };
        let decided = iam.authorize(bearer, action, resource, keys, None, now).await;
        decided.map_err(|failure| failed(&failure))?.map_err(|denial| {
            let (who, resource) = (principal.display(), resource.to_owned());
            tracing::debug!(who, resource, action, %denial, "not authorized");
            NotPermitted::Denied { who, resource, denial }
        })
    }
}

fn failed(cause: &dyn fmt::Display) -> NotPermitted {
    NotPermitted::Failed(format!("the permissions cannot be looked up: {cause}"))
}
