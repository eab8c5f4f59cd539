//! The table of IAM's operations: a name and its handler, one row each.

use super::{access_keys, groups, held_policies, managed_policies, roles, service_credentials, users};
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
    "AddUserToGroup" => groups::add_user,
    "AttachGroupPolicy" => held_policies::attach,
    "AttachRolePolicy" => held_policies::attach,
    "AttachUserPolicy" => held_policies::attach,
    "CreateAccessKey" => access_keys::create,
    "CreateGroup" => groups::create,
    "CreatePolicy" => managed_policies::create_policy,
    "CreatePolicyVersion" => managed_policies::create_policy_version,
    "CreateRole" => roles::create_role,
    "CreateServiceSpecificCredential" => service_credentials::create,
    "CreateUser" => users::create,
    "DeleteAccessKey" => access_keys::delete,
    "DeleteGroup" => groups::delete,
    "DeleteGroupPolicy" => held_policies::delete,
    "DeletePolicy" => managed_policies::delete_policy,
    "DeletePolicyVersion" => managed_policies::delete_policy_version,
    "DeleteRole" => roles::delete_role,
    "DeleteRolePermissionsBoundary" => roles::delete_role_permissions_boundary,
    "DeleteRolePolicy" => held_policies::delete,
    "DeleteServiceSpecificCredential" => service_credentials::delete,
    "DeleteUser" => users::delete,
    "DeleteUserPermissionsBoundary" => users::delete_boundary,
    "DeleteUserPolicy" => held_policies::delete,
    "DetachGroupPolicy" => held_policies::detach,
    "DetachRolePolicy" => held_policies::detach,
    "DetachUserPolicy" => held_policies::detach,
    "GetGroup" => groups::get,
    "GetGroupPolicy" => held_policies::get,
    "GetPolicy" => managed_policies::get_policy,
    "GetPolicyVersion" => managed_policies::get_policy_version,
    "GetRole" => roles::get_role,
    "GetRolePolicy" => held_policies::get,
    "GetUser" => users::get,
    "GetUserPolicy" => held_policies::get,
    "ListAccessKeys" => access_keys::list,
    "ListAttachedGroupPolicies" => held_policies::list_attached,
    "ListAttachedRolePolicies" => held_policies::list_attached,
    "ListAttachedUserPolicies" => held_policies::list_attached,
    "ListEntitiesForPolicy" => managed_policies::list_entities_for_policy,
    "ListGroupPolicies" => held_policies::list,
    "ListGroups" => groups::list,
    "ListGroupsForUser" => groups::list_for_user,
    "ListInstanceProfilesForRole" => roles::list_instance_profiles_for_role,
    "ListPolicies" => managed_policies::list_policies,
    "ListPolicyTags" => managed_policies::list_policy_tags,
    "ListPolicyVersions" => managed_policies::list_policy_versions,
    "ListRolePolicies" => held_policies::list,
    "ListRoleTags" => roles::list_role_tags,
    "ListRoles" => roles::list_roles,
    "ListServiceSpecificCredentials" => service_credentials::list,
    "ListUserPolicies" => held_policies::list,
    "ListUserTags" => users::list_tags,
    "ListUsers" => users::list,
    "PutGroupPolicy" => held_policies::put,
    "PutRolePermissionsBoundary" => roles::put_role_permissions_boundary,
    "PutRolePolicy" => held_policies::put,
    "PutUserPermissionsBoundary" => users::put_boundary,
    "PutUserPolicy" => held_policies::put,
    "RemoveUserFromGroup" => groups::remove_user,
    "ResetServiceSpecificCredential" => service_credentials::reset,
    "SetDefaultPolicyVersion" => managed_policies::set_default_policy_version,
    "TagPolicy" => managed_policies::tag_policy,
    "TagRole" => roles::tag_role,
    "TagUser" => users::tag,
    "UntagPolicy" => managed_policies::untag_policy,
    "UntagRole" => roles::untag_role,
    "UntagUser" => users::untag,
    "UpdateAccessKey" => access_keys::update,
    "UpdateAssumeRolePolicy" => roles::update_assume_role_policy,
    "UpdateGroup" => groups::update,
    "UpdateRole" => roles::update_role,
    "UpdateRoleDescription" => roles::update_role_description,
    "UpdateServiceSpecificCredential" => service_credentials::update,
    "UpdateUser" => users::update,
}
