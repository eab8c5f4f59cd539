//! Roles.

use std::ops::Bound;

use penstock_engine::time::Timestamp;
use penstock_storage::keys::iam as keys;
use penstock_storage::{Batch, Direction, Key, View};

use super::entity::Entity;
use super::held_policies::require_no_policies;
use super::identifiers::unique_id;
use super::limits;
use super::managed_policies::require_attachable;
use super::paging::{Page, PageRequest};
use super::records::{RoleRecord, Tag};
use super::refusal::{Refusal, RefusalKind};
use super::service::Iam;
use super::tags;
use crate::companions::policy::document::{Document, Purpose};

/// What CreateRole is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRole {
    /// The role's name.
    pub name: String,
    /// `/` unless given.
    pub path: Option<String>,
    /// The trust policy.
    pub trust: String,
    /// Free text.
    pub description: Option<String>,
    /// Seconds; one hour unless given.
    pub max_session: Option<u32>,
    /// The ARN of a policy.
    pub boundary: Option<String>,
    /// At most 50.
    pub tags: Vec<Tag>,
}

const DEFAULT_MAX_SESSION: u32 = 3600;

impl Iam {
    /// CreateRole.
    pub async fn create_role(
        &self,
        account: &str,
        new: NewRole,
        now: Timestamp,
    ) -> Result<RoleRecord, Refusal> {
        check_trust(&new.trust)?;
        tags::check_distinct(&new.tags)?;
        let role = RoleRecord {
            name: new.name,
            path: new.path.unwrap_or_else(|| "/".to_owned()),
            id: unique_id("AROA")?,
            created: now,
            trust: new.trust,
            description: new.description,
            max_session: new.max_session.unwrap_or(DEFAULT_MAX_SESSION),
            boundary: new.boundary,
            tags: new.tags,
        };
        let change = self.change(account).await;
        change.grows()?;
        change
            .look(|view| {
                Entity::Role(&role.name).require_free(view, account)?;
                role.boundary.as_deref().map_or(Ok(()), |arn| check_boundary(view, account, arn))
            })
            .await?;
        let mut batch = Batch::new();
        batch.put(role_key(account, &role.name), &role);
        change.commit(batch).await;
        Ok(role)
    }

    /// GetRole.
    pub async fn role(&self, account: &str, name: &str) -> Result<RoleRecord, Refusal> {
        self.look(|view| find_role(view, account, name)).await
    }

    /// ListRoles: those whose path begins so.
    pub async fn list_roles(
        &self,
        account: &str,
        path_prefix: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<RoleRecord>, Refusal> {
        self.look(|view| {
            let mut roles = all_roles(view, account)?;
            roles.retain(|role| path_prefix.is_none_or(|prefix| role.path.starts_with(prefix)));
            page.cut(roles, |role| role.name.to_ascii_lowercase())
        })
        .await
    }

    /// DeleteRole: refused as long as it has policies.
    pub async fn delete_role(&self, account: &str, name: &str) -> Result<(), Refusal> {
        let change = self.change(account).await;
        change
            .look(|view| {
                find_role(view, account, name)?;
                require_no_policies(view, account, Entity::Role(name))
            })
            .await?;
        let mut batch = Batch::new();
        batch.delete(role_key(account, name));
        change.commit(batch).await;
        Ok(())
    }

    /// UpdateRole and UpdateRoleDescription: what is not given stays as it is.
    pub async fn update_role(
        &self,
        account: &str,
        name: &str,
        description: Option<String>,
        max_session: Option<u32>,
    ) -> Result<RoleRecord, Refusal> {
        self.alter_role(account, name, |_, role| {
            role.description = description.or(role.description.take());
            role.max_session = max_session.unwrap_or(role.max_session);
            Ok(())
        })
        .await
    }

    /// UpdateAssumeRolePolicy.
    pub async fn update_trust(&self, account: &str, name: &str, trust: String) -> Result<(), Refusal> {
        check_trust(&trust)?;
        self.alter_role(account, name, |_, role| {
            role.trust = trust;
            Ok(())
        })
        .await
        .map(drop)
    }

    /// PutRolePermissionsBoundary, and DeleteRolePermissionsBoundary with none.
    pub async fn set_boundary(
        &self,
        account: &str,
        name: &str,
        boundary: Option<String>,
    ) -> Result<(), Refusal> {
        self.alter_role(account, name, |view, role| {
            if let Some(arn) = &boundary {
                check_boundary(view, account, arn)?;
            } else if role.boundary.is_none() {
                return Err(Refusal::new(
                    RefusalKind::NoSuchEntity,
                    format!("Role {} does not have a permissions boundary.", role.name),
                ));
            }
            role.boundary = boundary;
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Changes one role's own record.
    pub(super) async fn alter_role(
        &self,
        account: &str,
        name: &str,
        alter: impl FnOnce(&View<'_>, &mut RoleRecord) -> Result<(), Refusal>,
    ) -> Result<RoleRecord, Refusal> {
        let change = self.change(account).await;
        change.grows()?;
        let role = change
            .look(|view| {
                let mut role = find_role(view, account, name)?;
                alter(view, &mut role)?;
                Ok(role)
            })
            .await?;
        let mut batch = Batch::new();
        batch.put(role_key(account, name), &role);
        change.commit(batch).await;
        Ok(role)
    }
}

/// How a role is called in keys: names that differ in case only are one name.
pub(super) fn role_segment(name: &str) -> String {
    name.to_ascii_lowercase()
}

pub(super) fn role_key(account: &str, name: &str) -> Key {
    keys::role(account, &role_segment(name))
}

pub(super) fn find_role(view: &View<'_>, account: &str, name: &str) -> Result<RoleRecord, Refusal> {
    let role: Option<RoleRecord> = view.get(&role_key(account, name))?;
    role.filter(|role| role.name == name).ok_or_else(|| Refusal::no_role(name))
}

pub(super) fn all_roles(view: &View<'_>, account: &str) -> Result<Vec<RoleRecord>, Refusal> {
    let scan = view.scan::<RoleRecord>(&keys::roles(account), Bound::Unbounded, Direction::Forward);
    Ok(scan.map(|entry| entry.map(|(_, role)| role)).collect::<Result<_, _>>()?)
}

fn check_trust(text: &str) -> Result<(), Refusal> {
    Document::parse(text, Purpose::Trust)?;
    limits::check_trust_policy(text)
}

fn check_boundary(view: &View<'_>, account: &str, arn: &str) -> Result<(), Refusal> {
    require_attachable(view, account, arn, "Scope ARN:")
}
