//! What is kept of roles and policies.

use penstock_engine::time::Timestamp;
use penstock_storage::Record;
use serde::{Deserialize, Serialize};

/// A tag of a role or a policy. Keys are unique without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// 1 to 128 characters.
    pub key: String,
    /// Up to 256 characters.
    pub value: String,
}

/// A role, without its policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRecord {
    /// As given; unique in the account without regard to case.
    pub name: String,
    /// `/`, or a path that begins and ends with one.
    pub path: String,
    /// `AROA…`: tells a role from a later one of the same name.
    pub id: String,
    /// When it was created.
    pub created: Timestamp,
    /// The trust policy's text exactly as sent.
    pub trust: String,
    /// Free text.
    pub description: Option<String>,
    /// Seconds.
    pub max_session: u32,
    /// The ARN of the policy that bounds its permissions.
    pub boundary: Option<String>,
    /// In the order in which they came.
    pub tags: Vec<Tag>,
}

impl Record for RoleRecord {
    const VERSION: u8 = 1;
}

impl RoleRecord {
    /// `arn:aws:iam::<account>:role<path><name>`.
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:role{}{}", self.path, self.name)
    }
}

/// A policy embedded in a role; its name is in the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InlinePolicyRecord {
    /// The text exactly as sent.
    pub(super) document: String,
}

impl Record for InlinePolicyRecord {
    const VERSION: u8 = 1;
}

/// That a managed policy is attached to a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AttachmentRecord {
    /// Since when.
    pub(super) attached: Timestamp,
}

impl Record for AttachmentRecord {
    const VERSION: u8 = 1;
}

/// A customer-managed policy, without its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PolicyRecord {
    /// Unique in the account without regard to case and path.
    pub(super) name: String,
    /// `/`, or a path that begins and ends with one.
    pub(super) path: String,
    /// `ANPA…`.
    pub(super) id: String,
    /// When it was created.
    pub(super) created: Timestamp,
    /// When a version was last made or chosen.
    pub(super) updated: Timestamp,
    /// Cannot be changed.
    pub(super) description: Option<String>,
    /// In the order in which they came.
    pub(super) tags: Vec<Tag>,
    /// The version in force.
    pub(super) default_version: u32,
    /// Numbers are never used twice.
    pub(super) next_version: u32,
}

impl Record for PolicyRecord {
    const VERSION: u8 = 1;
}

/// One version of a managed policy; its number is in the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PolicyVersionRecord {
    /// The text exactly as sent.
    pub(super) document: String,
    /// When it was created.
    pub(super) created: Timestamp,
}

impl Record for PolicyVersionRecord {
    const VERSION: u8 = 1;
}
