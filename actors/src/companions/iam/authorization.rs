//! Whether a session of a role, or a user, may make a call, by the policies that are kept here.
//!
//! What its policies say is parsed once and remembered until anything in IAM changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use penstock_engine::time::Timestamp;
use penstock_storage::View;
use penstock_storage::keys::iam as keys;

use super::aws_managed;
use super::entity::Entity;
use super::groups::groups_of;
use super::held_policies::{attached_to, inline_policies};
use super::identifiers::{EntityArn, is_aws_managed};
use super::records::{PolicyVersionRecord, Tag};
use super::refusal::{Refusal, RefusalKind};
use super::roles::find_role;
use super::service::Iam;
use super::users::find_user;
use crate::companions::policy::context::Context;
use crate::companions::policy::document::{Document, Purpose};
use crate::companions::policy::permissions::{Call, Denial, Permissions, Resource, decide};
use crate::companions::policy::principal::Principal;
use crate::companions::sts::RoleSession;

/// Roles and users that are remembered.
const REMEMBERED: usize = 1000;

/// A session of a role, or a user, as it calls.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// The session or the user.
    pub principal: &'a Principal,
    /// What a session brings along.
    pub session: Option<&'a RoleSession>,
}

/// What policies say, by the ARN of the role or user that has them.
#[derive(Default)]
pub(super) struct Granted(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    holders: HashMap<String, Arc<Holder>>,
    /// Counts the changes of IAM: what was read before one is not remembered after it.
    changes: u64,
}

/// What is known of a role or user.
struct Holder {
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
        remembered.holders.clear();
    }

    fn find(&self, arn: &str) -> (Option<Arc<Holder>>, u64) {
        let remembered = self.lock();
        (remembered.holders.get(arn).cloned(), remembered.changes)
    }

    fn remember(&self, arn: &str, holder: &Arc<Holder>, changes: u64) {
        let mut remembered = self.lock();
        if remembered.changes != changes {
            return;
        }
        if remembered.holders.len() >= REMEMBERED {
            remembered.holders.clear();
        }
        remembered.holders.insert(arn.to_owned(), Arc::clone(holder));
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
        let holder = self.granted_to(principal).await?;
        // Sessions of a role that is gone, or of an earlier one of the same name, may do nothing any more.
        let holder = holder.filter(|holder| session.is_none_or(|session| holder.id == session.role_id));
        keys.set_caller(principal, now);
        let id = match session {
            Some(session) => Some(format!("{}:{}", session.role_id, session.name)),
            None => holder.as_ref().map(|holder| holder.id.clone()),
        };
        keys.set_optional("aws:userid", id);
        keys.set_optional(
            "aws:SourceIdentity",
            session.and_then(|session| session.source_identity.as_deref()),
        );
        keys.declare_family("aws:PrincipalTag/");
        for tag in holder.iter().flat_map(|holder| &holder.tags) {
            keys.set(&format!("aws:PrincipalTag/{}", tag.key), &tag.value);
        }
        for (key, value) in session.iter().flat_map(|session| &session.tags) {
            keys.set(&format!("aws:PrincipalTag/{key}"), value);
        }
        let permissions = Permissions {
            identity: holder.as_ref().map(|holder| holder.identity.clone()).unwrap_or_default(),
            boundary: holder.as_ref().and_then(|holder| holder.boundary.clone()),
            session: match session {
                Some(session) => self.narrowing(principal, session).await?,
                None => None,
            },
        };
        Ok(decide(&permissions, principal, Call { action, resource: on, context: &keys }, resource))
    }

    async fn granted_to(&self, principal: &Principal) -> Result<Option<Arc<Holder>>, Refusal> {
        let arn = match principal {
            Principal::AssumedRole { role_arn, .. } => role_arn,
            Principal::User { arn } => arn,
            Principal::Root { .. } | Principal::Service(_) => return Ok(None),
        };
        let (found, changes) = self.granted.find(arn);
        if found.is_some() {
            return Ok(found);
        }
        let read = self.look(|view| match Holder::read(view, arn) {
            Ok(holder) => Ok(holder.map(Arc::new)),
            Err(refusal) if refusal.kind == RefusalKind::NoSuchEntity => Ok(None),
            Err(refusal) => Err(refusal),
        });
        let holder = read.await?;
        if let Some(holder) = &holder {
            self.granted.remember(arn, holder, changes);
        }
        Ok(holder)
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

impl Holder {
    /// The role or user with that ARN, if there is one.
    fn read(view: &View<'_>, arn: &str) -> Result<Option<Self>, Refusal> {
        if let Some(arn) = EntityArn::role(arn) {
            let role = find_role(view, &arn.account, &arn.name)?;
            let on = Entity::Role(&role.name);
            let found = Self::of(view, &arn.account, on, role.id, role.tags, role.boundary)?;
            return Ok((role.path == arn.path).then_some(found));
        }
        let Some(arn) = EntityArn::user(arn) else { return Ok(None) };
        let user = find_user(view, &arn.account, &arn.name)?;
        let groups = groups_of(view, &arn.account, &user)?;
        let on = Entity::User(&user.name);
        let mut found = Self::of(view, &arn.account, on, user.id, user.tags, user.boundary)?;
        for group in groups {
            found.identity.extend(policies_of(view, &arn.account, Entity::Group(&group.name))?);
        }
        Ok((user.path == arn.path).then_some(found))
    }

    fn of(
        view: &View<'_>,
        account: &str,
        on: Entity<'_>,
        id: String,
        tags: Vec<Tag>,
        boundary: Option<String>,
    ) -> Result<Self, Refusal> {
        let identity = policies_of(view, account, on)?;
        let boundary = match &boundary {
            Some(arn) => Some(managed(view, account, arn)?.into_iter().collect()),
            None => None,
        };
        Ok(Self { id, tags, identity, boundary })
    }
}

/// What hangs on a role, a user or a group.
fn policies_of(view: &View<'_>, account: &str, on: Entity<'_>) -> Result<Vec<Arc<Document>>, Refusal> {
    let inline = inline_policies(view, account, on)?;
    let mut found: Vec<Arc<Document>> = inline.iter().filter_map(|(name, text)| parsed(text, name)).collect();
    for attached in attached_to(view, account, on)? {
        found.extend(managed(view, account, &attached.arn)?);
    }
    Ok(found)
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
