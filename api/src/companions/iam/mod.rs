//! IAM's wire: inputs, answers and names as AWS has them.

mod access_keys;
pub(super) mod answers;
mod held_policies;
mod managed_policies;
pub(super) mod names;
pub(super) mod operations;
mod roles;
#[cfg(test)]
mod tests;
mod users;
