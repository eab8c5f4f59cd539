//! IAM's wire: inputs, answers and names as AWS has them.

mod access_keys;
pub(super) mod answers;
mod groups;
mod held_policies;
mod managed_policies;
pub(super) mod names;
pub(super) mod operations;
mod roles;
mod service_credentials;
#[cfg(test)]
mod tests;
mod users;
