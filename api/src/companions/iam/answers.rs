//! Roles, users, groups, policies and pages as IAM shows them.

use penstock_actors::companions::iam::{Group, Page, Policy, PolicyVersion, Role, Tag, User};
use penstock_engine::time::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What RFC 3986 leaves as it is; documents are shown encoded like that.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A policy document, URL-encoded.
pub(super) fn document(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Whole seconds in ISO 8601.
pub(in crate::companions) fn date(at: Timestamp) -> Option<String> {
    let seconds = i64::try_from(at.0 / 1000).ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

/// Which operation shows a role or a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Showing {
    /// One that is about this role.
    One,
    /// A list, in which AWS leaves out tags and boundary.
    Listed,
}

pub(super) fn role(account: &str, role: &Role, showing: Showing) -> Value {
    let boundary = boundary(role.boundary.as_deref());
    let own = |value: Value| if showing == Showing::One { value } else { Value::Null };
    json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn(account),
        "CreateDate": date(role.created),
        "AssumeRolePolicyDocument": document(&role.trust),
        "Description": role.description,
        "MaxSessionDuration": role.max_session,
        "PermissionsBoundary": own(json!(boundary)),
        "Tags": own(if role.tags.is_empty() { Value::Null } else { tags(&role.tags) }),
    })
}

pub(super) fn user(account: &str, user: &User, showing: Showing) -> Value {
    let own = |value: Value| if showing == Showing::One { value } else { Value::Null };
    json!({
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn(account),
        "CreateDate": date(user.created),
        "PermissionsBoundary": own(json!(boundary(user.boundary.as_deref()))),
        "Tags": own(if user.tags.is_empty() { Value::Null } else { tags(&user.tags) }),
    })
}

pub(super) fn group(account: &str, group: &Group) -> Value {
    json!({
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.id,
        "Arn": group.arn(account),
        "CreateDate": date(group.created),
    })
}

fn boundary(arn: Option<&str>) -> Option<Value> {
    arn.map(
        |arn| json!({"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn}),
    )
}

pub(super) fn policy(policy: &Policy, showing: Showing) -> Value {
    let own = policy.own.as_ref();
    let one = own.filter(|_| showing == Showing::One);
    json!({
        "PolicyName": policy.name,
        "PolicyId": own.map(|own| &own.id),
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": own.map(|own| version_id(own.default_version)),
        "AttachmentCount": policy.attachments,
        "PermissionsBoundaryUsageCount": policy.boundaries,
        "IsAttachable": true,
        "Description": one.and_then(|own| own.description.as_ref()),
        "CreateDate": own.map(|own| date(own.created)),
        "UpdateDate": own.map(|own| date(own.updated)),
        "Tags": one.filter(|own| !own.tags.is_empty()).map(|own| tags(&own.tags)),
    })
}

/// Only GetPolicyVersion shows the document.
pub(super) fn policy_version(version: &PolicyVersion, showing: Showing) -> Value {
    json!({
        "Document": (showing == Showing::One).then(|| document(&version.document)),
        "VersionId": version_id(version.number),
        "IsDefaultVersion": version.is_default,
        "CreateDate": date(version.created),
    })
}

pub(super) fn tags(tags: &[Tag]) -> Value {
    tags.iter().map(|tag| json!({"Key": tag.key, "Value": tag.value})).collect()
}

/// A page under the name of its list.
pub(super) fn page(name: &str, page: Page<Value>) -> Value {
    json!({name: page.items, "IsTruncated": page.marker.is_some(), "Marker": page.marker})
}

fn version_id(number: u32) -> String {
    format!("v{number}")
}
