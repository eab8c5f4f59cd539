//! IAM's default quotas for what one role or policy may hold.
//!
//! Source: IAM user guide, "IAM and AWS STS quotas". White space does not count.

use super::entity::Entity;
use super::refusal::Refusal;

/// Managed policies attached to one role, user or group.
pub(super) const POLICIES_PER_ENTITY: usize = 10;
/// Versions of one managed policy.
pub(super) const VERSIONS_PER_POLICY: usize = 5;
/// Access keys of one user.
pub(super) const KEYS_PER_USER: usize = 2;
/// Groups of one account.
pub(super) const GROUPS: usize = 300;
/// Groups in which one user is.
pub(super) const GROUPS_PER_USER: usize = 10;
/// Credentials of one user for one service.
pub(super) const SERVICE_CREDENTIALS_PER_USER: usize = 2;
/// Tags of one role, user or policy.
pub(super) const TAGS: usize = 50;

const TRUST_POLICY: usize = 2048;
const MANAGED_POLICY: usize = 6144;
const INLINE_POLICIES_OF_ROLE: usize = 10_240;
const INLINE_POLICIES_OF_USER: usize = 2048;
const INLINE_POLICIES_OF_GROUP: usize = 5120;

pub(super) fn check_trust_policy(document: &str) -> Result<(), Refusal> {
    within(counted(document), TRUST_POLICY)
        .map_err(|()| Refusal::limit(format!("Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY}")))
}

pub(super) fn check_managed_policy(document: &str) -> Result<(), Refusal> {
    within(counted(document), MANAGED_POLICY)
        .map_err(|()| Refusal::limit(format!("Cannot exceed quota for PolicySize: {MANAGED_POLICY}")))
}

/// The sum over all inline policies of a role, user or group is what counts.
pub(super) fn check_inline_policies<'a>(
    on: Entity<'_>,
    documents: impl Iterator<Item = &'a str>,
) -> Result<(), Refusal> {
    let most = match on {
        Entity::Role(_) => INLINE_POLICIES_OF_ROLE,
        Entity::User(_) => INLINE_POLICIES_OF_USER,
        Entity::Group(_) => INLINE_POLICIES_OF_GROUP,
    };
    within(documents.map(counted).sum(), most).map_err(|()| {
        let (noun, name) = (on.noun(), on.name());
        Refusal::limit(format!("Maximum policy size of {most} bytes exceeded for {noun} {name}"))
    })
}

fn counted(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

fn within(size: usize, most: usize) -> Result<(), ()> {
    if size <= most { Ok(()) } else { Err(()) }
}
