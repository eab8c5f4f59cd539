//! What hangs on a role, a user or a group: inline policies, and managed policies attached to it.

use std::collections::BTreeMap;
use std::ops::Bound;

use penstock_engine::time::Timestamp;
use penstock_storage::keys::iam as keys;
use penstock_storage::{Batch, Direction, View};

use super::entity::Entity;
use super::identifiers::{policy_name, policy_path};
use super::limits;
use super::managed_policies::{require_attachable, require_policy_arn};
use super::paging::{Page, PageRequest};
use super::records::{AttachmentRecord, InlinePolicyRecord};
use super::refusal::{Refusal, RefusalKind};
use super::service::Iam;
use crate::companions::policy::document::{Document, Purpose};

/// A managed policy on a role, a user or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedPolicy {
    /// The last part of its ARN.
    pub name: String,
    /// Which policy.
    pub arn: String,
}

impl Iam {
    /// PutRolePolicy, PutUserPolicy and PutGroupPolicy.
    pub async fn put_inline_policy(
        &self,
        account: &str,
        on: Entity<'_>,
        policy: &str,
        document: String,
    ) -> Result<(), Refusal> {
        Document::parse(&document, Purpose::Permissions)?;
        let change = self.change(account).await;
        change.grows()?;
        change
            .look(|view| {
                on.require(view, account)?;
                let mut all = inline_policies(view, account, on)?;
                all.insert(policy.to_owned(), document.clone());
                limits::check_inline_policies(on, all.values().map(String::as_str))
            })
            .await?;
        let mut batch = Batch::new();
        let key = keys::role_policy(account, &on.segment(), policy);
        batch.put(key, &InlinePolicyRecord { document });
        change.commit(batch).await;
        Ok(())
    }

    /// GetRolePolicy, GetUserPolicy and GetGroupPolicy: the document exactly as sent.
    pub async fn inline_policy(
        &self,
        account: &str,
        on: Entity<'_>,
        policy: &str,
    ) -> Result<String, Refusal> {
        self.look(|view| {
            on.require(view, account)?;
            find_inline(view, account, on, policy)
        })
        .await
    }

    /// DeleteRolePolicy, DeleteUserPolicy and DeleteGroupPolicy.
    pub async fn delete_inline_policy(
        &self,
        account: &str,
        on: Entity<'_>,
        policy: &str,
    ) -> Result<(), Refusal> {
        let change = self.change(account).await;
        change
            .look(|view| {
                on.require(view, account)?;
                find_inline(view, account, on, policy)
            })
            .await?;
        let mut batch = Batch::new();
        batch.delete(keys::role_policy(account, &on.segment(), policy));
        change.commit(batch).await;
        Ok(())
    }

    /// ListRolePolicies, ListUserPolicies and ListGroupPolicies: the names.
    pub async fn list_inline_policies(
        &self,
        account: &str,
        on: Entity<'_>,
        page: &PageRequest,
    ) -> Result<Page<String>, Refusal> {
        self.look(|view| {
            on.require(view, account)?;
            page.cut(inline_policies(view, account, on)?.into_keys().collect(), Clone::clone)
        })
        .await
    }

    /// AttachRolePolicy, AttachUserPolicy and AttachGroupPolicy. Attaching again changes nothing.
    pub async fn attach_policy(
        &self,
        account: &str,
        on: Entity<'_>,
        arn: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let change = self.change(account).await;
        change.grows()?;
        let is_new = change
            .look(|view| {
                on.require(view, account)?;
                require_policy_arn(arn)?;
                require_attachable(view, account, arn, "Policy")?;
                let attached = attached_to(view, account, on)?;
                if attached.iter().any(|policy| policy.arn == arn) {
                    return Ok(false);
                }
                if attached.len() >= limits::POLICIES_PER_ENTITY {
                    return Err(Refusal::limit(format!(
                        "Cannot exceed quota for PoliciesPer{}: {}",
                        on.kind(),
                        limits::POLICIES_PER_ENTITY
                    )));
                }
                Ok(true)
            })
            .await?;
        if is_new {
            let mut batch = Batch::new();
            let key = keys::attached(account, &on.segment(), arn);
            batch.put(key, &AttachmentRecord { attached: now });
            change.commit(batch).await;
        }
        Ok(())
    }

    /// DetachRolePolicy, DetachUserPolicy and DetachGroupPolicy.
    pub async fn detach_policy(&self, account: &str, on: Entity<'_>, arn: &str) -> Result<(), Refusal> {
        let key = keys::attached(account, &on.segment(), arn);
        let change = self.change(account).await;
        change
            .look(|view| {
                on.require(view, account)?;
                require_policy_arn(arn)?;
                if view.contains(&key)? { Ok(()) } else { Err(Refusal::no_policy(arn)) }
            })
            .await?;
        let mut batch = Batch::new();
        batch.delete(key);
        change.commit(batch).await;
        Ok(())
    }

    /// ListAttachedRolePolicies and its likes for users and groups: those whose path begins so.
    pub async fn list_attached_policies(
        &self,
        account: &str,
        on: Entity<'_>,
        path_prefix: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<AttachedPolicy>, Refusal> {
        self.look(|view| {
            on.require(view, account)?;
            let mut attached = attached_to(view, account, on)?;
            attached.retain(|one| path_prefix.is_none_or(|prefix| policy_path(&one.arn).starts_with(prefix)));
            page.cut(attached, |policy| policy.arn.clone())
        })
        .await
    }
}

pub(super) fn inline_policies(
    view: &View<'_>,
    account: &str,
    on: Entity<'_>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let prefix = keys::role_policies(account, &on.segment());
    let mut policies = BTreeMap::new();
    for entry in view.scan::<InlinePolicyRecord>(&prefix, Bound::Unbounded, Direction::Forward) {
        let (key, record) = entry?;
        if let Some(name) = keys::parse_role_policy(&key) {
            policies.insert(name, record.document);
        }
    }
    Ok(policies)
}

/// Refuses to delete what still has policies.
pub(super) fn require_no_policies(view: &View<'_>, account: &str, on: Entity<'_>) -> Result<(), Refusal> {
    let on = on.segment();
    for (prefix, first) in [
        (keys::attached_to(account, &on), "detach all policies"),
        (keys::role_policies(account, &on), "delete policies"),
    ] {
        let any = view.scan_keys(&prefix, Bound::Unbounded, Direction::Forward).next();
        if any.transpose()?.is_some() {
            let text = format!("Cannot delete entity, must {first} first.");
            return Err(Refusal::new(RefusalKind::DeleteConflict, text));
        }
    }
    Ok(())
}

fn find_inline(view: &View<'_>, account: &str, on: Entity<'_>, policy: &str) -> Result<String, Refusal> {
    let record: Option<InlinePolicyRecord> = view.get(&keys::role_policy(account, &on.segment(), policy))?;
    record.map(|record| record.document).ok_or_else(|| {
        Refusal::new(
            RefusalKind::NoSuchEntity,
            format!("The {} policy with name {policy} cannot be found.", on.noun()),
        )
    })
}

pub(super) fn attached_to(
    view: &View<'_>,
    account: &str,
    on: Entity<'_>,
) -> Result<Vec<AttachedPolicy>, Refusal> {
    let prefix = keys::attached_to(account, &on.segment());
    let mut attached = Vec::new();
    for key in view.scan_keys(&prefix, Bound::Unbounded, Direction::Forward) {
        if let Some((_, arn)) = keys::parse_attached(&key?) {
            let name = policy_name(&arn).unwrap_or_default().to_owned();
            attached.push(AttachedPolicy { name, arn });
        }
    }
    Ok(attached)
}
