//! IAM's default quotas for what one role or policy may hold.
//!
//! Source: IAM user guide, "IAM and AWS STS quotas". White space does not count.

use super::refusal::Refusal;

/// Managed policies attached to one role.
pub(super) const POLICIES_PER_ROLE: usize = 10;
/// Versions of one managed policy.
pub(super) const VERSIONS_PER_POLICY: usize = 5;
/// Tags of one role or policy.
pub(super) const TAGS: usize = 50;

const TRUST_POLICY: usize = 2048;
const MANAGED_POLICY: usize = 6144;
const INLINE_POLICIES: usize = 10_240;

pub(super) fn check_trust_policy(document: &str) -> Result<(), Refusal> {
    within(counted(document), TRUST_POLICY)
        .map_err(|()| Refusal::limit(format!("Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY}")))
}

pub(super) fn check_managed_policy(document: &str) -> Result<(), Refusal> {
    within(counted(document), MANAGED_POLICY)
        .map_err(|()| Refusal::limit(format!("Cannot exceed quota for PolicySize: {MANAGED_POLICY}")))
}

/// The sum over all inline policies of a role is what counts.
pub(super) fn check_inline_policies<'a>(
    role: &str,
    documents: impl Iterator<Item = &'a str>,
) -> Result<(), Refusal> {
    within(documents.map(counted).sum(), INLINE_POLICIES).map_err(|()| {
        Refusal::limit(format!("Maximum policy size of {INLINE_POLICIES} bytes exceeded for role {role}"))
    })
}

fn counted(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

fn within(size: usize, most: usize) -> Result<(), ()> {
    if size <= most { Ok(()) } else { Err(()) }
}
