//! Users, and their access keys.

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
use super::records::{AccessKey, KeyHolderRecord, KeyStatus, Tag, UserRecord};
use super::refusal::{Refusal, RefusalKind};
use super::service::Iam;
use super::tags;

/// What CreateUser is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewUser {
    /// The user's name.
    pub name: String,
    /// `/` unless given.
    pub path: Option<String>,
    /// The ARN of a policy.
    pub boundary: Option<String>,
    /// At most 50.
    pub tags: Vec<Tag>,
}

impl Iam {
    /// CreateUser.
    pub async fn create_user(
        &self,
        account: &str,
        new: NewUser,
        now: Timestamp,
    ) -> Result<UserRecord, Refusal> {
        tags::check_distinct(&new.tags)?;
        let user = UserRecord {
            name: new.name,
            path: new.path.unwrap_or_else(|| "/".to_owned()),
            id: unique_id("AIDA")?,
            created: now,
            boundary: new.boundary,
            tags: new.tags,
            keys: Vec::new(),
            groups: Vec::new(),
            service_credentials: Vec::new(),
        };
        let change = self.change(account).await;
        change.grows()?;
        change
            .look(|view| {
                Entity::User(&user.name).require_free(view, account)?;
                user.boundary.as_deref().map_or(Ok(()), |arn| check_boundary(view, account, arn))
            })
            .await?;
        let mut batch = Batch::new();
        batch.put(user_key(account, &user.name), &user);
        change.commit(batch).await;
        Ok(user)
    }

    /// GetUser.
    pub async fn user(&self, account: &str, name: &str) -> Result<UserRecord, Refusal> {
        self.look(|view| find_user(view, account, name)).await
    }

    /// ListUsers: those whose path begins so.
    pub async fn list_users(
        &self,
        account: &str,
        path_prefix: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<UserRecord>, Refusal> {
        self.look(|view| {
            let mut users = all_users(view, account)?;
            users.retain(|user| path_prefix.is_none_or(|prefix| user.path.starts_with(prefix)));
            page.cut(users, |user| user.name.to_ascii_lowercase())
        })
        .await
    }

    /// DeleteUser: refused as long as it has keys or policies, or is in a group.
    pub async fn delete_user(&self, account: &str, name: &str) -> Result<(), Refusal> {
        let change = self.change(account).await;
        change
            .look(|view| {
                let user = find_user(view, account, name)?;
                require_no_policies(view, account, Entity::User(name))?;
                if !user.groups.is_empty() {
                    return Err(conflict("Cannot delete entity, must remove users from group first."));
                }
                if !user.keys.is_empty() {
                    return Err(conflict("Cannot delete entity, must delete access keys first."));
                }
                if !user.service_credentials.is_empty() {
                    return Err(conflict(
                        "Cannot delete entity, must delete service-specific credentials first.",
                    ));
                }
                Ok(())
            })
            .await?;
        let mut batch = Batch::new();
        batch.delete(user_key(account, name));
        change.commit(batch).await;
        Ok(())
    }

    /// PutUserPermissionsBoundary, and DeleteUserPermissionsBoundary with none.
    pub async fn set_user_boundary(
        &self,
        account: &str,
        name: &str,
        boundary: Option<String>,
    ) -> Result<(), Refusal> {
        let altered = self.alter_user(account, name, |view, user| {
            if let Some(arn) = &boundary {
                check_boundary(view, account, arn)?;
            } else if user.boundary.is_none() {
                return Err(Refusal::new(
                    RefusalKind::NoSuchEntity,
                    format!("User {} does not have a permissions boundary.", user.name),
                ));
            }
            user.boundary = boundary;
            Ok(())
        });
        altered.await.map(drop)
    }

    /// CreateAccessKey: gives a user the key of that id.
    pub async fn create_access_key(
        &self,
        account: &str,
        name: &str,
        id: String,
        now: Timestamp,
    ) -> Result<AccessKey, Refusal> {
        let key = AccessKey { id, status: KeyStatus::Active, created: now };
        let holder = KeyHolderRecord { account: account.to_owned(), user: name.to_owned() };
        let change = self.change(account).await;
        change.grows()?;
        let user = change.look(|view| {
            let mut user = find_user(view, account, name)?;
            if user.keys.len() >= limits::KEYS_PER_USER {
                return Err(Refusal::limit(format!(
                    "Cannot exceed quota for AccessKeysPerUser: {}",
                    limits::KEYS_PER_USER
                )));
            }
            user.keys.push(key.clone());
            Ok(user)
        });
        let user = user.await?;
        let mut batch = Batch::new();
        batch.put(user_key(account, name), &user);
        batch.put(keys::access_key(&key.id), &holder);
        change.commit(batch).await;
        Ok(key)
    }

    /// UpdateAccessKey.
    pub async fn update_access_key(
        &self,
        account: &str,
        name: &str,
        id: &str,
        status: KeyStatus,
    ) -> Result<(), Refusal> {
        let altered = self.alter_user(account, name, |_, user| {
            let key = user.keys.iter_mut().find(|key| key.id == id).ok_or_else(|| no_key(id))?;
            key.status = status;
            Ok(())
        });
        altered.await.map(drop)
    }

    /// DeleteAccessKey.
    pub async fn delete_access_key(&self, account: &str, name: &str, id: &str) -> Result<(), Refusal> {
        let change = self.change(account).await;
        let user = change.look(|view| {
            let mut user = find_user(view, account, name)?;
            let many = user.keys.len();
            user.keys.retain(|key| key.id != id);
            if user.keys.len() == many { Err(no_key(id)) } else { Ok(user) }
        });
        let user = user.await?;
        let mut batch = Batch::new();
        batch.put(user_key(account, name), &user);
        batch.delete(keys::access_key(id));
        change.commit(batch).await;
        Ok(())
    }

    /// Whose an access key is that may be used: the account, and the user as it is now.
    pub(in crate::companions) fn holder_of(&self, id: &str) -> Result<Option<(String, UserRecord)>, Refusal> {
        self.peek(|view| {
            let Some(holder) = view.get::<KeyHolderRecord>(&keys::access_key(id))? else { return Ok(None) };
            let user = view.get::<UserRecord>(&user_key(&holder.account, &holder.user))?;
            let is_active = |key: &AccessKey| key.id == id && key.status == KeyStatus::Active;
            Ok(user.filter(|user| user.keys.iter().any(is_active)).map(|user| (holder.account, user)))
        })
    }

    /// Changes one user's own record.
    pub(super) async fn alter_user(
        &self,
        account: &str,
        name: &str,
        alter: impl FnOnce(&View<'_>, &mut UserRecord) -> Result<(), Refusal>,
    ) -> Result<UserRecord, Refusal> {
        let change = self.change(account).await;
        change.grows()?;
        let user = change.look(|view| {
            let mut user = find_user(view, account, name)?;
            alter(view, &mut user)?;
            Ok(user)
        });
        let user = user.await?;
        let mut batch = Batch::new();
        batch.put(user_key(account, name), &user);
        change.commit(batch).await;
        Ok(user)
    }
}

/// How a user is called in keys: names that differ in case only are one name.
pub(super) fn user_segment(name: &str) -> String {
    name.to_ascii_lowercase()
}

pub(super) fn user_key(account: &str, name: &str) -> Key {
    keys::user(account, &user_segment(name))
}

pub(super) fn find_user(view: &View<'_>, account: &str, name: &str) -> Result<UserRecord, Refusal> {
    let user: Option<UserRecord> = view.get(&user_key(account, name))?;
    user.filter(|user| user.name == name).ok_or_else(|| {
        let text = format!("The user with name {name} cannot be found.");
        Refusal::new(RefusalKind::NoSuchEntity, text)
    })
}

pub(super) fn all_users(view: &View<'_>, account: &str) -> Result<Vec<UserRecord>, Refusal> {
    let scan = view.scan::<UserRecord>(&keys::users(account), Bound::Unbounded, Direction::Forward);
    Ok(scan.map(|entry| entry.map(|(_, user)| user)).collect::<Result<_, _>>()?)
}

fn check_boundary(view: &View<'_>, account: &str, arn: &str) -> Result<(), Refusal> {
    require_attachable(view, account, arn, "Scope ARN:")
}

fn no_key(id: &str) -> Refusal {
    Refusal::new(RefusalKind::NoSuchEntity, format!("The Access Key with id {id} cannot be found."))
}

fn conflict(message: &str) -> Refusal {
    Refusal::new(RefusalKind::DeleteConflict, message)
}
