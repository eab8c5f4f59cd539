//! Whether a session of a role may make a call, by the policies that are kept here.
//!
//! What a role's policies say is parsed once and remembered until anything in IAM changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use penstock_engine::time::Timestamp;
use penstock_storage::View;
use penstock_storage::keys::iam as keys;

use super::aws_managed;
use super::identifiers::{RoleArn, is_aws_managed};
use super::records::{PolicyVersionRecord, RoleRecord, Tag};
use super::refusal::{Refusal, RefusalKind};
use super::role_policies::{attached_to, inline_policies};
use super::roles::find_role;
use super::service::Iam;
use crate::companions::policy::context::Context;
use crate::companions::policy::document::{Document, Purpose};
use crate::companions::policy::permissions::{Call, Denial, Permissions, Resource, decide};
use crate::companions::policy::principal::Principal;
use crate::companions::sts::RoleSession;

/// Roles that are remembered.
const REMEMBERED: usize = 1000;

/// A session of a role, as it calls.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// The session.
    pub principal: &'a Principal,
    /// What it brings along.
    pub session: &'a RoleSession,
}

/// What a role's policies say, by the role's ARN.
#[derive(Default)]
pub(super) struct Granted(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    roles: HashMap<String, Arc<Role>>,
    /// Counts the changes of IAM: what was read before one is not remembered after it.
    changes: u64,
}

/// What is known of a role.
struct Role {
    id: String,
    tags: Vec<Tag>,
    identity: Vec<Arc<Document>>,
    boundary: Option<Vec<Arc<Document>>>,
}

impl Granted {
    /// Something has changed.
    pub(super) fn forget(&self) {
        let mut remembered = self.lock();
        remembered.changes += 1;
        remembered.roles.clear();
    }

    fn find(&self, arn: &str) -> (Option<Arc<Role>>, u64) {
        let remembered = self.lock();
        (remembered.roles.get(arn).cloned(), remembered.changes)
    }

    fn remember(&self, arn: &str, role: &Arc<Role>, changes: u64) {
        let mut remembered = self.lock();
        if remembered.changes != changes {
            return;
        }
        if remembered.roles.len() >= REMEMBERED {
            remembered.roles.clear();
        }
        remembered.roles.insert(arn.to_owned(), Arc::clone(role));
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Iam {
    /// Whether the session may make a call: by its role's policies, by what bounds and narrows them, and by the
    /// resource's own policy. `keys` are the request's condition keys; who calls, and when, is added here.
    pub async fn authorize(
        &self,
        bearer: Bearer<'_>,
        action: &str,
        on: &str,
        mut keys: Context,
        resource: Option<&Resource<'_>>,
        now: Timestamp,
    ) -> Result<Result<(), Denial>, Refusal> {
        let Bearer { principal, session } = bearer;
        let role = self.granted_to(principal).await?;
        // Sessions of a role that is gone, or of an earlier one of the same name, may do nothing any more.
        let role = role.filter(|role| role.id == session.role_id);
        keys.set_caller(principal, now);
        keys.set("aws:userid", format!("{}:{}", session.role_id, session.name));
        keys.set_optional("aws:SourceIdentity", session.source_identity.as_deref());
        keys.declare_family("aws:PrincipalTag/");
        for tag in role.iter().flat_map(|role| &role.tags) {
            keys.set(&format!("aws:PrincipalTag/{}", tag.key), &tag.value);
        }
        for (key, value) in &session.tags {
            keys.set(&format!("aws:PrincipalTag/{key}"), value);
        }
        let permissions = Permissions {
            identity: role.as_ref().map(|role| role.identity.clone()).unwrap_or_default(),
            boundary: role.as_ref().and_then(|role| role.boundary.clone()),
            session: self.narrowing(principal, session).await?,
        };
        Ok(decide(&permissions, principal, Call { action, resource: on, context: &keys }, resource))
    }

    async fn granted_to(&self, principal: &Principal) -> Result<Option<Arc<Role>>, Refusal> {
        let Principal::AssumedRole { role_arn, .. } = principal else { return Ok(None) };
        let (found, changes) = self.granted.find(role_arn);
        if found.is_some() {
            return Ok(found);
        }
        let Some(arn) = RoleArn::parse(role_arn) else { return Ok(None) };
        let read = self.look(|view| {
            let role = match find_role(view, &arn.account, &arn.name) {
                Ok(role) if role.path == arn.path => role,
                Ok(_) => return Ok(None),
                Err(refusal) if refusal.kind == RefusalKind::NoSuchEntity => return Ok(None),
                Err(refusal) => return Err(refusal),
            };
            Role::read(view, &arn.account, role).map(|role| Some(Arc::new(role)))
        });
        let role = read.await?;
        if let Some(role) = &role {
            self.granted.remember(role_arn, role, changes);
        }
        Ok(role)
    }

    /// The session's own policies; none where it was given none.
    async fn narrowing(
        &self,
        principal: &Principal,
        session: &RoleSession,
    ) -> Result<Option<Vec<Arc<Document>>>, Refusal> {
        if session.policy.is_none() && session.policy_arns.is_empty() {
            return Ok(None);
        }
        let mut documents: Vec<Arc<Document>> =
            session.policy.iter().filter_map(|text| parsed(text, "a session policy")).collect();
        if !session.policy_arns.is_empty() {
            let account = principal.account().unwrap_or_default();
            let managed = self.look(|view| {
                session
                    .policy_arns
                    .iter()
                    .map(|arn| managed(view, account, arn))
                    .collect::<Result<Vec<_>, _>>()
            });
            documents.extend(managed.await?.into_iter().flatten());
        }
        Ok(Some(documents))
    }
}

impl Role {
    fn read(view: &View<'_>, account: &str, role: RoleRecord) -> Result<Self, Refusal> {
        let inline = inline_policies(view, account, &role.name)?;
        let mut identity: Vec<Arc<Document>> =
            inline.iter().filter_map(|(name, text)| parsed(text, name)).collect();
        for attached in attached_to(view, account, &role.name)? {
            identity.extend(managed(view, account, &attached.arn)?);
        }
        let boundary = match &role.boundary {
            Some(arn) => Some(managed(view, account, arn)?.into_iter().collect()),
            None => None,
        };
        Ok(Self { id: role.id, tags: role.tags, identity, boundary })
    }
}

/// The version in force of a managed policy; none where it is not known, which then allows nothing.
fn managed(view: &View<'_>, account: &str, arn: &str) -> Result<Option<Arc<Document>>, Refusal> {
    if is_aws_managed(arn) {
        let document = aws_managed::document(arn);
        if document.is_none() {
            tracing::info!(
                policy = arn,
                "what this policy of AWS's own says is not known here: it allows nothing"
            );
        }
        return Ok(document);
    }
    let Some(policy) = view.get::<super::records::PolicyRecord>(&keys::policy(account, arn))? else {
        return Ok(None);
    };
    let at = keys::policy_version(account, arn, policy.default_version);
    Ok(view.get::<PolicyVersionRecord>(&at)?.and_then(|version| parsed(&version.document, arn)))
}

/// What is stored was valid when it was stored; should a later validator know better, it allows nothing.
fn parsed(text: &str, policy: &str) -> Option<Arc<Document>> {
    match Document::parse(text, Purpose::Permissions) {
        Ok(document) => Some(Arc::new(document)),
        Err(malformed) => {
            tracing::info!(policy, %malformed, "a policy cannot be read: it allows nothing");
            None
        }
    }
}

#[cfg(test)]
#[path = "authorization_tests.rs"]
mod tests;
