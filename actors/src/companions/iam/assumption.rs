//! Whether a role may be assumed.

use penstock_engine::time::Timestamp;
use penstock_storage::View;

use super::identifiers::EntityArn;
use super::records::RoleRecord;
use super::refusal::Refusal;
use super::roles::find_role;
use super::service::Iam;
use crate::companions::policy::document::{Document, Purpose};
use crate::companions::policy::principal::Principal;
use crate::companions::policy::trust::{self, AssumeRequest, Verdict};

/// A role that the caller may assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumableRole {
    /// The account it belongs to.
    pub account: String,
    /// The role.
    pub role: RoleRecord,
}

/// Why a role may not be assumed. To the caller AWS says the same in each case.
#[derive(Debug, thiserror::Error)]
pub enum AssumeRefusal {
    /// There is no such role, or the ARN is none of a role.
    #[error("there is no such role")]
    NoSuchRole,
    /// Its trust policy does not allow the caller in.
    #[error("its trust policy does not allow {0}")]
    NotAllowed(String),
    /// Its trust policy denies the caller.
    #[error("its trust policy denies {0}")]
    Denied(String),
    /// It could not be read.
    #[error(transparent)]
    Failed(Refusal),
}

impl Iam {
    /// The role with that ARN, if there is one.
    pub async fn role_by_arn(&self, arn: &str) -> Result<Option<AssumableRole>, Refusal> {
        let Some(parsed) = EntityArn::role(arn) else { return Ok(None) };
        let found = self.look(|view: &View<'_>| find_role(view, &parsed.account, &parsed.name)).await;
        match found {
            Ok(role) if role.path == parsed.path => Ok(Some(AssumableRole { account: parsed.account, role })),
            Ok(_) => Ok(None),
            Err(refusal) if refusal.kind == super::RefusalKind::NoSuchEntity => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Whether that role lets that caller in with that request; and whether it does so by the caller's own name.
    pub async fn may_assume(
        &self,
        role_arn: &str,
        caller: &Principal,
        request: &AssumeRequest,
        now: Timestamp,
    ) -> Result<(AssumableRole, bool), AssumeRefusal> {
        let role = self.role_by_arn(role_arn).await.map_err(AssumeRefusal::Failed)?;
        let role = role.ok_or(AssumeRefusal::NoSuchRole)?;
        // What is stored was valid when it was stored; a later validator may know better, and then nobody
        // gets in.
        let Ok(document) = Document::parse(&role.role.trust, Purpose::Trust) else {
            return Err(AssumeRefusal::NotAllowed(caller.display()));
        };
        match trust::decide(&document, caller, request, now) {
            Verdict::Allowed => Ok((role, trust::names(&document, caller))),
            Verdict::NotAllowed => Err(AssumeRefusal::NotAllowed(caller.display())),
            Verdict::Denied => Err(AssumeRefusal::Denied(caller.display())),
        }
    }
}
