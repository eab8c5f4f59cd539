//! IAM: roles, their policies and managed policies. Trust policies are evaluated when a role is assumed, permission
//! policies whenever a session of the role calls one of the daemon's services.

mod assumption;
mod authorization;
mod aws_managed;
mod identifiers;
mod limits;
mod managed_policies;
mod paging;
mod policy_versions;
mod records;
mod refusal;
mod role_policies;
mod roles;
mod service;
mod tags;
#[cfg(test)]
mod tests;

pub use assumption::{AssumableRole, AssumeRefusal};
pub use authorization::Bearer;
pub use identifiers::{RoleArn, is_aws_managed};
pub(super) use identifiers::{base32_digit, random_base32};
pub use managed_policies::{NewPolicy, Policy, PolicyFilter, PolicyOrigin, PolicyUsage, ROLE_ENTITY};
pub use paging::{Page, PageRequest};
pub use policy_versions::PolicyVersion;
pub use records::{RoleRecord as Role, Tag};
pub use refusal::{Refusal, RefusalKind};
pub use role_policies::AttachedPolicy;
pub use roles::NewRole;
pub use service::Iam;
