//! The versions of a managed policy.

use std::ops::Bound;

use penstock_engine::time::Timestamp;
use penstock_storage::keys::iam as keys;
use penstock_storage::{Batch, Direction, View};

use super::limits;
use super::managed_policies::{find_policy, require_own_policy_arn, require_policy_arn};
use super::paging::{Page, PageRequest};
use super::records::PolicyVersionRecord;
use super::refusal::{Refusal, RefusalKind};
use super::service::Iam;
use crate::companions::policy::document::{Document, Purpose};

/// A version of a managed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Its number: `v1` is 1.
    pub number: u32,
    /// Whether it is in force.
    pub is_default: bool,
    /// Exactly as sent.
    pub document: String,
    /// When it was created.
    pub created: Timestamp,
}

impl Iam {
    /// CreatePolicyVersion; `as_default` puts it in force.
    pub async fn create_policy_version(
        &self,
        account: &str,
        arn: &str,
        document: String,
        as_default: Option<bool>,
        now: Timestamp,
    ) -> Result<PolicyVersion, Refusal> {
        Document::parse(&document, Purpose::ManagedPermissions)?;
        limits::check_managed_policy(&document)?;
        let change = self.change(account).await;
        change.grows()?;
        let mut policy = change
            .look(|view| {
                require_own_policy_arn(arn)?;
                let policy = find_policy(view, account, arn)?;
                if versions(view, account, arn)?.len() >= limits::VERSIONS_PER_POLICY {
                    return Err(Refusal::limit(format!(
                        "A managed policy can have up to {} versions. Before you create a new version, you \
                         must delete an existing version.",
                        limits::VERSIONS_PER_POLICY
                    )));
                }
                Ok(policy)
            })
            .await?;
        let number = policy.next_version;
        let is_default = as_default == Some(true);
        policy.next_version += 1;
        policy.updated = now;
        if is_default {
            policy.default_version = number;
        }
        let record = PolicyVersionRecord { document, created: now };
        let mut batch = Batch::new();
        batch.put(keys::policy(account, arn), &policy);
        batch.put(keys::policy_version(account, arn, number), &record);
        change.commit(batch).await;
        Ok(PolicyVersion { number, is_default, document: record.document, created: now })
    }

    /// GetPolicyVersion. The documents of AWS's own policies are not known here.
    pub async fn policy_version(
        &self,
        account: &str,
        arn: &str,
        version: &str,
    ) -> Result<PolicyVersion, Refusal> {
        self.look(|view| {
            require_policy_arn(arn)?;
            find_version(view, account, arn, version)
        })
        .await
    }

    /// ListPolicyVersions, the newest first as AWS does.
    pub async fn list_policy_versions(
        &self,
        account: &str,
        arn: &str,
        page: &PageRequest,
    ) -> Result<Page<PolicyVersion>, Refusal> {
        self.look(|view| {
            require_policy_arn(arn)?;
            find_policy(view, account, arn)?;
            page.cut(versions(view, account, arn)?, |version| format!("{:08x}", u32::MAX - version.number))
        })
        .await
    }

    /// SetDefaultPolicyVersion.
    pub async fn set_default_policy_version(
        &self,
        account: &str,
        arn: &str,
        version: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let change = self.change(account).await;
        let mut policy = change
            .look(|view| {
                require_own_policy_arn(arn)?;
                let mut policy = find_policy(view, account, arn)?;
                policy.default_version = find_version(view, account, arn, version)?.number;
                Ok(policy)
            })
            .await?;
        policy.updated = now;
        let mut batch = Batch::new();
        batch.put(keys::policy(account, arn), &policy);
        change.commit(batch).await;
        Ok(())
    }

    /// DeletePolicyVersion: not the one in force.
    pub async fn delete_policy_version(
        &self,
        account: &str,
        arn: &str,
        version: &str,
    ) -> Result<(), Refusal> {
        let change = self.change(account).await;
        let number = change
            .look(|view| {
                require_own_policy_arn(arn)?;
                let version = find_version(view, account, arn, version)?;
                if version.is_default {
                    return Err(Refusal::new(
                        RefusalKind::DeleteConflict,
                        "Cannot delete the default version of a policy.",
                    ));
                }
                Ok(version.number)
            })
            .await?;
        let mut batch = Batch::new();
        batch.delete(keys::policy_version(account, arn, number));
        change.commit(batch).await;
        Ok(())
    }
}

fn find_version(view: &View<'_>, account: &str, arn: &str, version: &str) -> Result<PolicyVersion, Refusal> {
    let missing = || {
        Refusal::new(
            RefusalKind::NoSuchEntity,
            format!("Policy {arn} version {version} does not exist or is not attachable."),
        )
    };
    let policy = find_policy(view, account, arn)?;
    let number: u32 = version.strip_prefix('v').and_then(|digits| digits.parse().ok()).ok_or_else(missing)?;
    let record: PolicyVersionRecord =
        view.get(&keys::policy_version(account, arn, number))?.ok_or_else(missing)?;
    Ok(PolicyVersion {
        number,
        is_default: policy.default_version == number,
        document: record.document,
        created: record.created,
    })
}

fn versions(view: &View<'_>, account: &str, arn: &str) -> Result<Vec<PolicyVersion>, Refusal> {
    let default = find_policy(view, account, arn)?.default_version;
    let prefix = keys::policy_versions(account, arn);
    let mut versions = Vec::new();
    for entry in view.scan::<PolicyVersionRecord>(&prefix, Bound::Unbounded, Direction::Forward) {
        let (key, record) = entry?;
        if let Some(number) = keys::parse_policy_version(&key) {
            versions.push(PolicyVersion {
                number,
                is_default: number == default,
                document: record.document,
                created: record.created,
            });
        }
    }
    Ok(versions)
}
