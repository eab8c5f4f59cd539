//! The keys of the IAM and STS companions. Policies are kept by their ARN, which holds their path.

use super::layout::{Layout, Segments};
use super::{Key, Prefix};

/// A role.
pub fn role(account: &str, role: &str) -> Key {
    Layout::family("iam-role").text(account).text(role).key()
}

/// An account's roles, by name.
pub fn roles(account: &str) -> Prefix {
    Layout::family("iam-role").text(account).prefix()
}

/// Account and name of a [`role`].
pub fn parse_role(key: &Key) -> Option<(String, String)> {
    let mut segments = Segments::of(key, "iam-role")?;
    let parts = (segments.text()?, segments.text()?);
    segments.end()?;
    Some(parts)
}

/// A user.
pub fn user(account: &str, user: &str) -> Key {
    Layout::family("iam-user").text(account).text(user).key()
}

/// An account's users, by name.
pub fn users(account: &str) -> Prefix {
    Layout::family("iam-user").text(account).prefix()
}

/// A group.
pub fn group(account: &str, group: &str) -> Key {
    Layout::family("iam-group").text(account).text(group).key()
}

/// An account's groups, by name.
pub fn groups(account: &str) -> Prefix {
    Layout::family("iam-group").text(account).prefix()
}

/// Whose a user's access key is.
pub fn access_key(id: &str) -> Key {
    Layout::family("iam-access-key").text(id).key()
}

/// A policy embedded in a role, or in a user or a group, which are called `user/<name>` and `group/<name>` here.
pub fn role_policy(account: &str, role: &str, policy: &str) -> Key {
    Layout::family("iam-role-policy").text(account).text(role).text(policy).key()
}

/// The policies embedded in a role, by name.
pub fn role_policies(account: &str, role: &str) -> Prefix {
    Layout::family("iam-role-policy").text(account).text(role).prefix()
}

/// The policy name of a [`role_policy`].
pub fn parse_role_policy(key: &Key) -> Option<String> {
    third_text(key, "iam-role-policy")
}

/// That a managed policy is attached to a role.
pub fn attached(account: &str, role: &str, arn: &str) -> Key {
    Layout::family("iam-attached").text(account).text(role).text(arn).key()
}

/// The managed policies attached to a role.
pub fn attached_to(account: &str, role: &str) -> Prefix {
    Layout::family("iam-attached").text(account).text(role).prefix()
}

/// Every attachment of an account.
pub fn all_attached(account: &str) -> Prefix {
    Layout::family("iam-attached").text(account).prefix()
}

/// Role and policy ARN of an [`attached`].
pub fn parse_attached(key: &Key) -> Option<(String, String)> {
    let mut segments = Segments::of(key, "iam-attached")?;
    segments.text()?;
    let parts = (segments.text()?, segments.text()?);
    segments.end()?;
    Some(parts)
}

/// A managed policy.
pub fn policy(account: &str, arn: &str) -> Key {
    Layout::family("iam-policy").text(account).text(arn).key()
}

/// An account's managed policies, by ARN.
pub fn policies(account: &str) -> Prefix {
    Layout::family("iam-policy").text(account).prefix()
}

/// The ARN of a [`policy`].
pub fn parse_policy(key: &Key) -> Option<String> {
    let mut segments = Segments::of(key, "iam-policy")?;
    segments.text()?;
    let arn = segments.text()?;
    segments.end()?;
    Some(arn)
}

/// One version of a managed policy.
pub fn policy_version(account: &str, arn: &str, version: u32) -> Key {
    Layout::family("iam-policy-version").text(account).text(arn).small(version).key()
}

/// The versions of a managed policy, oldest first.
pub fn policy_versions(account: &str, arn: &str) -> Prefix {
    Layout::family("iam-policy-version").text(account).text(arn).prefix()
}

/// The number of a [`policy_version`].
pub fn parse_policy_version(key: &Key) -> Option<u32> {
    let mut segments = Segments::of(key, "iam-policy-version")?;
    segments.text()?;
    segments.text()?;
    let version = segments.small()?;
    segments.end()?;
    Some(version)
}

/// A secret that the daemon makes once and signs with, such as STS's.
pub fn secret(name: &str) -> Key {
    Layout::family("secret").text(name).key()
}

fn third_text(key: &Key, family: &str) -> Option<String> {
    let mut segments = Segments::of(key, family)?;
    segments.text()?;
    segments.text()?;
    let text = segments.text()?;
    segments.end()?;
    Some(text)
}
