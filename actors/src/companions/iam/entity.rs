//! What policies hang on: a role, a user or a group.

use penstock_storage::{Key, View};

use super::groups::{find_group, group_key, group_segment};
use super::refusal::{Refusal, RefusalKind};
use super::roles::{find_role, role_key, role_segment};
use super::users::{find_user, user_key, user_segment};

/// A role, a user or a group, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity<'a> {
    /// A role.
    Role(&'a str),
    /// A user.
    User(&'a str),
    /// A group.
    Group(&'a str),
}

impl Entity<'_> {
    /// How it is called in keys of policies: no role has a slash in its name.
    pub(super) fn segment(self) -> String {
        match self {
            Self::Role(name) => role_segment(name),
            Self::User(name) => format!("user/{}", user_segment(name)),
            Self::Group(name) => format!("group/{}", group_segment(name)),
        }
    }

    /// Where its record is.
    pub(super) fn key(self, account: &str) -> Key {
        match self {
            Self::Role(name) => role_key(account, name),
            Self::User(name) => user_key(account, name),
            Self::Group(name) => group_key(account, name),
        }
    }

    /// Refuses one whose name is taken.
    pub(super) fn require_free(self, view: &View<'_>, account: &str) -> Result<(), Refusal> {
        if view.contains(&self.key(account))? {
            let text = format!("{} with name {} already exists.", self.kind(), self.name());
            return Err(Refusal::new(RefusalKind::EntityAlreadyExists, text));
        }
        Ok(())
    }

    /// Refuses one that is not there.
    pub(super) fn require(self, view: &View<'_>, account: &str) -> Result<(), Refusal> {
        match self {
            Self::Role(name) => find_role(view, account, name).map(drop),
            Self::User(name) => find_user(view, account, name).map(drop),
            Self::Group(name) => find_group(view, account, name).map(drop),
        }
    }

    /// As AWS's texts call its kind within a sentence.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Role(_) => "role",
            Self::User(_) => "user",
            Self::Group(_) => "group",
        }
    }

    /// As AWS's quotas call its kind.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Role(_) => "Role",
            Self::User(_) => "User",
            Self::Group(_) => "Group",
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Role(name) | Self::User(name) | Self::Group(name) => name,
        }
    }
}
