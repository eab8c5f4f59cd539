//! What is kept of roles, users, groups and policies.

use penstock_engine::time::Timestamp;
use penstock_storage::Record;
use serde::{Deserialize, Serialize};

use crate::golden::form;

/// A tag of a role, a user or a policy. Keys are unique without regard to case.
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

form!(role_keeps_its_form: RoleRecord);

impl RoleRecord {
    /// `arn:aws:iam::<account>:role<path><name>`.
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:role{}{}", self.path, self.name)
    }
}

/// A user, without its policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// As given; unique in the account without regard to case.
    pub name: String,
    /// `/`, or a path that begins and ends with one.
    pub path: String,
    /// `AIDA…`: tells a user from a later one of the same name.
    pub id: String,
    /// When it was created.
    pub created: Timestamp,
    /// The ARN of the policy that bounds its permissions.
    pub boundary: Option<String>,
    /// In the order in which they came.
    pub tags: Vec<Tag>,
    /// At most two.
    pub keys: Vec<AccessKey>,
    /// The unique ids of the groups in which it is.
    #[serde(default)]
    pub groups: Vec<String>,
    /// At most two.
    #[serde(default)]
    pub service_credentials: Vec<ServiceCredential>,
}

/// The first form was without groups and passwords.
impl Record for UserRecord {
    const VERSION: u8 = 2;
}

form!(user_keeps_its_form: UserRecord);

impl UserRecord {
    /// `arn:aws:iam::<account>:user<path><name>`.
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:user{}{}", self.path, self.name)
    }
}

/// A group, without its policies; who is in it stands with the users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// As given; unique in the account without regard to case.
    pub name: String,
    /// `/`, or a path that begins and ends with one.
    pub path: String,
    /// `AGPA…`: stays when the group is called otherwise.
    pub id: String,
    /// When it was created.
    pub created: Timestamp,
}

impl Record for GroupRecord {
    const VERSION: u8 = 1;
}

form!(group_keeps_its_form: GroupRecord);

impl GroupRecord {
    /// `arn:aws:iam::<account>:group<path><name>`.
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:group{}{}", self.path, self.name)
    }
}

/// An access key of a user. Its secret follows from the daemon's own, and is on no disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// `AKIA…`.
    pub id: String,
    /// Whether it may be used.
    pub status: KeyStatus,
    /// When it was created.
    pub created: Timestamp,
}

/// A user name for CodeCommit. Its password follows from the daemon's own secret, and is on no disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCredential {
    /// `ACCA…`.
    pub id: String,
    /// Such as `jo-at-111122223333`.
    pub user_name: String,
    /// Whether it may be used.
    pub status: KeyStatus,
    /// When it was created.
    pub created: Timestamp,
    /// How often the password was reset.
    pub generation: u32,
}

/// Whether a key may be used (API reference: `statusType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's values of the same names")]
pub enum KeyStatus {
    Active,
    Inactive,
}

/// Whose an access key is; the key's id is in the record's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyHolderRecord {
    /// Twelve digits.
    pub(super) account: String,
    /// The user's name.
    pub(super) user: String,
}

impl Record for KeyHolderRecord {
    const VERSION: u8 = 1;
}

form!(key_holder_keeps_its_form: KeyHolderRecord);

/// A policy embedded in a role, user or group; its name is in the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InlinePolicyRecord {
    /// The text exactly as sent.
    pub(super) document: String,
}

impl Record for InlinePolicyRecord {
    const VERSION: u8 = 1;
}

form!(inline_policy_keeps_its_form: InlinePolicyRecord);

/// That a managed policy is attached to a role, user or group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AttachmentRecord {
    /// Since when.
    pub(super) attached: Timestamp,
}

impl Record for AttachmentRecord {
    const VERSION: u8 = 1;
}

form!(attachment_keeps_its_form: AttachmentRecord);

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

form!(policy_keeps_its_form: PolicyRecord);

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

form!(policy_version_keeps_its_form: PolicyVersionRecord);
