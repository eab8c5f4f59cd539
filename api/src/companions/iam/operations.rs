//! The table of IAM's operations: a name and its handler, one row each.

use super::{managed_policies, role_policies, roles};
use crate::handler::Handler;

macro_rules! operations {
    ($($name:literal => $handler:path,)*) => {
        /// The handler of an operation.
        pub(in crate::companions) fn handler(operation: &str) -> Option<Handler> {
            match operation {
                $($name => Some(|services, caller, input| Box::pin($handler(services, caller, input))),)*
                _ => None,
            }
        }

        #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$($name),*];
    };
}

operations! {
    "AttachRolePolicy" => role_policies::attach_role_policy,
    "CreatePolicy" => managed_policies::create_policy,
    "CreatePolicyVersion" => managed_policies::create_policy_version,
    "CreateRole" => roles::create_role,
    "DeletePolicy" => managed_policies::delete_policy,
    "DeletePolicyVersion" => managed_policies::delete_policy_version,
    "DeleteRole" => roles::delete_role,
    "DeleteRolePermissionsBoundary" => roles::delete_role_permissions_boundary,
    "DeleteRolePolicy" => role_policies::delete_role_policy,
    "DetachRolePolicy" => role_policies::detach_role_policy,
    "GetPolicy" => managed_policies::get_policy,
    "GetPolicyVersion" => managed_policies::get_policy_version,
    "GetRole" => roles::get_role,
    "GetRolePolicy" => role_policies::get_role_policy,
    "ListAttachedRolePolicies" => role_policies::list_attached_role_policies,
    "ListEntitiesForPolicy" => managed_policies::list_entities_for_policy,
    "ListInstanceProfilesForRole" => roles::list_instance_profiles_for_role,
    "ListPolicies" => managed_policies::list_policies,
    "ListPolicyTags" => managed_policies::list_policy_tags,
    "ListPolicyVersions" => managed_policies::list_policy_versions,
    "ListRolePolicies" => role_policies::list_role_policies,
    "ListRoleTags" => roles::list_role_tags,
    "ListRoles" => roles::list_roles,
    "PutRolePermissionsBoundary" => roles::put_role_permissions_boundary,
    "PutRolePolicy" => role_policies::put_role_policy,
    "SetDefaultPolicyVersion" => managed_policies::set_default_policy_version,
    "TagPolicy" => managed_policies::tag_policy,
    "TagRole" => roles::tag_role,
    "UntagPolicy" => managed_policies::untag_policy,
    "UntagRole" => roles::untag_role,
    "UpdateAssumeRolePolicy" => roles::update_assume_role_policy,
    "UpdateRole" => roles::update_role,
    "UpdateRoleDescription" => roles::update_role_description,
}
