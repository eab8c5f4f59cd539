//! Tags of roles, users and policies.

use std::collections::BTreeSet;

use penstock_storage::keys::iam as keys;
use penstock_storage::{Batch, View};

use super::limits;
use super::managed_policies::{find_policy, require_own_policy_arn};
use super::paging::{Page, PageRequest};
use super::records::{PolicyRecord, Tag};
use super::refusal::{Refusal, RefusalKind};
use super::service::Iam;

impl Iam {
    /// TagRole.
    pub async fn tag_role(&self, account: &str, name: &str, tags: Vec<Tag>) -> Result<(), Refusal> {
        check_distinct(&tags)?;
        self.alter_role(account, name, |_, role| merge(&mut role.tags, tags)).await.map(drop)
    }

    /// UntagRole. A tag that is not there is no error.
    pub async fn untag_role(&self, account: &str, name: &str, gone: &[String]) -> Result<(), Refusal> {
        self.alter_role(account, name, |_, role| {
            remove(&mut role.tags, gone);
            Ok(())
        })
        .await
        .map(drop)
    }

    /// ListRoleTags.
    pub async fn list_role_tags(
        &self,
        account: &str,
        name: &str,
        page: &PageRequest,
    ) -> Result<Page<Tag>, Refusal> {
        page.cut(self.role(account, name).await?.tags, |tag| tag.key.clone())
    }

    /// TagUser.
    pub async fn tag_user(&self, account: &str, name: &str, tags: Vec<Tag>) -> Result<(), Refusal> {
        check_distinct(&tags)?;
        self.alter_user(account, name, |_, user| merge(&mut user.tags, tags)).await.map(drop)
    }

    /// UntagUser. A tag that is not there is no error.
    pub async fn untag_user(&self, account: &str, name: &str, gone: &[String]) -> Result<(), Refusal> {
        let altered = self.alter_user(account, name, |_, user| {
            remove(&mut user.tags, gone);
            Ok(())
        });
        altered.await.map(drop)
    }

    /// ListUserTags.
    pub async fn list_user_tags(
        &self,
        account: &str,
        name: &str,
        page: &PageRequest,
    ) -> Result<Page<Tag>, Refusal> {
        page.cut(self.user(account, name).await?.tags, |tag| tag.key.clone())
    }

    /// TagPolicy.
    pub async fn tag_policy(&self, account: &str, arn: &str, tags: Vec<Tag>) -> Result<(), Refusal> {
        check_distinct(&tags)?;
        self.alter_policy(account, arn, |_, policy| merge(&mut policy.tags, tags)).await
    }

    /// UntagPolicy.
    pub async fn untag_policy(&self, account: &str, arn: &str, gone: &[String]) -> Result<(), Refusal> {
        self.alter_policy(account, arn, |_, policy| {
            remove(&mut policy.tags, gone);
            Ok(())
        })
        .await
    }

    /// ListPolicyTags.
    pub async fn list_policy_tags(
        &self,
        account: &str,
        arn: &str,
        page: &PageRequest,
    ) -> Result<Page<Tag>, Refusal> {
        let tags = self.policy(account, arn).await?.own.map(|own| own.tags).unwrap_or_default();
        page.cut(tags, |tag| tag.key.clone())
    }

    async fn alter_policy(
        &self,
        account: &str,
        arn: &str,
        alter: impl FnOnce(&View<'_>, &mut PolicyRecord) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let change = self.change(account).await;
        change.grows()?;
        let policy = change
            .look(|view| {
                require_own_policy_arn(arn)?;
                let mut policy = find_policy(view, account, arn)?;
                alter(view, &mut policy)?;
                Ok(policy)
            })
            .await?;
        let mut batch = Batch::new();
        batch.put(keys::policy(account, arn), &policy);
        change.commit(batch).await;
        Ok(())
    }
}

/// Refuses a request that names a key twice, or one of AWS's own.
pub(super) fn check_distinct(tags: &[Tag]) -> Result<(), Refusal> {
    let invalid = |message: &str| Err(Refusal::new(RefusalKind::InvalidInput, message));
    let mut seen = BTreeSet::new();
    for tag in tags {
        let key = tag.key.to_lowercase();
        if key.starts_with("aws:") {
            return invalid("aws: prefixed tag key names are not allowed for external use.");
        }
        if !seen.insert(key) {
            return invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
        }
    }
    Ok(())
}

fn merge(tags: &mut Vec<Tag>, new: Vec<Tag>) -> Result<(), Refusal> {
    for tag in new {
        match tags.iter_mut().find(|old| same_key(&old.key, &tag.key)) {
            Some(old) => *old = tag,
            None => tags.push(tag),
        }
    }
    if tags.len() > limits::TAGS {
        return Err(Refusal::limit(format!(
            "The number of tags has reached the maximum limit: {}",
            limits::TAGS
        )));
    }
    Ok(())
}

fn remove(tags: &mut Vec<Tag>, gone: &[String]) {
    tags.retain(|tag| !gone.iter().any(|key| same_key(key, &tag.key)));
}

fn same_key(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}
