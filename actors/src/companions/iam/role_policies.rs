//! What hangs on a role: inline policies, and managed policies attached to it.

use std::collections::BTreeMap;
use std::ops::Bound;

use penstock_engine::time::Timestamp;
use penstock_storage::keys::iam as keys;
use penstock_storage::{Batch, Direction, View};

use super::identifiers::{policy_name, policy_path};
use super::limits;
use super::managed_policies::{require_attachable, require_policy_arn};
use super::paging::{Page, PageRequest};
use super::records::{AttachmentRecord, InlinePolicyRecord};
use super::refusal::{Refusal, RefusalKind};
use super::roles::{find_role, role_segment};
use super::service::Iam;
use crate::companions::policy::document::{Document, Purpose};

/// A managed policy on a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedPolicy {
    /// The last part of its ARN.
    pub name: String,
    /// Which policy.
    pub arn: String,
}

impl Iam {
    /// PutRolePolicy.
    pub async fn put_role_policy(
        &self,
        account: &str,
        role: &str,
        policy: &str,
        document: String,
    ) -> Result<(), Refusal> {
        Document::parse(&document, Purpose::Permissions)?;
        let change = self.change(account).await;
        change.grows()?;
        change
            .look(|view| {
                find_role(view, account, role)?;
                let mut all = inline_policies(view, account, role)?;
                all.insert(policy.to_owned(), document.clone());
                limits::check_inline_policies(role, all.values().map(String::as_str))
            })
            .await?;
        let mut batch = Batch::new();
        let key = keys::role_policy(account, &role_segment(role), policy);
        batch.put(key, &InlinePolicyRecord { document });
        change.commit(batch).await;
        Ok(())
    }

    /// GetRolePolicy: the document exactly as sent.
    pub async fn role_policy(&self, account: &str, role: &str, policy: &str) -> Result<String, Refusal> {
        self.look(|view| {
            find_role(view, account, role)?;
            find_inline(view, account, role, policy)
        })
        .await
    }

    /// DeleteRolePolicy.
    pub async fn delete_role_policy(&self, account: &str, role: &str, policy: &str) -> Result<(), Refusal> {
        let change = self.change(account).await;
        change
            .look(|view| {
                find_role(view, account, role)?;
                find_inline(view, account, role, policy)
            })
            .await?;
        let mut batch = Batch::new();
        batch.delete(keys::role_policy(account, &role_segment(role), policy));
        change.commit(batch).await;
        Ok(())
    }

    /// ListRolePolicies: the names.
    pub async fn list_role_policies(
        &self,
        account: &str,
        role: &str,
        page: &PageRequest,
    ) -> Result<Page<String>, Refusal> {
        self.look(|view| {
            find_role(view, account, role)?;
            page.cut(inline_policies(view, account, role)?.into_keys().collect(), Clone::clone)
        })
        .await
    }

    /// AttachRolePolicy. Attaching again changes nothing.
    pub async fn attach_role_policy(
        &self,
        account: &str,
        role: &str,
        arn: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let change = self.change(account).await;
        change.grows()?;
        let is_new = change
            .look(|view| {
                find_role(view, account, role)?;
                require_policy_arn(arn)?;
                require_attachable(view, account, arn, "Policy")?;
                let attached = attached_to(view, account, role)?;
                if attached.iter().any(|policy| policy.arn == arn) {
                    return Ok(false);
                }
                if attached.len() >= limits::POLICIES_PER_ROLE {
                    return Err(Refusal::limit(format!(
                        "Cannot exceed quota for PoliciesPerRole: {}",
                        limits::POLICIES_PER_ROLE
                    )));
                }
                Ok(true)
            })
            .await?;
        if is_new {
            let mut batch = Batch::new();
            let key = keys::attached(account, &role_segment(role), arn);
            batch.put(key, &AttachmentRecord { attached: now });
            change.commit(batch).await;
        }
        Ok(())
    }

    /// DetachRolePolicy.
    pub async fn detach_role_policy(&self, account: &str, role: &str, arn: &str) -> Result<(), Refusal> {
        let key = keys::attached(account, &role_segment(role), arn);
        let change = self.change(account).await;
        change
            .look(|view| {
                find_role(view, account, role)?;
                require_policy_arn(arn)?;
                if view.contains(&key)? { Ok(()) } else { Err(Refusal::no_policy(arn)) }
            })
            .await?;
        let mut batch = Batch::new();
        batch.delete(key);
        change.commit(batch).await;
        Ok(())
    }

    /// ListAttachedRolePolicies: those whose path begins so.
    pub async fn list_attached_role_policies(
        &self,
        account: &str,
        role: &str,
        path_prefix: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<AttachedPolicy>, Refusal> {
        self.look(|view| {
            find_role(view, account, role)?;
            let mut attached = attached_to(view, account, role)?;
            attached.retain(|one| path_prefix.is_none_or(|prefix| policy_path(&one.arn).starts_with(prefix)));
            page.cut(attached, |policy| policy.arn.clone())
        })
        .await
    }
}

pub(super) fn inline_policies(
    view: &View<'_>,
    account: &str,
    role: &str,
) -> Result<BTreeMap<String, String>, Refusal> {
    let prefix = keys::role_policies(account, &role_segment(role));
    let mut policies = BTreeMap::new();
    for entry in view.scan::<InlinePolicyRecord>(&prefix, Bound::Unbounded, Direction::Forward) {
        let (key, record) = entry?;
        if let Some(name) = keys::parse_role_policy(&key) {
            policies.insert(name, record.document);
        }
    }
    Ok(policies)
}

fn find_inline(view: &View<'_>, account: &str, role: &str, policy: &str) -> Result<String, Refusal> {
    let record: Option<InlinePolicyRecord> =
        view.get(&keys::role_policy(account, &role_segment(role), policy))?;
    record.map(|record| record.document).ok_or_else(|| {
        Refusal::new(
            RefusalKind::NoSuchEntity,
            format!("The role policy with name {policy} cannot be found."),
        )
    })
}

pub(super) fn attached_to(
    view: &View<'_>,
    account: &str,
    role: &str,
) -> Result<Vec<AttachedPolicy>, Refusal> {
    let prefix = keys::attached_to(account, &role_segment(role));
    let mut attached = Vec::new();
    for key in view.scan_keys(&prefix, Bound::Unbounded, Direction::Forward) {
        if let Some((_, arn)) = keys::parse_attached(&key?) {
            let name = policy_name(&arn).unwrap_or_default().to_owned();
            attached.push(AttachedPolicy { name, arn });
        }
    }
    Ok(attached)
}
