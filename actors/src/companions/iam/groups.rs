//! Groups: whose policies every member has as well (IAM user guide, "IAM user groups").

use std::ops::Bound;

use penstock_engine::time::Timestamp;
use penstock_storage::keys::iam as keys;
use penstock_storage::{Batch, Direction, Key, View};

use super::entity::Entity;
use super::held_policies::require_no_policies;
use super::identifiers::unique_id;
use super::limits;
use super::paging::{Page, PageRequest};
use super::records::{GroupRecord, UserRecord};
use super::refusal::{Refusal, RefusalKind};
use super::renaming::make_room;
use super::service::Iam;
use super::users::{all_users, find_user};

/// Whether an operation puts a user into a group or takes him out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// AddUserToGroup.
    Added,
    /// RemoveUserFromGroup.
    Removed,
}

impl Iam {
    /// CreateGroup.
    pub async fn create_group(
        &self,
        account: &str,
        name: &str,
        path: Option<String>,
        now: Timestamp,
    ) -> Result<GroupRecord, Refusal> {
        let group = GroupRecord {
            name: name.to_owned(),
            path: path.unwrap_or_else(|| "/".to_owned()),
            id: unique_id("AGPA")?,
            created: now,
        };
        let change = self.change(account).await;
        change.grows()?;
        change
            .look(|view| {
                Entity::Group(name).require_free(view, account)?;
                if all_groups(view, account)?.len() >= limits::GROUPS {
                    let text = format!("Cannot exceed quota for GroupsPerAccount: {}", limits::GROUPS);
                    return Err(Refusal::limit(text));
                }
                Ok(())
            })
            .await?;
        let mut batch = Batch::new();
        batch.put(group_key(account, name), &group);
        change.commit(batch).await;
        Ok(group)
    }

    /// A group alone, for GetGroup and for whoever asks for its ARN.
    pub async fn group(&self, account: &str, name: &str) -> Result<GroupRecord, Refusal> {
        self.look(|view| find_group(view, account, name)).await
    }

    /// GetGroup: its members.
    pub async fn members_of(
        &self,
        account: &str,
        name: &str,
        page: &PageRequest,
    ) -> Result<Page<UserRecord>, Refusal> {
        self.look(|view| {
            let group = find_group(view, account, name)?;
            page.cut(members(view, account, &group)?, |user| user.name.to_ascii_lowercase())
        })
        .await
    }

    /// ListGroups: those whose path begins so.
    pub async fn list_groups(
        &self,
        account: &str,
        path_prefix: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<GroupRecord>, Refusal> {
        self.look(|view| {
            let mut groups = all_groups(view, account)?;
            groups.retain(|group| path_prefix.is_none_or(|prefix| group.path.starts_with(prefix)));
            page.cut(groups, |group| group.name.to_ascii_lowercase())
        })
        .await
    }

    /// ListGroupsForUser.
    pub async fn groups_for_user(
        &self,
        account: &str,
        user: &str,
        page: &PageRequest,
    ) -> Result<Page<GroupRecord>, Refusal> {
        self.look(|view| {
            let user = find_user(view, account, user)?;
            page.cut(groups_of(view, account, &user)?, |group| group.name.to_ascii_lowercase())
        })
        .await
    }

    /// UpdateGroup: another path, another name. Members and policies stay.
    pub async fn update_group(
        &self,
        account: &str,
        name: &str,
        new_path: Option<String>,
        new_name: Option<String>,
    ) -> Result<(), Refusal> {
        let change = self.change(account).await;
        change.grows()?;
        let batch = change.look(|view| {
            let mut group = find_group(view, account, name)?;
            let mut batch = Batch::new();
            group.path = new_path.unwrap_or(group.path);
            if let Some(new_name) = new_name.filter(|new_name| *new_name != name) {
                make_room(view, account, Entity::Group(name), Entity::Group(&new_name), &mut batch)?;
                group.name = new_name;
            }
            batch.put(group_key(account, &group.name), &group);
            Ok(batch)
        });
        let batch = batch.await?;
        change.commit(batch).await;
        Ok(())
    }

    /// DeleteGroup: refused as long as it has members or policies.
    pub async fn delete_group(&self, account: &str, name: &str) -> Result<(), Refusal> {
        let change = self.change(account).await;
        change
            .look(|view| {
                let group = find_group(view, account, name)?;
                if !members(view, account, &group)?.is_empty() {
                    return Err(Refusal::new(
                        RefusalKind::DeleteConflict,
                        "Cannot delete entity, must remove users from group first.",
                    ));
                }
                require_no_policies(view, account, Entity::Group(name))
            })
            .await?;
        let mut batch = Batch::new();
        batch.delete(group_key(account, name));
        change.commit(batch).await;
        Ok(())
    }

    /// AddUserToGroup and RemoveUserFromGroup. Doing either again changes nothing.
    pub async fn set_membership(
        &self,
        account: &str,
        group: &str,
        user: &str,
        membership: Membership,
    ) -> Result<(), Refusal> {
        let altered = self.alter_user(account, user, |view, user| {
            let group = find_group(view, account, group)?;
            user.groups.retain(|id| *id != group.id);
            if membership == Membership::Added {
                if user.groups.len() >= limits::GROUPS_PER_USER {
                    return Err(Refusal::limit(format!(
                        "Cannot exceed quota for GroupsPerUser: {}",
                        limits::GROUPS_PER_USER
                    )));
                }
                user.groups.push(group.id);
            }
            Ok(())
        });
        altered.await.map(drop)
    }
}

/// How a group is called in keys: names that differ in case only are one name.
pub(super) fn group_segment(name: &str) -> String {
    name.to_ascii_lowercase()
}

pub(super) fn group_key(account: &str, name: &str) -> Key {
    keys::group(account, &group_segment(name))
}

pub(super) fn find_group(view: &View<'_>, account: &str, name: &str) -> Result<GroupRecord, Refusal> {
    let group: Option<GroupRecord> = view.get(&group_key(account, name))?;
    group.filter(|group| group.name == name).ok_or_else(|| {
        let text = format!("The group with name {name} cannot be found.");
        Refusal::new(RefusalKind::NoSuchEntity, text)
    })
}

pub(super) fn all_groups(view: &View<'_>, account: &str) -> Result<Vec<GroupRecord>, Refusal> {
    let scan = view.scan::<GroupRecord>(&keys::groups(account), Bound::Unbounded, Direction::Forward);
    Ok(scan.map(|entry| entry.map(|(_, group)| group)).collect::<Result<_, _>>()?)
}

/// The groups in which a user is.
pub(super) fn groups_of(
    view: &View<'_>,
    account: &str,
    user: &UserRecord,
) -> Result<Vec<GroupRecord>, Refusal> {
    if user.groups.is_empty() {
        return Ok(Vec::new());
    }
    let mut groups = all_groups(view, account)?;
    groups.retain(|group| user.groups.contains(&group.id));
    Ok(groups)
}

fn members(view: &View<'_>, account: &str, group: &GroupRecord) -> Result<Vec<UserRecord>, Refusal> {
    let mut users = all_users(view, account)?;
    users.retain(|user| user.groups.contains(&group.id));
    Ok(users)
}
