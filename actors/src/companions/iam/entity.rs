//! What policies hang on: a role or a user.

use penstock_storage::View;

use super::refusal::Refusal;
use super::roles::{find_role, role_segment};
use super::users::{find_user, user_segment};

/// A role or a user, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity<'a> {
    /// A role.
    Role(&'a str),
    /// A user.
    User(&'a str),
}

impl Entity<'_> {
    /// How it is called in keys of policies: no role has a slash in its name.
    pub(super) fn segment(self) -> String {
        match self {
            Self::Role(name) => role_segment(name),
            Self::User(name) => format!("user/{}", user_segment(name)),
        }
    }

    /// Refuses one that is not there.
    pub(super) fn require(self, view: &View<'_>, account: &str) -> Result<(), Refusal> {
        match self {
            Self::Role(name) => find_role(view, account, name).map(drop),
            Self::User(name) => find_user(view, account, name).map(drop),
        }
    }

    /// As AWS's texts call its kind within a sentence.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Role(_) => "role",
            Self::User(_) => "user",
        }
    }

    /// As AWS's quotas call its kind.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Role(_) => "Role",
            Self::User(_) => "User",
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Role(name) | Self::User(name) => name,
        }
    }
}
