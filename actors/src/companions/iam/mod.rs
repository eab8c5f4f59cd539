//! IAM: roles, users, groups, their policies and managed policies. Trust policies are evaluated when a role is assumed, permission
//! policies whenever a session of the role, or the user, calls one of the daemon's services.

mod assumption;
mod authorization;
mod aws_managed;
mod entity;
mod groups;
mod held_policies;
mod identifiers;
mod limits;
mod managed_policies;
mod paging;
mod policy_versions;
mod records;
mod refusal;
mod renaming;
mod roles;
mod service;
mod service_credentials;
mod tags;
#[cfg(test)]
mod tests;
mod users;

pub use assumption::{AssumableRole, AssumeRefusal};
pub use authorization::Bearer;
pub use entity::Entity;
pub use groups::Membership;
pub use held_policies::AttachedPolicy;
pub use identifiers::{EntityArn, is_aws_managed};
pub(super) use identifiers::{base32_digit, random_base32};
pub use managed_policies::{
    GROUP_ENTITY, NewPolicy, Policy, PolicyFilter, PolicyOrigin, PolicyUsage, PolicyUser, ROLE_ENTITY,
    USER_ENTITY,
};
pub use paging::{Page, PageRequest};
pub use policy_versions::PolicyVersion;
pub use records::{
    AccessKey, GroupRecord as Group, KeyStatus, RoleRecord as Role, ServiceCredential, Tag,
    UserRecord as User,
};
pub use refusal::{Refusal, RefusalKind};
pub use roles::NewRole;
pub use service::Iam;
pub use service_credentials::CODECOMMIT;
pub use users::NewUser;
