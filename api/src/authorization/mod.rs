//! Who may do what: the one place that every call passes, whether it came over the network or from within, before
//! anything is done about it.
//!
//! Sessions of roles, and users, are held against their policies. An account's own keys may do everything, as on AWS.

pub(crate) mod codepipeline;
pub(crate) mod companions;
pub(crate) mod iam;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use penstock_actors::companions::iam::{Bearer, Iam};
use penstock_actors::companions::policy::context::Context;
use penstock_actors::companions::policy::document::{Document, Purpose};
use penstock_actors::companions::policy::permissions::{Call, Denial, Resource, denied_by_resource};
use penstock_actors::companions::policy::principal::Principal;
use penstock_actors::companions::s3::service::S3;
use penstock_actors::companions::wall_clock;

use crate::caller::Caller;
use crate::cli::Enforcement;
use crate::error::AwsError;

/// Bucket policies that are kept parsed.
const PARSED: usize = 256;

/// Decides about calls. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Authority(Arc<Inner>);

struct Inner {
    enforcement: Enforcement,
    iam: Arc<Iam>,
    s3: Arc<S3>,
    /// By their text, so that none is ever out of date.
    parsed: Mutex<HashMap<String, Option<Arc<Document>>>>,
}

/// A call that is not permitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// By a policy, or for want of one.
    Denied {
        /// The caller's ARN.
        who: String,
        /// Such as `s3:GetObject`.
        action: String,
        /// An ARN or `*`.
        resource: String,
        /// Why.
        denial: Denial,
    },
    /// The policies could not be read; the log says why.
    Failed,
}

impl Authority {
    pub(crate) fn new(enforcement: Enforcement, iam: Arc<Iam>, s3: Arc<S3>) -> Self {
        Self(Arc::new(Inner { enforcement, iam, s3, parsed: Mutex::default() }))
    }

    /// Whether that caller's calls are held against the policies of its role, or its own.
    pub(crate) fn counts(&self, caller: &Caller) -> bool {
        self.bearer(caller).is_some()
    }

    /// Whether every caller is held against policies, an account's own keys excepted.
    pub(crate) fn is_for_all(&self) -> bool {
        self.0.enforcement == Enforcement::All
    }

    /// Whether the caller may do that. `keys` are those of the request beside the ones that every request has.
    pub(crate) async fn check(
        &self,
        caller: &Caller,
        action: &str,
        resource: &str,
        keys: Context,
    ) -> Result<(), Refused> {
        self.decide(caller, action, resource, keys, None).await
    }

    /// The same for a bucket or what is in it, whose own policy is asked, too. What is not there can be refused to
    /// nobody.
    pub(crate) async fn check_bucket(
        &self,
        caller: &Caller,
        action: &str,
        bucket: &str,
        resource: &str,
        keys: Context,
    ) -> Result<(), Refused> {
        if self.0.enforcement == Enforcement::Off || (!self.is_for_all() && !self.counts(caller)) {
            return Ok(());
        }
        let Some(access) = self.0.s3.access_to(bucket).await else {
            // A bucket that is still to be made belongs to whoever makes it.
            let is_new = action == "s3:CreateBucket";
            return if is_new { self.decide(caller, action, resource, keys, None).await } else { Ok(()) };
        };
        let policy = access.policy.as_deref().and_then(|text| self.parsed(bucket, text));
        let mut keys = keys;
        keys.set("aws:ResourceAccount", &access.owner);
        keys.set("s3:ResourceAccount", &access.owner);
        let on = Resource { owner: &access.owner, policy: policy.as_deref(), open: access.is_listed };
        self.decide(caller, action, resource, keys, Some(&on)).await
    }

    async fn decide(
        &self,
        caller: &Caller,
        action: &str,
        resource: &str,
        mut keys: Context,
        on: Option<&Resource<'_>>,
    ) -> Result<(), Refused> {
        let now = wall_clock::now();
        keys.set_request(&caller.region, caller.address);
        let decided = match self.bearer(caller) {
            Some(bearer) => {
                let decided = self.0.iam.authorize(bearer, action, resource, keys, on, now).await;
                decided.map_err(|failure| {
                    tracing::error!(%failure, "policies cannot be read");
                    Refused::Failed
                })?
            }
            // Nobody locks an account itself out of its bucket's policy.
            None if !self.is_for_all()
                || matches!(caller.principal, Principal::Service(_))
                || action.ends_with("BucketPolicy") =>
            {
                Ok(())
            }
            None => {
                keys.set_caller(&caller.principal, now);
                let call = Call { action, resource, context: &keys };
                match on.and_then(|on| on.policy) {
                    Some(policy) => denied_by_resource(policy, &caller.principal, call),
                    None => Ok(()),
                }
            }
        };
        decided.map_err(|denial| {
            let (who, action, resource) = (caller.arn(), action.to_owned(), resource.to_owned());
            tracing::debug!(who, action, resource, %denial, "not authorized");
            Refused::Denied { who, action, resource, denial }
        })
    }

    fn bearer<'a>(&self, caller: &'a Caller) -> Option<Bearer<'a>> {
        let session = caller.session.as_deref();
        let counts = match self.0.enforcement {
            Enforcement::Off => false,
            Enforcement::Actions => session.is_some_and(|session| session.of_pipeline),
            Enforcement::All => session.is_some() || matches!(caller.principal, Principal::User { .. }),
        };
        counts.then_some(Bearer { principal: &caller.principal, session })
    }

    fn parsed(&self, bucket: &str, text: &str) -> Option<Arc<Document>> {
        let mut parsed = self.0.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = parsed.get(text) {
            return found.clone();
        }
        let document = Document::parse(text, Purpose::Resource)
            .inspect_err(
                |why| tracing::info!(bucket, %why, "a bucket's policy cannot be read and does not count"),
            )
            .ok()
            .map(Arc::new);
        if parsed.len() >= PARSED {
            parsed.clear();
        }
        parsed.insert(text.to_owned(), document.clone());
        document
    }
}

impl Refused {
    /// In S3's words, which alone put the resource in quotation marks.
    pub(crate) fn in_s3_words(&self) -> Option<String> {
        let Self::Denied { who, action, resource, denial } = self else { return None };
        Some(format!(
            "User: {who} is not authorized to perform: {action} on resource: \"{resource}\" {denial}"
        ))
    }

    /// Why policies do not permit it; nothing when that could not be found out.
    pub(crate) fn denial(self) -> Option<Denial> {
        match self {
            Self::Denied { denial, .. } => Some(denial),
            Self::Failed => None,
        }
    }

    /// As the error of that name and status, with the words of every service but S3.
    pub(crate) fn as_error(&self, code: &str, status: u16) -> AwsError {
        match self {
            Self::Denied { who, action, resource, denial } => AwsError::new(
                code,
                status,
                format!(
                    "User: {who} is not authorized to perform: {action} on resource: {resource} {denial}"
                ),
            ),
            Self::Failed => AwsError::internal(),
        }
    }
}
